"""How code says facts and rows: values as text for people, and sentences of a playbook filled in.

A place in a sentence is `{name}`, or `{name:form}` to say a value in another form than its unit asks for. Filling happens in
one pass, so a value that itself holds braces stays as it is.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import JsonValue

from models.base import Row
from models.diagnosis import Fact, FactValue
from models.playbook import Playbook, Query
from reasoning.outside import quoted

PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")
"""`{name}` or `{name:form}`."""
UNKNOWN = "unknown"

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_NO_DECIMALS = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"}
)
"""Currencies whose minor unit is the whole."""
_THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def format_value(fact: Fact) -> str:
    """Return a fact's value as text in its unit: `34%`, `1,240 ms`, `$1,234.56`, `2026-03-12 14:05 UTC`, or `unknown`."""
    return UNKNOWN if fact.value is None else format_scalar(fact.value, fact.unit)


def format_scalar(value: FactValue, unit: str = "") -> str:
    """Say one value. A `percent` is a share from 0 to 1; money is an int of minor units with the unit `usd-cents`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _time(value, unit)
    if isinstance(value, str):
        return _text(value, unit)
    if unit.endswith("-cents"):
        return format_money(round(value), unit.removesuffix("-cents"))
    said = _NUMBERS.get(unit)
    if said is not None:
        return said(value)
    return f"{_number(value)} {unit}".rstrip()


def format_money(minor: int, currency: str) -> str:
    """Say an amount of minor units: `$1,234.56`, `-€3.00`, `¥1,200`, `12.00 CHF`."""
    code = currency.lower()
    places = minor_places(code)
    whole, part = divmod(abs(minor), 10**places)
    amount = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    sign = "-" if minor < 0 else ""
    mark = _SIGNS.get(code)
    return f"{sign}{mark}{amount}" if mark else f"{sign}{amount} {code.upper()}"


def minor_places(currency: str) -> int:
    """Return how many decimals an amount in a currency has: 2 for most."""
    code = currency.lower()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def cell_text(value: JsonValue) -> str:
    """Return a cell as claims quote it, exactly: strings as they are, numbers and bools as JSON, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def places_in(sentence: str) -> tuple[str, ...]:
    """Return the names in a sentence's braces, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in PLACE.finditer(sentence)))


def stray_braces(sentence: str) -> bool:
    """Whether a brace stands outside a well-formed place: a sentence with one is refused when the playbook loads."""
    return bool(re.search(r"[{}]", PLACE.sub("", sentence)))


def fill(sentence: str, facts: Mapping[str, Fact], own: str | None = None) -> str | None:
    """Fill a sentence with facts.

    Args:
        sentence: With places named after facts.
        facts: By id.
        own: What `{value}` stands for.

    Returns:
        The sentence, or None where it names a fact that is unknown or not there: then nothing can be said.
    """
    if any(name != "value" and (name not in facts or facts[name].value is None) for name in places_in(sentence)):
        return None

    def put(match: re.Match[str]) -> str:
        if match[1] == "value" and own is not None:
            return own
        fact = facts[match[1]]
        value = fact.value
        assert value is not None
        return quoted(format_scalar(value, match[2] or fact.unit))

    return PLACE.sub(put, sentence)


def fill_row(sentence: str, row: Row) -> str | None:
    """Fill a sentence with the cells of one row; None where it names a cell that is not there or empty.

    `{amount:money}` takes the currency from the row's own `currency`, and says the bare number where there is none; times are
    said as times without being asked.
    """
    if any(cell_text(row.get(name)) == "" for name in places_in(sentence)):
        return None
    return PLACE.sub(lambda match: quoted(_cell(row, match[1], match[2] or "")), sentence)


def say_fact(playbook: Playbook, facts: Mapping[str, Fact], name: str) -> str | None:
    """Say one fact by its own sentence, or as `label: value` where it has none or the sentence needs what is unknown."""
    fact, spec = facts.get(name), playbook.facts.get(name)
    if fact is None or spec is None or fact.value is None:
        return None
    value = quoted(format_value(fact))
    # A sentence that says no value is one for yes: `An incident is open`.
    unsaid = fact.value is False and "value" not in places_in(spec.say)
    return (fill(spec.say, facts, own=value) if spec.say and not unsaid else None) or f"{fact.label}: {value}"


def say_row(query: Query, row: Row) -> str | None:
    """Say one row by the query's own sentence."""
    return fill_row(query.row_sentence, row) if query.row_sentence else None


def say_absence(query: Query) -> str:
    """Say that a query looked and found nothing."""
    return query.absent_sentence or f"Nothing found: {query.title}"


def _cell(row: Row, name: str, form: str) -> str:
    value = row[name]
    if form == "money":
        currency = row.get("currency")
        if isinstance(value, int) and isinstance(currency, str) and currency:
            return format_money(value, currency)
        form = ""
    if isinstance(value, str) and _ISO.fullmatch(value):
        return _time(datetime.fromisoformat(value.replace("Z", "+00:00")), form)
    if isinstance(value, bool | int | float | str):
        return format_scalar(value, form)
    return cell_text(value)


def _time(value: datetime, form: str) -> str:
    if form == "clock":
        return f"{value:%H:%M} UTC"
    return f"{value:%Y-%m-%d}" if form == "date" else f"{value:%Y-%m-%d %H:%M} UTC"


def _text(value: str, form: str) -> str:
    if form == "month" and _ISO.fullmatch(value):
        return f"{datetime.fromisoformat(value.replace('Z', '+00:00')):%B %Y}"
    return value


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}"
    said = f"{value:,.2f}".rstrip("0").rstrip(".")
    # Rounding must not make nothing of a little.
    return said if said not in ("0", "-0") else "under 0.01" if value > 0 else "between -0.01 and 0"


def _percent(value: float) -> str:
    percent = value * 100
    size = abs(percent)
    if value in (0, 1):
        return f"{percent:.0f}%"
    if size < 0.01:
        return "under 0.01%"
    if size < 0.1:
        return f"{percent:.2f}%"
    # Rounding must not claim all where one is missing.
    return f"{percent:,.1f}%" if size < 10 or 99 <= size < 99.95 else _whole_percent(percent)


def _whole_percent(percent: float) -> str:
    return "over 99.9%" if 99.95 <= percent < 100 else f"{percent:,.0f}%"


def _minutes(value: float) -> str:
    total = round(value)
    size = abs(total)
    if size < 120:
        return f"{total} minute" if size == 1 else f"{total} minutes"
    if size < 48 * 60:
        hours, rest = divmod(size, 60)
        said = f"{hours} h {rest} min" if rest else f"{hours} hours"
        return f"-{said}" if total < 0 else said
    return f"{_number(round(value / 1440, 1))} days"


def _times(value: float) -> str:
    return f"{_number(round(value, 1))} times"


_NUMBERS: dict[str, Callable[[float], str]] = {
    "": _number,
    "count": _number,
    "text": _number,
    "digits": lambda value: str(round(value)),
    "percent": _percent,
    "minutes": _minutes,
    "times": _times,
    "per-minute": lambda value: f"{_number(value)} per minute",
}
