"""Texts that say another value than a given one, texts that say the same in another format, and what rounding allows.

The rounding is worked out here again, in exact fractions, so that the tests do not ask the code under test what is right.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

from models.diagnosis import Fact, FactValue

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
LOOKALIKES = str.maketrans("aceopxyKMHTE0159", "асеорхуКМНТЕ０１５９")
"""Cyrillic letters and fullwidth digits: the same to the eye, another text."""
MINUTES: dict[str, int | Fraction] = {
    "minute": 1,
    "minutes": 1,
    "min": 1,
    "h": 60,
    "hours": 60,
    "days": 1440,
    "seconds": Fraction(1, 60),
}
OTHER_UNITS = ("%", " ms", " seconds", " hours", " days", " times", " per minute", " USD", " GB")
CENTRAL = timezone(timedelta(hours=1))
INDIA = timezone(timedelta(hours=5, minutes=30))


def rounds_to(text: str, value: float, unit: str) -> bool:
    """Whether a number as text is the value to within half a unit of the last place that the text shows."""
    true = Fraction(str(value)) if isinstance(value, int) else Fraction(Decimal(repr(value)))
    text = text.strip()
    if unit == "percent" and text.endswith("%"):
        return _near(text.removesuffix("%"), true * 100)
    if unit == "minutes":
        parts = re.findall(r"([\d,.]+) ?([a-z]+)", text)
        if not parts:
            return _near(text, true)
        told = sum(
            (Fraction(number.replace(",", "")) * MINUTES.get(name, 10**9) for number, name in parts), Fraction(0)
        )
        last, name = parts[-1]
        return abs((-told if text.startswith("-") else told) - true) <= _step(last) * MINUTES.get(name, 0) / 2
    match = NUMBER.search(text)
    return match is not None and _near(text[: match.end()], true)


def other_numbers(text: str) -> Iterator[str]:
    """Change each number in a text by one unit in the last place that it shows."""
    for match in NUMBER.finditer(text):
        shown = match[0].replace(",", "")
        places = len(shown.partition(".")[2])
        for step in (1, -1):
            changed = Decimal(shown) + step * Decimal(1).scaleb(-places)
            yield f"{text[: match.start()]}{changed:,}{text[match.end() :]}"


def moved_separators(value: int) -> Iterator[str]:
    """Move or misplace the thousands separators of a whole number that has some."""
    plain = str(abs(value))
    yield from (f"{plain[:1]}.{plain[1:]}", f"{plain[:2]},{plain[2:]}", f"{plain[:-2]},{plain[-2:]}", f"{value:,}0")
    yield f"{value:,}".replace(",", ".", 1)


def other_units(text: str, unit: str) -> Iterator[str]:
    """Say the same number in other units."""
    match = NUMBER.search(text)
    if match is None:
        return
    for other in OTHER_UNITS:
        yield f"{match[0]}{other}"
    yield from (f"€{match[0]}", f"¥{match[0]}")
    if unit == "percent":
        yield f"{Decimal(match[0].replace(',', '')) / 100}%"
        yield match[0]


def other_times(moment: datetime) -> Iterator[str]:
    """Say a moment that is a minute, an hour, a day or a time zone away."""
    for shift in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)):
        for sign in (1, -1):
            yield f"{moment + sign * shift:%Y-%m-%d %H:%M} UTC"
            yield f"{moment + sign * shift:%Y-%m-%dT%H:%M:%SZ}"
    yield f"{moment + timedelta(days=1):%Y-%m-%d}"
    yield from (f"{moment:%Y-%m-%dT%H:%M:%S}{zone}" for zone in ("+01:00", "-05:00", "+05:30"))


def other_texts(text: str) -> Iterator[str]:
    """Spoil a text by one character, one that looks alike, one that is not seen, its case, a part more or less."""
    spoilt = [text.translate(LOOKALIKES), text.swapcase(), f"{text}x", f"not {text}", f"{text}…"]
    for position in {0, len(text) // 2, len(text) - 1}:
        swapped = "b" if text[position] != "b" else "c"
        spoilt.append(f"{text[:position]}{swapped}{text[position + 1 :]}")
        spoilt.append(f"{text[:position]}\u200b{text[position:]}")
        spoilt.append(f"{text[:position]}{text[position + 1 :]}")
    yield from (other for other in spoilt if other != text)


def other_values(fact: Fact) -> Iterator[str]:
    """Say another value than a fact's; some may still be what rounding allows."""
    value = fact.value
    if isinstance(value, bool):
        yield from ("no" if value else "yes", "false" if value else "true", "1", "0", "")
    elif isinstance(value, datetime):
        yield from other_times(value)
    elif isinstance(value, str):
        yield from other_texts(value)


