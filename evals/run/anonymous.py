"""Takes people and customers out of past runs, and lets none go out that still names one or says something else without them.

A ticket's own people are replaced as in a fixture (playbooks/anonymise.py). The evidence of one ticket may name the customer of
another one, in a bug's title say; so everybody whom any ticket of the ledger names is looked for in every case.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from pydantic import JsonValue, TypeAdapter

from activities.rediagnose import Past
from evals.run.cases import Case
from evals.run.frozen import Frozen, reweigh
from evals.run.told import further_causes
from models.base import Row
from models.customer import Anchors, Customer, Window
from models.evidence import CUSTOMER_LOOKUP, Evidence
from models.feedback import FeedbackVerdict
from models.vocabulary import CauseClass, Scope
from playbooks.anonymise import FIXTURE_CUSTOMER, Anonymiser
from reasoning.identity import PUBLIC_MAIL_DOMAINS
from reasoning.redact import visible

SHORTEST = 4
"""A shorter name may be any word."""
_NAMES = frozenset({"name", "email", "customer_email", "customer_name", "contact", "domain", "billing_id"})
"""Columns of customer evidence that name somebody."""
_READ_ALONE = ("request_ids", "key_ids", "invoices", "hosts", "terms")
"""Anchors that quote the customer: replaced, and words of theirs only where a fact reads them."""
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class LeftOut(Exception):
    """The case cannot go out; the message says why, and names nobody."""


def cause_of(past: Past) -> CauseClass | None:
    """Return what people say it was; None where they do not say, or do not agree."""
    told = past.diagnosis.cause if past.diagnosis else None
    known = {
        told if one.verdict is FeedbackVerdict.RIGHT else one.cause
        for one in past.kept.feedback
        if one.verdict is FeedbackVerdict.RIGHT or one.cause is not None
    }
    return known.pop() if len(known) == 1 else None


def people_of(past: Past) -> Iterator[str]:
    """Yield everything that names somebody in a ticket, its customer and what was asked about the customer."""
    requester, organization, customer = past.ticket.requester, past.ticket.organization, past.anchors.customer
    yield from (requester.name, requester.email)
    yield from _domain(requester.email.rpartition("@")[2])
    if organization is not None:
        yield from (organization.name, organization.external_id)
        for domain in organization.domains:
            yield from _domain(domain)
    if customer is not None:
        yield from (customer.id, customer.name, customer.billing_id)
    for item in past.evidence:
        if item.query == CUSTOMER_LOOKUP or item.scope is Scope.CUSTOMER:
            for row in item.rows:
                for column in _NAMES & set(row):
                    cell = row[column]
                    if isinstance(cell, str):
                        yield from _domain(cell) if column == "domain" else (cell,)


class Names:
    """Everybody whom the tickets of a ledger name."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names; what is too short to be one is dropped."""
        whole = {" ".join(visible(name).split()) for name in names}
        ordered = sorted((name for name in whole if len(name) >= SHORTEST), key=len, reverse=True)
        body = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in ordered) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{body})(?!\w)", re.IGNORECASE)

    def are_in(self, text: str) -> bool:
        """Whether anybody is named."""
        return self._pattern.search(text) is not None

    def replaced(self, text: str, known: dict[str, str]) -> str:
        """Return a text without them; `known` holds the pseudonyms of one case, and is added to."""

        def pseudonym(match: re.Match[str]) -> str:
            name = " ".join(match[0].split()).casefold()
            return known.setdefault(name, f"other-{len(known) + 1}")

        return self._pattern.sub(pseudonym, text)


def as_case(past: Past, key: str, cause: CauseClass, names: Names) -> Case:
    """Return a past run as a case.

    Raises:
        LeftOut: it would still name somebody, or comes out otherwise without its people.
    """
    assert past.diagnosis is not None
    asked = {query.id for query in past.playbook.queries}
    evidence = [item for item in past.evidence if item.query in asked]
    own = Anonymiser(past.playbook, past.ticket, past.anchors, evidence)
    others: dict[str, str] = {}

    def plain(value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return names.replaced(own.text(value), others)
        if isinstance(value, list):
            return [plain(one) for one in value]
        return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value

    def clean(item: Evidence) -> Evidence:
        rows = [own.row(item, row) for row in item.rows]
        return item.model_copy(
            update={
                "rows": tuple(_without(row, names, others) for row in rows),
                "parameters": plain(item.parameters),
                "customer": FIXTURE_CUSTOMER.id if item.customer else None,
                "window": _moved(item.window, own),
                "fetched_at": item.fetched_at + own.shift,
                "asked": "",
                "url": None,
            }
        )

    confirmed = cause is past.diagnosis.cause
    case = Case(
        key=key,
        playbook=past.playbook,
        anchors=_anchors(past, own, names, others),
        evidence=tuple(clean(item) for item in evidence),
        cause=cause,
        parts=further_causes(past.playbook, past.diagnosis) if cause is CauseClass.TWO_CAUSES and confirmed else (),
        outcome=past.diagnosis.outcome if confirmed else None,
        told=past.diagnosis.cause,
    )
    _ensure_clean(case, names)
    _ensure_same(past, evidence, case)
    return case


def _anchors(past: Past, own: Anonymiser, names: Names, others: dict[str, str]) -> Anchors:
    given = past.anchors
    read = repr([spec.args for spec in past.playbook.facts.values()])
    quoted = {
        name: tuple(names.replaced(own.text(value), others) for value in getattr(given, name))
        if f"$anchors.{name}" in read or name in past.playbook.needs
        else ()
        for name in _READ_ALONE
    }
    window = _moved(given.window, own)
    moved = {"reported_at": given.reported_at + own.shift, "symptom_at": given.symptom_at + own.shift, "window": window}
    return given.model_copy(update={**moved, **quoted, "customer": _customer(given.customer)})


def _customer(customer: Customer | None) -> Customer | None:
    if customer is None:
        return None
    kept = {
        "plan": customer.plan,
        "region": customer.region,
        "resolved_by": customer.resolved_by,
        "weak": customer.weak,
    }
    kept |= {} if customer.billing_id else {"billing_id": ""}
    return FIXTURE_CUSTOMER.model_copy(update=kept)


def _moved(window: Window | None, own: Anonymiser) -> Window | None:
    return window and Window(start=window.start + own.shift, end=window.end + own.shift)


def _without(row: Row, names: Names, others: dict[str, str]) -> Row:
    return {column: names.replaced(cell, others) if isinstance(cell, str) else cell for column, cell in row.items()}


def _ensure_clean(case: Case, names: Names) -> None:
    whole = case.model_dump(mode="json", exclude={"playbook"})
    if names.are_in(_JSON.dump_json(whole).decode()):
        raise LeftOut("somebody would still be named")


def _ensure_same(past: Past, evidence: Sequence[Evidence], case: Case) -> None:
    """See that the rules say of the case what they say of the run: no replacement may change that."""
    before = reweigh(Frozen(case.key, past.playbook, past.anchors, evidence), past.playbook).line
    after = reweigh(Frozen(case.key, case.playbook, case.anchors, case.evidence), case.playbook).line
    said = [(one.outcome, one.cause, one.also, one.severity) for one in (before, after)]
    if said[0] != said[1]:
        raise LeftOut("without its people the evidence says something else")


def _domain(domain: str) -> Iterator[str]:
    if domain and domain.lower() not in PUBLIC_MAIL_DOMAINS:
        yield domain
