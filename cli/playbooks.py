"""`whydesk playbooks`: what an engineer needs while writing one."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import UsageProblem
from models.playbook import Playbook
from playbooks.fixtures import run_fixtures
from playbooks.library import Library, LoadedPlaybook

SHIPPED = Path(__file__).parent.parent / "playbooks"

app = typer.Typer(help="Playbooks: list, validate, test.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("--dir", help="The folder of playbooks.")]


@app.command("list")
def list_playbooks(folder: Folder = SHIPPED) -> None:
    """List the playbooks of a folder."""
    table = Table("playbook", "title", "owner", "review by", "queries", "hypotheses", "digest")
    for loaded in Library.load([folder]).all():
        book = loaded.playbook
        label = f"{book.id}@{book.version}"
        sizes = (str(len(book.queries)), str(len(book.hypotheses)))
        table.add_row(label, book.title, book.owner, f"{book.review_by}", *sizes, loaded.digest[:12])
    Console().print(table)


@app.command()
def validate(folder: Annotated[Path, typer.Argument(help="A folder of playbooks.")] = SHIPPED) -> None:
    """Name every mistake with its file, line, field and remedy."""
    found = Library.load([folder]).all()
    print(f"{folder}: {len(found)} playbooks, all valid")


@app.command("test")
def run_tests(
    name: Annotated[str | None, typer.Argument(help="A playbook's id; all if left out.")] = None,
    folder: Folder = SHIPPED,
) -> None:
    """Run the fixtures beside the playbooks: evidence in, diagnosis out."""
    chosen = _chosen(folder, name)
    failed = 0
    for loaded in chosen:
        for result in run_fixtures(loaded):
            failed += not result.passed
            print(f"{'ok  ' if result.passed else 'FAIL'} {loaded.playbook.id}@{loaded.playbook.version} {result.name}")
            for line in result.differences:
                print(f"     {line}")
    if failed:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a playbook, for editors."""
    print(json.dumps(Playbook.model_json_schema(), indent=2))


def _chosen(folder: Path, name: str | None) -> list[LoadedPlaybook]:
    every = Library.load([folder]).all()
    chosen = [loaded for loaded in every if name in (None, loaded.playbook.id)]
    if not chosen:
        known = ", ".join(sorted({loaded.playbook.id for loaded in every}))
        raise UsageProblem(f"no playbook {name!r} in {folder}; there are {known}")
    return chosen
