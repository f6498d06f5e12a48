"""Linear's IssueFilter: nested conditions over an issue, and the text search."""

import re
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from sandbox.clock import read_stamp
from sandbox.graphql import GraphqlError

Values = Mapping[str, "Facet"]
Facet = JsonValue | Mapping[str, "Facet"] | list[Mapping[str, "Facet"]]
"""What a filter looks at: a scalar, an object, or a collection of objects (`some`, `every`)."""

STRINGS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, wanted: wanted in value,
    "containsIgnoreCase": lambda value, wanted: wanted.casefold() in value.casefold(),
    "notContains": lambda value, wanted: wanted not in value,
    "startsWith": lambda value, wanted: value.startswith(wanted),
    "endsWith": lambda value, wanted: value.endswith(wanted),
    "eqIgnoreCase": lambda value, wanted: value.casefold() == wanted.casefold(),
    "neqIgnoreCase": lambda value, wanted: value.casefold() != wanted.casefold(),
}
ORDER = ("gt", "gte", "lt", "lte")
COMPARATORS = frozenset({"eq", "neq", "in", "nin", "null", *STRINGS, *ORDER})


def passes(facets: Values, wanted: JsonValue, type_name: str = "IssueFilter") -> bool:
    """Return whether an issue passes a filter.

    Raises:
        GraphqlError: an unknown field or comparator, as Linear refuses a variable of the wrong shape.
    """
    if not isinstance(wanted, dict):
        raise _wrong(f"Expected type {type_name!r} to be an object.")
    return all(_entry(facets, name, value, type_name) for name, value in wanted.items())


def _entry(facets: Values, name: str, value: JsonValue, type_name: str) -> bool:
    if name in ("and", "or"):
        if not isinstance(value, list):
            raise _wrong(f"Field {name!r} takes a list of {type_name!r}.")
        verdicts = [passes(facets, one, type_name) for one in value]
        return all(verdicts) if name == "and" else any(verdicts)
    if name not in facets:
        raise _wrong(f"Field {name!r} is not defined by type {type_name!r}.")
    facet = facets[name]
    if isinstance(facet, list):
        return _collection([one for one in facet if isinstance(one, Mapping)], value, name)
    if isinstance(facet, Mapping):
        if isinstance(value, dict) and value.keys() == {"null"}:
            return not value["null"]
        return passes(facet, value, f"{name.capitalize()}Filter")
    if not isinstance(value, dict):
        raise _wrong(f"Field {name!r} takes comparators such as {{'eq': …}}.")
    return all(_compare(facet, operator, bound, name) for operator, bound in value.items())


def _collection(members: list[Mapping[str, "Facet"]], value: JsonValue, name: str) -> bool:
    if not isinstance(value, dict):
        raise _wrong(f"Field {name!r} takes 'some', 'every' or a condition.")
    verdicts: list[bool] = []
    for quantifier, condition in value.items():
        if quantifier == "every":
            verdicts.append(all(passes(member, condition, name) for member in members))
        else:
            inner = condition if quantifier == "some" else {quantifier: condition}
            verdicts.append(any(passes(member, inner, name) for member in members))
    return all(verdicts)


def _compare(facet: JsonValue, operator: str, bound: JsonValue, name: str) -> bool:
    if operator not in COMPARATORS:
        raise _wrong(f"Comparator {operator!r} is not defined on {name!r}.")
    if operator == "null":
        return (facet is None) == bool(bound)
    if operator in ("eq", "neq"):
        return (facet == bound) == (operator == "eq")
    if operator in ("in", "nin"):
        if not isinstance(bound, list):
            raise _wrong(f"Comparator {operator!r} on {name!r} takes a list.")
        return (facet in bound) == (operator == "in")
    if facet is None:
        return False
    if operator in STRINGS:
        return STRINGS[operator](str(facet), str(bound))
    return _ordered(facet, operator, bound, name)


def _ordered(facet: JsonValue, operator: str, bound: JsonValue, name: str) -> bool:
    if isinstance(facet, int | float) and isinstance(bound, int | float):
        left, right = float(facet), float(bound)
    else:
        try:
            left, right = read_stamp(str(facet)).timestamp(), read_stamp(str(bound)).timestamp()
        except ValueError:
            raise _wrong(f"Value {bound!r} of {name!r} is no date.") from None
    return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[operator]


def _wrong(message: str) -> GraphqlError:
    return GraphqlError(f'Variable "$filter" got invalid value. {message}', "BAD_USER_INPUT")


def words(text: str) -> list[str]:
    """Return the words of a text, folded and with plurals cut, in their order."""
    return [re.sub(r"(?<=\w{3})(?:es|s|ing|ed)$", "", word) for word in re.findall(r"[a-z0-9_]+", text.casefold())]


def score(term: list[str], title: list[str], rest: list[str]) -> float:
    """Return how well an issue fits a search term; 0 where less than half of the words occur anywhere.

    The vendor ranks by full text and vectors together; words with a heavier title come close enough for a stand-in.
    """
    wanted = set(term)
    if not wanted:
        return 0.0
    in_title, in_rest = wanted & set(title), wanted & set(rest)
    if len(in_title | in_rest) * 2 < len(wanted):
        return 0.0
    return (2 * len(in_title) + len(in_rest)) / len(wanted)
