"""Product documentation, searched by words: an index of a folder or a site that brings itself up to date.

    search {terms, synonyms?, limit?}      best sections first; any term or synonym matches, a phrase as a phrase

The index is refreshed at most once a minute (a folder) or a quarter of an hour (a site), by one task that a question waits for
within its time limit. If the source cannot be read but the index holds an older state, that is searched, and the answer is
`stale` and says why. `version` is the commit, where the folder is a Git checkout.

What pages say is data: it is indexed as text, and neither followed, run nor obeyed.
"""

import asyncio
import contextlib
import time
from pathlib import Path

from pydantic import Field

from connectors.answers import answer, no_answer, time_limit
from connectors.base import ConnectorError, Finding, Plugin, Secrets, SlowAnswer, operation
from connectors.docs_folder import FolderSource
from connectors.docs_index import DocsIndex, Hit
from connectors.docs_pages import plain
from connectors.docs_site import SiteSource
from connectors.docs_sources import DocsSource, Refreshed
from connectors.http import Declined, network_of
from connectors.parameters import TextList, read_parameters
from models.base import Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import DocsConfig
from models.vocabulary import EvidenceStatus, Scope, Source

_FOLDER_SECONDS = 60.0
_SITE_SECONDS = 900.0
_GRACE = 0.6
"""The part of the time limit that a question waits for a refresh when it could answer from an older state."""


class _Search(Strict):
    terms: TextList
    synonyms: TextList = []
    limit: int = Field(default=8, ge=1, le=50)


_OPERATIONS = {"search": operation(_Search, "title heading path url excerpt score updated_at version")}


class DocsConnector:
    """One tenant's documentation."""

    source = Source.DOCS

    def __init__(
        self, config: DocsConfig, index_file: Path | None = None, refresh_seconds: float | None = None
    ) -> None:
        """Read nothing yet.

        Args:
            config: A folder or a site; the folder counts where both are given.
            index_file: Where the index is kept; in memory if None.
            refresh_seconds: How long a state counts as fresh.

        Raises:
            ValueError: neither folder nor site is given, or the CA's file or the proxy cannot be used.
        """
        if not config.folder and config.site is None:
            raise ValueError("docs need a `folder` or a `site`")
        self._config = config
        self._file = str(index_file) if index_file else ":memory:"
        network = network_of(config, allow_private=config.allow_private)
        self._documents: DocsSource = (
            FolderSource(config.folder, config.link) if config.folder else SiteSource(str(config.site), network)
        )
        default = _FOLDER_SECONDS if config.folder else _SITE_SECONDS
        self._fresh_for = default if refresh_seconds is None else refresh_seconds
        self._index: DocsIndex | None = None
        self._opening = asyncio.Lock()
        self._refresh: asyncio.Task[Refreshed] | None = None
        self._refreshed_at: float | None = None
        self._refreshed = Refreshed()

    async def fetch(self, request: SourceRequest) -> Answer:
        """Search.

        Raises:
            ConnectorError: nothing is indexed yet and the source cannot be read.
            ValueError: an unknown operation or parameter; names those known.
        """
        parameters = read_parameters(request, _OPERATIONS)
        assert isinstance(parameters, _Search)
        words = (plain(term) for term in [*parameters.terms, *parameters.synonyms])
        terms = list(dict.fromkeys(word for word in words if word))
        asked = "search " + " OR ".join(f'"{term}"' for term in terms)
        if not any(char.isalnum() for term in terms for char in term):
            return no_answer(EvidenceStatus.FAILED, "there is no word to search for", asked=asked)
        try:
            async with time_limit(request):
                index = await self._open()
                behind = await self._bring_up_to_date(index, request.time_limit * _GRACE)
                hits = await asyncio.to_thread(index.search, terms, parameters.limit)
        except Declined as declined:
            return no_answer(declined.status, declined.reason, asked=asked)
        shortfall = self._refreshed.shortfall
        url = self._config.link or (str(self._config.site) if self._config.site else None)
        return answer(
            request,
            [_row(hit, self._refreshed.version) for hit in hits],
            asked=asked,
            url=url,
            stale=bool(behind),
            truncated=bool(shortfall),
            reason="; ".join(filter(None, (shortfall, behind))),
        )

    async def examine(self) -> list[Finding]:
        """Look whether the folder or the site is there, and what it lists."""
        return list(await self._documents.examine())

    async def aclose(self) -> None:
        """Stop a refresh that is going on, and close the index."""
        if self._refresh is not None:
            self._refresh.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectorError, Declined):
                await self._refresh
            self._refresh = None
        await self._documents.aclose()
        index, self._index = self._index, None
        if index is not None:
            await asyncio.to_thread(index.close)

    async def _open(self) -> DocsIndex:
        async with self._opening:
            if self._index is None:
                self._index = await asyncio.to_thread(DocsIndex, self._file)
            return self._index

    async def _bring_up_to_date(self, index: DocsIndex, patience: float) -> str:
        """Wait for a refresh if one is due; return why what the index holds is older than it should be, or nothing."""
        if self._refreshed_at is not None and time.monotonic() - self._refreshed_at < self._fresh_for:
            return ""
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.create_task(self._documents.refresh(index))
        held = bool(await asyncio.to_thread(index.stamps))
        task = self._refresh
        done, _ = await asyncio.wait({task}, timeout=patience if held else None)
        if not done:
            return "the documentation is still being read again; this is its former state"
        try:
            self._refreshed = task.result()
        except (ConnectorError, Declined) as error:
            if held:
                return f"the documentation could not be read again ({error}); this is its former state"
            raise
        except asyncio.CancelledError:
            raise SlowAnswer("the documentation is being closed") from None
        self._refreshed_at = time.monotonic()
        return ""


def _row(hit: Hit, version: str) -> Row:
    return {
        "title": hit.title,
        "heading": hit.heading,
        "path": hit.path,
        "url": hit.url,
        "excerpt": hit.excerpt,
        "score": hit.score,
        "updated_at": hit.updated_at,
        "version": version or None,
    }


def _make(config: DocsConfig, _secret: Secrets) -> DocsConnector:
    return DocsConnector(config)


PLUGIN = Plugin(
    config=DocsConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=_OPERATIONS,
)
