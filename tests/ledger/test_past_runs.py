"""Past runs and the lines of backtests, on both databases."""

from datetime import timedelta

from ledger.past_runs import SqlPastRuns
from ledger.store import SqlLedger
from models.backtest import BacktestInput, BacktestLine
from models.evidence import Evidence
from models.rediagnosis import Verdict
from models.run import Drafted, RecordRequest
from models.vocabulary import CauseClass, Mode, Outcome, Severity
from tests.ledger.investigations import NOON, claim, evidence, investigate, outcome


def given(name: str = "b1", over: str = "api-errors", tenant: str = "acme") -> BacktestInput:
    return BacktestInput(
        backtest=name,
        tenant=tenant,
        playbook="digest",
        playbook_label=f"{over}@4",
        over=over,
        since=NOON - timedelta(days=9_999),
        until=NOON + timedelta(days=9_999),
    )


def line(investigation: str, usd: float = 0.0) -> BacktestLine:
    return BacktestLine(
        investigation=investigation,
        revision=1,
        ticket="4711",
        playbook_then="api-errors@3",
        outcome_then=Outcome.DIAGNOSED,
        cause_then=CauseClass.KNOWN_BUG,
        severity_then=Severity.LOW,
        verdict=Verdict.SAME,
        why="the same cause",
        usd=usd,
    )


async def test_only_told_revisions_of_that_playbook_and_tenant_are_found(ledger: SqlLedger) -> None:
    ended = await investigate(ledger, claim("4711", "d1"))
    await investigate(ledger, claim("4711", "d1", tenant="other"))
    running = (await ledger.claim_delivery(claim("4712", "d2"))).key
    silent = (await ledger.claim_delivery(claim("4713", "d3"))).key
    await ledger.record_outcome(outcome(silent, Outcome.NOTHING_NEW))
    longer = (await ledger.claim_delivery(claim("4714", "d4"))).key
    other: RecordRequest = outcome(longer).model_copy(update={"playbook_label": "api-errors-2@1"})
    await ledger.record_outcome(other)
    found = await SqlPastRuns(ledger).past_revisions(given())
    assert [(one.investigation, one.revision) for one in found] == [(ended.investigation, 1)]
    assert running.investigation not in {one.investigation for one in found}
    assert await SqlPastRuns(ledger).past_revisions(given(over="billing")) == []


async def test_of_two_lines_of_one_revision_the_first_counts(ledger: SqlLedger) -> None:
    runs = SqlPastRuns(ledger)
    assert (await runs.put_line(given(), line("inv-a", 0.1))).usd == 0.1
    assert (await runs.put_line(given(), line("inv-a", 0.2))).usd == 0.1, "it was paid for by then"
    await runs.put_line(given("b2"), line("inv-a"))
    await runs.put_line(given(tenant="other"), line("inv-b"))
    assert await runs.backtest_lines("acme", "b1") == [line("inv-a", 0.1)]


async def test_of_two_looks_the_last_is_kept(ledger: SqlLedger) -> None:
    key = (await ledger.claim_delivery(claim())).key
    digests = {}
    for look in (0, 1):
        for step in ("read", "identify"):
            body = evidence(step, f"{step} {look}")
            digests[step, look] = await ledger.put_body("acme", body, key)
            await ledger.note_step(key, f"{step}/{look}", digests[step, look], "cust-1" if step == "identify" else "")
        name = f"select/{look}" if look else "select"
        await ledger.note_step(key, name, await ledger.put_body("acme", evidence("p", "p"), key), "api-errors@3: x")
        found: Evidence = evidence("E1", f"look {look}")
        await ledger.put_evidence(key, found, look)
        await ledger.note_step(key, f"weigh/{look}/0", await ledger.put_body("acme", evidence("w", str(look)), key))
    kept = await SqlPastRuns(ledger).kept_run("acme", key.investigation, 1)
    assert kept is not None
    assert (kept.ticket, kept.anchors) == (digests["read", 1], digests["identify", 1])
    assert (kept.customer, kept.playbook_label, kept.outcome) == ("cust-1", "api-errors@3", None)
    [ref] = kept.evidence
    assert (await ledger.get_body("acme", ref.digest, Evidence)).rows[0]["text"] == "look 1"


async def test_of_each_customer_the_newest_anchors_are_found_and_the_newest_customers_first(ledger: SqlLedger) -> None:
    for number, customer in enumerate(("cust-1", "cust-2", "cust-1", "", "cust-3")):
        key = (await ledger.claim_delivery(claim(f"47{number}", f"d{number}"))).key
        await ledger.note_step(key, "identify/0", f"anchors {number}", customer)
        await ledger.note_step(key, "read/0", "ticket", "cust-9")
    stranger = (await ledger.claim_delivery(claim("4799", "d9", tenant="other"))).key
    await ledger.note_step(stranger, "identify/0", "anchors of another tenant", "cust-8")
    runs = SqlPastRuns(ledger)
    assert await runs.newest_customers("acme", 9) == ["anchors 4", "anchors 2", "anchors 1"]
    assert await runs.newest_customers("acme", 1) == ["anchors 4"]


async def test_what_never_weighed_anything_is_not_kept(ledger: SqlLedger) -> None:
    key = (await ledger.claim_delivery(claim())).key
    assert await SqlPastRuns(ledger).kept_run("acme", key.investigation, 1) is None
    assert await SqlPastRuns(ledger).kept_run("acme", "inv-none", 1) is None


async def test_an_earlier_note_is_one_that_is_on_the_ticket(ledger: SqlLedger) -> None:
    first = await investigate(ledger, claim("4711", "d1"))
    second = (await ledger.claim_delivery(claim("4711", "d2"))).key
    await ledger.begin_note(second, "m", Mode.SHADOW, "digest")
    await ledger.finish_note(second, "shadow", "", NOON)
    third = (await ledger.claim_delivery(claim("4711", "d3"))).key
    assert await ledger.earlier_note(first) is None
    found = await ledger.earlier_note(third)
    assert found is not None
    assert (found.revision, found.posted_at) == (1, NOON)
    other = (await ledger.claim_delivery(claim("4711", "d4", tenant="other"))).key
    assert await ledger.earlier_note(other) is None


async def test_looking_back_is_paid_for_by_itself(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    before = await ledger.spent(key)
    for purpose, usd in (("rediagnose", 0.5), ("rediagnose-failed", 0.25)):
        await ledger.put_model_answer(key, f"r-{usd}", 0, Drafted(draft="", reasoner="m", usd=usd), purpose=purpose)
    assert await ledger.spent(key) == before
    assert await ledger.spent(key, "rediagnose") == 0.75
