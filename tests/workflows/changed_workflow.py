"""Today's workflow with one step done in another way: what the replay tests must notice."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.select import SelectActivities
    from models.run import InvestigateInput, RunResult, SelectRequest
    from workflows.case import Case
    from workflows.investigate_ticket import InvestigateTicketWorkflow
    from workflows.options import CONNECTOR_READ


@workflow.defn(name="InvestigateTicketWorkflow")
class ChangedWorkflow(InvestigateTicketWorkflow):
    """Chooses the playbook through the queue instead of on the spot."""

    @workflow.init
    def __init__(self, given: InvestigateInput) -> None:
        """Begin as the original does."""
        super().__init__(given)

    @workflow.run
    async def run(self, given: InvestigateInput) -> RunResult:
        """Run as the original does."""
        return await super().run(given)

    async def _select(self, case: Case) -> bool:
        case.selection = await workflow.execute_activity_method(
            SelectActivities.select_playbook,
            SelectRequest(key=case.key, ticket=case.ticket, anchors=case.anchors),
            **CONNECTOR_READ,
        )
        return True
