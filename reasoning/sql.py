"""The guard between a playbook's SQL and a tenant's ClickHouse: checked when the playbook loads, scoped when it runs.

    checked = check_query(query.sql, Scope.CUSTOMER)                       # SqlRefused: what is wrong, what to write
    sql = scope_query(checked, tenant.tables, Scope.CUSTOMER, query.rows)  # bind {whydesk_customer:String} beside it

The text that is sent is written anew from the tree; no character of the playbook's own text reaches the server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from models.tables import LOGICAL_TABLES, TableMapping
from models.vocabulary import Scope
from reasoning.sql_fleet import CUSTOMER, HIDDEN
from reasoning.sql_functions import SCALARS
from reasoning.sql_grammar import FUNCTION_NODES, SqlRefused, check_nodes, check_text, parse, write
from reasoning.sql_names import COLUMNS, TABLE, NameResolver

__all__ = [
    "CUSTOMER_PARAMETER",
    "CheckedQuery",
    "SqlRefused",
    "TableNotMapped",
    "check_mapping",
    "check_query",
    "scope_query",
]

CUSTOMER_PARAMETER = "whydesk_customer"
"""The parameter that a scoped customer query binds the customer's id by, as String."""
_SOURCE = "__whydesk_source"
_REAL_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)?")
_MOST_WRITTEN = 64
"""Texts kept of one query: one for each tenant's mapping."""
_SYSTEM = frozenset({"system", "information_schema"})


class TableNotMapped(SqlRefused):
    """The tenant has no such table: its query is skipped."""


@dataclass(frozen=True)
class CheckedQuery:
    """A query that the guard let through. Safe to keep and to share; never changed."""

    scope: Scope
    tables: frozenset[str]
    """Logical tables that it reads."""
    columns: tuple[str, ...]
    """Names of the columns that it answers, in order."""
    parameters: Mapping[str, str]
    """Parameter to its ClickHouse type, the customer's not among them."""
    tree: exp.Expr = field(repr=False, compare=False)
    written: dict[tuple[object, ...], str] = field(default_factory=dict, repr=False, compare=False)
    """What was written for which mapping: to write it anew for every investigation costs as much as to ask it."""


@lru_cache(maxsize=1024)
def check_query(sql: str, scope: Scope) -> CheckedQuery:
    """Check one query of a playbook.

    Args:
        sql: One SELECT or set operation over logical tables (docs/tables.md).
        scope: `customer` or `fleet`.

    Raises:
        SqlRefused: what is wrong and what to write instead.
    """
    if scope not in (Scope.CUSTOMER, Scope.FLEET):
        raise SqlRefused(f"a ClickHouse query has the scope customer or fleet, not {scope.value!r}")
    check_text(sql)
    tree = parse(sql)
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SqlRefused(
            "write one SELECT over logical tables (or SELECTs joined by UNION ALL), without parentheses around it"
        )
    check_nodes(tree)
    parameters = _parameters(tree)
    _check_limits(tree)
    names = NameResolver(scope)
    columns = names.query(tree, {})
    if not names.tables:
        raise SqlRefused(f"the query reads no logical table; there are {', '.join(sorted(LOGICAL_TABLES))}")
    _check_columns(columns)
    return CheckedQuery(scope, frozenset(names.tables), columns, parameters, tree)


def scope_query(checked: CheckedQuery, tables: Mapping[str, TableMapping], scope: Scope, row_limit: int) -> str:
    """Write the SQL to send: real tables inside scoped sub-selects, and one row more than the limit, so that a cut is seen.

    A customer query needs the parameter `whydesk_customer` bound to the customer's id.

    Raises:
        TableNotMapped: the tenant maps no such logical table.
        SqlRefused: a mapping that is not allowed, or a scope other than the checked one.
    """
    if scope is not checked.scope:
        raise SqlRefused(
            f"the query was checked for the scope {checked.scope.value!r}, not {scope.value!r}; check it anew"
        )
    key = (row_limit, *(tables[name].model_dump_json() for name in sorted(checked.tables) if name in tables))
    if key not in checked.written:
        if len(checked.written) >= _MOST_WRITTEN:
            checked.written.clear()
        checked.written[key] = _write_scoped(checked, tables, scope, row_limit)
    return checked.written[key]


