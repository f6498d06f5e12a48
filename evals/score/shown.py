"""Whether what a sentence says can be found in the evidence: a second opinion, written apart from the product's own verifier.

It looks up each number, id, date and quoted text by itself. What a sentence says *of* them it does not read: a true number
under the wrong name passes. A share, a rate, a span or a count over several answers may come of more arithmetic than is tried
here: one that is not found counts as untold, not as missing. How much that is worth is measured on the same sentences with
their figures altered.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import permutations

from evals.score.derived import Derived, folded, moments_in, numbers_in
from evals.score.tokens import Kind, Token, tokens
from models.customer import Anchors
from models.evidence import Evidence

_WHOLE_HOURS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48))
"""How long before what the ticket says a look may begin."""
_UNTOLD = frozenset({Kind.PERCENT, Kind.SPAN, Kind.RATE})
_LATER = timedelta(minutes=17)
"""By how much a time is altered: no round span."""
_CENT = 0.0051
_MOST_FACTORS = 8
_CITATION = re.compile(r"\bE(\d{1,3})\b")
_ALTERED = 0.37
"""By what share a figure is altered to see whether the check would notice: near enough to be believed."""
_STEPS = 3
"""And by how many steps of its last digit at least, which is far from any rounding."""


class Found(StrEnum):
    """What became of a token."""

    SHOWN = "shown"
    ELSEWHERE = "elsewhere"
    """In evidence that the sentence does not cite."""
    UNTOLD = "untold"
    MISSING = "missing"


@dataclass(frozen=True)
class Checked:
    """A token and what became of it."""

    token: Token
    found: Found


class Opinion:
    """Looks up sentences in all that was gathered for one ticket."""

    def __init__(self, evidence: Sequence[Evidence], anchors: Anchors | None, constants: Iterable[str] = ()) -> None:
        """Take the evidence, what the ticket itself names, and texts that are known beforehand such as the playbook's title."""
        self._derived = {item.id: Derived(item) for item in evidence}
        named = anchors.model_dump(mode="json") if anchors else {}
        own = [*_texts(named), *constants]
        self._own_text = folded("\n".join(own))
        said = [moment for text in own for moment in moments_in(text)]
        self._own_moments = [*said, *(moment - hours for moment in said for hours in _WHOLE_HOURS)]
        self._own_numbers = [value for text in own for value in numbers_in(text)]

    def of(self, sentence: str) -> Iterator[Checked]:
        """Yield every token of a sentence with what became of it."""
        cited = _citations(sentence)
        near = [self._derived[name] for name in cited if name in self._derived]
        rest = [one for name, one in self._derived.items() if name not in cited]
        found = list(tokens(sentence))
        for token in found:
            if self._is_own(token) or self._holds(token, near) or _reckoned(token, found):
                yield Checked(token, Found.SHOWN)
            elif self._holds(token, rest, reckon=not near):
                yield Checked(token, Found.ELSEWHERE if near else Found.SHOWN)
            else:
                # A count over several answers may be one less another, such as all customers less this one.
                untold = token.kind in _UNTOLD or (token.kind is Kind.NUMBER and len(near) > 1)
                yield Checked(token, Found.UNTOLD if untold else Found.MISSING)

    def notices(self, sentence: str) -> Iterator[bool]:
        """Yield, for each count, amount and time that is shown, whether it would be missed if it were another one."""
        cited = set(_citations(sentence))
        near = [one for name, one in self._derived.items() if name in cited or not cited]
        for checked in self.of(sentence):
            altered = _altered(checked.token) if checked.found is Found.SHOWN else None
            if altered is not None and (altered.kind is not Kind.NUMBER or len(near) < 2):
                yield not (self._is_own(altered) or self._holds(altered, near))

    def _is_own(self, token: Token) -> bool:
        if token.kind in (Kind.QUOTE, Kind.ID, Kind.ROUTE):
            return _stands(token.text, self._own_text)
        if token.kind in _TIMES:
            return any(_written(token, moment) for moment in self._own_moments)
        return token.kind is Kind.NUMBER and any(token.covers(value) for value in self._own_numbers)

    def _holds(self, token: Token, near: Sequence[Derived], reckon: bool = True) -> bool:
        if token.kind in (Kind.QUOTE, Kind.ID, Kind.ROUTE):
            return any(_stands(token.text, one.text) for one in near)
        if token.kind in _TIMES:
            return any(_written(token, moment) for one in near for moment in one.moments)
        if not reckon:
            return any(token.covers(value) for one in near for value in one.cells)
        return any(token.covers(value) for one in near for value in _candidates(token.kind, one)) or (
            token.kind is Kind.SPAN and self._between(token, near)
        )

    def _between(self, token: Token, near: Sequence[Derived]) -> bool:
        """Whether a span lies between what the ticket says and what an answer holds."""
        return any(
            token.covers(abs((moment - own) / timedelta(minutes=1)))
            for one in near
            for moment in one.moments
            for own in self._own_moments
        )


