"""One small investigation, weighed for real: 41.2% of a customer's requests fail after a deployment, and no incident is open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.base import Row
from models.customer import Anchors, Customer, Window
from models.diagnosis import Claim, ClaimValue, Diagnosis, Draft, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef
from models.vocabulary import EvidenceStatus, Outcome, Scope, Source
from reasoning.hypotheses import weigh
from reasoning.verify import verify

NOW = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
DEPLOYED = datetime(2026, 3, 12, 14, 5, 30, tzinfo=UTC)
WINDOW = Window(start=NOW - timedelta(hours=24), end=NOW)
CUSTOMER = Customer(id="acct_4711", name="Acme Robotics", billing_id="cus_NffrFeUfNV2Hib", resolved_by="helpdesk-field")
ANCHORS = Anchors(reported_at=NOW, symptom_at=NOW - timedelta(minutes=50), window=WINDOW, customer=CUSTOMER)

PLAYBOOK = Playbook.model_validate(
    {
        "format": 1,
        "id": "api-errors",
        "version": 3,
        "title": "API errors",
        "owner": "support-engineering",
        "review_by": "2099-01-01",
        "applies_when": {"fallback": True},
        "needs": ["customer", "routes"],
        "questions": {"customer": "Which account is this about?", "routes": "Which endpoint do you call?"},
        "instructions": "A release explains errors that start after it.",
        "queries": [
            {
                "id": "errors",
                "source": "clickhouse",
                "title": "requests of the customer",
                "scope": "customer",
                "sql": "SELECT …",
                "row_sentence": "{failed} of {requests} requests to {route} failed with {error_code}",
                "absent_sentence": "No request was seen",
            },
            {
                "id": "deployments",
                "source": "github",
                "title": "deployments",
                "scope": "shared",
                "operation": "list_deployments",
                "row_sentence": "Release {short_sha} went to {environment} at {created_at}",
                "absent_sentence": "Nothing was released",
            },
            {
                "id": "incidents",
                "source": "statuspage",
                "title": "incidents",
                "scope": "shared",
                "operation": "list_incidents",
                "row_sentence": "The status page has the incident {name}",
                "absent_sentence": "The status page has no incident",
            },
            {"id": "bugs", "source": "linear", "title": "known bugs", "scope": "shared", "operation": "search_issues"},
            {
                "id": "charges",
                "source": "stripe",
                "title": "charges",
                "scope": "customer",
                "operation": "list_charges",
                "absent_sentence": "No charge failed",
                "follow_up": True,
            },
        ],
        "facts": {
            "failed": {
                "fn": "sum",
                "label": "failed requests",
                "unit": "count",
                "args": {"query": "errors", "column": "failed"},
                "say": "{value} requests failed",
            },
            "requests": {
                "fn": "sum",
                "label": "requests",
                "unit": "count",
                "args": {"query": "errors", "column": "requests"},
            },
            "error_rate": {
                "fn": "ratio",
                "label": "share of requests that failed",
                "unit": "percent",
                "args": {"of": "$failed", "to": "$requests"},
                "say": "{value} of the requests failed ({failed} of {requests})",
            },
            "deployed_at": {
                "fn": "first",
                "label": "time of the release",
                "unit": "time",
                "args": {"query": "deployments", "column": "created_at"},
                "say": "The release was at {value}",
            },
            "incident": {
                "fn": "exists",
                "label": "an incident is open",
                "unit": "bool",
                "args": {"query": "incidents"},
            },
            "bug": {"fn": "exists", "label": "a known bug matches", "unit": "bool", "args": {"query": "bugs"}},
        },
        "hypotheses": [
            {
                "id": "regression",
                "cause": "deploy_regression",
                "title": "The release at {deployed_at} made {error_rate} of the requests fail",
                "requires": ["errors", "deployments"],
                "supported_when": ["error_rate > 0.2", "deployed_at > 0.0"],
                "refuted_when": ["error_rate < 0.01"],
                "claims": ["error_rate", "deployments", "incidents"],
                "weight": 10,
                "next_step": "roll-back",
                "reply": "regression",
            },
            {
                "id": "incident",
                "cause": "own_incident",
                "title": "An incident of ours makes requests fail",
                "requires": ["incidents"],
                "supported_when": ["incident"],
                "refuted_when": ["!incident"],
                "ruled_out_sentence": "No incident was open",
                "next_step": "point-at-incident",
            },
            {
                "id": "bug",
                "cause": "known_bug",
                "title": "A known bug makes requests fail",
                "requires": ["bugs"],
                "supported_when": ["bug"],
                "next_step": "link-bug",
            },
            {
                "id": "healthy",
                "cause": "nothing_wrong",
                "title": "Requests succeed",
                "requires": ["errors"],
                "supported_when": ["error_rate < 0.01"],
                "refuted_when": ["error_rate > 0.05"],
                "ruled_out_sentence": "Requests do fail",
                "next_step": "nothing-wrong",
            },
        ],
        "severity": [
            {"severity": "high", "when": ["error_rate > 0.4"]},
            {"severity": "medium", "when": ["failed > 9"]},
        ],
        "next_steps": {
            "roll-back": "Ask the owners of the release at {deployed_at} to roll it back.",
            "escalate": "Hand it to the engineer on call.",
            "point-at-incident": "Link the incident.",
            "link-bug": "Link the bug.",
            "inconclusive": "Ask an engineer.",
            "nothing-wrong": "Ask for a request id.",
            "needs-info": "Send the question.",
        },
        "replies": {
            "regression": "We see that {error_rate} of your requests fail since a release of ours and are rolling it back.",
            "needs-info": "Could you tell us a little more?",
        },
    }
)

ERRORS: tuple[Row, ...] = (
    {"route": "/v1/exports", "requests": 1000, "failed": 412, "error_code": "internal_error", "share": 0.412},
    {"route": "/v1/imports", "requests": 2000, "failed": 824, "error_code": "timeout", "share": 0.412},
)
DEPLOYMENTS: tuple[Row, ...] = (
    {
        "id": 9001,
        "short_sha": "3f2a9bc",
        "environment": "production",
        "created_at": "2026-03-12T14:05:30Z",
        "description": "Export worker",
        "finished_at": None,
        "cost": "12.50",
    },
)


def evidence_of(
    number: int,
    query: str,
    rows: Sequence[Row] = (),
    *,
    status: EvidenceStatus | None = None,
    customer: str | None = None,
    truncated: bool = False,
    stale: bool = False,
    window: Window | None = WINDOW,
    url: str | None = None,
    reason: str = "",
) -> Evidence:
    spec = PLAYBOOK.query(query)
    assert spec is not None
    owner = customer or (CUSTOMER.id if spec.scope is Scope.CUSTOMER else None)
    return Evidence(
        id=f"E{number}",
        query=query,
        source=spec.source,
        title=spec.title,
        scope=spec.scope,
        customer=owner,
        status=status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY),
        rows=tuple(rows),
        truncated=truncated,
        stale=stale,
        window=window,
        fetched_at=NOW,
        url=url,
        reason=reason,
    )


EVIDENCE: tuple[Evidence, ...] = (
    evidence_of(1, "errors", ERRORS, url="https://logs.example.com/q?x=1"),
    evidence_of(2, "deployments", DEPLOYMENTS, url="https://github.example.com/acme/api/deployments"),
    evidence_of(3, "incidents"),
    evidence_of(4, "bugs", status=EvidenceStatus.TIMED_OUT, reason="Linear did not answer in time"),
)
WEIGHING = weigh(PLAYBOOK, ANCHORS, EVIDENCE)


def claim(
    predicate: Predicate, subject: str, *cited: str, values: dict[str, str] | None = None, wording: str = ""
) -> Claim:
    pairs = tuple(ClaimValue(name=name, value=value) for name, value in (values or {}).items())
    return Claim(predicate=predicate, subject=subject, values=pairs, evidence=cited, wording=wording)


def fact_is(subject: str, value: str, *cited: str, wording: str = "") -> Claim:
    return claim(Predicate.FACT_IS, subject, *cited, values={"value": value}, wording=wording)


def row_shows(subject: str, wording: str = "", **values: str) -> Claim:
    return claim(Predicate.ROW_SHOWS, subject, subject, values=values, wording=wording)


def nothing_found(query: str, *cited: str, wording: str = "") -> Claim:
    return claim(Predicate.NOTHING_FOUND, query, *cited, wording=wording)


ERROR_RATE = fact_is("error_rate", "41%", "E1")
RELEASE = row_shows("E2", short_sha="3f2a9bc", environment="production")
NO_INCIDENT = nothing_found("incidents", "E3")
GOOD = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="regression",
    claims=(ERROR_RATE, RELEASE, NO_INCIDENT),
    next_step="roll-back",
)


def diagnose(
    draft: Draft,
    evidence: Sequence[Evidence] = EVIDENCE,
    weighing: Weighing | None = None,
    anchors: Anchors = ANCHORS,
    reasoner: str = "claude-haiku-5-5",
) -> Diagnosis:
    return verify(PLAYBOOK, anchors, evidence, weighing or weigh(PLAYBOOK, anchors, evidence), draft, reasoner)


def check(one: Claim, evidence: Sequence[Evidence] = EVIDENCE, anchors: Anchors = ANCHORS) -> tuple[bool, str]:
    """Return whether a claim stands in an otherwise good draft, and its sentence or problem."""
    weighing = WEIGHING if anchors is ANCHORS else weigh(PLAYBOOK, anchors, EVIDENCE)
    checked = diagnose(GOOD.model_copy(update={"claims": (one,)}), evidence, weighing, anchors).claims
    found = next(each for each in checked if each.claim == one)
    return found.kept, found.sentence or found.problem


TICKET = Ticket(
    ref=TicketRef(tenant="acme", helpdesk="zendesk", ticket="17"),
    subject="Exports fail",
    status="open",
    requester=Person(id="5", name="Jane Doe-Martinez", email="jane.doe@acme-robotics.example"),
    organization=Organization(
        id="8", name="Acme Robotics", domains=("acme-robotics.example",), external_id="acct_4711"
    ),
    messages=(
        Message(
            id="m1",
            role=Role.REQUESTER,
            public=True,
            text=(
                "Hello, since 2026-03-12 14:06 UTC our exports fail, request req_8f2a7c31, order #20260312. "
                "My key is sk_live_51HqLyjWDarjtT1zdp7dc, call me at +49 30 901820. Regards, Jane"
            ),
            created_at=NOW,
        ),
    ),
    created_at=NOW,
    updated_at=NOW,
)
LINEAR = Source.LINEAR
