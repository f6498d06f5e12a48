"""Resolves every name of a guarded query to a logical table, a column, an alias or a WITH name, and notes what is read.

Nothing is left for the server to look up by itself: a table that is neither logical nor a WITH name in sight is refused, WITH
names are replaced by names that exist nowhere, and a column must belong to a source of its own SELECT.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from models.tables import FLEET_COLUMNS, LOGICAL_TABLES
from models.vocabulary import Scope
from reasoning.sql_fleet import CUSTOMER, close_fleet_select
from reasoning.sql_grammar import FUNCTION_NODES, SqlRefused, own_nodes

TABLE = "whydesk_table"
"""Key of a table node's meta: the logical table that it stands for."""
COLUMNS = "whydesk_columns"
"""Key of a table node's meta: the columns of it that the query reads, sorted."""

_PLACED = (exp.From, exp.Join, exp.CTE)
"""Where a SELECT stands as a source, resolved as such; anywhere else it is part of an expression."""
_With = Mapping[str, tuple[str, tuple[str, ...]]]
"""WITH name to its replacement and its columns."""


@dataclass(frozen=True)
class Source:
    """One FROM or JOIN entry of a SELECT."""

    columns: tuple[str, ...]
    table: exp.Table | None
    """Set where it is a logical table."""

    def read(self, name: str) -> None:
        """Note that the query reads a column of this source."""
        if self.table is not None:
            self.table.meta[COLUMNS] = sorted({*self.table.meta[COLUMNS], name})


