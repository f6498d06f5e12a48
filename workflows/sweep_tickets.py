"""Looks at a helpdesk's changed tickets every few minutes; started by a schedule, one for each helpdesk of each tenant."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.sweep import SweepActivities
    from models.sweep import SweepInput, SweepResult
    from workflows.options import SWEEP


@workflow.defn(name="SweepTicketsWorkflow")
class SweepTicketsWorkflow:
    """One sweep."""

    @workflow.run
    async def run(self, given: SweepInput) -> SweepResult:
        """Sweep once; what is left by a failure is the next one's."""
        return await workflow.execute_activity_method(
            SweepActivities.sweep_helpdesk, given, **(SWEEP | {"summary": f"{given.helpdesk} · tickets that changed"})
        )
