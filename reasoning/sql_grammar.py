"""Which ClickHouse SQL a playbook or a table mapping may hold: the words, the shapes, and what to write instead.

Everything is an allow-list. Text is refused by its characters before it is parsed, because ClickHouse and sqlglot do not agree
on comments, quotes and heredocs; a tree is refused by any node or any part of a node that is not named here.
"""

import logging
import re
from collections.abc import Iterator

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import SqlglotError
from sqlglot.parsers.clickhouse import ClickHouseParser

from reasoning.sql_functions import NUMBERS, WINDOW_ONLY, canonical_name
from reasoning.sql_remedies import NODE_REMEDIES, PART_REMEDIES, of_function

RESERVED = "whydesk_"
"""No name in a query may start with this, nor with the double underscore before it: such names are the guard's own."""
_MAX_TEXT = 20_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


# It would print what it cannot read; a refusal says that already.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class SqlRefused(ValueError):
    """The guard does not let this SQL through; the message says what is wrong and what to write instead."""


class GuardedClickHouse(ClickHouse):
    """ClickHouse's grammar with every function call kept as it was written, so that its name can be looked up."""

    class Parser(ClickHouseParser):
        """Parses no function into a node of its own, except CAST."""

        FUNCTIONS = {}
        FUNCTION_PARSERS = {"CAST": ClickHouseParser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTIONS = {}


DIALECT = GuardedClickHouse()

_TYPES = frozenset(
    {*NUMBERS, "Int128", "UInt128", "Int256", "UInt256", "Bool", "String", "Date", "Date32", "DateTime", "DateTime64"}
    | {"Decimal", "UUID", "IPv4", "IPv6", "Array", "Nullable", "LowCardinality", "Map", "Tuple", "DATE"}
)

FUNCTION_NODES = (
    exp.Anonymous,
    exp.AnonymousAggFunc,
    exp.CombinedAggFunc,
    exp.ParameterizedAgg,
    exp.CombinedParameterizedAgg,
)


def _parts(table: dict[type[exp.Expr], str]) -> dict[type[exp.Expr], frozenset[str]]:
    return {kind: frozenset(parts.split()) for kind, parts in table.items()}


_OPERATORS: tuple[type[exp.Expr], ...] = (
    *(exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is),
    *(exp.Add, exp.Sub, exp.Mul, exp.Mod),
)
_VALUE_PARTS = _parts(
    {
        exp.Literal: "this is_string",
        exp.Boolean: "this",
        exp.Null: "",
        exp.Identifier: "this quoted",
        exp.Column: "this table",
        exp.Star: "",
        exp.Var: "this",
        exp.DataType: "this expressions nested nullable",
        exp.DataTypeParam: "this",
        exp.Paren: "this",
        exp.Tuple: "expressions",
        exp.Array: "expressions value_constructor bracket_notation",
        exp.Bracket: "this expressions",
        exp.Lambda: "this expressions",
        exp.Anonymous: "this expressions",
        exp.AnonymousAggFunc: "this expressions",
        exp.CombinedAggFunc: "this expressions",
        exp.ParameterizedAgg: "this expressions params",
        exp.CombinedParameterizedAgg: "this expressions params",
        exp.Case: "this ifs default",
        exp.If: "this true false",
        exp.Cast: "this to",
        exp.Interval: "this unit",
        exp.In: "this expressions field query",
        exp.Between: "this low high",
        exp.Not: "this",
        exp.Neg: "this",
        exp.Like: "this expression negate",
        exp.ILike: "this expression negate",
        exp.DPipe: "this expression safe",
        exp.Div: "this expression typed safe",
        **dict.fromkeys(_OPERATORS, "this expression"),
    }
)
_ALL_PARTS = _VALUE_PARTS | _parts(
    {
        exp.Select: "with_ expressions distinct from_ joins where group having order limit offset",
        exp.Union: "with_ this expression distinct",
        exp.Intersect: "with_ this expression distinct",
        exp.Except: "with_ this expression distinct",
        exp.Subquery: "this alias",
        exp.With: "expressions",
        exp.CTE: "this alias",
        exp.From: "this",
        exp.Join: "this side kind on using",
        exp.Table: "this alias",
        exp.TableAlias: "this",
        exp.Alias: "this alias",
        exp.Where: "this",
        exp.Having: "this",
        exp.Group: "expressions",
        exp.Order: "expressions",
        exp.Ordered: "this desc nulls_first",
        exp.Limit: "expression",
        exp.Offset: "expression",
        exp.Distinct: "expressions",
        exp.Placeholder: "this kind",
        exp.Window: "this partition_by order spec over",
        exp.WindowSpec: "kind start start_side end end_side",
    }
)

_CHARACTERS = {
    "--": "a comment",
    "/*": "a comment",
    "//": "a comment",
    "#": "a comment",
    ";": "a second statement",
    "$": "a heredoc",
    "`": "a quoted name",
    '"': "a quoted name",
    "\\": "an escape",
    "@": "a variable",
}


def check_text(sql: str, *, quoted_names: bool = False) -> None:
    """Refuse what the two parsers read differently, before any parsing.

    Raises:
        SqlRefused: the character, and what it would be.
    """
    if len(sql) > _MAX_TEXT:
        raise SqlRefused(
            f"the query has {len(sql)} characters, {_MAX_TEXT} is the most; "
            "write it shorter, and pass lists as parameters {name:Array(String)}"
        )
    odd = next((char for char in sql if not char.isascii() or (not char.isprintable() and char not in "\n\t\r")), None)
    if odd is not None:
        raise SqlRefused(f"{odd!r} is not plain ASCII; pass other text as a parameter {{name:String}}")
    for text, meaning in _CHARACTERS.items():
        if text in sql and not (quoted_names and text == "`"):
            raise SqlRefused(
                f"{text!r} ({meaning}) is not taken, not even inside a string; pass text as a parameter {{name:String}}"
            )


def parse(sql: str) -> exp.Expr:
    """Parse exactly one statement.

    Raises:
        SqlRefused: none, several, or not SQL.
    """
    try:
        statements = DIALECT.parse(sql)
    except (SqlglotError, RecursionError) as error:
        where = "; ".join(f"line {e['line']}, column {e['col']}" for e in getattr(error, "errors", [])[:1])
        raise SqlRefused(
            f"this is not a SELECT that can be read ({where or 'nested too deep'}); write one plain SELECT over logical tables"
        ) from None
    if len(statements) != 1 or statements[0] is None:
        raise SqlRefused("there is not one statement; write one SELECT")
    return statements[0]


def write(tree: exp.Expr, *, copy: bool = True) -> str:
    """Write a tree as ClickHouse SQL, without comments. `copy=False` may change the tree."""
    return DIALECT.generate(tree, comments=False, copy=copy)


def check_nodes(tree: exp.Expr, *, values_only: bool = False, quoted_names: bool = False) -> None:
    """Refuse every node, and every part of a node, that is not on the list.

    Args:
        values_only: For an expression of a mapping: no query, no parameter, no name given.
        quoted_names: Names in backticks are let through.

    Raises:
        SqlRefused: the first one found, and what to write instead.
    """
    parts = _VALUE_PARTS if values_only else _ALL_PARTS
    for node in tree.walk():
        allowed = parts.get(type(node))
        if allowed is None:
            _refuse_node(node)
            continue
        for part, value in node.args.items():
            if part in allowed and not (part == "quoted" and value and not quoted_names):
                continue
            if value not in (None, False, []):
                remedy = PART_REMEDIES.get(part, "write it with what docs/tables.md names")
                raise SqlRefused(f"{_name_of(node)} with {part.strip('_')!r} is not taken: {remedy}")
        _check_leaf(node, quoted_names=quoted_names)


def _check_leaf(node: exp.Expr, *, quoted_names: bool) -> None:
    if isinstance(node, exp.Identifier):
        _check_name(node.name, quoted=quoted_names and bool(node.args.get("quoted")))
    elif isinstance(node, FUNCTION_NODES):
        node.set("this", _name_function(node))
    elif isinstance(node, exp.Placeholder):
        _check_parameter(node)
    elif isinstance(node, exp.Cast):
        check_type(write(node.args["to"]))
    elif isinstance(node, exp.Interval) and not (isinstance(node.this, exp.Literal) and node.this.name.isdigit()):
        raise SqlRefused("an INTERVAL is a whole number and a unit, such as INTERVAL 5 MINUTE")
    elif isinstance(node, exp.In):
        _check_in(node)


def _check_name(name: str, *, quoted: bool) -> None:
    if name.lower().lstrip("_").startswith(RESERVED):
        raise SqlRefused(f"the name {name!r} is kept for the guard; choose another")
    if not quoted and not _NAME.fullmatch(name):
        raise SqlRefused(f"the name {name!r} is not plain; use letters, digits and underscores")


def _check_parameter(node: exp.Placeholder) -> None:
    kind = node.args.get("kind")
    if not isinstance(kind, exp.DataType) or not isinstance(node.this, exp.Var):
        raise SqlRefused(
            "a parameter is {name:Type} with a value's type, such as {start:DateTime64(3)}; never an Identifier"
        )
    _check_name(node.name, quoted=False)
    check_type(write(kind))


def _check_in(node: exp.In) -> None:
    field = node.args.get("field")
    right = [*node.expressions, *([field] if field else [])]
    # ClickHouse reads a bare name on the right of IN as a table, in parentheses too.
    if any(isinstance(inner, exp.Column | exp.Identifier | exp.Query) for item in right for inner in item.walk()):
        raise SqlRefused(
            "the right side of IN is a list of values, a parameter {name:Array(Type)} or (SELECT …), never a name"
        )


def check_type(text: str) -> None:
    """Refuse a type that is not a plain value's.

    Raises:
        SqlRefused: names the word that is not known.
    """
    unknown = [word for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", text)) if word not in _TYPES]
    if unknown:
        raise SqlRefused(
            f"the type {unknown[0]!r} is not taken; use String, UInt64, Float64, DateTime64(3), Array(String) …"
        )


def _name_function(node: exp.Expr) -> str:
    written = node.args["this"]
    name = canonical_name(written if isinstance(written, str) else node.name)
    if name is None:
        source = isinstance(node.parent, exp.Table)
        shown = written if isinstance(written, str) else node.name
        raise SqlRefused(f"the function {shown!r} is not on the list: {of_function(shown, source=source)}")
    if name in WINDOW_ONLY and not isinstance(node.parent, exp.Window):
        raise SqlRefused(f"{name}() needs OVER ( … )")
    return name


def arguments(node: exp.Expr) -> list[exp.Expr]:
    """Return what a function is applied to: for `quantile(0.9)(x)` that is x."""
    return list(node.args.get("params") or node.expressions)


def functions_of(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the function calls of one SELECT, not those of SELECTs inside it."""
    return (node for node in own_nodes(tree) if isinstance(node, FUNCTION_NODES))


def own_nodes(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the nodes of one SELECT without those of SELECTs inside it; these appear themselves, their insides do not."""
    return tree.walk(prune=lambda node: node is not tree and isinstance(node, exp.Query))


def _refuse_node(node: exp.Expr) -> None:
    remedy = NODE_REMEDIES.get(type(node), "write it with what docs/tables.md names")
    raise SqlRefused(f"{_name_of(node)} is not taken: {remedy}")


def _name_of(node: exp.Expr) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()
