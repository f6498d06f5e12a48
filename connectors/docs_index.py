"""Full-text search over sections, in SQLite FTS5: in memory, or in a file that outlives the process.

Not async: every call may read or write a disk, so the connector makes them in a thread. Calls are serialised by a lock.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.docs_pages import Page

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE pages (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, title TEXT NOT NULL, url TEXT, updated_at TEXT);
CREATE VIRTUAL TABLE sections USING fts5(
    title, heading, body, path UNINDEXED, anchor UNINDEXED,
    tokenize = "porter unicode61 remove_diacritics 2 tokenchars '_'"
);
PRAGMA user_version = {_VERSION};
"""
_SEARCH = """
SELECT sections.title, heading, sections.path, anchor, url, updated_at,
       snippet(sections, 2, '', '', ' … ', 40) AS excerpt, -bm25(sections, 8.0, 4.0, 1.0) AS score
FROM sections JOIN pages ON pages.path = sections.path
WHERE sections MATCH ? ORDER BY score DESC, sections.rowid LIMIT ?
"""
_SPARE = 4
"""Sections are cut into chunks; asking for more than wanted leaves enough after one is kept per section."""


@dataclass(frozen=True)
class Hit:
    """One section that matches; a higher score is better."""

    title: str
    heading: str
    path: str
    url: str | None
    """Lands on the section."""
    excerpt: str
    score: float
    updated_at: str | None


class DocsIndex:
    """An index of pages by path. A page's stamp says which version of it is held."""

    def __init__(self, file: str = ":memory:") -> None:
        """Open, and start anew where the file holds another version of the schema or is damaged."""
        self._lock = threading.Lock()
        try:
            self._db = _open(file)
        except sqlite3.DatabaseError:
            # An index can be made again from its source at any time.
            Path(file).unlink(missing_ok=True)
            self._db = _open(file)

    def stamps(self) -> dict[str, str]:
        """Return the stamp of every page held."""
        with self._lock:
            return dict(self._db.execute("SELECT path, stamp FROM pages").fetchall())

    def put(self, path: str, stamp: str, page: Page, url: str | None, updated_at: str | None) -> None:
        """Hold this version of a page instead of any other, all of it or nothing."""
        rows = [(page.title, each.heading, each.text, path, each.anchor) for each in page.sections]
        with self._lock, self._transaction():
            self._delete([path])
            self._db.execute("INSERT INTO pages VALUES (?, ?, ?, ?, ?)", (path, stamp, page.title, url, updated_at))
            self._db.executemany(
                "INSERT INTO sections (title, heading, body, path, anchor) VALUES (?, ?, ?, ?, ?)", rows
            )

    def drop(self, paths: Iterable[str]) -> None:
        """Forget pages."""
        with self._lock, self._transaction():
            self._delete(list(paths))

    def search(self, terms: Sequence[str], limit: int) -> list[Hit]:
        """Return the best sections that hold any of the terms; a term of several words is a phrase."""
        match = " OR ".join(
            '"' + term.replace('"', '""') + '"' for term in terms if any(char.isalnum() for char in term)
        )
        if not match:
            return []
        with self._lock:
            found = self._db.execute(_SEARCH, (match, limit * _SPARE)).fetchall()
        hits: dict[tuple[str, str], Hit] = {}
        for title, heading, path, anchor, url, updated_at, excerpt, score in found:
            link = f"{url}#{anchor}" if url and anchor else url
            hits.setdefault((path, anchor), Hit(title, heading, path, link, excerpt, round(score, 3), updated_at))
        return list(hits.values())[:limit]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _delete(self, paths: list[str]) -> None:
        self._db.executemany("DELETE FROM pages WHERE path = ?", [(path,) for path in paths])
        self._db.executemany("DELETE FROM sections WHERE path = ?", [(path,) for path in paths])

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


def _open(file: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            db.executescript("DROP TABLE IF EXISTS pages; DROP TABLE IF EXISTS sections;" + _SCHEMA)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
