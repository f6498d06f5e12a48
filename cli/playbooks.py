"""`whydesk playbooks`: what an engineer needs while writing one."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from cli.playbook_channels import candidate, compare_candidates, promote, rollback
from cli.playbook_reading import explain, show
from cli.playbook_release import release
from cli.playbook_shelf import SHIPPED, AsJson, Folder, chosen, load_folder
from cli.playbook_writing import capture, new
from cli.terminal import wide_enough
from playbooks.fixtures import run_fixtures
from playbooks.library import FIXTURES, LoadedPlaybook
from playbooks.schema import fixture_schema, playbook_schema, write_schemas

app = typer.Typer(help="Playbooks: write, check, test, and understand them.", no_args_is_help=True)
app.command("new")(new)


@app.command("list")
def list_playbooks(folder: Folder = SHIPPED, as_json: AsJson = False) -> None:
    """List the playbooks of a folder, and which are past their review date."""
    today = datetime.now(UTC).date()
    found = [_line(loaded, today) for loaded in load_folder(folder).all()]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(
        Column("playbook", no_wrap=True),
        Column("title", overflow="fold"),
        Column("owner", overflow="fold"),
        Column("review by", overflow="fold", min_width=10),
        Column("queries, hypotheses, fixtures", justify="right", min_width=12),
    )
    for one in found:
        due = (
            Text(f"{one['review_by']} (past)", style="bold red") if one["past_review"] else Text(f"{one['review_by']}")
        )
        sizes = ", ".join(str(one[name]) for name in ("queries", "hypotheses", "fixtures"))
        table.add_row(f"{one['id']}@{one['version']}", Text(f"{one['title']}"), Text(f"{one['owner']}"), due, sizes)
    wide_enough().print(table)


@app.command()
def validate(folder: Annotated[Path, typer.Argument(help="A folder of playbooks.")] = SHIPPED) -> None:
    """Name every mistake with its file, line, field and remedy."""
    found = load_folder(folder).all()
    print(f"{folder}: {len(found)} {'playbook' if len(found) == 1 else 'playbooks'}, all valid")


app.command("show")(show)
app.command("explain")(explain)


@app.command("test")
def run_tests(
    name: Annotated[str | None, typer.Argument(help="A playbook's id, or ID@VERSION; all if left out.")] = None,
    folder: Folder = SHIPPED,
    as_json: AsJson = False,
) -> None:
    """Run the fixtures beside the playbooks: evidence in, diagnosis out. They belong to the newest version."""
    results = [(loaded.playbook, result) for loaded in chosen(folder, name) for result in run_fixtures(loaded)]
    failed = sum(not result.passed for _, result in results)
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "playbook": f"{book.id}@{book.version}",
                        "fixture": result.name,
                        "passed": result.passed,
                        "differences": result.differences,
                    }
                    for book, result in results
                ],
                indent=2,
            )
        )
    else:
        for book, result in results:
            print(f"{'ok  ' if result.passed else 'FAIL'} {book.id}@{book.version} {result.name}")
            for line in result.differences:
                print(f"     {line}")
        if not results:
            print(f"no fixtures: write one in {folder}/<id>/{FIXTURES}/")
    if failed:
        raise typer.Exit(1)


app.command("capture")(capture)


@app.command()
def schema(
    fixture: Annotated[bool, typer.Option("--fixture", help="That of a fixture.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write both into the folder, where editors look.")] = False,
    folder: Folder = SHIPPED,
) -> None:
    """Print the JSON Schema of a playbook, for editors."""
    if write:
        for path in write_schemas(folder):
            print(path)
        return
    print(json.dumps(fixture_schema() if fixture else playbook_schema(), indent=2))


def _line(loaded: LoadedPlaybook, today: date) -> dict[str, str | int | bool]:
    book = loaded.playbook
    return {
        "id": book.id,
        "version": book.version,
        "title": book.title,
        "owner": book.owner,
        "review_by": f"{book.review_by}",
        "past_review": book.review_by < today,
        "queries": len(book.queries),
        "hypotheses": len(book.hypotheses),
        "fixtures": len(list((loaded.path.parent / FIXTURES).glob("*.yaml"))),
        "digest": loaded.digest,
        "path": str(loaded.path),
    }


app.command("release")(release)
app.command("promote")(promote)
app.command("rollback")(rollback)
app.command("candidate")(candidate)
app.command("compare")(compare_candidates)
