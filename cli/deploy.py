"""`whydesk deploy`: which build of the workers new runs go to, over Temporal's Worker Deployment Versioning."""

import asyncio
import time
from typing import Annotated

import typer
from rich.table import Column, Table
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.connection import connect, load_settings
from cli.errors import UsageProblem
from cli.operator import operator
from cli.playbook_shelf import AsJson
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.audit import last_entry
from models.base import Frozen
from workflows import naming

app = typer.Typer(
    help="Worker versions in production: promote a build, roll it back, see what drains.", no_args_is_help=True
)

_PROMOTED, _ROLLED_BACK = "worker.promote", "worker.rollback"
_Wait = Annotated[float, typer.Option(help="Seconds to wait for the first worker of the build to ask for work.", min=0)]


class Build(Frozen):
    """One version of the workers."""

    build_id: str
    status: str
    """`current`, `draining` while runs are pinned to it, `drained`, `inactive` where none ever went to it."""
    open_runs: int


class Deployment(Frozen):
    """What `whydesk deploy status --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    current: str
    """Build that new runs go to; empty where nothing was promoted yet."""
    builds: tuple[Build, ...]


@app.command("promote")
def promote(
    build: Annotated[str, typer.Argument(metavar="BUILD", help="The BUILD_ID that its workers run with.")],
    wait: _Wait = 30.0,
) -> None:
    """Let new runs go to this build. Open runs stay on the build that they began on: keep its workers until they drain."""
    print(asyncio.run(_promote(build, wait)))


@app.command("rollback")
def rollback() -> None:
    """Let new runs go to the build that was current before the one that is."""
    print(asyncio.run(_roll_back()))


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Show every build, and how many open runs are pinned to it: workers of a drained one may be stopped."""
    found = asyncio.run(_status())
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    table = Table(Column("build", no_wrap=True), Column("status"), Column("open runs", justify="right"), box=None)
    for one in found.builds:
        table.add_row(one.build_id, one.status, str(one.open_runs))
    wide_enough().print(table)
    if not found.current:
        print("no build is current: new runs wait until one is, see `whydesk deploy promote BUILD`")


async def _promote(build: str, wait: float) -> str:
    settings = load_settings()
    async with await open_recorded(settings) as ledger:
        began = time.monotonic()
        before = await make_build_current(await connect(settings), build, wait)
        took = time.monotonic() - began
        if before == build:
            return f"{build} is current already; nothing was changed"
        await ledger.append_audit(operator(), _PROMOTED, f"worker/{build}", {"before": before})
    back = f"; before it was {before}, keep its workers until `whydesk deploy status` says drained" if before else ""
    return f"new runs go to {build} (took {took:.1f} s){back}"


async def _roll_back() -> str:
    settings = load_settings()
    async with await open_recorded(settings) as ledger:
        began = time.monotonic()
        client = await connect(settings)
        now = (await describe(client)).current
        entry = await last_entry(ledger.database, (_PROMOTED, _ROLLED_BACK), f"worker/{now}") if now else None
        before = str(entry.detail.get("before") or "") if entry is not None else ""
        if not before:
            raise UsageProblem(
                f"nobody knows what was current before {now or 'anything'!r}: `whydesk deploy status` lists the builds, "
                "and `whydesk deploy promote BUILD` chooses one"
            )
        await make_build_current(client, before, 5.0)
        took = time.monotonic() - began
        # What leads on from here is the build that was left, so that a second rollback goes forward again.
        await ledger.append_audit(operator(), _ROLLED_BACK, f"worker/{before}", {"before": now})
    return f"new runs go to {before} again (took {took:.1f} s); runs that began on {now} stay there: keep its workers"


async def _status() -> Deployment:
    return await describe(await connect(load_settings()))


async def make_build_current(client: Client, build: str, wait: float) -> str:
    """Let new runs go to a build; return the one that was current, or nothing.

    Raises:
        UsageProblem: no worker of that build has asked for work within `wait` seconds.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=naming.DEPLOYMENT, build_id=build, identity=operator()
    )
    deadline = time.monotonic() + wait
    while True:
        # The server says what was before only in passing, so it is asked first: promoting twice must not lose it.
        now = await _current(client)
        if now == build:
            return build
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
        except RPCError as error:
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                raise
            if time.monotonic() > deadline:
                raise UsageProblem(
                    f"no worker with BUILD_ID={build} has asked for work: start one, then promote it ({error.message})"
                ) from error
            await asyncio.sleep(0.3)
        else:
            return now


async def _current(client: Client) -> str:
    try:
        return (await describe(client, count=False)).current
    except UsageProblem:
        return ""


async def describe(client: Client, *, count: bool = True) -> Deployment:
    """Return every build that the server knows of.

    Args:
        client: Of the namespace.
        count: Whether open runs are counted.

    Raises:
        UsageProblem: no worker with a build ever asked for work.
    """
    try:
        described = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=naming.DEPLOYMENT)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise UsageProblem("no worker has asked this server for work yet: start one with BUILD_ID set") from error
    info = described.worker_deployment_info
    builds = []
    for summary in info.version_summaries:
        build = summary.deployment_version.build_id
        builds.append(
            Build(build_id=build, status=_name(summary.status), open_runs=await _open(client, build) if count else 0)
        )
    return Deployment(
        current=info.routing_config.current_deployment_version.build_id,
        builds=tuple(sorted(builds, key=lambda one: (one.status != "current", one.build_id))),
    )


def _name(status: WorkerDeploymentVersionStatus.ValueType) -> str:
    return WorkerDeploymentVersionStatus.Name(status).removeprefix("WORKER_DEPLOYMENT_VERSION_STATUS_").lower()


async def _open(client: Client, build: str) -> int:
    pinned = f"TemporalWorkerDeploymentVersion = '{naming.DEPLOYMENT}:{build}'"
    return (await client.count_workflows(f"{pinned} AND ExecutionStatus = 'Running'")).count
