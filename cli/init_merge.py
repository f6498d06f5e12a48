"""Puts one tenant into a whydesk.yaml that has others, as text: what a person wrote about the others stays to the letter."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from cli.errors import UsageProblem
from cli.init_answers import Answers


@dataclass(frozen=True)
class _Block:
    """The lines of one tenant, the comments right above it among them."""

    tenant: str
    start: int
    end: int
    column: int


def merge(before: str, answers: Answers, lines: list[str], path: Path) -> str | None:
    """Return the file with these lines as the tenant's: in place of those it has, else after the last of the others.

    Args:
        before: The file as it is.
        answers: Whose lines they are.
        lines: The tenant's mapping, indented by two.
        path: For messages.

    Returns None where the file has no tenants yet, and nothing of it is to be kept.

    Raises:
        UsageProblem: it is not YAML, or its tenants are not written one below the other.
    """
    blocks = _blocks(before, path)
    if not blocks:
        return None
    shift = " " * (blocks[0].column - 2)
    block = [f"{shift}{line}" if line else "" for line in lines]
    there = before.splitlines()
    own = next((one for one in blocks if one.tenant == answers.tenant), None)
    if own is None:
        after = [*there, "", *block]
    else:
        after = [*there[: own.start], *block, *([""] if own is not blocks[-1] else []), *there[own.end :]]
    text = "\n".join(after) + "\n"
    if _others(text, answers.tenant) != _others(before, answers.tenant):
        raise UsageProblem(
            f"{str(path)!r} is written in a way that {answers.tenant!r} cannot be put into without changing the rest; "
            "let `whydesk init --dir FOLDER` write it elsewhere, and copy its part over"
        )
    return text


def with_own_variables(answers: Answers, before: str | None) -> Answers:
    """Return the answers with variables that no other tenant of the file refers to: a key of one is not another's."""
    if before is None:
        return answers
    others = str(_others(before, answers.tenant))
    if not any(re.search(rf"env:{secret.variable}\b", others) for part in answers.parts for secret in part.secrets):
        return answers
    return replace(answers, prefix=answers.tenant.upper().replace("-", "_") + "_")


def _blocks(text: str, path: Path) -> list[_Block]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageProblem(
            f"{path}:{line}: {error.problem or 'not YAML'}; mend the syntax first, or choose another --dir"
        ) from None
    if not isinstance(root, yaml.MappingNode):
        return []
    tenants = next((value for key, value in root.value if key.value == "tenants"), None)
    if not isinstance(tenants, yaml.MappingNode) or not tenants.value:
        return []
    lines = text.splitlines()
    marks = [(str(key.value), key.start_mark) for key, _ in tenants.value]
    starts = [_with_comments(lines, mark.line) for _, mark in marks]
    # Only `tenants` may stand at the top: the last one ends with the file.
    ends = [*starts[1:], len(lines)]
    return [_Block(name, start, end, mark.column) for (name, mark), start, end in zip(marks, starts, ends, strict=True)]


def _with_comments(lines: list[str], number: int) -> int:
    while number and lines[number - 1].lstrip().startswith("#"):
        number -= 1
    return number


def _others(text: str, tenant: str) -> dict[str, object]:
    """Return what the file says of the other tenants; nothing where it says nothing that can be read."""
    try:
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # it makes nothing but texts
    except yaml.YAMLError:
        return {}
    tenants = data.get("tenants") if isinstance(data, dict) else None
    return {name: value for name, value in tenants.items() if name != tenant} if isinstance(tenants, dict) else {}
