"""Reads the fields of Stripe's objects: what is not of its type, or missing where it must be, is schema drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from connectors.answers import iso, read_moment
from connectors.http import SchemaDrift

T = TypeVar("T")

Thing = Mapping[str, object]
"""A Stripe object as the SDK's `to_dict` gives it."""

_KINDS = (
    (bool, "a flag"),
    (str, "text"),
    (int | float | Decimal, "a number"),
    (Mapping, "an object"),
    (list, "a list"),
)


def at(thing: object, *path: str) -> object:
    """Return what lies at the end of a path of keys; None where it breaks off."""
    for key in path:
        if not isinstance(thing, Mapping):
            return None
        thing = thing.get(key)
    return thing


@dataclass(frozen=True)
class Fields:
    """One object and the name that an error gives it, such as `invoices[0]`.

    Every method raises `SchemaDrift` for a value of another type, and with `required` for none; Stripe writes null for
    what does not apply, so null is the same as missing.
    """

    thing: Thing
    where: str

    def at(self, *path: str) -> object:
        """Return what lies at the end of a path, whatever it is."""
        return at(self.thing, *path)

    def id(self, *path: str, required: bool = False) -> str:
        """Return the id of what lies there, whether Stripe gave the id or the expanded object; empty if there is none."""
        value = self.at(*path)
        if isinstance(value, Mapping):
            path, value = (*path, "id"), value.get("id")
        return self._checked(value, str, "an id", path, required) or ""

    def text(self, *path: str, required: bool = False) -> str:
        """Return text; empty if there is none."""
        return self._checked(self.at(*path), str, "text", path, required) or ""

    def flag(self, *path: str, required: bool = False) -> bool | None:
        """Return a flag."""
        return self._checked(self.at(*path), bool, "a flag", path, required)

    def whole(self, *path: str, required: bool = False) -> int | None:
        """Return a whole number, as amounts of money are: minor units of the currency."""
        value = self.at(*path)
        if isinstance(value, bool):
            raise self._drift(value, "a whole number", path)
        return self._checked(value, int, "a whole number", path, required)

    def number(self, *path: str, required: bool = False) -> int | float | None:
        """Return a number that may be a fraction of a minor unit, which Stripe writes as decimal text."""
        value = self.at(*path)
        if value is None and not required:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise self._drift(value, "a number", path)
        try:
            exact = Decimal(str(value))
        except InvalidOperation:
            raise self._drift(value, "a number", path) from None
        # Text like 1e999999 would become a number of a million digits.
        if not exact.is_finite() or exact.adjusted() > 18:
            raise SchemaDrift(f"{self._name(path)} is beyond any number that a bill holds")
        return int(exact) if exact == exact.to_integral_value() else float(exact)

    def time(self, *path: str, required: bool = False) -> str | None:
        """Return Unix seconds as ISO 8601 in UTC."""
        seconds = self.whole(*path, required=required)
        moment = read_moment(seconds)
        if seconds is not None and moment is None:
            raise SchemaDrift(f"{self._name(path)} is a number, not a time")
        return iso(moment)

    def part(self, *path: str, required: bool = False) -> "Fields":
        """Return an object inside; one without fields if there is none."""
        value = self.at(*path)
        if value is None and not required:
            return Fields({}, self._name(path))
        if not isinstance(value, Mapping):
            raise self._drift(value, "an object", path)
        return Fields(value, self._name(path))

    def parts(self, *path: str, required: bool = False) -> list["Fields"]:
        """Return the objects of a list, or of a Stripe list's `data`; none if there is no list."""
        value = self.at(*path)
        if isinstance(value, Mapping):
            path, value, required = (*path, "data"), value.get("data"), True
        if value is None and not required:
            return []
        if not isinstance(value, list):
            raise self._drift(value, "a list", path)
        found = [Fields(item, f"{self._name(path)}[{i}]") for i, item in enumerate(value) if isinstance(item, Mapping)]
        if len(found) < len(value):
            raise SchemaDrift(f"{self._name(path)} holds something that is not an object")
        return found

    def _checked(self, value: object, kind: type[T], word: str, path: tuple[str, ...], required: bool) -> T | None:
        if value is None and not required:
            return None
        if not isinstance(value, kind):
            raise self._drift(value, word, path)
        return value

    def _drift(self, value: object, wanted: str, path: tuple[str, ...]) -> SchemaDrift:
        if value is None:
            return SchemaDrift(f"{self._name(path)} is missing")
        held = next((word for kind, word in _KINDS if isinstance(value, kind)), "something else")
        return SchemaDrift(f"{self._name(path)} is {held}, not {wanted}")

    def _name(self, path: tuple[str, ...]) -> str:
        return ".".join((self.where, *path))
