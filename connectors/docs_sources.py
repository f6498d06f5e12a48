"""What a source of documentation is: a folder (docs_folder) or a site (docs_site) that brings an index up to date."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.base import Finding
from connectors.docs_index import DocsIndex

FILE_LIMIT = 2_000_000
"""Bytes of one page; larger ones are left out, and told."""
PAGE_LIMIT = 3_000
"""Pages of one source; what is beyond is left out, and told."""


@dataclass(frozen=True)
class Refreshed:
    """How far a refresh came."""

    unread: int = 0
    """Pages that could not be read; they stay as they were."""
    left_out: int = 0
    """Pages beyond the limit."""
    version: str = ""
    """The commit of a Git checkout; empty for what has none."""

    @property
    def shortfall(self) -> str:
        """What the index lacks, for people; empty if nothing."""
        told = []
        if self.unread:
            told.append(f"{self.unread} page{'s' * (self.unread > 1)} could not be read")
        if self.left_out:
            told.append(f"{self.left_out} page{'s' * (self.left_out > 1)} beyond {PAGE_LIMIT} were left out")
        return "; ".join(told)


class DocsSource(Protocol):
    """Brings an index up to date."""

    async def refresh(self, index: DocsIndex) -> Refreshed:
        """Read what changed, forget what is gone.

        Raises:
            ConnectorError, Declined: the source as a whole cannot be read; the index is as it was.
        """
        ...

    async def examine(self) -> Sequence[Finding]:
        """Look whether it is there and what it holds, without reading the pages.

        Raises nothing of `ConnectorError`.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...
