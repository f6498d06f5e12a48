"""Linear's fake, asked in GraphQL."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import small_world

SEARCH = """query SearchIssues($term: String!, $first: Int!, $after: String, $filter: IssueFilter) {
  searchIssues(term: $term, first: $first, after: $after, filter: $filter, includeComments: true, includeArchived: false) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id identifier title description url priority priorityLabel createdAt updatedAt completedAt canceledAt
      state { id name type } team { id key name } assignee { displayName } metadata
      labels(first: 20) { nodes { name } }
      relations(first: 20) { nodes { type relatedIssue { identifier title url state { name type } } } }
      inverseRelations(first: 20) { nodes { type issue { identifier title url } } } } } }"""
ISSUES = """query Issues($first: Int!, $after: String, $filter: IssueFilter) {
  issues(first: $first, after: $after, filter: $filter, orderBy: updatedAt) {
    pageInfo { hasNextPage endCursor } nodes { ...Short } } }
fragment Short on Issue { identifier updatedAt state { type } team { key } labels(first: 20) { nodes { name } } }"""
ISSUE = """query Issue($id: String!) { issue(id: $id) { identifier title description url priority priorityLabel branchName
  createdAt updatedAt completedAt state { name type } team { key name } project { name url }
  labels(first: 20) { nodes { name } } comments(first: 20) { nodes { id body createdAt user { displayName } } }
  attachments(first: 20) { nodes { title url sourceType } }
  relations(first: 20) { nodes { type relatedIssue { identifier title url } } } } }"""
WHO = """query { viewer { id name email } organization { id name urlKey } teams(first: 50) { nodes { id key name } }
  rateLimitStatus { kind limits { type requestedAmount allowedAmount remainingAmount period reset } } }"""


class Workspace:
    """Asks one sandbox."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._http = http

    async def ask(self, query: str, variables: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
        headers = {"authorization": key or self.sandbox.credentials.linear_key}
        body = {"query": query, "variables": variables or {}}
        return await self._http.post(self.sandbox.addresses["linear"], json=body, headers=headers)

    async def data(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self.ask(query, variables)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found


@pytest.fixture
async def linear() -> AsyncIterator[Workspace]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox, httpx.AsyncClient(verify=NO_TLS) as http:
        yield Workspace(sandbox, http)


async def test_a_search_ranks_by_words_and_returns_what_was_asked(linear: Workspace) -> None:
    found = (await linear.data(SEARCH, {"term": "502 letters europe", "first": 10}))["searchIssues"]
    issue = found["nodes"][0]
    assert issue["identifier"] == "ENG-7"
    assert issue["priorityLabel"] == "Urgent"
    assert issue["relations"]["nodes"][0]["relatedIssue"]["identifier"] == "ENG-3"
    assert set(issue) == set(re.findall(r"\w+", SEARCH[SEARCH.index("nodes {") : SEARCH.index("state {")])[1:]) | {
        *("state", "team", "assignee", "metadata", "labels", "relations", "inverseRelations")
    }
    other = (await linear.data(SEARCH, {"term": "slow listing", "first": 10}))["searchIssues"]["nodes"][0]
    assert other["inverseRelations"]["nodes"] == [
        {"type": "related", "issue": {"identifier": "ENG-7", "title": issue["title"], "url": issue["url"]}}
    ]
    assert (await linear.data(SEARCH, {"term": "zebra", "first": 10}))["searchIssues"]["totalCount"] == 0


async def test_comments_are_searched_only_when_asked(linear: Workspace) -> None:
    assert (await linear.data(SEARCH, {"term": "pool exhausted", "first": 5}))["searchIssues"]["totalCount"] == 1
    without = SEARCH.replace("includeComments: true", "includeComments: false")
    assert (await linear.data(without, {"term": "pool exhausted", "first": 5}))["searchIssues"]["totalCount"] == 0


async def test_a_search_goes_on_over_pages(linear: Workspace) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = (await linear.data(SEARCH, {"term": "printer", "first": 12, "after": after}))["searchIssues"]
        seen += [node["identifier"] for node in page["nodes"]]
        assert page["totalCount"] == 30
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(set(seen)) == 30


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"state": {"type": {"in": ["started", "completed"]}}}, {"ENG-7", "ENG-3"}),
        ({"labels": {"name": {"eq": "incident"}}}, {"ENG-7"}),
        ({"labels": {"some": {"name": {"in": ["incident"]}}}}, {"ENG-7"}),
        ({"priority": {"lte": 2, "gt": 0}}, {"ENG-7"}),
        ({"updatedAt": {"gte": "2000-01-01T00:00:00Z"}, "number": {"lt": 10}}, {"ENG-7", "ENG-3"}),
        ({"or": [{"number": {"eq": 3}}, {"title": {"containsIgnoreCase": "LETTERS api"}}]}, {"ENG-7", "ENG-3"}),
        ({"searchableContent": {"contains": "times out upstream"}, "team": {"key": {"eq": "ENG"}}}, {"ENG-7"}),
        ({"team": {"key": {"eq": "OPS"}}}, set()),
        ({"completedAt": {"null": False}}, {"ENG-3"}),
        ({"assignee": {"null": False}}, {"ENG-7"}),
    ],
)
async def test_filters(linear: Workspace, filter: dict[str, Any], expected: set[str]) -> None:
    found = (await linear.data(ISSUES, {"first": 50, "filter": filter}))["issues"]["nodes"]
    assert {node["identifier"] for node in found} == expected


