"""Events and the changes of plan that they tell, as flat rows."""

from collections.abc import Mapping, Sequence

from connectors.stripe_fields import Fields
from models.base import Row

_TOLD_CHANGES = frozenset(
    {
        "amount_due",
        "amount_paid",
        "attempt_count",
        "cancel_at_period_end",
        "currency",
        "delinquent",
        "disabled",
        "exp_month",
        "exp_year",
        "paid",
        "quantity",
        "status",
    }
)
"""What an event's summary tells before and after; other changed fields may hold personal data, so only their names are told."""

_SAME_CHANGE = 60
"""Seconds between a change of plan and the invoice items that prorate it, at most: Stripe writes both in one go."""


def event_row(event: Fields) -> Row:
    """Return a row of `list_events`."""
    thing = event.part("data", required=True).part("object", required=True)
    return {
        "id": event.id(required=True),
        "type": event.text("type", required=True),
        "object_id": thing.id(),
        "created_at": event.time("created", required=True),
        "summary": _summary(thing, event.at("data", "previous_attributes")),
    }


def plan_change_rows(event: Fields, prorations: Sequence[Fields] | None) -> list[Row]:
    """Return the rows of `list_plan_changes` that one `customer.subscription.updated` tells: one per changed item.

    Args:
        prorations: The customer's invoice items; None where they could not be read, and then `proration` is null.
    """
    thing = event.part("data", required=True).part("object", required=True)
    before = event.part("data").part("previous_attributes")
    rows: list[Row] = []
    for change, old, new in _changed_items(thing, before):
        shown = new if new.thing else old
        amounts = None if prorations is None else _prorated(event, thing, prorations)
        rows.append(
            {
                "event": event.id(required=True),
                "at": event.time("created", required=True),
                "subscription": thing.id(required=True),
                "item": shown.id(),
                "change": change,
                **_side("from", old),
                **_side("to", new),
                "currency": _price_of(shown).text("currency"),
                "proration": None if amounts is None else bool(amounts),
                "proration_amount": None if amounts is None else sum(amounts),
            }
        )
    return rows


_NOTHING = Fields({}, "no item")
"""The side of a change where there was no item, or is none any more."""


def _changed_items(thing: Fields, before: Fields) -> list[tuple[str, Fields, Fields]]:
    if before.at("items") is None:
        return _changed_plan(thing, before)
    now = {item.id(required=True): item for item in thing.parts("items", required=True)}
    then = {item.id(required=True): item for item in before.parts("items", required=True)}
    changed: list[tuple[str, Fields, Fields]] = []
    for name, old in then.items():
        new = now.get(name)
        if new is None:
            changed.append(("removed", old, _NOTHING))
            continue
        # What an earlier item leaves out did not change.
        old = Fields({**new.thing, **old.thing}, old.where)
        if word := _difference(old, new):
            changed.append((word, old, new))
    changed += [("added", _NOTHING, new) for name, new in now.items() if name not in then]
    return changed


def _changed_plan(thing: Fields, before: Fields) -> list[tuple[str, Fields, Fields]]:
    # Older API versions tell the change of a subscription with one item on the subscription itself.
    told = {name: before.thing[name] for name in ("plan", "quantity") if name in before.thing}
    items = thing.parts("items")
    if not told or len(items) > 1:
        return []
    new = items[0] if items else thing
    known = {name: value for name, value in new.thing.items() if name != "price" or "plan" not in told}
    old = Fields({**known, **told}, before.where)
    word = _difference(old, new)
    return [(word, old, new)] if word else []


def _difference(old: Fields, new: Fields) -> str:
    if _price_of(old).id() != _price_of(new).id():
        return "plan"
    return "quantity" if old.whole("quantity") != new.whole("quantity") else ""


def _price_of(item: Fields) -> Fields:
    return item.part("price") if isinstance(item.at("price"), Mapping) else item.part("plan")


def _side(side: str, item: Fields) -> Row:
    price = _price_of(item)
    amount = price.number("unit_amount")
    if amount is None:
        amount = price.number("amount")
    if amount is None:
        amount = price.number("unit_amount_decimal")
    return {
        f"{side}_price": price.id(),
        f"{side}_nickname": price.text("nickname"),
        f"{side}_unit_amount": amount,
        f"{side}_interval": price.part("recurring").text("interval") or price.text("interval"),
        f"{side}_quantity": item.whole("quantity"),
    }


def _prorated(event: Fields, subscription: Fields, items: Sequence[Fields]) -> list[int]:
    moment = event.whole("created", required=True) or 0
    return [
        item.whole("amount", required=True) or 0
        for item in items
        if item.flag("proration", required=True)
        and subscription.id()
        in (item.part("parent").part("subscription_details").id("subscription"), item.id("subscription"))
        and abs((item.whole("date", required=True) or 0) - moment) <= _SAME_CHANGE
    ]


def _summary(thing: Fields, before: object) -> str:
    told = " ".join(part for part in (thing.text("object"), thing.text("number"), thing.id()) if part)
    status = thing.at("status")
    if isinstance(status, str) and status:
        told += f" is {status}"
    changes = (
        [_change(str(name), before[name], thing.at(str(name))) for name in sorted(before)]
        if isinstance(before, Mapping)
        else []
    )
    return f"{told}; changed: {', '.join(changes)}" if changes else told


def _change(name: str, old: object, new: object) -> str:
    if name not in _TOLD_CHANGES or isinstance(old, Mapping | list) or isinstance(new, Mapping | list):
        return name
    return f"{name} {_word(old)} → {_word(new)}"


def _word(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
