"""The files of `whydesk init`: a commented whydesk.yaml that the settings took, and a `.env` that loses nothing."""

import difflib
import json
import os
import re
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.env_file import ENV_FILE, parse_line, read_env_file
from cli.errors import UsageProblem
from cli.init_answers import Answers, split
from cli.init_merge import merge
from cli.init_parts import Key, Part
from settings import ConfigError, Settings

CONFIG_FILE = "whydesk.yaml"
_WIDTH = 110
_HEAD = """\
# Written by `whydesk init`. Every key, also those that are not here: docs/configuration.md.
# Secrets do not stand here: `env:NAME` is a variable of the process, or of the file .env beside this one.
"""
_ENV_HEAD = """\
# Read by `whydesk` beside whydesk.yaml; what is set in the process itself counts first. Keep it out of version control.
# One NAME=value on a line; quotes around a value are taken off.
"""


@dataclass(frozen=True)
class Change:
    """What one file is to become."""

    path: Path
    before: str | None
    """None where there is no file yet."""
    after: str
    shown: str
    """The difference for a person, without secrets."""
    private: bool = False
    """Readable by its owner alone; and nothing of it is lost, so no second copy of its secrets is kept."""

    @property
    def is_needed(self) -> bool:
        """Whether the file does not say so already."""
        return self.before != self.after

    @property
    def replaces(self) -> bool:
        """Whether there is a file that would be another."""
        return self.before is not None and self.is_needed


def render_config(answers: Answers) -> str:
    """Return whydesk.yaml, with a line above each key that says what it is and where to find the value."""
    return "\n".join([*_HEAD.splitlines(), "tenants:", *_tenant_lines(answers)]) + "\n"


def _tenant_lines(answers: Answers) -> list[str]:
    lines = [
        "  # The tenant's id; it is part of the webhook's address.",
        f"  {answers.tenant}:",
        "    # off, shadow (investigate and record, post nothing) or note. Change it when you trust what you see.",
        "    mode: shadow",
        "",
        "    # The name below is part of the webhook's address too.",
        "    helpdesks:",
        *_part(answers, answers.helpdesk, [f"kind: {answers.helpdesk.name}"]),
    ]
    if answers.connectors:
        lines += ["", "    # What is left out is skipped, and the note says so.", "    connectors:"]
        for part in answers.connectors:
            lines += _part(answers, part, [])
    if any(part.name == "clickhouse" for part in answers.connectors):
        lines += [
            "",
            "    # Where your logs stand: put here what `whydesk doctor --suggest` proposes, and see docs/tables.md.",
            "    tables: {}",
        ]
    return lines


def _part(answers: Answers, part: Part, first: list[str]) -> Iterator[str]:
    yield f"      # {part.says[0].upper()}{part.says[1:]}."
    yield f"      {part.name}:"
    for line in first:
        yield "        # Which protocol it speaks: zendesk or standard."
        yield f"        {line}"
    for key in part.keys:
        yield from _comment(key.says, "        ")
        yield from _value(key, answers.value(part, key))
    for secret in part.secrets:
        yield from _comment(secret.says, "        ")
        variable = f"env:{answers.variable(secret)}"
        yield f"        {secret.name}: {f'[{variable}]' if secret.is_list else variable}"


def _value(key: Key, text: str) -> Iterator[str]:
    if key.kind == "pages":
        yield f"        {key.name}:"
        for item in split(text):
            name, _, url = item.rpartition("=")
            yield f"          - name: {_quoted(name or 'Status page')}"
            yield f"            url: {_quoted(url)}"
    elif key.kind == "list":
        yield f"        {key.name}: [{', '.join(map(_quoted, split(text)))}]"
    else:
        yield f"        {key.name}: {_quoted(text)}"


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _quoted(text: str) -> str:
    """Quote for YAML, of whose double-quoted strings JSON's are a part."""
    return json.dumps(text, ensure_ascii=False)


