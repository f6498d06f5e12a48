"""An examination of a Stripe account: what it says of the key, its rights, the mode, the shape and the version."""

from pathlib import Path

import pytest
import stripe
from pydantic import JsonValue

from connectors.base import Finding, FindingStatus
from connectors.stripe import StripeConnector
from connectors.stripe_parameters import OPERATIONS
from connectors.stripe_permissions import PERMISSIONS
from models.tenant import StripeConfig
from tests.connectors.far_end import FarEnd, Handler, Reply, Seen, far_end
from tests.connectors.stripe_far_end import KEY, a_charge, a_customer, an_invoice, listed, refused, routes

VERSION = {"stripe-version": stripe.api_version}
SUMMARY = Reply({"object": "billing.credit_balance_summary", "balances": []})
WELL: dict[str, Reply | Handler] = {
    "customers": Reply(listed(a_customer()).body, headers=VERSION),
    "subscriptions": listed(),
    "invoices": listed(an_invoice()),
    "charges": listed(a_charge(1)),
    "events": listed(),
    "prices": listed(),
    "meters": listed(),
    "disputes": listed(),
    "credit_notes": listed(),
    "payment_methods": listed(),
    "credit_balance_summary": SUMMARY,
    "search": Reply(listed(kind="search_result").body, headers=VERSION),
}


async def examine(handler: Handler, key: str = KEY, **config: str) -> tuple[list[Finding], FarEnd]:
    async with far_end() as end:
        end.handler = handler
        made = StripeConnector(StripeConfig.model_validate({"url": end.url, "api_key": "env:K", **config}), key)
        try:
            findings = await made.examine()
        finally:
            await made.aclose()
    assert all(key not in f"{one.detail} {one.remedy}" for one in findings)
    assert all(one.remedy for one in findings if one.status in (FindingStatus.FAILURE, FindingStatus.WARNING))
    return findings, end


def of(findings: list[Finding], check: str, *status: FindingStatus) -> list[Finding]:
    return [one for one in findings if one.check == check and (not status or one.status in status)]


BAD = (FindingStatus.FAILURE, FindingStatus.WARNING)


async def test_a_good_restricted_key_has_nothing_against_it() -> None:
    findings, end = await examine(routes(**WELL))
    assert [one for one in findings if one.status in BAD] == []
    (rights,) = of(findings, "rights", FindingStatus.OK)
    assert all(one.row in rights.detail for one in PERMISSIONS)
    assert of(findings, "mode")[0].detail.startswith("test mode")
    assert stripe.api_version in of(findings, "version")[0].detail
    assert {"reach", "key", "shape"} <= {one.check for one in findings if one.status is FindingStatus.OK}
    assert {seen.method for seen in end.requests} == {"GET"}
    assert len(end.requests) == 12


@pytest.mark.parametrize(
    ("path", "token", "row", "status"),
    [
        ("customers", "rak_customer_read", "Customers", FindingStatus.FAILURE),
        ("subscriptions", "rak_subscription_read", "Subscriptions", FindingStatus.FAILURE),
        ("invoices", "rak_invoice_read", "Invoices", FindingStatus.FAILURE),
        ("charges", "rak_charge_read", "Charges and Refunds", FindingStatus.FAILURE),
        ("events", "rak_event_read", "Events", FindingStatus.FAILURE),
        ("prices", "rak_plan_read", "Prices", FindingStatus.FAILURE),
        ("meters", "rak_billing_meter_read", "Meters", FindingStatus.FAILURE),
        ("payment_methods", "rak_payment_method_read", "Payment Methods", FindingStatus.FAILURE),
        ("disputes", "rak_dispute_read", "Disputes", FindingStatus.WARNING),
        ("credit_notes", "rak_credit_note_read", "Credit notes", FindingStatus.WARNING),
    ],
)
@pytest.mark.parametrize("told", [True, False])
async def test_a_missing_permission_is_named_in_the_remedy(
    path: str, token: str, row: str, status: FindingStatus, told: bool
) -> None:
    message = f"The provided key does not suffice. Having the '{token}' permission would help." if told else "no"
    findings, _ = await examine(routes(**WELL | {path: refused(403, "more_permissions_required", message=message)}))
    (missing,) = of(findings, "rights", *BAD)
    assert missing.status is status
    assert row in missing.remedy
    assert token in missing.remedy
    assert row not in of(findings, "rights", FindingStatus.OK)[0].detail
    assert of(findings, "key")[0].status is FindingStatus.OK


async def test_a_full_secret_key_is_more_than_needed() -> None:
    findings, _ = await examine(routes(**WELL), key="sk_live_51SecretSecretSecret")
    (rights,) = of(findings, "rights", *BAD)
    assert rights.status is FindingStatus.WARNING
    assert "more powerful than needed" in rights.detail
    assert "restricted key with Read on Customers" in rights.remedy
    assert of(findings, "mode")[0].detail.startswith("live mode")


