"""The plugin on a real server: what it keeps of a run tells nothing, and whoever has the keys reads all of it."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory
from temporalio.common import RetryPolicy, SearchAttributePair, TypedSearchAttributes
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import GrpcCompression
from temporalio.worker import Replayer, Worker

from keys.keyring import Keyring
from payloads.plugin import PayloadsPlugin
from tests.histories import readable, unsealed
from tests.master_keys import KEYRING
from workflows import naming

SECRET = "Quill from Billing"
ROOT = Path(__file__).parents[2]


@activity.defn
async def fail(text: str) -> str:
    """Fail as a far end does that quotes what it was sent."""
    activity.heartbeat(f"beat {text}")
    raise ApplicationError(f"message {text}", f"details {text}", type="VendorDown", non_retryable=True)


@activity.defn
async def echo(text: str) -> str:
    """Answer what was asked."""
    return f"answer {text}"


@workflow.defn(sandboxed=False)
class Telling:
    """Puts the text wherever a workflow can put one."""

    @workflow.run
    async def run(self, text: str) -> str:
        """Ask both activities, wait with a summary, and end with the failure."""
        workflow.set_current_details(f"current {text}")
        await workflow.sleep(0.01, summary=f"timer {text}")
        await workflow.execute_activity(
            echo, text, start_to_close_timeout=timedelta(seconds=10), summary=f"summary {text}"
        )
        await workflow.execute_local_activity(echo, f"local {text}", start_to_close_timeout=timedelta(seconds=10))
        workflow.upsert_memo({"more": f"memo {text}"})
        return await workflow.execute_activity(
            fail, text, start_to_close_timeout=timedelta(seconds=10), retry_policy=RetryPolicy(maximum_attempts=1)
        )

    @workflow.signal
    async def told(self, text: str) -> None:
        """Hear it."""

    @workflow.update
    async def asked(self, text: str) -> str:
        """Hear it and answer."""
        return f"update {text}"


@asynccontextmanager
async def running(client: Client) -> AsyncIterator[str]:
    """Work on a queue of one's own with a client's own plugin."""
    queue = str(uuid.uuid4())
    async with Worker(client, task_queue=queue, workflows=[Telling], activities=[echo, fail]):
        yield queue


async def tell(client: Client) -> WorkflowHistory:
    """Let one run put the text everywhere; return what the server holds of it."""
    async with running(client) as queue:
        handle = await client.start_workflow(
            Telling.run,
            SECRET,
            id=f"acme/desk/{uuid.uuid4()}",
            task_queue=queue,
            memo={"note": f"memo {SECRET}"},
            static_summary=f"static {SECRET}",
            static_details=f"static {SECRET}",
            start_signal="told",
            start_signal_args=[SECRET],
            search_attributes=TypedSearchAttributes([SearchAttributePair(naming.TENANT, "acme")]),
        )
        assert await handle.execute_update(Telling.asked, SECRET) == f"update {SECRET}"
        with pytest.raises(WorkflowFailureError) as raised:
            await handle.result()
        assert isinstance(raised.value.cause, ActivityError)
        cause = raised.value.cause.cause
        assert isinstance(cause, ApplicationError)
        assert (cause.message, cause.details, cause.type) == (f"message {SECRET}", (f"details {SECRET}",), "VendorDown")
        described = await handle.describe()
        assert await described.static_summary() == f"static {SECRET}"
        assert (await described.memo())["more"] == f"memo {SECRET}"
        return await handle.fetch_history()


async def test_nothing_that_a_run_is_told_can_be_read_on_the_server(temporal: Client, temporal_address: str) -> None:
    plain = await tell(await Client.connect(temporal_address, data_converter=pydantic_data_converter))
    sealed = await tell(temporal)
    assert readable(plain).count(SECRET) > 15, "the search finds what is there"
    assert SECRET not in readable(sealed)
    raw = b"".join(event.SerializeToString() for event in sealed.events)
    assert SECRET.encode() not in raw
    assert b"acme" in raw, "ids and search attributes stay readable"
    assert "Traceback" not in readable(sealed)
    assert __file__ not in readable(sealed), "a stack trace is sealed as well"
    opened = readable(unsealed(sealed, KEYRING))
    assert {text for text in readable(plain).splitlines() if SECRET in text} <= set(opened.splitlines())


@pytest.mark.parametrize(
    ("keyring", "replays"),
    [
        (KEYRING, True),
        (Keyring((*Keyring.generate("next").keys, *KEYRING.keys)), True),
        (Keyring.generate("another"), False),
    ],
    ids=["same", "rotated", "another"],
)
async def test_a_replayer_needs_the_keys_that_the_run_was_written_with(
    keyring: Keyring, replays: bool, temporal: Client
) -> None:
    replayer = Replayer(workflows=[Telling], plugins=[PayloadsPlugin(keyring)])
    replayed = replayer.replay_workflow(await tell(temporal), raise_on_replay_failure=True)
    if replays:
        await replayed
    else:
        with pytest.raises(Exception, match="no key 'tests' in the keyring, which holds another"):
            await replayed


async def test_a_worker_without_the_key_loses_no_run(temporal: Client, temporal_address: str) -> None:
    """Its tasks fail and are tried again, until a worker that has the key is there."""
    keyless = await Client.connect(temporal_address, plugins=[PayloadsPlugin(Keyring.generate("another"))])
    async with running(keyless) as queue:
        handle = await temporal.start_workflow(Telling.run, SECRET, id=f"acme/desk/{uuid.uuid4()}", task_queue=queue)
        async with asyncio.timeout(30):
            while EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in await kinds(handle):  # noqa: ASYNC110  # a server's
                await asyncio.sleep(0.05)
    async with Worker(temporal, task_queue=queue, workflows=[Telling], activities=[echo, fail]):
        with pytest.raises(WorkflowFailureError) as raised:
            await asyncio.wait_for(handle.result(), 60)
    assert isinstance(raised.value.cause, ActivityError), "it ended as it would have, later"


async def kinds(handle: WorkflowHandle[Telling, str]) -> list[int]:
    """Return what has happened so far."""
    return [event.event_type for event in (await handle.fetch_history()).events]


async def test_what_is_sealed_is_not_compressed_as_well() -> None:
    client = await Client.connect("127.0.0.1:1", lazy=True, plugins=[PayloadsPlugin(KEYRING)])
    assert client.service_client.config.grpc_compression is GrpcCompression.NONE


def test_every_client_of_the_product_has_it() -> None:
    """One without it would write in clear; the local server's first caller reads and writes no payload."""
    made = re.compile(r"Client\.connect\(|pydantic_data_converter")
    product = [path for name in ("cli", "gateway", "workflows", "activities") for path in (ROOT / name).glob("**/*.py")]
    found = {str(path.relative_to(ROOT)) for path in (*product, ROOT / "worker.py") if made.search(path.read_text())}
    assert found == {"cli/connection.py", "gateway/starter.py", "cli/dev_server.py"}
    assert "plugins=[PayloadsPlugin(keyring)]" in (ROOT / "gateway/starter.py").read_text()
