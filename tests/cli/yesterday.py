"""The workflow as it might have been before someone changed it; a module of its own, since Temporal's sandbox loads it anew."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.run import InvestigateInput
    from models.ticket import Trigger
    from workflows import naming


@workflow.defn(name="InvestigateTicketWorkflow")
class Yesterday:
    """Same name, same signal, other steps."""

    @workflow.run
    async def run(self, given: InvestigateInput) -> str:
        """Wait for an hour, which today's code does not."""
        await asyncio.sleep(3600)
        return given.ref.ticket

    @workflow.signal(name=naming.SIGNAL)
    def deliver(self, trigger: Trigger) -> None:
        """Take no notice."""
