"""Which playbook a ticket gets: its signals are weighed by code, the same way every time."""

import re
from collections.abc import Sequence

from models.customer import Anchors
from models.playbook import Playbook
from models.ticket import Ticket
from reasoning.ticket_text import requester_text


def select_playbook(ticket: Ticket, anchors: Anchors, playbooks: Sequence[Playbook]) -> tuple[Playbook, str]:
    """Choose a playbook.

    A custom field that a playbook names settles it; else the highest sum of weights of terms and symptoms does; ties go to the
    playbook with more different signals, then to the first in the alphabet. Where nothing speaks, the fallback is chosen.

    Returns:
        The playbook, newest version of its id, and the reason, without text of the ticket beyond the playbook's own terms.

    Raises:
        LookupError: no playbook applies and none is a fallback.
    """
    newest: dict[str, Playbook] = {}
    for playbook in playbooks:
        if playbook.id not in newest or newest[playbook.id].version < playbook.version:
            newest[playbook.id] = playbook
    candidates = [newest[name] for name in sorted(newest)]
    for playbook in candidates:
        field = _settling_field(ticket, playbook)
        if field:
            return playbook, f"the field {field!r} settles it"
    text = requester_text(ticket)
    scored = [(playbook, _signals(text, anchors, playbook)) for playbook in candidates]
    best, signals = max(
        scored, key=lambda pair: (sum(pair[1].values()), len(pair[1])), default=(None, {})
    )  # max keeps the first of equals, and the ids are sorted
    if best is not None and sum(signals.values()) > 0:
        return best, ", ".join(f"{name} ({weight})" for name, weight in signals.items())
    fallback = next((playbook for playbook in candidates if playbook.applies_when.fallback), None)
    if fallback is None:
        raise LookupError(
            f"no playbook applies, and none of {sorted(newest)!r} is a fallback: set applies_when.fallback on one"
        )
    return fallback, "nothing speaks for another"


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
    words = r"\s+".join(re.escape(word) for word in term.split())
    return re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) is not None
