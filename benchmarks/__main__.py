"""python -m benchmarks [overhead|throughput|acknowledge|memory …] [--short] [--json FILE] [--profile FILE]."""

import argparse
import asyncio
import contextlib
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.acknowledge import measure_acknowledgement
from benchmarks.figures import Figure, as_table, this_machine, write_json
from benchmarks.memory import measure_memory
from benchmarks.overhead import measure_overhead
from benchmarks.throughput import measure_throughput

MEASURES = ("overhead", "throughput", "acknowledge", "memory")
DEFAULT_JSON = Path(".whydesk") / "benchmarks.json"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; no measure named means all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure times, rates and memory.")
    parser.add_argument(
        "measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)}; all if none is named"
    )
    parser.add_argument("--short", action="store_true", help="fewer and smaller rounds: a minute instead of ten")
    parser.add_argument("--json", type=Path, default=DEFAULT_JSON, help="where all rounds are written")
    parser.add_argument("--profile", type=Path, help="write the worker's cProfile here; throughput only")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.measures if name not in MEASURES]
    if unknown:
        parser.error(f"no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    options.measures = [name for name in MEASURES if not options.measures or name in options.measures]
    if options.profile and options.measures != ["throughput"]:
        parser.error("--profile goes with throughput alone: a profiled worker is slower, so it would spoil the others")
    return options


async def measure(options: argparse.Namespace, folder: Path, console: Console) -> list[Figure]:
    """Take the chosen measures one after the other, each on an installation of its own."""
    figures: list[Figure] = []
    for name in options.measures:
        with console.status(name):
            match name:
                case "overhead":
                    figures += await measure_overhead(folder / name, short=options.short)
                case "throughput":
                    figures += await measure_throughput(folder / name, short=options.short, profile=options.profile)
                case "acknowledge":
                    figures += await measure_acknowledgement(folder / name, short=options.short)
                case _:
                    figures += await measure_memory(folder / name, short=options.short)
    return figures


def main() -> None:
    """Measure, print and write."""
    options = parse()
    console = Console() if Console().is_terminal else Console(width=130)
    machine = this_machine(options.short)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="whydesk-bench-") as folder:
        figures = asyncio.run(measure(options, Path(folder), console))
        console.print(as_table(figures, machine))
        write_json(figures, machine, options.json)
        console.print(f"written: {options.json}", highlight=False)


if __name__ == "__main__":
    main()
