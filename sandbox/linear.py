"""Linear's GraphQL API, read-only: searches, lists and single issues, only with the fields that were asked for."""

from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest
from typing import cast

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.graphql import Arguments, Document, Execution, GraphqlError, Node, Operation, parse
from sandbox.linear_filter import Values, passes, score, words
from sandbox.linear_index import Indexed, connection, index, make_id, paged
from sandbox.linear_schema import OUTLINE
from sandbox.vendor import Allowance, Asked, Stage, Vendor, json_response, route
from sandbox.world import BugsFile, Issue

COMPLEXITY_CAP = 10_000
"""Points of one query."""


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
        self._teams = [{"id": make_id(f"team {team.key}"), "key": team.key, "name": team.name} for team in bugs.teams]
        team_of = {team["key"]: team for team in self._teams}
        self._issues: dict[str, Indexed] = {}
        for issue in bugs.issues:
            self._issues[issue.id] = index(issue, stage.started, team_of[issue.team])
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
            points = execution.complexity()
            if points > COMPLEXITY_CAP:
                raise GraphqlError(f"Query too complex: {points} points of {COMPLEXITY_CAP}", "INPUT_ERROR")
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
            "id": make_id("viewer"),
            "name": "Read-only key",
            "displayName": "readonly",
            "email": "readonly@example.com",
            "active": True,
            "admin": False,
            "guest": False,
        }
        return {
            "searchIssues": self._search,
            "issues": self._list,
            "issue": self._one,
            "viewer": viewer,
            "organization": {"id": make_id("organization"), "name": self._company, "urlKey": "sandbox"},
            "teams": self._listed_teams,
            "rateLimitStatus": {"kind": "api", "identifier": "key", "limits": [self._limit(at)]},
        }

    def _listed_teams(self, arguments: Arguments) -> Node:
        wanted = arguments.get("filter")
        chosen = [one for one in self._teams if wanted is None or passes(cast(Values, one), wanted, "TeamFilter")]
        return connection(chosen, arguments, [one["id"] for one in chosen])

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
        return {**connection(nodes, arguments, [str(node["id"]) for node in nodes]), "totalCount": len(nodes)}

    def _list(self, arguments: Arguments) -> Node:
        by_update = arguments.get("orderBy") == "updatedAt"
        chosen = sorted(
            self._filtered(arguments), key=lambda one: one.updated if by_update else one.created, reverse=True
        )
        return connection([one.node for one in chosen], arguments, [str(one.node["id"]) for one in chosen])

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

    def _relate(self, issue: Issue) -> None:
        """Join the issues both ways, once all nodes exist."""
        node = self._issues[issue.id].node
        out = [self._relation(relation.type, issue.id, relation.issue) for relation in issue.relations]
        node["relations"] = paged(out)
        node.setdefault("inverseRelations", paged([]))
        for relation in issue.relations:
            other = self._issues[relation.issue].node
            known = cast(list[Mapping[str, object]], other.setdefault("_inverse", []))
            known.append(self._relation(relation.type, issue.id, relation.issue))
            other["inverseRelations"] = paged(known)

    def _relation(self, kind: str, left: str, right: str) -> Mapping[str, object]:
        return {
            "id": make_id(f"relation {left} {kind} {right}"),
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


def _failure(status: int, message: str, code: str, kind: str) -> Response:
    extensions = {"type": kind, "code": code, "statusCode": status, "userError": status < 500}
    if code == "RATELIMITED":
        extensions["statusCode"] = 429
    return json_response({"errors": [{"message": message, "extensions": extensions}]}, status)
