"""`make histories`: records one workflow history per outcome on a real server, for the replay tests."""

import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue
from temporalio.client import Client, WorkflowHistory

from cli.dev_server import free_port, start_dev_server
from cli.processes import ROOT, Household
from connectors.base import WriteRefused
from helpdesks.base import HelpdeskDenied
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.playbook import AppliesWhen
from models.tenant import ModelConfig
from models.ticket import Rerun, TicketRef, Trigger, TriggerKind
from models.vocabulary import Outcome, Source
from reasoning.providers.base import CLASSIFIER
from tests.anthropic_server import says
from tests.fakes import ScriptedConnector
from tests.histories import readable, unsealed
from tests.master_keys import KEYRING, PLUGIN
from tests.reasoning.case import fact_is, row_shows
from tests.workflows.house import (
    TENANT,
    House,
    an_incident,
    billing,
    failing_requests,
    healthy_requests,
    no_incident,
    open_ledger,
    probe_playbook,
)
from tests.workflows.vendor import vendor
from workflows import naming

HISTORIES = Path(__file__).parent / "workflows" / "histories"
IDENTITY = "recorder"
"""Stands in every history in place of a process id and a host name."""
MODEL = "claude-haiku-5-5"
GOOD = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="incident",
    claims=(fact_is("failed", "40", "E3"), row_shows("E4", name="Elevated errors")),
    next_step="point-at-incident",
)
_PATIENCE = 60.0
_WRONG = GOOD.model_copy(update={"claims": (fact_is("failed", "4711", "E3"), *GOOD.claims[1:])})


@dataclass(frozen=True)
class Recorder:
    """Where runs are recorded."""

    client: Client
    ledger: SqlLedger

    def house(self, *connectors: ScriptedConnector) -> House:
        """Build a house over the shared ledger."""
        return House(self.client, self.ledger, *connectors)

    async def run(self, house: House, ref: TicketRef) -> TicketRef:
        """Investigate one ticket and return it."""
        async with house.worker():
            await house.investigate(ref)
        return ref


async def diagnosed(recorder: Recorder) -> TicketRef:
    """An incident of ours, with a follow-up."""
    house = recorder.house(failing_requests(), an_incident(), billing(), ScriptedConnector(Source.LINEAR, {}))
    return await recorder.run(house, house.open_ticket())


async def inconclusive(recorder: Recorder) -> TicketRef:
    """Requests fail, and nothing explains it."""
    house = recorder.house(failing_requests(), no_incident(), billing())
    return await recorder.run(house, house.open_ticket())


async def needs_info(recorder: Recorder) -> TicketRef:
    """Nobody knows whose ticket it is."""
    house = recorder.house(failing_requests(), no_incident())
    return await recorder.run(house, house.open_ticket("It does not work.", organization=None))


async def nothing_wrong(recorder: Recorder) -> TicketRef:
    """All is well."""
    house = recorder.house(healthy_requests(), no_incident(), billing())
    return await recorder.run(house, house.open_ticket())