class NameResolver:
    """Walks a query outside in; `tables` holds the logical tables met."""

    def __init__(self, scope: Scope) -> None:
        """Resolve for a customer query or a fleet query."""
        self._fleet = scope is Scope.FLEET
        self._known = FLEET_COLUMNS if self._fleet else {name: frozenset(cols) for name, cols in LOGICAL_TABLES.items()}
        self._with_count = 0
        self.tables: set[str] = set()

    def query(self, node: exp.Expr, inherited: _With) -> tuple[str, ...]:
        """Resolve a SELECT, a set operation or one in parentheses; return its column names, "" for a nameless one.

        Raises:
            SqlRefused: the first name that is not known, and those that are.
        """
        if isinstance(node, exp.Subquery):
            return self.query(node.this, inherited)
        withs = self._withs(node, inherited)
        if isinstance(node, exp.SetOperation):
            left, right = self.query(node.this, withs), self.query(node.expression, withs)
            if len(left) != len(right):
                raise SqlRefused(
                    f"both sides of a set operation need the same columns; they have {len(left)} and {len(right)}"
                )
            return left
        if isinstance(node, exp.Select):
            return self._select(node, withs)
        raise SqlRefused("write one SELECT over logical tables (or SELECTs joined by UNION ALL)")

    def _withs(self, node: exp.Expr, inherited: _With) -> _With:
        withs = dict(inherited)
        clause = node.args.get("with_")
        for entry in clause.expressions if clause else ():
            name = entry.alias
            _check_new_name(name, "WITH name")
            if name in withs:
                raise SqlRefused(f"the WITH name {name!r} is given twice; choose another")
            columns = self.query(entry.this, withs)
            self._with_count += 1
            replacement = f"__whydesk_{self._with_count}_{name}"
            entry.args["alias"].set("this", exp.to_identifier(replacement))
            withs[name] = (replacement, columns)
        return withs

    def _select(self, select: exp.Select, withs: _With) -> tuple[str, ...]:
        sources = self._sources(select, withs)
        aliases = _aliases(select, sources)
        for node in list(own_nodes(select)):
            if isinstance(node, exp.Query) and node is not select and not isinstance(node.parent, _PLACED):
                self._inner(node, withs)
            elif isinstance(node, exp.Column):
                self._column(node, select, sources, aliases)
            elif isinstance(node, exp.Star):
                _check_star(node, select)
            elif isinstance(node, exp.Identifier):
                _check_bare(node)
        _check_using(select, sources)
        outputs = tuple(name for projection in select.expressions for name in _outputs(projection, sources))
        logical = {name: source.table for name, source in sources.items() if source.table is not None}
        if self._fleet and logical:
            close_fleet_select(select, list(logical))
        return outputs

    def _inner(self, node: exp.Expr, withs: _With) -> None:
        # A Subquery's own SELECT is pruned from the walk with it, so each is met once.
        if isinstance(node, exp.Subquery) and node.alias:
            raise SqlRefused("a sub-select inside an expression takes no alias")
        self.query(node, withs)

    def _sources(self, select: exp.Select, withs: _With) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        clause = select.args.get("from_")
        joins = select.args.get("joins") or []
        for position, entry in enumerate(([clause] if clause else []) + joins):
            if position and isinstance(entry, exp.Join):
                _check_join(entry)
            name, source = self._source(entry.this, withs)
            if name in sources:
                raise SqlRefused(f"two sources are called {name!r}; give each its own alias")
            sources[name or f"#{position}"] = source
        return sources

    def _source(self, node: exp.Expr, withs: _With) -> tuple[str, Source]:
        if isinstance(node, exp.Subquery):
            if node.alias:
                _check_new_name(node.alias, "alias")
            return node.alias, Source(self.query(node.this, withs), None)
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise SqlRefused("FROM takes logical tables, WITH names and sub-selects; table functions are not taken")
        written, alias = node.name, node.alias_or_name
        if alias != written:
            _check_new_name(alias, "alias")
        if written in withs:
            replacement, columns = withs[written]
            node.set("this", exp.to_identifier(replacement))
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
            return alias, Source(columns, None)
        if written not in LOGICAL_TABLES:
            raise SqlRefused(f"{written!r} is no logical table; there are {', '.join(sorted(LOGICAL_TABLES))}")
        self.tables.add(written)
        node.meta.update({TABLE: written, COLUMNS: []})
        return alias, Source(tuple(sorted(self._known[written])), node)

    def _column(self, column: exp.Column, select: exp.Select, sources: dict[str, Source], aliases: set[str]) -> None:
        if isinstance(column.this, exp.Star):
            _check_star(column, select)
            return
        if not isinstance(column.this, exp.Identifier):
            raise SqlRefused("a tuple's element is taken by tupleElement(x, 1), not by a dot")
        name = column.name
        if self._fleet and name == CUSTOMER:
            return
        candidates = {column.table: sources[column.table]} if column.table in sources else sources
        if column.table and column.table not in sources:
            raise SqlRefused(f"no source of this SELECT is called {column.table!r}; there are {_listed(sources)}")
        owners = [source for source in candidates.values() if name in source.columns]
        if len(owners) > 1 and name not in aliases and not _used_to_join(name, select):
            raise SqlRefused(f"the column {name!r} is in several sources; write it with the source's name and a dot")
        if not owners and (column.table or name not in aliases):
            known = sorted({known for source in candidates.values() for known in source.columns if known} | aliases)
            kind = "that a fleet query may use" if self._fleet else "here"
            raise SqlRefused(f"there is no column {name!r} {kind}; there are {_listed(known)}")
        for owner in owners:
            owner.read(name)


def _aliases(select: exp.Select, sources: dict[str, Source]) -> set[str]:
    for node in own_nodes(select):
        if isinstance(node, exp.Alias) and node.parent is not select:
            raise SqlRefused(f"give the name {node.alias!r} in the SELECT list, not inside an expression")
    names = [projection.alias for projection in select.expressions if isinstance(projection, exp.Alias)]
    joined = len(sources) > 1
    qualifiers = {node.table for node in own_nodes(select) if isinstance(node, exp.Column)}
    for name in names:
        if name.lower() == CUSTOMER:
            raise SqlRefused(f"the alias {name!r} would hide the customer column; choose another")
        # ClickHouse would read `name.column` as a part of the alias.
        if name in sources and (joined or name in qualifiers):
            raise SqlRefused(f"the alias {name!r} is also the name of a source; choose another")
    columns = {name for source in sources.values() for name in source.columns}
    where = select.args.get("where")
    in_where = (
        {node.name for node in own_nodes(where) if isinstance(node, exp.Column) and not node.table} if where else set()
    )
    # ClickHouse puts an alias before a column of the same name, in WHERE too.
    shadowing = sorted(set(names) & columns & in_where)
    if shadowing:
        raise SqlRefused(
            f"the alias {shadowing[0]!r} would replace the column of that name in WHERE; choose another alias"
        )
    return set(names)


