"""The connector over the sandbox's Stripe: every operation answers, and a change of plan is told with its proration."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import stripe
from pydantic import JsonValue

from connectors.base import FindingStatus
from connectors.stripe import StripeConnector
from connectors.stripe_parameters import OPERATIONS
from models.customer import Window
from models.evidence import Answer, SourceRequest
from models.tenant import StripeConfig
from models.vocabulary import EvidenceStatus, Scope, Source
from sandbox.run import Sandbox
from sandbox.world_billing import BillingFile
from sandbox.world_files import load_world
from tests.sandbox.engine_process import WORLD
from tests.sandbox.small_world import small_world
from tests.sandbox.test_stripe import required


def upgraded(billing: BillingFile) -> BillingFile:
    """Let `sub_1` have changed its plan at `evt_1`, with the credit and the charge that prorate it."""
    event = next(one for one in billing.events if one.id == "evt_1")
    new = next(price for price in billing.prices if price.id == "price_seat")
    old = new.model_copy(update={"id": "price_old", "nickname": "Old", "unit_amount": 2_000})
    invoice = next(one for one in billing.invoices if one.id == "in_1")
    prorated = [
        invoice.lines[0].model_copy(
            update={
                "id": f"il_{price.id}",
                "price": price.id,
                "quantity": 3,
                "amount": amount,
                "proration": True,
                "period_start": event.created,
            }
        )
        for price, amount in ((old, -2_000), (new, 4_900))
    ]
    changed = invoice.model_copy(update={"lines": [*invoice.lines, *prorated]})
    invoices = [changed if one.id == "in_1" else one for one in billing.invoices]
    return billing.model_copy(update={"prices": [*billing.prices, old], "invoices": invoices})


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    world = small_world()
    world = world.model_copy(update={"billing": upgraded(world.billing)})
    async with Sandbox(world, clickhouse=False) as running:
        yield running


def connected(sandbox: Sandbox) -> StripeConnector:
    """A connector to a sandbox's Stripe; close it."""
    config = StripeConfig.model_validate(
        {
            "url": sandbox.addresses["stripe"],
            "api_key": "env:STRIPE_KEY",
            "metadata_key": sandbox.world.tenant.metadata_key,
        }
    )
    return StripeConnector(config, sandbox.credentials.stripe_key)


@pytest.fixture
async def connector(sandbox: Sandbox) -> AsyncIterator[StripeConnector]:
    made = connected(sandbox)
    yield made
    await made.aclose()


async def ask(connector: StripeConnector, sandbox: Sandbox, operation: str, **parameters: JsonValue) -> Answer:
    window = Window(start=sandbox.now - timedelta(days=29), end=sandbox.now)
    return await connector.fetch(
        SourceRequest(
            source=Source.STRIPE, operation=operation, scope=Scope.CUSTOMER, parameters=parameters, window=window
        )
    )


async def test_every_operation_answers_with_its_columns(connector: StripeConnector, sandbox: Sandbox) -> None:
    parameters: dict[str, dict[str, JsonValue]] = {
        "find_customer": {"email": "billing@acme.example"},
        "list_events": {"billing_id": "cus_1", "types": ["invoice.payment_failed"]},
    }
    nothing = set()
    for operation, declared in OPERATIONS.items():
        found = await ask(connector, sandbox, operation, **parameters.get(operation, {"billing_id": "cus_1"}))
        assert found.status in (EvidenceStatus.FOUND, EvidenceStatus.EMPTY), (operation, found.reason)
        assert all(row.keys() == declared.columns for row in found.rows)
        if found.status is EvidenceStatus.EMPTY:
            nothing.add(operation)
    assert nothing == {"list_disputes"}
    assert sandbox.journal.writes == []


async def test_a_change_of_plan_is_told_with_its_proration(connector: StripeConnector, sandbox: Sandbox) -> None:
    found = await ask(connector, sandbox, "list_plan_changes", billing_id="cus_1")
    (row,) = found.rows
    assert (row["change"], row["from_price"], row["to_price"]) == ("plan", "price_old", "price_seat")
    assert (row["from_unit_amount"], row["from_quantity"], row["to_quantity"]) == (2_000, 3, 3)
    assert (row["proration"], row["proration_amount"]) == (True, 2_900)


async def test_a_change_at_the_end_of_the_period_is_told_without_proration() -> None:
    world = load_world(WORLD)
    billed = next(one for one in world.billing.customers if one.customer == "ac_marlowe")
    async with Sandbox(world, clickhouse=False) as sandbox:
        connector = connected(sandbox)
        try:
            changes = await ask(connector, sandbox, "list_plan_changes", billing_id=billed.id)
            items = await ask(connector, sandbox, "list_subscriptions", billing_id=billed.id)
        finally:
            await connector.aclose()
    told = {row["change"]: row for row in changes.rows}
    assert told.keys() == {"plan", "removed"}
    assert (told["plan"]["from_price"], told["plan"]["to_price"]) == ("price_scale", "price_team")
    assert (told["plan"]["proration"], told["removed"]["from_price"]) == (False, "price_pages")
    assert [row["price_id"] for row in items.rows] == ["price_team"]
    assert told["plan"]["at"] == items.rows[0]["current_period_start"]


async def test_an_examination_finds_nothing_against_the_sandbox(connector: StripeConnector) -> None:
    findings = await connector.examine()
    assert [one for one in findings if one.status in (FindingStatus.FAILURE, FindingStatus.WARNING)] == []


async def test_invoice_items_have_the_keys_that_the_sdk_declares(sandbox: Sandbox) -> None:
    http = stripe.HTTPXClient(allow_sync_methods=False)
    client = stripe.StripeClient(
        sandbox.credentials.stripe_key, base_addresses={"api": sandbox.addresses["stripe"]}, http_client=http
    )
    item = (await client.v1.invoice_items.list_async({"customer": "cus_1"})).data[0]
    summary = await client.v1.billing.credit_balance_summary.retrieve_async(
        {"customer": "cus_1", "filter": {"type": "applicability_scope"}}
    )
    await http.close_async()  # type: ignore[no-untyped-call]  # so is the SDK
    assert required(stripe.InvoiceItem) <= set(item.to_dict())
    assert required(stripe.billing.CreditBalanceSummary) <= set(summary.to_dict())
