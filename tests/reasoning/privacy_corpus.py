"""Read the labelled texts of tests/data/privacy, and say what a redactor hid of them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.ticket import Message, Organization, Person, Role, Ticket
from reasoning.redact import Redactor
from tests.reasoning.case import NOW, TICKET

FOLDER = Path(__file__).parent.parent / "data" / "privacy"
HIDDEN = ("email", "phone", "card", "iban", "national_id", "tax_id", "ip", "secret", "name")
"""Entities that redaction is for."""
UNKNOWN = ("person", "address")
"""Personal, but without a shape and of nobody the ticket knows."""
KEPT = "keep"
EITHER = "any"

_HEAD = re.compile(r"^%% (?P<id>[\w-]+) \|(?: known=(?P<known>.*))?$", re.MULTILINE)
_LABEL = re.compile(r"\[\[([a-z_]+)(?::[a-z]+)?\|((?:[^\]]|\](?!\]))+?\]?)\]\]")
_BROKEN = "‖"
_PSEUDONYM = re.compile(r"<[A-Z]{2,12}_\d{1,6}>")


@dataclass(frozen=True)
class Label:
    """A span [start, end) of a text and what stands there."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True)
class Text:
    """One labelled text, as a ticket's requester wrote it."""

    id: str
    known: tuple[str, ...]
    text: str
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Hidden:
    """A span [start, end) that a redactor replaced, and by which kind of pseudonym."""

    start: int
    end: int
    kind: str


@cache
def texts(half: str) -> tuple[Text, ...]:
    """Return the texts of `seen` or `unseen`."""
    content = (FOLDER / f"{half}.txt").read_text(encoding="utf-8")
    heads = list(_HEAD.finditer(content))
    ends = [*(head.start() for head in heads[1:]), len(content)]
    return tuple(_text(head, content[head.end() + 1 : end - 1]) for head, end in zip(heads, ends, strict=True))


def _text(head: re.Match[str], marked: str) -> Text:
    parts: list[str] = []
    labels: list[Label] = []
    last = length = 0
    for match in _LABEL.finditer(marked):
        value = match[2].replace(_BROKEN, "")
        parts += [marked[last : match.start()], value]
        start = length + match.start() - last
        length = start + len(value)
        labels.append(Label(start, length, match[1]))
        last = match.end()
    known = tuple(name.strip() for name in (head["known"] or "").split(";") if name.strip())
    return Text(head["id"], known, "".join([*parts, marked[last:]]), tuple(labels))


def as_ticket(text: Text) -> Ticket:
    """Return a ticket with this text, whose requester and organisation are those it knows."""
    person, company = (*text.known, "", "")[:2]
    return TICKET.model_copy(
        update={
            "subject": "",
            "messages": (Message(id="m1", role=Role.REQUESTER, public=True, text=text.text, created_at=NOW),),
            "requester": Person(id="5", name=person, email=""),
            "organization": Organization(id="1", name=company) if company else None,
            "fields": {},
        }
    )


def hidden(text: Text) -> list[Hidden]:
    """Redact as before a model, and return what was replaced, by place in the text."""
    redactor = Redactor.for_ticket(as_ticket(text), None, ())
    said = redactor.redact(text.text)
    found: list[Hidden] = []
    shift = 0
    for match in _PSEUDONYM.finditer(said):
        value = redactor.resolve(match[0])
        start = match.start() + shift
        found.append(Hidden(start, start + len(value), match[0][1:].rpartition("_")[0]))
        shift += len(value) - len(match[0])
    return found