def _write_scoped(checked: CheckedQuery, tables: Mapping[str, TableMapping], scope: Scope, row_limit: int) -> str:
    tree = checked.tree.copy()
    for table in list(tree.find_all(exp.Table)):
        logical = table.meta.get(TABLE)
        if logical is not None:
            table.replace(_scoped(table, logical, tables, scope))
        elif not table.name.startswith("__whydesk_"):
            raise SqlRefused(f"{table.name!r} was not resolved; check the query anew")
    return write(_limited(tree, row_limit), copy=False)


def check_mapping(logical: str, mapping: TableMapping) -> None:
    """Check a tenant's mapping of a logical table, all columns of it, as `doctor` and the settings do.

    Raises:
        SqlRefused: the column, what is wrong with it and what to write instead.
    """
    if logical not in LOGICAL_TABLES:
        raise SqlRefused(f"{logical!r} is no logical table; there are {', '.join(sorted(LOGICAL_TABLES))}")
    _real_table(mapping.table)
    for column, expression in mapping.columns.items():
        if column not in LOGICAL_TABLES[logical]:
            raise SqlRefused(f"{logical!r} has no column {column!r}; it has {', '.join(LOGICAL_TABLES[logical])}")
        _mapped(mapping, column)
        if column == CUSTOMER and not _mapping_tree(expression).find(exp.Column):
            raise SqlRefused(
                f"{logical}.customer must come from a column of {mapping.table!r}, not from {expression!r}"
            )


def _parameters(tree: exp.Expr) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for node in tree.find_all(exp.Placeholder):
        for kind in list(node.args["kind"].find_all(exp.DataType)):
            _set_utc(kind)
        written = write(node.args["kind"])
        if parameters.setdefault(node.name, written) != written:
            raise SqlRefused(f"the parameter {node.name!r} has two types; give it one")
    return parameters


def _set_utc(kind: exp.DataType) -> None:
    # Without a zone the server would read the text in its own.
    params = list(kind.expressions)
    if kind.this == exp.DType.DATETIME and not params:
        kind.set("expressions", [_type_param(exp.Literal.string("UTC"))])
    elif kind.this == exp.DType.DATETIME64 and len(params) < 2:
        precision = params or [_type_param(exp.Literal.number(3))]
        kind.set("expressions", [*precision, _type_param(exp.Literal.string("UTC"))])


def _type_param(value: exp.Expr) -> exp.DataTypeParam:
    return exp.DataTypeParam(this=value)


def _check_limits(tree: exp.Expr) -> None:
    for node in tree.find_all(exp.Limit, exp.Offset):
        if not isinstance(node.expression, exp.Literal) or not node.expression.name.isdigit():
            raise SqlRefused("LIMIT and OFFSET are whole numbers; write them out, as in LIMIT 10")


def _check_columns(columns: tuple[str, ...]) -> None:
    if "" in columns:
        raise SqlRefused(f"column {columns.index('') + 1} of the SELECT has no name; give it one with AS")
    twice = next((name for name in columns if columns.count(name) > 1), None)
    if twice is not None:
        raise SqlRefused(f"two columns are called {twice!r}; give one another name with AS")


def _limited(tree: exp.Expr, row_limit: int) -> exp.Expr:
    wanted = exp.Limit(expression=exp.Literal.number(row_limit + 1))
    if isinstance(tree, exp.SetOperation):
        # A LIMIT after UNION would belong to its last SELECT alone.
        return exp.Select(
            expressions=[exp.Star()],
            from_=exp.From(this=exp.Subquery(this=tree)),
            limit=wanted,
        )
    own = tree.args.get("limit")
    if own is None or int(own.expression.name) > row_limit:
        tree.set("limit", wanted)
    return tree


