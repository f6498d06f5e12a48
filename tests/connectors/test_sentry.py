"""The Sentry connector, over real HTTP against a small Sentry on loopback."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue, ValidationError

from connectors.base import RateLimited, WriteRefused
from connectors.sentry import SentryConfig
from models.customer import Window
from models.evidence import SourceRequest
from models.vocabulary import EvidenceStatus, Scope, Source
from tests.connectors.far_end import Reply, Seen
from tests.connectors.sentry_far_end import BASE, NOW, TOKEN, WINDOW, a_release, an_issue, at, connected, linked, sentry


def ask(
    operation: str,
    parameters: dict[str, JsonValue] | None = None,
    *,
    customer: str | None = None,
    window: Window | None = WINDOW,
    rows: int = 200,
) -> SourceRequest:
    return SourceRequest(
        source=Source.SENTRY,
        operation=operation,
        scope=Scope.SHARED if customer is None else Scope.CUSTOMER,
        customer=customer,
        parameters=parameters or {},
        window=window,
        row_limit=rows,
    )


async def test_an_issue_has_the_counts_of_what_was_asked_and_the_times_of_its_life() -> None:
    async with connected() as (connector, end):
        answer = await connector.fetch(ask("search_issues", {"terms": ["upstream"], "level": "error"}))
        assert (answer.status, answer.truncated, answer.total, answer.reason) == (EvidenceStatus.FOUND, False, None, "")
        assert answer.rows[0] == {
            "short_id": "API-1",
            "title": "TimeoutError: upstream took too long",
            "culprit": "search.views in query",
            "level": "error",
            "status": "unresolved",
            "project": "api",
            "first_seen": at(500),
            "last_seen": at(0.5),
            "events": 3,
            "users": 1,
            "url": f"{end.url}/organizations/acme/issues/101/",
            "matched_term": "upstream",
        }
        asked = end.requests[0]
        assert asked.path == f"{BASE}/issues/"
        assert asked.one("query") == 'level:[error] message:"upstream"'
        assert (asked.one("environment"), asked.one("project")) == ("production", "-1")
        assert asked.one("start") == WINDOW.start.replace(tzinfo=None).isoformat()
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"


async def test_no_filter_asks_for_resolved_issues_too_and_projects_are_named_by_slug() -> None:
    async with connected(projects=["api"], environment="") as (connector, end):
        listed: list[JsonValue] = [an_issue(1, filtered=None, lifetime=None), an_issue(2, project="web")]
        end.handler = lambda seen: linked(listed) if seen.path == f"{BASE}/issues/" else sentry(seen)
        answer = await connector.fetch(ask("search_issues", window=None))
        asked = end.requests[0]
        # Without an empty query Sentry would look at unresolved issues alone.
        assert "query=&" in asked.target
        assert (asked.query["projectSlug"], asked.one("statsPeriod")) == (["api"], "90d")
        assert not {"project", "environment", "start"} & set(asked.query)
        assert [(row["events"], row["first_seen"]) for row in answer.rows] == [(150, at(5))]


async def test_a_question_about_a_customer_is_bound_to_it_and_counts_its_events_alone() -> None:
    async with connected() as (connector, end):
        found = await connector.fetch(ask("search_issues", {"tags": {"region": "eu"}}, customer='or"g*31'))
        assert end.requests[0].one("query") == r'tags[customer_id]:"or\"g\*31" tags[region]:"eu"'
        assert [row["events"] for row in found.rows] == [3, 3]
        end.handler = lambda seen: linked([an_issue(1, filtered=None)])
        unsure = await connector.fetch(ask("search_issues", customer="org_31"))
        assert unsure.status is EvidenceStatus.FAILED
        assert unsure.reason == "schema drift: issues[0].filtered is nothing, not an object"


@pytest.mark.parametrize(
    ("operation", "parameters", "customer", "said"),
    [
        ("search_issues", {"tags": {"customer_id": "org_31"}}, None, "scope: customer"),
        ("search_issues", {"tags": {"customer_id": "org_32"}}, "org_31", "scope: customer"),
        ("search_issues", {}, "", "without its customer"),
        ("list_releases", {}, "org_31", "'list_releases' takes the scope shared"),
        ("search_issues", {"tags": {"is:resolved x": "1"}}, None, "cannot take"),
        ("search_issues", {"tags": {"region": " "}}, None, "cannot take"),
        ("search_issues", {"tags": {"a]:1 OR level:info tags[b": "1"}}, "org_31", "cannot take 'tags"),
        ("search_issues", {"level": "bad"}, None, "cannot take"),
        ("resolve_issue", {}, None, "has no operation 'resolve_issue'"),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    operation: str, parameters: dict[str, JsonValue], customer: str | None, said: str
) -> None:
    async with connected() as (connector, end):
        with pytest.raises(ValueError, match=said):
            await connector.fetch(ask(operation, parameters, customer=customer))
        assert end.requests == []


async def test_a_value_cannot_run_on_into_the_search_and_a_customer_without_a_tag_is_no_answer() -> None:
    async with connected() as (connector, end):
        answer = await connector.fetch(ask("search_issues", customer="org_31\\"))
        assert (answer.status, end.requests) == (EvidenceStatus.FAILED, [])
        assert "backslash" in answer.reason
    async with connected(customer_tag="") as (connector, end):
        answer = await connector.fetch(ask("search_issues", customer="org_31"))
        assert (answer.status, end.requests) == (EvidenceStatus.FAILED, [])
        assert "connectors.sentry.customer_tag" in answer.reason


async def test_each_term_is_a_search_and_the_fifth_is_told() -> None:
    async with connected() as (connector, end):
        answer = await connector.fetch(ask("search_issues", {"terms": ["a", "b", "c", "d", "e", " a "]}))
        asked = [seen.one("query") for seen in end.requests if seen.path == f"{BASE}/issues/"]
        assert sorted(asked) == ['message:"a"', 'message:"b"', 'message:"c"', 'message:"d"']
        assert [row["short_id"] for row in answer.rows] == ["API-1", "API-2"]
        assert (answer.truncated, answer.reason) == (True, "searched for the first 4 of 5 terms")


async def test_pages_are_followed_by_their_cursor_and_never_by_their_address() -> None:
    def two(seen: Seen) -> Reply:
        if seen.one("cursor"):
            return linked([an_issue(3)])
        return linked([an_issue(1), an_issue(2)], following="0:100:0")

    async with connected() as (connector, end):
        end.handler = two
        wanted: dict[str, JsonValue] = {"release": "1.0", "first_release": "0.9"}
        answer = await connector.fetch(ask("search_issues", wanted, customer="org_31"))
        assert (len(answer.rows), answer.truncated) == (3, False)
        first, second = end.requests
        assert first.one("query") == 'tags[customer_id]:"org_31" release:"1.0" firstRelease:"0.9"'
        assert second.target == f"{first.target}&cursor=0%3A100%3A0"
        cut = await connector.fetch(ask("search_issues", customer="org_31", rows=1))
        assert (len(cut.rows), cut.truncated) == (1, True)


@pytest.mark.parametrize("link", ["", "<https://evil.example/>", '<https://evil.example/>; rel="next"; results="true"'])
async def test_a_list_that_does_not_tell_its_end_is_not_whole(link: str) -> None:
    async with connected() as (connector, end):
        end.always(Reply([a_release()], headers={"link": link} if link else {}))
        answer = await connector.fetch(ask("list_releases"))
        assert (len(answer.rows), answer.truncated) == (1, True)
        assert answer.reason == "Sentry does not tell how its list goes on"


async def test_a_page_that_names_itself_as_the_next_is_not_read_for_ever() -> None:
    async with connected() as (connector, end):
        end.always(linked([a_release()], following="0:100:0"))
        answer = await connector.fetch(ask("list_releases"))
        assert (answer.truncated, len(end.requests)) == (True, 2)


async def test_pages_without_end_are_no_absence_however_little_they_hold() -> None:
    def endless(seen: Seen) -> Reply:
        return linked([], following=f"0:{len(end.requests)}:0")

    async with connected() as (connector, end):
        end.handler = endless
        answer = await connector.fetch(ask("list_releases"))
        assert (answer.status, len(end.requests)) == (EvidenceStatus.FAILED, 20)


async def test_releases_beyond_those_that_were_read_are_no_absence() -> None:
    newer: list[JsonValue] = [a_release(str(number), dateCreated=at(-1)) for number in range(3)]
    async with connected() as (connector, end):
        end.always(linked(newer, following="0:100:0"))
        answer = await connector.fetch(ask("list_releases", rows=2))
        assert (answer.status, answer.reason) == (EvidenceStatus.FAILED, "Sentry has more than the first 3 releases")


async def test_what_is_of_other_projects_is_left_out() -> None:
    async with connected(projects=["web"]) as (connector, end):
        web: list[JsonValue] = [{"slug": "api"}, {"slug": "web"}]
        end.always(linked([a_release("a"), a_release("b", projects=web)]))
        answer = await connector.fetch(ask("list_releases"))
        assert [(row["version"], row["projects"]) for row in answer.rows] == [("b", "api, web")]


async def test_a_release_is_deployed_where_it_was_deployed() -> None:
    elsewhere: dict[str, JsonValue] = {"environment": "staging", "dateFinished": at(1)}
    async with connected() as (connector, end):
        end.always(
            linked([a_release("api/1"), a_release("b", lastDeploy=elsewhere), a_release("old", dateCreated=at(9))])
        )
        answer = await connector.fetch(ask("list_releases"))
        assert answer.rows[0] == {
            "version": "api/1",
            "projects": "api",
            "created_at": at(3),
            "released_at": None,
            "deployed_at": at(2.5),
            "new_issues": 2,
            "commits": 5,
            "url": f"{end.url}/organizations/acme/releases/api%2F1/",
        }
        assert [(row["version"], row["deployed_at"]) for row in answer.rows[1:]] == [("b", None)]


async def test_nothing_found_before_sentry_remembers_is_no_absence() -> None:
    async with connected() as (connector, end):
        end.always(linked([]))
        assert (await connector.fetch(ask("search_issues"))).status is EvidenceStatus.EMPTY
        old = Window(start=NOW - timedelta(days=91), end=NOW)
        answer = await connector.fetch(ask("search_issues", window=old))
        assert answer.status is EvidenceStatus.FAILED
        assert "90 days" in answer.reason


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry-after": "7"}, 7.0, 7.0),
        ({"x-sentry-rate-limit-remaining": "0", "x-sentry-rate-limit-reset": "in ten minutes"}, 1, 600),
        ({"x-sentry-rate-limit-remaining": "9", "x-sentry-rate-limit-reset": "99999999999"}, None, None),
    ],
)
async def test_too_many_requests_carry_sentrys_delay(
    headers: dict[str, str], least: float | None, most: float | None
) -> None:
    # Made when it is used: a whole run of the tests lasts longer.
    at = str(int(datetime.now(UTC).timestamp()) + 600)
    sent = {name: value.replace("in ten minutes", at) for name, value in headers.items()}
    async with connected() as (connector, end):
        end.always(Reply({"detail": "slow down"}, status=429, headers=sent))
        with pytest.raises(RateLimited) as caught:
            await connector.fetch(ask("list_releases"))
        asked = caught.value.retry_after
        assert asked is None if least is None or most is None else asked is not None and least <= asked <= most


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_is_told_and_never_sentrys_sentence(status: int) -> None:
    async with connected() as (connector, end):
        end.always(Reply({"detail": {"code": "sso-required", "message": "ada@quill.example"}}, status=status))
        answer = await connector.fetch(ask("list_releases"))
        assert answer.status is EvidenceStatus.DENIED
        assert str(status) in answer.reason
        assert "quill" not in answer.model_dump_json()


async def test_no_other_path_is_ever_read() -> None:
    async with connected() as (connector, end):
        for path in (f"{BASE}/members/", f"{BASE}/issues/101/", "/api/0/organizations/other/issues/", "/oauth/"):
            with pytest.raises(WriteRefused):
                await connector._get(path, {}, [])
        assert end.requests == []
    with pytest.raises(ValidationError):
        SentryConfig.model_validate({"organization": "acme/../other", "token": "env:T"})
