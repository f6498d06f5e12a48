"""The way of a model's answer to the ticket: through the vendor's SDK, decoding, verification, rendering and the helpdesk's wire.

`off` is the same answer without verification and escaping. It lives here alone: the product has no such switch.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

from pydantic import JsonValue

from helpdesks.zendesk import ZendeskHelpdesk
from models.customer import Anchors
from models.diagnosis import Draft, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from reasoning.hypotheses import weigh
from reasoning.prompt import build_prompt
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import ModelError, Prompt
from reasoning.redact import Redactor, resolve_draft
from reasoning.render import render_note
from reasoning.rules import decide
from reasoning.verify import findings, verify
from tests.anthropic_server import Answer, AnthropicServer, Recorded, says
from tests.compromised.ground import ATTACKED, HOSTS, anchors_of, evidence_with, ticket_with
from tests.helpdesks.zendesk_account import MARKER, Account, opened
from tests.reasoning.case import CUSTOMER

MODEL = "claude-haiku-5-5"
SaysTo = Callable[[Recorded], str]
"""What a model answers to a request: text, an attacker's."""


@dataclass(frozen=True)
class Posted:
    """What came of an answer."""

    html: str
    """The comment's body as the helpdesk got it."""
    markdown: str
    cause: str = ""
    severity: str = ""
    refused: str = ""
    """Why the answer was taken for none; the rules wrote the note."""
    again: tuple[str, ...] = ()
    """What a second attempt of the model is shown of the first."""


@dataclass(frozen=True)
class Scene:
    """What the model is asked about."""

    ticket: Ticket = field(default_factory=ticket_with)
    evidence: tuple[Evidence, ...] = field(default_factory=evidence_with)
    playbook: Playbook = ATTACKED

    @cached_property
    def anchors(self) -> Anchors:
        """What code found in the ticket."""
        return anchors_of(self.ticket)

    @cached_property
    def weighing(self) -> Weighing:
        """What code concludes."""
        return weigh(self.playbook, self.anchors, self.evidence)

    @cached_property
    def asked(self) -> tuple[Prompt, Redactor]:
        """What the model is shown, and the way back from its pseudonyms."""
        redactor = Redactor.for_ticket(self.ticket, CUSTOMER, self.evidence)
        prompt = build_prompt(self.playbook, self.ticket, self.anchors, self.weighing, self.evidence, redactor)
        return prompt, redactor


class Stage:
    """One model far end, one model client and one helpdesk for many attacks."""

    def __init__(
        self, helpdesk: ZendeskHelpdesk, account: Account, server: AnthropicServer, said: list[SaysTo]
    ) -> None:
        """Take the open ends."""
        self._helpdesk, self._account, self._said = helpdesk, account, said
        self._model = AnthropicModel(MODEL, direct_client("sk-ant-test", server.address, 60.0), 60.0)

    async def aclose(self) -> None:
        """Close the model's client."""
        await self._model.aclose()

    async def on(self, scene: Scene, says_to: SaysTo) -> Posted:
        """Play an answer with the product's defences, the note posted by the product's own client."""
        self._said[:] = [says_to]
        prompt, redactor = scene.asked
        refused = ""
        try:
            reply = await self._model.answer(prompt, lambda: None)
            draft, reasoner = resolve_draft(reply.draft, redactor), reply.model
        except ModelError as problem:
            # The chain's last link answers where a model does not.
            draft, reasoner, refused = decide(scene.playbook, scene.weighing, scene.evidence), "rules", str(problem)
        posted = await self._post(scene, draft, reasoner)
        return replace(posted, refused=refused)

    async def by_rules(self, scene: Scene) -> Posted:
        """Play the rules' own answer."""
        return await self._post(scene, decide(scene.playbook, scene.weighing, scene.evidence), "rules")

    async def _post(self, scene: Scene, draft: Draft, reasoner: str) -> Posted:
        diagnosis = verify(scene.playbook, scene.anchors, scene.evidence, scene.weighing, draft, reasoner)
        note = render_note(
            diagnosis,
            scene.playbook,
            scene.evidence,
            scene.anchors,
            marker=MARKER,
            playbook_label="api-errors@3",
            investigation="inv-abc",
            took=1.0,
            usd=0.001,
            allowed_hosts=HOSTS,
        )
        await self._helpdesk.post_note("4711", note, self._account.stamp)
        sent = self._account.comments[-1]
        assert sent["public"] is False
        return Posted(
            html=str(sent["body"]),
            markdown=note.markdown,
            cause=diagnosis.cause.value,
            severity=diagnosis.severity.value,
            again=findings(diagnosis),
        )


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Open both far ends on loopback."""
    said: list[SaysTo] = []

    def answer(request: Recorded) -> Answer:
        return says(said[0](request))

    account = Account()
    with AnthropicServer(answer) as server:
        async with opened(account) as (_, helpdesk):
            stage = Stage(helpdesk, account, server, said)
            try:
                yield stage
            finally:
                await stage.aclose()


def off(scene: Scene, text: str) -> Posted:
    """Play an answer without defences: its own words are the note, in both dialects."""
    _, redactor = scene.asked
    try:
        said: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    fields: dict[str, JsonValue] = said if isinstance(said, dict) else {"wording": said}
    lines = [redactor.resolve(line) for line in _lines(fields)]
    severity = str(fields.get("severity") or "")
    lines.append(f"Severity {severity}")
    return Posted(
        html="".join(f"<p>{line}</p>" for line in lines),
        markdown="\n\n".join(lines),
        severity=severity,
        again=tuple(lines),
    )


def _lines(value: JsonValue) -> Sequence[str]:
    """Return all texts of an answer in their order; a deep one is walked without recursion."""
    lines: list[str] = []
    pending: list[JsonValue] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if "predicate" in one:
                lines.append(_claimed(one))
            pending.extend(reversed([*one.values(), *one]))
        elif isinstance(one, list):
            pending.extend(reversed(one))
        elif one is not None:
            lines.append(str(one))
    return lines


def _claimed(claim: dict[str, JsonValue]) -> str:
    values = claim.get("values")
    told = [
        f"{each.get('name')} {each.get('value')}"
        for each in (values if isinstance(values, list) else ())
        if isinstance(each, dict)
    ]
    return f"{claim['predicate']} {claim.get('subject')} {', '.join(told)}"