async def nothing_new(recorder: Recorder) -> TicketRef:
    """A thank-you, after a diagnosis in a run of its own."""
    house = recorder.house(failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        house.helpdesk.say(ref.ticket, "Thanks for looking into it!")
        await (await house.deliver(ref, "d2", TriggerKind.MESSAGE)).result()
    return ref


async def failed(recorder: Recorder) -> TicketRef:
    """The helpdesk refuses our key."""
    house = recorder.house(failing_requests(), an_incident())
    house.helpdesk.failures = [HelpdeskDenied("the key was refused")]
    return await recorder.run(house, house.open_ticket())


async def source_down(recorder: Recorder) -> TicketRef:
    """A query is refused for good by our own guard, which the workflow turns into a gap."""
    down = ScriptedConnector(Source.STATUSPAGE, {"list_incidents": WriteRefused("stopped before it was sent")})
    house = recorder.house(failing_requests(), down, billing())
    return await recorder.run(house, house.open_ticket())


async def re_look(recorder: Recorder) -> TicketRef:
    """The requester writes while we look; the same delivery comes twice."""
    house = recorder.house(failing_requests(), an_incident(), billing())
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await incidents.was_asked.wait()
        house.helpdesk.say(ref.ticket, "Also 500 on /v1/export, request req_77aa88bb99cc.")
        for _ in range(2):
            await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        incidents.hold.set()
        await handle.result()
    return ref


async def diagnosed_by_model(recorder: Recorder) -> TicketRef:
    """A model answers, and mends what did not stand."""
    tenant = TENANT.model_copy(update={"models": [ModelConfig(model=MODEL, api_key="env:NONE")]})
    async with vendor([says(_WRONG), says(GOOD)], {MODEL: MODEL}) as (_, models):
        house = House(
            recorder.client,
            recorder.ledger,
            failing_requests(),
            an_incident(),
            billing(),
            tenant=tenant,
            models=models,
        )
        return await recorder.run(house, house.open_ticket())


async def tie_broken(recorder: Recorder) -> TicketRef:
    """A fast model chooses between two playbooks; the rules diagnose."""
    tenant = TENANT.model_copy(update={"classifier": ModelConfig(model=MODEL, api_key="env:NONE")})
    probe = probe_playbook()
    playbooks = [
        probe.model_copy(update={"id": name, "applies_when": AppliesWhen(terms={"search": 3})})
        for name in ("one", "two")
    ]
    async with vendor([says('{"id": "two"}')], {CLASSIFIER: MODEL}) as (_, models):
        house = House(
            recorder.client,
            recorder.ledger,
            failing_requests(),
            an_incident(),
            billing(),
            tenant=tenant,
            models=models,
            playbooks=playbooks,
        )
        return await recorder.run(house, house.open_ticket())


async def looked_back(recorder: Recorder) -> TicketRef:
    """The kept evidence of a diagnosis, once more, under the playbook's next version."""
    house = recorder.house(failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        digest = await house.ledger.put_body(ref.tenant, probe_playbook().model_copy(update={"version": 2}))
        again = Trigger(
            delivery="again",
            kind=TriggerKind.REINVESTIGATE,
            received_at=datetime.now(UTC),
            rerun=Rerun(revision=1, playbook=digest),
        )
        await (await house.deliver(ref, trigger=again)).result()
    return ref


SCRIPTS: dict[str, Callable[[Recorder], Coroutine[None, None, TicketRef]]] = {
    "diagnosed": diagnosed,
    "diagnosed-by-model": diagnosed_by_model,
    "failed": failed,
    "inconclusive": inconclusive,
    "looked-back": looked_back,
    "needs-info": needs_info,
    "nothing-new": nothing_new,
    "nothing-wrong": nothing_wrong,
    "re-look": re_look,
    "source-down": source_down,
    "tie-broken": tie_broken,
}


def without_stacks(value: JsonValue) -> JsonValue:
    """Drop the stack traces of failures: they hold paths of this machine, and replay does not read them."""
    if isinstance(value, dict):
        return {name: without_stacks(item) for name, item in value.items() if name != "stackTrace"}
    if isinstance(value, list):
        return [without_stacks(item) for item in value]
    return value


def machine() -> Iterator[str]:
    """Return what would tell of the machine that recorded."""
    yield from (platform.node(), str(ROOT), str(Path.home()), tempfile.gettempdir(), f"{os.getpid()}@")


async def record(folder: Path, names: Sequence[str]) -> list[Path]:
    """Record those; returns the files.

    Raises:
        ValueError: a history tells of this machine.
    """
    written = []
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="histories-")))
        household = await stack.enter_async_context(Household(scratch))
        environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(scratch)}
        server = await start_dev_server(household, environ, scratch / "temporal.db", free_port(), free_port())
        client = await Client.connect(server.address, plugins=[PLUGIN], identity=IDENTITY)
        for name in names:
            # A ledger each: they all deliver under the same ids.
            own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledger-")))
            async with await open_ledger(own) as ledger:
                ref = await asyncio.wait_for(SCRIPTS[name](Recorder(client, ledger)), _PATIENCE)
            history = await client.get_workflow_handle(naming.workflow_id(ref)).fetch_history()
            kept = json.dumps(without_stacks(json.loads(unsealed(history, KEYRING).to_json())), indent=1)
            said = readable(WorkflowHistory.from_json(history.workflow_id, kept))
            if told := [text for text in machine() if text in said]:
                raise ValueError(f"{name}: the history holds {told!r}, which is this machine's")
            path = folder / f"{name}.json"
            path.write_text(kept + "\n")
            written.append(path)
    return written


def main() -> None:
    """Record into the folder of the replay tests what is not there yet, or what is named.

    What was recorded before a change of the workflow is worth more than what is recorded after it: it must go on replaying.
    """
    HISTORIES.mkdir(exist_ok=True)
    names = sys.argv[1:] or [name for name in SCRIPTS if not (HISTORIES / f"{name}.json").exists()]
    for path in asyncio.run(record(HISTORIES, names)):
        print(path.relative_to(ROOT))  # noqa: T201  # the one line that says what was written


if __name__ == "__main__":
    main()