def _check_new_name(name: str, what: str) -> None:
    if name.lower() in LOGICAL_TABLES:
        raise SqlRefused(f"the {what} {name!r} is a logical table's name; choose another")
    if name.lower() == CUSTOMER:
        raise SqlRefused(f"the {what} {name!r} would hide the customer column; choose another")


def _check_join(join: exp.Join) -> None:
    if join.side not in ("", "LEFT", "RIGHT", "FULL") or join.kind not in ("", "INNER", "OUTER", "CROSS"):
        raise SqlRefused(
            f"{' '.join([join.side, join.kind, 'JOIN']).strip()} is not taken; use INNER, LEFT, RIGHT, FULL or CROSS JOIN"
        )
    conditions = bool(join.args.get("on")) or bool(join.args.get("using"))
    if conditions == (join.kind == "CROSS"):
        raise SqlRefused("a JOIN needs ON or USING, and a CROSS JOIN takes neither")


def _check_using(select: exp.Select, sources: dict[str, Source]) -> None:
    for join in select.args.get("joins") or []:
        for identifier in join.args.get("using") or []:
            owners = [source for source in sources.values() if identifier.name in source.columns]
            if len(owners) < 2:
                raise SqlRefused(
                    f"USING ({identifier.name}) needs that column on both sides; write ON with the sources' names"
                )
            for owner in owners:
                owner.read(identifier.name)


def _used_to_join(name: str, select: exp.Select) -> bool:
    joins = select.args.get("joins") or []
    return any(identifier.name == name for join in joins for identifier in join.args.get("using") or [])


def _check_star(node: exp.Expr, select: exp.Select) -> None:
    parent = node.parent
    counted = isinstance(node, exp.Star) and isinstance(parent, FUNCTION_NODES) and parent.args["this"] == "count"
    if parent is not select and not counted and not isinstance(parent, exp.Column):
        raise SqlRefused("* stands in a SELECT list or in count(*) alone; name the columns")


def _check_bare(node: exp.Identifier) -> None:
    """A bare identifier is a lambda's parameter or part of something that is checked elsewhere."""
    if isinstance(node.parent, exp.Column | exp.Table | exp.TableAlias | exp.Alias | exp.Join):
        return
    ancestor: exp.Expr | None = node.parent
    while ancestor is not None:
        if isinstance(ancestor, exp.Lambda) and node.name in {parameter.name for parameter in ancestor.expressions}:
            _check_new_name(node.name, "lambda parameter")
            return
        ancestor = ancestor.parent
    raise SqlRefused(f"the name {node.name!r} is not understood here; write it as source.column")


def _outputs(projection: exp.Expr, sources: dict[str, Source]) -> tuple[str, ...]:
    if isinstance(projection, exp.Star):
        starred = list(sources.values())
    elif isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
        if projection.table not in sources:
            raise SqlRefused(f"no source of this SELECT is called {projection.table!r}; there are {_listed(sources)}")
        starred = [sources[projection.table]]
    else:
        named = isinstance(projection, exp.Alias | exp.Column)
        return (projection.alias_or_name if named else "",)
    for source in starred:
        for name in source.columns:
            source.read(name)
    return tuple(name for source in starred for name in source.columns)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(name for name in names if not name.startswith("#"))) or "none"
