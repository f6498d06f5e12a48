"""What runs beside a revision once it is over: the candidate playbook, in shadow. It can delay no note and fail no run."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, TimeoutError
from temporalio.workflow import LocalActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.candidates import CandidateActivities
    from models.run import CandidateRequest
    from workflows.case import Case

_BRIEFLY = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(seconds=45),
    retry_policy=RetryPolicy(maximum_attempts=2),
    summary="candidate playbook, in shadow",
)


async def try_candidate(case: Case) -> None:
    """Let the candidate that was chosen with the playbook diagnose what was gathered. Without one nothing happens."""
    if not case.selection.candidate or not case.verified.diagnosis:
        return
    request = CandidateRequest(key=case.key, candidate=case.selection.candidate)
    try:
        await workflow.execute_local_activity_method(CandidateActivities.try_candidate, request, **_BRIEFLY)
    except (ApplicationError, TimeoutError) as error:
        workflow.logger.warning("the candidate playbook could not be tried: %s", type(error).__name__)
