"""Keep feedback."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_feedback_revisions"),
        ),
        sa.PrimaryKeyConstraint("tenant", "investigation", "revision", "entry", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_tenant_given_at"), "feedback", ["tenant", "given_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_feedback_tenant_given_at"), "feedback")
    op.drop_table("feedback")
