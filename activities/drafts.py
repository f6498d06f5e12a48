"""A model's draft: asked for once, its pseudonyms resolved, stored before it is reported."""

from collections.abc import Callable, Sequence
from functools import partial

from activities.paid import Question, answer_once, until_kept
from ledger.base import Ledger
from models.diagnosis import Draft
from models.run import Drafted
from reasoning.providers.base import ModelPool, Prompt
from reasoning.redact import Redactor, resolve_draft


async def draft_by_model(
    ledger: Ledger,
    models: ModelPool,
    question: Question,
    prompt: Prompt,
    redactor: Redactor,
    beat: Callable[[], None],
    offered: Sequence[str] = (),
) -> Drafted:
    """Return the stored draft of exactly this question, else ask the model for it.

    Args:
        ledger: Where it is kept.
        models: The tenants' models.
        question: With the budget.
        prompt: Redacted.
        redactor: Knows what the pseudonyms stand for.
        beat: Called while the answer comes in.
        offered: Ids of the follow-up queries that may still be asked for.

    Raises:
        BudgetSpent: nothing may be asked any more.
        ModelError: the model did not answer.
    """
    tenant = question.key.ref.tenant

    async def ask(left: float) -> Drafted:
        model = await models.get(tenant, question.reasoner)
        reply = await model.answer(prompt, beat)
        draft: Draft = resolve_draft(reply.draft, redactor)
        # What could not be asked about again would be gathered for nobody.
        wished = draft.follow_ups if reply.usd < left else ()
        return Drafted(
            draft=await until_kept(partial(ledger.put_body, tenant, draft, question.key)),
            reasoner=question.reasoner,
            follow_ups=tuple(name for name in offered if name in wished),
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            usd=reply.usd,
        )

    return await answer_once(ledger, question, ask)
