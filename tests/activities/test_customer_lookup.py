"""From a requester to one customer: each resolver, what it must not guess, and a source that is down."""

import asyncio
from datetime import UTC, datetime

import pytest

from activities.customer_lookup import CustomerLookup, FoundCustomer
from activities.failures import WORTH_WAITING
from connectors.base import RateLimited, SlowAnswer, Unavailable
from models.evidence import Answer, SourceRequest
from models.tenant import Resolver, StandardConfig, Tenant
from models.ticket import Organization, Person, Ticket
from models.vocabulary import EvidenceStatus, Scope, Source
from tests.activities.conftest import REF
from tests.fakes import ScriptedConnector, ScriptedConnectors, found, ticket_of
from tests.workflows.house import ACCOUNT, BILLING, TENANT

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_desk = TENANT.helpdesks["desk"]
assert isinstance(_desk, StandardConfig)
WITH_FIELD = TENANT.model_copy(update={"helpdesks": {"desk": _desk.model_copy(update={"customer_field": "Account"})}})
STRANGER = Organization(id="31", name="Quill")


def accounts(*rows: dict[str, str]) -> ScriptedConnector:
    return ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found(*rows)})


def stripe(*rows: dict[str, str]) -> ScriptedConnector:
    return ScriptedConnector(Source.STRIPE, {"find_customer": found(*rows)})


async def look(
    ticket: Ticket, *connectors: ScriptedConnector, tenant: Tenant = WITH_FIELD, last: bool = False
) -> FoundCustomer:
    return await CustomerLookup(tenant, ScriptedConnectors(*connectors), last_attempt=last).run(ticket, NOW)


def only(resolver: Resolver) -> Tenant:
    return TENANT.model_copy(update={"resolvers": [resolver]})


async def test_the_helpdesks_field_names_the_customer() -> None:
    ticket = ticket_of(REF, fields={"Account": " org_31 "})
    result = await look(ticket, accounts(ACCOUNT), stripe(BILLING))
    assert result.customer is not None
    assert result.customer.id == "org_31"
    assert (result.customer.resolved_by, result.customer.weak) == ("helpdesk-field", False)
    assert (result.customer.name, result.customer.plan, result.customer.region) == ("Quill", "growth", "eu")
    assert result.customer.billing_id == "cus_31"
    assert [one.id for one in result.evidence] == ["E1", "E2"]
    assert {one.scope for one in result.evidence} == {Scope.CUSTOMER}


async def test_the_organization_names_the_customer_where_the_field_is_empty() -> None:
    result = await look(ticket_of(REF, fields={"Account": " "}), accounts(ACCOUNT), stripe(BILLING))
    assert result.customer is not None
    assert result.customer.resolved_by == "organization"


async def test_the_billing_e_mail_names_the_customer_and_is_asked_once() -> None:
    billing = stripe(BILLING)
    result = await look(ticket_of(REF, organization=STRANGER), accounts(ACCOUNT), billing)
    assert result.customer is not None
    assert (result.customer.id, result.customer.resolved_by) == ("org_31", "billing-email")
    assert [asked.parameters for asked in billing.asked] == [{"email": "ada@quill.example"}]


async def test_the_mail_domain_names_the_customer_weakly() -> None:
    logs = ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found({"account": "org_31", "name": "Quill"})})
    result = await look(ticket_of(REF, organization=None), logs, stripe())
    assert result.customer is not None
    assert (result.customer.id, result.customer.resolved_by, result.customer.weak) == (
        "org_31",
        "accounts-domain",
        True,
    )
    assert "quill.example" in logs.asked[0].parameters.values()


@pytest.mark.parametrize("address", ["ada@gmail.com", "ada@GMX.de", ""])
async def test_a_public_or_missing_domain_asks_nothing(address: str) -> None:
    logs = accounts(ACCOUNT)
    ticket = ticket_of(REF, organization=None, requester=Person(id="1", name="Ada", email=address))
    result = await look(ticket, logs, tenant=only("accounts-domain"))
    assert result.customer is None
    assert "public or missing mail domain" in result.problem
    assert logs.asked == []


