"""Pseudonyms for what a model must not see, stable within one investigation, and the way back.

What a person's name is, no pattern knows: names come from the ticket, the customer and billing. What has a shape comes from
personal_data.py. Times, order numbers, git shas and request ids stay, as they are the evidence.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import JsonValue

from models.base import Row
from models.customer import Customer
from models.diagnosis import Claim, ClaimValue, Draft
from models.evidence import CUSTOMER_LOOKUP, Evidence
from models.ticket import Ticket
from models.vocabulary import Scope, Source
from reasoning.folding import fold, folded_with_places, occurrences
from reasoning.identity import PUBLIC_MAIL_DOMAINS
from reasoning.personal_data import REGIONS, Found, find_personal

_PSEUDONYM = re.compile(r"<[A-Z]{2,12}_\d{1,6}>")
_COLUMNS = {
    "email": "EMAIL",
    "customer_email": "EMAIL",
    "phone": "PHONE",
    "domain": "DOMAIN",
    "customer_name": "NAME",
    "contact": "NAME",
}
"""Columns whose values are somebody's, in evidence on one customer."""
_NAMED_BY = frozenset({Source.STRIPE, Source.CLICKHOUSE, Source.HELPDESK})
"""Sources whose column `name` in customer evidence is the customer's; elsewhere it is an incident's or a component's."""
_COMMON = (
    "may will mark grant april june july august rob bill sue art page long young case price day king hope faith grace joy "
    "dawn summer rich dean major miles chase lane wood stone field bush rose lily iris jack max pat sandy misty drew van von "
    "del der the and for admin support team info test user customer"
)
_WORDS = frozenset(_COMMON.split())
"""Names that are words too: replaced within the whole name only, or dates and sentences would break."""


class Redactor:
    """One investigation's table of pseudonyms. The same inputs in the same order give the same table."""

    def __init__(self, regions: tuple[str, ...] = REGIONS, patterns: Mapping[str, str] | None = None) -> None:
        """Start empty.

        Args:
            regions: Where a phone number without a country code may be from.
            patterns: A tenant's own: kind of pseudonym to a regular expression.
        """
        self._regions = regions
        self._patterns = [(kind, re.compile(pattern)) for kind, pattern in (patterns or {}).items()]
        self._by_value: dict[tuple[str, str], str] = {}
        self._by_pseudonym: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._literals: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._found: dict[str, list[Found]] = {}

    def __repr__(self) -> str:
        """Say how much is known, never what."""
        return f"<Redactor with {len(self._by_pseudonym)} pseudonyms>"

    @classmethod
    def for_ticket(
        cls,
        ticket: Ticket,
        customer: Customer | None,
        evidence: Sequence[Evidence],
        regions: tuple[str, ...] = REGIONS,
        patterns: Mapping[str, str] | None = None,
    ) -> "Redactor":
        """Learn what ticket, customer and billing say of people, and every value of a shape in the conversation."""
        redactor = cls(regions, patterns)
        for kind, value in _known(ticket, customer, evidence):
            redactor._learn(kind, value)
        for text in (ticket.subject, *(message.text for message in ticket.messages), *ticket.fields.values()):
            clean = visible(text)
            for found in redactor._shaped(clean):
                redactor._learn(found.kind, clean[found.start : found.end])
        return redactor

    def redact(self, text: str) -> str:
        """Replace all that is known or has a telling shape; invisible characters, which could hide a value, are dropped."""
        known = self._seen.get(text)
        if known is None:
            known = self._seen[text] = self._redact(visible(text))
        return known

    def redact_row(self, row: Row) -> Row:
        """Redact the texts of a row; numbers, bools and nulls stay."""
        return {name: self._redact_value(value) for name, value in row.items()}

    def restore(self, text: str, allowed_kinds: Collection[str]) -> str:
        """Put the values back for pseudonyms of the allowed kinds, such as `NAME`; all others stay pseudonyms."""
        return self._put_back(text, set(allowed_kinds))

    def resolve(self, text: str) -> str:
        """Put all values back, for comparing with stored rows. A pseudonym that was never given out stays as it is."""
        return self._put_back(text, None)

    def _redact_value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self._redact_value(item) for item in value]
        if isinstance(value, dict):
            return {name: self._redact_value(item) for name, item in value.items()}
        return value

    def _redact(self, text: str) -> str:
        spans: list[tuple[int, int, str]] = []
        # What looks like a pseudonym but came with the text is a value too, or a ticket could name another's data.
        spans.extend((*match.span(), "TEXT") for match in _PSEUDONYM.finditer(text))
        spans.extend(self._known_spans(text))
        shaped = self._shaped(text)
        # The longer of two that overlap wins: an e-mail address over the company's domain within it.
        spans = sorted([*spans, *shaped], key=lambda span: (span[0] - span[1], span[0]))
        taken = bytearray(len(text))
        chosen = []
        for start, end, kind in spans:
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                chosen.append((start, end, kind))
        parts, last = [], 0
        for start, end, kind in sorted(chosen):
            parts += [text[last:start], self._pseudonym(kind, text[start:end])]
            last = end
        return "".join([*parts, text[last:]])

    def _shaped(self, text: str) -> list[Found]:
        """Return what has a shape; the conversation is looked through when it teaches and once more when it leaves."""
        known = self._found.get(text)
        if known is None:
            own = [Found(*match.span(), kind) for kind, pattern in self._patterns for match in pattern.finditer(text)]
            known = self._found[text] = [
                *(found for found in own if found.end > found.start),
                *find_personal(text, self._regions),
            ]
        return known

    def _pseudonym(self, kind: str, value: str) -> str:
        # Exact, not folded: a pseudonym must lead back to the very text that the stored rows hold.
        known = self._by_value.get((kind, value))
        if known is None:
            self._count[kind] = self._count.get(kind, 0) + 1
            known = self._by_value[kind, value] = f"<{kind}_{self._count[kind]}>"
            self._by_pseudonym[known] = value
        return known

    def _learn(self, kind: str, value: str) -> None:
        """Replace a value wherever it stands as a word of its own, from now on."""
        value = " ".join(visible(value).split())
        if len(value) < 3 or (kind in ("CUSTOMER", "SECRET") and (len(value) < 6 or value.isdigit())):
            return
        self._pseudonym(kind, value)
        self._literals.setdefault(fold(value), kind)
        self._seen.clear()

    def _known_spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        folded, places = folded_with_places(text)
        # A search for each is quicker than one pattern of all, which would have to be made for every ticket.
        for literal, kind in self._literals.items():
            for first, last in occurrences(literal, folded):
                start, end = places[first], places[last - 1] + 1
                # A name whose every part is a word is a name only where it is written as one.
                if not (text[start:end].islower() and _WORDS.issuperset(literal.split())):
                    yield start, end, kind

    def _put_back(self, text: str, kinds: set[str] | None) -> str:
        def value(match: re.Match[str]) -> str:
            kind = match[0][1:].rpartition("_")[0]
            allowed = kinds is None or kind in kinds
            return self._by_pseudonym.get(match[0], match[0]) if allowed else match[0]

        return _PSEUDONYM.sub(value, text)