async def test_issues_are_ordered_by_their_update(linear: Workspace) -> None:
    nodes = (await linear.data(ISSUES, {"first": 50}))["issues"]["nodes"]
    assert [node["updatedAt"] for node in nodes] == sorted((node["updatedAt"] for node in nodes), reverse=True)
    assert len(nodes) == 32


async def test_one_issue_by_identifier_or_id(linear: Workspace) -> None:
    issue = (await linear.data(ISSUE, {"id": "ENG-7"}))["issue"]
    assert issue["comments"]["nodes"][0]["user"]["displayName"] == "ada.engineer"
    assert issue["attachments"]["nodes"][0]["sourceType"] == "github"
    assert issue["project"] is None
    again = await linear.data("query($id: String!) { issue(id: $id) { id } }", {"id": "ENG-7"})
    assert (await linear.data(ISSUE, {"id": again["issue"]["id"]}))["issue"] == issue
    missing = await linear.ask(ISSUE, {"id": "ENG-9999"})
    assert missing.json()["errors"][0]["extensions"]["code"] == "INPUT_ERROR"


async def test_who_asks_and_how_much_is_left(linear: Workspace) -> None:
    answer = await linear.ask(WHO)
    assert answer.json()["data"]["teams"]["nodes"][0]["key"] == "ENG"
    assert int(answer.headers["x-ratelimit-requests-remaining"]) < int(answer.headers["x-ratelimit-requests-limit"])


async def test_aliases_and_typename(linear: Workspace) -> None:
    data = await linear.data('{ a: issue(id: "ENG-7") { __typename t: title } b: issue(id: "ENG-3") { priority } }')
    assert data == {"a": {"__typename": "Issue", "t": "Letters API answers 502 in Europe"}, "b": {"priority": 3}}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("query { issues { nodes { nonsense } } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { issues(top: 5) { nodes { id } } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { searchIssues(first: 5) { totalCount } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { issues { nodes } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { viewer { id { deeper } } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { issue(id: $id) { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query { viewer { id ", {}, "GRAPHQL_PARSE_FAILED"),
        (SEARCH, {"first": 5}, "BAD_USER_INPUT"),
        (ISSUES, {"first": 5, "filter": {"teem": {"key": {"eq": "ENG"}}}}, "BAD_USER_INPUT"),
        (ISSUES, {"first": 5, "filter": {"priority": {"equals": 1}}}, "BAD_USER_INPUT"),
    ],
)
async def test_wrong_documents_are_refused(linear: Workspace, query: str, variables: dict[str, Any], code: str) -> None:
    answer = await linear.ask(query, variables)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_too_complex_a_query_is_refused(linear: Workspace) -> None:
    deep = "query { issues(first: 200) { nodes { labels(first: 50) { nodes { name } } } } }"
    answer = await linear.ask(deep)
    assert answer.status_code != 500
    assert "Query too complex" in answer.json()["errors"][0]["message"]
    assert (await linear.ask(deep.replace("200", "20"))).json()["data"]


async def test_mutations_are_refused_and_remembered_even_behind_a_query(linear: Workspace) -> None:
    hidden = 'query A { viewer { id } } mutation B { issueUpdate(id: "ENG-7", input: {title: "x"}) { success } }'
    answer = await linear.ask(hidden)
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert [write.what for write in linear.sandbox.journal.writes] == ["mutation issueUpdate"]


async def test_a_wrong_key_is_not_let_in(linear: Workspace) -> None:
    answer = await linear.ask(WHO, key="lin_api_wrong")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "AUTHENTICATION_ERROR"


async def test_the_limit_is_a_400_with_its_own_code_and_operations_are_in_the_journal(linear: Workspace) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        await http.post(
            f"{linear.sandbox.control_address}/faults", json={"vendor": "linear", "kind": "rate-limit", "times": 1}
        )
    limited = await linear.ask(WHO)
    assert (limited.status_code, limited.json()["errors"][0]["extensions"]["code"]) == (400, "RATELIMITED")
    await linear.data(ISSUE, {"id": "ENG-7"})
    last = linear.sandbox.journal.requests("linear")[-1]
    assert (last.operation, last.status) == ("Issue", 200)
