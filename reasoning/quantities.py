"""Whether a value as text says the same as a stored value: unit-aware, rounded to the precision shown, never by sight alone."""

import calendar
import math
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import JsonValue

from models.diagnosis import Fact, FactValue
from reasoning.phrases import cell_text, format_value, minor_places

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:[\u00a0\u202f ]\d{3})+|\d+)(?:\.\d+)?"
_QUANTITY = re.compile(
    rf"(?P<sign>[-−+]?)\s*(?P<mark>[$€£¥]?)\s*(?P<number>{_NUMBER})\s*(?P<unit>[^\d\s].*)?", re.ASCII
)
_PART = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[a-z]+)", re.ASCII)
_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T ]+(?P<clock>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_MONTHS = tuple(calendar.month_name)[1:]
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name[3:] else name for name in _MONTHS)
_WORDY_DATE = re.compile(
    rf"(?:(?P<day>\d{{1,2}}) (?P<month>{_MONTH})|(?P<us_month>{_MONTH}) (?P<us_day>\d{{1,2}}),) (?P<year>\d{{4}}),?",
    re.ASCII,
)
"""`12 March 2026` and `March 12, 2026`."""
_CODE_FIRST = re.compile(rf"([A-Z]{{3}}) ({_NUMBER})", re.ASCII)
_SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
_MARKS = {"$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_SYNONYMS = {
    "percent": ("%", "percent", "per cent"),
    "times": ("times", "x", "×", "-fold"),
    "per-minute": ("per minute", "/min", "/minute", "per-minute"),
    "count": ("",),
}
_NAMING = re.compile(r"(?:^|_)(?:version|release|tag|ref|sha|id|number|name|key|code)(?:_|$)")
"""Columns whose texts name something, so that one of figures is no amount."""
_LEAST_ELLIPSIS = 20
_COARSEST = 0.05
"""The most that rounding may change a number: `1` is no way to say 1.4."""


def says_fact(text: str, fact: Fact) -> bool:
    """Whether a text states the fact's value: as code would write it, or formatted otherwise."""
    value = fact.value
    if value is None:
        return False
    said = _flat(text)
    return said == _flat(format_value(fact)) or _says_value(said, value, fact.unit)


def says_cell(text: str, cell: JsonValue, column: str = "") -> bool:
    """Whether a text states a cell: exactly, or the same number or time in another format. A null is never stated.

    Args:
        text: As claimed.
        cell: As stored.
        column: Where it stands: a version `2026.10` is not `2026.1`, though a price of `12.50` is `12.5`.
    """
    said = _flat(text)
    if cell is None or isinstance(cell, list | dict):
        return False
    if said and said == _flat(cell_text(cell)):
        return True
    if isinstance(cell, bool):
        return _says_value(said, cell, "")
    if isinstance(cell, int | float):
        # A column may hold a share, and nothing tells; what is above 1 is none, so 412 is not `41,200%`.
        return (abs(cell) <= 1 or said[-1:].isdigit()) and _says_number(said, cell, "")
    moment = _moment(cell)
    if moment is not None:
        return _says_time(said, moment)
    # A decimal that a source sends as text; `007` and `12` stay what they are, as they may be ids.
    if re.fullmatch(r"-?(?:0|[1-9]\d*)\.\d+", cell) and not _NAMING.search(column):
        return _says_exactly(said, cell)
    return _begins(said, _flat(cell))


def _says_exactly(said: str, cell: str) -> bool:
    """Whether a decimal sent as text is told whole: it may be money or a version, so nothing is rounded off."""
    match = _QUANTITY.fullmatch(said)
    if match is None or match["mark"] or match["unit"]:
        return False
    return _decimal(match["number"], match["sign"])[0] == Decimal(cell)


def _begins(said: str, cell: str) -> bool:
    """Whether a text is the beginning of some prose, cut with `…`. An id or a link is said whole."""
    begun = said[:-1].rstrip()
    if not said.endswith("…") or len(said) <= _LEAST_ELLIPSIS or " " not in begun:
        return False
    return len(begun) < len(cell) and cell.startswith(begun)


def _says_value(said: str, value: FactValue, unit: str) -> bool:
    if isinstance(value, bool):
        return said.lower() in (("yes", "true") if value else ("no", "false"))
    if isinstance(value, datetime):
        return _says_time(said, value)
    if isinstance(value, str):
        moment = _moment(value)
        return said == _flat(value) or _begins(said, _flat(value)) or (moment is not None and _says_time(said, moment))
    return _says_number(said, value, unit)