async def test_a_key_of_no_known_kind_is_doubted() -> None:
    findings, _ = await examine(routes(**WELL), key="something-else")
    assert of(findings, "mode")[0].status is FindingStatus.UNKNOWN
    assert of(findings, "rights", FindingStatus.WARNING)


async def test_a_key_that_is_not_taken_is_told_once() -> None:
    findings, end = await examine(lambda _: refused(401, message=f"Invalid API Key provided: {KEY}"))
    (key,) = of(findings, "key")
    assert key.status is FindingStatus.FAILURE
    assert "connectors.stripe.api_key" in key.remedy
    assert of(findings, "reach")[0].status is FindingStatus.OK
    assert len(end.requests) == 1


@pytest.mark.parametrize(
    ("reply", "check"),
    [
        (Reply(reset=True), "reach"),
        (Reply(b"<html>", status=502), "reach"),
        (refused(500), "reach"),
        (Reply(b"<html>login</html>"), "reach"),
        (refused(429, "rate_limit", retry_after="7"), "rate limit"),
        (Reply(b"x" * 9_000_000), "reach"),
    ],
)
async def test_a_far_end_that_fails_is_a_finding(reply: Reply, check: str) -> None:
    findings, end = await examine(lambda _: reply)
    (bad,) = of(findings, check, *BAD)
    assert bad.remedy
    assert len(end.requests) == 1


async def test_one_that_fails_in_the_middle_leaves_what_was_found() -> None:
    def sometimes(seen: Seen) -> Reply:
        return refused(403) if seen.path.endswith("customers") else Reply(status=503)

    findings, _ = await examine(sometimes)
    assert of(findings, "reach", FindingStatus.FAILURE)
    assert "Customers" in of(findings, "rights", FindingStatus.FAILURE)[0].remedy


async def test_nobody_listens() -> None:
    config = StripeConfig.model_validate({"url": "http://127.0.0.1:1", "api_key": "env:K"})
    lonely = StripeConnector(config, KEY)
    findings = await lonely.examine()
    await lonely.aclose()
    (reach,) = of(findings, "reach")
    assert reach.status is FindingStatus.FAILURE
    assert "connectors.stripe.url" in reach.remedy


@pytest.mark.parametrize(
    "reply",
    [listed(an_invoice(total="19")), Reply({"hello": "world"}), Reply([]), listed({"object": "invoice"})],
)
async def test_another_shape_is_a_finding(reply: Reply) -> None:
    findings, _ = await examine(routes(**WELL | {"invoices": reply}))
    (shape,) = of(findings, "shape")
    assert shape.status is FindingStatus.FAILURE
    assert "invoices" in shape.detail


async def test_customers_without_our_key_in_their_metadata_are_told() -> None:
    findings, _ = await examine(routes(**WELL), metadata_key="org")
    (shape,) = of(findings, "shape", *BAD)
    assert "'org'" in shape.detail
    assert "connectors.stripe.metadata_key" in shape.remedy


async def test_an_account_without_customers_leaves_two_rights_unknown() -> None:
    findings, _ = await examine(routes(**WELL | {"customers": listed()}))
    assert any("Payment Methods" in one.detail for one in of(findings, "rights", FindingStatus.UNKNOWN))
    assert not of(findings, "rights", *BAD)


@pytest.mark.parametrize("answered", ["", "2024-06-20"])
async def test_another_version_is_told(answered: str) -> None:
    def older(seen: Seen) -> Reply:
        reply = routes(**WELL)(seen)
        return Reply(reply.body, headers={"stripe-version": answered} if answered else {})

    findings, _ = await examine(older)
    (version,) = of(findings, "version")
    assert version.status is (FindingStatus.WARNING if answered else FindingStatus.UNKNOWN)
    assert answered in version.detail


async def test_a_search_that_is_not_sold_is_told() -> None:
    search: JsonValue = {"error": {"type": "invalid_request_error", "message": "Search is not available"}}
    findings, _ = await examine(routes(**WELL | {"search": Reply(search, status=400)}))
    (bad,) = of(findings, "rights", *BAD)
    assert "cannot be searched" in bad.detail


def test_the_documentation_names_every_permission_and_operation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "stripe.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for permission in PERMISSIONS:
        (row,) = [one for one in rows if one.startswith(f"| {permission.row} |")]
        assert permission.token in row
        assert f"| {permission.operations} |" in row
    assert {one.split("`")[1] for one in rows if one.startswith("| `")} == OPERATIONS.keys()
    for name, one in OPERATIONS.items():
        (row,) = [line for line in rows if line.startswith(f"| `{name}`")]
        assert all(f"`{parameter}`" in row for parameter in one.names)
