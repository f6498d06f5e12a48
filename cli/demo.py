"""`whydesk demo`: starts everything on this machine, delivers a company's tickets, and shows what came of each."""

import asyncio
import contextlib
import json
import math
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from cli.connection import load_settings, own_environ
from cli.demo_report import print_report
from cli.demo_tickets import SIX, DemoTickets
from cli.dev_server import free_port
from cli.errors import UsageProblem, no_such
from cli.interruptible import interruptible
from cli.processes import Household
from cli.run_processes import only_one
from cli.stack import Play, Ports, start_stack
from cli.worlds import ensure_valid
from models.tenant import Budget
from models.vocabulary import Source
from sandbox.world_files import load_world

_WIDTH = 130
DEFAULT_WORLD = Path(__file__).parent.parent / "sandbox" / "worlds" / "vellumworks"


def demo(
    world: Annotated[Path, typer.Option(help="The company to play: a world's folder.")] = DEFAULT_WORLD,
    ticket: Annotated[str | None, typer.Option(help="Only this one, by its number in the table or its key.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    model: Annotated[str | None, typer.Option(help="Let this Claude model diagnose; needs ANTHROPIC_API_KEY.")] = None,
    model_url: Annotated[str | None, typer.Option(help="Where the model is, if not at its vendor.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask about the cost.")] = False,
    rows: Annotated[int | None, typer.Option(help="Log rows; the world's own number if left out.", min=1)] = None,
    latency: Annotated[str, typer.Option(help="Seconds that each request to a vendor takes, LOW,HIGH.")] = "0.02,0.1",
    broken: Annotated[
        list[str] | None,
        typer.Option(
            "--break",
            metavar="SOURCE",
            help="Let nobody listen where this source should be, such as stripe; may be given several times. Each note says "
            "that it was not checked. Tickets that cannot be solved without it need not be: nothing false may be said of them.",
        ),
    ] = None,
) -> None:
    """Investigate the tickets of an invented company: one command, no key, no account.

    Exit code: 0 if every ticket ended as the world's truth says, else 1. With --break one that cannot be solved without the
    broken source may end without a diagnosis; a false one, or a note that does not name the source, is a 1 all the same.
    """
    # Without a terminal there is no width to fit into, and a table that is cut says little.
    console = Console() if Console().is_terminal else Console(width=_WIDTH)
    ensure_valid(world)
    if json_file and not json_file.absolute().parent.is_dir():
        raise UsageProblem(f"--json {str(json_file)!r}: there is no such folder; make it first")
    keys, without = _chosen(world, ticket), _sources(broken or [])
    play = Play(world, rows, _latency(latency), _model(console, model, model_url, len(keys), yes))
    state = load_settings().state / "demo"
    with only_one(state):
        clear(state)
        passed = asyncio.run(interruptible(_demo(console, state, play, keys, without, keep, json_file)))
    raise typer.Exit(0 if passed else 1)


async def _demo(
    console: Console,
    state: Path,
    play: Play,
    keys: list[str],
    without: frozenset[Source],
    keep: bool,
    json_file: Path | None,
) -> bool:
    began = time.monotonic()
    # Its pages are looked at only where they stay.
    ports = Ports(codec=free_port()) if keep else Ports()
    async with Household(state / "logs") as household:
        with console.status("starting") as status:
            stack = await start_stack(household, own_environ(), state, ports, play=play, say=status.update)
        console.print(
            f"everything runs after {time.monotonic() - began:.1f} s · Temporal UI {stack.ui}", highlight=False
        )
        tickets = DemoTickets(console, household, stack, load_world(play.world), state, without)
        told = await tickets.investigate(keys)
        passed = print_report(console, told, stack, time.monotonic() - began, state)
        if json_file:
            json_file.write_text(json.dumps([one.as_json() for one in told], indent=2))
            console.print(f"written: {json_file}")
        if keep:
            console.print("Everything keeps running until Ctrl-C.")
            await asyncio.Event().wait()
        # Nothing is in flight any more: two by two, and not one after the other.
        await household.stop("gateway", "worker")
        await household.stop("temporal", "sandbox")
    return passed


def clear(state: Path) -> None:
    """Begin afresh: another run's tickets say nothing about this one's."""
    for path in state.glob("*"):
        if path.is_file() and path.name != "up.json":
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def _chosen(world: Path, ticket: str | None) -> list[str]:
    keys = [one.key for one in load_world(world).tickets.tickets]
    if ticket is None:
        return keys
    if ticket.isdecimal() and 1 <= int(ticket) <= len(keys):
        return [keys[int(ticket) - 1]]
    if ticket not in keys:
        raise UsageProblem(f"no ticket {ticket!r} in {world}; there are 1 to {len(keys)}: {', '.join(keys)}")
    return [ticket]


def _sources(names: list[str]) -> frozenset[Source]:
    known = [source.value for source in SIX]
    for name in names:
        if name not in known:
            raise no_such("source", name, known)
    return frozenset(map(Source, names))


def _latency(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    try:
        bounds = float(low), float(high or low)
    except ValueError:
        raise UsageProblem(f"--latency {text!r}: write two numbers of seconds, such as 0.02,0.1") from None
    if not 0 <= bounds[0] <= bounds[1] < math.inf:
        raise UsageProblem(f"--latency {text!r}: the lower number comes first, and neither is below 0")
    return bounds


def _model(
    console: Console, model: str | None, url: str | None, tickets: int, yes: bool
) -> tuple[dict[str, JsonValue], ...]:
    """Return the model chain, once the person has seen what it may cost."""
    if model is None:
        return ()
    if not os.environ.get("ANTHROPIC_API_KEY"):
        raise UsageProblem("--model needs ANTHROPIC_API_KEY in the environment; without --model the rules diagnose")
    cap = Budget().usd_per_ticket
    console.print(f"{model}: at most ${cap:.2f} for a ticket, ${cap * tickets:.2f} for {tickets}", highlight=False)
    if not yes and not typer.confirm("Go on?"):
        raise typer.Exit(1)
    chain: dict[str, JsonValue] = {"provider": "anthropic", "model": model, "api_key": "env:ANTHROPIC_API_KEY"}
    return (chain | ({"base_url": url} if url else {}),)
