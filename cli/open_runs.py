"""Worker versions of the embedded server: one constant build id; open runs that today's code cannot replay are reset."""

import asyncio
import uuid
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    ResetWorkflowExecutionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from workflows import naming

EMBEDDED_BUILD = "embedded"
"""Where one person runs one version, every run belongs to it, whatever the code is today."""


@dataclass(frozen=True)
class OpenRuns:
    """What became of the runs that were open at the start."""

    replayed: int
    reset: tuple[str, ...]
    """Workflow ids that begin again, because the code has changed under them."""


async def mend_open_runs(client: Client) -> OpenRuns:
    """Replay every open run on today's code before a worker takes them; reset those that no longer replay.

    A reset run starts over at its first step. What it had stored and posted is found again by its keys, so nothing is
    asked, paid or posted twice.
    """
    # The workflows, and with them all activities, take as long to load as the rest of the command that starts an installation.
    from workflows.registered import WORKFLOWS

    replayer = Replayer(workflows=WORKFLOWS, data_converter=client.data_converter)
    replayed = 0
    reset = []
    kinds = " OR ".join(f"WorkflowType = '{kind.__name__}'" for kind in WORKFLOWS)
    query = f"({kinds}) AND ExecutionStatus = 'Running'"
    async for run in client.list_workflows(query):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        # The list lags behind: a run that was reset a moment ago still stands in it, and resetting it again would start another.
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            continue
        history = await handle.fetch_history()
        result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is None:
            replayed += 1
        elif await _reset(client, run.id, run.run_id, history):
            reset.append(run.id)
    return OpenRuns(replayed, tuple(reset))


async def _reset(client: Client, workflow_id: str, run_id: str, history: WorkflowHistory) -> bool:
    """Reset to the first workflow task; signals are applied again. A run without one needs no reset."""
    first = next(
        (e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED), None
    )
    if first is None:
        return False
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            reason="whydesk up: the code has changed and this run no longer replays",
            request_id=str(uuid.uuid4()),
            workflow_task_finish_event_id=first,
        )
    )
    return True


async def make_current(client: Client, build_id: str, within: float = 30.0) -> None:
    """Make a build the one that new runs go to. The server must have seen a worker of it poll, so this waits.

    Raises:
        RPCError: the server still refuses after `within` seconds.
    """
    deadline = asyncio.get_running_loop().time() + within
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace,
                    deployment_name=naming.DEPLOYMENT,
                    build_id=build_id,
                    identity="whydesk",
                )
            )
        except RPCError as error:
            passing = error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
            if not passing or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def is_current(client: Client, build_id: str = EMBEDDED_BUILD) -> bool:
    """Whether new runs go to that build."""
    try:
        described = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=naming.DEPLOYMENT)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.worker_deployment_info.routing_config.current_deployment_version.build_id == build_id
