"""Tables of the keys that bodies are sealed with."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class DataKeyRow(Base):
    """A data key, wrapped by a master key. The row outlives the key: it says when that was erased."""

    __tablename__ = "data_keys"
    __table_args__ = (Index(None, "master"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """`inv-…/2`: all that one revision holds; `shared`: what belongs to no customer."""
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, and one more whenever something is written after an erasure."""
    wrapped: Mapped[bytes | None]
    """None once it is erased."""
    master: Mapped[str]
    """Id of the master key; empty once it is erased."""
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class MasterKeyRow(Base):
    """A master key that wraps data keys here, by id, and a word sealed with it, so that a wrong one is noticed at once."""

    __tablename__ = "master_keys"

    master: Mapped[str] = mapped_column(primary_key=True)
    proof: Mapped[bytes]
    first_used_at: Mapped[datetime]
