"""The kill switch: no step that reaches outside begins while it is thrown, and runs wait without costing anything."""

import random
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.control_board import ControlBoard
from activities.select import RULES
from connectors.base import Connector, ConnectorPool
from models.base import Frozen
from models.control import Control
from models.evidence import Answer, SourceRequest
from models.run import DiagnoseRequest
from models.vocabulary import EvidenceStatus, Source
from reasoning.providers.base import LanguageModel, ModelError, ModelPool

PAUSED = "Paused"
"""The failure type of a step that was not begun. The workflow waits and begins it again."""

OUTSIDE = frozenset({"read_ticket", "identify_customer", "fetch_evidence", "break_tie", "diagnose", "publish_note"})
"""The activities that read a helpdesk or a source, ask a model, or post. What is under way is never broken off."""


class PauseGate(Interceptor):
    """Stands before every activity of a worker: has the switches read, and turns away what is paused."""

    def __init__(self, board: ControlBoard) -> None:
        """Take the process's board."""
        self._board = board

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Put the gate before the activity."""
        return _Gate(next, self._board)


class _Gate(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, board: ControlBoard) -> None:
        super().__init__(next)
        self._board = board

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        controls = await self._board.now()
        if activity.info().activity_type in OUTSIDE and input.args:
            request = input.args[0]
            rules = isinstance(request, DiagnoseRequest) and request.reasoner == RULES
            pause = None if rules else controls.paused(request.key.ref.tenant)
            if pause is not None:
                raise ApplicationError(
                    pause.said, type=PAUSED, non_retryable=True, category=ApplicationErrorCategory.BENIGN
                )
        return await super().execute_activity(input)


class Waiting(Frozen):
    """A run that waits to be let on."""

    tenant: str


class PauseActivities:
    """Waits for `whydesk resume`."""

    def __init__(self, board: ControlBoard) -> None:
        """Take the process's board."""
        self._board = board

    @activity.defn
    async def wait_until_resumed(self, request: Waiting) -> None:
        """Return once the tenant is not paused.

        It looks and fails, and the server tries again later: so thousands of runs that wait hold no worker's slot, and an attempt
        that is tried again leaves nothing in the history.

        Raises:
            ApplicationError: still paused; says since when, by whom and why.
        """
        pause = (await self._board.now()).paused(request.tenant)
        if pause is not None:
            raise ApplicationError(
                pause.said,
                type=PAUSED,
                next_retry_delay=timedelta(seconds=_delay(activity.info().attempt)),
                category=ApplicationErrorCategory.BENIGN,
            )


def _delay(attempt: int) -> float:
    """Two seconds at first, fifteen after a while: a pause of hours over a thousand runs must not busy the server."""
    return min(2.0 + attempt / 10, 15.0) * random.uniform(0.8, 1.2)  # noqa: S311  # spreads load, guards nothing


class PausedSource:
    """Stands in for a connector whose source is paused, and asks nobody."""

    def __init__(self, source: Source, pause: Control) -> None:
        """Take which, and since when."""
        self.source = source
        self.pause = pause

    def answer(self) -> Answer:
        """Say that nothing was asked, and why: never that nothing was found."""
        return Answer(status=EvidenceStatus.SKIPPED, asked="", reason=f"{self.source.title} is paused by ops")

    async def fetch(self, request: SourceRequest) -> Answer:
        """Answer without asking."""
        return self.answer()

    async def aclose(self) -> None:
        """Nothing is open."""


class PausableConnectors:
    """A pool of connectors that hands out stand-ins for paused sources."""

    def __init__(self, pool: ConnectorPool, board: ControlBoard) -> None:
        """Put the board before the pool."""
        self._pool = pool
        self._board = board

    async def get(self, tenant: str, source: Source) -> Connector | None:
        """As `ConnectorPool`: None where the tenant has not connected it."""
        connector = await self._pool.get(tenant, source)
        pause = (await self._board.now()).paused_source(source)
        return connector if connector is None or pause is None else PausedSource(source, pause)


class ModelsPaused(ModelError):
    """No model may be asked now: the next reasoner of the chain is the rules."""


class PausableModels:
    """A pool of models that hands out none while models are paused."""

    def __init__(self, pool: ModelPool, board: ControlBoard) -> None:
        """Put the board before the pool."""
        self._pool = pool
        self._board = board

    async def get(self, tenant: str, model: str) -> LanguageModel:
        """As `ModelPool`.

        Raises:
            ModelsPaused: until `whydesk resume models`.
        """
        if (await self._board.now()).paused_models() is not None:
            raise ModelsPaused("models are paused by ops")
        return await self._pool.get(tenant, model)
