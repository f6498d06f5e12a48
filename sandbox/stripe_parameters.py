"""How Stripe's requests are read: nested form parameters, limits, cursors, ranges, and what is wrong with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from pydantic import JsonValue

from sandbox.stripe_catalog import Object
from sandbox.vendor import Asked

RANGES = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})


class Rejected(Exception):
    """The request is wrong; carries Stripe's error."""

    def __init__(self, message: str, *, status: int = 400, code: str = "", param: str = "") -> None:
        """Keep what goes into the error body."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


def found(by_id: Mapping[str, Object], id: str, kind: str) -> Object:
    """Return an object of that kind; none is 404."""
    one = by_id.get(id)
    if one is None or one["object"] != kind:
        raise Rejected(f"No such {kind}: '{id}'", status=404, code="resource_missing", param="id")
    return one


def many(asked: Asked, name: str) -> list[str]:
    """Return the values of `name`, `name[]` and `name[0]`, `name[1]` …"""
    return [
        value
        for key, value in asked.query.multi_items()
        if key == name or (key.startswith(f"{name}[") and (key[len(name) + 1 : -1].isdigit() or key.endswith("[]")))
    ]


def limit_of(asked: Asked) -> int:
    """Return how many objects a page holds."""
    text = asked.query.get("limit", "10")
    if not text.isdigit():
        raise Rejected(f"Invalid integer: {text}", code="parameter_invalid_integer", param="limit")
    if not 1 <= int(text) <= 100:
        raise Rejected("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    return int(text)


def position_of(text: str) -> int:
    """Return where a search's page starts."""
    if not text.isdigit():
        raise Rejected("Invalid page token.", param="page")
    return int(text)


def minute_of(asked: Asked, name: str) -> int:
    """Return a time that has to be a whole minute."""
    text = asked.query[name]
    if not text.isdigit() or int(text) % 60:
        raise Rejected(f"Invalid {name}: a whole minute in epoch seconds is expected.", param=name)
    return int(text)


def page_of(objects: Sequence[Object], asked: Asked, url: str, kind: str) -> Object:
    """Return the list page that the cursors ask for."""
    limit = limit_of(asked)
    ids = [one["id"] for one in objects]
    start, stop = 0, len(objects)
    for name in ("starting_after", "ending_before"):
        cursor = asked.query.get(name)
        if cursor is None:
            continue
        if cursor not in ids:
            raise Rejected(f"No such {kind}: '{cursor}'", code="resource_missing", param=name)
        if name == "starting_after":
            start = ids.index(cursor) + 1
        else:
            stop = ids.index(cursor)
            start = max(start, stop - limit)
    more = stop - start > limit if "ending_before" not in asked.query else start > 0
    data = objects[start : min(start + limit, stop)]
    return {"object": "list", "data": cast(JsonValue, list(data)), "has_more": more, "url": url}


def ranges_of(asked: Asked, names: frozenset[str], moment: str = "created") -> list[Callable[[Object], bool]]:
    """Return the conditions that `created=`, `created[gte]=` and their like set; `moment` is the field for `created`."""
    conditions: list[Callable[[Object], bool]] = []
    for key, value in asked.query.multi_items():
        name, _, inner = key.partition("[")
        if name not in names:
            continue
        if not value.isdigit():
            raise Rejected(f"Invalid integer: {value}", code="parameter_invalid_integer", param=key)
        compare = RANGES[inner.rstrip("]")] if inner else int.__eq__
        conditions.append(_compared(moment if name == "created" else name, compare, int(value)))
    return conditions


def _compared(name: str, compare: Callable[[int, int], bool], bound: int) -> Callable[[Object], bool]:
    def condition(one: Object) -> bool:
        value = one.get(name)
        return isinstance(value, int) and compare(value, bound)

    return condition
