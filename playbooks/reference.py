"""Generated parts of docs/playbooks.md: functions, symptoms, operations. `python -m playbooks.reference` writes them anew."""

from collections.abc import Callable, Collection
from pathlib import Path

from connectors.registry import SOURCES, operations_of
from models.vocabulary import Source
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


def operations_table(sources: Collection[Source] = SOURCES) -> str:
    """List every operation of the sources but ClickHouse's."""
    lines = ["| source | operation | parameters (`*` is needed) | columns |", "|---|---|---|---|"]
    for source in sources:
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
}


def sources_in(text: str) -> list[Source]:
    """Return the sources whose operations a document lists.

    A document may come after a source as a whole, so that a new connector needs no more than its own module; what it says of the
    sources that it lists is as the code is.
    """
    return [source for source in SOURCES if f"\n| {source.value} | `" in text]


def regenerate(text: str, sources: Collection[Source] = SOURCES) -> str:
    """Return the document with its generated parts as the code has them now."""
    parts: dict[str, Callable[[], str]] = {**PARTS, "operations": lambda: operations_table(sources)}
    for name, part in parts.items():
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, mark, after = rest.partition(end)
        if not mark:
            raise LookupError(f"docs/playbooks.md has no part {name!r}; put its two comments back")
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


if __name__ == "__main__":
    DOCS.write_text(regenerate(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
