"""What a fleet query may say: counts, rates and quantiles over groups of at least five customers, never a customer.

A SELECT that reads a logical table must aggregate. It gets a HAVING that drops every group with fewer than `MIN_CUSTOMERS`
distinct customers, and a conditional measure whose condition holds for fewer becomes NULL, as a WHERE would have dropped it.
`customer` may only be counted (`uniqExact(customer)`) and joined on; it is read through a hidden column that no query can name.
"""

from sqlglot import exp

from reasoning.sql_functions import COUNTS, DISTINCTS, MEASURES, base_aggregate, conditional
from reasoning.sql_grammar import FUNCTION_NODES, SqlRefused, arguments, own_nodes

CUSTOMER = "customer"
HIDDEN = "__whydesk_customer"
"""The customer column as a fleet query's sub-selects expose it."""
MIN_CUSTOMERS = 5


def close_fleet_select(select: exp.Select, sources: list[str]) -> None:
    """Check a SELECT that reads logical tables in a fleet query, and add what suppresses small groups to it, in place.

    Args:
        sources: Names under which the SELECT knows its logical tables.

    Raises:
        SqlRefused: raw rows, an identity, or an aggregate that may hand out one customer's value.
    """
    _check_shape(select)
    aggregates = [node for node in own_nodes(select) if isinstance(node, FUNCTION_NODES) and _base(node)]
    if not aggregates and not select.args.get("group"):
        raise SqlRefused(
            "a fleet query aggregates in the SELECT that reads the table: add count() or GROUP BY; it lists no rows"
        )
    aliases = {projection.alias for projection in select.expressions}
    for node in aggregates:
        _check_aggregate(node, aliases)
    # One source needs no name before its column, and an alias of the same name cannot come between.
    qualifiers = sources if len(sources) > 1 or select.args.get("joins") else [""]
    _hide_customer(select, sources, qualifiers)
    for node in aggregates:
        if conditional(node.args["this"]) and _base(node) in MEASURES:
            _suppress_cell(node, qualifiers)
    _suppress_groups(select, qualifiers)


def _base(node: exp.Expr) -> str | None:
    return base_aggregate(node.args["this"])


def _check_shape(select: exp.Select) -> None:
    if select.args.get("distinct"):
        raise SqlRefused("a fleet query does not list rows: write GROUP BY instead of SELECT DISTINCT")
    for node in own_nodes(select):
        if isinstance(node, exp.Window):
            raise SqlRefused("a fleet query takes OVER ( … ) only in an outer SELECT, over groups already formed")
    if any(projection.is_star for projection in select.expressions):
        raise SqlRefused("a fleet query does not list rows: write counts, rates or quantiles instead of *")


def _check_aggregate(node: exp.Expr, aliases: set[str]) -> None:
    name = node.args["this"]
    base = _base(node)
    if base not in COUNTS | DISTINCTS | MEASURES:
        raise SqlRefused(f"{name}() can show one customer's value; a fleet query takes counts, rates and quantiles")
    if conditional(name) and base in MEASURES and base.startswith("quantiles"):
        raise SqlRefused(
            f"{name}() is not taken in a fleet query; write one quantileIf(level)(column, condition) for each level"
        )
    for value in _values(node):
        # An expression such as `x * (route = '/a')` is a condition in disguise, which no suppression would see.
        if not isinstance(value, exp.Column | exp.Star) or value.name in aliases:
            raise SqlRefused(
                f"{name}() in a fleet query takes a plain column; put a condition into the -If form or into WHERE, "
                "and compute with the result outside"
            )


def _values(node: exp.Expr) -> list[exp.Expr]:
    values = arguments(node)[: -1 if conditional(node.args["this"]) else None]
    return [inner for value in values for inner in (value.expressions if isinstance(value, exp.Distinct) else [value])]


def _hide_customer(select: exp.Select, sources: list[str], qualifiers: list[str]) -> None:
    for column in [node for node in own_nodes(select) if isinstance(node, exp.Column) and node.name == CUSTOMER]:
        if column.table and column.table not in sources:
            raise SqlRefused(f"{column.table!r} has no customer column; a fleet query never shows one")
        if not _counted(column) and not _joined(column):
            raise SqlRefused(
                "a fleet query never shows or compares a customer; count them, as in uniqExact(customer) or "
                "uniqExactIf(customer, condition), or join logical tables ON a.customer = b.customer"
            )
        column.replace(_hidden(column.table or qualifiers[0]))


def _counted(column: exp.Column) -> bool:
    parent = column.parent
    call = parent.parent if isinstance(parent, exp.Distinct) else parent
    if not isinstance(call, FUNCTION_NODES):
        return False
    base = _base(call)
    if isinstance(parent, exp.Distinct):
        return base in COUNTS and parent.expressions == [column]
    return base in DISTINCTS and arguments(call)[0] is column


def _joined(column: exp.Column) -> bool:
    equation = column.parent
    if not isinstance(equation, exp.EQ):
        return False
    sides = (equation.this, equation.expression)
    bare = all(isinstance(side, exp.Column) and side.table and side.name in (CUSTOMER, HIDDEN) for side in sides)
    clause = equation.parent
    while isinstance(clause, exp.And | exp.Paren):
        clause = clause.parent
    return bare and isinstance(clause, exp.Join) and sides[0].args["table"] != sides[1].args["table"]


def _hidden(source: str) -> exp.Column:
    return exp.column(HIDDEN, table=source or None)


def _call(name: str, *args: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(args))


def _enough(source: str, condition: exp.Expr | None = None) -> exp.GTE:
    # An empty id is nobody's: rows from before sign-in, or the empty side of an outer join.
    known = _call("nullIf", _call("toString", _hidden(source)), exp.Literal.string(""))
    counted = _call("uniqExact", known) if condition is None else _call("uniqExactIf", known, condition.copy())
    return exp.GTE(this=counted, expression=exp.Literal.number(MIN_CUSTOMERS))


def _suppress_cell(node: exp.Expr, sources: list[str]) -> None:
    condition = arguments(node)[-1]
    checks = [_enough(source, condition) for source in sources]
    marker = exp.Null()
    node.replace(marker)
    marker.replace(_call("if", exp.and_(*checks), node, exp.Null()))


def _suppress_groups(select: exp.Select, sources: list[str]) -> None:
    terms: list[exp.Expr] = [_enough(source) for source in sources]
    having = select.args.get("having")
    if having is not None:
        terms.append(exp.Paren(this=having.this))
    select.set("having", exp.Having(this=exp.and_(*terms)))
