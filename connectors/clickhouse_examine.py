"""What an examination of a ClickHouse looks at: the user's rights, the clocks, and whether the mapped tables are as mapped."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from connectors.answers import read_moment
from connectors.base import Finding, FindingStatus
from connectors.clickhouse_suggest import ServerColumn, family_of
from models.base import Row
from models.tables import LOGICAL_TABLES, TableMapping

USER_SQL = "docs/clickhouse-user.sql"
LIMITS = ("max_execution_time", "max_memory_usage", "max_result_rows")
LIMITS_SQL = (
    "SELECT name, value, toString(max) AS most, readonly FROM system.settings "
    "WHERE name IN ('readonly', 'max_execution_time', 'max_memory_usage', 'max_result_rows') ORDER BY name LIMIT 10"
)
SERVER_SQL = "SELECT version() AS version, now64(3, 'UTC') AS at LIMIT 1"
GRANTS_SQL = "SHOW GRANTS"
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<what>\S+) TO ", re.IGNORECASE)
_ROLE = re.compile(r"GRANT (\S+(?:, \S+)*) TO ", re.IGNORECASE)
_READING = re.compile(r"(SELECT|SHOW)\b", re.IGNORECASE)
_SKEW = 5.0
"""Seconds by which the clocks may differ before windows around now are wrong."""
_FITS = {
    "DateTime64": frozenset({"time"}),
    "String": frozenset({"text", "enum", "uuid"}),
    "UInt": frozenset({"whole"}),
    "Float64": frozenset({"whole", "number"}),
}
_PLAIN = re.compile(r"`?([A-Za-z_][\w.-]*)`?")


def read_limits(rows: Iterable[Row]) -> Finding:
    """Judge whether the user's profile keeps writes and endless queries out by itself."""
    limits = {str(row["name"]): row for row in rows}
    level = str(limits.get("readonly", {}).get("value", "0"))
    if level not in ("1", "2"):
        return Finding(
            "rights",
            FindingStatus.WARNING,
            "the user's profile has readonly=0: only our own requests keep it from writing",
            f"give the user the settings profile of {USER_SQL}",
        )
    loose = [name for name in LIMITS if name in limits and _loose(limits[name], level)]
    if loose:
        return Finding(
            "rights",
            FindingStatus.WARNING,
            f"the profile has readonly={level}, and sets no bound for {', '.join(loose)}",
            f"add the MAX constraints of {USER_SQL} to the profile",
        )
    return Finding("rights", FindingStatus.OK, f"the profile has readonly={level} and bounds of its own")


def _loose(limit: Row, level: str) -> bool:
    # Under readonly=1 nobody can change a setting, so its value is the bound; else only a constraint is.
    if level == "1" or str(limit.get("readonly")) == "1":
        return str(limit["value"]) in ("0", "")
    return limit.get("most") in (None, "", "0")


def read_grants(statements: Sequence[str]) -> Finding:
    """Judge grants as `SHOW GRANTS` lists them: is there anything beside reading?"""
    more = sorted({right for right, _ in _granted(statements) if not _READING.match(right)})
    if more:
        shown = ", ".join(more[:6]) + (f" and {len(more) - 6} more" if len(more) > 6 else "")
        remedy = f"use a user of its own, as in {USER_SQL}"
        return Finding("rights", FindingStatus.WARNING, f"the user holds more than SELECT: {shown}", remedy)
    return _unless_by_role(statements, "the user holds nothing but SELECT")


def _unless_by_role(statements: Sequence[str], said: str) -> Finding:
    """Say so only where all rights are listed: what comes by a role is not."""
    roles = sorted(match[1].replace("`", "") for one in statements if (match := _ROLE.match(one)))
    if roles:
        remedy = f"as an administrator: SHOW GRANTS FOR {roles[0]}"
        shown = f"{said} of its own; what comes by {', '.join(roles)} the server does not list to it"
        return Finding("rights", FindingStatus.UNKNOWN, shown, remedy)
    return Finding("rights", FindingStatus.OK, said)


def read_reach(statements: Sequence[str], tables: Mapping[str, TableMapping], database: str) -> Finding:
    """Judge whether grants to read reach beyond the mapped tables. A role's own grants are not listed."""
    mapped = {qualified(mapping.table, database) for mapping in tables.values()}
    wide = sorted({what for right, what in _granted(statements) if right.upper().startswith("SELECT")} - mapped)
    if wide:
        remedy = "REVOKE SELECT there, and GRANT it on the mapped tables alone"
        shown = f"the user may read {', '.join(wide[:6])}, which no table is mapped to"
        return Finding("rights", FindingStatus.WARNING, shown, remedy)
    return _unless_by_role(statements, "the user may read the mapped tables alone")


def _granted(statements: Iterable[str]) -> list[tuple[str, str]]:
    """Return each right with what it is granted on."""
    found = [match for statement in statements if (match := _GRANT.match(statement))]
    return [
        (re.sub(r"\(.*", "", right).strip(), match["what"].replace("`", ""))
        for match in found
        for right in re.split(r",\s*(?![^(]*\))", match["rights"])
    ]


