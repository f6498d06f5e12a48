"""What reaches standard output: valid lines, with their ids, and nothing that belongs to a person."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from metrics import REGISTRY, record_circuit, record_result, record_step
from models.evidence import EvidenceRef
from models.run import Drafted, Published, Verified
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity, Source
from telemetry import ActivityTelemetry, free_address, make_runtime, serve_metrics

ROOT = Path(__file__).parents[1]
SERVER_BANNER = re.compile(r"Temporal (CLI|Server|Persistence|Metrics|UI)\b|$")
LEAKS = ("jane", "hunter2", "4242", "sk_live", "4155")


def lines_of(script: str, code: int = 0) -> list[dict[str, object]]:
    """Run a script in a process of its own; nothing may come out but lines of JSON without the leaks."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    for leak in LEAKS:
        assert leak not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines() if not SERVER_BANNER.match(line)]


def test_lines_of_all_origins_are_one_scrubbed_stream() -> None:
    script = """
import logging, warnings
import structlog
from telemetry import bind, configure_logging

configure_logging()
bind(tenant="acme", ticket="361234567890", investigation="inv-a", workflow_id="acme/zendesk/361234567890")
structlog.get_logger("connectors.stripe").warning("no customer", email="jane@example.com", rows=3)
logging.getLogger("some.library").error("call %s failed: Bearer hunter2hunter2", "https://x.example.com/?email=jane@example.com")
try:
    raise ValueError("jane@example.com paid with 4242 4242 4242 4242 and api_key=sk_live_hunter2hunter2, call +1 415 555 2671")
except ValueError:
    logging.getLogger("some.library").exception("failed")
    structlog.get_logger().exception("failed too", deep={"jane@example.com": ["sk_live_hunter2hunter2", 4242424242424242]})
warnings.warn("do not mail jane@example.com")
logging.getLogger("some.library").info("with an extra", extra={"customer": "jane@example.com", "count": 2})
class Odd:
    def __repr__(self):
        return "Odd(jane@example.com)"
structlog.get_logger().info("odd", value=Odd())
logging.getLogger("httpx").info("GET https://x.example.com/?email=jane@example.com")
logging.getLogger("x").debug("below the level")
"""
    lines = lines_of(script)
    assert [line["level"] for line in lines] == ["warning", "error", "error", "error", "warning", "info", "info"]
    for line in lines:
        assert (line["tenant"], line["ticket"], line["investigation"]) == ("acme", "361234567890", "inv-a")
        assert line["workflow_id"] == "acme/zendesk/361234567890"
        assert str(line["timestamp"]).endswith("Z")
    assert (lines[0]["email"], lines[0]["rows"], lines[0]["logger"]) == ("<email>", 3, "connectors.stripe")
    assert "ValueError: <email> paid with <number>" in str(lines[2]["exception"])
    assert "Traceback" in str(lines[3]["exception"])
    assert (lines[5]["customer"], lines[5]["count"]) == ("<email>", 2)


def test_line_that_cannot_be_formatted_does_not_print_its_arguments() -> None:
    script = """
import logging
import structlog
from telemetry import configure_logging

configure_logging()
class Broken:
    def __repr__(self):
        raise RuntimeError("jane@example.com")
logging.getLogger("some.library").warning("%d tickets", "jane@example.com")
structlog.get_logger().warning("odd", value=Broken())
structlog.get_logger().warning("%d tickets", "jane@example.com")
logging.getLogger("after").warning("still here")
"""
    lines = lines_of(script)
    assert lines[-1]["event"] == "still here"
    assert lines[0]["event"] == "a log line could not be written"
    assert lines[0]["problem"] == "TypeError"


@pytest.mark.parametrize("where", ["main", "thread", "loop"])
def test_uncaught_error_ends_as_a_line(where: str) -> None:
    script = f"""
import asyncio, gc, threading
from telemetry import configure_logging

configure_logging()
def fail():
    raise RuntimeError("jane@example.com has password=hunter2")
async def lose():
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.sleep(0.1)
    del task
    gc.collect()
{{"main": fail, "thread": lambda: threading.Thread(target=fail).start(), "loop": lambda: asyncio.run(lose())}}["{where}"]()
"""
    (line,) = lines_of(script, code=1 if where == "main" else 0)
    assert "RuntimeError: <email> has password=<key>" in str(line["exception"])


def test_console_format_is_scrubbed_too() -> None:
    script = """
import logging
from telemetry import configure_logging
configure_logging(format="console")
logging.getLogger("x").warning("mail to jane@example.com")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "mail to <email>" in done.stdout
    assert "{" not in done.stdout


def test_temporal_records_become_ids() -> None:
    script = """
import asyncio, logging
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from telemetry import configure_logging

configure_logging()
@activity.defn
async def fetch() -> None:
    activity.logger.info("fetching", extra={"rows": 3})
asyncio.run(ActivityEnvironment().run(fetch))
extra = {"temporal_workflow": {"workflow_id": "a/z/1", "run_id": "r", "workflow_type": "W", "attempt": 2}}
logging.getLogger("temporalio.workflow").info("deciding", extra=extra)
"""
    activity, workflow = lines_of(script)
    assert activity["event"] == "fetching"
    assert (activity["activity"], activity["workflow_id"], activity["rows"]) == ("unknown", "test", 3)
    assert "temporal_activity" not in activity
    assert (workflow["workflow"], workflow["run_id"], workflow["attempt"]) == ("W", "r", 2)


def test_core_warnings_come_into_the_stream_without_the_failure_they_hold() -> None:
    temporal = shutil.which("temporal", path=str(Path(sys.executable).parent))
    if temporal is None:
        pytest.fail("no `temporal` beside python: run `make test`, which installs it")
    script = f"""
