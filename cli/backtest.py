"""`whydesk backtest`: a playbook over past investigations, against what was said then and against what people said of it."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text
from temporalio.client import Client, WorkflowHandle
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.select import RULES
from cli.backtest_view import Told, print_backtest, told_of
from cli.connection import connect, load_settings
from cli.errors import UsageProblem
from cli.interruptible import interruptible
from cli.investigate_run import ensure_worker, follow_to_the_end
from cli.moments import moment
from cli.named_playbook import playbook_or_path
from cli.named_tenant import named_tenant
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.past_runs import SqlPastRuns
from models.backtest import BacktestInput, BacktestProgress
from models.playbook import Playbook
from models.tenant import Tenant
from settings import Settings
from workflows import naming

_SERVER_WITHIN = 5.0
_LAST = 5
"""Temporal's last priority: tickets that come in go first."""


def backtest(
    playbook: Annotated[str, typer.Argument(metavar="ID@VERSION|FILE", help="The playbook to try out.")],
    since: Annotated[
        str, typer.Option(help="Investigations from then on: a time, or how long ago, such as 30d.")
    ] = "30d",
    sample: Annotated[int | None, typer.Option(help="As many of them as this, chosen by a hash.", min=1)] = None,
    model: Annotated[str, typer.Option(help="`rules`, or a model of the tenant's chain.")] = RULES,
    max_usd: Annotated[
        float | None, typer.Option(help="What a model may cost in all; needed with --model.", min=0)
    ] = None,
    rate: Annotated[int | None, typer.Option(help="Investigations a minute at most.", min=1)] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose, where whydesk.yaml has several.")] = None,
    over: Annotated[
        str | None, typer.Option(help="Id of the playbook whose investigations are meant; left out, its own.")
    ] = None,
    name: Annotated[str | None, typer.Option("--id", help="Go on with the backtest of that name, or begin it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every line, as JSON.")] = False,
) -> None:
    """Diagnose many past investigations anew from the evidence they kept, and compare; no system is asked, nothing is posted.

    A worker does it. The same command again goes on where it stopped, whatever stopped it: what is done is not done again.
    """
    settings = load_settings()
    of = named_tenant(settings, tenant)
    links = list(of.chain())
    if model != RULES and model not in links:
        raise UsageProblem(
            f"--model {model!r}: a worker asks what is in the tenant's `models`: {', '.join(links) or 'none'}"
        )
    if model != RULES and max_usd is None:
        raise UsageProblem(f"--model {model} costs money for each investigation: say with --max-usd how much it may be")
    chosen = playbook_or_path(playbook, of)
    now = datetime.now(UTC)
    given = BacktestInput(
        backtest=name or _name(chosen, since, sample, model, over, now),
        tenant=of.id,
        playbook="",
        playbook_label=f"{chosen.id}@{chosen.version}",
        over=over or chosen.id,
        since=moment("--since", since, now),
        until=now,
        sample=sample,
        reasoner=model,
        max_usd=max_usd,
        per_minute=rate,
    )
    told = asyncio.run(_Backtesting(settings, of, chosen, given).run())
    if as_json:
        print(json.dumps(told.model_dump(mode="json"), indent=2))
    else:
        print_backtest(wide_enough(), told)
    raise typer.Exit(_code(told))


def _code(told: Told) -> int:
    if told.progress.stopped or told.progress.failed:
        return 1
    return 3 if told.progress.worse else 0


def _name(playbook: Playbook, since: str, sample: int | None, model: str, over: str | None, now: datetime) -> str:
    """Return a name that is the same for the same command on the same day."""
    what = hashlib.sha256(repr((playbook.model_dump_json(), since, sample, model, over)).encode()).hexdigest()
    return f"{playbook.id}-{playbook.version}-{now:%Y-%m-%d}-{what[:8]}"


class _Backtesting:
    """One call of the command."""

    def __init__(self, settings: Settings, tenant: Tenant, playbook: Playbook, given: BacktestInput) -> None:
        self._settings = settings
        self._tenant = tenant
        self._playbook = playbook
        self._given = given
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    async def run(self) -> Told:
        """Start or join it, follow it to the end, and return its lines; Ctrl-C stops only the following."""
        again = f"`--id {self._given.backtest}` with the same playbook shows it again"
        return await interruptible(self._run(), f"the backtest goes on without you; {again}")

    async def _run(self) -> Told:
        client = await connect(self._settings, within=_SERVER_WITHIN)
        queue = naming.task_queue(self._tenant.region)
        await ensure_worker(client, queue)
        async with await open_recorded(self._settings) as ledger:
            digest = await ledger.put_body(self._tenant.id, self._playbook)
            given = self._given.model_copy(update={"playbook": digest})
            self._console.print(
                f"backtest {given.backtest}: {given.playbook_label} by {given.reasoner} over the investigations "
                f"of {given.over} since {given.since:%Y-%m-%d %H:%M} UTC"
            )
            handle = await start(client, given, queue)
            progress = await self._follow(handle)
            lines = await SqlPastRuns(ledger).backtest_lines(given.tenant, given.backtest)
        return told_of(given, progress, lines)

    async def _follow(self, handle: WorkflowHandle[object, BacktestProgress]) -> BacktestProgress:
        told = ""
        with self._console.status("starting") as status:

            def say(stage: str, _: tuple[str, ...]) -> None:
                nonlocal told
                status.update(Text(stage))
                if stage != told and not self._console.is_terminal:
                    self._console.print(Text(f"  {stage}"))
                told = stage

            return await follow_to_the_end(handle, say, "the same command goes on where it stopped")


async def start(client: Client, given: BacktestInput, queue: str) -> WorkflowHandle[object, BacktestProgress]:
    """Start a backtest, or join the one of that name."""
    return await client.start_workflow(
        "BacktestPlaybookWorkflow",
        given,
        id=f"backtest/{given.tenant}/{given.backtest}",
        task_queue=queue,
        result_type=BacktestProgress,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=f"{given.tenant} · {given.playbook_label}",
        priority=Priority(priority_key=_LAST, fairness_key=given.tenant),
    )
