"""Keep controls, released playbooks and what candidates found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "controls",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_controls")),
    )
    op.create_table(
        "playbook_releases",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "playbook", "version", name=op.f("pk_playbook_releases")),
    )
    op.create_table(
        "candidate_results",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("stable_version", sa.Integer(), nullable=False),
        sa.Column("stable_outcome", sa.String(), nullable=False),
        sa.Column("stable_cause", sa.String(), nullable=False),
        sa.Column("not_asked", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "investigation", "revision"],
            ["revisions.tenant", "revisions.investigation", "revisions.revision"],
            name=op.f("fk_candidate_results_revisions"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant", "investigation", "revision", "playbook", "version", name=op.f("pk_candidate_results")
        ),
    )
    op.create_index(
        op.f("ix_candidate_results_playbook_version"), "candidate_results", ["playbook", "version"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_candidate_results_playbook_version"), "candidate_results")
    op.drop_table("candidate_results")
    op.drop_table("playbook_releases")
    op.drop_table("controls")
