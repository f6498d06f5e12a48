"""`whydesk eval`: WhyBench's tickets through the whole product, and what was right."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.connection import load_settings
from cli.errors import UsageProblem, no_such
from cli.interruptible import interruptible
from cli.terminal import wide_enough

if TYPE_CHECKING:
    from evals.run.session import Session
    from evals.run.worlds import PlayedWorld

_AT_ONCE = 6


def eval_worlds(
    context: typer.Context,
    world: Annotated[
        str | None,
        typer.Option(help="A world's folder, whoever made it, or the seed of one of WhyBench's.", metavar="PATH|SEED"),
    ] = None,
    tickets: Annotated[
        int | None, typer.Option(help="With a seed: how many tickets its world has; 240 if left out.")
    ] = None,
    ticket: Annotated[
        list[str] | None, typer.Option(help="Only this one, by its key; may be given several times.", metavar="KEY")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(help="Log rows; fewer than the world states make tickets harder than it says.", min=1)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run; the same one goes on where it stopped. Left out: a new one in the state folder."
        ),
    ] = None,
    at_once: Annotated[int, typer.Option(help="Tickets that are open at once, at most.", min=1, max=32)] = _AT_ONCE,
    misses: Annotated[bool, typer.Option("--misses", help="List each solvable ticket that was not right.")] = False,
) -> None:
    """Play a world's tickets through the real product, gathering included, and say how many of the solvable ones were right.

    Everything that was gathered and said is left in runs.jsonl in the folder, a line for each ticket.
    """
    if context.invoked_subcommand is not None:
        return
    from evals.run.glance import glances, print_glance, print_misses
    from evals.run.session import Session

    console = wide_enough()
    folder = out or _new_folder(world)
    played = _world(world, tickets, folder)
    keys = _chosen(played, ticket or [])
    session = _session(folder, played, rows)
    assert isinstance(session, Session)
    asyncio.run(interruptible(_play(session, keys, at_once), _goodbye(folder)))
    seen = glances(played.truths, (run for run in session.results.runs.values() if run.key in keys))
    print_glance(console, f"rules on {played.name}", seen)
    if misses:
        print_misses(console, seen)
    console.print(f"written: {session.results.path}", highlight=False)


async def _play(session: "Session", keys: list[str], at_once: int) -> None:
    console = Console(stderr=True, highlight=False)
    left = len(session.left(keys))
    if left < len(keys):
        console.print(f"{len(keys) - left} of {len(keys)} tickets were played before; {left} are left")
    with console.status("starting") as status:

        def say(said: str) -> None:
            status.update(said)
            if not console.is_terminal:
                console.print(f"  {said}")

        await session.play(keys, at_once, say)


def _goodbye(folder: Path) -> str:
    return f"stopped; nothing is left running. `whydesk eval --out {folder}` with the same world goes on"


def _new_folder(world: str | None) -> Path:
    if world is None:
        raise UsageProblem("--world is needed: a world's folder, or a seed such as 11")
    name = world if world.isdecimal() else Path(world).resolve().name
    return load_settings().state / "eval" / f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _world(world: str | None, tickets: int | None, folder: Path) -> "PlayedWorld":
    """Find the world: of a path, of a seed, or the one that the folder's run was begun with."""
    from evals.run.worlds import PUBLISHED, PlayedWorld, world_of_seed

    own = folder / "world"
    if world is None:
        if not own.exists():
            raise UsageProblem(f"--world is needed: {str(folder)!r} holds no world of a seed")
        return PlayedWorld(own)
    if not world.isdecimal():
        if tickets is not None:
            raise UsageProblem("--tickets goes with a seed; of a world that is there, --ticket KEY plays a part")
        return PlayedWorld(Path(world))
    try:
        return PlayedWorld(world_of_seed(int(world), tickets or PUBLISHED, own))
    except ValueError as problem:
        raise UsageProblem(f"--tickets: {problem}") from None


def _chosen(world: "PlayedWorld", named: list[str]) -> list[str]:
    for key in named:
        if key not in world.keys:
            raise no_such("ticket", key, world.keys)
    return list(dict.fromkeys(named)) or list(world.keys)


def _session(folder: Path, world: "PlayedWorld", rows: int | None) -> "Session":
    from evals.run.results import OtherRun
    from evals.run.session import Session

    try:
        return Session(folder, world, rows)
    except OtherRun as problem:
        raise UsageProblem(str(problem)) from None
