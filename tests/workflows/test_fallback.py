"""Every reason to leave a model for the next link of its chain, at each place where models run, through the vendors' own SDKs.

All reasons of one place are tickets of one house at the same time; the far end tells them apart by a word in the ticket.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from temporalio.client import Client

from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.run import ClaimRequest, Drafted
from models.tenant import Budget, ModelConfig
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import Outcome
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.base import ModelChoice, ModelReply, Prompt
from reasoning.providers.factory import make_model
from tests.anthropic_server import Answer, AnthropicServer, Recorded, hangs, refuses, says, status
from tests.reasoning.case import fact_is, row_shows
from tests.workflows.house import TENANT, House, Models, an_incident, billing, failing_requests
from workflows.naming import investigation_id

NEXT = "claude-haiku-5-5"
FIRST = {
    "anthropic": {"model": "claude-opus-5", "api_key": "env:NONE"},
    "bedrock": {"model": "eu.anthropic.claude-opus-5-v1:0", "api_key": "env:NONE", "region": "eu-central-1"},
    "vertex": {"model": "claude-opus-5", "region": "europe-west1", "project": "acme"},
}
GOOD = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="incident",
    claims=(fact_is("failed", "40", "E3"), row_shows("E4", name="Elevated errors", status="investigating")),
    next_step="point-at-incident",
)


@dataclass(frozen=True)
class Case:
    """What the first link does, and what comes of it."""

    word: str
    """In the ticket."""
    answer: Answer
    kind: str
    asked: int = 1
    paid: bool = False


CASES = (
    Case("redwood", status(529, "overloaded_error", retry_after="0.05"), "ModelOverloaded", asked=4),
    Case("juniper", status(429, "rate_limit_error", retry_after="0.05"), "ModelRateLimited", asked=4),
    Case("cypress", status(429, "rate_limit_error", retry_after="600"), "ModelRateLimited"),
    Case("hemlock", refuses(), "ModelRefused", paid=True),
    Case("sequoia", hangs(), "ModelTimedOut"),
    Case("hickory", says("I think it is an incident."), "BadAnswer", paid=True),
    Case("mahogany", says('{"outcome": "solved"}'), "BadAnswer", paid=True),
    Case("sycamore", says(GOOD, stop_reason="max_tokens"), "BadAnswer", paid=True),
    Case("chestnut", status(403, "permission_error"), "ModelMisconfigured"),
)


@dataclass
class Hurried:
    """A model that has little time for one of the cases, and enough for all others."""

    model: str
    patient: AnthropicModel
    hasty: AnthropicModel

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Ask one of both."""
        return await (self.hasty if "sequoia" in prompt.user else self.patient).answer(prompt, beat)

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """Nobody asks."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close both."""
        await self.patient.aclose()
        await self.hasty.aclose()


def at(provider: str, address: str, timeout: float) -> AnthropicModel:
    """Make the first link as a worker makes it."""
    made = make_model(link(provider, address, timeout), lambda ref: f"secret of {ref}")
    if provider == "vertex":
        # Google's own credentials would be fetched from Google: a token that is there already takes their place.
        made._client.access_token = "ya29.loopback"  # type: ignore[union-attr]
    return made


def link(provider: str, address: str, timeout: float) -> ModelConfig:
    return ModelConfig.model_validate(
        {"provider": provider, "base_url": address, "timeout": timeout, **FIRST[provider]}
    )


@dataclass(frozen=True)
class Chained:
    """A house whose chain is the first link and the next one, each with a far end."""

    house: House
    first: AnthropicServer
    next: AnthropicServer

    async def told(self, word: str) -> RunRecord:
        """Investigate a ticket with that word; return what the ledger has of it."""
        ref = self.house.open_ticket(f"We get 429 on /v1/search since 09:00 UTC, at the {word} gateway.")
        await self.house.investigate(ref, f"d-{word}")
        return await RunReader(self.house.ledger).load_run(investigation_id(ref))


@asynccontextmanager
async def chained(
    client: Client, ledger: SqlLedger, provider: str, usd_per_day: float | None = None
) -> AsyncIterator[Chained]:
    def plays(request: Recorded) -> Answer:
        return next(case.answer for case in CASES if case.word in request.body)

    with AnthropicServer(plays) as first, AnthropicServer(lambda _: says(GOOD)) as after:
        links = [link(provider, first.address, 60.0), ModelConfig(model=NEXT, api_key="env:NONE")]
        tenant = TENANT.model_copy(update={"models": links, "budget": Budget(usd_per_day=usd_per_day)})
        name = links[0].model
        hurried = Hurried(name, at(provider, first.address, 60.0), at(provider, first.address, 1.0))
        second = make_model(links[1].model_copy(update={"base_url": after.address}), lambda ref: ref)
        sources = (failing_requests(), an_incident(), billing())
        house = House(client, ledger, *sources, tenant=tenant, models=Models({name: hurried, NEXT: second}))
        try:
            async with house.worker():
                yield Chained(house, first, after)
        finally:
            await hurried.aclose()
            await second.aclose()


@pytest.mark.parametrize("provider", FIRST)
async def test_each_reason_leads_to_the_next_link_and_is_named_and_booked(
    temporal: Client, ledger: SqlLedger, provider: str
) -> None:
    name = FIRST[provider]["model"]
    async with chained(temporal, ledger, provider) as chain:
        records = await asyncio.gather(*(chain.told(case.word) for case in CASES))
    for case, record in zip(CASES, records, strict=True):
        assert record.diagnosis is not None
        said = record.diagnosis.reasoner, record.diagnosis.reasoner_problem
        assert said == (NEXT, f"{name}: {case.kind}"), case.word
        assert sum(case.word in request.body for request in chain.first.requests) == case.asked, case.word
        assert sum(case.word in request.body for request in chain.next.requests) == 1, case.word
        booked = {(answer.purpose, answer.drafted.reasoner): answer.drafted.usd for answer in record.answers}
        assert set(booked) == {("diagnose", NEXT)} | ({("failed", name)} if case.paid else set()), case.word
        assert all(usd > 0 for usd in booked.values()), case.word
        assert record.summary.usd == pytest.approx(sum(booked.values())), case.word


@pytest.mark.parametrize("provider", FIRST)
async def test_a_day_that_is_nearly_spent_spares_the_dearer_place(
    temporal: Client, ledger: SqlLedger, provider: str
) -> None:
    ref = TicketRef(tenant=TENANT.id, helpdesk="desk", ticket="the-other")
    trigger = Trigger(delivery="d-other", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    other = ClaimRequest(ref=ref, investigation=investigation_id(ref), trigger=trigger, owner="another run")
    key = (await ledger.claim_delivery(other)).key
    await ledger.put_model_answer(key, "asked", 0, Drafted(draft="", reasoner=NEXT, usd=0.95))
    async with chained(temporal, ledger, provider, usd_per_day=1.0) as chain:
        record = await chain.told("linden")
    assert record.diagnosis is not None
    assert record.diagnosis.reasoner == NEXT
    assert record.diagnosis.reasoner_problem == f"{FIRST[provider]['model']}: DearerModelSpared"
    assert (len(chain.first.requests), len(chain.next.requests)) == (0, 1)
