"""Recorded runs still replay on today's workflow, in a sandbox that refuses every import it was not told of."""

import platform
import tempfile
import warnings
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import NondeterminismError, SandboxImportNotificationPolicy

from models.vocabulary import Outcome
from tests.histories import readable
from tests.master_keys import PLUGIN
from tests.record_histories import SCRIPTS
from tests.workflows.changed_workflow import ChangedWorkflow
from workflows.investigate_ticket import InvestigateTicketWorkflow
from workflows.registered import WORKFLOWS

HISTORIES = Path(__file__).parent / "histories"
STRICT = SandboxRestrictions.default.with_import_notification_policy(
    SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
    | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
)
TELLS = {
    "diagnosed": '"outcome": "diagnosed"',
    "diagnosed-by-model": '"reasoner": "claude-haiku-5-5"',
    "failed": '"problem": "read_ticket: HelpdeskDenied"',
    "inconclusive": '"outcome": "inconclusive"',
    "looked-back": '"looked_again": true',
    "needs-info": '"outcome": "needs-info"',
    "nothing-new": '"outcome": "nothing-new"',
    "nothing-wrong": '"outcome": "nothing-wrong"',
    "re-look": '"look": 1',
    "source-down": '"gaps": ["linear", "statuspage"]',
    "tie-broken": '"tied": ["one", "two"]',
}
"""What shows that a history is of what its name says."""


def recorded(name: str) -> WorkflowHistory:
    """Read one, as `make histories` wrote it."""
    return WorkflowHistory.from_json(f"acme/desk/{name}", (HISTORIES / f"{name}.json").read_text())


def replayer(workflow: type) -> Replayer:
    """Build one that is as strict as the SDK can be."""
    return Replayer(
        workflows=[workflow],
        workflow_runner=SandboxedWorkflowRunner(restrictions=STRICT),
        plugins=[PLUGIN],
    )


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_workflow_of_a_worker_loads_in_the_sandbox(workflow: type) -> None:
    # Workers run them without it, so this is where code that is not deterministic is refused.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        replayer(workflow)
    assert [str(warning.message) for warning in said] == []


def test_there_is_a_history_of_every_outcome() -> None:
    assert {path.stem for path in HISTORIES.glob("*.json")} == set(SCRIPTS) == set(TELLS)
    said = "".join(readable(recorded(name)) for name in SCRIPTS)
    assert [outcome for outcome in Outcome if f'"outcome": "{outcome.value}"' not in said] == []


@pytest.mark.parametrize("name", TELLS)
async def test_a_recorded_run_replays(name: str) -> None:
    history = recorded(name)
    assert TELLS[name] in readable(history)
    await replayer(InvestigateTicketWorkflow).replay_workflow(history)


async def test_a_changed_workflow_does_not_replay() -> None:
    with pytest.raises(NondeterminismError):
        await replayer(ChangedWorkflow).replay_workflow(recorded("diagnosed"))


@pytest.mark.parametrize("name", TELLS)
def test_a_history_tells_nothing_of_people_and_machines(name: str) -> None:
    said = readable(recorded(name))
    strangers = (
        "Quill",
        "ada@",
        "Errors from your API",
        "429 on",
        "4711 requests",
        platform.node(),
        tempfile.gettempdir(),
        "/home/",
    )
    assert [text for text in strangers if text in said] == []
