"""The model arms, over the evidence that the rules arm has gathered: nothing is asked of any source again."""

import json
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from activities.bodies import Bodies
from activities.paid import BudgetSpent
from activities.publish import link_hosts
from activities.rediagnose import PURPOSE, Looked, NothingKept, Past, Rediagnoser, load_past
from activities.select import RULES
from cli.connection import load_settings, own_environ
from cli.note_view import note_text
from cli.world_tenant import SECRETS
from evals.records import Arm, Script, TicketRun
from evals.run.bare import BareAnswer, ask_bare, bare_prompt, checked
from evals.run.scripted_server import ScriptedServer
from evals.run.scripts import DRAFTS, Case, bare_answer
from evals.run.told import Statements, cited_evidence, further_causes
from evals.score.shown import Opinion
from evals.score.truth import Truths
from ledger.past_runs import SqlPastRuns
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.base import digest_of, to_body
from models.diagnosis import Claim, ClaimValue, Draft
from models.run import RunKey
from models.tenant import ModelConfig, Tenant
from models.ticket import TicketRef
from models.vocabulary import CauseClass, Confidence, Outcome, Severity
from reasoning.prompt import build_prompt
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import ModelError
from reasoning.providers.pool import ChainPool
from reasoning.redact import Redactor
from reasoning.render import render_note
from workflows.naming import investigation_id

SCRIPTED_MODEL = "claude-haiku-5-5"
"""What a scripted model is called on the wire; it is in no line and no figure."""
_KEY = "ANTHROPIC_API_KEY"
_TIMEOUT = 120.0


class MoneySpent(Exception):
    """What the arms may cost is spent; the message has the amounts."""


class Kept(BaseModel):
    """Where the ledger of a played ticket is."""

    key: str
    session: str
    tenant: str
    helpdesk: str
    ticket: str
    revision: int

    @property
    def run(self) -> RunKey:
        """The revision in that ledger."""
        ref = TicketRef(tenant=self.tenant, helpdesk=self.helpdesk, ticket=self.ticket)
        return RunKey(ref=ref, investigation=investigation_id(ref), revision=self.revision)


@dataclass(frozen=True)
class Asked:
    """Which model is asked: a real one, or a script behind the same client."""

    script: Script | None = None
    model: str = SCRIPTED_MODEL
    url: str | None = None
    max_usd: float | None = None
    """For all lines of the run that a model was paid for; None for a script, which costs nothing."""


