"""What a ticket pins an investigation to: ids, codes, routes, times, symptoms, found by code in the requester's words."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from models.customer import Anchors, Customer, Window
from models.playbook import SpanAround
from models.tables import ERROR_CODES
from models.ticket import Message, Ticket
from reasoning.plain_text import plain
from reasoning.relatedness import named_regions, vocabulary
from reasoning.screening import screen_ticket
from reasoning.status_codes import codes_beside
from reasoning.stop_words import STOP_WORDS
from reasoning.symptoms import OF_ERROR_CODE, says_still, symptom_of_status, symptoms_in
from reasoning.ticket_text import current_spell, own_words, requester_messages
from reasoning.ticket_times import Named, named_times

MOST = 12
"""Items of one kind."""
KEY_CHARACTERS = 8
"""Of what follows a key's prefix: enough to tell keys apart, too little to use one."""
OLDEST = timedelta(days=30)
"""A time further back is a date that the text mentions, not when the trouble started."""
_REQUEST = re.compile(
    r"(?<![\w-])(req[_-][A-Za-z0-9]{4,}[A-Za-z0-9_-]*)"
    r"|(?:request|trace|correlation)[ _-]?ids?\W{1,4}(?:is |was |are |were )?\W{0,2}([A-Za-z0-9][A-Za-z0-9_-]{7,63})",
    re.IGNORECASE,
)
_TELLING = (
    # A key's middle is no code: `pk_live_m422vP`.
    r"(?:(?<![A-Za-z0-9_$€£#.,:/-])|(?<=http))(?:429|401|402|403|413|502|503|504|422)(?!\d|[.,]\d|\s*(?:ms|s|sec|seconds|requests"
    r"|customers|users|times|%|usd|eur|calls)\b)"
)
_NEAR = (
    r"(?:http|status|code|error|response|respon\w+|answer\w*|return\w*|get\w*|receiv\w*|see\w*|back as|with|a|an|of|and|or"
    r"|/)[\s:=(\"'“‘]+(?:code\s+|http\s+)?"
    r"([45]\d\d)(?!\d|[.,]\d|\s*(?:ms|s|sec|requests|customers|users|times|%|usd|eur|calls)\b)"
)
_AFTER = (
    r"(?<![\d$€£#.,:/-])([45]\d\d)s?\s+(?:error|response|status|not found|internal|bad|payment|gateway"
    r"|conflict|unauth|forbidden|too many)"
)
_STATUS = re.compile(rf"({_TELLING})|{_NEAR}|{_AFTER}|(?<![\w$€£#.])([45]\d\d)s(?!\w)", re.IGNORECASE)
_FAILS_IN_WORDS = re.compile(r"5xx|intern|gateway|server[- ]?(?:error|fehler)|unavailable", re.IGNORECASE)
_ERROR_CODE = re.compile(
    r"(?:error[_ ]?code|\"code\"|\"error\"|\"type\")\W{1,4}([a-z][a-z0-9]*(?:_[a-z0-9]+)+)", re.IGNORECASE
)
_QUOTED_CODE = re.compile(r"(?<![\w-])(E(?:RR|RROR)?_[A-Z0-9][A-Z0-9_]+)(?![\w-])")
"""A code as the customer copied it out of an answer: `E_LIMIT`."""
_ROUTE = re.compile(
    r"(?<![\w.])(/v\d{1,2}(?:/[A-Za-z0-9_{}:.~-]+)+)|\b(?:GET|POST|PUT|PATCH|DELETE"
    r"|HEAD) +(?:https?://[^/\s]+)?(/[A-Za-z0-9_{}:./~-]+)"
    r"|https?://[^/\s]+(/v\d{1,2}(?:/[A-Za-z0-9_{}:.~-]+)+)"
)
_KEY = re.compile(
    r"(?<![\w-])((?:pk|sk|rk|ak|key)_(?:(?:live|test|prod|dev|staging)_)?)([A-Za-z0-9]{3,})(?:[A-Za-z0-9_-]*)"
)
_INVOICE_WORDS = (
    r"(?:invoice|rechnung|rechnungsnummer|abrechnung|factura|fatura|facture|fattura|factuur|faktur[aeąyę]"
    r"|請求書|請求番号)"
)
_INVOICE_LABEL = (
    r"(?:(?:number|no|id|nr|n[°º]|num|nummer|n[uú]mero|num[ée]ro|numero|numer)(?![\w-])[.:]?\s*|番号[:：]?\s*)?"
)
"""A whole word: the beginning of `NOR-20931` is none."""
_INVOICE_NUMBER = r"[A-Z]{1,10}[-_]?(?:[A-Z0-9]+-)?\d{3,}|\d{5,}"
_INVOICE = re.compile(
    r"(?<![\w-])(INV[-_]?[A-Z0-9]*-?\d[\w-]*|in_[A-Za-z0-9]{8,}|[A-Z0-9]{6,10}-\d{4})(?![\w-])"
    rf"|\binvoice\s+{_INVOICE_LABEL}#?\s*([A-Z0-9][A-Z0-9-]*\d[A-Z0-9-]*)(?!\w|[.,]\d)"
    rf"|(?<!\w){_INVOICE_WORDS}\s*{_INVOICE_LABEL}#?\s*({_INVOICE_NUMBER})(?!\w|[.,]\d)"
    # Turkish puts the word behind the number, and a number beside an amount of money is an invoice's as well.
    rf"|(?<![\w-])({_INVOICE_NUMBER})\s+(?:numaralı\s+|nolu\s+)?fatura"
    r"|(?<![\w-])([A-Z]{2,10}-\d{4,})\s+(?:is\s+|over\s+)?(?:[$€£]\s*\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*\s*(?:USD|EUR|GBP|[$€£]))",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?<![\w@.-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?![\w@-])", re.IGNORECASE | re.ASCII
)
_NOT_WORDS = re.compile(r"https?://\S+|(?<!\S)(?:\S+@\S+|\S*\d\S*)|/\S+|\b[a-z]+_\S+")
"""What has an @ or a digit is left out from its start: begun anew at each character, a long one would cost its square."""