def _altered(token: Token) -> Token | None:
    if token.kind is Kind.MOMENT:
        moment = datetime.fromisoformat(f"{token.text[:10]} {token.text[11:16]}") + _LATER
        return Token(token.kind, f"{moment:%Y-%m-%d %H:%M} UTC")
    if token.kind not in (Kind.MONEY, Kind.NUMBER):
        return None
    shift = max(_ALTERED * abs(token.low + token.high) / 2, _STEPS * max(token.high - token.low, 0.01))
    return Token(token.kind, "", token.low + shift, token.high + shift)


def _reckoned(token: Token, beside: Sequence[Token]) -> bool:
    """Whether an amount is worked out before the reader's eyes: a × b ÷ c of three figures of the same sentence."""
    if token.kind is not Kind.MONEY:
        return False
    others = [(one.low + one.high) / 2 for one in beside if one is not token and one.kind in (Kind.MONEY, Kind.NUMBER)]
    return any(
        abs(one * other / third - token.low) < _CENT
        for one, other, third in permutations(others[:_MOST_FACTORS], 3)
        if third
    )


def _citations(sentence: str) -> list[str]:
    return [f"E{number}" for number in _CITATION.findall(sentence)]


_TIMES = frozenset({Kind.MOMENT, Kind.DATE, Kind.MONTH, Kind.CLOCK})


def _candidates(kind: Kind, one: Derived) -> Iterator[float]:
    if kind is Kind.PERCENT:
        yield from one.cells
        yield from (value / 100 for value in one.cells)
        yield from one.shares
    elif kind is Kind.SPAN:
        yield from one.spans
        # Columns hold milliseconds, seconds, minutes or hours, and say so in their names at best.
        yield from (value * scale for value in (*one.cells, *one.reckoned) for scale in (1 / 60_000, 1 / 60, 1.0, 60.0))
    elif kind is Kind.MONEY:
        yield from (value * scale for value in (*one.cells, *one.reckoned) for scale in (1.0, 0.01))
    else:
        yield from one.cells
        yield from one.reckoned
        yield from one.shares if kind is Kind.RATE else ()


def _stands(text: str, within: str) -> bool:
    """Whether a text stands in another as words of its own; of one that was cut the beginning counts."""
    wanted = folded(text.removesuffix("…"))
    end = "" if text.endswith("…") else r"(?!\w)"
    return re.search(rf"(?<!\w){re.escape(wanted)}{end}", within) is not None


def _written(token: Token, moment: datetime) -> bool:
    """Whether a time would be written like this, by the day or by the minute."""
    if token.kind is Kind.MONTH:
        return f"{moment:%B %Y}" == token.text
    if token.kind is Kind.DATE:
        return f"{moment:%Y-%m-%d}" == token.text
    digits = token.text.replace("T", " ").removesuffix("UTC").strip().removesuffix("Z")
    form = "%H:%M" if token.kind is Kind.CLOCK else "%Y-%m-%d %H:%M"
    return f"{moment:{form}}" == digits[: 5 if token.kind is Kind.CLOCK else 16]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