def resolve_draft(draft: Draft, redactor: Redactor) -> Draft:
    """Return the draft with real values for pseudonyms, so that it can be compared with the stored rows."""
    return draft.model_copy(update={"claims": tuple(_resolve_claim(claim, redactor) for claim in draft.claims)})


def visible(text: str) -> str:
    """Drop what a reader does not see: control, format and private characters; line ends and tabs stay."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C")


def _resolve_claim(claim: Claim, redactor: Redactor) -> Claim:
    return claim.model_copy(
        update={
            "subject": redactor.resolve(claim.subject),
            "values": tuple(ClaimValue(name=value.name, value=redactor.resolve(value.value)) for value in claim.values),
            "wording": redactor.resolve(claim.wording),
        }
    )


def _known(ticket: Ticket, customer: Customer | None, evidence: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    requester, organization = ticket.requester, ticket.organization
    if requester.email:
        yield "EMAIL", requester.email
    yield from _name(requester.name)
    if organization is not None:
        yield "ORG", organization.name
        yield "CUSTOMER", organization.external_id
    if customer is not None:
        yield "ORG", customer.name
        yield "CUSTOMER", customer.id
        yield "CUSTOMER", customer.billing_id
    mail = requester.email.rpartition("@")[2].lower()
    for domain in (mail, *(organization.domains if organization else ())):
        if domain and domain.lower() not in PUBLIC_MAIL_DOMAINS:
            yield "DOMAIN", domain
    for item in evidence:
        if item.scope is Scope.CUSTOMER or item.query == CUSTOMER_LOOKUP:
            for row in item.rows:
                yield from _in_row(item.source, row)


def _in_row(source: Source, row: Row) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        if not isinstance(value, str) or not value:
            continue
        kind = _COLUMNS.get(column)
        if kind is not None and not (kind == "DOMAIN" and value.lower() in PUBLIC_MAIL_DOMAINS):
            yield kind, value
        elif column == "name" and source in _NAMED_BY:
            yield "ORG", value


def _name(name: str) -> Iterator[tuple[str, str]]:
    yield "NAME", name
    parts = re.findall(r"[^\W\d_][\w'’-]{2,}", name)
    for part in parts if len(parts) > 1 else ():
        if part.casefold() not in _WORDS:
            yield "NAME", part
