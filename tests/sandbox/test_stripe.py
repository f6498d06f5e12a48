"""Stripe's fake, asked by Stripe's own SDK."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import stripe
from stripe.billing import Meter, MeterEventSummary

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import small_world


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[stripe.StripeClient]:
    http = stripe.HTTPXClient(allow_sync_methods=False)
    yield stripe.StripeClient(
        sandbox.credentials.stripe_key,
        base_addresses={"api": sandbox.addresses["stripe"]},
        http_client=http,
        max_network_retries=0,
    )
    await http.close_async()  # type: ignore[no-untyped-call]  # so is the SDK


def annotated(kind: type) -> set[str]:
    return {
        name for name in kind.__annotations__ if not name.startswith("_") and name not in ("OBJECT_NAME", "deleted")
    }


def required(kind: type) -> set[str]:
    hints = {name: str(hint) for name, hint in kind.__annotations__.items()}
    return {name for name in annotated(kind) if "Optional[" not in hints[name]}


async def test_objects_have_the_keys_that_the_sdk_declares(client: stripe.StripeClient) -> None:
    v1 = client.v1
    invoice = await v1.invoices.retrieve_async("in_1")
    subscription = await v1.subscriptions.retrieve_async("sub_1")
    pages = {
        stripe.Customer: await v1.customers.retrieve_async("cus_1"),
        stripe.Invoice: invoice,
        stripe.InvoiceLineItem: invoice.lines.data[0],
        stripe.Subscription: subscription,
        stripe.SubscriptionItem: subscription["items"].data[0],
        stripe.Price: await v1.prices.retrieve_async("price_seat"),
        stripe.Plan: subscription["items"].data[0].plan,
        stripe.Product: await v1.products.retrieve_async("prod_team"),
        stripe.Charge: (await v1.charges.list_async()).data[0],
        stripe.PaymentMethod: (await v1.payment_methods.list_async()).data[0],
        stripe.InvoicePayment: (await v1.invoice_payments.list_async()).data[0],
        stripe.Event: (await v1.events.list_async()).data[0],
        Meter: (await v1.billing.meters.list_async()).data[0],
    }
    for kind, thing in pages.items():
        keys = set(thing.to_dict())
        assert required(kind) <= keys, f"{kind.__name__} lacks {required(kind) - keys}"
        # `plan` and `dimension_payload_keys` are on the wire though the SDK names them no more.
        assert keys - annotated(kind) <= {"dimension_payload_keys"}, f"{kind.__name__} has {keys - annotated(kind)}"


async def test_a_customer_is_found_by_metadata_and_by_the_exact_mail(client: stripe.StripeClient) -> None:
    found = await client.v1.customers.search_async({"query": "metadata['account']:'acc_1'"})
    assert [one.id for one in found.data] == ["cus_1"]
    by_mail = await client.v1.customers.search_async({"query": 'email:"ops@BOLT.example" AND name~"bol"'})
    assert [one.id for one in by_mail.data] == ["cus_2"]
    listed = await client.v1.customers.list_async({"email": "ops@bolt.example"})
    assert listed.data == []
    listed = await client.v1.customers.list_async({"email": "Ops@bolt.example"})
    assert [one.id for one in listed.data] == ["cus_2"]


async def test_lists_go_on_over_pages_newest_first(client: stripe.StripeClient) -> None:
    page = await client.v1.customers.list_async({"limit": 10})
    seen = [one async for one in page.auto_paging_iter()]
    assert len(seen) == 27
    assert len({one.id for one in seen}) == 27
    assert [one.created for one in seen] == sorted((one.created for one in seen), reverse=True)


async def test_search_goes_on_over_pages(client: stripe.StripeClient) -> None:
    page = await client.v1.customers.search_async({"query": "email:'old@bolt.example'", "limit": 10})
    assert len([one async for one in page.auto_paging_iter()]) == 25


async def test_pages_can_be_walked_backwards(client: stripe.StripeClient) -> None:
    first = await client.v1.customers.list_async({"limit": 3})
    second = await client.v1.customers.list_async({"limit": 3, "starting_after": first.data[-1].id})
    back = await client.v1.customers.list_async({"limit": 3, "ending_before": second.data[0].id})
    assert [one.id for one in back.data] == [one.id for one in first.data]
    assert second.has_more


async def test_canceled_subscriptions_are_listed_only_when_asked_for(client: stripe.StripeClient) -> None:
    default = await client.v1.subscriptions.list_async({"customer": "cus_1"})
    everything = await client.v1.subscriptions.list_async({"customer": "cus_1", "status": "all"})
    assert [one.id for one in default.data] == ["sub_1"]
    assert [one.id for one in everything.data] == ["sub_1", "sub_0"]


async def test_the_period_is_on_the_items_and_the_price_of_a_line_in_its_pricing(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    subscription = await client.v1.subscriptions.retrieve_async("sub_1")
    item = subscription["items"].data[0]
    assert item.current_period_end == int((sandbox.now + timedelta(days=20)).timestamp())
    assert "current_period_end" not in subscription
    lines = await client.v1.invoices.line_items.list_async("in_1")
    metered = next(line for line in lines.data if line.quantity == 2_000)
    assert metered.pricing is not None
    assert metered.pricing.price_details is not None
    assert metered.pricing.price_details.price == "price_letter"
    assert metered.pricing.unit_amount_decimal is not None


async def test_windows_and_nested_parameters_filter(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    since = int((sandbox.now - timedelta(days=20)).timestamp())
    invoices = await client.v1.invoices.list_async({"customer": "cus_1", "created": {"gte": since}})
    assert [one.id for one in invoices.data] == ["in_1"]
    older = await client.v1.invoices.list_async({"customer": "cus_1", "created": {"lt": since}, "status": "paid"})
    assert [one.id for one in older.data] == ["in_0"]
    events = await client.v1.events.list_async({"types": ["invoice.payment_failed"], "created": {"gte": since}})
    assert [one.type for one in events.data] == ["invoice.payment_failed"]
    assert events.data[0].data.object["number"] == "SMALL-0001"


async def test_the_lines_of_a_long_invoice_go_on_behind_their_own_address(client: stripe.StripeClient) -> None:
    invoice = await client.v1.invoices.retrieve_async("in_0")
    assert len(invoice.lines.data) == 10
    assert invoice.lines.has_more
    assert len([line async for line in invoice.lines.auto_paging_iter()]) == 12


async def test_expand_replaces_ids_by_objects(client: stripe.StripeClient) -> None:
    charge = (await client.v1.charges.list_async({"expand": ["data.customer"]})).data[0]
    assert isinstance(charge.customer, stripe.Customer)
    expand = ["latest_invoice", "items.data.price.product"]
    subscription = await client.v1.subscriptions.retrieve_async("sub_1", {"expand": expand})
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    assert subscription["items"].data[0].price.product.name == "Team"
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        await client.v1.subscriptions.list_async({"expand": ["data.items.data.price.product"]})
    plain = await client.v1.subscriptions.retrieve_async("sub_1")
    assert plain.latest_invoice == "in_1"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await client.v1.subscriptions.retrieve_async("sub_1", {"expand": ["nonsense"]})


async def test_a_charge_leads_to_its_invoice_by_the_payment_intent(client: stripe.StripeClient) -> None:
    charge = (await client.v1.charges.list_async({"customer": "cus_1"})).data[0]
    assert charge.failure_code == "card_declined"
    assert charge.outcome is not None
    assert charge.outcome.reason == "expired_card"
    paid = await client.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": str(charge.payment_intent)}}
    )
    assert [one.invoice for one in paid.data] == ["in_1"]
    invoice = await client.v1.invoices.retrieve_async("in_1", {"expand": ["payments"]})
    assert invoice.payments is not None
    assert invoice.payments.data[0].payment.payment_intent == charge.payment_intent


async def test_cards_are_payment_methods_and_the_default_is_on_the_customer(client: stripe.StripeClient) -> None:
    cards = await client.v1.customers.payment_methods.list_async("cus_1", {"type": "card"})
    customer = await client.v1.customers.retrieve_async("cus_1")
    assert customer.invoice_settings is not None
    assert customer.invoice_settings.default_payment_method == cards.data[0].id == "pm_1"
    assert cards.data[0].card is not None
    assert cards.data[0].card.last4 == "4242"


async def test_the_meter_counts_what_was_billed_and_then_what_was_used(
    client: stripe.StripeClient, sandbox: Sandbox
) -> None:
    minute = int(sandbox.now.timestamp()) // 60 * 60
    day = 86_400
    billed = await client.v1.billing.meters.event_summaries.list_async(
        "mtr_1", {"customer": "cus_1", "start_time": minute - 41 * day, "end_time": minute - 11 * day}
    )
    whole = await client.v1.billing.meters.event_summaries.list_async(
        "mtr_1", {"customer": "cus_1", "start_time": minute - 41 * day, "end_time": minute + day}
    )
    by_day = await client.v1.billing.meters.event_summaries.list_async(
        "mtr_1",
        {
            "customer": "cus_1",
            "start_time": minute // day * day - 39 * day,
            "end_time": minute // day * day - 11 * day,
            "value_grouping_window": "day",
            "limit": 100,
        },
    )
    assert 1_900 < billed.data[0].aggregated_value < 2_000
    assert whole.data[0].aggregated_value == 2_300
    assert required(MeterEventSummary) <= set(whole.data[0].to_dict())
    assert len(by_day.data) == 28
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: customer"):
        await client.v1.billing.meters.event_summaries.list_async("mtr_1", {"start_time": 0, "end_time": 60})  # type: ignore[typeddict-item]


async def test_wrong_questions_get_stripes_errors(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await client.v1.invoices.retrieve_async("in_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    wrong = [
        {"created": {"since": 1}},
        {"nonsense": "x"},
        {"limit": 1_000},
        {"starting_after": "in_none"},
    ]
    for parameters in wrong:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.invoices.list_async(parameters)  # type: ignore[arg-type]  # wrong on purpose
        assert refused.value.http_status == 400
    for query in ("nonsense:'x'", "email='x'", "email:'a' AND name:'b' OR name:'c'", ""):
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.customers.search_async({"query": query})


async def test_a_wrong_key_is_not_let_in_and_is_not_told_back(sandbox: Sandbox) -> None:
    http = stripe.HTTPXClient(allow_sync_methods=False)
    client = stripe.StripeClient(
        "rk_test_wrong_and_long",
        base_addresses={"api": sandbox.addresses["stripe"]},
        http_client=http,
        max_network_retries=0,
    )
    with pytest.raises(stripe.AuthenticationError) as refused:
        await client.v1.customers.list_async()
    await http.close_async()  # type: ignore[no-untyped-call]  # so is the SDK
    assert "rk_test_wrong_and_long" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
async def test_writes_are_refused_and_remembered(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    with pytest.raises(stripe.PermissionError):
        await client.v1.customers.create_async({"email": "new@example.com"})
    with pytest.raises(stripe.PermissionError):
        await client.v1.subscriptions.cancel_async("sub_1")
    assert [(write.method, write.path, write.accepted) for write in sandbox.journal.writes] == [
        ("POST", "/v1/customers", False),
        ("DELETE", "/v1/subscriptions/sub_1", False),
    ]
    assert sandbox.credentials.stripe_key not in repr(sandbox.journal.writes) + repr(sandbox.journal.requests())


async def test_a_rate_limit_is_the_sdks_rate_limit_error(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        fault = {"vendor": "stripe", "kind": "rate-limit", "times": 1, "retry_after": 3}
        await http.post(f"{sandbox.control_address}/faults", json=fault)
    with pytest.raises(stripe.RateLimitError) as limited:
        await client.v1.customers.list_async()
    assert limited.value.headers is not None
    assert limited.value.headers["retry-after"] == "3"
    assert (await client.v1.customers.list_async()).data
