"""The Sentry connector, over real HTTP against a small Sentry on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue, ValidationError
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.gather import GatherActivities
from connectors.base import Connector, FindingStatus, RateLimited, WriteRefused
from connectors.pool import PooledConnectors
from connectors.registry import operations_of, plugin
from connectors.sentry import SentryConfig, SentryConnector
from ledger.store import SqlLedger
from models.customer import Anchors, Customer, Window
from models.evidence import Evidence, SourceRequest
from models.run import ClaimRequest, FetchRequest
from models.ticket import Trigger, TriggerKind
from models.vocabulary import EvidenceStatus, Scope, Source
from playbooks.library import Library, PlaybookError
from settings import Settings
from tests.activities.conftest import REF
from tests.cli.command import Shell
from tests.connectors.far_end import FarEnd, Reply, Seen, far_end
from workflows.naming import investigation_id

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = Window(start=NOW - timedelta(hours=6), end=NOW)
"""Sentry forgets after 90 days, so the tests live now."""
TOKEN = "sntrys_SecretSecretSecret"
BASE = "/api/0/organizations/acme"
EXAMPLE_SCOPES: list[JsonValue] = ["event:read", "org:read", "project:read"]


def at(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def an_issue(number: int = 1, project: str = "api", **changes: JsonValue) -> dict[str, JsonValue]:
    """One item as the organization's list of issues has it: counts of the window, of what matches, and of all time."""
    return {
        "id": str(100 + number),
        "shortId": f"API-{number}",
        "title": "TimeoutError: upstream took too long",
        "culprit": "search.views in query",
        "permalink": "javascript:alert(1)",
        "level": "error",
        "status": "unresolved",
        "project": {"id": "2", "slug": project, "name": "API"},
        "count": "150",
        "userCount": 12,
        "firstSeen": at(5),
        "lastSeen": at(1),
        "filtered": {"count": "3", "userCount": 1, "firstSeen": at(5), "lastSeen": at(1)},
        "lifetime": {"count": "9000", "userCount": 40, "firstSeen": at(500), "lastSeen": at(0.5)},
        **changes,
    }


def a_release(version: str = "api@1.4.2", **changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "version": version,
        "shortVersion": version,
        "dateCreated": at(3),
        "dateReleased": None,
        "newGroups": 2,
        "commitCount": 5,
        "lastDeploy": {"id": "1", "environment": "production", "dateFinished": at(2.5), "dateStarted": None},
        "projects": [{"slug": "api", "name": "API"}],
        "url": None,
        **changes,
    }


def linked(body: JsonValue, following: str = "", **headers: str) -> Reply:
    """Answer a list as Sentry does: the next page is always named, and told to have results or none."""
    link = (
        '<https://evil.example/api/0/?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
        f'<https://evil.example/api/0/?a=1,2&cursor=x>; rel="next"; results="{"true" if following else "false"}"; '
        f'cursor="{following or "0:100:0"}"'
    )
    return Reply(body, headers={"link": link, **headers})


def sentry(seen: Seen) -> Reply:
    """Answer as a small organization."""
    match seen.path.removeprefix(BASE):
        case "/api/0/":
            return Reply({"version": "0", "auth": {"scopes": EXAMPLE_SCOPES}, "user": None})
        case "/issues/":
            return linked([an_issue(1), an_issue(2)], **{"x-hits": "2", "x-max-hits": "1000"})
        case "/releases/":
            return linked([a_release()])
    return Reply({"detail": "The requested resource does not exist"}, status=404)


@asynccontextmanager
async def connected(**config: JsonValue) -> AsyncIterator[tuple[SentryConnector, FarEnd]]:
    async with far_end() as end:
        end.handler = sentry
        given = {"url": end.url, "organization": "acme", "token": "env:SENTRY", "customer_tag": "customer_id", **config}
        connector = SentryConnector(SentryConfig.model_validate(given), TOKEN)
        try:
            yield connector, end
        finally:
            await connector.aclose()


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
        ({"x-sentry-rate-limit-remaining": "0", "x-sentry-rate-limit-reset": str(int(NOW.timestamp()) + 600)}, 1, 600),
        ({"x-sentry-rate-limit-remaining": "9", "x-sentry-rate-limit-reset": "99999999999"}, None, None),
    ],
)
async def test_too_many_requests_carry_sentrys_delay(
    headers: dict[str, str], least: float | None, most: float | None
) -> None:
    async with connected() as (connector, end):
        end.always(Reply({"detail": "slow down"}, status=429, headers=headers))
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


async def test_an_examination_of_a_token_that_only_reads() -> None:
    async with connected() as (connector, _):
        found = {finding.check: finding for finding in await connector.examine()}
        assert {check: finding.status for check, finding in found.items()} == {
            "reach": FindingStatus.OK,
            "key": FindingStatus.OK,
            "rights": FindingStatus.OK,
            "shape": FindingStatus.OK,
            "latency": FindingStatus.OK,
            "clock": FindingStatus.UNKNOWN,
        }


@pytest.mark.parametrize(
    ("auth", "status", "detail"),
    [
        ({"scopes": EXAMPLE_SCOPES}, FindingStatus.OK, "only reads"),
        ({"scopes": [*EXAMPLE_SCOPES, "project:releases", "event:admin"]}, FindingStatus.WARNING, "event:admin"),
        (None, FindingStatus.UNKNOWN, "does not tell"),
    ],
)
async def test_a_token_that_allows_more_or_less_is_told(auth: JsonValue, status: FindingStatus, detail: str) -> None:
    async with connected() as (connector, end):
        end.handler = lambda seen: Reply({"auth": auth}) if seen.path == "/api/0/" else sentry(seen)
        [rights] = [finding for finding in await connector.examine() if finding.check == "rights"]
        assert rights.status is status
        assert detail in rights.detail
        assert bool(rights.remedy) is (status is FindingStatus.WARNING)


