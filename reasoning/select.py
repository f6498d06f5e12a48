"""Which playbook a ticket gets: its signals are weighed by code, the same way every time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.customer import Anchors
from models.playbook import Playbook
from models.ticket import Ticket
from reasoning.anchors import names_anything, symptoms_of
from reasoning.plain_text import plain
from reasoning.ticket_text import requester_text

MARGIN = 1
"""Sums no further apart than this are a tie: it is the least that one word can count, so one word more or less decides."""
_ANY_ENDING = "*"
_NO_SPACES = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

OWN_LINE = 6
"""What a line must count to tell of a trouble by itself: a symptom in so many words and more."""
OWN_LINE_THAT_NAMES = 3
"""What is enough where the line names what can be looked up, a code, a route, a key: a guess at the cause names nothing."""


@dataclass(frozen=True)
class Ranked:
    """A playbook for which a ticket speaks."""

    playbook: Playbook
    signals: Mapping[str, int]
    """Terms and symptoms of the playbook that the ticket has, and what each counts."""

    @property
    def sum(self) -> int:
        """What speaks for it, added."""
        return sum(self.signals.values())

    @property
    def said(self) -> str:
        """The signals for people: `api (1), rate-limited (3)`."""
        return ", ".join(f"{name} ({weight})" for name, weight in self.signals.items())


def select_playbook(ticket: Ticket, anchors: Anchors, playbooks: Sequence[Playbook]) -> tuple[Playbook, str]:
    """Choose a playbook.

    A custom field that a playbook names settles it; else the highest sum of weights of terms and symptoms does; ties go to the
    playbook with more different signals, then to the first in the alphabet. Where nothing speaks, the fallback is chosen.

    Returns:
        The playbook, newest version of its id, and the reason, without text of the ticket beyond the playbook's own terms.

    Raises:
        LookupError: no playbook applies and none is a fallback.
    """
    candidates = _newest(playbooks)
    settled = _settled(ticket, candidates)
    if settled is not None:
        return settled
    ranked = _ranked(ticket, anchors, candidates)
    if ranked:
        return ranked[0].playbook, ranked[0].said
    fallback = next((playbook for playbook in candidates if playbook.applies_when.fallback), None)
    if fallback is None:
        known = [playbook.id for playbook in candidates]
        raise LookupError(f"no playbook applies, and none of {known!r} is a fallback: set applies_when.fallback on one")
    return fallback, "nothing speaks for another"


def tied_playbooks(ticket: Ticket, anchors: Anchors, playbooks: Sequence[Playbook]) -> tuple[Ranked, ...]:
    """Return the playbooks that a ticket speaks for about equally, in code's own order; none where code's choice is clear.

    A tie is two sums or more that are above zero and at most `MARGIN` below the highest, on a ticket that no custom field
    settles.
    """
    candidates = _newest(playbooks)
    if _settled(ticket, candidates) is not None:
        return ()
    ranked = _ranked(ticket, anchors, candidates)
    tied = tuple(each for each in ranked if each.sum >= ranked[0].sum - MARGIN)
    return tied if len(tied) > 1 else ()


def second_playbook(
    ticket: Ticket, anchors: Anchors, playbooks: Sequence[Playbook], first: Playbook
) -> tuple[Playbook, str] | None:
    """Return the playbook of a second trouble that a ticket tells of in lines of its own, and the reason; None for one trouble.

    A line belongs to the playbook that it speaks for most, if it speaks enough for it. The second is the best of those that
    are not the first; the first must have a line of its own too, so that one trouble in other words makes no second.
    """
    candidates = _newest(playbooks)
    if first.applies_when.fallback or _settled(ticket, candidates) is not None:
        return None
    found: dict[str, Ranked] = {}
    for line in requester_text(ticket).splitlines():
        told = anchors.model_copy(update={"symptoms": symptoms_of(line)})
        for best in _best_of(line, told, candidates):
            kept = found.get(best.playbook.id)
            found[best.playbook.id] = best if kept is None or best.sum > kept.sum else kept
    if first.id not in found:
        return None
    others = sorted((each for name, each in found.items() if name != first.id), key=lambda each: -each.sum)
    return (others[0].playbook, others[0].said) if others else None


def _best_of(line: str, told: Anchors, candidates: Sequence[Playbook]) -> list[Ranked]:
    scored = [Ranked(playbook, _signals(line, told, playbook)) for playbook in candidates]
    ranked = sorted(scored, key=lambda each: (-each.sum, -len(each.signals)))
    # Two that a line speaks for equally are one trouble under two names.
    if len(ranked) > 1 and ranked[0].sum <= ranked[1].sum + MARGIN:
        return []
    least = OWN_LINE_THAT_NAMES if names_anything(line) else OWN_LINE
    return [ranked[0]] if ranked and ranked[0].sum >= least else []


def _newest(playbooks: Sequence[Playbook]) -> list[Playbook]:
    """The newest version of each, by id."""
    newest: dict[str, Playbook] = {}
    for playbook in playbooks:
        if playbook.id not in newest or newest[playbook.id].version < playbook.version:
            newest[playbook.id] = playbook
    return [newest[name] for name in sorted(newest)]


def _settled(ticket: Ticket, candidates: Sequence[Playbook]) -> tuple[Playbook, str] | None:
    for playbook in candidates:
        field = _settling_field(ticket, playbook)
        if field:
            return playbook, f"the field {field!r} settles it"
    return None


def _ranked(ticket: Ticket, anchors: Anchors, candidates: Sequence[Playbook]) -> list[Ranked]:
    """Those that something speaks for, the best first; the ids are sorted, and sorting keeps the order of equals."""
    text = plain(requester_text(ticket))
    scored = [Ranked(playbook, _signals(text, anchors, playbook)) for playbook in candidates]
    speaking = [each for each in scored if each.sum > 0]
    return sorted(speaking, key=lambda each: (-each.sum, -len(each.signals)))


def _settling_field(ticket: Ticket, playbook: Playbook) -> str:
    wanted = playbook.applies_when.fields
    return next(
        (
            name
            for name in sorted(wanted)
            if ticket.fields.get(name, "").lower() in {value.lower() for value in wanted[name]}
        ),
        "",
    )


def _signals(text: str, anchors: Anchors, playbook: Playbook) -> dict[str, int]:
    applies = playbook.applies_when
    terms = {term: weight for term, weight in applies.terms.items() if _says(text, term)}
    return terms | {name: weight for name, weight in applies.symptoms.items() if name in anchors.symptoms}


def _says(text: str, term: str) -> bool:
    return _pattern(term).search(text) is not None


@lru_cache(maxsize=4096)
def _pattern(term: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in plain(term.removesuffix(_ANY_ENDING)).split())
    # Japanese, Chinese, Korean and Thai write words without spaces: there a term stands anywhere.
    before = "" if _NO_SPACES.match(term) else r"(?<!\w)"
    after = "" if term.endswith(_ANY_ENDING) or _NO_SPACES.match(term[-1]) else r"(?!\w)"
    return re.compile(rf"{before}{words}{after}")
