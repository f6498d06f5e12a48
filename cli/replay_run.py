"""Replays histories on today's code: writes nothing, asks nobody, and says where code and history part."""

import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import ParseError
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from cli.connection import NoServer
from cli.errors import UsageProblem
from cli.replay_steps import Recorder, Step, steps_of_history
from models.base import Frozen
from payloads.plugin import readable_failures
from workflows.registered import WORKFLOWS

_AROUND = 2
"""Steps before the difference that are shown: where one is."""
_CORE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')
_TYPE = re.compile(r'r#type: "(\w+)"')
_FRAME = re.compile(r'File \\"([^"\\]+)\\", line (\d+), in (\w+)')
_WRAPPED = 'Failure { failure: Some(Failure { message: "'


class Told(Frozen):
    """One step for people."""

    event: int
    step: str


class Replayed(Frozen):
    """What became of one history."""

    workflow: str
    run: str = ""
    events: int
    deterministic: bool
    open: bool = False
    """Whether the history has no end yet."""
    agreed: tuple[Told, ...] = ()
    """The last steps in which code and history agree."""
    recorded: Told | None = None
    """What the history has next; None: nothing."""
    issued: Told | None = None
    """What the code issues there; None: nothing, it waits or has stopped."""
    said: str = ""
    """What the SDK says of it."""


def replayer(converter: DataConverter, recorder: Recorder, workflows: Sequence[type] = WORKFLOWS) -> Replayer:
    """Build a replayer that is quiet: what it would log is in its answer."""
    quiet = TelemetryConfig(logging=LoggingConfig(TelemetryFilter(core_level="OFF", other_level="OFF")))
    return Replayer(
        workflows=workflows,
        workflow_runner=recorder,
        data_converter=readable_failures(converter),
        runtime=Runtime(telemetry=quiet),
    )


class Histories:
    """Replays one after another on the same code."""

    def __init__(self, converter: DataConverter, workflows: Sequence[type] = WORKFLOWS) -> None:
        """Take the converter that the histories were written with."""
        self._converter = converter
        self._recorder = Recorder()
        self._replayer = replayer(converter, self._recorder, workflows)
        self._known = {getattr(one, "__temporal_workflow_definition").name for one in workflows}

    async def replay(self, history: WorkflowHistory) -> Replayed:
        """Replay one history."""
        started = history.events[0].workflow_execution_started_event_attributes
        last = history.events[-1].WhichOneof("attributes") or ""
        told = Replayed(
            workflow=history.workflow_id,
            run=started.original_execution_run_id if not history.run_id else history.run_id,
            events=len(history.events),
            deterministic=True,
            open=not _ENDED.search(last),
        )
        kind = started.workflow_type.name
        if kind not in self._known:
            return told.model_copy(update={"deterministic": False, "said": f"today's code has no workflow {kind!r}"})
        with _quietly():
            result = await self._replayer.replay_workflow(history, raise_on_replay_failure=False)
        if result.replay_failure is None:
            return told
        recorded = await steps_of_history(history, self._converter)
        issued = await self._recorder.issued(self._converter)
        parted = _difference(recorded, issued) if isinstance(result.replay_failure, NondeterminismError) else {}
        return told.model_copy(update={"deterministic": False, "said": _said(result.replay_failure), **parted})


_ENDED = re.compile(r"workflow_execution_(completed|failed|canceled|terminated|timed_out|continued_as_new)")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the SDK from logging a failure that is told anyway."""
    logger = logging.getLogger("temporalio.worker")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _difference(recorded: Sequence[Step], issued: Sequence[Step]) -> dict[str, object]:
    """Find the first step in which they part."""
    same = 0
    for then, now in zip(recorded, issued, strict=False):
        if not then.same_as(now):
            break
        same += 1
    found: dict[str, object] = {"agreed": tuple(_told(step) for step in recorded[max(0, same - _AROUND) : same])}
    found["recorded"] = _told(recorded[same]) if same < len(recorded) else None
    found["issued"] = _told(issued[same]) if same < len(issued) else None
    return found


def _told(step: Step) -> Told:
    return Told(event=step.event, step=str(step))


def _said(failure: BaseException) -> str:
    """Return the one sentence of the SDK that says something, without the structures around it."""
    text = str(failure)
    found = [one for one in _CORE.findall(text) if one] if _WRAPPED in text else []
    if not found:
        return text.partition("\n")[0]
    kind, frames = _TYPE.findall(text), _FRAME.findall(text)
    if not kind or not frames:
        return str(found[0])
    path, line, function = frames[-1]
    return f"the code itself fails: {kind[0]}: {found[0]}, in {function} ({Path(path).name}, line {line})"


def read_file(path: Path) -> WorkflowHistory:
    """Read a history as `temporal workflow show --output json` or the Temporal UI writes it.

    Raises:
        UsageProblem: it is none.
    """
    try:
        history = WorkflowHistory.from_json(path.stem, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (ValueError, ParseError, AttributeError, KeyError, TypeError) as error:
        raise UsageProblem(_no_history(path, type(error).__name__)) from error
    if not history.events or not history.events[0].HasField("workflow_execution_started_event_attributes"):
        raise UsageProblem(_no_history(path, "no first event"))
    return history


def _no_history(path: Path, why: str) -> str:
    return (
        f"{str(path)!r} is no workflow history ({why}); write one with "
        "`temporal workflow show --workflow-id ID --output json`"
    )


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are meant; of a folder, the JSON files in it.

    Raises:
        UsageProblem: one is not there, or a folder has none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"there is no {str(path)!r}")
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise UsageProblem(f"the folder {str(path)!r} has no *.json")
        found += inside
    return found


@dataclass(frozen=True)
class Run:
    """A run on the server."""

    workflow: str
    run: str


async def runs_of(client: Client, workflow: str) -> list[Run]:
    """Return the runs of one workflow that the server still has, the newest first.

    Raises:
        UsageProblem: it has none.
    """
    found = []
    with suppress(RPCError):
        # The list lags behind by a moment; the newest run is asked for by itself.
        found = [Run(workflow, (await client.get_workflow_handle(workflow).describe()).run_id)]
    found += [one async for one in _listed(client, f"WorkflowId = '{_quoted(workflow)}'") if one not in found]
    if not found:
        raise UsageProblem(
            f"the Temporal server has no run of {workflow!r}: it keeps closed runs only for its retention. "
            "Replay an exported history with --file"
        )
    return found


async def runs_of_all(client: Client, closed: int) -> list[Run]:
    """Return all open runs, and that many of the newest closed ones."""
    kinds = " OR ".join(f"WorkflowType = '{kind.__name__}'" for kind in WORKFLOWS)
    found = [one async for one in _listed(client, f"({kinds}) AND ExecutionStatus = 'Running'")]
    if closed:
        query = f"({kinds}) AND ExecutionStatus != 'Running'"
        found += [one async for one in _listed(client, query, closed)]
    return found


async def _listed(client: Client, query: str, limit: int | None = None) -> AsyncIterator[Run]:
    try:
        async for run in client.list_workflows(query, limit=limit):
            yield Run(run.id, run.run_id)
    except RPCError as error:
        raise NoServer(f"the Temporal server does not list its runs: {error.message}") from error


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


async def fetch(client: Client, run: Run) -> WorkflowHistory | None:
    """Return a run's history; None where the server no longer has it."""
    try:
        return await client.get_workflow_handle(run.workflow, run_id=run.run).fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise NoServer(f"the Temporal server does not give the history of {run.workflow!r}: {error.message}") from error
