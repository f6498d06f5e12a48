"""Linear over real HTTP: searches merged, pages, every kind of failure, and no document but the stored ones."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import JsonValue

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.linear import LinearConnector, is_stored_query
from connectors.linear_documents import DOCUMENTS, SEARCH_ISSUES
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import FarEnd, Reply, Seen, ask, http_date
from tests.connectors.linear_far_end import KEY, an_issue, by_term, connect, graphql_error, page, search, variables


async def test_an_issue_is_one_flat_row(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(page(an_issue(1), total=1))
    found = await search(linear_connector, "429")
    assert found.rows == (
        {
            "identifier": "ENG-1",
            "title": "Limiter counts twice (1)",
            "url": "https://linear.example.com/acme/issue/ENG-1/limiter-counts-twice",
            "priority": 2,
            "priority_label": "High",
            "state": "In Progress",
            "state_type": "started",
            "labels": "bug, rate-limit",
            "team": "ENG",
            "created_at": "2026-11-01T08:00:00Z",
            "updated_at": "2026-11-19T08:30:00.250000Z",
            "completed_at": None,
            "canceled_at": None,
            "due_date": None,
            "cycle_ends_at": None,
            "eta": None,
            "eta_source": None,
            "description": "x" * 500,
            "fix_urls": "https://github.example.com/acme/api/pull/71, "
            "https://gitlab.example.com/acme/api/-/merge_requests/7",
            "ticket_urls": "https://acme.zendesk.com/agent/tickets/4711",
            "matched_term": "429",
        },
    )
    assert found.total == 1
    assert found.url == "https://linear.example.com/acme/search?q=429"
    assert found.asked == 'SearchIssues {"term": "429", "filter": {}, "first": 50, "after": null}'
    seen = end.requests[0]
    assert (seen.method, seen.target) == ("POST", "/graphql")
    assert seen.headers["authorization"] == KEY
    assert json.loads(seen.body)["query"] == SEARCH_ISSUES


async def test_terms_are_searched_together_and_merged_by_rank(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.handler = by_term(
        limit=page(an_issue(1), an_issue(2), an_issue(3)), quota=page(an_issue(4), an_issue(2)), bill=page()
    )
    found = await search(linear_connector, "limit", "quota", "bill", "limit")
    assert [(row["identifier"], row["matched_term"]) for row in found.rows] == [
        ("ENG-1", "limit"),
        ("ENG-4", "quota"),
        ("ENG-2", "limit"),
        ("ENG-3", "limit"),
    ]
    assert len(end.requests) == 3
    assert found.total is None
    assert found.asked.count("SearchIssues") == 3


async def test_terms_beyond_the_searches_are_looked_for_to_the_letter_in_one_request(end: FarEnd) -> None:
    connector = connect(end, team="ENG")

    def reply(seen: Seen) -> Reply:
        if "term" in variables(seen):
            return page()
        return page(an_issue(1, title="Exports stall"), an_issue(2, description="seen with E_QUOTA_2"), name="issues")

    end.handler = reply
    found = await search(connector, *"abcdefgh", "e_quota", "exports", labels="bug")
    assert [(row["identifier"], row["matched_term"]) for row in found.rows] == [
        ("ENG-1", "exports"),
        ("ENG-2", "e_quota"),
    ]
    assert (found.status, found.truncated, found.total) == (EvidenceStatus.FOUND, False, None)
    assert len(end.requests) == 9
    [listed] = [seen for seen in end.requests if "term" not in variables(seen)]
    assert variables(listed)["filter"] == {
        "team": {"key": {"eq": "ENG"}},
        "labels": {"name": {"in": ["bug"]}},
        "or": [
            {"title": {"containsIgnoreCase": "e_quota"}},
            {"description": {"containsIgnoreCase": "e_quota"}},
            {"title": {"containsIgnoreCase": "exports"}},
            {"description": {"containsIgnoreCase": "exports"}},
        ],
    }
    await connector.aclose()


async def test_nothing_found_for_many_terms_is_nothing_found(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.handler = lambda seen: page(name="searchIssues" if "term" in variables(seen) else "issues")
    found = await search(linear_connector, *"abcdefghij")
    assert (found.status, found.truncated) == (EvidenceStatus.EMPTY, False)


async def test_filters_are_linears_own(end: FarEnd) -> None:
    connector = connect(end, team="ENG")
    end.always(page())
    await search(
        connector,
        "429",
        state_types=["started", "completed"],
        labels="bug",
        updated_since="2026-11-01T02:00:00+02:00",
    )
    assert variables(end.requests[0])["filter"] == {
        "team": {"key": {"eq": "ENG"}},
        "state": {"type": {"in": ["started", "completed"]}},
        "labels": {"name": {"in": ["bug"]}},
        "updatedAt": {"gte": "2026-11-01T00:00:00Z"},
    }
    await connector.aclose()


async def test_pages_are_followed_to_the_row_cap_and_no_further(end: FarEnd, linear_connector: LinearConnector) -> None:
    def answer(seen: Seen) -> Reply:
        first, start = variables(seen)["first"], int(str(variables(seen)["after"] or 0))
        assert isinstance(first, int)
        return page(*(an_issue(start + n) for n in range(first)), total=1_000, after=str(start + first))

    end.handler = answer
    found = await search(linear_connector, "429", rows=70)
    assert (len(found.rows), found.truncated, found.total) == (70, True, 1_000)
    assert [(variables(seen)["first"], variables(seen)["after"]) for seen in end.requests] == [(50, None), (21, "50")]


async def test_a_page_that_leads_to_itself_is_an_error_and_no_loop(
    end: FarEnd, linear_connector: LinearConnector
) -> None:
    end.always(page(an_issue(1), after="same"))
    with pytest.raises(Unavailable, match="next page"):
        await search(linear_connector, "429")
    assert len(end.requests) == 2


async def test_one_issue_by_its_identifier(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(Reply({"data": {"issue": an_issue(7)}}))
    found = await linear_connector.fetch(ask(Source.LINEAR, "get_issue", {"id": "ENG-7"}))
    assert found.rows[0]["identifier"] == "ENG-7"
    assert found.url == found.rows[0]["url"]
    assert found.asked == 'Issue {"id": "ENG-7"}'


async def test_an_issue_of_another_team_does_not_count(end: FarEnd) -> None:
    connector = connect(end, team="OPS")
    end.always(Reply({"data": {"issue": an_issue(7)}}))
    assert (await connector.fetch(ask(Source.LINEAR, "get_issue", {"id": "ENG-7"}))).status is EvidenceStatus.EMPTY
    await connector.aclose()


async def test_an_issue_that_is_not_there_is_an_absence(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.always(graphql_error("INPUT_ERROR", "Entity not found: Issue"))
    assert (
        await linear_connector.fetch(ask(Source.LINEAR, "get_issue", {"id": "ENG-9"}))
    ).status is EvidenceStatus.EMPTY
    # In a search the same error is about a filter, and says nothing about issues.
    assert (await search(linear_connector, "429")).status is EvidenceStatus.FAILED


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (page(), EvidenceStatus.EMPTY, ""),
        (graphql_error("AUTHENTICATION_ERROR", f"key {KEY} is bad", 401), EvidenceStatus.DENIED, "API key"),
        (graphql_error("AUTHENTICATION_ERROR"), EvidenceStatus.DENIED, "AUTHENTICATION_ERROR"),
        (graphql_error("", kind="forbidden"), EvidenceStatus.DENIED, "forbidden"),
        (graphql_error("SOMETHING", status=403), EvidenceStatus.DENIED, "403"),
        (Reply(b"no", status=401), EvidenceStatus.DENIED, "401"),
        (Reply(b"<html>no</html>", status=403), EvidenceStatus.DENIED, "403"),
        (Reply(b"nothing here", status=404), EvidenceStatus.FAILED, "404"),
        (graphql_error("GRAPHQL_VALIDATION_FAILED", status=400), EvidenceStatus.FAILED, "GRAPHQL_VALIDATION_FAILED"),
        (graphql_error("INPUT_ERROR", "bo@acme.example.com is no term"), EvidenceStatus.FAILED, "INPUT_ERROR"),
        (Reply(b"?", status=302, headers={"location": "https://example.com"}), EvidenceStatus.FAILED, "redirect"),
        (Reply(b" " * 9_000_000), EvidenceStatus.FAILED, "larger"),
    ],
)
async def test_an_answer_that_is_no(
    end: FarEnd, linear_connector: LinearConnector, reply: Reply, status: EvidenceStatus, told: str
) -> None:
    end.always(reply)
    found = await search(linear_connector, "429")
    assert found.status is status
    assert told in found.reason
    assert found.asked.startswith("SearchIssues {")
    assert KEY not in found.model_dump_json()
    assert "bo@acme" not in found.reason
    assert len(end.requests) == 1


def in_ten_minutes() -> str:
    return str(int((datetime.now(UTC).timestamp() + 600) * 1000))


@pytest.mark.parametrize(
    ("reply", "error", "delay"),
    [
        (
            lambda: graphql_error("RATELIMITED", status=400, x_ratelimit_requests_reset=in_ten_minutes()),
            RateLimited,
            600,
        ),
        (lambda: graphql_error("RATELIMITED", retry_after="4"), RateLimited, 4),
        (lambda: graphql_error("", kind="Ratelimited"), RateLimited, None),
        (
            lambda: graphql_error(
                "RATELIMITED", x_ratelimit_requests_reset=in_ten_minutes(), x_ratelimit_requests_remaining="90"
            ),
            RateLimited,
            None,
        ),
        (lambda: Reply(b"slow down", status=429, headers={"retry-after": "7"}), RateLimited, 7),
        (lambda: graphql_error("X", status=429, retry_after=http_date(600)), RateLimited, 600),
        (lambda: Reply(b"oops", status=500), Unavailable, None),
        (lambda: Reply({"errors": []}, status=503, headers={"retry-after": "2"}), Unavailable, 2),
        (lambda: graphql_error("INTERNAL_SERVER_ERROR"), Unavailable, None),
        (lambda: Reply(reset=True), Unavailable, None),
        (lambda: Reply({"data": {}}, cut=True), Unavailable, None),
        (lambda: Reply(b'{"data": '), Unavailable, None),
        (lambda: Reply(b"<html>hello</html>"), Unavailable, None),
        (lambda: Reply([]), Unavailable, None),
        (lambda: Reply({}), Unavailable, None),
        (lambda: Reply({"data": None}), Unavailable, None),
    ],
)
async def test_what_may_pass_is_raised(
    end: FarEnd,
    linear_connector: LinearConnector,
    reply: Callable[[], Reply],
    error: type[ConnectorError],
    delay: float | None,
) -> None:
    end.always(reply())
    with pytest.raises(error) as raised:
        await search(linear_connector, "429")
    if delay is None or delay < 100:
        assert raised.value.retry_after == delay
    else:
        assert raised.value.retry_after == pytest.approx(delay, abs=300)
    assert KEY not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert len(end.requests) == 1, "Temporal owns retries"


async def test_one_search_that_fails_ends_the_others(end: FarEnd, linear_connector: LinearConnector) -> None:
    end.handler = by_term(bad=Reply(status=500), slow=Reply(delay=30))
    with pytest.raises(Unavailable, match="500"):
        await search(linear_connector, "slow", "bad")


async def test_the_time_limit_holds_over_all_pages(end: FarEnd, linear_connector: LinearConnector) -> None:
    count = iter(range(1, 1_000))
    end.handler = lambda _: Reply(page(an_issue(n := next(count)), after=str(n)).body, delay=0.1)
    with pytest.raises(SlowAnswer, match=r"within 0\.3 s"):
        await linear_connector.fetch(ask(Source.LINEAR, "search_issues", {"terms": "429"}, time_limit=0.3))


MUTATION = 'mutation { issueUpdate(id: "ENG-1", input: {title: "x"}) { success } }'


@pytest.mark.parametrize(
    "body",
    [
        {"query": MUTATION},
        {"query": MUTATION, "operationName": "SearchIssues"},
        {"query": f"{SEARCH_ISSUES}\n{MUTATION}", "operationName": "SearchIssues"},
        {"query": f"{SEARCH_ISSUES} ", "operationName": "SearchIssues"},
        {"query": DOCUMENTS["Issue"], "operationName": "SearchIssues"},
        {"query": "{ viewer { id } }", "operationName": None},
        [{"query": SEARCH_ISSUES, "operationName": "SearchIssues"}],
        {"query": SEARCH_ISSUES, "operationName": "SearchIssues", "extensions": {"persistedQuery": {}}},
        {"id": "abc"},
        None,
    ],
)
async def test_no_document_but_the_stored_ones_is_sent(
    end: FarEnd, linear_connector: LinearConnector, body: JsonValue
) -> None:
    with pytest.raises(WriteRefused):
        await linear_connector._client.http.post("", body)
    assert end.connections == 0


async def test_no_other_way_out_of_the_client(end: FarEnd, linear_connector: LinearConnector) -> None:
    client: httpx.AsyncClient = linear_connector._client.http._client
    stored = {"query": SEARCH_ISSUES, "operationName": "SearchIssues", "variables": {}}
    twice = json.dumps(stored, separators=(",", ":"))[:-1] + f',"query":{json.dumps(MUTATION)}}}'
    for method, path, content in (
        ("POST", "/graphql/", json.dumps(stored)),
        ("POST", "/other", json.dumps(stored)),
        ("PUT", "/graphql", json.dumps(stored)),
        ("POST", "/graphql", twice),
        ("POST", "/graphql", f"query={MUTATION}"),
        ("DELETE", "/graphql", ""),
    ):
        with pytest.raises(WriteRefused):
            await client.request(method, f"{end.url}{path}", content=content)
    assert end.connections == 0


def test_duplicate_keys_do_not_hide_a_mutation() -> None:
    good = json.dumps({"query": SEARCH_ISSUES, "operationName": "SearchIssues", "variables": {}}, separators=(",", ":"))
    assert is_stored_query(good.encode())
    assert not is_stored_query(good.replace('{"query"', f'{{"query":{json.dumps(MUTATION)},"query"', 1).encode())
    assert not is_stored_query(b"\xff")


def test_every_stored_document_is_one_query() -> None:
    for name, document in DOCUMENTS.items():
        assert document.startswith((f"query {name}(", f"query {name} {{"))
        assert "mutation" not in document
        assert "subscription" not in document
        assert document.count("query ") == 1


async def test_an_oauth_token_is_a_bearer(end: FarEnd) -> None:
    connector = connect(end, key="lin_oauth_Secret")
    end.always(page())
    await search(connector, "429")
    assert end.requests[0].headers["authorization"] == "Bearer lin_oauth_Secret"
    await connector.aclose()


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("create_issue", {}, "search_issues"),
        ("search_issues", {"term": "x"}, "terms"),
        ("search_issues", {"terms": []}, "terms"),
        ("search_issues", {"terms": ["x"], "state_types": ["done"]}, "state_types"),
        ("search_issues", {"terms": ["x"], "updated_since": "2026-11-01T00:00:00"}, "updated_since"),
        ("get_issue", {"id": ""}, "id"),
    ],
)
async def test_a_wrong_question_is_our_mistake(
    end: FarEnd, linear_connector: LinearConnector, operation: str, parameters: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        await linear_connector.fetch(ask(Source.LINEAR, operation, parameters))
    assert not end.requests


async def test_terms_of_blanks_are_not_searched(end: FarEnd, linear_connector: LinearConnector) -> None:
    found = await search(linear_connector, " ", "")
    assert found.status is EvidenceStatus.FAILED
    assert not end.requests


def test_the_key_is_in_no_repr(end: FarEnd, linear_connector: LinearConnector) -> None:
    assert KEY not in repr(linear_connector)
    assert KEY not in repr(linear_connector._client.http)
