"""`whydesk world`: check a world that someone wrote, and export the format's JSON Schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageProblem
from sandbox.world_files import FILES, json_schema, load_world, validate_world


def ensure_valid(path: Path) -> None:
    """Refuse a world that cannot be played.

    Raises:
        UsageProblem: says how to see every mistake.
    """
    problems = validate_world(path)
    if problems:
        raise UsageProblem(
            f"{path} is no valid world; `whydesk world validate {path}` says why ({len(problems)} times)"
        )


app = typer.Typer(help="Worlds: companies as data, for the sandbox.", no_args_is_help=True)


@app.command()
def validate(path: Annotated[Path, typer.Argument(help="The world's folder.")]) -> None:
    """Name every problem of a world with its file, line and remedy; exit code 1 if there is any."""
    problems = validate_world(path)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        raise typer.Exit(1)
    world = load_world(path)
    print(f"{path}: valid, {len(world.tickets.tickets)} tickets")


@app.command()
def schema() -> None:
    """Print the JSON Schema of each file of a world."""
    print(json.dumps({name: json_schema(name) for name in FILES}, indent=2))
