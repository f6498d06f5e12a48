"""Tickets for the tests of what is read from them."""

from datetime import UTC, datetime, timedelta

from models.ticket import Message, Person, Role, Ticket, TicketRef

WRITTEN = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
"""A Thursday."""
NOW = WRITTEN + timedelta(minutes=45)


def ticket(
    subject: str, *texts: str, gap: timedelta = timedelta(minutes=10), fields: dict[str, str] | None = None
) -> Ticket:
    """Return a ticket of which the requester wrote all messages."""
    messages = tuple(
        Message(id=str(number), role=Role.REQUESTER, public=True, text=text, created_at=WRITTEN + gap * number)
        for number, text in enumerate(texts)
    )
    return Ticket(
        ref=TicketRef(tenant="acme", helpdesk="desk", ticket="1"),
        subject=subject,
        status="open",
        requester=Person(id="1", name="Ada Byron", email="ada.byron@example.com"),
        fields=fields or {},
        messages=messages,
        created_at=WRITTEN,
        updated_at=WRITTEN,
    )
