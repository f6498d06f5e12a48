"""Every workflow that a worker runs: what is registered, what is replayed before an update, and what `whydesk replay` covers."""

from workflows.backtest_playbook import BacktestPlaybookWorkflow
from workflows.investigate_ticket import InvestigateTicketWorkflow
from workflows.sweep_tickets import SweepTicketsWorkflow

WORKFLOWS: tuple[type, ...] = (InvestigateTicketWorkflow, SweepTicketsWorkflow, BacktestPlaybookWorkflow)