def _says_number(said: str, value: float, unit: str) -> bool:
    if value in (math.inf, -math.inf) or value != value:
        return False
    if unit in ("ms", "s", "seconds", "minutes", "hours", "days"):
        return _says_duration(said, value, unit)
    said = _CODE_FIRST.sub(r"\2 \1", said, count=1)
    match = _QUANTITY.fullmatch(said)
    if match is None:
        return False
    number, step = _decimal(match["number"], match["sign"])
    mark, told = match["mark"], (match["unit"] or "").strip().lower()
    if unit.endswith("-cents"):
        return _says_money(number, step, mark, told, value, unit.removesuffix("-cents"))
    if mark:
        return False
    if told in _SYNONYMS["percent"] and unit in ("percent", "") and told:
        # A share is stored from 0 to 1; "100 %" of it must not be said of less than all.
        return _rounds_to(number, step, Decimal(str(value)) * 100, ceiling=100)
    fits = told in ("", unit.lower()) or told in _SYNONYMS.get(unit, ())
    return fits and _rounds_to(number, step, Decimal(str(value)), ceiling=1 if unit == "percent" else None)


def _says_money(number: Decimal, step: Decimal, mark: str, told: str, value: float, currency: str) -> bool:
    """Money is exact: `$1,234.50`, `1234.50 USD`, or the bare minor units as stored."""
    told = _MARKS.get(told, told)
    named = _MARKS.get(mark) or told
    if named:
        whole = 10 ** minor_places(currency)
        return named == currency and (not mark or told in ("", currency)) and number * whole == Decimal(str(value))
    return step == 1 and number == Decimal(str(value))


def _says_duration(said: str, value: float, unit: str) -> bool:
    bare = re.fullmatch(rf"[-−]?{_NUMBER}", said, re.ASCII)
    text = f"{said} {unit}" if bare else said
    sign, text = ("-", text[1:].strip()) if text[:1] in "-−" else ("", text)
    parts = list(_PART.finditer(text.lower()))
    if not parts or _PART.sub("", text.lower()).strip(" ,") or any(part["unit"] not in _SECONDS for part in parts):
        return False
    total, step = Decimal(0), Decimal(0)
    for part in parts:
        size = Decimal(str(_SECONDS[part["unit"]]))
        number, shown = _decimal(part["number"], "")
        total, step = total + number * size, shown * size
    told = -total if sign else total
    return _rounds_to(told, step, Decimal(str(value)) * Decimal(str(_SECONDS[unit])))


def _rounds_to(number: Decimal, step: Decimal, true: Decimal, ceiling: int | None = None) -> bool:
    if number == true:
        return True
    # Rounding must turn neither a little into nothing nor nearly all into all.
    if number == 0 or (ceiling is not None and abs(number) == ceiling):
        return False
    return abs(number - true) <= step / 2 and abs(number - true) <= abs(true) * Decimal(str(_COARSEST))


def _decimal(number: str, sign: str) -> tuple[Decimal, Decimal]:
    """Return a number and the size of one unit in its last shown place."""
    plain = re.sub(r"[,\u00a0\u202f ]", "", number)
    decimals = len(plain.partition(".")[2])
    return Decimal(("-" if sign in ("-", "−") else "") + plain), Decimal(1).scaleb(-decimals)


def _says_time(said: str, moment: datetime) -> bool:
    match = _TIME.fullmatch(_WORDY_DATE.sub(_as_iso, said, count=1))
    if match is None:
        return False
    moment = moment.astimezone(UTC)
    clock, zone = match["clock"], match["zone"]
    if clock is None:
        return match["date"] == f"{moment:%Y-%m-%d}"
    offset = "+00:00" if zone in (None, "Z", "UTC", "GMT") else zone
    try:
        told = datetime.fromisoformat(f"{match['date']}T{clock}{offset}").astimezone(UTC)
    except ValueError:
        return False
    shown = timedelta(minutes=1) if clock.count(":") == 1 else timedelta(seconds=1)
    if "." in clock:
        shown = timedelta(seconds=1) / 10 ** len(clock.partition(".")[2])
    return timedelta(0) <= moment - told < shown


def _as_iso(date: re.Match[str]) -> str:
    month = next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(date["month"] or date["us_month"]))
    return f"{date['year']}-{month:02}-{int(date['day'] or date['us_day']):02}"


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})", text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def _flat(text: str) -> str:
    """Return a text in one spelling: composed or not is the same text, look-alikes are not."""
    return " ".join(unicodedata.normalize("NFC", text).split())
