"""The generated documentation: `python -m cli.reference --write` makes docs/cli.md and parts of docs/configuration.md anew."""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from cli.main import application
from cli.reference_keys import CONFIGURATION, regenerate

ROOT = Path(__file__).parent.parent
COMMANDS = ROOT / "docs" / "cli.md"

_LOOKED: dict[int, str] = {
    0: "the note has a cause, or says that nothing is wrong",
    1: "the investigation failed, or its note could not be posted",
    3: "inconclusive",
    4: "the ticket lacks information; the note has the question to send",
    5: "there was nothing to look into",
    130: "stopped with Ctrl-C; the investigation goes on",
}

EXITS: dict[str, dict[int, str]] = {
    "init": {1: "you declined a change; nothing was written"},
    "demo": {
        1: "a ticket did not get what it should, or you declined the cost of a model",
        130: "stopped with Ctrl-C; nothing is left running",
    },
    "doctor": {
        1: "something fails; with `--suggest`: a ClickHouse did not name its columns",
        2: "the configuration has a problem",
    },
    "ask": {1: "the source gave no answer: it was skipped, denied, slow or down"},
    "investigate": _LOOKED,
    "reinvestigate": _LOOKED,
    "rediagnose": {code: f"with `--post`: {said}" for code, said in _LOOKED.items() if code},
    "backtest": {
        1: "it is not done: the money is spent, or something could not be looked at",
        3: "something is worse than what was said then",
        130: "stopped with Ctrl-C; the backtest goes on",
    },
    "eval": {130: "stopped with Ctrl-C; nothing is left running, and the same `--out` goes on"},
    "feedback": {1: "with `--from-tags`: something could not be read"},
    "forget": {1: "something can still be read, or you declined; what was declined is as it was"},
    "replay": {1: "a history is not what today's code would do"},
    "world validate": {1: "the world has a problem"},
    "playbooks test": {1: "a fixture fails"},
    "playbooks release": {1: "refused: a fixture fails, or it is worse than the stable version"},
    "audit verify": {1: "the chain is broken; the first broken entry is named"},
}
"""What a command's exit codes say beyond the two that all have."""

_HEAD = """\
# Commands

<!-- Generated: `python -m cli.reference --write` makes this page anew. -->

`make` puts the command into `.venv/bin`. `whydesk COMMAND --help` says the same as this page. What the commands read from the
environment and from `whydesk.yaml` stands in [configuration](configuration.md).

Code 0 means that a command did what it was asked for. Code 2 means that you can mend what kept it from that: a wrong argument, a
mistake in the configuration, a port in use, no Temporal server. It then prints one line, `whydesk: …`, that says what to do;
[troubleshooting](troubleshooting.md) lists these messages. Further codes stand beside the command that has them.
"""

_KINDS: dict[object, str] = {str: "text", int: "whole number", float: "number", Path: "path"}


@dataclass(frozen=True)
class Command:
    """What is known of one command: its words after `whydesk`, its group's name and help, its parameters as Typer reads them."""

    words: str
    group: str
    group_doc: str
    doc: str
    callback: Callable[..., object]
    arguments: list[TyperArgument]
    options: list[TyperOption]

    @property
    def parameters(self) -> list[TyperArgument | TyperOption]:
        """All of them, in the order of the page."""
        return [*self.arguments, *self.options]

    def kind(self, parameter: TyperArgument | TyperOption) -> str:
        """Say what a parameter takes: its choices, or the name of its type."""
        return _kind(typing.get_type_hints(self.callback)[str(parameter.name)])


def commands() -> list[Command]:
    """Return every command of the application, groups' commands among them, in the order in which help lists them."""
    group = typer.main.get_command(application())
    assert isinstance(group, TyperGroup)
    return list(_below(group, ""))


