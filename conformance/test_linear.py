"""Linear: our documents and variables, and our sandbox's answers, held to the schema that Linear's SDK is generated from."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from conformance.exchanges import Exchange, Recorder
from conformance.linear_schema import Schema
from conformance.questions import Samples, questions
from connectors.linear import LinearConnector
from connectors.linear_documents import DOCUMENTS
from connectors.registry import operations_of
from models.evidence import Answer
from models.tenant import LinearConfig
from models.vocabulary import EvidenceStatus, Source
from sandbox.run import Sandbox

Said = tuple[list[tuple[str, Answer]], list[Exchange]]
"""Each question with its answer, and all that went over the wire for them."""


def samples(company: Sandbox) -> Samples:
    """Words, states, labels and links of issues that there are."""
    issues = company.world.bugs.issues
    linked = next(one for one in issues if one.attachments)
    return {
        "terms": [[issues[0].title.split()[0]], [*(one.title for one in issues[:3])]],
        "states": [[issues[0].state]],
        "priorities": [[1, 2]],
        "labels": [[*sorted({label for one in issues for label in one.labels})]],
        "link": [linked.attachments[0].url],
        "updated_since": [(company.now - timedelta(days=30)).isoformat()],
        "id": [one.id for one in issues],
    }


@pytest.fixture(scope="module")
def schema() -> Schema:
    """Linear's."""
    return Schema()


@pytest.fixture(scope="module")
async def said(company: Sandbox) -> Said:
    """Ask every operation, for the whole workspace and for one team, and let the connector examine the far end."""
    recorder = Recorder()
    answers: list[tuple[str, Answer]] = []
    for team in ("", company.world.bugs.teams[0].key):
        config = LinearConfig.model_validate(
            {"url": company.addresses["linear"], "api_key": "env:LINEAR_KEY", "team": team}
        )
        linear = LinearConnector(config, company.credentials.linear_key, transport=recorder)
        try:
            for request in questions(Source.LINEAR, operations_of(Source.LINEAR), samples(company)):
                answers.append((f"{request.operation} {dict(request.parameters)}", await linear.fetch(request)))
            await linear.examine()
        finally:
            await linear.aclose()
    return answers, recorder.exchanges


def test_every_document_and_its_variables_are_what_linear_takes(said: Said, schema: Schema, held: Counter[str]) -> None:
    wrong: set[str] = set()
    for one in said[1]:
        asked = json.loads(one.body)
        faults = schema.question_faults(asked["query"], asked["variables"])
        wrong |= {f"{asked['operationName']} {asked['variables']}: {fault}" for fault in faults}
    assert sorted(wrong) == []
    assert {json.loads(one.body)["operationName"] for one in said[1]} == DOCUMENTS.keys()
    held["Linear requests: document and variables against the schema of @linear/sdk 98.0.0"] += len(said[1])


def test_every_answer_of_the_sandbox_is_what_was_asked_for(said: Said, schema: Schema, held: Counter[str]) -> None:
    wrong: set[str] = set()
    for one in said[1]:
        asked, answer = json.loads(one.body), json.loads(one.answer)
        assert "errors" not in answer, answer
        faults = schema.answer_faults(asked["query"], asked["variables"], answer["data"])
        wrong |= {f"{asked['operationName']}: {fault}" for fault in faults}
    assert sorted(wrong) == []
    held["Linear answers of the sandbox: the schema of @linear/sdk"] += len(said[1])


def test_every_question_was_answered_and_most_with_rows(said: Said) -> None:
    expected = (EvidenceStatus.FOUND, EvidenceStatus.EMPTY)
    assert [(asked, answer.reason) for asked, answer in said[0] if answer.status not in expected] == []
    rows = Counter(asked.split()[0] for asked, answer in said[0] for _ in answer.rows)
    assert {"search_issues", "get_issue"} <= set(rows)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"term": "a", "first": 1, "filter": {"teem": {}}}, "teem"),
        ({"term": 7, "first": 1}, "String"),
        ({"term": "a", "first": "1"}, "Int"),
        ({"first": 1}, "term"),
        ({"term": "a", "first": 1, "filter": {"updatedAt": {"gte": 5}}}, "DateTime"),
    ],
)
def test_wrong_variables_are_found(variables: dict[str, object], told: str, schema: Schema) -> None:
    document = DOCUMENTS["SearchIssues"]
    assert list(schema.question_faults(document, {"term": "a", "first": 1})) == []
    assert any(told in fault for fault in schema.question_faults(document, json.loads(json.dumps(variables))))


def test_a_wrong_document_or_answer_is_found(said: Said, schema: Schema) -> None:
    assert list(schema.question_faults(DOCUMENTS["Issue"].replace("identifier", "identifer"), {"id": "A-1"}))
    assert list(schema.question_faults("query { issue { id } }", {}))
    found = next(one for one in said[1] if json.loads(one.body)["operationName"] == "Issue")
    asked, data = json.loads(found.body), json.loads(found.answer)["data"]
    mutations = [
        {**data["issue"], "priority": "high"},
        {**data["issue"], "title": None},
        {**data["issue"], "title": 5},
        {**data["issue"], "createdAt": "yesterday"},
        {name: value for name, value in data["issue"].items() if name != "url"},
        {**data["issue"], "unasked": 1},
    ]
    for issue in mutations:
        assert list(schema.answer_faults(asked["query"], asked["variables"], {"issue": issue})), issue
