"""The ledger's tables, in types that SQLite and PostgreSQL share."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone: SQLite drops the zone, so it is stored in UTC and given back there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time that does not say its zone, rather than guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone; the ledger keeps times in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC, whatever the driver gave."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that a migration can find it again."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, float: Double, bytes: LargeBinary, list[str]: JSON}


def _of_revision() -> ForeignKeyConstraint:
    """A row that belongs to one revision of one investigation of one tenant."""
    return ForeignKeyConstraint(
        ["tenant", "investigation", "revision"],
        ["revisions.tenant", "revisions.investigation", "revisions.revision"],
    )


class InvestigationRow(Base):
    """One ticket, for all its revisions. `revisions` counts them and is what concurrent claims are ordered by."""

    __tablename__ = "investigations"
    __table_args__ = (UniqueConstraint("tenant", "helpdesk", "ticket"), Index(None, "ticket"))

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    helpdesk: Mapped[str]
    ticket: Mapped[str]
    revisions: Mapped[int]
    opened_at: Mapped[datetime]


class RevisionRow(Base):
    """One look at a ticket, from its trigger to its outcome."""

    __tablename__ = "revisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "investigation"], ["investigations.tenant", "investigations.investigation"]),
        UniqueConstraint("tenant", "investigation", "delivery"),
        Index(None, "opened_at"),
        Index(None, "tenant", "opened_at"),
    )

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    delivery: Mapped[str]
    opened_at: Mapped[datetime]
    fingerprint: Mapped[str | None]
    outcome: Mapped[str | None]
    cause: Mapped[str | None]
    severity: Mapped[str | None]
    confidence: Mapped[str | None]
    playbook: Mapped[str] = mapped_column(default="")
    diagnosis: Mapped[str] = mapped_column(default="")
    """Digest of the body."""
    reasoner: Mapped[str] = mapped_column(default="")
    note_status: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    usd: Mapped[float] = mapped_column(default=0.0)
    gaps: Mapped[list[str]] = mapped_column(default=list)
    problem: Mapped[str] = mapped_column(default="")


class DeliveryRow(Base):
    """Who owns a delivery of a helpdesk, and the revision that came of it."""

    __tablename__ = "deliveries"
    __table_args__ = (_of_revision(),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    helpdesk: Mapped[str] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(primary_key=True)
    ticket: Mapped[str]
    kind: Mapped[str]
    owner: Mapped[str]
    investigation: Mapped[str]
    revision: Mapped[int]
    received_at: Mapped[datetime]
    claimed_at: Mapped[datetime]


class StepRow(Base):
    """A step that was done, with the digest of what it made."""

    __tablename__ = "steps"
    __table_args__ = (_of_revision(),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    detail: Mapped[str]
    done_at: Mapped[datetime]


class EvidenceRow(Base):
    """What one query of one look answered; the rows are a body."""

    __tablename__ = "evidence"
    __table_args__ = (_of_revision(),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    look: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    evidence: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]
    source: Mapped[str]
    status: Mapped[str]
    digest: Mapped[str]
    rows: Mapped[int]
    truncated: Mapped[bool]
    stale: Mapped[bool]
    took: Mapped[float]
    fetched_at: Mapped[datetime]


class ModelAnswerRow(Base):
    """A paid answer, found again by the digest of exactly what was asked."""

    __tablename__ = "model_answers"
    __table_args__ = (_of_revision(),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    sample: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    request: Mapped[str] = mapped_column(primary_key=True)
    """Digest of the request."""
    draft: Mapped[str]
    """Digest of the body."""
    reasoner: Mapped[str]
    follow_ups: Mapped[list[str]]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    usd: Mapped[float]
    answered_at: Mapped[datetime]


class NoteRow(Base):
    """The one note of a revision, from the intent to post it to what became of it."""

    __tablename__ = "notes"
    __table_args__ = (_of_revision(),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    marker: Mapped[str]
    mode: Mapped[str]
    digest: Mapped[str]
    status: Mapped[str]
    note: Mapped[str]
    """The helpdesk's id; empty until it is known."""
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class FeedbackRow(Base):
    """What someone said of a revision's diagnosis. `entry` is the tag's name for a tag, so that one is kept once."""

    __tablename__ = "feedback"
    __table_args__ = (_of_revision(), Index(None, "tenant", "given_at"))

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    entry: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    who: Mapped[str]
    cause: Mapped[str | None]
    comment: Mapped[str]
    given_at: Mapped[datetime]


class BodyRow(Base):
    """Bytes by tenant, digest and whom they are sealed for. Nothing refers to them by key: erasing them leaves the record."""

    __tablename__ = "bodies"
    __table_args__ = (Index(None, "tenant", "subject"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True, default="")
    """Whose data key it is sealed with; empty for what was stored before there were any."""
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=0)
    codec: Mapped[str]
    data: Mapped[bytes]
    stored_at: Mapped[datetime]


class AuditRow(Base):
    """An entry of the audit chain. The keys let nothing be written twice at one place of it, nor after the same entry."""

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str]
    """Like the detail written exactly as it was hashed: a column of a richer type may come back written otherwise."""
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    """JSON."""
    previous: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(unique=True)


class ControlRow(Base):
    """A switch of ops. An empty value is kept for who took it back and when."""

    __tablename__ = "controls"

    scope: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    reason: Mapped[str]


class PlaybookReleaseRow(Base):
    """A released version of a playbook, compiled. The owner is a tenant, or nothing for what all may use."""

    __tablename__ = "playbook_releases"

    owner: Mapped[str] = mapped_column(primary_key=True)
    playbook: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    body: Mapped[str]
    released_at: Mapped[datetime]
    released_by: Mapped[str]


class CandidateRow(Base):
    """What a candidate made of the evidence that the stable version was diagnosed on, both by rules."""

    __tablename__ = "candidate_results"
    __table_args__ = (_of_revision(), Index(None, "playbook", "version"))

    tenant: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    playbook: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str]
    cause: Mapped[str]
    severity: Mapped[str]
    confidence: Mapped[str]
    stable_version: Mapped[int]
    stable_outcome: Mapped[str]
    stable_cause: Mapped[str]
    not_asked: Mapped[int]
    """How many of its queries the stable version had not asked."""
    done_at: Mapped[datetime]
