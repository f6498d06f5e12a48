"""`python -m evals.generate --seed N --tickets M OUT` writes a world and says its digest."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from evals.generate.digest import world_digest
from evals.generate.make import make
from evals.generate.writer import write_world
from sandbox.world_files import load_world


def main(arguments: list[str]) -> int:
    """Write the world, check it as the sandbox does, and say what it holds."""
    parser = argparse.ArgumentParser(prog="python -m evals.generate", description="Write a WhyBench world.")
    parser.add_argument("--seed", type=int, required=True, help="the same seed gives the same bytes")
    parser.add_argument("--tickets", type=int, default=240, help="how many tickets (default 240)")
    parser.add_argument("out", type=Path, help="a folder that does not exist yet")
    options = parser.parse_args(arguments)
    try:
        made = make(options.seed, options.tickets)
        write_world(made, options.out)
    except (FileExistsError, ValueError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    world = load_world(options.out)
    truths = made.bench.tickets.values()
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    sys.stdout.write(
        f"{world.about.name}: {len(world.customers)} customers, {len(world.tickets.tickets)} tickets, "
        f"{len({truth.cause for truth in truths})} causes, {len({truth.language for truth in truths})} languages, "
        f"{sum(truth.solvable for truth in truths)} solvable, {world.about.rows} rows, {size} bytes\n"
        f"axes: {', '.join(f'{axis} {count}' for axis, count in sorted(Counter(truth.axis for truth in truths).items()))}\n"
        f"generator {made.bench.generator}\nworld     {world_digest(options.out)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