def find_anchors(
    ticket: Ticket,
    customer: Customer | None,
    customer_problem: str,
    now: datetime,
    company_regions: tuple[str, ...] = (),
) -> Anchors:
    """Read the subject and the requester's public messages.

    Args:
        ticket: With its whole conversation.
        customer: As resolved, or None.
        customer_problem: Why there is none.
        now: No time of the result lies after it.
        company_regions: Names of the company's own regions.

    `reported_at` is the first message since the last long silence; `symptom_at` the earliest time that those messages name, at
    most 30 days before they were written, else `reported_at`. Ids and codes come from the whole conversation.
    """
    messages = requester_messages(ticket)
    spell = current_spell(ticket)
    texts = [own_words(message.text) for message in messages]
    whole = "\n".join((ticket.subject, *texts))
    reported = min(spell[0].created_at if spell else ticket.created_at, now)
    begun = _begun(ticket.subject, spell, reported)
    symptom = begun.at
    statuses = tuple(dict.fromkeys(_status_codes(whole)))[:MOST]
    codes = _unique(
        (
            *(code for code in sorted(ERROR_CODES) if re.search(rf"(?<!\w){code}(?!\w)", whole)),
            *_ERROR_CODE.findall(whole),
            *_QUOTED_CODE.findall(whole),
        )
    )
    span = SpanAround()
    symptoms = _symptoms(whole, texts[1:], statuses, codes)
    return Anchors(
        reported_at=reported,
        symptom_at=symptom,
        symptom_slack_minutes=begun.slack_minutes,
        window=Window(start=symptom - span.before, end=max(min(symptom + span.after, now), symptom)),
        customer=customer,
        customer_problem=customer_problem,
        request_ids=_unique(found for found in _groups(_REQUEST, whole) if re.search(r"\d", found)),
        status_codes=statuses,
        error_codes=codes,
        routes=_unique(_route(found) for found in _groups(_ROUTE, whole)),
        key_ids=_unique(_keys(whole)),
        invoices=_unique(found.rstrip("-") for found in _groups(_INVOICE, whole)),
        regions=named_regions(whole, company_regions)[:MOST],
        company_regions=company_regions,
        hosts=_unique(found.lower() for found in _HOST.findall(whole)),
        symptoms=symptoms,
        vocabulary=vocabulary((*codes, *symptoms))[:MOST],
        terms=_terms(ticket, texts),
        screened=screen_ticket(ticket),
    )


