"""Linear's GraphQL API, read-only: searches, lists and single issues, only with the fields that were asked for."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import cast

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.clock import stamp_millis
from sandbox.graphql import Arguments, Document, Execution, GraphqlError, Node, Operation, parse
from sandbox.linear_filter import Facet, passes, score, words
from sandbox.linear_schema import OUTLINE
from sandbox.vendor import Allowance, Asked, Stage, Vendor, json_response, route
from sandbox.world import BugsFile, Issue

NAMESPACE = uuid.UUID("6b1f2d0a-62a5-4e1c-9c3b-0a4b6a0f7c11")
PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")


@dataclass(slots=True)
class Indexed:
    """An issue with what queries look at."""

    node: dict[str, object]
    facets: Mapping[str, Facet]
    created: str
    updated: str
    title: list[str]
    rest: list[str]
    comments: list[str]


class Linear(Vendor):
    """One workspace behind one API key."""

    name = "linear"

    def __init__(self, stage: Stage, bugs: BugsFile, *, company: str, api_key: str) -> None:
        """Index the issues."""
        super().__init__(stage)
        self._key = api_key
        self._company = company
        self._requests = Allowance(5_000, 3_600)
        self._complexity = Allowance(3_000_000, 3_600)
        self._teams = [{"id": _id(f"team {team.key}"), "key": team.key, "name": team.name} for team in bugs.teams]
        self._issues: dict[str, Indexed] = {}
        for issue in bugs.issues:
            self._issues[issue.id] = self._index(issue, stage.started)
        for issue in bugs.issues:
            self._relate(issue)
        self._by_id = {str(indexed.node["id"]): indexed for indexed in self._issues.values()} | self._issues
        self.routes = [route("POST", "/graphql", self._graphql)]

    # Manner

    def admit(self, asked: Asked) -> Response | None:
        """Check the key, which comes bare; `Bearer` is for OAuth tokens."""
        given = asked.headers.get("authorization", "")
        if compare_digest(given.encode(), self._key.encode()):
            return None
        return _failure(
            401, "Authentication required, not authenticated", "AUTHENTICATION_ERROR", "authentication error"
        )

    def error(self, status: int, message: str = "") -> Response:
        """Return a GraphQL error with that HTTP status."""
        if status == 429:
            return self.rate_limited()
        return _failure(status, message or "Internal server error", "INTERNAL_SERVER_ERROR", "internal error")

    def rate_limited(self) -> Response:
        """Return Linear's way: 400 with the code RATELIMITED."""
        return _failure(400, "Rate limit exceeded", "RATELIMITED", "ratelimited")

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return both allowances; the resets are epoch milliseconds."""
        return {
            "x-ratelimit-requests-limit": str(self._requests.limit),
            "x-ratelimit-requests-remaining": str(self._requests.spend(asked.at)),
            "x-ratelimit-requests-reset": str(self._requests.resets_at(asked.at) * 1000),
            "x-complexity": "10",
            "x-ratelimit-complexity-limit": str(self._complexity.limit),
            "x-ratelimit-complexity-remaining": str(self._complexity.spend(asked.at)),
            "x-ratelimit-complexity-reset": str(self._complexity.resets_at(asked.at) * 1000),
        }

    # Answering

    def _graphql(self, asked: Asked) -> Response:
        try:
            body = asked.json()
        except ValueError:
            return _failure(400, "Request body is no JSON", "BAD_REQUEST", "invalid input")
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            return _failure(400, "GraphQL operations must contain a non-empty `query`.", "BAD_REQUEST", "invalid input")
        variables = body.get("variables") or {}
        try:
            document = parse(str(body["query"]))
            refused = self._refuse_mutations(asked, document)
            if refused is not None:
                return refused
            operation = _operation(document, body.get("operationName"))
            asked.operation = operation.name or operation.selections[0].name
            execution = Execution(OUTLINE, document, operation, cast(Arguments, variables))
            return json_response({"data": execution.run(self._root(asked.at))})
        except GraphqlError as error:
            status = 200 if error.code == "INPUT_ERROR" else 400
            return _failure(status, str(error), error.code, "graphql error" if status == 400 else "invalid input")

    def _refuse_mutations(self, asked: Asked, document: Document) -> Response | None:
        """Refuse a document that holds anything but queries, whichever operation is asked for."""
        for operation in document.operations:
            if operation.kind != "query":
                what = f"{operation.kind} {', '.join(one.name for one in operation.selections)}"
                self.record_write(asked, what=what, accepted=False)
                return _failure(403, "Invalid scope: `write` required", "FORBIDDEN", "forbidden")
        return None

    def _root(self, at: datetime) -> Node:
        viewer: Node = {
            "id": _id("viewer"),
            "name": "Read-only key",
            "displayName": "readonly",
            "email": "readonly@example.com",
            "active": True,
        }
        return {
            "searchIssues": self._search,
            "issues": self._list,
            "issue": self._one,
            "viewer": viewer,
            "organization": {"id": _id("organization"), "name": self._company, "urlKey": "sandbox"},
            "teams": lambda arguments: _connection(self._teams, arguments, [str(team["id"]) for team in self._teams]),
            "rateLimitStatus": {"kind": "api", "identifier": "key", "limits": [self._limit(at)]},
        }

    def _limit(self, at: datetime) -> Node:
        return {
            "type": "requests",
            "requestedAmount": 1.0,
            "allowedAmount": float(self._requests.limit),
            "remainingAmount": float(self._requests.spend(at)),
            "period": self._requests.seconds * 1000.0,
            "reset": self._requests.resets_at(at) * 1000.0,
        }

    def _search(self, arguments: Arguments) -> Node:
        term = words(str(arguments["term"]))
        exact = self._issues.get(str(arguments["term"]).strip().upper())
        found: list[tuple[float, str, Indexed]] = []
        for indexed in self._filtered(arguments):
            rest = indexed.rest + indexed.comments if arguments.get("includeComments") else indexed.rest
            fit = 10.0 if indexed is exact else score(term, indexed.title, rest)
            if fit:
                found.append((fit, indexed.updated, indexed))
        found.sort(key=lambda one: one[:2], reverse=True)
        nodes = [{**indexed.node, "metadata": {"score": fit}} for fit, _, indexed in found]
        return {**_connection(nodes, arguments, [str(node["id"]) for node in nodes]), "totalCount": len(nodes)}

    def _list(self, arguments: Arguments) -> Node:
        by_update = arguments.get("orderBy") == "updatedAt"
        chosen = sorted(
            self._filtered(arguments), key=lambda one: one.updated if by_update else one.created, reverse=True
        )
        return _connection([one.node for one in chosen], arguments, [str(one.node["id"]) for one in chosen])

    def _one(self, arguments: Arguments) -> Node:
        indexed = self._by_id.get(str(arguments["id"]))
        if indexed is None:
            raise GraphqlError("Entity not found: Issue", "INPUT_ERROR")
        return indexed.node

    def _filtered(self, arguments: Arguments) -> list[Indexed]:
        wanted = arguments.get("filter")
        team = arguments.get("teamId")
        return [
            one
            for one in self._issues.values()
            if (wanted is None or passes(one.facets, wanted))
            and (team is None or cast(Node, one.node["team"])["id"] == team)
        ]

    # Indexing

    def _index(self, issue: Issue, now: datetime) -> Indexed:
        created, updated = stamp_millis(now + issue.created), stamp_millis(now + issue.updated)
        completed = stamp_millis(now + issue.completed) if issue.completed is not None else None
        canceled = stamp_millis(now + issue.canceled) if issue.canceled is not None else None
        team = next(team for team in self._teams if team["key"] == issue.team)
        state: dict[str, JsonValue] = {
            "id": _id(f"state {issue.team} {issue.state}"),
            "name": issue.state,
            "type": issue.state_type,
            "color": "#95a2b3",
            "position": 0,
        }
        labels: list[dict[str, JsonValue]] = [
            {"id": _id(f"label {name}"), "name": name, "color": "#bec2c8"} for name in issue.labels
        ]
        attachments: list[dict[str, JsonValue]] = [
            {
                "id": _id(f"attachment {issue.id} {attachment.url}"),
                "title": attachment.title,
                "subtitle": None,
                "url": attachment.url,
                "sourceType": attachment.source_type,
                "createdAt": created,
                "metadata": {},
            }
            for attachment in issue.attachments
        ]
        comments: list[Mapping[str, object]] = [
            {
                "id": _id(f"comment {issue.id} {number}"),
                "body": comment.body,
                "createdAt": stamp_millis(now + comment.created),
                "url": f"https://linear.example.com/issue/{issue.id}#comment-{number}",
                "user": _user(comment.author),
            }
            for number, comment in enumerate(issue.comments, 1)
        ]
        slug = re.sub(r"[^a-z0-9]+", "-", issue.title.casefold()).strip("-")[:60]
        scalars: dict[str, JsonValue] = {
            "id": _id(issue.id),
            "identifier": issue.id,
            "number": int(issue.id.rpartition("-")[2]),
            "title": issue.title,
            "description": issue.description,
            "url": f"https://linear.example.com/issue/{issue.id}/{slug}",
            "priority": issue.priority,
            "priorityLabel": PRIORITIES[issue.priority],
            "branchName": f"{issue.id.lower()}-{slug}",
            "createdAt": created,
            "updatedAt": updated,
            "completedAt": completed,
            "canceledAt": canceled,
            "startedAt": created if issue.state_type == "started" else None,
            "trashed": None,
            "labelIds": [label["id"] for label in labels],
            "previousIdentifiers": [],
            "customerTicketCount": 0,
        }
        node: dict[str, object] = {
            **scalars,
            "state": state,
            "team": team,
            "assignee": _user(issue.assignee) if issue.assignee else None,
            "labels": _paged(labels),
            "comments": _paged(comments),
            "attachments": _paged(attachments),
        }
        facets: dict[str, Facet] = {
            **{name: scalars[name] for name in ("id", "number", "title", "description", "priority")},
            **{name: scalars[name] for name in ("createdAt", "updatedAt", "completedAt", "canceledAt", "startedAt")},
            "state": cast(Facet, state),
            "team": cast(Facet, team),
            "labels": cast(Facet, labels),
            "attachments": cast(Facet, attachments),
            "assignee": cast(Facet, _user(issue.assignee)) if issue.assignee else None,
            "searchableContent": f"{issue.title}\n{issue.description}",
        }
        return Indexed(
            node,
            facets,
            created,
            updated,
            title=words(f"{issue.id} {issue.title}"),
            rest=words(f"{issue.description} {' '.join(issue.labels)}"),
            comments=words(" ".join(comment.body for comment in issue.comments)),
        )

    def _relate(self, issue: Issue) -> None:
        """Join the issues both ways, once all nodes exist."""
        node = self._issues[issue.id].node
        out = [self._relation(relation.type, issue.id, relation.issue) for relation in issue.relations]
        node["relations"] = _paged(out)
        node.setdefault("inverseRelations", _paged([]))
        for relation in issue.relations:
            other = self._issues[relation.issue].node
            known = cast(list[Mapping[str, object]], other.setdefault("_inverse", []))
            known.append(self._relation(relation.type, issue.id, relation.issue))
            other["inverseRelations"] = _paged(known)

    def _relation(self, kind: str, left: str, right: str) -> Mapping[str, object]:
        return {
            "id": _id(f"relation {left} {kind} {right}"),
            "type": kind,
            "issue": self._issues[left].node,
            "relatedIssue": self._issues[right].node,
        }


def _operation(document: Document, name: JsonValue) -> Operation:
    if name is None and len(document.operations) == 1:
        return document.operations[0]
    for operation in document.operations:
        if operation.name == name:
            return operation
    raise GraphqlError(f"Unknown operation named {name!r}.", "BAD_USER_INPUT")


def _paged(members: list[dict[str, JsonValue]] | list[Mapping[str, object]]) -> object:
    return lambda arguments: _connection(members, arguments, [str(member["id"]) for member in members])


def _connection(
    nodes: list[dict[str, JsonValue]] | list[Mapping[str, object]] | list[dict[str, object]] | list[dict[str, str]],
    arguments: Arguments,
    cursors: list[str],
) -> dict[str, object]:
    first = arguments.get("first")
    size = first if isinstance(first, int) else 50
    if not 1 <= size <= 250:
        raise GraphqlError("Argument Validation Error: first must be between 1 and 250", "INPUT_ERROR")
    after = arguments.get("after")
    if after is not None and after not in cursors:
        raise GraphqlError("Argument Validation Error: after must be a cursor of this list", "INPUT_ERROR")
    start = cursors.index(str(after)) + 1 if after is not None else 0
    page = nodes[start : start + size]
    held = cursors[start : start + size]
    return {
        "nodes": page,
        "edges": [{"node": node, "cursor": cursor} for node, cursor in zip(page, held, strict=True)],
        "pageInfo": {
            "hasNextPage": start + size < len(nodes),
            "hasPreviousPage": start > 0,
            "startCursor": held[0] if held else None,
            "endCursor": held[-1] if held else None,
        },
    }


def _user(name: str) -> dict[str, JsonValue]:
    handle = name.casefold().replace(" ", ".")
    return {
        "id": _id(f"user {name}"),
        "name": name,
        "displayName": handle,
        "email": f"{handle}@example.com",
        "active": True,
    }


def _id(seed: str) -> str:
    return str(uuid.uuid5(NAMESPACE, seed))


def _failure(status: int, message: str, code: str, kind: str) -> Response:
    extensions = {"type": kind, "code": code, "statusCode": status, "userError": status < 500}
    if code == "RATELIMITED":
        extensions["statusCode"] = 429
    return json_response({"errors": [{"message": message, "extensions": extensions}]}, status)
