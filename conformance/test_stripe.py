"""Stripe: our requests held to stripe-mock and to the SDK's parameters, our sandbox's answers to the SDK's objects."""

import json
import re
from collections import Counter
from collections.abc import Sequence

import httpx
import pytest

from conformance.exchanges import Exchange, Recorder
from conformance.mock import KEY
from conformance.questions import Samples, questions
from conformance.stripe_types import address_of, faults, request_faults
from connectors.registry import operations_of
from connectors.stripe import StripeConnector
from models.evidence import Answer
from models.tenant import SecretRef, StripeConfig
from models.vocabulary import EvidenceStatus, Source
from sandbox.run import Sandbox
from sandbox.stripe_collections import collections_of
from sandbox.stripe_objects import build_account

Said = tuple[list[tuple[str, Answer]], list[Exchange]]
"""Each question with its answer, and all that went over the wire for them."""

EVENTS = ["invoice.payment_failed", "invoice.paid", "customer.subscription.updated", "charge.failed"]


def samples(company: Sandbox) -> Samples:
    """The customers with the most to tell, what they were billed, and somebody of whom there is little."""
    billing = company.world.billing
    told = Counter([one.customer for one in billing.charges] + [one.customer for one in billing.invoices])
    known = {one.id: one for one in billing.customers}
    first = [name for name, _ in told.most_common(3)] + [billing.customers[-1].id]
    invoice = next(one for one in billing.invoices if one.customer == first[0])
    return {
        "billing_id": [*first],
        "customer_id": [known[name].customer for name in first],
        "email": [known[name].email for name in first],
        "invoice": [invoice.id, invoice.number, ""],
        "types": [[*EVENTS], [EVENTS[0]]],
        "meter": [billing.meters[0].event_name, billing.meters[0].id, ""],
    }


def connector(url: str, key: str, transport: httpx.AsyncBaseTransport) -> StripeConnector:
    """The real one, over a transport that remembers."""
    config = StripeConfig.model_validate({"url": url, "api_key": SecretRef("env:STRIPE_KEY")})
    return StripeConnector(config, key, transport=transport)


async def ask_all(company: Sandbox, url: str, key: str) -> Said:
    """Ask every operation, and let the connector examine the far end; return the answers and all that was said."""
    recorder = Recorder()
    stripe = connector(url, key, recorder)
    answers: list[tuple[str, Answer]] = []
    try:
        for request in questions(Source.STRIPE, operations_of(Source.STRIPE), samples(company)):
            answers.append((f"{request.operation} {dict(request.parameters)}", await stripe.fetch(request)))
        await stripe.examine()
    finally:
        await stripe.aclose()
    return answers, recorder.exchanges


@pytest.fixture(scope="module")
async def at_the_sandbox(company: Sandbox) -> Said:
    """What the connector and our sandbox said to each other."""
    return await ask_all(company, company.addresses["stripe"], company.credentials.stripe_key)


@pytest.fixture(scope="module")
async def at_the_mock(company: Sandbox, stripe_mock: str) -> Said:
    """What the connector and stripe-mock said to each other."""
    return await ask_all(company, stripe_mock, KEY)


def refused(exchanges: Sequence[Exchange]) -> list[str]:
    """Those that the far end did not take."""
    return [f"{one.target}: {one.status} {one.answer[:300].decode()}" for one in exchanges if one.status >= 400]


async def test_stripe_mock_takes_every_request(
    at_the_mock: Said,
    at_the_sandbox: Said,
    stripe_mock: str,
    held: Counter[str],
) -> None:
    _, exchanges = at_the_mock
    assert refused(exchanges) == []
    # Against the mock's own ids some questions end early, so what was sent to our sandbox is sent to it, too.
    asked = {one.target: one for one in at_the_sandbox[1]}
    assert {address_of(one.path) for one in exchanges} <= {address_of(one.path) for one in asked.values()}
    recorder = Recorder()
    async with httpx.AsyncClient(transport=recorder, headers={"authorization": f"Bearer {KEY}"}) as client:
        for target in asked:
            await client.get(f"{stripe_mock}{target}")
    assert refused(recorder.exchanges) == []
    held["Stripe requests: stripe-mock v0.203.0"] += len(exchanges) + len(recorder.exchanges)


async def test_stripe_mock_would_refuse_a_wrong_parameter(stripe_mock: str) -> None:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as client:
        for target in ("/v1/invoices?since=1", "/v1/invoices?status=odd", "/v1/customers/search", "/v1/invoice"):
            assert (await client.get(f"{stripe_mock}{target}")).status_code in (400, 404)
        # What it lets pass is why the SDK's own types are asked as well.
        assert (await client.get(f"{stripe_mock}/v1/invoices?created[since]=1")).status_code == 200


