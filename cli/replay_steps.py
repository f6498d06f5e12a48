"""What a workflow asks of its server, step by step: as a history has it, and as today's code issues it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import _Definition

_LOCAL = "core_local_activity"
_PATCH = "core_patch"
_CHANGES = "TemporalChangeVersion"
"""A search attribute that the server is sent with each patch, by no command of the workflow's own."""


@dataclass(frozen=True)
class Step:
    """One thing that was, or is, asked of the server. Two steps are the same if kind and name are."""

    kind: str
    """`activity`, `local activity`, `timer`, `patch`, `search attributes`, `end` …"""
    name: str
    summary: str = ""
    event: int = 0
    """Its event in the history; for what the code issues, the last event that the code had seen."""

    def __str__(self) -> str:
        """Say it as people do: `activity fetch_evidence (Linear · known bugs)`."""
        return " ".join(filter(None, (self.kind, self.name, f"({self.summary})" if self.summary else "")))

    def same_as(self, other: "Step") -> bool:
        """Whether the server would take one for the other; summaries may change."""
        return (self.kind, self.name) == (other.kind, other.name)


@dataclass(frozen=True)
class Raw:
    """A step whose summary is not decoded yet."""

    step: Step
    summary: Payload | None

    async def read(self, converter: DataConverter) -> Step:
        """Decode the summary; one that cannot be decoded is left out."""
        if self.summary is None:
            return self.step
        try:
            [said] = await converter.decode([self.summary], [str])
        except Exception:  # noqa: BLE001  # a codec may fail in its own way, and the step can be told without its summary
            return self.step
        return Step(self.step.kind, self.step.name, said, self.step.event)


async def steps_of_history(history: WorkflowHistory, converter: DataConverter) -> tuple[Step, ...]:
    """Return what the run asked for, in its order."""
    found = [raw for event in history.events if (raw := _of_event(event)) is not None]
    return tuple([await raw.read(converter) for raw in found])


class Recorder(WorkflowRunner):
    """Runs workflows in the sandbox, as a worker does, and keeps what they issue."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._runner = SandboxedWorkflowRunner()
        self._issued: list[Raw] = []

    def prepare_workflow(self, defn: _Definition) -> None:
        """See `WorkflowRunner`."""
        self._runner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """See `WorkflowRunner`."""
        self._runner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `WorkflowRunner`. A new instance is a new replay."""
        self._issued = []
        instance = self._runner.create_instance(det)
        activate = instance.activate

        def recorded(act: WorkflowActivation) -> WorkflowActivationCompletion:
            completion = activate(act)
            # Kept at once: the SDK encodes the commands' payloads in place afterwards.
            self._issued += _of_completion(completion, act.history_length)
            return completion

        setattr(instance, "activate", recorded)  # noqa: B010  # mypy takes no assignment to a method
        return instance

    async def issued(self, converter: DataConverter) -> tuple[Step, ...]:
        """Return what the last replay issued, in its order."""
        return tuple([await raw.read(converter) for raw in self._issued])


def _of_completion(completion: WorkflowActivationCompletion, seen: int) -> Iterator[Raw]:
    for command in completion.successful.commands:
        raw = _of_command(command, seen)
        if raw is not None:
            yield raw


_ENDS = {
    "workflow_execution_completed_event_attributes": "completed",
    "workflow_execution_failed_event_attributes": "failed",
    "workflow_execution_canceled_event_attributes": "cancelled",
    "workflow_execution_continued_as_new_event_attributes": "continued as new",
    "complete_workflow_execution": "completed",
    "fail_workflow_execution": "failed",
    "cancel_workflow_execution": "cancelled",
    "continue_as_new_workflow_execution": "continued as new",
}
_CANCELS = {
    "activity_task_cancel_requested_event_attributes": "activity",
    "timer_canceled_event_attributes": "timer",
    "request_cancel_activity": "activity",
    "cancel_timer": "timer",
}
_CHILDREN = {
    "start_child_workflow_execution_initiated_event_attributes": "child workflow",
    "signal_external_workflow_execution_initiated_event_attributes": "signal",
    "start_child_workflow_execution": "child workflow",
    "signal_external_workflow_execution": "signal",
}


def _of_event(event: HistoryEvent) -> Raw | None:
    which = event.WhichOneof("attributes") or ""
    found = _known(which, event)
    if found is None:
        found = _of_event_alone(which, event)
    return None if found is None else Raw(Step(*found, event=event.event_id), _summary(event.user_metadata))


def _of_event_alone(which: str, event: HistoryEvent) -> tuple[str, str] | None:
    if which == "activity_task_scheduled_event_attributes":
        return "activity", event.activity_task_scheduled_event_attributes.activity_type.name
    if which == "timer_started_event_attributes":
        return "timer", _seconds(
            event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
        )
    if which == "upsert_workflow_search_attributes_event_attributes":
        fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        return None if set(fields) == {_CHANGES} else ("search attributes", ", ".join(sorted(fields)))
    if which == "marker_recorded_event_attributes":
        marker = event.marker_recorded_event_attributes
        return _of_marker(marker.marker_name, {name: list(value.payloads) for name, value in marker.details.items()})
    return None


def _of_marker(name: str, details: dict[str, list[Payload]]) -> tuple[str, str] | None:
    if name == _LOCAL:
        return "local activity", str(_json(details.get("data", [])).get("activity_type", ""))
    if name == _PATCH:
        return "patch", str(_json(details.get("patch-data", [])).get("id", ""))
    return None


def _json(payloads: list[Payload]) -> dict[str, object]:
    found = json.loads(payloads[0].data) if payloads else {}
    return found if isinstance(found, dict) else {}


def _of_command(command: WorkflowCommand, seen: int) -> Raw | None:
    which = command.WhichOneof("variant") or ""
    found = _known(which, command)
    if found is None:
        found = _of_command_alone(which, command)
    return None if found is None else Raw(Step(*found, event=seen), _summary(command.user_metadata))


def _of_command_alone(which: str, command: WorkflowCommand) -> tuple[str, str] | None:
    if which == "schedule_activity":
        return "activity", command.schedule_activity.activity_type
    if which == "schedule_local_activity":
        return "local activity", command.schedule_local_activity.activity_type
    if which == "start_timer":
        return "timer", _seconds(command.start_timer.start_to_fire_timeout.ToTimedelta().total_seconds())
    if which == "set_patch_marker":
        return "patch", command.set_patch_marker.patch_id
    if which == "upsert_workflow_search_attributes":
        fields = command.upsert_workflow_search_attributes.search_attributes.indexed_fields
        return "search attributes", ", ".join(sorted(fields))
    return None


M = TypeVar("M", bound=Message)


def _known(which: str, message: M) -> tuple[str, str] | None:
    """Return the kinds that a history and a command name alike."""
    if which in _ENDS:
        return "end", _ENDS[which]
    if which in _CANCELS:
        return "cancel", _CANCELS[which]
    if which in _CHILDREN:
        part = getattr(message, which)
        name = getattr(part, "signal_name", "") or getattr(getattr(part, "workflow_type", ""), "name", "")
        return _CHILDREN[which], name or str(getattr(part, "workflow_type", ""))
    return None


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _summary(metadata: UserMetadata) -> Payload | None:
    return metadata.summary if metadata.HasField("summary") else None
