"""Linear's far end for tests: issues and pages as its API writes them, its errors, and a connector that asks it."""

import json

from pydantic import JsonValue

from connectors.linear import LinearConnector
from models.evidence import Answer
from models.tenant import LinearConfig
from models.vocabulary import Source
from tests.connectors.far_end import FarEnd, Handler, Reply, Seen, ask

KEY = "lin_api_SecretSecretSecret"


def an_issue(number: int, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "identifier": f"ENG-{number}",
        "title": f"Limiter counts twice ({number})",
        "description": "x" * 600,
        "url": f"https://linear.example.com/acme/issue/ENG-{number}/limiter-counts-twice",
        "priority": 2.0,
        "priorityLabel": "High",
        "createdAt": "2026-11-01T08:00:00.000Z",
        "updatedAt": "2026-11-19T08:30:00.250Z",
        "completedAt": None,
        "canceledAt": None,
        "dueDate": None,
        "cycle": None,
        "project": None,
        "state": {"name": "In Progress", "type": "started"},
        "team": {"key": "ENG"},
        "labels": {"nodes": [{"name": "bug"}, {"name": "rate-limit"}]},
        "attachments": {
            "nodes": [
                {"url": "https://github.example.com/acme/api/pull/71", "sourceType": "github"},
                {"url": "https://docs.example.com/design", "sourceType": None},
                {"url": "https://acme.zendesk.com/agent/tickets/4711", "sourceType": "zendesk"},
                {"url": "https://gitlab.example.com/acme/api/-/merge_requests/7", "sourceType": "gitlab"},
            ],
            "pageInfo": {"hasNextPage": False},
        },
        **fields,
    }


def page(*issues: JsonValue, total: int | None = None, after: str | None = None, name: str = "searchIssues") -> Reply:
    info: JsonValue = {"hasNextPage": after is not None, "endCursor": after}
    found: JsonValue = {"totalCount": len(issues) if total is None else total, "pageInfo": info, "nodes": list(issues)}
    return Reply({"data": {name: found}})


def variables(seen: Seen) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = json.loads(seen.body)["variables"]
    return found


def by_term(**replies: Reply) -> Handler:
    return lambda seen: replies.get(str(variables(seen)["term"]), page())


def connect(end: FarEnd, key: str = KEY, **config: str) -> LinearConnector:
    return LinearConnector(
        LinearConfig.model_validate({"url": f"{end.url}/graphql", "api_key": "env:LINEAR_KEY", **config}), key
    )


async def search(connector: LinearConnector, *terms: str, rows: int = 200, **parameters: JsonValue) -> Answer:
    return await connector.fetch(ask(Source.LINEAR, "search_issues", {"terms": [*terms], **parameters}, rows=rows))


def graphql_error(code: str, message: str = "no", status: int = 200, kind: str = "", **headers: str) -> Reply:
    error: JsonValue = {"message": message, "extensions": {"code": code, "type": kind}}
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"errors": [error], "data": None}, status=status, headers=fields)
