"""Money: failed payments, a smaller plan, usage counted twice, and invoices that are right though they surprise."""

from datetime import timedelta

from evals.generate.billing import (
    MONTH,
    UNIT_PRICE,
    event,
    holder,
    invoice,
    line,
    plan_line,
    subscription,
    unit_line,
    units,
)
from evals.generate.draw import Draw
from evals.generate.stage import NOW, Client, Stage, requests_of
from evals.generate.truth import Effect, Planted, Row, Signal
from models.vocabulary import CauseClass, Severity
from sandbox.world_billing import BillingEvent, Charge, SubscriptionItem
from sandbox.world_logs import Match

_DECLINES = (
    ("expired_card", "expired_card", "Your card has expired."),
    ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ("card_declined", "do_not_honor", "Your card was declined."),
)


def payment_failed(stage: Stage, draw: Draw, client: Client) -> Planted:
    """Several attempts fail, the subscription becomes unpaid, and from that hour on everything answers 402."""
    client.plan = draw.pick(("basic", "pro"))
    hours = draw.effect(1.0, 48)
    start = timedelta(minutes=-round(hours * 60))
    since = start - timedelta(days=9, hours=draw.between(1, 8))
    code, decline, words = draw.pick(_DECLINES)
    who = holder(
        stage, draw, client, expires=-draw.between(35, 60) if decline == "expired_card" else 0, delinquent=True
    )
    held = subscription(stage, client, since, status="unpaid")
    owed = invoice(stage, held, [plan_line(stage, client.plan, since)], since, paid=False)
    owed = owed.model_copy(update={"attempt_count": 4})
    stage.invoices[-1] = owed
    for at in (
        since + timedelta(hours=1),
        since + timedelta(days=2),
        since + timedelta(days=5),
        start - timedelta(minutes=20),
    ):
        charge = Charge(
            id=stage.id("ch_"),
            customer=client.billing_id,
            invoice=owed.id,
            amount=owed.total,
            status="failed",
            created=at,
            card=who.cards[0].id,
            failure_code=code,
            decline_code=decline,
            failure_message=words,
        )
        stage.charges.append(charge)
        event(stage, "invoice.payment_failed", client.billing_id, owed.id, at, f"Payment of {owed.number} failed")
    event(stage, "customer.subscription.updated", client.billing_id, held.id, start, "Subscription is unpaid")
    units(stage, draw, client, since, start, 400)
    stage.episode(Match(customers=[client.id]), start, NOW, stage.answer(402, "payment_required", 1.0))
    return Planted(
        cause=CauseClass.PAYMENT_FAILED,
        symptom="auth",
        slots={
            "key": client.keys[0].id,
            "status": "402",
            "code": stage.company.codes["payment_required"],
            "route": "*",
        },
        since=-start,
        severity=Severity.MEDIUM,
        not_causes=[CauseClass.PLAN_DOWNGRADE, CauseClass.KEY_REVOKED_OR_EXPIRED, CauseClass.DEPLOY_REGRESSION],
        evidence=[
            Row(source="stripe", id=stage.charges[-1].id),
            Row(source="stripe", id=owed.id),
            requests_of(client, start, status=402),
        ],
        signals=[Signal(kind="share", size=1.0, hours=hours)],
        why=f"Four attempts to collect {owed.number} failed ({decline}); unpaid since {hours:.1f} h, and 402 since then.",
    )


def plan_downgrade(stage: Stage, draw: Draw, client: Client) -> Planted:
    """The subscription went to a smaller plan at the period's start; a route of the larger plan is refused since."""
    client.plan = "basic"
    hours = draw.log(4, 140)
    start = timedelta(minutes=-round(hours * 60))
    gated, share = stage.company.kind.gated, draw.effect(0.01, 0.3)
    client.routes = {gated: round(share, 3)}
    bill_from = start
    holder(stage, draw, client)
    held = subscription(stage, client, bill_from)
    invoice(stage, held, [plan_line(stage, "basic", bill_from)], bill_from)
    stage.events.append(
        BillingEvent(
            id=stage.id("evt_"),
            type="customer.subscription.updated",
            customer=client.billing_id,
            object=held.id,
            created=start,
            summary="Plan changed at the end of the period",
            previous_items=[SubscriptionItem(id=held.items[0].id, price="price_business")],
        )
    )
    units(stage, draw, client, start, NOW, 300)
    stage.episode(Match(customers=[client.id], routes=[gated]), start, NOW, stage.answer(403, "plan_denied", 1.0))
    return Planted(
        cause=CauseClass.PLAN_DOWNGRADE,
        symptom="forbidden",
        slots={"key": client.keys[0].id, "status": "403", "code": stage.company.codes["plan_denied"], "route": gated},
        since=-start,
        severity=Severity.LOW,
        not_causes=[
            CauseClass.KEY_REVOKED_OR_EXPIRED,
            CauseClass.PERMISSION_OR_SCOPE,
            CauseClass.PAYMENT_FAILED,
            CauseClass.DEPLOY_REGRESSION,
        ],
        evidence=[
            Row(source="stripe", id=stage.events[-1].id),
            requests_of(client, start, route=gated, status=403),
            Row(source="docs", id="plans.md"),
        ],
        signals=[Signal(kind="share", size=1.0, routes=[gated], hours=hours)],
        why=f"Changed from {stage.company.plan('business').title} {hours:.0f} h ago; {gated} answers 403 since that hour, "
        "nothing else does.",
    )


