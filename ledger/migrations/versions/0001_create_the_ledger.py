"""Create the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bodies",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("codec", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_bodies")),
    )
    op.create_table(
        "investigations",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("helpdesk", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("revisions", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "investigation", name=op.f("pk_investigations")),
        sa.UniqueConstraint("tenant", "helpdesk", "ticket", name=op.f("uq_investigations_tenant_helpdesk_ticket")),
    )
    op.create_index(op.f("ix_investigations_ticket"), "investigations", ["ticket"], unique=False)

    op.create_table(
        "revisions",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("severity", sa.String(), nullable=True),
        sa.Column("confidence", sa.String(), nullable=True),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("diagnosis", sa.String(), nullable=False),
        sa.Column("reasoner", sa.String(), nullable=False),
        sa.Column("note_status", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation"],
            ["investigations.tenant", "investigations.investigation"],
            name=op.f("fk_revisions_investigations"),
        ),
        sa.PrimaryKeyConstraint("tenant", "investigation", "revision", name=op.f("pk_revisions")),
        sa.UniqueConstraint(
            "tenant", "investigation", "delivery", name=op.f("uq_revisions_tenant_investigation_delivery")
        ),
    )
    op.create_index(op.f("ix_revisions_opened_at"), "revisions", ["opened_at"], unique=False)
    op.create_index(op.f("ix_revisions_tenant_opened_at"), "revisions", ["tenant", "opened_at"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("helpdesk", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_deliveries_revisions"),
        ),
        sa.PrimaryKeyConstraint("tenant", "helpdesk", "delivery", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "evidence",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("look", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("took", sa.Double(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_evidence_revisions"),
        ),
        sa.PrimaryKeyConstraint("tenant", "investigation", "revision", "look", "evidence", name=op.f("pk_evidence")),
    )
    op.create_table(
        "model_answers",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("sample", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("draft", sa.String(), nullable=False),
        sa.Column("reasoner", sa.String(), nullable=False),
        sa.Column("follow_ups", sa.JSON(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("usd", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_model_answers_revisions"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant",
            "investigation",
            "revision",
            "round",
            "purpose",
            "sample",
            "request",
            name=op.f("pk_model_answers"),
        ),
    )
    op.create_table(
        "notes",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("marker", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_notes_revisions"),
        ),
        sa.PrimaryKeyConstraint("tenant", "investigation", "revision", name=op.f("pk_notes")),
    )
    op.create_table(
        "steps",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_steps_revisions"),
        ),
        sa.PrimaryKeyConstraint("tenant", "investigation", "revision", "step", name=op.f("pk_steps")),
    )


def downgrade() -> None:
    op.drop_table("steps")
    op.drop_table("notes")
    op.drop_table("model_answers")
    op.drop_table("evidence")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_revisions_tenant_opened_at"), "revisions")
    op.drop_index(op.f("ix_revisions_opened_at"), "revisions")

    op.drop_table("revisions")
    op.drop_index(op.f("ix_investigations_ticket"), "investigations")

    op.drop_table("investigations")
    op.drop_table("bodies")
