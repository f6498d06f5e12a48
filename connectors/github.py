"""GitHub, read-only: deployments and what each brought, commits, releases and merged pull requests.

The token needs Read on deployments, contents, pull requests and metadata of the configured repositories.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import quote

import github
import httpx
from github.GithubException import BadAttributeException

from connectors.answers import answer, iso, no_answer, time_limit
from connectors.base import Operation, Plugin, Secrets, Unavailable, operation
from connectors.github_client import GUARD, Question, question_at_hand, read_failure
from connectors.github_reads import (
    EVER,
    Changes,
    Deployed,
    Deployments,
    Merged,
    Rollout,
    Rows,
    list_commits,
    list_deployments,
    list_pulls,
    list_releases,
    read_changes,
    read_merged,
    read_rollout,
)
from connectors.http import Declined, ReadOnlyHttp
from connectors.parameters import TextList, ask_both, ask_together, read_parameters
from models.base import Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Scope, Source

T = TypeVar("T")

_ENRICHED = 10
"""Deployments, newest first, whose rollout and changes are read: two requests each."""
_LOOK_BACK = 4
"""Failed deployments in a row that are passed over to find what ran before."""
_THREADS = 8
_STEP = 60.0
"""Seconds for one step of a request; the question's own limit is what counts."""
_FAILED_STATES = frozenset({"failure", "error"})


class ListDeployments(Strict):
    """To the configured environment, created in the window."""

    repositories: TextList | None = None


class ListCommits(Strict):
    """On the default branch, committed in the window."""

    repositories: TextList | None = None


class ListReleases(Strict):
    """Published in the window."""

    repositories: TextList | None = None


class ListPulls(Strict):
    """Merged in the window; or closed, or opened in it and open still."""

    repositories: TextList | None = None
    state: Literal["merged", "closed", "open"] = "merged"


_Parameters = ListDeployments | ListCommits | ListReleases | ListPulls
_OPERATIONS: dict[str, Operation] = {
    "list_deployments": operation(
        ListDeployments,
        "id repository sha short_sha ref environment description creator state created_at finished_at url changes "
        "pulls files",
    ),
    "list_commits": operation(
        ListCommits,
        "repository sha short_sha subject author committed_at url",
    ),
    "list_releases": operation(
        ListReleases,
        "repository tag name created_at published_at url body",
    ),
    "list_pulls": operation(
        ListPulls,
        "repository number title merged_at url labels author",
    ),
}


class _Part(NamedTuple):
    """What one repository gave: something, or the reason why not."""

    found: Deployments | Rows | None
    problem: Declined | None = None


