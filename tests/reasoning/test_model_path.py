"""The whole path of one model answer: redact, ask the real SDK, resolve, verify, render."""

import json
import re

from models.base import Row
from models.diagnosis import Draft
from models.evidence import Evidence
from models.vocabulary import Outcome
from reasoning.prompt import build_prompt
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.redact import Redactor, resolve_draft
from reasoning.render import render_note
from reasoning.verify import findings
from tests.anthropic_server import Answer, AnthropicServer, Recorded, says
from tests.reasoning.case import (
    ANCHORS,
    CUSTOMER,
    EVIDENCE,
    GOOD,
    NO_INCIDENT,
    PLAYBOOK,
    RELEASE,
    TICKET,
    WEIGHING,
    diagnose,
    evidence_of,
    fact_is,
    row_shows,
)

PERSONAL = (
    TICKET.requester.email,
    TICKET.requester.name,
    "sk_live_51HqLyjWDarjtT1zdp7dc",
    "+49 30 901820",
    CUSTOMER.name,
    CUSTOMER.id,
    CUSTOMER.billing_id,
)


async def ask(
    server: AnthropicServer, evidence: tuple[Evidence, ...] = EVIDENCE, findings_: tuple[str, ...] = ()
) -> Draft:
    redactor = Redactor.for_ticket(TICKET, CUSTOMER, evidence)
    prompt = build_prompt(PLAYBOOK, TICKET, ANCHORS, WEIGHING, evidence, redactor, findings_)
    model = AnthropicModel("claude-haiku-5-5", direct_client("sk-ant-test", server.address, 20.0), 20.0)
    try:
        reply = await model.answer(prompt, lambda: None)
    finally:
        await model.aclose()
    return resolve_draft(reply.draft, redactor)


async def test_invented_number_is_dropped_counted_and_mended_in_the_repair_round() -> None:
    invented = GOOD.model_copy(update={"claims": (fact_is("error_rate", "97%", "E1"), RELEASE, NO_INCIDENT)})
    with AnthropicServer([says(invented), says(GOOD)]) as server:
        first = diagnose(await ask(server))
        assert (first.outcome, first.dropped) == (Outcome.DIAGNOSED, 1)
        assert not any("97%" in kept.sentence for kept in first.kept)
        second = diagnose(await ask(server, findings_=findings(first)))
        assert second.dropped == 0
        assert "is 41%, not '97%'" in json.dumps(server.requests[1].json)
        server.assert_absent(*PERSONAL)
    note = render_note(
        first,
        PLAYBOOK,
        EVIDENCE,
        ANCHORS,
        marker="whydesk:inv-x/1",
        playbook_label="api-errors@3",
        investigation="inv-x",
        took=1.0,
        usd=0.001,
        allowed_hosts=frozenset(),
    )
    assert "97%" not in note.html + note.markdown
    assert "1 of its claims dropped" in note.html


async def test_pseudonym_that_the_model_repeats_is_the_stored_value_again() -> None:
    row: Row = {"status": "failed", "email": TICKET.requester.email}
    evidence = (*EVIDENCE, evidence_of(5, "charges", (row,)))

    def answer(request: Recorded) -> Answer:
        seen = re.search(r'\\"email\\":\\"(<EMAIL_\d+>)\\"', request.body)
        assert seen
        return says(GOOD.model_copy(update={"claims": (row_shows("E5", email=seen[1]), RELEASE, NO_INCIDENT)}))

    with AnthropicServer(answer) as server:
        said = diagnose(await ask(server, evidence), evidence)
        server.assert_absent(*PERSONAL)
    assert said.dropped == 0
    assert said.kept[0].sentence == f"charges: email {TICKET.requester.email}"