def fingerprint(ticket: Ticket, anchors: Anchors) -> str:
    """Return the digest of what matters: a courtesy does not change it; a new id, code, route or symptom, or word that the
    trouble goes on, does."""
    texts = [own_words(message.text) for message in requester_messages(ticket)]
    matters = {
        name: sorted(str(item) for item in getattr(anchors, name))
        for name in (
            "request_ids",
            "status_codes",
            "error_codes",
            "routes",
            "key_ids",
            "invoices",
            "regions",
            "symptoms",
        )
    }
    # Each "still happening" counts: the second one is news about the answer to the first.
    state = {"customer": anchors.customer.id if anchors.customer else "", "still": sum(map(says_still, texts[1:]))}
    return hashlib.sha256(json.dumps([matters, state], sort_keys=True).encode()).hexdigest()


def _begun(subject: str, spell: tuple[Message, ...], reported: datetime) -> Named:
    named = [
        found
        for index, message in enumerate(spell)
        for found in named_times(
            f"{subject}\n{own_words(message.text)}" if index == 0 else own_words(message.text), message.created_at
        )
        if message.created_at - OLDEST <= found.at <= reported
    ]
    return min(named, key=lambda found: found.at, default=Named(reported, 0))


def _groups(pattern: re.Pattern[str], text: str) -> list[str]:
    return [next(group for group in match.groups() if group) for match in pattern.finditer(text)]


def _unique(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in found if item))[:MOST]


def _status_codes(text: str) -> list[int]:
    return [*(int(found) for found in _groups(_STATUS, text)), *codes_beside(text)]


def _route(found: str) -> str:
    path = found.rstrip(".,:;-~")
    parts = [
        "{id}" if re.fullmatch(r"\d+|[0-9a-f-]{16,}|[a-z]+_[A-Za-z0-9]*\d[A-Za-z0-9]*", part) else part
        for part in path.split("/")
    ]
    return "/".join(parts)


def _keys(text: str) -> list[str]:
    return [
        f"{prefix}{body[:KEY_CHARACTERS]}"
        for prefix, body in _KEY.findall(text)
        if prefix.count("_") > 1 or re.search(r"[0-9A-Z]", body)
    ]


def _symptoms(whole: str, later: list[str], statuses: Sequence[int], codes: Iterable[str]) -> tuple[str, ...]:
    found = [*symptoms_in(whole)]
    # A named code says which answer they get; "it looks like an outage" beside it is their guess at the cause.
    if any(status < 500 for status in statuses) and not _FAILS_IN_WORDS.search(whole):
        found = [name for name in found if name != "server-errors"]
    found += [name for status in statuses for name in symptom_of_status(status)]
    found += [OF_ERROR_CODE[code] for code in codes if code in OF_ERROR_CODE]
    if any(says_still(text) for text in later):
        found.append("reopened")
    return tuple(dict.fromkeys(found))


def symptoms_of(text: str) -> tuple[str, ...]:
    """Return the symptoms that a part of a ticket tells by itself, in words or by a code."""
    codes = [code for code in sorted(ERROR_CODES) if re.search(rf"(?<!\w){code}(?!\w)", text)]
    return _symptoms(text, [], _status_codes(text), codes)


def names_anything(text: str) -> bool:
    """Whether a part of a ticket names what can be looked up: a code, a route, a request, a key, an invoice or a host."""
    patterns = (_ERROR_CODE, _QUOTED_CODE, _ROUTE, _REQUEST, _KEY, _INVOICE, _HOST)
    return bool(_status_codes(text)) or any(pattern.search(text) for pattern in patterns)


def _terms(ticket: Ticket, texts: list[str]) -> tuple[str, ...]:
    """Content words, the subject's first. They go to other systems: nothing that looks like a person or an id is among them."""
    names = set(re.findall(r"\w+", plain(f"{ticket.requester.name} {ticket.requester.email.partition('@')[0]}")))
    words: list[str] = []
    for text in (ticket.subject, *texts):
        words += re.findall(r"(?<![a-z])[a-z][a-z-]{2,29}(?![a-z])", _NOT_WORDS.sub(" ", plain(text)))
    return tuple(dict.fromkeys(word.strip("-") for word in words if word not in STOP_WORDS and word not in names))[
        :MOST
    ]