class GitHubConnector:
    """The configured repositories by one token, over one pooled client."""

    source = Source.GITHUB

    def __init__(self, config: GitHubConfig, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Open no connection yet; `transport` replaces the network in tests. To be closed: it holds the process's guard."""
        self._url = str(config.url).rstrip("/")
        self._web = str(config.web).rstrip("/")
        self._repositories = list(config.repositories)
        self._environment = config.environment
        self._token = token
        self._http = ReadOnlyHttp(self._url, timeout=_STEP, transport=transport)
        # Threads of our own: the event loop's default pool has few, and others wait in them too.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="github")
        self._open = True
        GUARD.hold()

    def client(self) -> github.Github:
        """Return the SDK's client for one thread; it reads only, and only from within `fetch`."""
        return GUARD.make_client(self._url, self._token)

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask GitHub; the asked repositories must be among the configured ones.

        A repository that cannot be read leaves the answer incomplete (`truncated`, with the reason).

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation, parameter or repository.
        """
        parameters = read_parameters(request, _OPERATIONS)
        assert isinstance(parameters, _Parameters)
        repositories = self._asked(parameters.repositories)
        question = Question(self._http, self._url)
        token = question_at_hand.set(question)
        try:
            async with time_limit(request):
                if isinstance(parameters, ListDeployments):
                    return await self._deployments(request, repositories, question)
                return await self._listed(request, parameters, repositories, question)
        finally:
            question_at_hand.reset(token)
            question.close()

    async def aclose(self) -> None:
        """Close all connections and let the threads go."""
        if self._open:
            self._open = False
            GUARD.release()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._http.aclose()

    def _asked(self, wanted: list[str] | None) -> list[str]:
        if not wanted:
            return self._repositories
        configured = {name.casefold(): name for name in self._repositories}
        for name in wanted:
            if name.casefold() not in configured:
                raise ValueError(f"{name!r} is not a configured repository; those are {', '.join(self._repositories)}")
        return list(dict.fromkeys(configured[name.casefold()] for name in wanted))

    async def _listed(
        self,
        request: SourceRequest,
        wanted: ListCommits | ListReleases | ListPulls,
        repositories: list[str],
        question: Question,
    ) -> Answer:
        window, limit = request.window or EVER, request.row_limit

        def read(client: github.Github, repository: str) -> Rows:
            match wanted:
                case ListCommits():
                    return list_commits(client, repository, window, limit)
                case ListReleases():
                    return list_releases(client, repository, window, limit)
                case ListPulls():
                    return list_pulls(client, repository, wanted.state, window, limit)

        parts = await ask_together(self._part(read, repository) for repository in repositories)
        page, moment = {
            ListCommits: ("commits", "committed_at"),
            ListReleases: ("releases", "published_at"),
            ListPulls: ("pulls", "merged_at"),
        }[type(wanted)]
        found = [part.found for part in parts if isinstance(part.found, Rows)]
        rows = sorted(
            (row for rows in found for row in rows.rows), key=lambda row: str(row[moment] or ""), reverse=True
        )
        url = f"{self._web}/{rows[0]['repository'] if rows else repositories[0]}/{page}"
        return self._answer(request, rows, question, url, parts, any(rows.truncated for rows in found))

    async def _deployments(self, request: SourceRequest, repositories: list[str], question: Question) -> Answer:
        window = request.window or EVER

        def read(client: github.Github, repository: str) -> Deployments:
            return list_deployments(client, repository, self._environment, window, request.row_limit)

        parts = await ask_together(self._part(read, repository) for repository in repositories)
        found = [part.found for part in parts if isinstance(part.found, Deployments)]
        inside = sorted(
            (one for listed in found for one in listed.inside), key=lambda one: one.created_at, reverse=True
        )
        shown = inside[: min(_ENRICHED, request.row_limit)]
        compared = {listed.inside[0].repository: listed for listed in found if set(listed.inside) & set(shown)}
        # The one that ran before the window is nearly always needed too, so it is not waited for later.
        looked_at = shown + [listed.older[0] for listed in compared.values() if listed.older]
        rollouts, merged = await ask_both(self._rollouts(looked_at), self._all_merged(compared))
        changes = await self._changes(compared, shown, rollouts, merged)
        rows = [self._row(one, rollouts.get(one), changes.get(one)) for one in inside]
        problems = sorted({f"{one.repository}: {reason}" for one, reason in changes.items() if isinstance(reason, str)})
        if len(inside) > len(shown):
            problems.append(f"rollout and changes were read of the newest {len(shown)} of {len(inside)} deployments")
        url = self._page(rows[0]["repository"] if rows else repositories[0])
        truncated = len(inside) > len(shown) or any(listed.truncated for listed in found)
        return self._answer(request, rows, question, url, parts, truncated, problems)

    async def _rollout(self, deployment: Deployed) -> Rollout:
        return await self._in_thread(lambda client: read_rollout(client, deployment))

    async def _rollouts(self, deployments: list[Deployed]) -> dict[Deployed, Rollout]:
        return dict(zip(deployments, await ask_together(self._rollout(one) for one in deployments), strict=True))

    async def _all_merged(self, compared: Mapping[str, Deployments]) -> dict[str, dict[str, Merged]]:
        names = [
            name for name, listed in compared.items() if len({one.sha for one in listed.inside + listed.older}) > 1
        ]
        return dict(zip(names, await ask_together(self._merged(name) for name in names), strict=True))

    async def _changes(
        self,
        compared: Mapping[str, Deployments],
        shown: list[Deployed],
        rollouts: dict[Deployed, Rollout],
        merged: Mapping[str, dict[str, Merged]],
    ) -> dict[Deployed, Changes | str]:
        """Return what each deployment brought, or why that is not known; nothing for one without a predecessor."""
        bases = await ask_together(self._bases(listed, shown, rollouts) for listed in compared.values())
        pairs = {one: base for some in bases for one, base in some.items()}
        results = await ask_together(
            self._compared(one, base, merged.get(one.repository, {})) for one, base in pairs.items()
        )
        return dict(zip(pairs, results, strict=True))

    async def _bases(
        self, listed: Deployments, shown: list[Deployed], rollouts: dict[Deployed, Rollout]
    ) -> dict[Deployed, Deployed]:
        """Find what ran before each deployment: the next older one that did not fail, since a failed one changed nothing."""
        states = {one: rollout.state for one, rollout in rollouts.items()}
        sequence = listed.inside + listed.older
        bases: dict[Deployed, Deployed] = {}
        for place, deployment in enumerate(sequence):
            if deployment not in shown:
                continue
            for candidate in sequence[place + 1 : place + 1 + _LOOK_BACK]:
                if candidate not in states:
                    states[candidate] = (await self._rollout(candidate)).state
                if states[candidate] not in _FAILED_STATES:
                    bases[deployment] = candidate
                    break
        return bases

    async def _merged(self, repository: str) -> dict[str, Merged]:
        try:
            return await self._in_thread(lambda client: read_merged(client, repository))
        except Declined:
            # Without leave to read pull requests, the commits' own subjects have to do.
            return {}

    async def _compared(self, deployment: Deployed, base: Deployed, merged: dict[str, Merged]) -> Changes | str:
        try:
            return await self._in_thread(lambda client: read_changes(client, deployment, base.sha, merged))
        except Declined as no:
            return f"changes could not be read, {no.reason}"

    async def _part(self, read: Callable[[github.Github, str], Deployments | Rows], repository: str) -> _Part:
        try:
            return _Part(await self._in_thread(lambda client: read(client, repository)))
        except Declined as no:
            moved = "it was renamed or moved; configure its new name" if 300 <= no.http_status < 400 else no.reason
            return _Part(None, Declined(no.status, f"{repository}: {moved}", http_status=no.http_status))

    async def _in_thread(self, read: Callable[[github.Github], T]) -> T:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, self._read, read)

    def _read(self, read: Callable[[github.Github], T]) -> T:
        try:
            return read(self.client())
        except github.GithubException as error:
            raise read_failure(error) from None
        except (AssertionError, AttributeError, BadAttributeException, LookupError, TypeError, ValueError) as error:
            # PyGithub fails in as many ways as an answer can be wrong.
            raise Unavailable(f"GitHub's answer has a shape that is not known ({type(error).__name__})") from None

    def _row(self, one: Deployed, rollout: Rollout | None, changes: Changes | str | None) -> Row:
        known = changes if isinstance(changes, Changes) else None
        return {
            "id": one.id,
            "repository": one.repository,
            "sha": one.sha,
            "short_sha": one.sha[:7],
            "ref": one.ref,
            "environment": one.environment,
            "description": one.description,
            "creator": one.creator,
            "state": rollout.state if rollout else None,
            "created_at": iso(one.created_at),
            "finished_at": iso(rollout.finished_at) if rollout else None,
            "url": self._page(one.repository),
            "changes": "; ".join(known.titles) if known else None,
            "pulls": ", ".join(str(number) for number in known.pulls) if known else None,
            "files": ", ".join(known.files) if known else None,
        }

    def _page(self, repository: object) -> str:
        return f"{self._web}/{repository}/deployments/{quote(self._environment, safe='')}"

    def _answer(
        self,
        request: SourceRequest,
        rows: list[Row],
        question: Question,
        url: str,
        parts: Iterable[_Part],
        truncated: bool,
        remarks: Iterable[str] = (),
    ) -> Answer:
        problems = [part.problem for part in parts if part.problem]
        asked = "\n".join(question.sent)
        reason = "; ".join([problem.reason for problem in problems] + list(remarks))
        if problems and not rows:
            denied = any(problem.status is EvidenceStatus.DENIED for problem in problems)
            return no_answer(EvidenceStatus.DENIED if denied else problems[0].status, reason, asked=asked, url=url)
        return answer(request, rows, asked=asked, url=url, truncated=truncated or bool(problems), reason=reason)


def _make(config: GitHubConfig, secret: Secrets) -> GitHubConnector:
    return GitHubConnector(config, secret(config.token))


PLUGIN = Plugin(
    config=GitHubConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=_OPERATIONS,
)
