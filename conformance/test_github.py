"""GitHub: our requests and our sandbox's answers, both held to GitHub's own OpenAPI description."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from conformance.exchanges import Exchange, Recorder
from conformance.github_description import Description, accepted
from conformance.questions import Samples, questions
from connectors.github import GitHubConnector
from connectors.registry import operations_of
from models.evidence import Answer
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Source
from sandbox.run import Sandbox

Said = tuple[list[tuple[str, Answer]], list[Exchange]]
"""Each question with its answer, and all that went over the wire for them."""


def samples(company: Sandbox) -> Samples:
    """The repositories, and what happened in the one with the most deployments."""
    world = company.world.deployments
    names = [one.name for one in world.repositories]
    busiest = Counter(one.repository for one in world.deployments).most_common(1)[0][0]
    deployed = [one.sha for one in sorted(world.deployments, key=lambda one: one.created) if one.repository == busiest]
    pull = next(one for one in world.pulls if one.repository == busiest)
    words: list[JsonValue] = [pull.title.split()[0], f"#{pull.number}"]
    return {
        "repositories": [[*names], [busiest], None],
        "services": [["edge"]],
        "base": [deployed[0]],
        "head": [deployed[-1]],
        "list_changes": [{"repositories": [busiest]}],
        "branch": [next(one.default_branch for one in world.repositories if one.name == busiest)],
        "event": ["push"],
        "terms": [words, [words[0]]],
        "updated_since": [(company.now - timedelta(days=30)).isoformat()],
    }


@pytest.fixture(scope="module")
async def said(company: Sandbox) -> Said:
    """Ask every operation, and let the connector examine the far end."""
    recorder = Recorder()
    world = company.world
    config = GitHubConfig.model_validate(
        {
            "url": company.addresses["github"],
            "token": "env:GITHUB_TOKEN",
            "repositories": [one.name for one in world.deployments.repositories],
            "services": {"edge": [world.deployments.repositories[0].name]},
            "environment": world.tenant.environment,
        }
    )
    github = GitHubConnector(config, company.credentials.github_token, transport=recorder)
    answers: list[tuple[str, Answer]] = []
    try:
        for request in questions(Source.GITHUB, operations_of(Source.GITHUB), samples(company)):
            answers.append((f"{request.operation} {dict(request.parameters)}", await github.fetch(request)))
        await github.examine()
    finally:
        await github.aclose()
    return answers, recorder.exchanges


async def everything(company: Sandbox) -> list[Exchange]:
    """Every address that the sandbox has, for everything that its repositories hold."""
    world = company.world.deployments
    parts: dict[str, list[str]] = {
        one.name: [
            "",
            "/deployments",
            "/commits",
            "/pulls?state=closed",
            "/pulls?state=all",
            "/releases",
            "/actions/runs",
        ]
        for one in world.repositories
    }
    for deployment in world.deployments:
        parts[deployment.repository] += [f"/deployments/{deployment.id}", f"/deployments/{deployment.id}/statuses"]
    shas: dict[str, list[str]] = {}
    for commit in world.commits:
        shas.setdefault(commit.repository, []).append(commit.sha)
        parts[commit.repository] += [f"/commits/{commit.sha}", f"/commits/{commit.sha}/pulls"]
    for pull in world.pulls:
        parts[pull.repository] += [f"/pulls/{pull.number}{rest}" for rest in ("", "/files", "/commits")]
    for release in world.releases:
        parts[release.repository] += ["/releases/latest", f"/releases/tags/{release.tag}"]
    for name, known in shas.items():
        parts[name] += [f"/compare/{known[0]}...{known[-1]}", f"/compare/{known[-1]}...{known[0]}"]
    targets = [f"/repos/{name}{rest}" for name, some in parts.items() for rest in some]
    targets += ["/rate_limit", f"/search/issues?q=repo:{next(iter(parts))}+is:pr+is:merged", "/repos/nobody/nothing"]
    recorder = Recorder()
    headers = {"authorization": f"Bearer {company.credentials.github_token}"}
    async with httpx.AsyncClient(transport=recorder, headers=headers) as client:
        for target in targets:
            await client.get(company.addresses["github"] + target)
    return recorder.exchanges


async def test_every_request_is_one_that_github_describes(said: Said, held: Counter[str]) -> None:
    exchanges = list({one.target: one for one in said[1]}.values())
    description = Description([one.path for one in exchanges])
    assert sorted({fault for one in exchanges for fault in description.request_faults(one)}) == []
    assert [one.headers.get("accept") for one in exchanges if not accepted(one.headers.get("accept", "*/*"))] == []
    held["GitHub requests: GitHub's OpenAPI description, @octokit/openapi 23.0.2"] += len(exchanges)


async def test_every_answer_of_the_sandbox_is_one_that_github_describes(
    said: Said, company: Sandbox, held: Counter[str]
) -> None:
    exchanges = list({one.target: one for one in said[1] + await everything(company)}.values())
    description = Description([one.path for one in exchanges])
    wrong = {fault for one in exchanges for fault in description.answer_faults(one)}
    assert sorted(wrong) == []
    held["GitHub answers of the sandbox: GitHub's OpenAPI description"] += len(exchanges)


def test_every_question_was_answered_and_most_with_rows(said: Said) -> None:
    answers, _ = said
    expected = (EvidenceStatus.FOUND, EvidenceStatus.EMPTY)
    assert [(asked, answer.reason) for asked, answer in answers if answer.status not in expected] == []
    rows = Counter(asked.split()[0] for asked, answer in answers for _ in answer.rows)
    assert {"list_deployments", "list_commits", "list_releases", "list_pulls"} <= set(rows)


async def test_a_wrong_request_or_answer_is_found(company: Sandbox) -> None:
    path = f"/repos/{company.world.deployments.deployments[0].repository}/deployments"
    good = next(one for one in await everything(company) if one.path == path)
    description = Description([path])
    assert list(description.faults(good)) == []
    assert "takes no 'since'" in "".join(description.request_faults(replace(good, query="since=2026-01-01")))
    assert list(description.request_faults(replace(good, query="per_page=many")))
    deployments = json.loads(good.answer)
    for changed in (
        {**deployments[0], "id": str(deployments[0]["id"])},
        {**deployments[0], "created_at": "yesterday"},
        {name: value for name, value in deployments[0].items() if name != "sha"},
    ):
        assert list(description.answer_faults(replace(good, answer=json.dumps([changed]).encode())))
    assert list(description.answer_faults(replace(good, status=418)))
    assert list(description.answer_faults(replace(good, content_type="text/html")))
    with pytest.raises(LookupError):
        Description(["/repos/a/b/deploys"])
