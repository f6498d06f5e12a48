"""Today's workflow with a mistake in it: what a replay meets where the code itself fails."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.run import InvestigateInput, RunResult
    from workflows.case import Case
    from workflows.investigate_ticket import InvestigateTicketWorkflow


@workflow.defn(name="InvestigateTicketWorkflow")
class BrokenWorkflow(InvestigateTicketWorkflow):
    """Cannot choose a playbook."""

    @workflow.init
    def __init__(self, given: InvestigateInput) -> None:
        """Begin as the original does."""
        super().__init__(given)

    @workflow.run
    async def run(self, given: InvestigateInput) -> RunResult:
        """Run as the original does."""
        return await super().run(given)

    async def _select(self, case: Case) -> bool:
        raise AttributeError("no such field")
