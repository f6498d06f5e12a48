"""A source that keeps failing is not asked for a while: one circuit for each source of each tenant, in this process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.base import CircuitOpen, RateLimited, Unavailable
from models.coordination import Circuit
from models.evidence import Answer
from models.vocabulary import Source

FAILURES = 10
"""In a row. A ticket's own retries of one question are four, so one question alone opens nothing."""
WITHIN = 120.0
"""Seconds without a failure after which the row begins anew."""
FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
"""Seconds until it is tried again; twice as long after each time that it failed again."""

Watch = Callable[[str, Source, Circuit | None], None]
"""Told the tenant and the source when a circuit opens, or, with None, closes."""


@dataclass
class _State:
    failures: int = 0
    failed_at: float = 0.0
    wait: float = FIRST_WAIT
    opened_at: datetime | None = None
    until: float = 0.0
    probe: asyncio.Future[None] | None = None
    """Set while one question tries whether the source is back; the others wait for what comes of it."""
    last: str = ""


class Circuits:
    """All circuits of a process. Failures are timeouts, broken connections and 5xx; a refused question is none."""

    def __init__(
        self, watch: Watch | None = None, *, worker: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with all closed.

        Args:
            watch: Told of every change.
            worker: This process, for people.
            clock: Seconds, for tests.
        """
        self._watch = watch
        self._worker = worker
        self._clock = clock
        self._states: dict[tuple[str, Source], _State] = {}

    def is_open(self, tenant: str, source: Source) -> bool:
        """Whether a question would be refused now, or be the one that tries."""
        state = self._states.get((tenant, source))
        return state is not None and state.opened_at is not None

    async def ask(self, tenant: str, source: Source, fetch: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, unless the circuit is open.

        Raises:
            CircuitOpen: not asked.
            ConnectorError: as the source failed.
        """
        state = self._states.setdefault((tenant, source), _State())
        probing = await self._admit(source, state)
        try:
            answer = await fetch()
        except Unavailable as error:
            if isinstance(error, RateLimited):
                # It answers; it is only too much.
                self._close(tenant, source, state)
            else:
                self._count(tenant, source, state, error, probing)
            raise
        finally:
            if probing and state.probe is not None:
                state.probe.set_result(None)
                state.probe = None
        self._close(tenant, source, state)
        return answer

    async def _admit(self, source: Source, state: _State) -> bool:
        """Return whether this question is the one that tries; wait where another one does."""
        while state.opened_at is not None:
            if state.probe is not None:
                await asyncio.shield(state.probe)
                continue
            left = state.until - self._clock()
            if left > 0:
                raise CircuitOpen(
                    f"{source.title} was not asked: it failed {state.failures} times in a row ({state.last}); "
                    "it is tried again in a moment",
                    retry_after=left,
                )
            state.probe = asyncio.get_running_loop().create_future()
            return True
        return False

    def _count(self, tenant: str, source: Source, state: _State, error: Unavailable, probing: bool) -> None:
        now = self._clock()
        if now - state.failed_at > WITHIN and state.opened_at is None:
            state.failures = 0
        state.failures, state.failed_at, state.last = state.failures + 1, now, type(error).__name__
        if probing:
            state.wait = min(2 * state.wait, LONGEST_WAIT)
        elif state.opened_at is not None or state.failures < FAILURES:
            return
        state.opened_at = state.opened_at or datetime.now(UTC)
        state.until = now + state.wait
        if self._watch is not None:
            self._watch(tenant, source, self._shown(tenant, source, state))

    def _close(self, tenant: str, source: Source, state: _State) -> None:
        was_open = state.opened_at is not None
        state.failures, state.opened_at, state.wait = 0, None, FIRST_WAIT
        if was_open and self._watch is not None:
            self._watch(tenant, source, None)

    def _shown(self, tenant: str, source: Source, state: _State) -> Circuit:
        assert state.opened_at is not None
        return Circuit(
            tenant=tenant,
            source=source,
            worker=self._worker,
            reason=f"{state.failures} failures in a row, the last one {state.last}",
            opened_at=state.opened_at,
            until=datetime.now(UTC) + timedelta(seconds=state.wait),
        )
