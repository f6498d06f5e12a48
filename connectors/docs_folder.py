"""Documentation in a folder, which may be a Git checkout or a part of one."""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from connectors.answers import iso
from connectors.base import Finding, FindingStatus
from connectors.docs_index import DocsIndex
from connectors.docs_pages import Unreadable, read_html, read_markdown, read_mdx
from connectors.docs_sources import FILE_LIMIT, PAGE_LIMIT, Refreshed
from connectors.http import Declined
from models.vocabulary import EvidenceStatus

_READERS = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".mdx": read_mdx,
    ".html": read_html,
    ".htm": read_html,
}
_MARKDOWN = frozenset({".md", ".mdx", ".markdown"})
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_GIT_FILE = 4_000_000
"""Bytes of a Git file that are looked at; packed-refs of large repositories has about a million."""


class FolderSource:
    """Markdown, MDX and HTML files below a folder; a file is read again when its size or time of change differs."""

    def __init__(self, folder: str, link: str) -> None:
        """`link` is the public address that a file's path, without `.md`, is appended to; empty for none."""
        self._folder = Path(folder)
        self._link = link.rstrip("/")

    async def refresh(self, index: DocsIndex) -> Refreshed:
        """Scan the folder, in a thread."""
        return await asyncio.to_thread(self._scan, index)

    async def examine(self) -> list[Finding]:
        """Count the files, and tell the checkout's commit."""
        return await asyncio.to_thread(self._look)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _scan(self, index: DocsIndex) -> Refreshed:
        if not self._folder.is_dir():
            raise Declined(
                EvidenceStatus.FAILED, f"the docs folder {str(self._folder)!r} is not there; check `docs.folder`"
            )
        held = index.stamps()
        seen, unread, left_out = set[str](), 0, 0
        for file in self._files():
            if len(seen) >= PAGE_LIMIT:
                left_out += 1
                continue
            seen.add(file.relative_to(self._folder).as_posix())
            try:
                unread += self._read(file, held, index)
            except (OSError, Unreadable):
                unread += 1
        index.drop(set(held) - seen)
        return Refreshed(unread, left_out, commit_of(self._folder))

    def _files(self) -> Iterator[Path]:
        # Links are not followed: they could lead out of the folder, to files that are no documentation.
        for place, folders, files in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "node_modules")))
            for name in sorted(files):
                file = Path(place, name)
                known = not name.startswith(".") and file.suffix.lower() in _READERS
                if known and not file.is_symlink() and file.is_file():
                    yield file

    def _read(self, file: Path, held: dict[str, str], index: DocsIndex) -> int:
        """Read one file if it changed; return 1 if it cannot be."""
        relative, state = file.relative_to(self._folder), file.stat()
        path, stamp = relative.as_posix(), f"{state.st_mtime_ns}-{state.st_size}"
        if held.get(path) == stamp:
            return 0
        if state.st_size > FILE_LIMIT:
            return 1
        text = file.read_text(encoding="utf-8", errors="replace")
        page = _READERS[file.suffix.lower()](text, file.stem)
        index.put(path, stamp, page, self._url(relative), iso(datetime.fromtimestamp(int(state.st_mtime), UTC)))
        return 0

    def _url(self, relative: Path) -> str | None:
        if not self._link:
            return None
        name = relative.with_suffix("") if relative.suffix.lower() in _MARKDOWN else relative
        if name.name.lower() in ("index", "readme"):
            name = name.parent
        tail = quote(name.as_posix())
        return self._link if tail == "." else f"{self._link}/{tail}"

    def _look(self) -> list[Finding]:
        if not self._folder.is_dir():
            return [
                Finding(
                    "reach",
                    FindingStatus.FAILURE,
                    f"the folder {str(self._folder)!r} is not there",
                    "set `connectors.docs.folder` to a folder that this process can read",
                )
            ]
        count = sum(1 for _ in self._files())
        commit = commit_of(self._folder)
        detail = f"{count} pages" + (f" at commit {commit[:12]}" if commit else "")
        findings = [Finding("reach", FindingStatus.OK, detail)]
        if not count:
            known = ", ".join(_READERS)
            remedy = f"set `connectors.docs.folder` to where the pages are; read are {known}"
            findings = [Finding("reach", FindingStatus.FAILURE, "the folder holds no page", remedy)]
        if not self._link:
            remedy = "set `connectors.docs.link` to the public address of the pages"
            findings.append(Finding("links", FindingStatus.WARNING, "notes cannot link to the pages", remedy))
        return findings


def commit_of(folder: Path) -> str:
    """Return the commit that the Git checkout around a folder is at; empty where there is none or it cannot be read."""
    for place in (folder.resolve(), *folder.resolve().parents):
        marker = place / ".git"
        try:
            if marker.is_dir():
                return _head(marker)
            if marker.is_file():
                # A linked work tree or a submodule, whose data lies elsewhere.
                return _head(place / _text(marker).removeprefix("gitdir:").strip())
        except OSError:
            return ""
    return ""


def _head(git: Path) -> str:
    found = _text(git / "HEAD")
    name = found.removeprefix("ref:").strip()
    if found.startswith("ref:"):
        if not re.fullmatch(r"refs/[\w./-]+", name) or ".." in name:
            return ""
        common = git / "commondir"
        root = git / _text(common) if common.is_file() else git
        found = _loose(git / name) or _loose(root / name) or _packed(root / "packed-refs", name)
    return found if _COMMIT.fullmatch(found) else ""


def _loose(ref: Path) -> str:
    return _text(ref) if ref.is_file() else ""


def _packed(refs: Path, name: str) -> str:
    lines = _text(refs).splitlines() if refs.is_file() else []
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {name}")), "")


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(_GIT_FILE).decode(errors="replace").strip()
