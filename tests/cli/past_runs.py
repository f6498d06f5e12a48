"""A run of a small playbook in a real ledger, with people in everything that it read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ledger.store import SqlLedger
from models.base import Row
from models.customer import Anchors, Customer, Window
from models.evidence import Evidence
from models.run import ClaimRequest, RecordRequest, RunKey
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef, Trigger, TriggerKind
from models.vocabulary import EvidenceStatus, Outcome
from playbooks.library import LoadedPlaybook
from reasoning.hypotheses import weigh
from reasoning.rules import decide
from reasoning.verify import verify
from tests.master_keys import KEYRING
from tests.playbooks.small import load
from workflows.naming import investigation_id

REFUSED = """\
format: 1
id: refused
version: 1
title: Refused keys
owner: support
review_by: 2020-01-01
applies_when: {fallback: true, terms: {key: 3, refused: 2}}
needs: [customer]
questions: {customer: Whose account is it?}
queries:
  - id: keys
    source: clickhouse
    title: refusals by key
    scope: customer
    sql: |
      SELECT key_id, max(ts) AS last_at, count() AS requests, countIf(status = 401) AS refused,
             max(request_id) AS sample_request_id, max(customer) AS seen_accounts FROM requests
      WHERE ts >= {start:DateTime64(3)} AND ts < {end:DateTime64(3)} GROUP BY key_id ORDER BY refused DESC
    row_sentence: "{refused} of {requests} requests with {key_id} were refused, the last at {last_at}"
  - id: bugs
    source: linear
    title: known bugs
    scope: shared
    operation: search_issues
    parameters: {terms: [key]}
    row_sentence: "{identifier} {title} is {state}"
    absent_sentence: No known bug matches
  - id: charges
    source: stripe
    title: charges
    scope: customer
    operation: list_charges
    parameters: {billing_id: $customer.billing_id}
    absent_sentence: No charge was tried
facts:
  refused_key: {fn: top, label: the key, unit: text, args: {query: keys, column: key_id, by: refused}}
  refused: {fn: sum, label: refused, unit: count, args: {query: keys, column: refused, where: {key_id: $refused_key}}}
  requests: {fn: sum, label: requests, unit: count, args: {query: keys, column: requests, where: {key_id: $refused_key}}}
  share: {fn: ratio, label: share, unit: percent, args: {of: $refused, to: $requests}, say: "{value} of its requests"}
  last_at: {fn: max, label: last refusal, unit: time, args: {query: keys, column: last_at}}
  named: {fn: exists, label: named, unit: bool, args: {query: keys, where: {key_id: {in: $anchors.key_ids}}}}
  mine: {fn: exists, label: a bug of this customer, unit: bool,
         args: {query: bugs, where: {title+description: {contains: [$customer.name]}}}}
  failed_charges: {fn: count, label: failed charges, unit: count, args: {query: charges, where: {invoice: {contains: in_}}}}
hypotheses:
  - id: key-revoked
    cause: key_revoked_or_expired
    title: "The key {refused_key} is refused"
    requires: [keys]
    supported_when: [share > 0.9, refused_key != '', named, "!mine || failed_charges >= 0"]
    refuted_when: [refused == 0]
    would_change: A request with this key that succeeds.
    claims: [share, keys]
    weight: 40
    next_step: new-key
  - id: known-bug
    cause: known_bug
    title: "A known bug names the customer"
    requires: [bugs]
    supported_when: [mine]
    refuted_when: ["!mine"]
    claims: [bugs]
    explains: [key-revoked]
    weight: 60
    next_step: wait
