"""Takes people and customers out of a run's evidence, so that what is equal stays equal and differences in time stay.

Whole cells are replaced by what their column is; texts go through `reasoning/redact.py`, which knows the people of the ticket and
the shapes of personal data. Numbers, routes, codes, versions, regions and the team's own records stay: they are the case.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Customer
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from models.vocabulary import Source
from playbooks.checks import columns_of
from reasoning.phrases import places_in
from reasoning.redact import Redactor

FIXED_DAY = date(2026, 3, 4)
"""The day on which every captured ticket was reported; clock times stay."""
FIXTURE_CUSTOMER = Customer(
    id="cust_fixture", name="Fixture Ltd", billing_id="cus_fixture", resolved_by="helpdesk-field"
)

_DAY = re.compile(r"(?<![\w-])(\d{4}-\d{2}-\d{2})(?=(?:[T ]\d{2}:\d{2}\S*)?(?![\w-]))")
_VENDORS_PREFIX = re.compile(r"[a-z]{2,5}_(?=\w)")
_CUSTOMERS_OWN = frozenset({Source.CLICKHOUSE, Source.STRIPE, Source.SENTRY})
"""Sources whose ids are a customer's; everywhere else they are the team's own."""
_IDENTITIES: Mapping[str, str] = {
    **dict.fromkeys(("key", "key_id", "key_prefix", "api_key"), "key"),
    **dict.fromkeys(("request_id", "trace_id", "span_id", "session_id"), "request"),
    **dict.fromkeys(("account", "account_id", "customer", "customer_id", "workspace", "organization"), "account"),
    **dict.fromkeys(("user", "user_id", "username", "email", "customer_email", "contact", "phone"), "person"),
    **dict.fromkeys(("ip", "host", "endpoint_host", "domain", "address", "user_agent"), "host"),
    **dict.fromkeys(("endpoint", "endpoint_id", "webhook_id", "delivery_id", "event_id"), "endpoint"),
    **dict.fromkeys(("id", "billing_id", "number", "invoice", "charge", "subscription", "item", "event"), "record"),
    **dict.fromkeys(("object_id", "line_id", "meter_id", "card_last4", "last4", "customer_name"), "record"),
}
"""Columns of customers' sources whose cells name someone or something of theirs, and what the replacement is called."""
_ENDINGS: Mapping[str, str] = {
    **dict.fromkeys(("key", "request", "account", "customer", "user", "email", "ip", "host"), ""),
    "id": "record",
}
"""How a column ends that a query names by itself, such as `sample_request_id` or `refused_keys`; empty: that word is the kind."""
_PEOPLE = frozenset({"author", "creator", "actor", "assignee", "reporter", "owner", "user"})
"""Columns of every source that hold somebody's name."""
_PROSE = frozenset(
    {"description", "body", "excerpt", "changes", "summary", "subject", "last_update", "failure_message"}
    | {"message", "text", "comment", "reason", "matched_term"}
)
"""Columns that hold what people wrote: kept, redacted, only where a fact or a sentence of the playbook reads them."""
_SHORTEST = 4
"""An id with fewer characters is replaced where it is a whole cell, and not within texts."""