import asyncio
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from telemetry import configure_logging, make_runtime

configure_logging()

@workflow.defn(sandboxed=False)
class Stumble:
    @workflow.run
    async def run(self) -> None:
        raise ValueError("jane@example.com has password=hunter2")

async def main():
    starting = WorkflowEnvironment.start_local(
        dev_server_existing_path={temporal!r}, dev_server_log_level="never", runtime=make_runtime()
    )
    async with await starting as environment:
        async with Worker(environment.client, task_queue="q", workflows=[Stumble]):
            handle = await environment.client.start_workflow(Stumble.run, id="acme/zendesk/1", task_queue="q")
            await asyncio.sleep(1)
            await handle.terminate()

asyncio.run(main())
"""
    lines = lines_of(script)
    (core,) = {line["event"]: line for line in lines if line["logger"] == "temporalio.core"}.values()
    assert core["event"] == "Failing workflow task"
    assert set(core) == {"event", "level", "logger", "timestamp", "run_id"}
    failed = next(line for line in lines if "Failed activation" in str(line["event"]))
    assert failed["workflow_id"] == "acme/zendesk/1"
    assert "ValueError: <email> has password=<key>" in str(failed["exception"])


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_results_are_counted_by_their_type() -> None:
    ref = EvidenceRef(id="E1", query="q", source=Source.LINEAR, status=EvidenceStatus.EMPTY, digest="d")
    verified = Verified(
        diagnosis="d",
        outcome=Outcome.DIAGNOSED,
        cause=CauseClass.UNKNOWN,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        kept=3,
        dropped=2,
    )
    drafted = Drafted(draft="d", reasoner="a-model", usd=0.25, input_tokens=100, output_tokens=7)
    names = (
        ("whydesk_evidence_total", {"connector": "linear", "status": "empty"}),
        ("whydesk_claims_total", {"result": "dropped"}),
        ("whydesk_notes_total", {"status": "posted"}),
        ("whydesk_model_usd_total", {"model": "a-model"}),
        ("whydesk_model_tokens_total", {"model": "a-model", "direction": "output"}),
    )
    before = [value(name, **labels) for name, labels in names]
    for result in (ref, verified, Published(status="posted"), drafted, "anything", None):
        record_result(result)
    after = [value(name, **labels) for name, labels in names]
    assert [one - other for one, other in zip(after, before, strict=True)] == [1, 2, 1, 0.25, 7]


@pytest.mark.parametrize("result", ["done", "failed"])
async def test_activity_is_timed_counted_and_bound(result: str) -> None:
    class Inner(ActivityInboundInterceptor):
        def __init__(self) -> None:
            pass

        async def execute_activity(self, input: ExecuteActivityInput) -> object:
            if result == "failed":
                raise ValueError("no")
            return Published(status="shadow")

    async def run() -> object:
        timed = ActivityTelemetry().intercept_activity(Inner())
        return await timed.execute_activity(ExecuteActivityInput(fn=run, args=[], executor=None, headers={}))

    steps, notes = (
        value("whydesk_step_seconds_count", step="unknown", result=result),
        value("whydesk_notes_total", status="shadow"),
    )
    outcome = await asyncio.gather(ActivityEnvironment().run(run), return_exceptions=True)
    assert isinstance(outcome[0], ValueError if result == "failed" else Published)
    assert value("whydesk_step_seconds_count", step="unknown", result=result) == steps + 1
    assert value("whydesk_notes_total", status="shadow") == notes + (result == "done")


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # the caller's own, on loopback
        return str(answer.read().decode())


def test_metrics_of_the_process_and_of_temporal_are_served_on_one_port() -> None:
    address = free_address()
    runtime = make_runtime(address)
    assert isinstance(runtime, Runtime)
    runtime.metric_meter.create_counter("sdk_side", "x").add(1)
    record_step("read_ticket", 0.2, "done")
    server = serve_metrics(0, runtime_address=address)
    try:
        text = get(f"http://127.0.0.1:{server.port}/metrics")
        assert 'whydesk_step_seconds_bucket{le="0.25",result="done",step="read_ticket"}' in text
        assert "sdk_side" in text
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"http://127.0.0.1:{server.port}/")
    finally:
        server.close()


def test_metrics_are_served_while_temporals_are_not() -> None:
    server = serve_metrics(0, runtime_address=free_address())
    try:
        assert "whydesk_notes" in get(f"http://127.0.0.1:{server.port}/metrics")
    finally:
        server.close()


async def test_runtime_is_one_that_a_client_takes() -> None:
    client = await Client.connect(free_address(), lazy=True, runtime=make_runtime())
    assert client.namespace == "default"


def test_an_open_circuit_is_a_gauge_until_it_closes() -> None:
    labels = {"tenant": "acme", "connector": "statuspage"}
    record_circuit("acme", "statuspage", is_open=True)
    assert REGISTRY.get_sample_value("whydesk_circuit_open", labels) == 1
    record_circuit("acme", "statuspage", is_open=False)
    assert REGISTRY.get_sample_value("whydesk_circuit_open", labels) == 0
