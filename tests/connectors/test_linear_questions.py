"""What Linear can be asked beyond a plain search: filters, lists, estimates, attachments, drift, and an examination."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import JsonValue

from connectors.base import Finding, FindingStatus
from connectors.linear import PLUGIN, LinearConnector
from connectors.linear_documents import DOCUMENTS
from models.evidence import Answer
from models.tenant import LinearConfig
from models.vocabulary import EvidenceStatus, Source
from sandbox.graphql import Execution, parse
from sandbox.linear_schema import OUTLINE
from sandbox.run import Sandbox
from tests.connectors.far_end import FarEnd, Reply, Seen, ask
from tests.connectors.linear_far_end import KEY, an_issue, connect, graphql_error, page, variables
from tests.sandbox.small_world import small_world


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world(), clickhouse=False) as running:
        yield running


@pytest_asyncio.fixture
async def demo(sandbox: Sandbox) -> AsyncIterator[LinearConnector]:
    config = LinearConfig.model_validate({"url": sandbox.addresses["linear"], "api_key": "env:KEY", "team": "ENG"})
    made = LinearConnector(config, sandbox.credentials.linear_key)
    yield made
    await made.aclose()


async def fetch(connector: LinearConnector, operation: str, rows: int = 200, **parameters: JsonValue) -> Answer:
    return await connector.fetch(ask(Source.LINEAR, operation, parameters, rows=rows))


def listed(*issues: JsonValue, after: str | None = None) -> Reply:
    info: JsonValue = {"hasNextPage": after is not None, "endCursor": after}
    return Reply({"data": {"issues": {"pageInfo": info, "nodes": list(issues)}}})


async def test_a_list_asks_by_filter_alone(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(listed(an_issue(1)))
    found = await fetch(
        linear_connector,
        "list_issues",
        priorities=[1, 2],
        states="In Review",
        state_types=["started"],
        has_fix=True,
        link="4711",
    )
    assert [row["identifier"] for row in found.rows] == ["ENG-1"]
    assert variables(end.requests[0])["filter"] == {
        "state": {"type": {"in": ["started"]}, "name": {"in": ["In Review"]}},
        "priority": {"in": [1, 2]},
        "and": [
            {
                "attachments": {
                    "some": {
                        "or": [
                            {"url": {"contains": part}} for part in ("/pull/", "/merge_requests/", "/pull-requests/")
                        ]
                    }
                }
            },
            {"attachments": {"some": {"url": {"contains": "4711"}}}},
        ],
    }


async def test_a_list_goes_on_over_pages_to_the_row_cap(end: FarEnd, linear_connector: LinearConnector) -> None:
    def answer(seen: Seen) -> Reply:
        first, start = variables(seen)["first"], int(str(variables(seen)["after"] or 0))
        assert isinstance(first, int)
        return listed(*(an_issue(start + n) for n in range(first)), after=str(start + first))

    end.handler = answer
    found = await fetch(linear_connector, "list_issues", rows=70)
    assert (len(found.rows), found.truncated) == (70, True)
    assert [variables(seen)["first"] for seen in end.requests] == [50, 21]


CYCLE = {"endsAt": "2026-11-29T23:00:00.000Z"}
PROJECT = {"targetDate": "2026-12-31"}


@pytest.mark.parametrize(
    ("fields", "eta", "source"),
    [
        ({}, None, None),
        ({"dueDate": "2026-11-25", "cycle": CYCLE, "project": PROJECT}, "2026-11-25", "due date"),
        ({"cycle": CYCLE, "project": PROJECT}, "2026-11-29", "cycle"),
        ({"project": PROJECT}, "2026-12-31", "project"),
        ({"project": {"targetDate": None}}, None, None),
        ({"dueDate": "2026-11-25", "state": {"name": "Done", "type": "completed"}}, None, None),
    ],
)
async def test_the_estimate_is_the_nearest_promise_of_what_is_open(
    end: FarEnd, linear_connector: LinearConnector, fields: dict[str, JsonValue], eta: str | None, source: str | None
) -> None:
    end.always(page(an_issue(1, **fields)))
    row = (await fetch(linear_connector, "search_issues", terms="429")).rows[0]
    assert (row["eta"], row["eta_source"]) == (eta, source)
    assert row["cycle_ends_at"] == ("2026-11-29T23:00:00Z" if "cycle" in fields else None)


async def test_attachments_that_were_not_all_read_are_said(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(page(an_issue(1, attachments={"nodes": [], "pageInfo": {"hasNextPage": True}})))
    found = await fetch(linear_connector, "search_issues", terms="429")
    assert found.truncated
    assert "more attachments" in found.reason


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.zendesk.com/agent/tickets/4711",
        "https://app.intercom.com/a/inbox/x/conversation/4711",
        "https://app.eu.intercom.com/a/inbox/x/conversation/4711",
        "https://acme.freshdesk.com/a/tickets/4711",
        "https://secure.helpscout.net/conversation/4711/1",
    ],
)
async def test_a_support_ticket_is_known_by_its_address_too(
    end: FarEnd, linear_connector: LinearConnector, url: str
) -> None:
    attached: JsonValue = {"nodes": [{"url": url, "sourceType": "unknown"}], "pageInfo": {"hasNextPage": False}}
    end.always(page(an_issue(1, attachments=attached)))
    assert (await fetch(linear_connector, "search_issues", terms="429")).rows[0]["ticket_urls"] == url


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply({"data": {"searchIssues": None}}), "searchIssues is nothing, not an object"),
        (page({"title": "none"}), "searchIssues.nodes[0].identifier is missing"),
        (page(an_issue(1, priority="high")), "searchIssues.nodes[0].priority is text, not a number"),
        (page(an_issue(1, priority=1.5)), "searchIssues.nodes[0].priority is a number, not a whole number"),
        (page(an_issue(1, createdAt="soon")), "searchIssues.nodes[0].createdAt is text, not a time"),
        (page(an_issue(1, dueDate="soon")), "searchIssues.nodes[0].dueDate is text, not a time"),
        (page(an_issue(1, labels={"nodes": [{}]})), "searchIssues.nodes[0].labels.nodes[0].name is missing"),
        (
            graphql_error("GRAPHQL_VALIDATION_FAILED", 'Cannot query field "priorityLabel" on type "Issue".', 400),
            "no field 'priorityLabel' of 'Issue'",
        ),
    ],
)
async def test_another_shape_is_drift_and_no_value_is_told(
    end: FarEnd, linear_connector: LinearConnector, reply: Reply, told: str
) -> None:
    end.always(reply)
    found = await fetch(linear_connector, "search_issues", terms="429")
    assert found.status is EvidenceStatus.FAILED
    assert found.reason.startswith("schema drift: ")
    assert told in found.reason


async def test_too_complex_a_question_says_what_to_do(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(graphql_error("INPUT_ERROR", "Query too complex: 12000 > 10000", 400))
    found = await fetch(linear_connector, "search_issues", terms="429")
    assert (found.status, found.reason) == (
        EvidenceStatus.FAILED,
        "Linear finds the question too complex; ask for fewer rows",
    )


def test_a_page_of_any_document_is_far_from_too_complex() -> None:
    for name, text in DOCUMENTS.items():
        document = parse(text)
        points = Execution(
            OUTLINE, document, document.operations[0], {"first": 50, "id": "x", "term": "x"}
        ).complexity()
        assert 0 < points < 5_000, name


async def test_the_demo_answers_every_operation_with_its_columns(demo: LinearConnector) -> None:
    answers = {
        "search_issues": await fetch(demo, "search_issues", terms="502 letters", has_fix=True),
        "list_issues": await fetch(demo, "list_issues", priorities=[1]),
        "get_issue": await fetch(demo, "get_issue", id="ENG-7"),
    }
    assert set(answers) == set(PLUGIN.operations)
    for operation, found in answers.items():
        assert [row["identifier"] for row in found.rows] == ["ENG-7"], operation
        assert set(found.rows[0]) == PLUGIN.operations[operation].columns
    without = await fetch(demo, "list_issues", has_fix=False)
    assert "ENG-7" not in {row["identifier"] for row in without.rows}
    assert without.rows


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {one.check: one for one in findings}


async def test_the_demo_can_be_examined(demo: LinearConnector, sandbox: Sandbox) -> None:
    found = by_check(await demo.examine())
    assert {name: one.status for name, one in found.items() if name != "latency"} == {
        "reach": FindingStatus.OK,
        "key": FindingStatus.OK,
        "rights": FindingStatus.UNKNOWN,
        "team": FindingStatus.OK,
        "shape": FindingStatus.OK,
        "rate limit": FindingStatus.OK,
        "clock": FindingStatus.OK,
    }
    assert "Read" in found["rights"].remedy
    assert not sandbox.journal.writes


def workspace(**changes: JsonValue) -> dict[str, JsonValue]:
    limit: JsonValue = {"type": "requests", "allowedAmount": 100.0, "remainingAmount": 5.0, "reset": 1.8e12}
    return {
        "Who": {"viewer": {"admin": True, "guest": False}, "organization": {"urlKey": "acme"}},
        "Teams": {"teams": {"nodes": []}},
        "Issues": {"issues": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}},
        "Limits": {"rateLimitStatus": {"limits": [limit]}},
        **changes,
    }


async def test_an_examination_names_what_to_change(end: FarEnd) -> None:
    data = workspace()
    end.handler = lambda seen: Reply({"data": data[json.loads(seen.body)["operationName"]]})
    connector = connect(end, team="ENGG")
    found = by_check(await connector.examine())
    await connector.aclose()
    assert found["rights"].status is FindingStatus.WARNING
    assert found["team"].status is FindingStatus.FAILURE
    assert "connectors.linear.team" in found["team"].remedy
    assert found["shape"].status is FindingStatus.UNKNOWN
    assert found["rate limit"].status is FindingStatus.WARNING
    assert found["rate limit"].detail.startswith("5 of 100 requests left")


@pytest.mark.parametrize(
    ("reply", "check", "remedy"),
    [
        (graphql_error("AUTHENTICATION_ERROR", f"key {KEY} is bad", 401), "key", "connectors.linear.api_key"),
        (Reply(reset=True), "reach", "connectors.linear.url"),
        (Reply({"data": {"viewer": {}}}), "shape", "connectors.linear.url"),
        (graphql_error("RATELIMITED", status=400), "rate limit", ""),
    ],
)
async def test_an_examination_fails_in_findings_alone(
    end: FarEnd, linear_connector: LinearConnector, reply: Reply, check: str, remedy: str
) -> None:
    end.always(reply)
    found = by_check(await linear_connector.examine())
    assert found[check].status in (FindingStatus.FAILURE, FindingStatus.WARNING)
    assert remedy in found[check].remedy
    assert KEY not in repr(found)
    assert "reach" not in found or check == "reach"
