"""Whether what a sentence quotes is in the evidence: a second look, by other code than the product's verifier.

It knows nothing of claims. Every number, time, amount and identifier that a sentence holds must be a value of the stored
evidence, or of what code computed from it, rounded as the sentence writes it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from models.base import Row
from models.diagnosis import Fact
from models.evidence import Evidence

_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"(?<![\d:])\d{2}:\d{2}(?::\d{2})?(?![\d:])")
_NUMBER = re.compile(
    r"(?<![\w.,:/-])[-−]?(?P<sign>[$€£¥]?)(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<unit>\s?%|[A-Za-z]{0,3})(?![\w])"
)
_HOURS = re.compile(r"(?<![\w.])(?P<hours>\d+) h (?P<rest>\d+) min\b")
_LONG = re.compile(r"(?<![\w.])(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?) (?P<unit>hours|days)\b")
_MINUTES = {"hours": 60, "days": 1440}
_TOKEN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@#+-]*")
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
_CODES = re.compile(r"[0-9a-f]{7,40}")
_SMALL = {"0", "1", "2"}
"""Numbers that sentences use as words: the last 24 hours are no such, but `1 of 2 systems` is."""


class Grounds:
    """All values of one investigation's evidence."""

    def __init__(self, evidence: Sequence[Evidence], facts: Iterable[Fact] = (), texts: Iterable[str] = ()) -> None:
        """Index evidence, what code computed from it, and texts that may be quoted, such as the ticket's."""
        self._words: set[str] = {item.id.casefold() for item in evidence}
        self._days: set[str] = set()
        self._clocks: set[str] = set()
        self._numbers: set[float] = set()
        self._text = ""
        lines: list[str] = list(texts)
        for item in evidence:
            lines += [item.title, item.asked, item.url or "", *(str(value) for value in item.parameters.values())]
            lines += [text for row in item.rows for text in _cells(row)]
            self._numbers |= {float(len(item.rows)), float(item.total or 0)}
            if item.window:
                lines += [_iso(item.window.start), _iso(item.window.end)]
        for fact in facts:
            lines.append(_iso(fact.value) if isinstance(fact.value, datetime) else str(fact.value))
        self._index(lines)

    def _index(self, lines: Iterable[str]) -> None:
        self._text = "\n".join(lines).casefold()
        for day, clock in _ISO.findall(self._text.upper()):
            self._days.add(day)
            self._clocks.add(clock)
        self._days |= set(_DAY.findall(self._text))
        self._clocks |= {clock[:5] for clock in _CLOCK.findall(self._text)}
        self._words |= {word.strip(".:") for word in _TOKEN.findall(self._text)}
        self._numbers |= {float(number) for number in _PLAIN.findall(self._text)}

    def quotes(self, sentence: str) -> int:
        """Return how many values a sentence quotes that can be looked up."""
        return sum(1 for _ in self._specifics(sentence))

    def strange(self, sentence: str) -> tuple[str, ...]:
        """Return what a sentence quotes and the evidence does not hold."""
        return tuple(said for said, found in self._specifics(sentence) if not found)

    def _specifics(self, sentence: str) -> Iterator[tuple[str, bool]]:
        rest = sentence
        for day in _DAY.findall(rest):
            yield day, day in self._days
        rest = _DAY.sub(" ", rest)
        for clock in _CLOCK.findall(rest):
            yield clock, clock[:5] in self._clocks
        rest = _CLOCK.sub(" ", rest)
        for found in _HOURS.finditer(rest):
            yield found[0], self._near(int(found["hours"]) * 60 + int(found["rest"]), 0.5, {1.0})
        rest = _HOURS.sub(" ", rest)
        for found in _LONG.finditer(rest):
            said, room = _said(found["digits"])
            yield found[0], self._near(said, room, {1.0, 1 / _MINUTES[found["unit"]]})
        rest = _LONG.sub(" ", rest)
        for found in _NUMBER.finditer(rest):
            if found["digits"] not in _SMALL or found["sign"] or "%" in found["unit"]:
                yield found[0].strip(), self._has_number(found)
        rest = _NUMBER.sub(" ", rest)
        for word in _TOKEN.findall(rest):
            bare = word.strip(".:").casefold()
            if any(sign.isdigit() for sign in bare):
                yield word, bare in self._words or self._begins(bare) or bare in self._text

    def _has_number(self, found: re.Match[str]) -> bool:
        said, room = _said(found["digits"])
        scales = {1.0} | ({100.0} if "%" in found["unit"] else set()) | ({0.01} if room < 0.01 else set())
        before = found.string[: found.start()].rstrip().rpartition(" ")[2] if "%" in found["unit"] else ""
        if before == "under":
            return any(0 < abs(known) * scale <= said for known in self._numbers for scale in scales)
        if before == "over":
            return any(abs(known) * scale >= said for known in self._numbers for scale in scales)
        return self._near(said, room, scales | ({0.01} if found["sign"] else set()))

    def _near(self, said: float, room: float, scales: Iterable[float]) -> bool:
        return any(abs(abs(known) * scale - said) <= room for known in self._numbers for scale in scales)

    def _begins(self, word: str) -> bool:
        """Whether it is a digest that the evidence has in full."""
        return bool(_CODES.fullmatch(word)) and any(known.startswith(word) for known in self._words)


def _said(digits: str) -> tuple[float, float]:
    """Return a number as it is written, and what rounding may have taken from it."""
    plain = digits.replace(",", "")
    return float(plain), 0.5 * 10 ** -len(plain.partition(".")[2]) + 1e-9


def _cells(row: Row) -> Iterator[str]:
    for name, value in row.items():
        yield name
        if value is not None:
            yield str(value)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
