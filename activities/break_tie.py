"""Step 2, rarely: a fast model chooses between the playbooks that a ticket speaks for equally, or code's own order stays."""

import asyncio
from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.bodies import Bodies
from activities.channels import Channels
from activities.failures import failing_as_temporal_expects
from activities.paid import BudgetSpent, Question, answer_once
from activities.select import selection_of
from ledger.base import Ledger
from models.base import Frozen
from models.customer import Anchors
from models.playbook import Playbook
from models.run import Drafted, Selection, SelectRequest
from models.tenant import Tenant
from models.ticket import Ticket
from reasoning.prompt import build_choice_prompt, request_digest
from reasoning.providers.base import CLASSIFIER, ModelError, ModelPool, ModelUnavailable, Prompt
from reasoning.redact import Redactor
from reasoning.select import Ranked, select_playbook, tied_playbooks

PURPOSE = "select"
"""What the answer is stored and paid for as."""
MOST_ATTEMPTS = 2
"""On the last one code decides, so the retry policy must allow no fewer."""
_WITHIN = 4.0
"""Seconds for one answer: a better playbook is worth no more of the note's time."""
_WORTH_WAITING = 1.0
"""Seconds that a busy model may ask for before it is left alone."""


class ChosenPlaybook(Frozen):
    """What the model chose. A body in the ledger."""

    playbook: str


class Undecided(Exception):
    """The model was not asked, or what it said is of no use."""


class TieActivities:
    """Asks the tenant's classifier."""

    def __init__(
        self, ledger: Ledger, bodies: Bodies, shelf: Channels, tenants: Mapping[str, Tenant], models: ModelPool
    ) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._bodies = bodies
        self._shelf = shelf
        self._tenants = tenants
        self._models = models

    @activity.defn
    async def break_tie(self, request: SelectRequest) -> Selection:
        """Return the pinned playbook: the model's choice among those that are tied, else code's own. Safe to repeat.

        Raises:
            ApplicationError: the model may answer a second attempt. On the last one code decides.
        """
        name = request.key.ref.tenant
        tenant = self._tenants[name]
        with failing_as_temporal_expects():
            ticket = await self._bodies.get(name, request.ticket, Ticket)
            anchors = await self._bodies.get(name, request.anchors, Anchors)
            evidence = await self._bodies.evidence(name, request.evidence)
            playbooks = self._shelf.released(name)
            tied = tied_playbooks(ticket, anchors, playbooks)
            own, _ = select_playbook(ticket, anchors, playbooks)
            redactor = Redactor.for_ticket(ticket, anchors.customer, evidence, patterns=tenant.redact)
            chosen, said = await self._choose(
                request, tenant, tied, own, build_choice_prompt(ticket, anchors, tied, redactor)
            )
        digest = await self._ledger.put_body(name, chosen)
        await self._ledger.note_step(
            request.key, f"tie/{request.look}", digest, f"{chosen.id}@{chosen.version}: {said}"
        )
        candidate = self._shelf.candidate(name, chosen)
        beside = await self._ledger.put_body(name, candidate) if candidate is not None else ""
        mode = self._shelf.mode(tenant, request.key.ref, chosen.id)
        names = tuple(each.playbook.id for each in tied)
        return selection_of(tenant, chosen, digest, names, mode=mode, candidate=beside)

    async def _choose(
        self, request: SelectRequest, tenant: Tenant, tied: Sequence[Ranked], own: Playbook, prompt: Prompt
    ) -> tuple[Playbook, str]:
        among = ", ".join(each.playbook.id for each in tied)
        try:
            answer = await self._ask(request, tenant, tied, prompt)
            chosen = await self._bodies.get(tenant.id, answer.draft, ChosenPlaybook)
        except (ModelError, Undecided) as problem:
            if isinstance(problem, ModelUnavailable) and _worth_another(problem):
                raise
            kind = str(problem) if isinstance(problem, Undecided) else type(problem).__name__
            return own, f"first of {among}; no model chose ({kind})"
        playbook = next((each.playbook for each in tied if each.playbook.id == chosen.playbook), own)
        return playbook, f"chosen by {answer.reasoner} among {among}, prompt {prompt.version}"

    async def _ask(self, request: SelectRequest, tenant: Tenant, tied: Sequence[Ranked], prompt: Prompt) -> Drafted:
        if tenant.classifier is None or len(tied) < 2:
            raise Undecided("NoTie" if tenant.classifier is not None else "NoClassifier")

        async def ask(_: float) -> Drafted:
            model = await self._models.get(tenant.id, CLASSIFIER)
            try:
                async with asyncio.timeout(_WITHIN):
                    choice = await model.choose(prompt, [each.playbook.id for each in tied], activity.heartbeat)
            except TimeoutError:
                raise ModelUnavailable(f"{model.model}: no choice within {_WITHIN:g} s") from None
            return Drafted(
                draft=await self._ledger.put_body(tenant.id, ChosenPlaybook(playbook=choice.chosen), request.key),
                reasoner=choice.model,
                input_tokens=choice.input_tokens,
                output_tokens=choice.output_tokens,
                usd=choice.usd,
            )

        model = tenant.classifier.model
        cap = min(tenant.budget.usd_per_ticket, *(each.playbook.budgets.usd for each in tied))
        question = Question(tenant, request.key, request_digest(prompt, model), request.look, model, cap, PURPOSE)
        try:
            return await answer_once(self._ledger, question, ask)
        except BudgetSpent as error:
            raise Undecided(error.kind) from None


def _worth_another(problem: ModelUnavailable) -> bool:
    return activity.info().attempt < MOST_ATTEMPTS and (problem.retry_after or 0.0) <= _WORTH_WAITING
