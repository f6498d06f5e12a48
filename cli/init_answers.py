"""What was answered to `whydesk init`, checked as it comes: by flags, and by questions where a person is there."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import typer
from pydantic import HttpUrl, TypeAdapter, ValidationError

from cli.errors import UsageProblem, no_such
from cli.init_parts import CONNECTORS, HELPDESKS, Key, Part, Secret

T = TypeVar("T")
PUBLIC = "https://YOUR-GATEWAY"
"""Stands for the address at which the helpdesk reaches the gateway, where it was not told."""
_TENANT = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Answers:
    """All that the files are made of."""

    tenant: str
    helpdesk: Part
    connectors: tuple[Part, ...]
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    """Part and key to what was answered."""
    public: str = PUBLIC
    prefix: str = ""
    """Begins the names of this tenant's variables, where another tenant has the plain ones."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The helpdesk and the sources."""
        return (self.helpdesk, *self.connectors)

    def value(self, part: Part, key: Key) -> str:
        """Return what is written under a key."""
        return self.values.get((part.name, key.name), key.value)

    def variable(self, secret: Secret) -> str:
        """Return the name of the variable that holds a secret of this tenant."""
        return self.prefix + secret.variable

    def open_keys(self, part: Part) -> list[str]:
        """Name the keys that still hold only a place."""
        return [key.name for key in part.keys if key.needed and self.value(part, key) == key.value]


def check_tenant(text: str) -> str:
    """Return a tenant's id.

    Raises:
        UsageProblem: it is none.
    """
    if not _TENANT.fullmatch(text):
        expected = "lower-case letters, digits and hyphens, a letter first, 40 at most"
        raise UsageProblem(f"{text!r} is not a tenant's id; expected {expected}")
    return text


def find_helpdesk(name: str) -> Part:
    """Return a helpdesk by its kind.

    Raises:
        UsageProblem: there is none of that name, with the one that was probably meant.
    """
    if name not in HELPDESKS:
        raise no_such("helpdesk", name, HELPDESKS)
    return HELPDESKS[name]


def find_connectors(names: Sequence[str]) -> tuple[Part, ...]:
    """Return sources by their names, each once.

    Raises:
        UsageProblem: there is none of a name, with the one that was probably meant.
    """
    for name in names:
        if name not in CONNECTORS:
            raise no_such("connector", name, CONNECTORS)
    return tuple(CONNECTORS[name] for name in dict.fromkeys(names))


def check_url(text: str) -> str:
    """Return an http(s) address as it was written.

    Raises:
        UsageProblem: it is none, or its port is none.
    """
    try:
        TypeAdapter(HttpUrl).validate_python(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Input should be a valid URL, ")
        raise UsageProblem(f"{text!r} is not an http(s) address ({said}); write it like https://host:8443") from None
    return text


def check_value(key: Key, text: str) -> str:
    """Return an answer for a key.

    Raises:
        UsageProblem: it does not fit.
    """
    text = text.strip()
    if not text.isprintable():
        raise UsageProblem(f"{key.name}: {text!r} holds signs that cannot be printed; write one line of text")
    if key.needed and not text:
        raise UsageProblem(f"{key.name} must not be empty: {key.says}")
    if key.kind == "url":
        return check_url(text)
    for item in split(text) if key.kind in ("list", "pages") else ():
        if key.kind == "pages":
            check_url(item.rpartition("=")[2])
        elif not re.fullmatch(r"[^/\s]+/[^/\s]+", item):
            raise UsageProblem(f"{item!r} is not a repository; write owner/name, and commas between several")
    return text


def split(text: str) -> list[str]:
    """Return the items of a list that a person wrote with commas."""
    return [item.strip() for item in text.split(",") if item.strip()]


def read_values(parts: Sequence[Part], assignments: Sequence[str]) -> dict[tuple[str, str], str]:
    """Read `PART.KEY=VALUE`, as `--set` takes it.

    Raises:
        UsageProblem: not of that form, a part that was not chosen, or a key that init does not write.
    """
    values: dict[tuple[str, str], str] = {}
    by_name = {part.name: part for part in parts}
    for assignment in assignments:
        place, equals, text = assignment.partition("=")
        name, dot, key_name = place.partition(".")
        if not (equals and dot):
            raise UsageProblem(f"--set {assignment!r}: write PART.KEY=VALUE, such as clickhouse.url=https://host:8443")
        if name not in by_name:
            raise no_such("chosen helpdesk or connector", name, by_name)
        keys = {key.name: key for key in by_name[name].keys}
        if key_name not in keys:
            if key_name in {secret.name for secret in by_name[name].secrets}:
                raise UsageProblem(f"--set {place}: a secret belongs into .env, not on a command line")
            raise no_such(f"key of {name}", key_name, keys)
        values[name, key_name] = check_value(keys[key_name], text)
    return values


def by_questions(
    tenant: str | None,
    helpdesk: str | None,
    connectors: Sequence[str],
    assignments: Sequence[str],
    public: str | None,
) -> Answers:
    """Ask a person for what the flags left open; what does not fit is asked again."""
    chosen = check_tenant(tenant) if tenant else _ask("Short name of your company (the tenant's id)", check_tenant)
    kinds = ", ".join(f"{part.name} ({part.says})" for part in HELPDESKS.values())
    desk = find_helpdesk(helpdesk) if helpdesk else _ask(f"Helpdesk: {kinds}", find_helpdesk, "zendesk")
    sources = find_connectors(connectors) if connectors else _ask_connectors()
    values = read_values((desk, *sources), assignments)
    typer.echo(
        "\nEnter keeps what stands in brackets; all of it can be changed by hand later. Keys are not asked for here."
    )
    for part in (desk, *sources):
        for key in part.keys:
            if (part.name, key.name) not in values:
                values[part.name, key.name] = _ask_key(part, key)
    address = check_url(public) if public else _ask_public()
    return Answers(chosen, desk, sources, values, address)


def _ask(question: str, check: Callable[[str], T], default: str | None = None) -> T:
    def proc(text: str) -> T:
        try:
            return check(text.strip())
        except UsageProblem as problem:
            raise typer.BadParameter(str(problem)) from None

    found: T = typer.prompt(question, default=default, value_proc=proc)
    return found


def _ask_connectors() -> tuple[Part, ...]:
    typer.echo("Sources:")
    for part in CONNECTORS.values():
        typer.echo(f"  {part.name:<11}{part.says}")
    return _ask(
        "Which of them, with commas (one is enough to begin with)",
        lambda text: find_connectors([] if text == "none" else split(text)),
        "none",
    )


def _ask_key(part: Part, key: Key) -> str:
    typer.echo(f"\n{part.name}.{key.name}: {key.says}")
    return _ask(f"{part.name}.{key.name}", lambda text: check_value(key, text), key.value)


def _ask_public() -> str:
    typer.echo(
        "\nThe address at which your helpdesk reaches the gateway, such as https://whydesk.your-company.example."
    )
    return _ask("Gateway", lambda text: text if text == PUBLIC else check_url(text), PUBLIC).rstrip("/")