async def test_several_matches_are_never_guessed_between() -> None:
    twice = ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found({"account": "org_31"}, {"account": "org_32"})})
    both = stripe(BILLING, BILLING | {"id": "cus_32", "customer_id": "org_32"})
    result = await look(ticket_of(REF, organization=None), twice, both)
    assert result.customer is None
    assert "billing-email: 2 customers match" in result.problem
    assert "accounts-domain: 2 customers match" in result.problem
    assert [one.id for one in result.evidence] == ["E1", "E2"]


async def test_matches_that_were_cut_off_name_nobody() -> None:
    some = found(BILLING).model_copy(update={"truncated": True})
    billing = ScriptedConnector(Source.STRIPE, {"find_customer": some})
    result = await look(ticket_of(REF, organization=None), billing, tenant=only("billing-email"))
    assert result.customer is None
    assert "more than 1 match" in result.problem


async def test_an_address_at_billing_that_names_no_customer_of_ours_gives_no_billing_id() -> None:
    unlinked = BILLING | {"id": "cus_99", "customer_id": ""}
    logs = ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found({"account": "org_31"})})
    billing = ScriptedConnector(Source.STRIPE, {"find_customer": found(unlinked)})
    await look(ticket_of(REF, organization=None), logs, billing)
    assert [asked.parameters for asked in billing.asked] == [{"email": "ada@quill.example"}, {"customer_id": "org_31"}]


async def test_two_accounts_of_one_id_give_neither_name_nor_plan() -> None:
    twice = accounts(ACCOUNT, ACCOUNT | {"plan": "scale"})
    result = await look(ticket_of(REF, fields={"Account": "org_31"}), twice, stripe())
    assert result.customer is not None
    assert (result.customer.name, result.customer.plan) == ("", "")


async def test_a_source_that_is_down_is_tried_again() -> None:
    down = ScriptedConnector(Source.STRIPE, {"find_customer": Unavailable("refused")})
    with pytest.raises(Unavailable):
        await look(ticket_of(REF, organization=None), down)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable("refused"), EvidenceStatus.FAILED), (SlowAnswer("slow"), EvidenceStatus.TIMED_OUT)],
    ids=["down", "slow"],
)
async def test_on_the_last_attempt_it_is_evidence_and_the_next_resolver_is_asked(
    error: Exception, status: EvidenceStatus
) -> None:
    down = ScriptedConnector(Source.STRIPE, {"find_customer": error})
    logs = ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found({"account": "org_31"})})
    result = await look(ticket_of(REF, organization=None), down, logs, last=True)
    assert result.customer is not None
    assert result.customer.resolved_by == "accounts-domain"
    assert result.evidence[0].status is status
    assert result.evidence[0].reason == "Stripe did not answer"


async def test_a_source_that_asks_for_longer_than_is_worth_it_is_evidence_at_once() -> None:
    busy = ScriptedConnector(Source.STRIPE, {"find_customer": RateLimited("busy", retry_after=WORTH_WAITING + 1)})
    logs = ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found({"account": "org_31"})})
    result = await look(ticket_of(REF, organization=None), busy, logs)
    assert result.customer is not None
    assert result.evidence[0].status is EvidenceStatus.FAILED


async def test_with_every_source_down_nobody_is_named() -> None:
    down = [ScriptedConnector(source, {}) for source in (Source.STRIPE, Source.CLICKHOUSE)]
    for connector in down:
        connector.answers = {"find_customer": Unavailable("x"), "prod.accounts": Unavailable("x")}
    result = await look(ticket_of(REF, organization=None), *down, last=True)
    assert result.customer is None
    assert "billing-email: Stripe did not answer" in result.problem
    assert "accounts-domain: ClickHouse did not answer" in result.problem


async def test_sources_that_are_not_connected_leave_a_trace() -> None:
    result = await look(ticket_of(REF, organization=None))
    assert result.customer is None
    assert [one.status for one in result.evidence] == [EvidenceStatus.SKIPPED] * 2


class Late(ScriptedConnector):
    """Answers after whoever was asked later."""

    async def fetch(self, request: SourceRequest) -> Answer:
        await asyncio.sleep(0.05)
        return await super().fetch(request)


async def test_ids_follow_the_questions_not_the_answers() -> None:
    logs = Late(Source.CLICKHOUSE, {"prod.accounts": found(ACCOUNT)})
    result = await look(ticket_of(REF), logs, stripe(BILLING))
    assert [(one.id, one.source) for one in result.evidence] == [("E1", Source.CLICKHOUSE), ("E2", Source.STRIPE)]
