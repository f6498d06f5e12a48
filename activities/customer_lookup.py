"""Finds the one customer behind a requester by the tenant's resolvers, and keeps how as evidence."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from pydantic import JsonValue

from activities.failures import WORTH_WAITING
from connectors.base import ConnectorError, ConnectorPool, SlowAnswer
from models.base import Row
from models.customer import Customer
from models.evidence import CUSTOMER_LOOKUP, Answer, Evidence, SourceRequest
from models.tenant import Resolver, Tenant
from models.ticket import Ticket
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.identity import (
    account_by_domain_sql,
    account_sql,
    company_domain,
    named_by_organization,
    named_customer,
    only_match,
)
from reasoning.sql import CUSTOMER_PARAMETER


@dataclass
class FoundCustomer:
    """The customer, or why there is none, and the evidence for either."""

    customer: Customer | None = None
    problem: str = ""
    evidence: list[Evidence] = field(default_factory=list)


class CustomerLookup:
    """One lookup for one ticket."""

    def __init__(self, tenant: Tenant, connectors: ConnectorPool, *, last_attempt: bool) -> None:
        """With `last_attempt` a source that is down becomes failed evidence instead of an error."""
        self._tenant = tenant
        self._connectors = connectors
        self._last_attempt = last_attempt
        self._evidence: dict[int, Evidence] = {}
        self._asked = 0
        self._known_at_billing: tuple[Row, ...] = ()

    @property
    def evidence(self) -> list[Evidence]:
        """All answers so far, in the order in which they were asked for."""
        return [self._evidence[number] for number in sorted(self._evidence)]

    async def run(self, ticket: Ticket, now: datetime) -> FoundCustomer:
        """Ask the resolvers in order until one names exactly one customer.

        Raises:
            ConnectorError: a source may answer later, and this is not the last attempt.
        """
        problems: list[str] = []
        for resolver in self._tenant.resolvers:
            customer, problem = await self._resolve(resolver, ticket, now)
            if customer:
                found = await self.complete(customer, resolver, now)
                return FoundCustomer(customer=found, evidence=self.evidence)
            if problem:
                problems.append(f"{resolver}: {problem}")
        return FoundCustomer(problem="; ".join(problems) or "no resolver applies", evidence=self.evidence)

    async def _resolve(self, resolver: Resolver, ticket: Ticket, now: datetime) -> tuple[str, str]:
        if resolver == "helpdesk-field":
            named = named_customer(ticket, self._tenant.helpdesks[ticket.ref.helpdesk].customer_field)
            return (named, "") if named else ("", "not filled in")
        if resolver == "organization":
            named = named_by_organization(ticket)
            return (named, "") if named else ("", "no customer id on it")
        if resolver == "billing-email":
            return await self._by_billing_email(ticket, now)
        return await self._by_domain(ticket, now)

    async def _by_billing_email(self, ticket: Ticket, now: datetime) -> tuple[str, str]:
        if not ticket.requester.email:
            return "", "the requester has no e-mail address"
        rows, problem = await self._ask(
            Source.STRIPE,
            "customer by e-mail",
            now,
            operation="find_customer",
            parameters={"email": ticket.requester.email},
        )
        if problem:
            return "", problem
        customer, problem = only_match(rows, "customer_id")
        if customer:
            self._known_at_billing = rows
        return customer, problem

    async def _by_domain(self, ticket: Ticket, now: datetime) -> tuple[str, str]:
        domain = company_domain(ticket)
        if not domain:
            return "", "a public or missing mail domain says nothing"
        if "accounts" not in self._tenant.tables:
            return "", "no accounts table is mapped"
        rows, problem = await self._ask(
            Source.CLICKHOUSE,
            "account by mail domain",
            now,
            text=account_by_domain_sql(self._tenant.tables),
            parameters={CUSTOMER_PARAMETER: domain},
        )
        return only_match(rows, "account") if not problem else ("", problem)

    async def complete(self, customer: str, resolved_by: str, now: datetime) -> Customer:
        """Add the name, plan and billing id to a known customer; what cannot be had stays empty.

        Raises:
            ConnectorError: a source may answer later, and this is not the last attempt.
        """
        accounts, billing = await asyncio.gather(self._account(customer, now), self._billing(customer, now))
        account = accounts[0] if len(accounts) == 1 else {}
        billing_id, _ = only_match(billing, "id")
        return Customer(
            id=customer,
            name=_text(account.get("name")) or (_text(billing[0].get("name")) if billing_id else ""),
            billing_id=billing_id,
            plan=_text(account.get("plan")),
            region=_text(account.get("region")),
            resolved_by=resolved_by,
            weak=resolved_by == "accounts-domain",
        )

    async def _account(self, customer: str, now: datetime) -> tuple[Row, ...]:
        if "accounts" not in self._tenant.tables:
            return ()
        rows, _ = await self._ask(
            Source.CLICKHOUSE,
            "account",
            now,
            text=account_sql(self._tenant.tables),
            parameters={CUSTOMER_PARAMETER: customer},
            customer=customer,
        )
        return rows

    async def _billing(self, customer: str, now: datetime) -> tuple[Row, ...]:
        if self._known_at_billing:
            return self._known_at_billing
        rows, _ = await self._ask(
            Source.STRIPE,
            "customer at the billing provider",
            now,
            operation="find_customer",
            parameters={"customer_id": customer},
            customer=customer,
        )
        return rows

    async def _ask(
        self,
        source: Source,
        title: str,
        now: datetime,
        *,
        operation: str = "sql",
        text: str = "",
        parameters: dict[str, JsonValue] | None = None,
        customer: str | None = None,
    ) -> tuple[tuple[Row, ...], str]:
        """Ask one source and keep the answer; return its rows, and why there are none."""
        self._asked += 1
        # Counted before waiting: two that are asked at once keep their numbers, whichever answers first.
        number = self._asked
        scope = Scope.CUSTOMER if customer else Scope.SHARED
        connector = await self._connectors.get(self._tenant.id, source)
        began = perf_counter()
        if connector is None:
            answer = Answer(status=EvidenceStatus.SKIPPED, asked="", reason="not connected")
        else:
            request = SourceRequest(
                source=source,
                operation=operation,
                scope=scope,
                customer=customer,
                text=text,
                parameters=parameters or {},
                row_limit=5,
                label=f"{self._tenant.id}/customer",
            )
            try:
                answer = await connector.fetch(request)
            except ConnectorError as error:
                if not self._last_attempt and (error.retry_after or 0.0) <= WORTH_WAITING:
                    raise
                slow = isinstance(error, SlowAnswer)
                status = EvidenceStatus.TIMED_OUT if slow else EvidenceStatus.FAILED
                answer = Answer(status=status, asked=operation, reason=f"{source.title} did not answer")
        self._evidence[number] = Evidence(
            id=f"E{number}",
            query=CUSTOMER_LOOKUP,
            source=source,
            title=title,
            scope=scope,
            customer=customer,
            parameters=parameters or {},
            fetched_at=now,
            took=perf_counter() - began,
            **answer.model_dump(),
        )
        if not answer.status.answered:
            return (), answer.reason or answer.status.value
        # What was cut off may be another customer: the rows that came prove nothing then.
        return ((), f"more than {len(answer.rows)} match") if answer.truncated else (answer.rows, "")


def _text(value: JsonValue) -> str:
    return "" if value is None else str(value)
