"""One past run as the ledger has it, with the bodies that playbook authors ask about."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.recorded import open_recorded
from ledger.base import BodyMissing
from ledger.reading import RunReader
from ledger.records import RunRecord, StepRecord
from ledger.store import SqlLedger
from models.customer import Anchors
from models.diagnosis import Diagnosis, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class PastRun:
    """What a run read, followed, gathered and concluded; of a run that looked twice, the second look."""

    name: str
    """`inv-…, revision 1`."""
    tenant: str
    ticket: Ticket
    anchors: Anchors
    playbook: Playbook
    chosen_because: str
    """As the run kept it: `api-errors@1: api (1), rate-limited (3)`."""
    evidence: tuple[Evidence, ...]
    """What the playbook asked; how the customer was found is left out."""
    weighing: Weighing
    diagnosis: Diagnosis | None


def load_past_run(name: str, revision: int | None = None) -> PastRun:
    """Load a run by its investigation, its workflow's id or its ticket's number; the last revision if none is named.

    Raises:
        LedgerError: there is no such run.
        UsageProblem: the run ended before anything was weighed, or its bodies were erased.
    """
    return asyncio.run(_load(name, revision))


async def _load(name: str, revision: int | None) -> PastRun:
    async with await open_recorded(load_settings()) as ledger:
        record = await RunReader(ledger).load_run(name, revision)
        return await _Bodies(ledger, record).run()


class _Bodies:
    """Finds the bodies of a run by its steps."""

    def __init__(self, ledger: SqlLedger, record: RunRecord) -> None:
        self._ledger = ledger
        self._record = record
        self._tenant = record.summary.key.ref.tenant
        self._name = f"{record.summary.key.investigation}, revision {record.summary.key.revision}"

    async def run(self) -> PastRun:
        record = self._record
        weighed = self._last("weigh")
        look = int(weighed.step.split("/")[1])
        chosen = self._last("select", "tie")
        playbook = await self._body(chosen, Playbook)
        asked = {query.id for query in playbook.queries}
        found = [one.body for one in record.evidence if one.look == look and one.ref.query in asked]
        evidence = tuple(body for body in found if body is not None)
        if len(evidence) < len(found):
            raise UsageProblem(f"{self._name}: the ledger no longer has its evidence; it was erased")
        return PastRun(
            name=self._name,
            tenant=self._tenant,
            ticket=await self._body(self._last("read"), Ticket),
            anchors=await self._body(self._last("identify"), Anchors),
            playbook=playbook,
            chosen_because=chosen.detail,
            evidence=evidence,
            weighing=await self._body(weighed, Weighing),
            diagnosis=record.diagnosis,
        )

    def _last(self, *names: str) -> StepRecord:
        found = [step for step in self._record.steps if step.step.partition("/")[0] in names and step.digest]
        if not found:
            summary = self._record.summary
            ended = f"it ended as {summary.outcome.value}" if summary.outcome else "it is not over"
            raise UsageProblem(f"{self._name} has no step {names[0]!r}: {ended} {summary.problem}".rstrip())
        return found[-1]

    async def _body(self, step: StepRecord, shape: type[M]) -> M:
        try:
            return await self._ledger.get_body(self._tenant, step.digest, shape)
        except BodyMissing as missing:
            raise UsageProblem(
                f"{self._name}: the ledger no longer has its step {step.step!r}; it was erased"
            ) from missing
