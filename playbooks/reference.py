"""Generated parts of docs/playbooks.md: functions, symptoms, operations. `python -m playbooks.reference` writes them anew."""

from collections.abc import Callable
from pathlib import Path

from connectors.registry import SOURCES, operations_of
from reasoning.facts import FUNCTIONS
from reasoning.symptoms import SYMPTOMS

DOCS = Path(__file__).parent.parent / "docs" / "playbooks.md"


def functions_table() -> str:
    """List every function that a fact may name."""
    lines = ["| function | arguments (`?` may be left out) | gives | what it does |", "|---|---|---|---|"]
    for function in FUNCTIONS.values():
        arguments = ", ".join(
            f"`{argument.name}{'?' if argument.optional else ''}` {argument.takes.value}"
            for argument in function.arguments
        )
        gives = "by unit" if function.gives == "any" else function.gives
        lines.append(f"| `{function.name}` | {arguments} | {gives} | {function.doc} |")
    return "\n".join(lines)


def symptoms_list() -> str:
    """List every symptom."""
    return ", ".join(f"`{name}`" for name in SYMPTOMS)


def operations_table() -> str:
    """List every operation of every source but ClickHouse."""
    lines = ["| source | operation | parameters (`*` is needed) | columns |", "|---|---|---|---|"]
    for source in SOURCES:
        for name, operation in operations_of(source).items():
            parameters = ", ".join(
                f"`{each}{'*' if each in operation.required else ''}`" for each in sorted(operation.names)
            )
            lines.append(
                f"| {source.value} | `{name}` | {parameters or 'none'} | {', '.join(sorted(operation.columns))} |"
            )
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "functions": functions_table,
    "symptoms": symptoms_list,
    "operations": operations_table,
}


def regenerate(text: str) -> str:
    """Return the document with its generated parts as the code has them now."""
    for name, part in PARTS.items():
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, mark, after = rest.partition(end)
        if not mark:
            raise LookupError(f"docs/playbooks.md has no part {name!r}; put its two comments back")
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


if __name__ == "__main__":
    DOCS.write_text(regenerate(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