async def test_every_parameter_is_one_that_the_sdk_declares(
    at_the_sandbox: Said,
    at_the_mock: Said,
    held: Counter[str],
) -> None:
    exchanges = at_the_sandbox[1] + at_the_mock[1]
    wrong = {fault for one in exchanges for fault in request_faults(one.path, one.arguments)}
    assert sorted(wrong) == []
    held["Stripe requests: parameters, ranges, expand paths of the stripe SDK"] += len(exchanges)


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        (("created[since]", "1"), "declares no such parameter"),
        (("created[gte]", "yesterday"), "no whole number"),
        (("created", "now"), "no whole number"),
        (("limit", "101"), "1 to 100"),
        (("status", "odd"), "is none of"),
        (("nonsense", "1"), "declares no such parameter"),
        (("expand[0]", "data.nonsense"), "there is no"),
        (("expand[0]", "data.number"), "leads to no object"),
        (("expand[0]", "data.lines.data.pricing.price_details.price"), "four levels"),
    ],
)
def test_a_wrong_parameter_is_found(argument: tuple[str, str], told: str) -> None:
    assert list(request_faults("/v1/invoices", [("customer", "cus_1"), ("expand[1]", "data.payments")])) == []
    assert any(told in fault for fault in request_faults("/v1/invoices", [argument]))


async def test_every_answer_of_the_sandbox_is_what_the_sdk_declares(
    at_the_sandbox: Said, company: Sandbox, held: Counter[str]
) -> None:
    exchanges = at_the_sandbox[1] + await everything(company)
    wrong: Counter[str] = Counter()
    for one in exchanges:
        assert one.status == 200, f"{one.target}: {one.status} {one.answer[:300]!r}"
        found = faults(json.loads(one.answer), address_of(one.path).answer)
        wrong.update(f"{address_of(one.path).template} {re.sub(r'[0-9]+', 'n', fault)}" for fault in found)
    assert dict(wrong) == {}
    held["Stripe answers of the sandbox: objects of the stripe SDK"] += len(exchanges)


async def everything(company: Sandbox) -> list[Exchange]:
    """Every list of the sandbox's account, and every object of it by its own address."""
    world, key = company.world, company.credentials.stripe_key
    account = build_account(world.billing, world.logs.usage, company.now, world.tenant.metadata_key)
    targets = []
    for path, collection in collections_of(account).items():
        targets.append(f"/v1/{path}?limit=100")
        targets += [f"/v1/{path}/{one['id']}" for one in collection.objects]
    recorder = Recorder()
    async with httpx.AsyncClient(transport=recorder, headers={"authorization": f"Bearer {key}"}) as client:
        for target in targets:
            await client.get(company.addresses["stripe"] + target)
    return recorder.exchanges


def test_every_question_was_answered_and_most_with_rows(
    at_the_sandbox: Said,
) -> None:
    answers, _ = at_the_sandbox
    expected = (EvidenceStatus.FOUND, EvidenceStatus.EMPTY)
    assert [(asked, answer.reason) for asked, answer in answers if answer.status not in expected] == []
    rows = Counter(asked.split()[0] for asked, answer in answers for _ in answer.rows)
    assert {"find_customer", "list_subscriptions", "list_invoices", "list_invoice_lines", "list_charges"} <= set(rows)


async def test_a_wrong_answer_is_found(company: Sandbox) -> None:
    invoice = next(one for one in await everything(company) if one.path.startswith("/v1/invoices/"))
    good, kind = json.loads(invoice.answer), address_of(invoice.path).answer
    assert list(faults(good, kind)) == []
    line = good["lines"]["data"][0]
    mutations = [
        ({**good, "total_amount": 1}, "has no such field"),
        ({**good, "total": "100"}, "is a str, not int"),
        ({**good, "total": None}, "is null"),
        ({**good, "status": "settled"}, "is none of"),
        ({name: value for name, value in good.items() if name != "amount_due"}, "is missing"),
        ({**good, "lines": {**good["lines"], "data": [{**line, "price": "price_1"}]}}, "lines.data[0].price: "),
        ({**good, "lines": {**good["lines"], "data": [{**line, "amount": 1.5}]}}, "is a float, not int"),
    ]
    for mutated, told in mutations:
        assert any(told in fault for fault in faults(mutated, kind)), told


def test_an_operation_without_a_sample_does_not_pass() -> None:
    operations = operations_of(Source.STRIPE)
    with pytest.raises(LookupError, match="billing_id"):
        list(questions(Source.STRIPE, operations, {"customer_id": ["a"], "email": ["b"]}))