severity: [{severity: medium, when: [refused >= 10]}]
next_steps: {new-key: Ask for a new key., wait: Wait., inconclusive: Look., nothing-wrong: Ask., needs-info: Ask.}
"""
REPORTED = datetime(2027, 7, 19, 15, 30, tzinfo=UTC)
PERSONAL = (
    "Ada Quennell",
    "Quennell",
    "ada.quennell@brightforge.example",
    "brightforge",
    "Brightforge",
    "acct_brf_9031",
    "cus_Q81zzPLm",
    "pk_live_8a71",
    "pk_live_0c3d",
    "203.0.113.77",
    "sk_live_51HxTestTestTest",
    "Nils Okonkwo",
    "in_1QxTop",
    "ch_77AbC",
    "4242",
    "warehouse",
    "eiden",
    "rq-5501",
    "acct_other_11",
    "2027",
)
"""What no captured fixture may hold."""


def row(**cells: str | int | None) -> Row:
    return dict(cells)


ROWS: dict[str, tuple[Row, ...]] = {
    "keys": (
        row(
            key_id="pk_live_8a71",
            last_at="2027-07-19T15:12:00Z",
            requests=200,
            refused=196,
            sample_request_id="rq-5501-77",
            seen_accounts="acct_brf_9031, acct_other_11",
        ),
        row(
            key_id="pk_live_0c3d",
            last_at="2027-07-19T15:29:00Z",
            requests=900,
            refused=1,
            sample_request_id="rq-5501-78",
            seen_accounts="",
        ),
    ),
    "bugs": (
        row(
            identifier="KEY-9",
            title="Brightforge: keys refused since 2027-07-18",
            state="In Progress",
            description="Ada Quennell (ada.quennell@brightforge.example) calls from 203.0.113.77 with pk_live_8a71",
            url="https://linear.app/acme/issue/KEY-9",
            matched_term="leiden",
        ),
    ),
    "charges": (
        row(
            id="ch_77AbC",
            status="failed",
            amount=4200,
            card_last4="4242",
            invoice="in_1QxTop",
            created_at="2027-07-01T00:00:00Z",
            failure_message="Nils Okonkwo must call the bank",
        ),
    ),
}
ANCHORS = Anchors(
    reported_at=REPORTED,
    symptom_at=REPORTED - timedelta(hours=2),
    window=Window(start=REPORTED - timedelta(hours=2), end=REPORTED),
    customer=Customer(
        id="acct_brf_9031", name="Brightforge", billing_id="cus_Q81zzPLm", plan="team", resolved_by="organization"
    ),
    key_ids=("pk_live_8a71",),
    terms=("warehouse", "leiden", "key"),
)


def ticket(ref: TicketRef) -> Ticket:
    text = "The key pk_live_8a71 is refused in our warehouse in Leiden. sk_live_51HxTestTestTest works. Ada Quennell"
    return Ticket(
        ref=ref,
        subject="Our key is refused",
        status="open",
        requester=Person(id="7", name="Ada Quennell", email="ada.quennell@brightforge.example"),
        organization=Organization(id="8", name="Brightforge", domains=("brightforge.example",)),
        messages=(Message(id="m1", role=Role.REQUESTER, public=True, text=text, created_at=REPORTED),),
        created_at=REPORTED,
        updated_at=REPORTED,
    )


def refused(folder: Path, text: str = REFUSED) -> LoadedPlaybook:
    """Write the playbook and load it."""
    return load(folder, text, "refused/1.yaml").get("refused")


def evidence(loaded: LoadedPlaybook, rows: dict[str, tuple[Row, ...]]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            id=f"E{number}",
            query=query.id,
            source=query.source,
            title=query.title,
            scope=query.scope,
            status=EvidenceStatus.FOUND if rows.get(query.id) else EvidenceStatus.TIMED_OUT,
            rows=rows.get(query.id, ()),
            window=Window(start=REPORTED - timedelta(hours=24), end=REPORTED),
            fetched_at=REPORTED + timedelta(seconds=3 * number),
            reason="" if rows.get(query.id) else "no answer in time",
        )
        for number, query in enumerate(loaded.playbook.queries, start=3)
    )


async def write_run(
    url: str,
    loaded: LoadedPlaybook,
    number: str,
    rows: dict[str, tuple[Row, ...]] = ROWS,
    anchors: Anchors = ANCHORS,
    written: Callable[[TicketRef], Ticket] = ticket,
    gathered: Sequence[Evidence] | None = None,
) -> RunKey:
    """Write what the activities write, with the same functions."""
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=number)
    trigger = Trigger(delivery=f"d-{number}", kind=TriggerKind.CREATED, received_at=REPORTED)
    async with await SqlLedger.open(url, KEYRING) as ledger:
        request = ClaimRequest(ref=ref, investigation=investigation_id(ref), trigger=trigger, owner="o")
        key = (await ledger.claim_delivery(request)).key
        await ledger.note_step(key, "read/0", await ledger.put_body("acme", written(ref)))
        await ledger.note_step(key, "identify/0", await ledger.put_body("acme", anchors))
        playbook = await ledger.put_body("acme", loaded.playbook)
        await ledger.note_step(key, "select", playbook, "refused@1: key (3), refused (2)")
        found = evidence(loaded, rows) if gathered is None else gathered
        for item in found:
            await ledger.put_evidence(key, item)
        weighing = weigh(loaded.playbook, anchors, found)
        await ledger.note_step(key, "weigh/0/0", await ledger.put_body("acme", weighing))
        draft = decide(loaded.playbook, weighing, found)
        diagnosis = verify(loaded.playbook, anchors, found, weighing, draft, "rules")
        await ledger.record_outcome(
            RecordRequest(
                key=key,
                outcome=diagnosis.outcome,
                started_at=REPORTED,
                finished_at=REPORTED + timedelta(seconds=9),
                playbook_label="refused@1",
                diagnosis=await ledger.put_body("acme", diagnosis),
                reasoner="rules",
            )
        )
    return key


async def write_failed_run(url: str, number: str) -> RunKey:
    """Write a run that ended before anything was asked."""
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=number)
    trigger = Trigger(delivery=f"d-{number}", kind=TriggerKind.CREATED, received_at=REPORTED)
    async with await SqlLedger.open(url, KEYRING) as ledger:
        request = ClaimRequest(ref=ref, investigation=investigation_id(ref), trigger=trigger, owner="o")
        key = (await ledger.claim_delivery(request)).key
        end = RecordRequest(
            key=key, outcome=Outcome.FAILED, started_at=REPORTED, finished_at=REPORTED, problem="read: Gone"
        )
        await ledger.record_outcome(end)
    return key
