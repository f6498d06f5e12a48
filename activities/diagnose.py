"""Step 5: let one reasoner of the chain choose a hypothesis and make claims, over redacted evidence."""

from collections.abc import Mapping

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bodies import Bodies
from activities.drafts import draft_by_model
from activities.failures import WORTH_WAITING, failing_as_temporal_expects
from activities.paid import BudgetSpent, Question
from activities.select import RULES
from ledger.base import Ledger
from models.customer import Anchors
from models.diagnosis import Diagnosis, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.run import DiagnoseRequest, Drafted
from models.tenant import Tenant
from models.ticket import Ticket
from reasoning.prompt import build_prompt, request_digest
from reasoning.providers.base import ModelPool, ModelUnavailable, Prompt
from reasoning.redact import Redactor
from reasoning.rules import decide
from reasoning.verify import findings


class DiagnoseActivities:
    """Asks a model, or the rules."""

    def __init__(self, ledger: Ledger, bodies: Bodies, models: ModelPool, tenants: Mapping[str, Tenant]) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._bodies = bodies
        self._models = models
        self._tenants = tenants

    @activity.defn
    async def diagnose(self, request: DiagnoseRequest) -> Drafted:
        """Return a stored draft. Safe to repeat: an answer that was paid for is stored before it is reported.

        Raises:
            ApplicationError: retryable while the model may still answer; `BudgetSpent` and the like are for good,
                and the workflow goes on with the next link of the chain.
        """
        key = request.key
        tenant = key.ref.tenant
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(tenant, request.playbook, Playbook)
            weighing = await self._bodies.get(tenant, request.weighing, Weighing)
            evidence = await self._bodies.evidence(tenant, request.evidence)
            if request.reasoner == RULES:
                draft = decide(playbook, weighing, evidence)
                drafted = Drafted(draft=await self._bodies.put(tenant, draft, key), reasoner=RULES)
                said = RULES
            else:
                prompt = await self._prompt(request, playbook, weighing, evidence)
                drafted = await self._ask(request, playbook, *prompt)
                said = _said(drafted, prompt[0])
        await self._ledger.note_step(key, f"diagnose/{request.look}/{request.round}", drafted.draft, said)
        return drafted

    async def _prompt(
        self, request: DiagnoseRequest, playbook: Playbook, weighing: Weighing, evidence: tuple[Evidence, ...]
    ) -> tuple[Prompt, Redactor]:
        tenant = request.key.ref.tenant
        ticket = await self._bodies.get(tenant, request.ticket, Ticket)
        anchors = await self._bodies.get(tenant, request.anchors, Anchors)
        failed = await self._bodies.get(tenant, request.repair_of, Diagnosis) if request.repair_of else None
        redactor = Redactor.for_ticket(ticket, anchors.customer, evidence, patterns=self._tenants[tenant].redact)
        wrong = findings(failed) if failed else ()
        return build_prompt(playbook, ticket, anchors, weighing, evidence, redactor, wrong, request.offered), redactor

    async def _ask(self, request: DiagnoseRequest, playbook: Playbook, prompt: Prompt, redactor: Redactor) -> Drafted:
        tenant = request.key.ref.tenant
        payer = self._tenants[tenant]
        cap = min(payer.budget.usd_per_ticket, playbook.budgets.usd)
        digest = request_digest(prompt, request.reasoner)
        question = Question(payer, request.key, digest, request.round, request.reasoner, cap)
        try:
            return await draft_by_model(
                self._ledger, self._models, question, prompt, redactor, activity.heartbeat, request.offered
            )
        except BudgetSpent as error:
            raise ApplicationError(str(error), type=error.kind, non_retryable=True) from None
        except ModelUnavailable as error:
            if (error.retry_after or 0.0) <= WORTH_WAITING:
                raise
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from None


def _said(drafted: Drafted, prompt: Prompt) -> str:
    """Say who answered which words, and what it would like to know; for people."""
    asks = f", asks for {', '.join(drafted.follow_ups)}" if drafted.follow_ups else ""
    return f"{drafted.reasoner}, prompt {prompt.version}{asks}"
