"""Shows a worker's circuits: in the log, in a metric, and in the ledger for `whydesk doctor`."""

import asyncio
import os
import socket

import structlog

from ledger.base import LedgerError
from ledger.coordination import CircuitBoard
from metrics import record_circuit
from models.coordination import Circuit
from models.vocabulary import Source

log = structlog.get_logger("whydesk.worker")


def this_worker() -> str:
    """Return what tells this process from other workers."""
    return f"{socket.gethostname()}:{os.getpid()}"


class CircuitWatch:
    """Told by `connectors.circuit.Circuits`."""

    def __init__(self, board: CircuitBoard, worker: str) -> None:
        """Write under this worker's name."""
        self._board = board
        self._worker = worker
        self._writing: set[asyncio.Task[None]] = set()

    def __call__(self, tenant: str, source: Source, circuit: Circuit | None) -> None:
        """Show a change; nobody waits for the ledger."""
        record_circuit(tenant, source.value, is_open=circuit is not None)
        if circuit is None:
            log.info("circuit.closed", tenant=tenant, source=source.value)
        else:
            log.warning("circuit.open", tenant=tenant, source=source.value, reason=circuit.reason)
        writing = asyncio.ensure_future(self._write(tenant, source, circuit))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def aclose(self) -> None:
        """Wait for what is still written."""
        await asyncio.gather(*self._writing)

    async def _write(self, tenant: str, source: Source, circuit: Circuit | None) -> None:
        try:
            if circuit is None:
                await self._board.clear_circuit(tenant, source.value, self._worker)
            else:
                await self._board.keep_circuit(circuit)
        except LedgerError:
            # It is for people alone; the metric has it too.
            log.warning("circuit.not-kept", tenant=tenant, source=source.value)
