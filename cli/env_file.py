"""The file `.env` beside whydesk.yaml: variables that the environment of a process does not have itself."""

import re
from collections.abc import Mapping
from pathlib import Path

from settings import ConfigError

ENV_FILE = ".env"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")


def with_env_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with what `.env` beside whydesk.yaml adds; what is set in the process itself counts first.

    A file that this user may not read adds nothing: a supervisor may have read it for the process.

    Raises:
        ConfigError: lines that are no `NAME=value`; their text is not shown.
    """
    config = Path(environ.get("WHYDESK_CONFIG") or "whydesk.yaml")
    try:
        found = read_env_file(config.parent / ENV_FILE)
    except PermissionError:
        return dict(environ)
    return {**found, **environ}


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a file; none where there is no file.

    Raises:
        ConfigError: lines that are no `NAME=value`, or a file that is not UTF-8.
        PermissionError: this user may not read it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return {}
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: cannot be read (not UTF-8)"]) from None
    found: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        variable = parse_line(line)
        if variable is not None:
            found[variable[0]] = variable[1]
        elif line.strip() and not line.lstrip().startswith("#"):
            problems.append(f"{path}:{number}: not NAME=value; a value stands on one line, without spaces around the =")
    if problems:
        raise ConfigError(problems)
    return found


def parse_line(line: str) -> tuple[str, str] | None:
    """Return the name and the value of a line; None for what is no variable. Quotes around a value are taken off."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        return None
    name, value = match[1], match[2].strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return name, value
