"""What must hold of a world's money: references, sums of invoices, and metered lines against the usage."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sandbox.world import World
from sandbox.world_billing import Invoice, InvoiceLine
from sandbox.world_references import Location, Problem, span, unknown


def check_money(world: World) -> Iterator[Problem]:
    """Yield every problem of billing.yaml and of the usage that it bills."""
    for check in (_usage, _billing, _holders, _charges, _invoices, _events):
        yield from check(world)


def _usage(world: World) -> Iterator[Problem]:
    customers = {customer.id for customer in world.customers}
    meters = {meter.name for meter in world.billing.meters}
    routes = {route.name for route in world.logs.baseline.routes}
    for index, usage in enumerate(world.logs.usage):
        at: Location = ("usage", index)
        yield from unknown("logs.yaml", (*at, "customer"), "customer", usage.customer, customers, "customers.yaml")
        yield from unknown("logs.yaml", (*at, "meter"), "meter", usage.meter, meters, "billing.yaml")
        yield from span(at, usage.start, usage.end)
        if usage.end > timedelta(0):
            yield "logs.yaml", (*at, "end"), "usage cannot lie in the future: end it at +0m or earlier"
        for route in usage.routes:
            yield from unknown("logs.yaml", (*at, "routes", route), "route", route, routes, "baseline.routes")


def _billing(world: World) -> Iterator[Problem]:
    billing = world.billing
    ours = {customer.id for customer in world.customers}
    prices = {price.id for price in billing.prices}
    meters = {meter.name for meter in billing.meters}
    for index, price in enumerate(billing.prices):
        if price.meter:
            at: Location = ("prices", index, "meter")
            yield from unknown("billing.yaml", at, "meter", price.meter, meters, "meters")
    for index, customer in enumerate(billing.customers):
        at = ("customers", index, "customer")
        yield from unknown("billing.yaml", at, "customer", customer.customer, ours, "customers.yaml")
    for index, subscription in enumerate(billing.subscriptions):
        for position, item in enumerate(subscription.items):
            at = ("subscriptions", index, "items", position, "price")
            yield from unknown("billing.yaml", at, "price", item.price, prices, "prices")


def _holders(world: World) -> Iterator[Problem]:
    billing = world.billing
    theirs = {customer.id for customer in billing.customers}
    holders: list[tuple[str, list[str]]] = [
        ("subscriptions", [subscription.customer for subscription in billing.subscriptions]),
        ("invoices", [invoice.customer for invoice in billing.invoices]),
        ("charges", [charge.customer for charge in billing.charges]),
        ("events", [event.customer for event in billing.events]),
    ]
    for name, values in holders:
        for index, value in enumerate(values):
            at = (name, index, "customer")
            yield from unknown("billing.yaml", at, "billing customer", value, theirs, "customers")


def _charges(world: World) -> Iterator[Problem]:
    billing = world.billing
    invoices = {invoice.id for invoice in billing.invoices}
    cards = {card.id for customer in billing.customers for card in customer.cards}
    for index, charge in enumerate(billing.charges):
        if charge.invoice:
            at = ("charges", index, "invoice")
            yield from unknown("billing.yaml", at, "invoice", charge.invoice, invoices, "invoices")
        if charge.card:
            yield from unknown("billing.yaml", ("charges", index, "card"), "card", charge.card, cards, "cards")
        if (charge.status == "failed") != bool(charge.failure_code):
            yield "billing.yaml", ("charges", index), "a failed charge, and only that, has a failure_code: mend one"


def _events(world: World) -> Iterator[Problem]:
    """A change of plan must leave something changed: what the subscription holds now is not what it held before."""
    prices = {price.id for price in world.billing.prices}
    held = {one.id: Counter(item.price for item in one.items) for one in world.billing.subscriptions}
    for index, event in enumerate(world.billing.events):
        if not event.previous_items:
            continue
        at: Location = ("events", index)
        for position, item in enumerate(event.previous_items):
            yield from unknown(
                "billing.yaml", (*at, "previous_items", position, "price"), "price", item.price, prices, "prices"
            )
        if event.type != "customer.subscription.updated":
            message = "only a customer.subscription.updated has previous_items: mend the type, or leave them out"
            yield "billing.yaml", (*at, "type"), message
        yield from unknown("billing.yaml", (*at, "object"), "subscription", event.object, held, "subscriptions")
        if held.get(event.object) == Counter(item.price for item in event.previous_items):
            message = "the subscription still holds the same prices: say here what it held before the change"
            yield "billing.yaml", (*at, "previous_items"), message


def _invoices(world: World) -> Iterator[Problem]:
    subscriptions = {subscription.id for subscription in world.billing.subscriptions}
    for index, invoice in enumerate(world.billing.invoices):
        at: Location = ("invoices", index)
        if invoice.subscription:
            where: Location = (*at, "subscription")
            name = invoice.subscription
            yield from unknown("billing.yaml", where, "subscription", name, subscriptions, "subscriptions")
        yield from _sums(at, invoice)
        for position, line in enumerate(invoice.lines):
            yield from _line(world, (*at, "lines", position), invoice, line)


def _sums(at: Location, invoice: Invoice) -> Iterator[Problem]:
    lines = sum(line.amount for line in invoice.lines)
    if lines != invoice.subtotal:
        yield "billing.yaml", (*at, "subtotal"), f"is {invoice.subtotal}, but the lines add up to {lines}: mend one"
    if invoice.subtotal + invoice.tax != invoice.total:
        rest = invoice.subtotal + invoice.tax
        yield "billing.yaml", (*at, "total"), f"is {invoice.total}, but subtotal and tax add up to {rest}: mend one"
    if invoice.status == "paid" and invoice.amount_paid != invoice.total:
        yield "billing.yaml", (*at, "amount_paid"), f"a paid invoice is paid in full: {invoice.total}"


def _line(world: World, at: Location, invoice: Invoice, line: InvoiceLine) -> Iterator[Problem]:
    prices = {price.id: price for price in world.billing.prices}
    yield from unknown("billing.yaml", (*at, "price"), "price", line.price, prices, "prices")
    price = prices.get(line.price)
    if price is None or line.proration:
        return
    if line.amount != line.quantity * price.unit_amount:
        due = line.quantity * price.unit_amount
        yield "billing.yaml", (*at, "amount"), f"is {line.amount}, but {line.quantity} × {price.unit_amount} is {due}"
    holder = next((c.customer for c in world.billing.customers if c.id == invoice.customer), None)
    if not price.meter or holder is None:
        return
    used: Counter[str] = Counter()
    for usage in world.logs.usage:
        inside = usage.start >= line.period_start and usage.end <= line.period_end
        if usage.customer == holder and usage.meter == price.meter and inside:
            used.update(usage.routes)
    counted = sum(used.values()) + sum(used[route] for route in line.double_counts)
    if counted != line.quantity:
        extra = f", with {', '.join(line.double_counts)} counted twice," if line.double_counts else ""
        yield (
            "billing.yaml",
            (*at, "quantity"),
            f"is {line.quantity}, but the usage of {price.meter} in its period{extra} is {counted} (logs.yaml, usage): "
            "mend one, or say in double_counts which route is counted twice",
        )
