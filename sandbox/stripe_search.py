"""Stripe's search query language: clauses joined by AND or by OR, never both."""

import re
from collections.abc import Callable

from pydantic import JsonValue

Object = dict[str, JsonValue]
Predicate = Callable[[Object], bool]

CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?(?P<field>\w+)(?:\[(?P<q>["'])(?P<key>.+?)(?P=q)\])?
    \s*(?P<operator>>=|<=|:|~|>|<)\s*
    (?:(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)|(?P<number>-?\d+|null))\s*""",
    re.VERBOSE,
)
JOINT = re.compile(r"(AND|OR)\b", re.IGNORECASE)
CLAUSES_CAP = 10


class SearchError(ValueError):
    """The query is no query; the message is for the caller."""


def parse_search(text: str, fields: frozenset[str]) -> Predicate:
    """Read a query such as `metadata['customer_id']:'acc_1' AND status:'open'`.

    Args:
        text: The query.
        fields: What this resource can be searched by.

    Raises:
        SearchError: not a query, an unknown field, or AND and OR mixed.
    """
    clauses: list[Predicate] = []
    joints: set[str] = set()
    at = 0
    while True:
        match = CLAUSE.match(text, at)
        if match is None:
            raise SearchError(f"We were unable to parse your search query near {text[at : at + 20]!r}.")
        clauses.append(_clause(match, fields))
        at = match.end()
        if at == len(text):
            break
        # Without a word between them clauses are joined by AND.
        joint = JOINT.match(text, at)
        joints.add(joint.group(1).upper() if joint else "AND")
        at = joint.end() if joint else at
    if len(joints) > 1:
        raise SearchError("Cannot use both AND and OR in one query.")
    if len(clauses) > CLAUSES_CAP:
        raise SearchError(f"A query may have at most {CLAUSES_CAP} clauses.")
    if joints == {"OR"}:
        return lambda one: any(clause(one) for clause in clauses)
    return lambda one: all(clause(one) for clause in clauses)


def _clause(match: re.Match[str], fields: frozenset[str]) -> Predicate:
    name, key = match["field"], match["key"]
    if name not in fields:
        raise SearchError(f"Field `{name}` is an unsupported search field for this resource.")
    if (name == "metadata") != (key is not None):
        raise SearchError("Search metadata as metadata['key']:'value', and only metadata.")
    wanted = re.sub(r"\\(.)", r"\1", match["text"]) if match["number"] is None else match["number"]
    operator, negated = match["operator"], match["negated"] is not None

    def clause(one: Object) -> bool:
        value = one.get(name)
        if key is not None:
            value = value.get(key) if isinstance(value, dict) else None
        return _compare(value, operator, wanted) != negated

    return clause


def _compare(value: JsonValue, operator: str, wanted: str) -> bool:
    if wanted == "null":
        return value is None
    if value is None:
        return False
    if operator == ":":
        # Exact, and blind to case, unlike the list's email parameter.
        return str(value).casefold() == wanted.casefold()
    if operator == "~":
        return wanted.casefold() in str(value).casefold()
    if not isinstance(value, int) or not wanted.lstrip("-").isdigit():
        return False
    bound = int(wanted)
    return {">": value > bound, "<": value < bound, ">=": value >= bound, "<=": value <= bound}[operator]
