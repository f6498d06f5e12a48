"""One fetch for many tickets: asked once, served honestly, and nothing of a customer is ever kept for others."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from activities.gather import LAST_ATTEMPT
from activities.sharing import FRESH_SECONDS, Shareable, SharedFetch, shareable
from connectors.base import SlowAnswer, Unavailable
from ledger.coordinator import coordinate
from ledger.store import SqlLedger
from models.coordination import PUBLIC, SharedAnswer, SharedQuestion
from models.customer import Anchors, Customer, Window
from models.diagnosis import Fact
from models.evidence import Answer, SourceRequest
from models.playbook import Playbook, Query
from models.tenant import StatusPageConfig, Tenant
from models.vocabulary import EvidenceStatus, Scope, Source
from playbooks.library import Library
from reasoning.queries import resolve_query
from tests.fakes import found
from tests.workflows.house import TENANT
from worker import SHIPPED_PLAYBOOKS
from workflows.options import CONNECTOR_READ

NOW = datetime.now(UTC)
"""When the test began: what is fresh is fresh for a minute, and the tests of all files run for longer."""


@pytest.fixture(autouse=True)
def _begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.NOW", datetime.now(UTC))


def at(**changes: object) -> Anchors:
    told = {
        "reported_at": NOW - timedelta(minutes=5),
        "symptom_at": NOW - timedelta(minutes=40),
        "window": Window(start=NOW - timedelta(hours=1), end=NOW),
        "customer": Customer(id="org_31", name="Quill", billing_id="cus_31", plan="growth", resolved_by="field"),
        "vocabulary": ("rate limit",),
        "terms": ("quill", "warehouse"),
        "routes": ("/v1/search",),
    }
    return Anchors.model_validate(told | changes)


def query(parameters: Mapping[str, JsonValue] | None = None, **changes: object) -> Query:
    whole: dict[str, object] = {
        "id": "incidents",
        "source": "statuspage",
        "title": "incidents",
        "scope": "shared",
        "operation": "list_incidents",
        "parameters": parameters or {},
    }
    return Query.model_validate(whole | changes)


def asked(of: Query, anchors: Anchors | None = None, now: datetime | None = None) -> SourceRequest:
    request = resolve_query(of, anchors or at(), {}, now or NOW)
    assert isinstance(request, SourceRequest)
    return request


def known(of: Query, anchors: Anchors | None = None, tenant: Tenant = TENANT, now: datetime | None = None) -> Shareable:
    found = shareable(tenant, of, asked(of, anchors, now), now or NOW)
    assert found is not None
    return found


def told(*rows: Mapping[str, object], at: datetime | None = None) -> SharedAnswer:
    return SharedAnswer(answer=found(*rows), window=None, fetched_at=at or NOW, took=0.5)


class Source1:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self, *answers: SharedAnswer | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def fetch(self) -> SharedAnswer:
        self.asked += 1
        self.was_asked.set()
        await self.free.wait()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def shared(ledger: SqlLedger) -> SharedFetch:
    return SharedFetch(coordinate(ledger).answers)


def another_worker(ledger: SqlLedger) -> SharedFetch:
    """What another process has: its own memory, the same ledger."""
    return SharedFetch(coordinate(ledger).answers)


async def test_many_tickets_in_two_workers_ask_once(ledger: SqlLedger, shared: SharedFetch) -> None:
    source, of, other = Source1(told({"name": "Elevated errors"})), known(query()), another_worker(ledger)
    source.free.clear()
    waiting = [asyncio.ensure_future(each.get(of, source.fetch)) for each in (shared, other) for _ in range(20)]
    await source.was_asked.wait()
    source.free.set()
    answers = await asyncio.gather(*waiting)
    assert source.asked == 1
    assert {answer.fetched_at for answer in answers} == {NOW}
    assert await another_worker(ledger).get(of, source.fetch) == answers[0]
    assert source.asked == 1


async def test_beyond_its_freshness_it_is_asked_again(ledger: SqlLedger, shared: SharedFetch) -> None:
    old = told({"name": "old"}, at=NOW - timedelta(seconds=FRESH_SECONDS[Source.STATUSPAGE] + 1))
    source, of = Source1(old, told({"name": "new"})), known(query())
    assert (await shared.get(of, source.fetch)).answer.rows[0]["name"] == "old"
    assert (await shared.get(of, source.fetch)).answer.rows[0]["name"] == "new"
    # The last answer took the place of the one before: nothing piles up.
    assert await bodies_of(ledger, of.question.scope) == 1


async def bodies_of(ledger: SqlLedger, scope: str) -> int:
    sql = f"SELECT count(*) FROM bodies WHERE tenant = '{scope}'"
    return await ledger.database.read(lambda connection: int(connection.exec_driver_sql(sql).scalar_one()))


async def test_asked_afresh_whatever_is_there_and_kept_for_others(ledger: SqlLedger, shared: SharedFetch) -> None:
    source, of = Source1(told({"n": 1}), told({"n": 2}, at=NOW + timedelta(seconds=1))), known(query())
    await shared.get(of, source.fetch)
    assert (await shared.get(of, source.fetch, afresh=True)).answer.rows[0]["n"] == 2
    assert (await another_worker(ledger).get(of, source.fetch)).answer.rows[0]["n"] == 2
    assert source.asked == 2


@pytest.mark.parametrize("error", [Unavailable("refused"), SlowAnswer("no answer")], ids=["down", "slow"])
async def test_a_failure_is_everyones_at_once_and_the_next_attempt_asks_again(
    ledger: SqlLedger, shared: SharedFetch, error: Exception
) -> None:
    source, of, other = Source1(error, told({"n": 1})), known(query()), another_worker(ledger)
    source.free.clear()
    waiting = [asyncio.ensure_future(each.get(of, source.fetch)) for each in (shared, other) for _ in range(5)]
    await source.was_asked.wait()
    await asyncio.sleep(0.1)
    source.free.set()
    failures = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(failure) for failure in failures} == {type(error)}
    assert source.asked == 1, "ten tickets must not wait out one time limit after the other"
    assert (await other.get(of, source.fetch)).answer.rows == ({"n": 1},)


async def test_a_dead_owners_lease_ends(
    ledger: SqlLedger, shared: SharedFetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.shared_evidence.LEASE", timedelta(seconds=0.5))
    of, answers = known(query()), coordinate(ledger).answers
    assert (await answers.ask(of.question, "a worker that was killed", datetime.now(UTC))).ours
    assert not (await answers.ask(of.question, "another", datetime.now(UTC))).ours
    source = Source1(told({"n": 1}))
    assert (await asyncio.wait_for(shared.get(of, source.fetch), 20)).answer.rows == ({"n": 1},)


async def test_one_that_is_given_up_leaves_the_fetch_to_the_others(shared: SharedFetch) -> None:
    source, of = Source1(told({"n": 1})), known(query())
    source.free.clear()
    first, second = (asyncio.ensure_future(shared.get(of, source.fetch)) for _ in range(2))
    await source.was_asked.wait()
    first.cancel()
    source.free.set()
    assert (await second).answer.rows == ({"n": 1},)
    assert source.asked == 1


async def test_an_old_answer_is_served_as_stale_and_shows_no_absence(shared: SharedFetch) -> None:
    of = known(query())
    old = NOW - timedelta(minutes=10)
    empty = SharedAnswer(answer=Answer(status=EvidenceStatus.EMPTY, asked="x"), window=None, fetched_at=old, took=0.1)
    await shared.get(of, Source1(empty).fetch)
    last = await shared.last(of)
    assert last is not None
    assert (last.answer.stale, last.fetched_at) == (True, old)
    too_old = known(query({"upstream": True}))
    await shared.get(too_old, Source1(told(at=NOW - timedelta(hours=2))).fetch)
    assert await shared.last(too_old) is None


async def test_what_was_refused_is_no_answer_for_long(shared: SharedFetch, ledger: SqlLedger) -> None:
    denied = SharedAnswer(
        answer=Answer(status=EvidenceStatus.DENIED, asked="x", reason="key refused"),
        window=None,
        fetched_at=NOW - timedelta(seconds=20),
        took=0.1,
    )
    source, of = Source1(denied, told({"n": 1})), known(query())
    assert (await shared.get(of, source.fetch)).answer.status is EvidenceStatus.DENIED
    assert (await another_worker(ledger).get(of, source.fetch)).answer.status is EvidenceStatus.FOUND
    assert await shared.last(of) is not None


def test_windows_meet_where_both_end_now_and_not_where_one_ended_long_ago() -> None:
    minutes_later = NOW + timedelta(minutes=1)
    assert known(query()) == known(query(), now=minutes_later)
    week_ago = at(reported_at=NOW - timedelta(days=7), symptom_at=NOW - timedelta(days=7))
    assert known(query(), week_ago) != known(query())


def test_times_of_a_question_that_is_no_customers_are_rounded_so_that_tickets_meet() -> None:
    of = query(
        {"reported": "$anchors.reported_at"}, scope="fleet", source="clickhouse", operation="sql", sql="SELECT 1"
    )
    at_three = datetime(2026, 3, 2, 15, 1, 12, tzinfo=UTC)
    later = at_three + timedelta(seconds=97)
    now = at_three + timedelta(minutes=3)
    one, two = (asked(of, at(reported_at=each, symptom_at=at_three), now) for each in (at_three, later))
    assert one.parameters == two.parameters == {"reported": "2026-03-02T15:00:00Z"}
    own = of.model_copy(update={"scope": Scope.CUSTOMER})
    assert asked(own, at(reported_at=later, symptom_at=at_three), now).parameters == {
        "reported": "2026-03-02T15:02:49Z"
    }


def test_another_tenant_or_credential_is_another_question() -> None:
    config = {"pages": [{"name": "own", "url": "https://status.example.com", "allow_private": True}]}
    private = StatusPageConfig.model_validate(config)
    one = TENANT.model_copy(update={"connectors": {Source.STATUSPAGE: private}})
    two = one.model_copy(update={"id": "globex"})
    assert known(query(), tenant=one).question.scope == "acme"
    assert known(query(), tenant=one) != known(query(), tenant=two)
    public = StatusPageConfig.model_validate({"pages": [{"name": "own", "url": "https://status.example.com"}]})
    one, two = (each.model_copy(update={"connectors": {Source.STATUSPAGE: public}}) for each in (one, two))
    assert known(query(), tenant=one).question.scope == PUBLIC
    assert known(query(), tenant=one) == known(query(), tenant=two)


@pytest.mark.parametrize(
    ("parameters", "stored"),
    [
        ({}, True),
        ({"upstream": False}, True),
        ({"terms": ["invoice", "$anchors.vocabulary"]}, True),
        ({"since": "$window.start"}, True),
        ({"terms": ["$anchors.vocabulary", "$anchors.terms"]}, False),
        ({"terms": ["$anchors.routes"]}, False),
        ({"terms": ["$facts.fault_route"]}, False),
        ({"plan": "$customer.plan"}, False),
    ],
)
def test_only_a_question_without_a_word_of_the_ticket_is_stored(parameters: dict[str, JsonValue], stored: bool) -> None:
    facts = {"fault_route": Fact(id="fault_route", label="x", value="/v1/search")}
    of = query(parameters)
    request = resolve_query(of, at(), facts, NOW)
    assert isinstance(request, SourceRequest)
    known = shareable(TENANT, of, request, NOW)
    assert known is not None
    assert known.stored is stored


def test_a_code_that_only_the_customer_uses_is_a_word_of_the_ticket() -> None:
    of = query({"terms": ["$anchors.error_codes"]})
    assert known(of, at(error_codes=("rate_limited",))).stored
    assert not known(of, at(error_codes=("rate_limited", "E_QUILL_SECRET"))).stored


def test_a_question_about_one_customer_is_nobody_elses() -> None:
    of = query({}, scope=Scope.CUSTOMER)
    assert shareable(TENANT, of, asked(of), NOW) is None


async def test_a_tickets_words_are_shared_in_memory_alone(
    ledger: SqlLedger, shared: SharedFetch, tmp_path: Path
) -> None:
    of = known(query({"terms": ["$anchors.terms"]}))
    source = Source1(told({"matched_term": "warehouse"}))
    await asyncio.gather(*(shared.get(of, source.fetch) for _ in range(10)))
    assert source.asked == 1
    assert await bodies_of(ledger, "acme") == 0
    assert await ledger.database.read(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM shared_evidence").scalar_one() == 0
    )
    await another_worker(ledger).get(of, source.fetch)
    assert source.asked == 2


def shipped() -> list[tuple[Playbook, Query]]:
    playbooks = [loaded.playbook for loaded in Library.load([SHIPPED_PLAYBOOKS]).all()]
    return [(playbook, each) for playbook in playbooks for each in playbook.queries]


def test_no_stored_question_of_the_shipped_playbooks_can_hold_what_a_ticket_says() -> None:
    marks = ("quill", "warehouse", "/v1/search", "org_31", "cus_31", "growth")
    stored = 0
    for _, each in shipped():
        request = resolve_query(each, at(), {}, NOW)
        if not isinstance(request, SourceRequest):
            continue
        known = shareable(TENANT, each, request, NOW)
        if known is None or not known.stored:
            continue
        stored += 1
        assert not any(mark in request.model_dump_json(exclude={"label"}) for mark in marks), each.id
    assert stored >= 10


def test_the_last_attempt_is_the_one_that_workflows_allow() -> None:
    policy = CONNECTOR_READ["retry_policy"]
    assert policy is not None
    assert policy.maximum_attempts == LAST_ATTEMPT


def test_a_questions_digest_says_nothing() -> None:
    assert isinstance(known(query()).question, SharedQuestion)
    assert len(known(query()).question.digest) == 64


async def test_a_public_page_is_asked_once_for_all_tenants(ledger: SqlLedger, shared: SharedFetch) -> None:
    public = StatusPageConfig.model_validate({"pages": [{"name": "own", "url": "https://status.example.com"}]})
    one, two = (
        TENANT.model_copy(update={"id": name, "connectors": {Source.STATUSPAGE: public}}) for name in ("acme", "globex")
    )
    source = Source1(told({"name": "Elevated errors"}))
    first = await shared.get(known(query(), tenant=one), source.fetch)
    assert await another_worker(ledger).get(known(query(), tenant=two), source.fetch) == first
    assert source.asked == 1
