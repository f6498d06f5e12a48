"""Linear, as its GraphQL API answers (the shapes of tests/connectors/linear_far_end.py)."""

import json

from pydantic import JsonValue

from connectors.base import Connector
from connectors.linear import LinearConnector, is_stored_query
from models.tenant import LinearConfig
from models.vocabulary import Source
from tests.conformance.frame import MISSING, Case, Condition, Drift, Place, Subject
from tests.connectors.far_end import Reply, Seen
from tests.connectors.linear_far_end import an_issue, page

KEY = "lin_api_SecretSecretSecret"


def connect(place: Place) -> Connector:
    return LinearConnector(
        LinearConfig.model_validate({"url": f"{place.url}/graphql", "api_key": "env:LINEAR_KEY"}), KEY
    )


def reads(seen: Seen) -> bool:
    return (seen.method, seen.path) == ("POST", "/graphql") and is_stored_query(seen.body)


def refusal(status: int, quoted: str) -> Reply:
    return Reply({"errors": [{"message": quoted, "extensions": {}}]}, status=status)


def after(seen: Seen) -> JsonValue:
    found: JsonValue = json.loads(seen.body)["variables"]["after"]
    return found


def listed(*issues: JsonValue, next_page: str | None = None) -> Reply:
    info: JsonValue = {"hasNextPage": next_page is not None, "endCursor": next_page}
    return Reply({"data": {"issues": {"pageInfo": info, "nodes": list(issues)}}})


def two_listed_pages(seen: Seen) -> Reply:
    return listed(an_issue(3)) if after(seen) == "c1" else listed(an_issue(1), an_issue(2), next_page="c1")


def two_pages(seen: Seen) -> Reply:
    return page(an_issue(3), total=3) if after(seen) == "c1" else page(an_issue(1), an_issue(2), total=3, after="c1")


_NODES = ("data", "searchIssues", "nodes")

SUBJECT = Subject(
    source=Source.LINEAR,
    connect=connect,
    secrets=[KEY],
    reads=reads,
    refusal=refusal,
    cases=[
        Case(
            "search_issues",
            parameters={"terms": ["limiter"]},
            ok=lambda _: page(an_issue(1), an_issue(2)),
            rows=2,
            empty=lambda _: page(),
            next_page=two_pages,
            rows_of_both=3,
            drifts=[
                Drift(_NODES, "none"),
                Drift((*_NODES, 0), "ENG-1"),
                Drift((*_NODES, 0, "identifier"), 1),
                Drift((*_NODES, 1, "identifier"), MISSING),
                Drift((*_NODES, 0, "title"), ["Limiter"]),
                Drift((*_NODES, 0, "title"), MISSING),
                Drift((*_NODES, 0, "priority"), "high"),
                Drift((*_NODES, 0, "state"), "started"),
                Drift((*_NODES, 0, "createdAt"), "yesterday"),
                Drift((*_NODES, 0, "labels"), "bug"),
            ],
        ),
        Case(
            "list_issues",
            parameters={},
            ok=lambda _: listed(an_issue(1), an_issue(2)),
            rows=2,
            empty=lambda _: listed(),
            next_page=two_listed_pages,
            rows_of_both=3,
            drifts=[
                Drift(("data", "issues", "nodes"), "none"),
                Drift(("data", "issues", "nodes", 0, "dueDate"), "soon"),
                Drift(("data", "issues", "nodes", 0, "cycle"), {"endsAt": 5}),
                Drift(("data", "issues", "nodes", 1, "attachments"), MISSING),
            ],
        ),
        Case(
            "get_issue",
            parameters={"id": "ENG-1"},
            ok=lambda _: Reply({"data": {"issue": an_issue(1)}}),
            rows=1,
            empty=lambda _: Reply(
                {"errors": [{"message": "Entity not found: Issue", "extensions": {"code": "INPUT_ERROR"}}]}, status=400
            ),
            drifts=[
                Drift(("data", "issue"), "ENG-1"),
                Drift(("data", "issue", "identifier"), MISSING),
                Drift(("data", "issue", "updatedAt"), 7.5e30),
                Drift(("data", "issue", "team"), []),
            ],
            not_applicable={
                Condition.NEXT_PAGE: "one issue is one object",
                Condition.HALFWAY: "one issue takes one request",
            },
        ),
    ],
)