def plan_config(answers: Answers, folder: Path, environ: Mapping[str, str]) -> Change:
    """Render whydesk.yaml with what it says of other tenants, prove that the settings take it, and compare it with what is there.

    Raises:
        UsageProblem: the folder cannot be written to, or the file that is there cannot be added to.
        ConfigError: the settings do not take it; nothing was changed.
    """
    path = folder / CONFIG_FILE
    before = read_if_there(path)
    merged = merge(before, answers, _tenant_lines(answers), path) if before is not None else None
    after = merged or render_config(answers)
    load_beside(path, after, environ)
    difference = difflib.unified_diff(
        (before or "").splitlines(), after.splitlines(), f"{CONFIG_FILE} now", f"{CONFIG_FILE} then", lineterm=""
    )
    return Change(path, before, after, "\n".join(difference))


def load_beside(path: Path, text: str, environ: Mapping[str, str]) -> Settings:
    """Load a configuration as if it stood at `path`; secrets that are not there yet are filled in with a word.

    Raises:
        UsageProblem, ConfigError: as `plan_config`.
    """
    there = {name: value for name, value in environ.items() if value}
    filled = dict.fromkeys(re.findall(r"env:(\w+)", text), "not filled in yet") | there
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".yaml") as trial:
            trial.write(text)
            trial.flush()
            try:
                return Settings.load(filled, Path(trial.name))
            except ConfigError as error:
                raise ConfigError([one.replace(trial.name, str(path)) for one in error.problems]) from None
    except OSError as error:
        raise UsageProblem(
            f"nothing can be written in {str(path.parent)!r} ({error.strerror}); choose another folder with --dir"
        ) from None


def plan_env(answers: Answers, folder: Path, port: int | None) -> Change:
    """Add to `.env` the variables that it lacks; a value that stands there is kept.

    Raises:
        UsageProblem: the file cannot be read.
        ConfigError: a line of it is no variable.
    """
    path = folder / ENV_FILE
    before = read_if_there(path)
    there = read_env_file(path)
    lines = (before if before is not None else _ENV_HEAD).splitlines()
    notes: list[str] = []
    for name, says, value in _wanted(answers, there, port):
        if name not in there:
            lines += ["", *_comment(says, ""), f"{name}={value}"]
            notes.append(f"+ {name}" + ("" if value else " (empty, to be filled in)"))
        elif value and not there[name]:
            lines = [f"{name}={value}" if (parse_line(line) or ("",))[0] == name else line for line in lines]
            notes.append(f"~ {name} (was empty)")
    after = "\n".join(lines) + "\n" if notes or before is None else before
    return Change(path, before, after, "\n".join([f"{ENV_FILE}: every value that stands there is kept", *notes]), True)


def _wanted(answers: Answers, there: Mapping[str, str], port: int | None) -> Iterator[tuple[str, str, str]]:
    for part in answers.parts:
        for secret in part.secrets:
            name = answers.variable(secret)
            made = secret.make() if secret.make and not there.get(name) else ""
            yield name, f"{answers.tenant + ', ' if answers.prefix else ''}{part.name}: {secret.says}", made
    if port is not None:
        yield "WHYDESK_GATEWAY_PORT", "Port that the gateway listens on", str(port)


def read_if_there(path: Path) -> str | None:
    """Return a file's text, None where there is no file.

    Raises:
        UsageProblem: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageProblem(f"{str(path)!r} cannot be read ({reason}); move it away, or choose another --dir") from None


def write(change: Change) -> list[str]:
    """Write one file whole or not at all; return what to tell of it.

    Raises:
        UsageProblem: it cannot be written.
    """
    told = []
    try:
        if change.is_needed:
            if change.before is not None and not change.private:
                told.append(f"kept     {_keep(change.path, change.before)}")
            _replace(change.path, change.after, change.private)
            told.append(f"written  {change.path}")
        else:
            told.append(f"as it is {change.path}")
            if change.private and change.path.stat().st_mode & 0o077:
                change.path.chmod(0o600)
                told.append(f"closed   {change.path}: others on this machine could read it; mode 0600 now")
    except OSError as error:
        raise UsageProblem(
            f"{str(change.path)!r} cannot be written ({error.strerror}); nothing of it changed"
        ) from None
    return told


def _keep(path: Path, text: str) -> Path:
    """Save what is about to be replaced, beside earlier ones."""
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.bak{number or ''}")
        try:
            with backup.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return backup


def _replace(path: Path, text: str, private: bool) -> None:
    target = path.resolve()
    mode = 0o600 if private else target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp made it for the owner alone, so no other ever could read a secret in between.
        os.chmod(name, mode)
        os.replace(name, target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
