"""Reads a world from its folder, and names every mistake with its file and line."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, JsonValue, ValidationError

from sandbox.world import BugsFile, CustomersFile, Page, StatusFile, World, WorldFile
from sandbox.world_base import Part
from sandbox.world_billing import BillingFile, DeploymentsFile
from sandbox.world_checks import check_world
from sandbox.world_logs import LogsFile
from sandbox.world_references import Location
from sandbox.world_tickets import TenantFile, TicketsFile, TruthFile

FILES: dict[str, type[BaseModel]] = {
    "world.yaml": WorldFile,
    "customers.yaml": CustomersFile,
    "logs.yaml": LogsFile,
    "bugs.yaml": BugsFile,
    "billing.yaml": BillingFile,
    "deployments.yaml": DeploymentsFile,
    "status.yaml": StatusFile,
    "tickets.yaml": TicketsFile,
    "tenant.yaml": TenantFile,
    "truth.yaml": TruthFile,
}
"""Every YAML file of a world and what it holds; all are required."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FENCE = "---\n"


class WorldError(Exception):
    """The folder holds no valid world; `problems` lists every mistake."""

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        """Keep the problems, one a line."""
        super().__init__(f"{path} is not a valid world:\n" + "\n".join(problems))
        self.problems = list(problems)


class _FrontMatter(Part):
    """What stands between the fences at the top of a page."""

    title: str
    updated: str


@dataclass
class _Source:
    """The parsed YAML of one file: its node tree remembers lines."""

    name: str
    node: yaml.Node | None = None

    def line(self, location: Location) -> int:
        """Return the line of the deepest part of a location that exists, counted from 1."""
        node, line = self.node, 1
        for step in location:
            if node is not None:
                line = node.start_mark.line + 1
            node = _child(node, step)
            if node is None:
                return line
        return node.start_mark.line + 1 if node is not None else line

    def describe(self, location: Location, message: str) -> str:
        """Write a problem as `file:line: where: message`."""
        where = ".".join(str(step) for step in location)
        return f"{self.name}:{self.line(location)}: {where + ': ' if where else ''}{message}"


@dataclass
class _Reading:
    """One pass over a folder."""

    path: Path
    problems: list[str] = field(default_factory=list)
    sources: dict[str, _Source] = field(default_factory=dict)
    parts: dict[str, BaseModel] = field(default_factory=dict)

    def read(self) -> World | None:
        """Read all files; None if any of them is unreadable or of the wrong shape."""
        if not self.path.is_dir():
            self.problems.append(f"{self.path}: no such folder; a world is a folder with {', '.join(FILES)} and docs/")
            return None
        for name, model in FILES.items():
            self._read_file(name, model)
        pages = list(self._read_pages())
        if self.problems:
            return None
        parts = {name.removesuffix(".yaml"): part for name, part in self.parts.items()}
        customers = parts.pop("customers")
        assert isinstance(customers, CustomersFile)
        about = parts.pop("world")
        return World.model_validate({"about": about, "customers": customers.customers, "docs": pages, **parts})

    def _read_file(self, name: str, model: type[BaseModel]) -> None:
        source = self.sources[name] = _Source(name)
        try:
            text = (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            self.problems.append(f"{name}:1: the file is missing; docs/worlds.md says what it holds")
            return
        try:
            loader = _LOADER(text)
            source.node = loader.get_single_node()
            data = loader.construct_document(source.node) if source.node is not None else {}
        except yaml.MarkedYAMLError as problem:
            line = problem.problem_mark.line + 1 if problem.problem_mark else 1
            self.problems.append(f"{name}:{line}: not YAML: {problem.problem}")
            return
        self.problems += [source.describe(location, message) for location, message in _doubled_keys(source.node)]
        try:
            self.parts[name] = model.model_validate(data)
        except ValidationError as error:
            self.problems += [source.describe(*_explain(detail["loc"], detail["msg"])) for detail in error.errors()]

    def _read_pages(self) -> Iterator[Page]:
        for file in sorted((self.path / "docs").glob("**/*.md")):
            name = file.relative_to(self.path).as_posix()
            head, _, body = file.read_text(encoding="utf-8").removeprefix(_FENCE).partition(_FENCE)
            try:
                front = _FrontMatter.model_validate(yaml.load(head, Loader=_LOADER))  # noqa: S506  # a safe loader
                path = file.relative_to(self.path / "docs").as_posix()
                yield Page.model_validate({"path": path, "title": front.title, "updated": front.updated, "body": body})
            except (ValidationError, yaml.YAMLError):
                self.problems.append(
                    f"{name}:1: a page starts with front matter: ---, title: …, updated: -20d, --- on lines of their own"
                )


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _doubled_keys(node: yaml.Node | None, at: Location = ()) -> Iterator[tuple[Location, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*at, key.value), "the key is there twice and YAML would keep only the last: delete one"
            seen.add(key.value)
            yield from _doubled_keys(value, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _doubled_keys(value, (*at, index))


def _explain(location: Iterable[int | str], message: str) -> tuple[Location, str]:
    words = message.removeprefix("Value error, ")
    if words == "Extra inputs are not permitted":
        words = "unknown key: delete it or mend its spelling (docs/worlds.md lists the keys)"
    elif words == "Field required":
        words = "this key is required: add it"
    return tuple(location), words


def load_world(path: Path | str) -> World:
    """Read and check the world in a folder.

    Raises:
        WorldError: with every mistake, as `validate_world` returns them.
    """
    folder = Path(path)
    reading = _Reading(folder)
    world = reading.read()
    if world is not None:
        reading.problems += [reading.sources[file].describe(at, message) for file, at, message in check_world(world)]
    if world is None or reading.problems:
        raise WorldError(folder, reading.problems)
    return world


def validate_world(path: Path | str) -> list[str]:
    """Return every mistake of a world as `file:line: where: what is wrong and what to do`; empty if it is valid."""
    try:
        load_world(path)
    except WorldError as error:
        return error.problems
    return []


def json_schema(file: str) -> dict[str, JsonValue]:
    """Return the JSON Schema of one kind of file, such as `customers.yaml`; a KeyError names those that exist."""
    if file not in FILES:
        raise KeyError(f"{file!r} is no file of a world; there are {', '.join(FILES)}")
    schema: dict[str, JsonValue] = FILES[file].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
