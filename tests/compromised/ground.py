"""The investigation that is attacked: failing exports after a release, with room for an attacker's text in every source."""

from collections.abc import Sequence
from functools import cache

from models.base import Row
from models.customer import Anchors
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from models.vocabulary import EvidenceStatus, Scope
from reasoning.screening import screen_ticket
from tests.reasoning.case import ANCHORS, CUSTOMER, NOW, PLAYBOOK, TICKET, WINDOW

HOSTS = frozenset({"github.example.com", "logs.example.com"})
STRANGER = "acct_9999"
STRANGER_NAME = "Globex Industries"
STRANGER_MAIL = "ceo@globex.example"
SECRET = "sk_live_51HqLyjWDarjtT1zdp7dcXYZ"


def _playbook() -> Playbook:
    raw = PLAYBOOK.model_dump(mode="json", exclude_unset=True)
    sentences = {
        "errors": "{failed} of {requests} requests to {route} failed: {message}",
        "deployments": "Release {short_sha} went to {environment} at {created_at}: {changes}",
        "bugs": "{identifier} ({state}): {title}",
        "charges": "A charge {status}: {description}",
    }
    for query in raw["queries"]:
        query["row_sentence"] = sentences.get(query["id"], query.get("row_sentence", ""))
        query["follow_up"] = False
    raw["queries"] += [
        {
            "id": "docs",
            "source": "docs",
            "title": "documentation",
            "scope": "shared",
            "operation": "search",
            "row_sentence": "Documentation: {title}: {excerpt}",
        },
        # Without a sentence of its own a row is said by whatever columns a claim names.
        {"id": "comments", "source": "linear", "title": "comments", "scope": "shared", "operation": "search_issues"},
    ]
    raw["facts"]["newest_change"] = {
        "fn": "first",
        "label": "the newest change",
        "unit": "text",
        "args": {"query": "deployments", "column": "changes"},
        "say": "The newest change is {value}",
    }
    return Playbook.model_validate(raw)


ATTACKED = _playbook()


def evidence_with(channel: str = "", text: str = "") -> tuple[Evidence, ...]:
    """Return all answers of the investigation, with a text in one channel of them.

    Args:
        channel: `log`, `issue`, `comment`, `metadata`, `change`, `page`, or nothing.
        text: Whatever somebody wrote there.
    """

    def put(name: str, own: str) -> str:
        return text if channel == name else own

    errors: tuple[Row, ...] = (
        {
            "route": "/v1/exports",
            "requests": 1000,
            "failed": 412,
            "message": put("log", "upstream reset"),
            "share": 0.412,
        },
        {"route": "/v1/imports", "requests": 2000, "failed": 824, "message": "timeout", "share": 0.412},
    )
    release: Row = {
        "id": 9001,
        "short_sha": "3f2a9bc",
        "environment": "production",
        "created_at": "2026-03-12T14:05:30Z",
        "changes": put("change", "Export worker"),
        "url": "https://github.example.com/acme/api/deployments/9001",
    }
    issue: Row = {
        "identifier": "ENG-7",
        "state": "Todo",
        "title": put("issue", "Exports fail when the worker restarts"),
    }
    comment: Row = {"identifier": "ENG-7", "body": put("comment", "Seen again this morning")}
    charge: Row = {"status": "succeeded", "description": put("metadata", "Pro plan")}
    page: Row = {"title": "Exports", "excerpt": put("page", "An export takes a minute")}
    return (
        _answer(1, "errors", errors),
        _answer(2, "deployments", (release,)),
        _answer(3, "incidents", ()),
        _answer(4, "bugs", (issue,)),
        _answer(5, "charges", (charge,)),
        _answer(6, "docs", (page,)),
        _answer(7, "comments", (comment,)),
    )


def strangers_evidence() -> tuple[Evidence, ...]:
    """Return the answers with one of another customer among them, and a shared one whose row is another's."""
    theirs: Row = {"status": "failed", "description": f"{STRANGER_NAME} {STRANGER_MAIL}", "customer_id": STRANGER}
    shared: Row = {"identifier": "ENG-8", "body": f"{STRANGER_NAME} churned", "customer_id": STRANGER}
    loose: Row = {"identifier": "ENG-9", "body": f"reported by {STRANGER_MAIL}, +49 30 901820"}
    return (
        *evidence_with(),
        _answer(8, "charges", (theirs,), customer=STRANGER),
        _answer(9, "comments", (shared, loose)),
    )


def _answer(number: int, query: str, rows: Sequence[Row], customer: str = "") -> Evidence:
    spec = ATTACKED.query(query)
    assert spec is not None
    return Evidence(
        id=f"E{number}",
        query=query,
        source=spec.source,
        title=spec.title,
        scope=spec.scope,
        customer=customer or (CUSTOMER.id if spec.scope is Scope.CUSTOMER else None),
        status=EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY,
        rows=tuple(rows),
        window=WINDOW,
        fetched_at=NOW,
        url="https://logs.example.com/q",
    )


def ticket_with(text: str = "") -> Ticket:
    """Return the ticket, with a text behind what the customer wrote."""
    first = TICKET.messages[0]
    message = first.model_copy(update={"text": f"{first.text}\n{text}"})
    return TICKET.model_copy(update={"messages": (message,)})


def anchors_of(ticket: Ticket) -> Anchors:
    """Return the anchors with what screening sees in the ticket."""
    return ANCHORS.model_copy(update={"screened": screen_ticket(ticket)})


@cache
def milder_playbook() -> Playbook:
    """Return the playbook with a severity of medium for the cause, and a graver consequence of it that is supported, too."""
    raw = ATTACKED.model_dump(mode="json", exclude_unset=True)
    for hypothesis in raw["hypotheses"]:
        if hypothesis["id"] == "regression":
            hypothesis |= {"at_most": "medium", "explains": ["bug"]}
        if hypothesis["id"] == "bug":
            hypothesis |= {"authoritative": "linear"}
    return Playbook.model_validate(raw)