def _scoped(table: exp.Table, logical: str, tables: Mapping[str, TableMapping], scope: Scope) -> exp.Subquery:
    mapping = tables.get(logical)
    if mapping is None:
        raise TableNotMapped(f"the tenant maps no table {logical!r}; add it under `tables` in its configuration")
    customer = _customer(mapping)
    columns: list[exp.Expr] = [_as(_mapped(mapping, name), name) for name in table.meta[COLUMNS]]
    if scope is Scope.FLEET:
        columns.append(_as(customer, HIDDEN))
    inner = exp.Select(
        expressions=columns or [_as(exp.Literal.number(1), "__whydesk_row")],
        from_=exp.From(this=_real_table(mapping.table)),
    )
    if scope is Scope.CUSTOMER:
        # Qualified, so that an alias of the same name cannot take the column's place.
        bound = exp.Placeholder(
            this=exp.var(CUSTOMER_PARAMETER), kind=exp.DataType.build("String", dialect="clickhouse")
        )
        inner.set("where", exp.Where(this=exp.EQ(this=exp.Paren(this=customer), expression=bound)))
    return exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name)))


def _as(value: exp.Expr, name: str) -> exp.Alias:
    return exp.Alias(this=value, alias=exp.to_identifier(name))


def _real_table(name: str) -> exp.Table:
    if not _REAL_TABLE.fullmatch(name):
        raise SqlRefused(f"{name!r} is no table name; write table or database.table, or make a view for anything else")
    *database, table = name.split(".")
    if {part.lower() for part in database} & _SYSTEM:
        raise SqlRefused(f"{name!r} is a system table; map a table of your own")
    return exp.Table(
        this=exp.to_identifier(table, quoted=True),
        db=exp.to_identifier(database[0], quoted=True) if database else None,
        alias=exp.TableAlias(this=exp.to_identifier(_SOURCE)),
    )


def _customer(mapping: TableMapping) -> exp.Expr:
    expression = mapping.columns.get(CUSTOMER, CUSTOMER)
    if not _mapping_tree(expression).find(exp.Column):
        raise SqlRefused(f"customer must come from a column of {mapping.table!r}, not from the constant {expression!r}")
    return _mapped(mapping, CUSTOMER)


def _mapped(mapping: TableMapping, column: str) -> exp.Expr:
    """Return a logical column as an expression over the real table's columns, each of them qualified."""
    tree = _mapping_tree(mapping.columns.get(column, column)).copy()
    for found in list(tree.find_all(exp.Column)):
        parts = [exp.to_identifier(part.name, quoted=True) for part in found.parts]
        qualified = exp.Column(this=parts[-1], table=exp.to_identifier(_SOURCE))
        if len(parts) == 2:
            qualified = exp.Column(this=parts[1], table=parts[0], db=exp.to_identifier(_SOURCE))
        if found is tree:
            return qualified
        found.replace(qualified)
    return tree


@lru_cache(maxsize=1024)
def _mapping_tree(expression: str) -> exp.Expr:
    check_text(expression, quoted_names=True)
    select = parse(f"SELECT {expression}")
    if not isinstance(select, exp.Select) or len(select.expressions) != 1 or set(_given(select)) != {"expressions"}:
        raise SqlRefused(f"{expression!r} is no expression over columns")
    tree: exp.Expr = select.expressions[0].copy()
    check_nodes(tree, values_only=True, quoted_names=True)
    for node in tree.walk():
        if isinstance(node, FUNCTION_NODES) and node.args["this"] not in SCALARS:
            raise SqlRefused(f"{node.args['this']!r} aggregates; a mapping takes scalar functions over columns")
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and not isinstance(node.this, exp.Identifier)):
            raise SqlRefused(f"{expression!r} is no expression over columns")
    return tree


def _given(node: exp.Expr) -> list[str]:
    return [part for part, value in node.args.items() if value]
