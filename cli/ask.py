"""`whydesk ask`: one query of a playbook, by hand: resolved, guarded and bounded as in an investigation, stored nowhere."""

import asyncio
from datetime import UTC, datetime
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from activities.customer_lookup import CustomerLookup
from activities.gather import as_evidence, no_answer_in_time, prepare
from cli.ask_question import (
    anchors_at,
    find_query,
    find_source,
    needs_lookup,
    over_window,
    with_parameters,
)
from cli.ask_view import Asked, print_asked
from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.named_tenant import named_tenant
from connectors.base import ConnectorError, ConnectorPool, SlowAnswer
from connectors.pool import PooledConnectors
from models.base import digest_of, to_body
from models.customer import Customer
from models.evidence import Answer, SourceRequest
from models.playbook import Query
from models.tenant import Tenant
from models.ticket import Message, Person, Role, Ticket, TicketRef
from models.vocabulary import EvidenceStatus, Scope
from reasoning.queries import Skipped, resolve_query
from reasoning.redact import Redactor

_BY_HAND = "by hand"
_WIDTH = 130


def ask(
    source: Annotated[str, typer.Argument(help="A connected source: clickhouse, stripe, github …")],
    query: Annotated[str, typer.Argument(help="A query's id in a playbook, or an operation of the source.")],
    customer: Annotated[
        str | None, typer.Option(help="Our customer's id; or an e-mail address, resolved as a requester's is.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="May be left out where there is one.")] = None,
    playbook: Annotated[str | None, typer.Option(help="Whose query, where several playbooks have that id.")] = None,
    since: Annotated[str | None, typer.Option(help="Start of the window: a time, or how long ago (6h, 7d).")] = None,
    until: Annotated[str | None, typer.Option(help="Its end; now if left out.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, in place of the query's own; repeatable.")
    ] = None,
    redacted: Annotated[bool, typer.Option("--redacted", help="Rows as a model would be shown them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole evidence as JSON.")] = False,
) -> None:
    """Ask one question of a playbook, and show the evidence that an investigation would keep. Exit code 1: no answer."""
    from worker import Shelf, make_connectors

    settings = load_settings()
    of = named_tenant(settings, tenant)
    now = datetime.now(UTC)
    books = Shelf({of.id: of}).released(of.id)
    found, origin = find_query(books, find_source(of, source), query, playbook, customer is not None)
    if found.scope is Scope.CUSTOMER and customer is None:
        raise UsageProblem(f"{query!r} is about one customer: name it with --customer")
    wanted, times = over_window(with_parameters(found, param or []), since, until, now)
    asked = asyncio.run(_ask(make_connectors(settings, {of.id: of}), of, wanted, origin, customer, times, now))
    if redacted:
        asked = _redacted(asked, of, _ticket(of, customer or "", now))
    if as_json:
        print(asked.model_dump_json(indent=2))
    else:
        # Without a terminal there is no width to fit into.
        print_asked(Console() if Console().is_terminal else Console(width=_WIDTH), asked)
    raise typer.Exit(0 if asked.evidence.status.answered else 1)


async def _ask(
    connectors: PooledConnectors,
    tenant: Tenant,
    query: Query,
    origin: str,
    customer: str | None,
    times: dict[str, datetime],
    now: datetime,
) -> Asked:
    try:
        found, problem = await _customer(tenant, connectors, query, customer, now)
        resolved = resolve_query(query, anchors_at(times, found, problem), {}, now, tenant.region)
        began = perf_counter()
        try:
            answer = await _answer(connectors, tenant, query, resolved)
        except ValueError as error:
            # Parameters are checked by the connector, whose words name those that it knows.
            raise UsageProblem(str(error)) from None
    finally:
        await connectors.aclose()
    evidence = as_evidence("E1", query, resolved, answer, now, perf_counter() - began)
    return Asked(
        tenant=tenant.id,
        playbook=origin,
        operation=query.operation,
        customer=found,
        evidence=evidence,
        digest=digest_of(to_body(evidence)),
    )


async def _answer(connectors: ConnectorPool, tenant: Tenant, query: Query, resolved: SourceRequest | Skipped) -> Answer:
    prepared = await prepare(connectors, tenant, query, resolved, f"ask/{tenant.id}/{query.id}")
    if isinstance(prepared, Answer):
        return prepared
    connector, asked = prepared
    try:
        return await connector.fetch(asked)
    except SlowAnswer:
        return no_answer_in_time(asked, "once; an investigation would ask again")
    except ConnectorError as error:
        reason = f"{error}; an investigation would ask again"
        return Answer(status=EvidenceStatus.FAILED, asked=asked.text or asked.operation, reason=reason)


async def _customer(
    tenant: Tenant, connectors: ConnectorPool, query: Query, named: str | None, now: datetime
) -> tuple[Customer | None, str]:
    """Return the customer as the query needs it, or why there is none."""
    if named is None:
        return None, "none was named"
    lookup = CustomerLookup(tenant, connectors, last_attempt=True)
    if "@" in named:
        found = await lookup.run(_ticket(tenant, named, now), now)
        return found.customer, found.problem
    if needs_lookup(query):
        return await lookup.complete(named, _BY_HAND, now), ""
    return Customer(id=named, resolved_by=_BY_HAND), ""


def _ticket(tenant: Tenant, requester: str, now: datetime) -> Ticket:
    """A ticket of which nothing is known but who asks: what the resolvers and the redaction work on."""
    helpdesk = next(iter(tenant.helpdesks))
    email = requester if "@" in requester else ""
    return Ticket(
        ref=TicketRef(tenant=tenant.id, helpdesk=helpdesk, ticket=_BY_HAND),
        subject="",
        status="new",
        requester=Person(id=_BY_HAND, email=email),
        messages=(Message(id="1", role=Role.REQUESTER, public=True, text="", created_at=now),),
        created_at=now,
        updated_at=now,
    )


def _redacted(asked: Asked, tenant: Tenant, ticket: Ticket) -> Asked:
    redactor = Redactor.for_ticket(ticket, asked.customer, [asked.evidence], patterns=tenant.redact)
    rows = tuple(redactor.redact_row(row) for row in asked.evidence.rows)
    return asked.model_copy(
        update={"customer": None, "evidence": asked.evidence.model_copy(update={"rows": rows}), "redacted": True}
    )
