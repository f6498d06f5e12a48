"""A model in the chain, from the ticket to the note: the real SDK against a far end that plays the vendor's stream."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import structlog
from temporalio.client import Client

from ledger.coordinator import coordinate
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.run import ClaimRequest, Drafted, RevisionResult, RunKey
from models.tenant import Budget, ModelConfig
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import CauseClass, Outcome
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import LanguageModel
from tests.anthropic_server import AnthropicServer, Script, cut, refuses, says, status
from tests.reasoning.case import fact_is, row_shows
from tests.workflows.house import TENANT, House, Models, an_incident, billing, failing_requests
from workflows.naming import investigation_id

MODEL = "claude-haiku-5-5"
DEARER = "claude-opus-5"
TEXT = "We get 429 on /v1/search since 09:00 UTC. Key sk_live_51HqLyjWDarjtT1zdp7dc, call +49 30 901820 or ops@quill.example."
SECRETS = (
    "ada@quill.example",
    "ops@quill.example",
    "billing@quill.example",
    "Ada Quill",
    "Quill",
    "sk_live_51HqLyjWDarjtT1zdp7dc",
    "+49 30 901820",
    "org_31",
    "cus_31",
)
FORTY = fact_is("failed", "40", "E3")
ELEVATED = row_shows("E4", name="Elevated errors", status="investigating")
GOOD = Draft(outcome=Outcome.DIAGNOSED, hypothesis="incident", claims=(FORTY, ELEVATED), next_step="point-at-incident")
INVENTED = GOOD.model_copy(update={"claims": (fact_is("failed", "4711", "E3"), ELEVATED)})


class Told:
    """What came of one ticket."""

    def __init__(self, house: House, ref: TicketRef, revision: RevisionResult, server: AnthropicServer) -> None:
        """Keep it."""
        self.revision = revision
        self.server = server
        [(_, note)] = house.helpdesk.notes[ref.ticket]
        self.note = note.markdown


@asynccontextmanager
async def asked(
    client: Client,
    ledger: SqlLedger,
    script: Script,
    usd: float = 0.25,
    usd_per_day: float | None = None,
    chain: Sequence[str] = (MODEL,),
    per_minute: int = 0,
) -> AsyncIterator[Told]:
    """Investigate one ticket with the models first in the chain."""
    links = [ModelConfig(model=name, api_key="env:NONE", requests_per_minute=per_minute) for name in chain]
    budget = Budget(usd_per_ticket=usd, usd_per_day=usd_per_day)
    tenant = TENANT.model_copy(update={"models": links, "budget": budget})
    with AnthropicServer(script) as server:
        made: dict[str, LanguageModel] = {
            name: AnthropicModel(name, direct_client("sk-ant-test", server.address, 20.0), 20.0) for name in chain
        }
        try:
            models = Models(made)
            sources = (failing_requests(), an_incident(), billing())
            house = House(client, ledger, *sources, tenant=tenant, models=models, together=bool(per_minute))
            async with house.worker():
                ref = house.open_ticket(TEXT)
                [revision] = (await house.investigate(ref)).revisions
            yield Told(house, ref, revision, server)
        finally:
            for model in made.values():
                await model.aclose()


async def test_a_good_answer_becomes_the_note_and_nothing_personal_left_the_house(
    temporal: Client, ledger: SqlLedger
) -> None:
    async with asked(temporal, ledger, [says(GOOD)]) as told:
        assert (told.revision.outcome, told.revision.cause) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT)
        assert (told.revision.kept, told.revision.dropped) == (2, 0)
        assert told.revision.usd > 0
        assert "40 requests failed" in told.note
        assert f"reasoned by {MODEL}" in told.note
        assert "confidence medium, uncalibrated (" in told.note
        assert len(told.server.requests) == 1
        told.server.assert_absent(*SECRETS)
    record = await RunReader(ledger).load_run(told.revision.investigation)
    assert record.summary.reasoner == MODEL
    assert record.summary.usd == told.revision.usd == record.answers[0].drafted.usd


async def test_an_invented_number_is_mended_in_one_round(temporal: Client, ledger: SqlLedger) -> None:
    async with asked(temporal, ledger, [says(INVENTED), says(GOOD)]) as told:
        assert (told.revision.kept, told.revision.dropped) == (2, 0)
        assert len(told.server.requests) == 2
        assert "Your last answer did not stand" not in told.server.requests[0].body
        assert "Your last answer did not stand" in told.server.requests[1].body
        assert "is 40, not '4711'" in told.server.requests[1].body
        assert "4711" not in told.note
        told.server.assert_absent(*SECRETS)


async def test_an_invented_number_that_stays_is_dropped_and_counted(temporal: Client, ledger: SqlLedger) -> None:
    async with asked(temporal, ledger, [says(INVENTED)]) as told:
        assert told.revision.dropped == 1
        assert len(told.server.requests) == 2
        assert "4711" not in told.note
        assert "1 of its claims dropped" in told.note


async def test_a_stream_that_breaks_is_asked_again(temporal: Client, ledger: SqlLedger) -> None:
    async with asked(temporal, ledger, [cut(GOOD, reset=True), says(GOOD)]) as told:
        assert told.revision.outcome is Outcome.DIAGNOSED
        assert f"reasoned by {MODEL}" in told.note
        assert len(told.server.requests) == 2


async def test_an_overloaded_model_is_asked_again_when_it_says(temporal: Client, ledger: SqlLedger) -> None:
    busy = status(529, "overloaded_error", retry_after="0.05")
    async with asked(temporal, ledger, [busy, busy, says(GOOD)]) as told:
        assert f"reasoned by {MODEL}" in told.note
        assert len(told.server.requests) == 3


@pytest.mark.parametrize(
    ("script", "why", "paid"),
    [
        ([refuses()], "ModelRefused", True),
        ([status(401, "authentication_error")], "ModelMisconfigured", False),
        ([says("no draft at all")], "BadAnswer", True),
        ([says(GOOD, stop_reason="max_tokens")], "BadAnswer", True),
    ],
    ids=["declines", "wrong-key", "no-draft", "cut-by-its-limit"],
)
async def test_the_rules_answer_where_the_model_does_not(
    temporal: Client, ledger: SqlLedger, script: Script, why: str, paid: bool
) -> None:
    async with asked(temporal, ledger, script) as told:
        assert (told.revision.outcome, told.revision.cause) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT)
        assert f"written by the playbook's rules, no model ({MODEL}: {why})" in told.note
        assert (told.revision.usd > 0) is paid
        assert len(told.server.requests) == 1


@pytest.mark.parametrize(
    ("chain", "who"), [((DEARER, MODEL), MODEL), ((DEARER,), "rules")], ids=["the next link", "rules last"]
)
async def test_a_link_whose_minute_is_used_up_is_not_asked(
    temporal: Client, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch, chain: Sequence[str], who: str
) -> None:
    monkeypatch.setattr("activities.model_rates.PATIENCE", 0.0)
    await coordinate(ledger).rates.reserve(TENANT.id, f"model/anthropic//{DEARER}", 1, 1, 0.0)
    async with asked(temporal, ledger, [says(GOOD)], chain=chain, per_minute=1) as told:
        assert [request.json["model"] for request in told.server.requests] == [name for name in chain if name == who]
    diagnosis = (await RunReader(ledger).load_run(told.revision.investigation)).diagnosis
    assert diagnosis is not None
    assert (diagnosis.reasoner, diagnosis.reasoner_problem) == (who, f"{DEARER}: RateBudget")


async def test_a_spent_budget_asks_nothing(temporal: Client, ledger: SqlLedger) -> None:
    async with asked(temporal, ledger, [says(GOOD)], usd=0.0) as told:
        assert told.revision.outcome is Outcome.DIAGNOSED
        assert told.server.requests == []
        assert f"no model ({MODEL}: BudgetSpent)" in told.note


async def spend_today(ledger: SqlLedger, usd: float) -> None:
    """Let another ticket of the same tenant have cost this much."""
    ref = TicketRef(tenant=TENANT.id, helpdesk="desk", ticket="the-other")
    trigger = Trigger(delivery="d-other", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    request = ClaimRequest(ref=ref, investigation=investigation_id(ref), trigger=trigger, owner="another run")
    key = (await ledger.claim_delivery(request)).key
    await ledger.put_model_answer(key, "asked", 0, Drafted(draft="", reasoner=DEARER, usd=usd))


@pytest.mark.parametrize(
    ("spent", "who"),
    [(0.0, DEARER), (0.85, DEARER), (0.95, MODEL), (1.0, "")],
    ids=["all of it left", "warned", "the cheapest alone", "rules"],
)
async def test_a_days_budget_runs_out_rung_by_rung(
    temporal: Client,
    ledger: SqlLedger,
    spent: float,
    who: str,
) -> None:
    await spend_today(ledger, spent)
    with structlog.testing.capture_logs() as logged:
        async with asked(temporal, ledger, [says(GOOD)], usd_per_day=1.0, chain=(DEARER, MODEL)) as told:
            if who:
                assert f"reasoned by {who}" in told.note
            else:
                assert f"no model ({MODEL}: DayBudgetSpent)" in told.note
            assert [request.json["model"] for request in told.server.requests] == ([who] if who else [])
    warned = {line["rung"] for line in logged if line["event"] == "day budget runs out"}
    assert warned == {0.85: {"warned"}, 0.95: {"cheapest"}}.get(spent, set())


async def test_a_budget_that_the_first_answer_spent_leaves_it_as_it_is(temporal: Client, ledger: SqlLedger) -> None:
    async with asked(temporal, ledger, [says(INVENTED), says(GOOD)], usd=0.000_001) as told:
        assert len(told.server.requests) == 1
        assert told.revision.dropped == 1
        assert f"reasoned by {MODEL}, 1 of its claims dropped" in told.note


async def test_an_answer_is_paid_once_although_the_activity_runs_twice(
    temporal: Client, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = ledger.note_step
    lost: list[str] = []

    async def lose_the_first(key: RunKey, step: str, digest: str = "", detail: str = "") -> None:
        if step.startswith("diagnose/") and not lost:
            lost.append(step)
            raise ConnectionError("the worker dies here")
        await keep(key, step, digest, detail)

    monkeypatch.setattr(ledger, "note_step", lose_the_first)
    async with asked(temporal, ledger, [says(GOOD)]) as told:
        assert lost == ["diagnose/0/0"]
        assert len(told.server.requests) == 1
        assert f"reasoned by {MODEL}" in told.note
    record = await RunReader(ledger).load_run(told.revision.investigation)
    assert len(record.answers) == 1
    assert record.summary.usd == record.answers[0].drafted.usd
