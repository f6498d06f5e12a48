"""`whydesk eval`: WhyBench's tickets through the whole product, and what was right."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.connection import load_settings, own_environ
from cli.errors import UsageProblem, no_such
from cli.interruptible import interruptible
from cli.terminal import wide_enough
from evals.records import Arm, Script
from reasoning.providers.prices import shipped_prices

if TYPE_CHECKING:
    from evals.run.arms import Asked
    from evals.run.session import Session
    from evals.run.worlds import PlayedWorld

_AT_ONCE = 4


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
    arms: Annotated[
        str,
        typer.Option(
            help="Who diagnoses, with commas: rules, which gathers; model, with playbook and verifier; bare, without."
        ),
    ] = "rules",
    script: Annotated[
        str | None,
        typer.Option(
            help="Let a script speak for the model: perfect, sloppy or hostile. Figures of safety, never of quality."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Ask this Claude model; needs ANTHROPIC_API_KEY and --max-usd.")
    ] = None,
    model_url: Annotated[str | None, typer.Option(help="Where the model is, if not at its vendor.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(help="What all model arms of the run may cost in all.", min=0)
    ] = None,
    repeat: Annotated[int, typer.Option(help="How often each model arm answers each ticket.", min=1, max=20)] = 1,
    split: Annotated[
        str,
        typer.Option(
            help="dev, on which playbooks are tuned; or test, which is opened once for a release: each run on it is counted, "
            "and its misses are not listed."
        ),
    ] = "dev",
    misses: Annotated[bool, typer.Option("--misses", help="List each solvable ticket that was not right.")] = False,
) -> None:
    """Play a world's tickets through the real product, gathering included, and say how many of the solvable ones were right.

    Everything that was gathered and said is left in runs.jsonl in the folder, a line for each ticket.
    """
    if context.invoked_subcommand is not None:
        return
    chosen, asked = _arms(arms), _asked(script, model, model_url, max_usd)
    if set(chosen) != {Arm.RULES} and asked is None:
        raise UsageProblem(
            "--arms model and bare need a model: --script perfect, sloppy or hostile, or --model with a key"
        )
    folder = out or _new_folder(world)
    _ensure_fair(split, world, misses)
    played = _world(world, tickets, folder)
    _ensure_fair(split, str(played.seed), misses)
    keys = _chosen(played, ticket or [])
    if world is None and set(chosen) == {Arm.RULES} and (over := _over(folder, played, keys)):
        # Nothing is played, so nothing is mixed: a run of yesterday's code can be looked at.
        _ensure_fair(over.results.facts.split, None, misses)
        _report(over, keys, misses)
        return
    session = _session(folder, played, rows, split)
    code = asyncio.run(interruptible(_play(session, keys, at_once, (chosen, asked, repeat)), _goodbye(folder)))
    _report(session, keys, misses)
    raise typer.Exit(code)


def _report(session: "Session", keys: list[str], misses: bool) -> None:
    from evals.run.glance import by_arm, print_glance, print_late, print_misses

    console = wide_enough()
    runs = [run for run in session.results.runs.values() if run.key in keys]
    for title, seen in by_arm(session.world.truths, runs):
        print_glance(console, f"{title} on {session.world.name}", seen)
        if title == Arm.RULES.value:
            print_late(console, session.world, seen)
        if misses and title == Arm.RULES.value:
            print_misses(console, seen)
    console.print(f"written: {session.results.path}", highlight=False)


async def _play(session: "Session", keys: list[str], at_once: int, arms: "tuple[list[Arm], Asked | None, int]") -> int:
    from evals.run.arms import MoneySpent

    chosen, asked, repeats = arms
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
        models = [arm for arm in chosen if arm is not Arm.RULES]
        try:
            if asked and models:
                await session.play_arms(models, asked, repeats, keys, say)
        except MoneySpent as spent:
            console.print(f"stopped: {spent}; a higher --max-usd goes on with the same --out")
            return 1
    return 0


def _arms(text: str) -> list[Arm]:
    known = [arm.value for arm in Arm]
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise no_such("arm", name, known)
    return [arm for arm in Arm if arm.value in names]


def _asked(script: str | None, model: str | None, url: str | None, max_usd: float | None) -> "Asked | None":
    from evals.run.arms import Asked

    if script is not None:
        if model is not None:
            raise UsageProblem("--script and --model do not go together: a script speaks in the model's place")
        if script not in list(Script):
            raise no_such("script", script, [one.value for one in Script])
        return Asked(script=Script(script))
    if model is None:
        return None
    if not own_environ().get("ANTHROPIC_API_KEY"):
        raise UsageProblem("--model needs ANTHROPIC_API_KEY in the environment; --script plays one without a key")
    if max_usd is None:
        raise UsageProblem(f"--model {model} costs money for each ticket: say with --max-usd how much it may be")
    try:
        shipped_prices().price(model, datetime.now(UTC).date())
    except KeyError as error:
        raise UsageProblem(f"--model: {error.args[0]}") from None
    return Asked(model=model, url=url, max_usd=max_usd)


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
        found = PlayedWorld(Path(world))
        # Whoever reads the run finds its world beside it, whoever made it.
        if not own.exists():
            folder.mkdir(parents=True, exist_ok=True)
            own.symlink_to(found.folder.resolve(), target_is_directory=True)
        return found
    try:
        found = PlayedWorld(world_of_seed(int(world), tickets or PUBLISHED, own))
    except ValueError as problem:
        raise UsageProblem(f"--tickets: {problem}") from None
    there = len(found.keys)
    if found.seed != int(world) or (tickets is not None and tickets != there):
        raise UsageProblem(
            f"{str(folder)!r} holds a run on the world of seed {found.seed} with {there} tickets; name another --out"
        )
    return found


def _chosen(world: "PlayedWorld", named: list[str]) -> list[str]:
    for key in named:
        if key not in world.keys:
            raise no_such("ticket", key, world.keys)
    return list(dict.fromkeys(named)) or list(world.keys)


def _session(folder: Path, world: "PlayedWorld", rows: int | None, split: str) -> "Session":
    from evals.run.results import OtherRun
    from evals.run.session import Session

    try:
        session = Session.begin(folder, world, rows, split)
    except (OtherRun, ValueError) as problem:
        raise UsageProblem(str(problem)) from None
    if session.results.facts.opened > 1:
        again = f"run {session.results.facts.opened} on this world of the test split for this release; the rule is one"
        print(f"{again}. The report says so", file=sys.stderr)
    return session


def _over(folder: Path, world: "PlayedWorld", keys: list[str]) -> "Session | None":
    """Return the folder's run if each of these tickets was played."""
    from evals.run.results import OtherRun
    from evals.run.session import Session

    try:
        session = Session.read(folder, world)
    except OtherRun:
        return None
    return None if session.left(keys) else session


def _ensure_fair(split: str, seed: str | None, misses: bool) -> None:
    """Keep what playbooks are measured by from those who mend them."""
    from evals.run.session import DEV, TEST
    from evals.run.worlds import TEST_SEEDS

    if split not in (DEV, TEST):
        raise no_such("split", split, [DEV, TEST])
    if split == DEV and seed is not None and seed.isdecimal() and int(seed) in TEST_SEEDS:
        raise UsageProblem(
            f"the world of seed {seed} is of the test split, which is opened once for a release: --split test plays and "
            "counts it; for tuning take another seed, such as 11"
        )
    if split == TEST and misses:
        raise UsageProblem(
            "--misses does not go with --split test: a playbook that is mended by them is not measured any more"
        )
