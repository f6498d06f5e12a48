"""What the billing provider holds of a customer when nothing is wrong with the money."""

from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.stage import NOW, Client, Stage
from sandbox.world_billing import (
    BillingCustomer,
    BillingEvent,
    Card,
    Charge,
    Invoice,
    InvoiceLine,
    Meter,
    Price,
    Subscription,
    SubscriptionItem,
)
from sandbox.world_logs import Usage

MONTH = timedelta(days=30)
METERED = ("business", "corporate")
"""Plans that pay by the unit."""
UNIT_PRICE = 2


def meters(stage: Stage) -> list[Meter]:
    """Return the company's one meter."""
    unit = stage.company.kind.unit
    return [Meter(id=f"mtr_{unit}", name=unit, event_name=f"{unit}_used", title=unit.capitalize())]


def prices(stage: Stage) -> list[Price]:
    """Return a price for each plan and one for a unit."""
    company = stage.company
    plans = [
        Price(
            id=f"price_{plan.name}",
            product=f"prod_{plan.name}",
            product_name=plan.title,
            nickname=f"{plan.title} monthly",
            currency="usd",
            unit_amount=company.prices[plan.name],
        )
        for plan in company.plans
    ]
    unit = company.kind.unit
    metered = Price(
        id="price_unit",
        product="prod_unit",
        product_name=unit.capitalize(),
        nickname=f"{unit.capitalize()}, metered",
        currency="usd",
        unit_amount=UNIT_PRICE,
        meter=unit,
    )
    return [*plans, metered]


def card(stage: Stage, draw: Draw, expires: int) -> Card:
    """Return a card that is good for that many days, or expired that many ago."""
    brand = draw.pick(("visa", "mastercard", "amex"))
    return Card(id=stage.id("card_"), brand=brand, last4=draw.word(4, "0123456789"), expires=timedelta(days=expires))


def holder(stage: Stage, draw: Draw, client: Client, expires: int = 0, delinquent: bool = False) -> BillingCustomer:
    """Add the customer at the billing provider."""
    found = BillingCustomer(
        id=client.billing_id,
        customer=client.id,
        name=client.name,
        email=client.email if draw.chance(0.6) else f"accounts@{client.domain}",
        linked=draw.chance(0.85) or client.writes,
        delinquent=delinquent,
        created=client.created,
        cards=[card(stage, draw, expires or draw.between(60, 900))],
    )
    stage.billing_customers.append(found)
    client.billed = True
    return found


def subscription(
    stage: Stage, client: Client, start: timedelta, status: str = "active", metered: bool = False
) -> Subscription:
    """Add a subscription to the customer's plan whose period began at `start`."""
    items = [SubscriptionItem(id=stage.id("si_"), price=f"price_{client.plan}")]
    if metered:
        items.append(SubscriptionItem(id=stage.id("si_"), price="price_unit", quantity=None))
    found = Subscription.model_validate(
        {
            "id": stage.id("sub_"),
            "customer": client.billing_id,
            "status": status,
            "created": client.created,
            "period_start": start,
            "period_end": start + MONTH,
            "items": items,
        }
    )
    stage.subscriptions.append(found)
    return found


def line(
    stage: Stage, words: str, price: str, quantity: int, amount: int, start: timedelta, end: timedelta
) -> InvoiceLine:
    """Return an ordinary line."""
    return InvoiceLine(
        id=stage.id("il_"),
        description=words,
        price=price,
        quantity=quantity,
        amount=amount,
        period_start=start,
        period_end=end,
    )


def plan_line(stage: Stage, plan: str, start: timedelta) -> InvoiceLine:
    """Return the line of a plan for the month that begins."""
    amount = stage.company.prices[plan]
    title = stage.company.plan(plan).title
    return line(stage, f"1 × {title} (monthly)", f"price_{plan}", 1, amount, start, start + MONTH)


def invoice(
    stage: Stage, held: Subscription, lines: list[InvoiceLine], at: timedelta, paid: bool = True, taxed: bool = False
) -> Invoice:
    """Add an invoice of the month before `at`; a paid one also has its charge and its event."""
    subtotal = sum(one.amount for one in lines)
    tax = max(subtotal, 0) * stage.company.tax_percent // 100 if taxed else 0
    total = subtotal + tax
    found = Invoice(
        id=stage.id("in_"),
        number=f"{stage.company.slug[:3].upper()}-{20_000 + stage.number()}",
        customer=held.customer,
        subscription=held.id,
        status="paid" if paid else "open",
        billing_reason="subscription_cycle",
        created=at,
        due=at,
        period_start=at - MONTH,
        period_end=at,
        subtotal=subtotal,
        tax=tax,
        total=total,
        amount_paid=total if paid else 0,
        attempt_count=1,
        lines=lines,
    )
    stage.invoices.append(found)
    if paid and total > 0:
        when = at + timedelta(hours=1)
        holder = next(one for one in stage.billing_customers if one.id == held.customer)
        charge = Charge(
            id=stage.id("ch_"),
            customer=held.customer,
            invoice=found.id,
            amount=total,
            status="succeeded",
            created=when,
            card=holder.cards[0].id,
        )
        stage.charges.append(charge)
        event(stage, "invoice.paid", held.customer, found.id, when, f"Invoice {found.number} paid")
    return found


def event(stage: Stage, kind: str, customer: str, about: str, at: timedelta, words: str) -> None:
    """Add something that the provider recorded."""
    stage.events.append(
        BillingEvent(id=stage.id("evt_"), type=kind, customer=customer, object=about, created=at, summary=words)
    )


def units(stage: Stage, draw: Draw, client: Client, start: timedelta, end: timedelta, total: int) -> dict[str, int]:
    """Add what a customer used of the meter in a span, and return it by route."""
    making = stage.company.making()
    first = round(total * draw.real(0.5, 0.7))
    second = round((total - first) * draw.real(0.4, 0.8))
    found = {making[0]: first, making[1]: second, making[2]: total - first - second}
    stage.usage.append(Usage(customer=client.id, meter=stage.company.kind.unit, start=start, end=end, routes=found))
    return found


def unit_line(stage: Stage, used: int, start: timedelta, end: timedelta) -> InvoiceLine:
    """Return the line of a month's metered units."""
    words = f"{used} {stage.company.kind.unit}"
    return line(stage, words, "price_unit", used, used * UNIT_PRICE, start, end)


def bill(stage: Stage, draw: Draw, client: Client) -> None:
    """Give a customer an ordinary subscription, the month's invoice, and usage where there is none yet."""
    own = [one for one in stage.usage if one.customer == client.id]
    start = own[0].start if own else timedelta(days=-draw.between(5, 27))
    holder(stage, draw, client)
    metered = client.plan in METERED
    held = subscription(stage, client, start, metered=metered)
    lines = [plan_line(stage, client.plan, start)]
    if metered:
        used = units(stage, draw, client, start - MONTH, start, draw.between(8_000, 90_000))
        lines.append(unit_line(stage, sum(used.values()), start - MONTH, start))
    invoice(stage, held, lines, start, taxed=draw.chance(0.5))
    if not own:
        quota = stage.company.plan(client.plan).monthly_quota or 100_000
        units(stage, draw, client, start, NOW, round(quota * draw.real(0.05, 0.6)))
