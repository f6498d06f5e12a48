"""Proposes the `tables` of a tenant from the names and types of the server's columns; no row is looked at.

found = suggest(await connector.columns())     # logical table to its Suggestion
print(as_yaml(found))                          # to be read by a person, corrected and put into whydesk.yaml
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.clickhouse_synonyms import PER_SECOND, REQUIRED, SYNONYMS, TABLE_WORDS, TO_MILLISECONDS
from models.tables import LOGICAL_TABLES, TableMapping

_HIDDEN = frozenset({"system", "information_schema"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WRAPPER = re.compile(r"(?:LowCardinality|Nullable)\((.*)\)")
_FLOOR = 40
"""The least score with which a column is proposed."""


@dataclass(frozen=True)
class ServerColumn:
    """One column as the server describes it."""

    database: str
    table: str
    name: str
    type: str


@dataclass(frozen=True)
class ColumnSuggestion:
    """What a logical column may be read from, and why."""

    expression: str
    """A column or an expression over columns, as it goes into the mapping."""
    why: str
    score: int
    """0 to 100; 100 is the same name and a fitting type."""
    check: str = ""
    """What a person has to look at before believing it."""


@dataclass(frozen=True)
class Suggestion:
    """A logical table's likeliest real table."""

    table: str
    """`database.table`; empty where none will do."""
    columns: dict[str, ColumnSuggestion] = field(default_factory=dict)
    """By logical column."""
    unmatched: dict[str, str] = field(default_factory=dict)
    """Logical column to what is known of it; queries that name it would fail."""

    @property
    def mapping(self) -> TableMapping | None:
        """The proposal as the configuration takes it; None where there is none."""
        if not self.table:
            return None
        given = {name: one.expression for name, one in self.columns.items() if one.expression != name}
        return TableMapping(table=self.table, columns=given)


def suggest(columns: Sequence[ServerColumn]) -> dict[str, Suggestion]:
    """Propose a table for each logical table; each real table is proposed once, where it fits best."""
    tables: dict[str, list[ServerColumn]] = {}
    for column in columns:
        if column.database.lower() not in _HIDDEN and _TABLE_NAME.fullmatch(column.table):
            tables.setdefault(f"{column.database}.{column.table}", []).append(column)
    offers = [
        (_table_score(logical, name, offer), logical, offer)
        for logical in LOGICAL_TABLES
        for name, own in sorted(tables.items())
        if not (offer := match_table(logical, name, own)).unmatched.keys() & set(REQUIRED[logical])
    ]
    found: dict[str, Suggestion] = {}
    for _, logical, offer in sorted(offers, key=lambda entry: (-entry[0], entry[1], entry[2].table)):
        if logical not in found and offer.table not in {one.table for one in found.values()}:
            found[logical] = offer
    nothing = "no table has a column for " + "{}"
    return {
        logical: found.get(logical) or Suggestion("", {}, {name: nothing.format(name) for name in REQUIRED[logical]})
        for logical in LOGICAL_TABLES
    }


def match_table(logical: str, table: str, columns: Sequence[ServerColumn]) -> Suggestion:
    """Match one real table's columns to a logical table's; a column serves one logical column, the one it fits best."""
    prefix = _shared_word(columns)
    offers = sorted(
        (
            (offer.score, wanted, column.name, offer)
            for wanted in LOGICAL_TABLES[logical]
            for column in columns
            if (offer := score_column(logical, wanted, column, prefix)) is not None
        ),
        key=lambda entry: (-entry[0], entry[1], entry[2]),
    )
    chosen: dict[str, ColumnSuggestion] = {}
    taken: set[str] = set()
    for _, wanted, name, offer in offers:
        if wanted not in chosen and name not in taken:
            chosen[wanted] = offer
            taken.add(name)
    maps = [column.name for column in columns if _bare(column.type).startswith(("Map(", "JSON"))]
    unmatched = {name: _hint(name, maps) for name in LOGICAL_TABLES[logical] if name not in chosen}
    return Suggestion(table, {name: chosen[name] for name in LOGICAL_TABLES[logical] if name in chosen}, unmatched)


def score_column(logical: str, wanted: str, column: ServerColumn, prefix: str = "") -> ColumnSuggestion | None:
    """Return how a column would serve as a logical one; None where its name or its type speaks against it.

    Args:
        logical: The logical table.
        wanted: Its column.
        column: The real one.
        prefix: First word of all names in the column's table, which then says nothing of this one.
    """
    words = _words(column.name)
    named = _name_score(logical, wanted, words)
    if prefix and words[:1] == [prefix]:
        named = max(named, _name_score(logical, wanted, words[1:]))
    if named < _FLOOR:
        return None
    quoted = column.name if _PLAIN.fullmatch(column.name) else f"`{column.name}`"
    if "`" in column.name or "\\" in column.name:
        return None
    converted = _converted(wanted, LOGICAL_TABLES[logical][wanted], quoted, column)
    if converted is None:
        return None
    expression, check = converted
    why = f"{column.name} {column.type}" + (", the same name" if column.name == wanted else ", by its name")
    return ColumnSuggestion(expression, why, named - (5 if check else 0), check)


