"""What in a sentence can be looked up: quotes, times, amounts, shares, spans, ids, routes and numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a token is."""

    QUOTE = "quote"
    MOMENT = "moment"
    DATE = "date"
    MONTH = "month"
    CLOCK = "clock"
    MONEY = "money"
    PERCENT = "percent"
    SPAN = "span"
    RATE = "rate"
    ROUTE = "route"
    ID = "id"
    NUMBER = "number"


@dataclass(frozen=True)
class Token:
    """One of them. For numbers the range that rounds to what is written: a share of one, minutes for a span."""

    kind: Kind
    text: str
    low: float = 0.0
    high: float = 0.0

    def covers(self, value: float) -> bool:
        """Whether a value, rounded as this was, could have been written like this."""
        slack = 1e-9 * max(1.0, abs(value))
        return self.low - slack <= value <= self.high + slack


_NUMBER = r"(?<![\w.,])-?\d[\d,]*(?:\.\d+)?"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_CURRENCIES = "USD|EUR|GBP|JPY|CHF|CAD|AUD|SEK|NOK|DKK|PLN|BRL|INR|MXN|TRY|CZK|HUF|NZD|SGD|KRW"
_MINUTES = {"ms": 1 / 60_000, "s": 1 / 60, "sec": 1 / 60, "second": 1 / 60, "min": 1.0, "minute": 1.0}
_MINUTES |= {"h": 60.0, "hour": 60.0, "day": 1440.0, "week": 10_080.0}
_PATTERN = re.compile(
    rf"""
    ["“«](?P<quote>[^"“”«»]{{2,}})["”»] | `(?P<code>[^`]{{2,}})`
    | (?P<moment>\d{{4}}-\d{{2}}-\d{{2}}[ T]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?(?:Z|\s?UTC)?)
    | (?P<date>\d{{4}}-\d{{2}}-\d{{2}})(?![\w-])
    | (?P<month>(?:{_MONTHS})\s\d{{4}})
    | (?P<clock>(?<![\d:])\d{{2}}:\d{{2}}(?::\d{{2}})?(?![\d:]))
    | (?P<money>-?[$€£¥]\d[\d,]*(?:\.\d+)?|{_NUMBER}\s(?:{_CURRENCIES})\b)
    | (?P<percent>(?:(?:over|under)\s)?{_NUMBER}\s?%)
    | (?P<hm>\d+\sh\s\d+\smin)\b
    | (?P<rate>{_NUMBER}\s(?:times|per\s(?:second|minute|hour|day)))\b
    | (?P<span>{_NUMBER}\s?(?:ms|s|sec|seconds?|min|minutes?|h|hours?|days?|weeks?))(?![\w/])
    | (?P<route>(?<![\w.:/])/[A-Za-z][\w/{{}}.:-]*[\w}}])
    | (?P<version>(?<![\w.,])\d+(?:\.\d+){{2,}})(?![\w.]\w)
    | (?P<id>(?<![\w.@-])(?=[\w.@:-]*[\d_@])(?=[\w.@:-]*[A-Za-z])[A-Za-z0-9](?:[\w.@:-]*\w)?)
    | (?P<number>{_NUMBER})(?![\w])
    """,
    re.VERBOSE,
)
_COMMON = re.compile(r"E\d{1,3}|[pP]\d{2}|[1-5]xx|[A-Z]{2,5}v?\d|\d{1,2}(?:st|nd|rd|th)|UTC\S*")
"""Words with a digit that name no thing: citations, percentiles, classes of status, HTTP2, ordinals."""


def tokens(sentence: str) -> Iterator[Token]:
    """Yield what can be looked up, in order; what stands within a quote belongs to the quote."""
    for match in _PATTERN.finditer(sentence):
        kind, text = match.lastgroup or "", match[match.lastgroup or 0]
        if kind in ("quote", "code"):
            yield Token(Kind.QUOTE, text.strip())
        elif kind in ("id", "version"):
            if not _COMMON.fullmatch(text):
                yield Token(Kind.ID, text)
        elif kind == "hm":
            hours, _, minutes, _ = text.split()
            yield _span(text, int(hours) * 60 + int(minutes), 1.0)
        else:
            yield _measured(Kind(kind), text)


def _measured(kind: Kind, text: str) -> Token:
    if kind not in (Kind.MONEY, Kind.PERCENT, Kind.SPAN, Kind.RATE, Kind.NUMBER):
        return Token(kind, text)
    number = re.search(r"-?[$€£¥]?\d[\d,]*(?:\.\d+)?", text)
    assert number is not None
    written = re.sub(r"[^\d.-]", "", number[0])
    value, decimals = float(written), len(written.partition(".")[2])
    half = 0.5 * 10**-decimals
    if kind is Kind.PERCENT:
        return _percent(text, value / 100, half / 100)
    if kind is Kind.SPAN:
        unit = text[number.end() :].strip()
        scale = _MINUTES.get(unit) or _MINUTES[unit.rstrip("s")]
        return _span(text, value * scale, half * scale)
    if kind is Kind.MONEY:
        return Token(kind, text, value, value)
    return Token(kind, text, value - half, value + half)


def _percent(text: str, value: float, half: float) -> Token:
    if text.startswith("over"):
        return Token(Kind.PERCENT, text, value, 1.0)
    if text.startswith("under"):
        return Token(Kind.PERCENT, text, 0.0, value)
    return Token(Kind.PERCENT, text, value - half, value + half)


def _span(text: str, minutes: float, half: float) -> Token:
    return Token(Kind.SPAN, text, minutes - half, minutes + half)