def same_values(value: FactValue, unit: str) -> Iterator[str]:
    """Say a value exactly, in every format that is the same value."""
    if isinstance(value, bool):
        yield from ("yes", "true", "Yes", "TRUE") if value else ("no", "false", "No", "FALSE")
    elif isinstance(value, datetime):
        yield from same_times(value)
    elif isinstance(value, str):
        yield from (value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value), f" {value} ")
    elif unit == "percent":
        yield from _same_percent(value)
    elif unit.endswith("-cents"):
        yield from _same_money(value, unit.removesuffix("-cents"))
    else:
        yield from _same_number(value, unit)


def same_times(moment: datetime) -> Iterator[str]:
    """Say one moment in several zones and notations, to the second or the minute."""
    moment = moment.astimezone(UTC)
    yield from (f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M} UTC", f"{moment:%Y-%m-%d %H:%M:%S}Z")
    yield from (moment.astimezone(zone).isoformat(timespec="seconds") for zone in (UTC, CENTRAL, INDIA))
    yield f"{moment.astimezone(CENTRAL):%Y-%m-%d %H:%M}+0100"


def tells_time(text: str, moment: datetime) -> bool:
    """Whether a text is a moment to the second, the minute or the day in UTC, read by Python alone."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return text == f"{moment.astimezone(UTC):%Y-%m-%d}"
    told = datetime.fromisoformat(re.sub(r" ?(UTC|Z)$", "+00:00", text.strip()))
    shown = timedelta(minutes=1) if text.count(":") - (text[-3:-2] == ":") == 1 else timedelta(seconds=1)
    return timedelta(0) <= moment - told < shown


def _same_percent(value: float) -> Iterator[str]:
    percent = _plain(Decimal(repr(value)) * 100)
    yield from (f"{percent}%", f"{percent} %", f"{percent} percent", f"{percent} Percent", f"{percent} per cent")
    yield from (_plain(Decimal(repr(value))), f"{_zeros(percent)}%")


def _same_money(value: float, currency: str) -> Iterator[str]:
    marks = {"usd": "$", "eur": "€"}
    if currency in marks:
        sign = "-" if value < 0 else ""
        major = Decimal(abs(round(value))) / 100
        yield from (f"{sign}{marks[currency]}{major:,.2f}", f"{sign}{major:.2f} {currency}")
        yield f"{sign}{major:,.2f} {currency.upper()}"
    yield str(round(value))


def _same_number(value: float, unit: str) -> Iterator[str]:
    number = Decimal(repr(value))
    for text in (_plain(number), _zeros(_plain(number)), f"{number:,f}", f"{number:,f}".replace(",", "\u202f")):
        yield text
        if unit not in ("", "count", "text", "digits"):
            yield from (f"{text} {word}" for word in WORDS.get(unit, (unit,)))


WORDS = {
    "times": ("times", "Times", "x", "×"),
    "per-minute": ("per minute", "/min", "per Minute"),
    "minutes": ("minutes", "Minutes", "min"),
    "ms": ("ms", "MS", "milliseconds"),
}


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def _zeros(text: str) -> str:
    return f"{text}00" if "." in text else f"{text}.00"


def _near(text: str, true: Fraction) -> bool:
    plain = text.strip().replace(",", "").replace("−", "-")
    return bool(re.fullmatch(r"[-+]?\d+(\.\d+)?", plain)) and abs(Fraction(plain) - true) <= _step(plain) / 2


def _step(text: str) -> Fraction:
    return Fraction(1, 10 ** len(text.partition(".")[2]))