@dataclass
class _Speaker:
    """What the scripted far end says next."""

    text: str = ""

    def __call__(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Desk:
    """One session's tickets, on a copy of its ledger."""

    ledger: SqlLedger
    bodies: Bodies
    looking: Rediagnoser
    tenants: Mapping[str, Tenant]
    model: AnthropicModel


@dataclass(frozen=True)
class Arms:
    """Lets a model diagnose the kept evidence of one run's folder."""

    out: Path
    truths: Truths
    asked: Asked
    _speaker: _Speaker = field(default_factory=_Speaker)

    async def play(
        self, arm: Arm, repeat: int, kept: Sequence[Kept], spent: Callable[[], float], done: Callable[[TicketRun], None]
    ) -> None:
        """Diagnose these tickets, each written down as it ends.

        Args:
            arm: MODEL or BARE.
            repeat: Which repetition: each asks anew, on a copy of the ledger of its own.
            kept: The tickets.
            spent: What was paid until now in US dollars.
            done: Takes each line.

        Raises:
            MoneySpent: before a question that the cap does not allow.
        """
        with ExitStack() as stack:
            url = self.asked.url
            if self.asked.script is not None:
                url = stack.enter_context(ScriptedServer(self._speaker)).address
            for session in dict.fromkeys(one.session for one in kept):
                async with self._desk(session, arm, repeat, url) as desk:
                    for one in (each for each in kept if each.session == session):
                        if self.asked.max_usd is not None and spent() >= self.asked.max_usd:
                            raise MoneySpent(f"{spent():.4f} of {self.asked.max_usd:.2f} US dollars are spent")
                        began = time.monotonic()
                        line = await self._line(desk, arm, repeat, one)
                        done(line.model_copy(update={"seconds": round(time.monotonic() - began, 3)}))

    async def _line(self, desk: _Desk, arm: Arm, repeat: int, one: Kept) -> TicketRun:
        try:
            past = await load_past(desk.bodies, SqlPastRuns(desk.ledger), one.run)
        except NothingKept as nothing:
            line = _no_answer(one.key, arm, str(nothing))
        else:
            case = Case(self.truths.tickets[one.key], past, self._strangers(one.key), repeat)
            line = await (self._modelled(desk, case, one) if arm is Arm.MODEL else self._bare(desk, case))
        script = self.asked.script
        paid = {"input_tokens": 0, "output_tokens": 0, "usd": 0.0} if script else {"model": self.asked.model}
        return line.model_copy(update={"script": script, "repeat": repeat, **paid})

    async def _modelled(self, desk: _Desk, case: Case, one: Kept) -> TicketRun:
        """The product's own way: the playbook's prompt, the one repair, the verifier; the rules where the model fails."""
        if self.asked.script is not None:
            self._speaker.text = _as_the_model_sees_it(case.past, DRAFTS[self.asked.script](case)).model_dump_json()
        problem = ""
        try:
            looked = await desk.looking.look(one.run, None, self.asked.model, lambda: None)
        except (ModelError, BudgetSpent) as error:
            problem = f"{self.asked.model}: {type(error).__name__}"
            looked = await desk.looking.look(one.run, None, RULES, lambda: None)
        answers = (await RunReader(desk.ledger).load_run(one.run.investigation, one.revision, one.tenant)).answers
        paid = [answer.drafted for answer in answers if answer.purpose.startswith(PURPOSE)]
        line = _looked_line(one, looked, desk.tenants[one.tenant], problem)
        return line.model_copy(
            update={
                "input_tokens": sum(each.input_tokens for each in paid),
                "output_tokens": sum(each.output_tokens for each in paid),
                "usd": sum(each.usd for each in paid),
            }
        )

    async def _bare(self, desk: _Desk, case: Case) -> TicketRun:
        past = case.past
        redactor = Redactor.for_ticket(past.ticket, past.anchors.customer, past.evidence)
        prompt = bare_prompt(past.ticket, past.anchors, past.evidence, redactor)
        if self.asked.script is not None:
            said = bare_answer(self.asked.script, case)
            redacted = [redactor.redact(text) for text in said.statements]
            self._speaker.text = said.model_copy(update={"statements": redacted}).model_dump_json()
        try:
            answer, used, usd = await ask_bare(desk.model, prompt)
        except ModelError as error:
            lost = _no_answer(case.known.key, Arm.BARE, f"{self.asked.model}: {type(error).__name__}")
            return lost.model_copy(update={"usd": error.usd})
        line = _bare_line(case, answer, [redactor.resolve(text) for text in answer.statements])
        return line.model_copy(update={"input_tokens": used.prompt, "output_tokens": used.output, "usd": usd})

    def _strangers(self, key: str) -> list[str]:
        """Return what names a few other customers."""
        own = self.truths.tickets[key].customer
        others = [names for customer, names in sorted(self.truths.people.items()) if customer != own]
        forbidden = self.truths.tickets[key].forbidden_customers
        return [*forbidden, *(name for names in others[:2] for name in names)]

    @asynccontextmanager
    async def _desk(self, session: str, arm: Arm, repeat: int, url: str | None) -> AsyncIterator[_Desk]:
        """Open a copy of a session's ledger: what was paid for in it is not paid for again when the run goes on."""
        folder = self.out / session
        label = self.asked.script.value if self.asked.script else self.asked.model
        copy = self.out / "arms" / f"{arm.value}-{label}-{repeat}-{session}.db"
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / "ledger.db", copy)
        environ = own_environ() | dict.fromkeys(SECRETS, "not-used")
        environ |= {"WHYDESK_STATE": str(folder), "WHYDESK_CONFIG": str(folder / "whydesk.yaml")}
        settings = load_settings(environ)
        key = environ.get(_KEY, "") if self.asked.script is None else "scripted"
        model = AnthropicModel(self.asked.model, direct_client(key, url, _TIMEOUT), _TIMEOUT)
        link = ModelConfig(provider="anthropic", model=self.asked.model, api_key=f"env:{_KEY}")
        tenants = {name: one.model_copy(update={"models": [link]}) for name, one in settings.tenants.items()}
        pool = ChainPool({name: {self.asked.model: lambda: model} for name in tenants})
        try:
            async with await SqlLedger.open(f"sqlite:///{copy}", settings.keyring()) as ledger:
                bodies = Bodies(ledger)
                looking = Rediagnoser(ledger, bodies, SqlPastRuns(ledger), pool, tenants)
                yield _Desk(ledger, bodies, looking, tenants, model)
        finally:
            await model.aclose()


