"""One fetch for many tickets: questions that depend on no customer are asked once, and what is served says when and of when."""

import asyncio
import json
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from connectors.base import CircuitOpen, RateBudget, SlowAnswer, Unavailable
from ledger.base import LedgerError
from ledger.coordination import SharedAnswers
from models.base import digest_of
from models.coordination import PUBLIC, SharedAnswer, SharedQuestion
from models.evidence import SourceRequest
from models.playbook import Query
from models.tables import ERROR_CODES
from models.tenant import StatusPageConfig, Tenant
from models.vocabulary import Scope, Source
from reasoning.queries import references_in

FRESH_SECONDS = {
    Source.STATUSPAGE: 60,
    Source.CLICKHOUSE: 60,
    Source.GITHUB: 120,
    Source.SENTRY: 120,
    Source.LINEAR: 120,
    Source.DOCS: 600,
}
"""How long an answer is served to other tickets: as long as its source seldom says otherwise."""
STALE_FOR = timedelta(minutes=30)
"""How old an answer may be that is served, marked as stale, while its source does not answer."""
_OPEN_END = timedelta(minutes=2)
"""A window that ends as lately as this ends at now, whenever it was asked."""
_POLL = (0.05, 0.1, 0.2, 0.4)
"""Seconds between looks at another process's fetch; the last one goes on."""
_RENEW = 2.0
_REMEMBERED = 256
_KINDS: dict[str, type[Unavailable]] = {
    kind.__name__: kind for kind in (SlowAnswer, RateBudget, CircuitOpen, Unavailable)
}
"""How a failure is told to those who waited for it: by its kind, so that they do what the one that asked does."""
_FREE_OF_CUSTOMERS = frozenset(
    {"anchors.reported_at", "anchors.symptom_at", "anchors.vocabulary", "anchors.symptoms", "anchors.status_codes"}
)
"""What of a ticket a stored question may hold: times, and words from our own lists. All else stays in memory."""


@dataclass(frozen=True)
class Shareable:
    """A question that others may ask, too."""

    question: SharedQuestion
    stored: bool
    """Whether the ledger keeps the answer for all workers; else this process alone does, in memory."""


Fetch = Callable[[], Awaitable[SharedAnswer]]


def shareable(tenant: Tenant, query: Query, asked: SourceRequest, now: datetime) -> Shareable | None:
    """Return what a question is known by; None where it is one customer's.

    Args:
        tenant: Whose credential asks.
        query: Of the playbook: what its parameters refer to tells whether they can hold a ticket's words.
        asked: Resolved and guarded, exactly as it will be asked.
        now: A window that ends now meets another one that ended at its own now.
    """
    if asked.scope is Scope.CUSTOMER or asked.customer is not None:
        return None
    config = tenant.connectors.get(asked.source)
    public = isinstance(config, StatusPageConfig) and _is_public(config)
    window = asked.window
    span = None
    if window is not None:
        span = [window.start.isoformat(), "now" if now - window.end < _OPEN_END else window.end.isoformat()]
    exact: JsonValue = {
        "config": config.model_dump(mode="json") if config is not None else None,
        **asked.model_dump(mode="json", exclude={"label", "window"}),
        "window": list(span) if span else None,
    }
    question = SharedQuestion(
        scope=PUBLIC if public else tenant.id,
        digest=digest_of(json.dumps(exact, sort_keys=True).encode()),
        source=asked.source,
        fresh_seconds=FRESH_SECONDS.get(asked.source, 60),
    )
    return Shareable(question, stored=is_free_of_customers(query, asked))


def is_free_of_customers(query: Query, asked: SourceRequest) -> bool:
    """Whether nothing that a ticket or a customer's data says can stand in the question."""
    for name, value in query.parameters.items():
        for reference in references_in(value):
            root = reference.partition(".")[0]
            if root in ("window", "tenant") or reference in _FREE_OF_CUSTOMERS:
                continue
            if reference != "anchors.error_codes" or not _is_ours(asked.parameters.get(name), value):
                return False
    return True


def _is_ours(found: JsonValue, written: JsonValue) -> bool:
    """Whether codes that a ticket names are the canonical ones: a customer may quote anything as a code."""
    literals = {item for item in written if isinstance(item, str)} if isinstance(written, list) else set()
    items = found if isinstance(found, list) else [found]
    return all(item in ERROR_CODES or item in literals for item in items)


