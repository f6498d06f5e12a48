"""What to write instead of what the guard of sql_grammar refuses: by node, by part of a node, by function."""

import difflib
import re

from sqlglot import exp

from reasoning.sql_functions import AGGREGATES, SCALARS

NODE_REMEDIES: dict[type[exp.Expr], str] = {
    exp.Final: "leave FINAL out; map the table to a view that is already deduplicated",
    exp.PreWhere: "write WHERE; ClickHouse moves it by itself",
    exp.TableSample: "leave SAMPLE out; aggregate instead",
    exp.Into: "leave INTO out",
    exp.Values: "write parameters",
    exp.Explode: "arrays are not unfolded; use arrayCount, arraySum and the like",
    exp.Lateral: "join on a condition",
    exp.IntDiv: "write intDiv(a, b)",
    exp.CastToStrType: "write CAST(x AS Type)",
    exp.Filter: "write the -If form, such as countIf(condition)",
    exp.Exists: "write IN (SELECT …)",
    exp.Command: "write one SELECT",
    exp.Alias: "give names only to columns of the SELECT list",
    exp.HexString: "write the number in decimal",
    exp.All: "compare with (SELECT max(…) …) instead",
    exp.Any: "write IN (SELECT …)",
    exp.Apply: "name the columns",
    exp.Collate: "leave COLLATE out; text is ordered by its bytes",
    exp.Cube: "leave CUBE out; write a second query",
    exp.Rollup: "leave ROLLUP out; write a second query",
    exp.GroupingSets: "leave GROUPING SETS out; write a second query",
    exp.Dot: "write source.column, and tupleElement(x, 1) for a part of a tuple",
    exp.Fetch: "write LIMIT 10",
    exp.IgnoreNulls: "write the -OrNull form or a condition in WHERE",
    exp.JSONExtract: "write JSONExtractString(column, 'key')",
    exp.National: "write the text in plain quotes",
    exp.VarMap: "write map('key', value)",
}
PART_REMEDIES = {
    "settings": "leave SETTINGS out; limits are set by code",
    "format": "leave FORMAT out; rows are read by code",
    "into": "leave INTO out",
    "prewhere": "write WHERE; ClickHouse moves it by itself",
    "sample": "leave SAMPLE out; aggregate instead",
    "db": "name a logical table alone; the tenant's mapping knows the database",
    "joins": "write the join without parentheses",
    "windows": "write the window inside OVER ( … )",
    "qualify": "filter in an outer SELECT",
    "with_fill": "leave WITH FILL out; gaps are told by code",
    "limit_options": "leave WITH TIES out",
    "recursive": "leave RECURSIVE out",
    "scalar": "write the value in place, or as a parameter {name:Type}",
    "is_global": "leave GLOBAL out",
    "global_": "leave GLOBAL out",
    "quoted": "use plain names: letters, digits and underscores",
    "all": "name the columns of GROUP BY",
    "totals": "leave WITH TOTALS out; write a second query",
    "rollup": "leave ROLLUP out; write a second query",
    "cube": "leave CUBE out; write a second query",
    "expressions": "LIMIT BY and modifiers are not taken; rank in a sub-select by row_number() OVER ( … )",
    "columns": "name the columns inside the SELECT",
    "materialized": "leave MATERIALIZED out",
    "method": "write INNER, LEFT, RIGHT, FULL or CROSS JOIN",
    "on": "write GROUP BY instead of DISTINCT ON",
    "except": "name the columns that are wanted",
    "except_": "name the columns that are wanted",
    "replace": "name the columns that are wanted",
    "pivots": "write one -If aggregate for each column, such as countIf(condition)",
    "locks": "leave FOR UPDATE out; nothing is written",
}

_ELSEWHERE = (
    "FROM takes logical tables, WITH names and sub-selects; read other data through a view that the tenant maps"
)
_FUNCTION_REMEDIES = (
    (r"dict|joinGet|hasColumnInTable", "join a logical table, or map the table to a view that looks the value up"),
    (r"(?i)file|catboost|model|evalML", "leave it out; no file is read"),
    (
        r"(arrayJoin|range|numbers\w*|zeros\w*|generate\w*|repl\w+|repeat|space|\w+Pad\w*|array(With|Resize)\w*)$",
        "aggregate instead, with arrayCount, arraySum and the like; rows and text are not made up",
    ),
    (r"(not|global\w*|null|not\w*)?[Ii]n$", "write x IN (…) or x NOT IN (…)"),
    (
        r"running|neighbor|initialize|finalize|arrayReduce|blockNumber",
        "write a window function such as lagInFrame(x) OVER ( … )",
    ),
    (r"sleep|throwIf|rand|materialize|identity|encrypt|decrypt", "leave it out"),
    (
        r"get|current|server|host|version|query|uptime|address|demangle",
        "leave it out; a query says nothing of the server",
    ),
    (
        r".*(State|Merge|Map|Array|ForEach|Resample|ArgMin|ArgMax)$",
        "write the plain aggregate, its -If or -OrNull form",
    ),
    (r"(?i)columns$", "name the columns"),
)


def of_function(name: str, *, source: bool) -> str:
    """Return what to write instead of a function that is not on the list; `source` is for one in FROM."""
    if source:
        return _ELSEWHERE
    for pattern, remedy in _FUNCTION_REMEDIES:
        if re.match(pattern, name):
            return remedy
    near = difflib.get_close_matches(name, sorted(SCALARS | AGGREGATES), n=3, cutoff=0.75)
    return f"write {' or '.join(near)}" if near else "write it with the functions that docs/tables.md names"
