"""Prints the fault matrix: `python -m tests.faults [fault …]`; exit code 1 if any cell is wrong."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cli.running import mentioning
from tests.faults.frame import PLACES, Fault, Place, reason_against
from tests.faults.judge import Verdict
from tests.faults.matrix import Matrix, table
from tests.faults.model_script import Script
from tests.faults.stage import open_ledger, raised


async def play(
    state: Path, faults: Sequence[Fault], places: Sequence[Place]
) -> tuple[dict[Fault, list[Verdict]], list[str]]:
    """Play these columns; return them, and what is wrong with the whole."""
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:5.0f} s  {text}\n")

    columns: dict[Fault, list[Verdict]] = {}
    async with raised(state, Script()) as stage:
        say("the installation is up")
        async with await open_ledger(stage) as ledger:
            matrix = Matrix(stage, ledger, say)
            for fault in faults:
                if fault is Fault.FULL and not stage.can_fill:
                    say("full: left out, as this machine does not let us mount a small file system")
                    continue
                columns[fault] = await matrix.column(fault, places)
                for verdict in columns[fault]:
                    for problem in verdict.problems:
                        say(f"  ✗ {verdict.cell.name}: {problem}")
            wrong = await matrix.afterwards()
        await stage.stop_workers()
    wrong += [f"process {pid} was left: {command[:200]}" for pid, command in mentioning(str(state)).items()]
    return columns, wrong


def main() -> int:
    """Judge the named faults, or all, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("fault", nargs="*", help=f"of: {', '.join(Fault)}")
    parser.add_argument(
        "--place", action="append", help="only at this place, such as 'publish · post'; may be repeated"
    )
    parser.add_argument("--keep", action="store_true", help="keep the logs and the databases")
    options = parser.parse_args()
    unknown = sorted(set(options.fault) - set(Fault))
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}; there are {', '.join(Fault)}")
    labels = [place.label for place in PLACES]
    if strange := sorted(set(options.place or labels) - set(labels)):
        parser.error(f"there is no place {strange[0]!r}; there are {', '.join(labels)}")
    places = [place for place in PLACES if place.label in (options.place or labels)]
    # Asked to stop, it cleans up as it does after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    state = Path(tempfile.mkdtemp(prefix="whydesk-faults-"))
    try:
        columns, wrong = asyncio.run(play(state, [Fault(name) for name in options.fault] or list(Fault), places))
    finally:
        if options.keep:
            sys.stderr.write(f"kept in {state}\n")
        else:
            shutil.rmtree(state, ignore_errors=True)
    verdicts = [verdict for column in columns.values() for verdict in column]
    bad = [verdict for verdict in verdicts if verdict.problems]
    reasons = {reason_against(place, fault) for place in PLACES for fault in columns} - {""}
    lines = [*table(columns), "", f"– {'; '.join(sorted(reasons))}" if reasons else ""]
    lines += [f"✗ {verdict.cell.name}: {problem}" for verdict in bad for problem in verdict.problems]
    lines += [f"✗ {problem}" for problem in wrong]
    less = [verdict for verdict in verdicts if verdict.mark == "~"]
    lines += [f"~ {verdict.cell.name}: {said}" for verdict in less for said in verdict.degraded]
    lines.append(
        f"{len(verdicts) - len(bad)} of {len(verdicts)} cells are right, {len(less)} of them degraded and told so"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if bad or wrong or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
