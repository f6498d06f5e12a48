"""Keep the lines of backtests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backtest_lines",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("backtest", sa.String(), nullable=False),
        sa.Column("investigation", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "backtest", "investigation", "revision", name=op.f("pk_backtest_lines")),
    )


def downgrade() -> None:
    op.drop_table("backtest_lines")