def billing_double_count(stage: Stage, draw: Draw, client: Client) -> Planted:
    """A metered line counts the units of one route once more."""
    client.plan = "business"
    start = timedelta(days=-draw.between(3, 20))
    share = draw.effect(0.004, 0.5)
    making, total = stage.company.making(), draw.between(20_000, 150_000)
    used = units(stage, draw, client, start - MONTH, start, total)
    extra = max(1, round(total * share))
    twice = making[2]
    spare = extra - used[twice]
    used = used | {twice: extra, making[0]: max(1, used[making[0]] - spare)}
    stage.usage[-1] = stage.usage[-1].model_copy(update={"routes": used})
    billed = sum(used.values()) + used[twice]
    holder(stage, draw, client)
    held = subscription(stage, client, start, metered=True)
    metered = unit_line(stage, billed, start - MONTH, start).model_copy(update={"double_counts": [twice]})
    wrong = invoice(stage, held, [plan_line(stage, "business", start), metered], start)
    units(stage, draw, client, start, NOW, draw.between(5_000, 40_000))
    real = sum(used.values())
    return Planted(
        cause=CauseClass.BILLING_DOUBLE_COUNT,
        symptom="invoice_count",
        slots={"invoice": wrong.number, "billed": str(billed), "used": str(real), "unit": stage.company.kind.unit},
        since=-start,
        severity=Severity.MEDIUM,
        not_causes=[CauseClass.BILLING_PRORATION_OR_TAX_EXPECTED, CauseClass.PAYMENT_FAILED],
        evidence=[
            Row(source="stripe", id=wrong.id),
            Row(source="clickhouse", table="usage", where={"customer": client.id}, start=start - MONTH, end=start),
        ],
        exact=Effect(unit="share_of_units", size=round(used[twice] / real, 5)),
        why=f"{wrong.number} bills {billed}; usage is {real}; the difference is exactly {twice} once more "
        f"({used[twice] * UNIT_PRICE / 100:.2f} USD).",
    )


def billing_proration_or_tax_expected(stage: Stage, draw: Draw, client: Client) -> Planted:
    """An upgrade that counted at once: the credit, the rest of the month on the new plan, and the month to come."""
    client.plan = "pro"
    start, left = timedelta(days=-draw.between(2, 20)), round(draw.effect(1, 29))
    prices = stage.company.prices
    changed = start - timedelta(days=left)
    rest, credit = prices["pro"] * left // 30, prices["basic"] * left // 30
    titles = {plan.name: plan.title for plan in stage.company.plans}
    back = line(stage, f"Unused time on {titles['basic']}", "price_basic", 1, -credit, changed, start)
    more = line(stage, f"Remaining time on {titles['pro']}", "price_pro", 1, rest, changed, start)
    lines = [one.model_copy(update={"proration": True}) for one in (back, more)]
    holder(stage, draw, client)
    held = subscription(stage, client, start)
    right = invoice(stage, held, [*lines, plan_line(stage, "pro", start)], start, taxed=True)
    event(stage, "customer.subscription.updated", client.billing_id, held.id, changed, "Plan changed")
    units(stage, draw, client, start, NOW, 500)
    return Planted(
        cause=CauseClass.BILLING_PRORATION_OR_TAX_EXPECTED,
        symptom="invoice_high",
        slots={
            "invoice": right.number,
            "total": f"{right.total / 100:.2f}",
            "price": f"{prices['pro'] / 100:.2f}",
            "plan": titles["pro"],
        },
        since=-start,
        severity=Severity.LOW,
        not_causes=[CauseClass.BILLING_DOUBLE_COUNT, CauseClass.PAYMENT_FAILED],
        evidence=[Row(source="stripe", id=right.id), Row(source="docs", id="plans.md")],
        exact=Effect(unit="total_over_price", size=round(right.total / prices["pro"] - 1, 5)),
        why=f"{right.number}: credit {credit}, {left} days of the new plan {rest}, the month to come {prices['pro']}, "
        f"tax {right.tax}.",
    )
