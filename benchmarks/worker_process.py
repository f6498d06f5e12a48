"""The worker that is measured: worker.py's activities and worker, a real ledger, far ends in the same process.

python -m benchmarks.worker_process --ready FILE [--helpdesk S] [--sources LOW,HIGH] [--model S] [--waits FILE] [--profile FILE]
"""

import argparse
import asyncio
import cProfile
import os
import signal
from pathlib import Path

from benchmarks.bare import BareWorkflow, do_nothing
from benchmarks.far_ends import TENANT, Pace, Pools, Waits, World
from cli.connection import connect, load_settings
from cli.open_runs import EMBEDDED_BUILD, make_current
from worker import Shelf, keep_what_is_loaded, make_activities, make_worker, open_ledger
from workflows import naming
from workflows.investigate_ticket import InvestigateTicketWorkflow


async def work(options: argparse.Namespace) -> None:
    """Work until SIGTERM."""
    settings = load_settings()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    low, _, high = options.sources.partition(",")
    pace = Pace(options.helpdesk, (float(low), float(high or low)), options.model)
    pools = Pools(World(settings.tenants[TENANT], pace, Waits(options.waits)))
    client = await connect(settings)
    async with await open_ledger(settings) as ledger:
        activities = make_activities(
            ledger=ledger,
            helpdesks=pools.helpdesks,
            connectors=pools.connectors,
            models=pools.models,
            shelf=Shelf(settings.tenants),
            tenants=settings.tenants,
        )
        workflows = [InvestigateTicketWorkflow, BareWorkflow]
        worker = make_worker(client, naming.task_queue(), [*activities, do_nothing], EMBEDDED_BUILD, workflows)
        async with worker:
            await make_current(client, EMBEDDED_BUILD)
            keep_what_is_loaded()
            options.ready.write_text(str(os.getpid()))
            await stopping.wait()


def main() -> None:
    """Read the command line and work."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker_process")
    parser.add_argument("--ready", type=Path, required=True)
    parser.add_argument("--helpdesk", type=float, default=0.0)
    parser.add_argument("--sources", default="0,0")
    parser.add_argument("--model", type=float, default=0.0)
    parser.add_argument("--waits", type=Path)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    profile = cProfile.Profile() if options.profile else None
    if profile:
        profile.enable()
    try:
        asyncio.run(work(options))
    finally:
        if profile:
            profile.disable()
            profile.dump_stats(options.profile)


if __name__ == "__main__":
    main()
