"""The table of backtests: one line for each investigation that was looked at again."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class BacktestLineRow(Base):
    """What a playbook made of one past revision: ids and enum values as JSON, nothing of a customer."""

    __tablename__ = "backtest_lines"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    backtest: Mapped[str] = mapped_column(primary_key=True)
    investigation: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[str]
    done_at: Mapped[datetime]
