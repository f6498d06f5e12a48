"""The requester's own words in a ticket: public messages without quotes, signatures and invisible characters."""

import re
import unicodedata
from datetime import timedelta

from models.ticket import Message, Role, Ticket

SPELL = timedelta(hours=72)
"""A requester who writes again after a longer silence reports anew."""
LONGEST = 20_000
"""Characters of one message that are read."""
_VOID = re.compile(r"\s{41,}")
_VOID_KEPT = 20
"""Blanks kept of both ends of a void: what looks for words beside each other tries each blank between them."""
_SIGNATURE = re.compile(
    r"^\s*(--\s*$|(best|kind|warm)?\s*regards\b|best wishes\b|cheers\b[,.! ]*$|sent from my\b|-{3,}\s*(original"
    r"|forwarded) message)",
    re.IGNORECASE,
)
_QUOTE_HEAD = re.compile(r"^\s*on .{4,120} wrote:\s*$", re.IGNORECASE)


def requester_messages(ticket: Ticket) -> tuple[Message, ...]:
    """Return the requester's public messages, oldest first."""
    return tuple(message for message in ticket.messages if message.public and message.role is Role.REQUESTER)


def current_spell(ticket: Ticket) -> tuple[Message, ...]:
    """Return the requester's messages since the last long silence: what is reported now, not what was solved weeks ago."""
    messages = requester_messages(ticket)
    first = 0
    for index in range(1, len(messages)):
        if messages[index].created_at - messages[index - 1].created_at > SPELL:
            first = index
    return messages[first:]


def own_words(text: str) -> str:
    """Return a message without quoted lines, without what follows a signature mark, in plain characters, no void too long."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKC", text[:LONGEST]) if unicodedata.category(char) != "Cf"
    )
    plain = _VOID.sub(_shortened, plain)
    kept: list[str] = []
    for line in plain.splitlines():
        if _QUOTE_HEAD.match(line) or (_SIGNATURE.match(line) and any(kept)):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept)


def _shortened(void: re.Match[str]) -> str:
    line_end = "\n" if len(void[0].splitlines()) > 1 else ""
    return f"{void[0][:_VOID_KEPT]}{line_end}{void[0][-_VOID_KEPT:]}"


def requester_text(ticket: Ticket) -> str:
    """Return the subject and all that the requester wrote."""
    return "\n".join((ticket.subject, *(own_words(message.text) for message in requester_messages(ticket))))
