"""Keep what workers agree on: shared evidence, incidents, sweeps, rates, circuits."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "delivered_events",
        *(_text(name) for name in ("tenant", "investigation", "event", "delivery")),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "investigation", "event", name=op.f("pk_delivered_events")),
    )
    op.create_table(
        "shared_evidence",
        *(_text(name) for name in ("scope", "question", "source", "digest")),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("fetched_at", _MOMENT, nullable=True),
        _text("owner"),
        sa.Column("lease_until", _MOMENT, nullable=True),
        _text("problem"),
        sa.Column("failed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("scope", "question", name=op.f("pk_shared_evidence")),
    )
    op.create_table(
        "incidents",
        *(_text(name) for name in ("tenant", "incident", "signature", "hypothesis", "cause", "playbook", "what")),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "incident", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_tenant_signature"), "incidents", ["tenant", "signature"], unique=False)
    op.create_index(op.f("ix_incidents_last_at"), "incidents", ["last_at"], unique=False)
    op.create_table(
        "incident_tickets",
        *(_text(name) for name in ("tenant", "investigation", "incident", "helpdesk", "ticket")),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("pays", sa.Boolean(), nullable=False),
        sa.Column("joined_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "investigation", "incident", name=op.f("pk_incident_tickets")),
    )
    op.create_table(
        "sweeps",
        _text("tenant"),
        _text("helpdesk"),
        sa.Column("watermark", _MOMENT, nullable=False),
        sa.Column("swept_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "helpdesk", name=op.f("pk_sweeps")),
    )
    op.create_table(
        "swept_tickets",
        *(_text(name) for name in ("tenant", "helpdesk", "ticket")),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "helpdesk", "ticket", name=op.f("pk_swept_tickets")),
    )
    op.create_index(op.f("ix_swept_tickets_updated_at"), "swept_tickets", ["updated_at"], unique=False)
    op.create_table(
        "rates",
        _text("tenant"),
        _text("source"),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", name=op.f("pk_rates")),
    )
    op.create_table(
        "circuits",
        *(_text(name) for name in ("tenant", "source", "worker", "reason")),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "source", "worker", name=op.f("pk_circuits")),
    )


def downgrade() -> None:
    for name in (
        "circuits",
        "rates",
        "swept_tickets",
        "sweeps",
        "incident_tickets",
        "incidents",
        "shared_evidence",
        "delivered_events",
    ):
        op.drop_table(name)