class Anonymiser:
    """One run's replacements. The same value always becomes the same."""

    def __init__(self, playbook: Playbook, ticket: Ticket, anchors: Anchors, evidence: Sequence[Evidence]) -> None:
        """Learn everything that names someone, before the first text is written."""
        self._shift = FIXED_DAY - anchors.reported_at.date()
        self._redactor = Redactor.for_ticket(ticket, anchors.customer, evidence)
        self._read = {query.id: _columns_read(playbook, query.id) for query in playbook.queries}
        self._known: dict[str, str] = dict(_customers(anchors.customer))
        self._prose: dict[str, str] = {}
        self._count: dict[str, int] = {}
        named = {
            "key": anchors.key_ids,
            "request": anchors.request_ids,
            "record": anchors.invoices,
            "host": anchors.hosts,
        }
        for kind, values in named.items():
            for value in values:
                self._pseudonym(kind, value)
        for item in evidence:
            for row in item.rows:
                for column, cell in row.items():
                    if isinstance(cell, str) and cell and (kind := _kind(item.source, column, cell)):
                        for part in _parts(kind, cell):
                            self._pseudonym(kind, part)
        within = sorted((name for name in self._known if len(name) >= _SHORTEST), key=len, reverse=True)
        body = "|".join(re.escape(name) for name in within) or r"(?!)"
        self._pattern = re.compile(rf"(?<![\w-])(?:{body})(?![\w-])")

    @property
    def shift(self) -> timedelta:
        """By how much times move: whole days, so that hours and their order stay."""
        return self._shift

    def row(self, item: Evidence, row: Row) -> Row:
        """Return a row without people."""
        return {column: self._cell(item, column, cell) for column, cell in row.items()}

    def text(self, text: str) -> str:
        """Return a text with moved days and without what names someone."""
        if text in self._known:
            return self._known[text]
        moved = _DAY.sub(lambda match: f"{date.fromisoformat(match[1]) + self._shift}", text)
        named = self._pattern.sub(lambda match: self._known[match[0]], moved)
        return self._redactor.redact(named)

    def _cell(self, item: Evidence, column: str, cell: JsonValue) -> JsonValue:
        if isinstance(cell, list):
            return [self._cell(item, column, each) for each in cell]
        if not isinstance(cell, str) or not cell:
            return cell
        kind = _kind(item.source, column, cell)
        if kind:
            return ", ".join(self._pseudonym(kind, part) for part in _parts(kind, cell))
        if column in _PROSE and column not in self._read.get(item.query, ()):
            return self._pseudonym("text", cell)
        return self.text(cell)

    def _pseudonym(self, kind: str, value: str) -> str:
        # Prose is replaced as a whole cell only: it is no name that could stand in another text.
        table = self._prose if kind == "text" else self._known
        if value not in table:
            self._count[kind] = self._count.get(kind, 0) + 1
            table[value] = f"{_prefix(value)}{kind}-{self._count[kind]}"
        return table[value]


def _kind(source: Source, column: str, cell: str) -> str:
    if column in _PEOPLE:
        return "person"
    if cell.startswith(("http://", "https://")):
        return "url"
    if source is Source.STRIPE and column == "name":
        return "person"
    if source not in _CUSTOMERS_OWN:
        return ""
    return _IDENTITIES.get(column) or (_by_ending(column) if source is Source.CLICKHOUSE else "")


def _parts(kind: str, cell: str) -> list[str]:
    """A list comes as one text; a person's name may hold a comma."""
    return [cell] if kind in ("person", "url") else cell.split(", ")


def _by_ending(column: str) -> str:
    last = column.rpartition("_")[2].removesuffix("s")
    return _ENDINGS.get(last, "") or last if last in _ENDINGS else ""


def _prefix(value: str) -> str:
    """A vendor's prefix says what an id is of (`in_` an invoice), and playbooks go by it."""
    found = _VENDORS_PREFIX.match(value)
    return found[0] if found else ""


def _customers(customer: Customer | None) -> Iterator[tuple[str, str]]:
    for field in ("id", "name", "billing_id"):
        value = getattr(customer, field, "")
        if value:
            yield value, getattr(FIXTURE_CUSTOMER, field)


def _columns_read(playbook: Playbook, query: str) -> frozenset[str]:
    """Return the columns of a query that facts or its own sentence read."""
    found: set[str] = set()
    for spec in playbook.facts.values():
        if spec.args.get("query") == query:
            for name, value in spec.args.items():
                found.update(_named(value) if name != "query" else ())
    own = playbook.query(query)
    known = columns_of(own) if own else None
    sentence = set(places_in(own.row_sentence)) if own else set()
    return frozenset((found & known if known is not None else found) | sentence)


def _named(value: JsonValue) -> Collection[str]:
    if isinstance(value, str):
        return value.split("+")
    return [part for name in value for part in name.split("+")] if isinstance(value, dict) else []
