"""The functions over other facts and what the ticket names: all arithmetic that a playbook may do."""

import math
from datetime import datetime, timedelta

from reasoning.cells import NotKnown
from reasoning.fact_functions import FactFunction
from reasoning.fact_inputs import Argument, Given, Reckoned, Takes

OF = Argument("of", Takes.FACT)


def ratio(given: Given) -> Reckoned:
    """`of` ÷ `to`. Unknown where `to` is 0."""
    return Reckoned(_divide(given.number_of("of"), given.number_of("to")), _formula(given, "of", "÷", "to"))


def change(given: Given) -> Reckoned:
    """How much `of` has grown over `base`, as a share of `base`: 0.5 is half again. Unknown where `base` is 0."""
    now, base = given.number_of("of"), given.number_of("base")
    return Reckoned(_divide(now - base, abs(base)), f"{_formula(given, 'of', '÷', 'base')} − 1")


def difference(given: Given) -> Reckoned:
    """`of` − `less`. Two amounts of money must be in one currency."""
    unit = _common_unit(given, "of", "less")
    return Reckoned(given.number_of("of") - given.number_of("less"), _formula(given, "of", "−", "less"), unit)


def product(given: Given) -> Reckoned:
    """`of` × `by`; money times a whole number stays money, rounded to whole minor units otherwise."""
    unit = next((unit for name in ("of", "by") if (unit := given.unit_of(name)).endswith("-cents")), "")
    result = given.number_of("of") * given.number_of("by")
    if not math.isfinite(result):
        raise NotKnown("the product is beyond any number")
    return Reckoned(round(result) if unit else result, _formula(given, "of", "×", "by"), unit)


def gap(given: Given) -> Reckoned:
    """Minutes from the time `from` to the time `to`; negative where `to` is earlier."""
    minutes = (given.time_of("to") - given.time_of("from")).total_seconds() / 60
    return Reckoned(round(minutes, 2), _formula(given, "to", "−", "from"))


def age(given: Given) -> Reckoned:
    """Minutes from the time `of` to when the customer wrote."""
    minutes = (given.anchors.reported_at - given.time_of("of")).total_seconds() / 60
    return Reckoned(round(minutes, 2), f"reported − {given.args['of']}")


def shift(given: Given) -> Reckoned:
    """The time `of` moved by `minutes` (negative: earlier)."""
    minutes = given.number("minutes")
    return Reckoned(given.time_of("of") + timedelta(minutes=minutes), f"{given.args['of']} {minutes:+g} minutes")


def earliest(given: Given) -> Reckoned:
    """The earliest of the times `of`. Unknown as soon as one is."""
    values = given.operand(given.args["of"])
    moments = [value for value in (values if isinstance(values, tuple) else (values,)) if isinstance(value, datetime)]
    if not moments:
        raise NotKnown("there is no time among them")
    return Reckoned(min(moments), "earliest")


def first_known(given: Given) -> Reckoned:
    """The first of `of` that is known, such as a finer measure before a coarser one. Unknown where none is."""
    names = given.args["of"]
    for name in names if isinstance(names, list) else [names]:
        before = dict(given.stands_on)
        try:
            value = given.operand(name)
        except NotKnown:
            # What had no answer says nothing of the one that is known instead.
            answered = {item.id for item in given.evidence.values() if item.status.answered}
            given.stands_on = {item: None for item in given.stands_on if item in before or item in answered}
            continue
        if value is not None and not isinstance(value, tuple):
            return Reckoned(value, f"{str(name).removeprefix('$')}, the first that is known")
    raise NotKnown("none of them is known")


def ticket_names(given: Given) -> Reckoned:
    """Whether the ticket itself names one of `terms` in `anchor`, such as `$anchors.symptoms`."""
    named, terms = given.operand(given.args["anchor"]), given.operand(given.args["terms"])
    wanted = terms if isinstance(terms, tuple) else (terms,)
    return Reckoned(
        any(item in wanted for item in (named if isinstance(named, tuple) else (named,))), "as the ticket says"
    )


def _formula(given: Given, left: str, sign: str, right: str) -> str:
    return f"{_name(given, left)} {sign} {_name(given, right)}"


def _name(given: Given, name: str) -> str:
    return str(given.args[name]).removeprefix("$")


def _divide(left: float, right: float) -> float:
    if right == 0:
        raise NotKnown("it would divide by 0")
    return left / right


def _common_unit(given: Given, left: str, right: str) -> str:
    units = [given.unit_of(name) for name in (left, right)]
    money = [unit for unit in units if unit.endswith("-cents")]
    if len(set(money)) > 1:
        raise NotKnown("amounts are in different currencies")
    return money[0] if money else ""


FACT_FUNCTIONS = (
    FactFunction("ratio", (OF, Argument("to", Takes.FACT)), "number", ratio),
    FactFunction("change", (OF, Argument("base", Takes.FACT)), "number", change),
    FactFunction("difference", (OF, Argument("less", Takes.FACT)), "number", difference),
    FactFunction("product", (OF, Argument("by", Takes.FACT)), "number", product),
    FactFunction("gap", (Argument("from", Takes.FACT), Argument("to", Takes.FACT)), "number", gap),
    FactFunction("age", (OF,), "number", age),
    FactFunction("shift", (OF, Argument("minutes", Takes.NUMBER)), "time", shift),
    FactFunction(
        "ticket_names", (Argument("anchor", Takes.FACT), Argument("terms", Takes.TERMS)), "bool", ticket_names
    ),
    FactFunction("first_known", (Argument("of", Takes.FACTS),), "any", first_known),
    FactFunction("earliest", (Argument("of", Takes.FACTS),), "time", earliest),
)
