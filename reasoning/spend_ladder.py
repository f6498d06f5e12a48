"""How a tenant's day budget runs out, rung by rung: all models, the same with a warning, the cheapest alone, rules."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from models.tenant import Budget, ModelConfig
from reasoning.providers.prices import shipped_prices


class Rung(StrEnum):
    """What may still be asked today."""

    WHOLE_CHAIN = "whole-chain"
    WARNED = "warned"
    CHEAPEST = "cheapest"
    RULES = "rules"


def rung_of(budget: Budget, spent_today: float) -> Rung:
    """Return where a tenant stands that has spent this much of its day, in US dollars."""
    if budget.usd_per_day is None:
        return Rung.WHOLE_CHAIN
    if spent_today >= budget.usd_per_day:
        return Rung.RULES
    if spent_today >= budget.usd_per_day * budget.cheapest_from:
        return Rung.CHEAPEST
    return Rung.WARNED if spent_today >= budget.usd_per_day * budget.warn_from else Rung.WHOLE_CHAIN


def cheapest(chain: Sequence[ModelConfig]) -> str:
    """Return the model of a chain whose tokens cost least, by the prices of today."""
    today, prices = datetime.now(UTC).date(), shipped_prices()

    def price(link: ModelConfig) -> float:
        rates = prices.price(link.model, today)
        return rates.input + rates.output

    return min(chain, key=price).model