def _below(group: TyperGroup, prefix: str) -> Iterator[Command]:
    # A group that does something by itself has a section of its own, and its commands stand beside it.
    of = "" if group.invoke_without_command else prefix.strip()
    for name, found in group.commands.items():
        does_something = not isinstance(found, TyperGroup) or found.invoke_without_command
        if found.callback is not None and not found.hidden and does_something:
            arguments = [one for one in found.params if isinstance(one, TyperArgument)]
            options = [one for one in found.params if isinstance(one, TyperOption) and not one.hidden]
            doc = inspect.cleandoc(found.help or "")
            yield Command(f"{prefix}{name}", of, group.help or "", doc, found.callback, arguments, options)
        if isinstance(found, TyperGroup):
            yield from _below(found, f"{prefix}{name} ")


def _kind(hint: object) -> str:
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return " or ".join(_kind(part) for part in parts)
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if typing.get_origin(hint) in (list, tuple):
        return f"{_kind(parts[0])}, repeatable"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    return _KINDS[hint]


def document() -> str:
    """Return docs/cli.md as the commands are now; it does not depend on the terminal."""
    found = commands()
    rows = [f"| [`whydesk {one.words}`](#whydesk-{_slug(one)}) | {_cell(_first_line(one.doc))} |" for one in found]
    overview = "\n".join(["| command | what it does |", "|---|---|", *rows])
    sections = [part for name, members in groupby(found, _group) for part in _group_sections(name, list(members))]
    return "\n\n".join([_HEAD.rstrip(), overview, *sections]) + "\n"


def _group(command: Command) -> str:
    return command.group


def _group_sections(name: str, members: list[Command]) -> Iterator[str]:
    """A group's commands stand below its own heading."""
    if name:
        yield f"## whydesk {name}\n\n{_cell(members[0].group_doc)}"
    for one in members:
        yield _section(one, "###" if name else "##")


def _section(command: Command, heading: str) -> str:
    usage = " ".join(["whydesk", command.words, *(_metavar(one) for one in command.arguments)])
    parts = [
        f"{heading} whydesk {command.words}",
        command.doc,
        f"```\n{usage}{' [OPTIONS]' if command.options else ''}\n```",
    ]
    if command.arguments:
        rows = [
            f"| `{_name(one)}` | {command.kind(one)} | {_default(one)} | {_help(one)} |" for one in command.arguments
        ]
        parts.append("\n".join(["| argument | takes | default | meaning |", "|---|---|---|---|", *rows]))
    if command.options:
        rows = [_option_row(command, one) for one in command.options]
        parts.append("\n".join(["| option | takes | default | meaning |", "|---|---|---|---|", *rows]))
    if command.words in EXITS:
        rows = [f"| {code} | {meaning} |" for code, meaning in EXITS[command.words].items()]
        parts.append("\n".join(["| exit code | meaning |", "|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def _option_row(command: Command, option: TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    takes = "nothing" if option.is_flag else command.kind(option)
    return f"| {names} | {takes} | {_default(option)} | {_help(option)} |"


def _name(argument: TyperArgument) -> str:
    return argument.metavar or str(argument.name).upper()


def _metavar(argument: TyperArgument) -> str:
    return _name(argument) if argument.required else f"[{_name(argument)}]"


def _default(parameter: TyperArgument | TyperOption) -> str:
    value = parameter.default
    if parameter.required:
        return "needed"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Path):
        # Where the checkout lies is no property of a command.
        inside = value.is_absolute() and value.is_relative_to(ROOT)
        return f"`{value.relative_to(ROOT).as_posix() if inside else value.as_posix()}`"
    if value in (None, "", [], ()):
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _help(parameter: TyperArgument | TyperOption) -> str:
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("at least", parameter.min), ("at most", parameter.max))
        if bound is not None
    ]
    return _cell(" ".join([parameter.help or "", f"({', '.join(bounds)})" if bounds else ""]).strip())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0]


def _slug(command: Command) -> str:
    return command.words.replace(" ", "-")


def main(arguments: list[str]) -> int:
    """Print docs/cli.md, or with `--write` write it and the generated parts of docs/configuration.md; return the exit code."""
    if arguments == ["--write"]:
        COMMANDS.write_text(document(), encoding="utf-8")
        CONFIGURATION.write_text(regenerate(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if arguments:
        print(
            f"unknown {arguments[0]!r}; only --write may be given, without it docs/cli.md is printed", file=sys.stderr
        )
        return 2
    print(document(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
