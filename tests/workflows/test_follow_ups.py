"""Rounds of follow-ups: by the playbook's rules or by the model, one budget for both, and each of them visible."""

from collections.abc import Sequence

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.playbook import Budgets, Playbook, Query
from models.tenant import Budget, ModelConfig
from models.vocabulary import Outcome, Source
from tests.anthropic_server import Answer, Recorded, Script, refuses, says
from tests.fakes import ScriptedConnector
from tests.reasoning.case import fact_is, row_shows
from tests.workflows.house import (
    TENANT,
    House,
    an_incident,
    billing,
    failing_requests,
    probe_playbook,
)
from tests.workflows.vendor import vendor
from workflows import naming

MODEL = "claude-haiku-5-5"
GOOD = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="incident",
    claims=(fact_is("failed", "40", "E3"), row_shows("E4", name="Elevated errors", status="investigating")),
    next_step="point-at-incident",
)
CURIOUS = GOOD.model_copy(update={"follow_ups": ("older", "bugs", "unheard-of", "errors", "other")})


def playbook(rounds: int) -> Playbook:
    """The probe, with two follow-ups that no rule asks beside the one that a rule does."""
    probe = probe_playbook()
    bugs = probe.query("bugs")
    assert bugs is not None
    never = ["failed > 1000000"]
    further: list[Query] = [
        bugs.model_copy(
            update={"id": name, "title": f"{name} bugs", "parameters": {"terms": [name]}, "ask_when": never}
        )
        for name in ("older", "other")
    ]
    return probe.model_copy(update={"queries": [*probe.queries, *further], "budgets": Budgets(rounds=rounds)})


class Followed:
    """What came of one ticket whose model may ask."""

    def __init__(self, record: RunRecord, linear: ScriptedConnector, prompts: list[str], card: str) -> None:
        """Keep it."""
        self.record = record
        self.card = card
        self.prompts = prompts
        self.asked = [request.parameters["terms"] for request in linear.asked]
        self.rounds = [step.detail for step in record.steps if step.step.startswith("weigh/") and step.detail]


async def follow(
    client: Client,
    ledger: SqlLedger,
    script: Script,
    rounds: int,
    usd: float = 0.25,
    chain: Sequence[str] = (MODEL,),
) -> Followed:
    links = [ModelConfig(model=name, api_key="env:NONE") for name in chain]
    tenant = TENANT.model_copy(update={"models": links, "budget": Budget(usd_per_ticket=usd)})
    linear = ScriptedConnector(Source.LINEAR, {})
    async with vendor(script, {name: name for name in chain}) as (server, models):
        house = House(
            client,
            ledger,
            failing_requests(),
            an_incident(),
            billing(),
            linear,
            tenant=tenant,
            models=models,
            playbooks=[playbook(rounds)],
        )
        async with house.worker():
            ref = house.open_ticket("Uploading invoices fails with 429.")
            [revision] = (await house.investigate(ref)).revisions
            handle = client.get_workflow_handle(naming.workflow_id(ref))
            said: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    record = await RunReader(ledger).load_run(revision.investigation)
    return Followed(record, linear, [request.body for request in server.requests], said.current_details)


async def test_the_model_follows_after_the_rules_within_one_budget(temporal: Client, ledger: SqlLedger) -> None:
    told = await follow(temporal, ledger, [says(CURIOUS), says(GOOD)], rounds=2)
    assert told.rounds == ["round 1: bugs (rule)", "round 2: older (model), other (model)"]
    assert len(told.asked) == 3
    assert "- round 2: older (model), other (model)" in told.card
    assert "may still be asked for: older, other." in told.prompts[0]
    assert "No follow-up query may be asked" in told.prompts[1]
    details = [step.detail for step in told.record.steps if step.step.startswith("diagnose/")]
    assert details == [
        f"{MODEL}, prompt diagnose@1, asks for older, other",
        f"{MODEL}, prompt diagnose@1",
    ]
    assert [answer.request.partition(":")[0] for answer in told.record.answers] == ["diagnose@1"] * 2


async def test_a_model_that_never_stops_asking_is_not_asked_for_ever(temporal: Client, ledger: SqlLedger) -> None:
    told = await follow(temporal, ledger, [says(CURIOUS)], rounds=3)
    assert told.rounds == ["round 1: bugs (rule)", "round 2: older (model), other (model)"]
    assert len(told.prompts) == 2
    assert told.record.diagnosis is not None
    assert told.record.diagnosis.outcome is Outcome.DIAGNOSED


async def test_rounds_that_the_rules_have_used_are_gone(temporal: Client, ledger: SqlLedger) -> None:
    told = await follow(temporal, ledger, [says(CURIOUS)], rounds=1)
    assert told.rounds == ["round 1: bugs (rule)"]
    assert len(told.prompts) == 1
    assert "No follow-up query may be asked" in told.prompts[0]


async def test_one_wish_after_another_each_has_its_round(temporal: Client, ledger: SqlLedger) -> None:
    first = GOOD.model_copy(update={"follow_ups": ("other",)})
    second = GOOD.model_copy(update={"follow_ups": ("older", "other")})
    told = await follow(temporal, ledger, [says(first), says(second), says(GOOD)], rounds=3)
    assert told.rounds == ["round 1: bugs (rule)", "round 2: other (model)", "round 3: older (model)"]
    assert told.asked[1:] == [["other"], ["older"]]


async def test_nothing_is_gathered_that_no_budget_is_left_to_ask_about(temporal: Client, ledger: SqlLedger) -> None:
    told = await follow(temporal, ledger, [says(CURIOUS)], rounds=3, usd=0.000_001)
    assert told.rounds == ["round 1: bugs (rule)"]
    assert len(told.prompts) == 1
    assert told.record.summary.reasoner == MODEL


async def test_a_link_that_declined_is_not_paid_to_decline_in_every_round(temporal: Client, ledger: SqlLedger) -> None:
    """The second link asks for more; the first is not asked again about the same ticket."""
    asked: list[str] = []

    def play(request: Recorded) -> Answer:
        asked.append(str(request.json["model"]))
        if asked[-1] == MODEL:
            return refuses()
        return says(CURIOUS if asked.count(asked[-1]) == 1 else GOOD, model=asked[-1])

    told = await follow(temporal, ledger, play, rounds=2, chain=(MODEL, "claude-opus-5"))
    assert asked == [MODEL, "claude-opus-5", "claude-opus-5"]
    assert told.rounds[-1] == "round 2: older (model), other (model)"
    assert told.record.summary.reasoner == "claude-opus-5"
    assert told.record.diagnosis is not None
    assert told.record.diagnosis.reasoner_problem == f"{MODEL}: ModelRefused"
