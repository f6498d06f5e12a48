"""What feedback says of a level of confidence, read from the ledger every few minutes and not for every ticket."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from models.diagnosis import Diagnosis
from models.feedback import Labelled
from models.vocabulary import Outcome
from reasoning.calibration import calibration

FRESH = 300.0
"""Seconds for which what was read is good enough: a hundred labels do not change much in that time."""
_TOLD = (Outcome.DIAGNOSED, Outcome.NOTHING_WRONG)
"""Outcomes that name an explanation; the others have no confidence in one."""


class LabelledRuns(Protocol):
    """Where people's words on past runs are counted."""

    async def labelled_runs(self, tenant: str | None = None) -> Sequence[Labelled]:
        """Return a tenant's, or everybody's, by playbook and level."""
        ...


class Calibration:
    """Says of a diagnosis how far its confidence can be relied on."""

    def __init__(self, runs: LabelledRuns, clock: Callable[[], float] = time.monotonic) -> None:
        """Read nothing yet."""
        self._runs = runs
        self._clock = clock
        self._read: dict[str, tuple[float, Sequence[Labelled]]] = {}

    async def of(self, tenant: str, playbook: str, diagnosis: Diagnosis) -> str:
        """Return what past runs say of its level; nothing where it explains nothing."""
        if diagnosis.outcome not in _TOLD:
            return ""
        read = self._read.get(tenant)
        if read is None or self._clock() - read[0] >= FRESH:
            read = self._read[tenant] = self._clock(), await self._runs.labelled_runs(tenant)
        return calibration(diagnosis.confidence, playbook, read[1])