def as_yaml(suggestions: dict[str, Suggestion]) -> str:
    """Write the proposals as the `tables` part of a tenant in whydesk.yaml, with what to check as comments."""
    lines = ["tables:"]
    for logical, one in suggestions.items():
        if not one.table:
            missing = ", ".join(one.unmatched)
            lines.append(f"  # {logical}: no table found with a column for {missing}; map it by hand or leave it out")
            continue
        lines += [f"  {logical}:", f"    table: {json.dumps(one.table)}"]
        renamed = {name: found for name, found in one.columns.items() if found.expression != name}
        lines += ["    columns:"] if renamed else []
        for name, found in renamed.items():
            note = f"  # check: {found.check}" if found.check else ""
            lines.append(f"      {name}: {json.dumps(found.expression)}{note}")
        lines += [f"      # {name}: {reason}" for name, reason in one.unmatched.items()]
    return "\n".join(lines) + "\n"


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _shared_word(columns: Sequence[ServerColumn]) -> str:
    """Return the word that every name in a table begins with, such as `evt` of `evt_time`; empty where there is none."""
    names = [_words(column.name) for column in columns]
    first = {words[0] if len(words) > 1 else "" for words in names}
    return first.pop() if len(names) > 2 and len(first) == 1 else ""


def _name_score(logical: str, wanted: str, words: Sequence[str]) -> int:
    words = list(words)
    if not words:
        return 0
    bare = words[:-1] if len(words) > 1 and words[-1] in TO_MILLISECONDS else words
    spellings = {"_".join(words), "_".join(bare)}
    if wanted in spellings:
        return 100
    known = SYNONYMS[logical][wanted].split()
    for place, synonym in enumerate(known):
        if synonym in spellings:
            return 95 - 2 * place
    # `http_request_method` is a method, `x_org_id` an organisation: the end of a name says what it is.
    for place, synonym in enumerate([wanted, *known]):
        end = synonym.split("_")
        if len("".join(end)) > 3 and len(bare) > len(end) and bare[-len(end) :] == end:
            return max(_FLOOR, 65 - place)
    return 0


def _table_score(logical: str, table: str, offer: Suggestion) -> float:
    matched = sum(one.score for one in offer.columns.values()) / len(LOGICAL_TABLES[logical])
    speaks = set(_words(table.partition(".")[2])) & set(TABLE_WORDS[logical].split())
    return matched + (25 if speaks else 0)


def _bare(kind: str) -> str:
    while found := _WRAPPER.fullmatch(kind):
        kind = found[1]
    return kind


def _converted(wanted: str, target: str, quoted: str, column: ServerColumn) -> tuple[str, str] | None:
    """Return the expression that gives the wanted type and unit, and what is to be checked; None where there is none."""
    family = family_of(column.type)
    null = "Nullable(" in column.type
    if wanted == "customer":
        # Bare, so that the server can use its sorting key; it compares numbers and UUIDs with the bound text as well.
        return (quoted, "") if family in ("text", "whole", "uuid") else None
    if target.startswith("DateTime64"):
        return _as_time(quoted, family, column)
    if target == "String":
        return _as_text(wanted, quoted, family, column, null=null)
    if wanted == "duration_ms":
        return _as_milliseconds(quoted, family, column)
    return _as_number(wanted, target, quoted, family, column, null=null)


def family_of(kind: str) -> str:
    """Return what a ClickHouse type is good for: time, date, text, enum, uuid, whole, number or other."""
    bare = _bare(kind)
    for pattern, family in (
        (r"DateTime(64)?\b.*", "time"),
        (r"Date(32)?", "date"),
        (r"String|FixedString\(\d+\)", "text"),
        (r"Enum(8|16)\b.*", "enum"),
        (r"UUID", "uuid"),
        (r"U?Int\d+", "whole"),
        (r"Float\d+|Decimal\b.*|BFloat16", "number"),
    ):
        if re.fullmatch(pattern, bare):
            return family
    return "other"


def _as_time(quoted: str, family: str, column: ServerColumn) -> tuple[str, str] | None:
    if family == "time":
        return quoted, ""
    if family == "text":
        return f"parseDateTime64BestEffort({quoted}, 3, 'UTC')", "text is read as ISO 8601 in UTC"
    if family == "whole":
        milli = set(_words(column.name)) & {"ms", "millis", "milliseconds"}
        if milli:
            return f"fromUnixTimestamp64Milli(toInt64({quoted}), 'UTC')", "taken as milliseconds since 1970"
        return f"toDateTime64({quoted}, 3, 'UTC')", "taken as seconds since 1970"
    return None


def _as_text(wanted: str, quoted: str, family: str, column: ServerColumn, *, null: bool) -> tuple[str, str] | None:
    if family not in ("text", "enum", "uuid", "whole"):
        return None
    check = "translate your own codes: transform(column, [yours], [ours], column)" if wanted == "error_code" else ""
    expression = quoted if family == "text" else f"toString({quoted})"
    if wanted == "endpoint_host" and "url" in _words(column.name):
        expression = f"domain({expression})"
    return (f"ifNull({expression}, '')" if null else expression), check


def _as_milliseconds(quoted: str, family: str, column: ServerColumn) -> tuple[str, str] | None:
    if family not in ("whole", "number"):
        return None
    unit = _words(column.name)[-1]
    value = f"toFloat64({quoted})" if _bare(column.type).startswith("Decimal") else quoted
    if unit in TO_MILLISECONDS:
        return value + TO_MILLISECONDS[unit], ""
    return value, "the name tells no unit; taken as milliseconds"


def _as_number(
    wanted: str, target: str, quoted: str, family: str, column: ServerColumn, *, null: bool
) -> tuple[str, str] | None:
    if family == "text" and wanted == "status":
        return f"to{target}OrZero({quoted})", ""
    if family not in ("whole", "number"):
        return None
    expression = f"ifNull({quoted}, 0)" if null else quoted
    if wanted == "rate_limit":
        words = set(_words(column.name))
        if words & PER_SECOND:
            return f"{expression} * 60", ""
        return expression, "" if words & {"rpm", "minute"} else "taken as requests per minute"
    return expression, ""


def _hint(wanted: str, maps: Sequence[str]) -> str:
    return f"no column is named so; perhaps {maps[0]}['{wanted}']" if maps else "no column is named so"