def _is_public(config: StatusPageConfig) -> bool:
    return config.proxy is None and not config.ca_file and not any(page.allow_private for page in config.pages)


class SharedFetch:
    """Asks once for all that want the same, in this process and, by a lease in the ledger, across processes."""

    def __init__(self, answers: SharedAnswers) -> None:
        """Take the ledger's part."""
        self._answers = answers
        self._flying: dict[tuple[str, str], asyncio.Task[SharedAnswer]] = {}
        self._kept: OrderedDict[tuple[str, str], SharedAnswer] = OrderedDict()

    async def get(self, of: Shareable, fetch: Fetch, *, afresh: bool = False) -> SharedAnswer:
        """Return an answer that is still fresh, or fetch one.

        Args:
            of: The question.
            fetch: Asks the source; called once however many wait.
            afresh: Ask, whatever is there; what comes back is kept for the others.

        Raises:
            ConnectorError: as the source failed, for all that waited.
        """
        key = (of.question.scope, of.question.digest)
        kept = self._kept.get(key)
        if kept is not None and not afresh and _is_fresh(kept, of.question):
            return kept
        flying = self._flying.get(key)
        if flying is None or afresh:
            flying = asyncio.ensure_future(self._fetch(of, fetch, afresh))
            self._flying[key] = flying
            flying.add_done_callback(lambda done: self._landed(key, done, of.stored))
        # One that is cancelled leaves the fetch to the others.
        return await asyncio.shield(flying)

    async def last(self, of: Shareable) -> SharedAnswer | None:
        """Return the newest answer, marked as stale, if it is not too old to say anything."""
        kept = self._kept.get((of.question.scope, of.question.digest))
        if of.stored:
            kept = await self._answers.last(of.question) or kept
        if kept is None or not kept.answer.status.answered or datetime.now(UTC) - kept.fetched_at > STALE_FOR:
            return None
        if _is_fresh(kept, of.question):
            return kept
        return kept.model_copy(update={"answer": kept.answer.model_copy(update={"stale": True})})

    def _landed(self, key: tuple[str, str], done: "asyncio.Task[SharedAnswer]", stored: bool) -> None:
        if self._flying.get(key) is done:
            del self._flying[key]
        # Looked at here, so that one whose waiters are all gone is not reported as never retrieved.
        if done.cancelled() or done.exception() is not None or stored:
            return
        self._kept[key] = done.result()
        self._kept.move_to_end(key)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)

    async def _fetch(self, of: Shareable, fetch: Fetch, afresh: bool) -> SharedAnswer:
        if not of.stored:
            return await fetch()
        if afresh:
            answer = await fetch()
            await self._answers.answer(of.question, "", answer)
            return answer
        owner, began = uuid.uuid4().hex, datetime.now(UTC)
        for turn in range(10_000):
            lease = await self._answers.ask(of.question, owner, began)
            if lease.answer is not None:
                return lease.answer
            if lease.ours:
                return await self._own(of.question, owner, fetch)
            if lease.problem:
                kind, _, said = lease.problem.partition(": ")
                raise _KINDS.get(kind, Unavailable)(said)
            await asyncio.sleep(_POLL[min(turn, len(_POLL) - 1)])
        raise Unavailable(f"another worker asks {of.question.source.title} and never ends")

    async def _own(self, question: SharedQuestion, owner: str, fetch: Fetch) -> SharedAnswer:
        beating = asyncio.ensure_future(self._renew(question, owner))
        try:
            answer = await fetch()
        except BaseException as error:
            kind = type(error).__name__
            said = str(error) if kind in _KINDS else f"the one that asked ended ({kind})"
            problem = f"{kind if kind in _KINDS else Unavailable.__name__}: {said}"
            await asyncio.shield(self._answers.fail(question, owner, problem))
            raise
        finally:
            beating.cancel()
        await self._answers.answer(question, owner, answer)
        return answer

    async def _renew(self, question: SharedQuestion, owner: str) -> None:
        while True:
            await asyncio.sleep(_RENEW)
            try:
                await self._answers.renew(question, owner)
            except LedgerError:
                # The lease then ends, and somebody else asks too.
                continue


def _is_fresh(kept: SharedAnswer, question: SharedQuestion) -> bool:
    return kept.answer.status.answered and datetime.now(UTC) - kept.fetched_at < timedelta(
        seconds=question.fresh_seconds
    )
