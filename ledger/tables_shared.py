"""Tables of what workers agree on: evidence shared by many tickets, incidents, sweeps, rates and circuits."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class DeliveredEventRow(Base):
    """What happened on a ticket and which delivery told us first: another delivery of the same event is one too many."""

    __tablename__ = "delivered_events"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    """`created`, or `message:` and the message's id."""
    delivery: Mapped[str]
    revision: Mapped[int]


class SharedEvidenceRow(Base):
    """The newest answer to a question that depends on no customer, and who is asking it now."""

    __tablename__ = "shared_evidence"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """A tenant's id, or `_public` for public status pages."""
    question: Mapped[str] = mapped_column(primary_key=True)
    """Digest of the credential and of the exact question."""
    source: Mapped[str]
    digest: Mapped[str] = mapped_column(default="")
    """Of the body; empty before the first answer."""
    answered: Mapped[bool] = mapped_column(default=False)
    fetched_at: Mapped[datetime | None]
    owner: Mapped[str] = mapped_column(default="")
    """Who is asking; empty where nobody is."""
    lease_until: Mapped[datetime | None]
    """After it, an owner that said nothing is taken for dead."""
    problem: Mapped[str] = mapped_column(default="")
    """How the last attempt failed: those that waited for it fail alike."""
    failed_at: Mapped[datetime | None]


class IncidentRow(Base):
    """Tickets of one tenant that have the same supported explanation by the same evidence."""

    __tablename__ = "incidents"
    __table_args__ = (Index(None, "tenant", "signature"), Index(None, "last_at"))

    tenant: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[str] = mapped_column(primary_key=True)
    signature: Mapped[str]
    """Digest of the hypothesis and of what the shared evidence says for it."""
    hypothesis: Mapped[str]
    cause: Mapped[str]
    playbook: Mapped[str]
    what: Mapped[str]
    """What the shared evidence names: an incident, a deployment, an issue."""
    opened_at: Mapped[datetime]
    last_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """When a reasoner found another explanation: nobody joins any more."""


class IncidentTicketRow(Base):
    """One ticket of an incident. Ids only."""

    __tablename__ = "incident_tickets"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    incident: Mapped[str] = mapped_column(primary_key=True)
    helpdesk: Mapped[str]
    ticket: Mapped[str]
    position: Mapped[int]
    """1 for the first."""
    pays: Mapped[bool]
    """Whether a model may be asked about it."""
    joined_at: Mapped[datetime]


class SweepRow(Base):
    """How far a helpdesk was swept, by the helpdesk's own clock."""

    __tablename__ = "sweeps"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    helpdesk: Mapped[str] = mapped_column(primary_key=True)
    watermark: Mapped[datetime]
    swept_at: Mapped[datetime]


class SweptTicketRow(Base):
    """A ticket that was looked at as it then was: it is not read again before it changes."""

    __tablename__ = "swept_tickets"
    __table_args__ = (Index(None, "updated_at"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    helpdesk: Mapped[str] = mapped_column(primary_key=True)
    ticket: Mapped[str] = mapped_column(primary_key=True)
    updated_at: Mapped[datetime]


class RateRow(Base):
    """A bucket of requests to one source; below zero it is in debt."""

    __tablename__ = "rates"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    at: Mapped[datetime]


class CircuitRow(Base):
    """A source that a worker does not ask for now."""

    __tablename__ = "circuits"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    opened_at: Mapped[datetime]
    until: Mapped[datetime]
    """When it is tried again."""
