"""Writes a world as YAML that people can read in a diff: one entry a line, the same bytes for the same world."""

import json
from pathlib import Path

from pydantic import BaseModel, JsonValue

from evals.generate.make import Made
from sandbox.world import Page
from sandbox.world_base import format_offset

TRUTH = Path("truth") / "whybench.json"


def write_world(made: Made, folder: Path) -> None:
    """Write all files of a world into a folder that does not exist yet, or is empty.

    Raises:
        FileExistsError: there is something in the folder already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a folder that does not exist yet")
    (folder / "docs").mkdir(parents=True)
    (folder / TRUTH).parent.mkdir()
    for name, part in made.files.items():
        (folder / name).write_text(_yaml(part), encoding="utf-8")
    for page in made.pages:
        (folder / "docs" / page.path).write_text(_page(page), encoding="utf-8")
    truth = json.dumps(made.bench.model_dump(mode="json"), ensure_ascii=False, indent=1)
    (folder / TRUTH).write_text(truth + "\n", encoding="utf-8")


def _page(page: Page) -> str:
    return f"---\ntitle: {_flow(page.title)}\nupdated: {format_offset(page.updated)}\n---\n{page.body}"


def _yaml(part: BaseModel) -> str:
    lines: list[str] = []
    for key, value in part.model_dump(mode="json", exclude_defaults=True).items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:", *(f"- {_flow(entry)}" for entry in value)]
        elif isinstance(value, dict):
            lines += [f"{key}:", *(f"  {_flow(name)}: {_flow(entry)}" for name, entry in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: JsonValue) -> str:
    """Return a value as JSON, which is YAML as well."""
    return json.dumps(value, ensure_ascii=False)