def read_kept(path: Path) -> list[Kept]:
    """Read where the ledger has each played ticket; what has no revision is left out."""
    if not path.exists():
        return []
    lines = [Kept.model_validate(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [one for one in {each.key: each for each in lines}.values() if one.revision]


def _looked_line(one: Kept, looked: Looked, tenant: Tenant, problem: str) -> TicketRun:
    told, playbook, anchors = looked.diagnosis, looked.playbook, looked.past.anchors
    label = f"{playbook.id}@{playbook.version}"
    note = render_note(
        told,
        playbook,
        looked.fitted.evidence,
        anchors,
        marker=f"whydesk:{one.run.investigation}/{one.revision}",
        playbook_label=label,
        investigation=one.run.investigation,
        took=0.0,
        usd=looked.usd,
        allowed_hosts=link_hosts(tenant),
    )
    return TicketRun(
        key=one.key,
        arm=Arm.MODEL,
        playbook=label,
        playbook_digest=digest_of(to_body(playbook)),
        outcome=told.outcome,
        cause=told.cause,
        also=further_causes(playbook, told),
        severity=told.severity,
        confidence=told.confidence,
        said=Statements(playbook, anchors, looked.fitted.evidence).of(told),
        note=note_text(note.html).plain.strip(),
        evidence=looked.fitted.evidence,
        anchors=anchors,
        cited=cited_evidence(told, looked.fitted.weighing),
        problem=problem,
    )


def _bare_line(case: Case, answer: BareAnswer, statements: Sequence[str]) -> TicketRun:
    past = case.past
    texts = [past.ticket.subject, *(message.text for message in past.ticket.messages)]
    said = checked(statements, Opinion(past.evidence, past.anchors, texts))
    ids = [item.id for item in past.evidence]
    return TicketRun(
        key=case.known.key,
        arm=Arm.BARE,
        outcome=answer.outcome,
        cause=answer.cause,
        also=tuple(answer.also),
        severity=answer.severity,
        confidence=answer.confidence,
        said=said,
        note="\n".join(statements),
        evidence=past.evidence,
        anchors=past.anchors,
        cited=tuple(name for name in ids if any(_cites(text, name) for text in statements)),
    )


def _cites(text: str, name: str) -> bool:
    return (
        name in text.replace(",", " ").replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ").split()
    )


def _no_answer(key: str, arm: Arm, problem: str) -> TicketRun:
    return TicketRun(
        key=key,
        arm=arm,
        outcome=Outcome.FAILED,
        cause=CauseClass.UNKNOWN,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        problem=problem,
    )


def _as_the_model_sees_it(past: Past, draft: Draft) -> Draft:
    """Write pseudonyms where the model has them: the same redactor, asked for the same in the same order."""
    redactor = Redactor.for_ticket(past.ticket, past.anchors.customer, past.evidence)
    build_prompt(past.playbook, past.ticket, past.anchors, past.weighing, past.evidence, redactor)

    def redacted(claim: Claim) -> Claim:
        values = tuple(ClaimValue(name=one.name, value=redactor.redact(one.value)) for one in claim.values)
        return claim.model_copy(update={"values": values, "wording": redactor.redact(claim.wording)})

    return draft.model_copy(update={"claims": tuple(redacted(claim) for claim in draft.claims)})