def read_clock(row: Row, sent: datetime, received: datetime) -> Finding:
    """Compare the server's clock with ours, at the middle of the question's way."""
    at = read_moment(row.get("at"))
    if at is None:
        return Finding("clock", FindingStatus.UNKNOWN, "the server's time cannot be read")
    skew = (at.astimezone(UTC) - (sent + (received - sent) / 2)).total_seconds()
    if abs(skew) > _SKEW:
        return Finding(
            "clock",
            FindingStatus.WARNING,
            f"the server's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours",
            "let both machines follow NTP; windows that end now are off by that much",
        )
    return Finding("clock", FindingStatus.OK, f"{abs(skew):.1f} s apart")


def qualified(table: str, database: str) -> str:
    """Return `database.table` of a mapping's table."""
    return table if "." in table else f"{database}.{table}"


def columns_of(columns: Iterable[ServerColumn], table: str, database: str) -> dict[str, str]:
    """Return the column types of one table; empty where the user sees no such table."""
    wanted = qualified(table, database)
    return {one.name: one.type for one in columns if f"{one.database}.{one.table}" == wanted}


def plain_columns(mapping: TableMapping, logical: str) -> dict[str, str]:
    """Return the logical columns that are read from one column as it is, and that column's name."""
    found = {name: _PLAIN.fullmatch(mapping.columns.get(name, name)) for name in LOGICAL_TABLES[logical]}
    return {name: match[1] for name, match in found.items() if match is not None}


def missing_columns(logical: str, mapping: TableMapping, real: Mapping[str, str]) -> list[Finding]:
    """Report what the mapping names, and what its defaults assume, and the table does not have."""
    gone = {name: column for name, column in plain_columns(mapping, logical).items() if column not in real}
    named = sorted(name for name in gone if name in mapping.columns)
    assumed = sorted(name for name in gone if name not in mapping.columns)
    found = [
        Finding(
            "shape",
            FindingStatus.FAILURE,
            f"{logical}.{name}: {mapping.table} has no column {gone[name]!r}",
            f"correct tables.{logical}.columns.{name} in whydesk.yaml",
        )
        for name in named
    ]
    if assumed:
        essential = {"customer", "ts"} & set(assumed)
        found.append(
            Finding(
                "shape",
                FindingStatus.FAILURE if essential else FindingStatus.WARNING,
                f"{logical}: {mapping.table} has no column {', '.join(assumed)}; queries that name one will fail",
                f"map them under tables.{logical}.columns in whydesk.yaml",
            )
        )
    return found


def unfit_columns(logical: str, types: Mapping[str, str]) -> list[Finding]:
    """Report logical columns whose type is not the one that queries count on."""
    return [
        Finding(
            "shape",
            FindingStatus.FAILURE,
            f"{logical}.{name} is {kind}, and queries count on {LOGICAL_TABLES[logical][name]}",
            f"convert it in tables.{logical}.columns.{name}, such as {conversion(LOGICAL_TABLES[logical][name])}",
        )
        for name, kind in sorted(types.items())
        if not fits(name, LOGICAL_TABLES[logical][name], kind)
    ]


def fits(name: str, wanted: str, kind: str) -> bool:
    """Whether a column's type serves as the wanted one; a customer's id may be a number, as it is only compared."""
    family = family_of(kind)
    if name == "customer":
        return family in ("text", "whole", "uuid")
    return any(wanted.startswith(start) and family in families for start, families in _FITS.items())


def conversion(wanted: str) -> str:
    """Return how a mapping makes the wanted type out of text."""
    if wanted.startswith("DateTime64"):
        return "parseDateTime64BestEffort(column, 3, 'UTC')"
    return "toString(column)" if wanted == "String" else f"to{wanted}OrZero(column)"


def examine_mapping(
    tables: Mapping[str, TableMapping], columns: Sequence[ServerColumn], database: str
) -> list[Finding]:
    """Compare a mapping with the columns that the user sees; types of expressions are not told by them."""
    found: list[Finding] = []
    for logical in LOGICAL_TABLES:
        mapping = tables.get(logical)
        if mapping is None:
            detail = f"{logical}: not mapped; its queries are skipped"
            remedy = f"map it under tables.{logical} in whydesk.yaml; `whydesk doctor --suggest` proposes how"
            found.append(Finding("shape", FindingStatus.UNKNOWN, detail, remedy))
            continue
        found += _examine_table(logical, mapping, columns_of(columns, mapping.table, database))
    return found


def _examine_table(logical: str, mapping: TableMapping, real: Mapping[str, str]) -> list[Finding]:
    if not real:
        remedy = f"correct tables.{logical}.table in whydesk.yaml, or GRANT SELECT ON {mapping.table}"
        return [
            Finding("shape", FindingStatus.FAILURE, f"{logical}: there is no {mapping.table} for this user", remedy)
        ]
    plain = plain_columns(mapping, logical)
    types = {name: real[column] for name, column in plain.items() if column in real}
    problems = missing_columns(logical, mapping, real) + unfit_columns(logical, types)
    if problems:
        return problems
    computed = len(LOGICAL_TABLES[logical]) - len(plain)
    rest = f"; {computed} more are computed" if computed else ""
    return [Finding("shape", FindingStatus.OK, f"{logical}: {len(types)} columns of {mapping.table} fit{rest}")]
