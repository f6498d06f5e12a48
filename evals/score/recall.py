"""Which of the evidence that shows a cause was gathered, and whether the note stands on it."""

import re
from collections.abc import Iterable, Sequence

from evals.generate.truth import Row as Wanted
from evals.score.truth import Known, Truths
from models.base import Row
from models.evidence import Evidence
from models.vocabulary import Scope

_OWN_PAGE = "own"
"""The id that stands for the company's whole status page."""
_QUOTES = re.compile(r"[\"`]")
_WORD = re.compile(r"[\w.-]+")
_NAMING = ("id", "identifier", "number", "sha", "short_sha", "url", "path", "title", "name")
"""Columns whose cells name a row to people."""
_SHORTEST = 5
"""A shorter text may stand in a note by chance."""


def finding(row: Wanted, known: Known, truths: Truths, evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return the evidence that holds a required row: by its id, or as an answer about that table and that customer.

    What an answer about a table aggregates is not looked into: whether the rows in question are among it cannot be seen.
    """
    answered = [item for item in evidence if item.source.value == row.source and item.status.answered]
    if row.table:
        return [item for item in answered if _asked(item, row, known, truths)]
    if row.id and not (row.source == "statuspage" and row.id == _OWN_PAGE):
        return [item for item in answered if any(holds(cells, row.id) for cells in item.rows)]
    return answered


def names_of(row: Wanted, evidence: Iterable[Evidence]) -> set[str]:
    """Return the texts by which a note could name a row: its id, and what else its gathered row is called."""
    found = {row.id} if len(row.id) >= _SHORTEST else set[str]()
    for item in evidence:
        if item.source.value == row.source and row.id:
            for cells in item.rows:
                if holds(cells, row.id):
                    texts = (str(cells[name]) for name in _NAMING if cells.get(name))
                    found.update(text for text in texts if len(text) >= _SHORTEST)
    return found


def holds(cells: Row, id: str) -> bool:
    """Whether a row has an id in one of its cells, as a whole word; of a page's path the ending may lack."""
    wanted = {id, id.removesuffix(".md")}
    for cell in cells.values():
        text = str(cell)
        if text in wanted or wanted & set(_words(text)):
            return True
    return False


def _words(text: str) -> Iterable[str]:
    for word in _WORD.findall(text):
        yield word
        yield word.removesuffix(".html").removesuffix(".md").strip(".-")


def _asked(item: Evidence, row: Wanted, known: Known, truths: Truths) -> bool:
    customer = str(row.where.get("customer", known.customer))
    table = truths.tables.get(row.table, row.table)
    # Each part of the name may be quoted as the engine likes.
    return item.scope is Scope.CUSTOMER and item.customer == customer and table in _QUOTES.sub("", item.asked)
