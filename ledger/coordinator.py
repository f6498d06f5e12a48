"""Puts what workers agree on over one ledger."""

from ledger.circuits import SqlCircuitBoard
from ledger.coordination import Coordination
from ledger.incidents import SqlIncidents
from ledger.rates import SqlRates
from ledger.shared_evidence import SqlSharedAnswers
from ledger.store import SqlLedger
from ledger.sweeps import SqlSweeps


def coordinate(ledger: SqlLedger) -> Coordination:
    """Return all of it; it lives as long as the ledger."""
    return Coordination(
        answers=SqlSharedAnswers(ledger),
        incidents=SqlIncidents(ledger.database),
        rates=SqlRates(ledger.database),
        sweeps=SqlSweeps(ledger.database),
        circuits=SqlCircuitBoard(ledger.database),
    )