@pytest.mark.parametrize(
    ("path", "reply", "check", "remedy"),
    [
        ("/api/0/", Reply({}, status=401), "key", "connectors.sentry.token"),
        (f"{BASE}/releases/", Reply({}, status=403), "key", "event:read"),
        (f"{BASE}/issues/", Reply({}, status=404), "reach", "connectors.sentry.organization"),
        (f"{BASE}/releases/", linked([a_release(newGroups="two")]), "shape", "connectors.sentry.url"),
        (f"{BASE}/issues/", Reply(reset=True), "reach", "connectors.sentry.url"),
    ],
)
async def test_an_examination_that_fails_names_what_to_change(path: str, reply: Reply, check: str, remedy: str) -> None:
    async with connected() as (connector, end):
        end.handler = lambda seen: reply if seen.path == path else sentry(seen)
        [finding] = await connector.examine()
        assert (finding.check, finding.status) == (check, FindingStatus.FAILURE)
        assert remedy in finding.remedy
        assert TOKEN not in str(finding)


PLAYBOOK = """\
format: 1
id: crashes
version: 1
title: Crashes
owner: support
review_by: 2099-01-01
applies_when: {fallback: true}
queries:
  - id: errors
    source: sentry
    title: errors of the customer
    scope: customer
    operation: search_issues
    parameters: {level: [error, fatal], tags: {region: eu}}
    row_sentence: "{title} since {first_seen}, {events} times"
  - id: releases
    source: sentry
    title: releases
    scope: shared
    operation: list_releases
    row_sentence: "{version} at {deployed_at}"
facts:
  crashes: {fn: count, label: kinds of error, unit: count, args: {query: errors}}
hypotheses:
  - id: bug
    cause: known_bug
    title: "Sentry knows {crashes} kinds of error of this customer"
    requires: [errors]
    supported_when: [crashes > 0]
    claims: [crashes, errors]
    next_step: look
next_steps: {look: Open the issue., inconclusive: Look., nothing-wrong: Ask., needs-info: Ask.}
"""


def written(tmp_path: Path, text: str = PLAYBOOK) -> Path:
    path = tmp_path / "playbooks" / "crashes" / "1.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return tmp_path / "playbooks"


def test_a_playbook_of_ones_own_may_ask_sentry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = Shell(monkeypatch, capsys)("playbooks", "validate", str(written(tmp_path)))
    assert (said.code, said.err) == (0, "")
    assert said.out.rstrip().endswith("all valid")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("operation: list_releases", "operation: list_deploys", "no operation 'list_deploys'"),
        ("title: releases\n    scope: shared", "title: releases\n    scope: customer", "'list_releases' takes shared"),
        ("title: releases\n    scope: shared", "title: releases\n    scope: fleet", "sentry takes customer, shared"),
        ("level: [error, fatal]", "levels: error", "no parameter 'levels'"),
        ("{events} times", "{count} times", "no column 'count'"),
    ],
)
def test_a_mistake_in_a_question_to_sentry_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in PLAYBOOK
    with pytest.raises(PlaybookError, match=said):
        Library.load([written(tmp_path, PLAYBOOK.replace(old, new))])


WHYDESK = """\
tenants:
  acme:
    helpdesks:
      desk: {kind: standard, note_url: "https://d.example.com/n", ticket_url: "https://d.example.com/t/{ticket}",
             webhook_secrets: ["env:SIGNING"]}
    connectors:
      sentry: {url: "URL", organization: acme, token: "env:SENTRY_TOKEN", customer_tag: customer_id}
"""


async def test_a_tenant_gathers_evidence_from_sentry_by_its_configuration_alone(tmp_path: Path) -> None:
    async with far_end() as end, await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        end.handler = sentry
        config = tmp_path / "whydesk.yaml"
        config.write_text(WHYDESK.replace("URL", end.url), encoding="utf-8")
        tenant = Settings.load({"SENTRY_TOKEN": TOKEN, "SIGNING": "d2h5ZGVzaw=="}, config).tenants["acme"]
        part = tenant.connectors[Source.SENTRY]

        def make(_: str) -> Connector:
            return plugin(Source.SENTRY).make(part, {"env:SENTRY_TOKEN": TOKEN}.__getitem__)

        pool = PooledConnectors({Source.SENTRY: make})
        gather = GatherActivities(ledger, Bodies(ledger), pool, {"acme": tenant})
        trigger = Trigger(delivery="d1", kind=TriggerKind.CREATED, received_at=NOW)
        claim = ClaimRequest(ref=REF, investigation=investigation_id(REF), trigger=trigger, owner="run-1")
        customer = Customer(id="org_31", name="Quill", resolved_by="organization")
        anchors = Anchors(reported_at=NOW, symptom_at=NOW, window=WINDOW, customer=customer)
        request = FetchRequest(
            key=(await ledger.claim_delivery(claim)).key,
            playbook=await ledger.put_body("acme", Library.load([written(tmp_path)]).get("crashes").playbook),
            query="errors",
            evidence="E1",
            anchors=await ledger.put_body("acme", anchors),
        )
        try:
            ref = await ActivityEnvironment().run(gather.fetch_evidence, request)
        finally:
            await pool.aclose()
        kept = await ledger.get_body("acme", ref.digest, Evidence)
        assert (kept.status, kept.customer, len(kept.rows)) == (EvidenceStatus.FOUND, "org_31", 2)
        assert set(kept.rows[0]) == operations_of(Source.SENTRY)["search_issues"].columns
        assert 'tags[customer_id]:"org_31"' in end.requests[0].one("query")
        assert TOKEN not in kept.model_dump_json()
