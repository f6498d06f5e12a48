"""`python -m tests.compromised` plays every attack with defences and without, and prints how many succeed."""

import argparse
import asyncio
import sys

from tests.compromised.attacks import corpus
from tests.compromised.injected import play_injections
from tests.compromised.path import staged
from tests.compromised.play import play
from tests.compromised.results import Result, table


async def _played() -> tuple[list[Result], list[Result], list[Result]]:
    async with staged() as stage:
        return await play(stage, corpus()), *await play_injections(stage)


def main() -> int:
    """Play all; the exit code is 1 where an attack succeeds with defences."""
    parser = argparse.ArgumentParser(prog="python -m tests.compromised", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the note of each attack that succeeds")
    shown = parser.parse_args().show
    answers, obeyed, ruled = asyncio.run(_played())
    sys.stdout.write(f"{table('a model whose answer is the attacker' + chr(39) + 's', answers)}\n\n")
    sys.stdout.write(f"{table('injected text, and a model that obeys it', obeyed)}\n\n")
    sys.stdout.write(f"{table('injected text, and no model', ruled)}\n")
    holes = [result for result in (*answers, *obeyed, *ruled) if result.on]
    for hole in holes if shown else ():
        sys.stdout.write(f"\n{hole.kind}: {hole.name}\n{hole.said[:1500]}\n")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
