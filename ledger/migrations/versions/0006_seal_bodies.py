"""Seal bodies with data keys; what is there stays as it is until `whydesk keys rotate`."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("master", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "subject", "generation", name=op.f("pk_data_keys")),
    )
    op.create_index(op.f("ix_data_keys_master"), "data_keys", ["master"], unique=False)
    op.create_table(
        "master_keys",
        sa.Column("master", sa.String(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("master", name=op.f("pk_master_keys")),
    )
    with op.batch_alter_table("bodies") as bodies:
        # Defaults for the rows that are there, and for a worker of the version before that is still running.
        bodies.add_column(sa.Column("subject", sa.String(), nullable=False, server_default=""))
        bodies.add_column(
            sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False, server_default="0")
        )
        bodies.drop_constraint(op.f("pk_bodies"), type_="primary")
        bodies.create_primary_key(op.f("pk_bodies"), ["tenant", "digest", "subject", "generation"])
    op.create_index(op.f("ix_bodies_tenant_subject"), "bodies", ["tenant", "subject"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM bodies WHERE codec <> 'zstd'")
    op.drop_index(op.f("ix_bodies_tenant_subject"), "bodies")
    with op.batch_alter_table("bodies") as bodies:
        bodies.drop_constraint(op.f("pk_bodies"), type_="primary")
        bodies.drop_column("subject")
        bodies.drop_column("generation")
        bodies.create_primary_key(op.f("pk_bodies"), ["tenant", "digest"])
    op.drop_table("master_keys")
    op.drop_index(op.f("ix_data_keys_master"), "data_keys")
    op.drop_table("data_keys")
