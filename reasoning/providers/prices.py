"""What a model's answer costs, by the dated list in prices.yaml."""

from datetime import date
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from models.base import Frozen, Strict
from reasoning.providers.anthropic_models import vendor_id

_MILLION = 1_000_000
SHIPPED = Path(__file__).with_name("prices.yaml")


class Tokens(Frozen):
    """What one call used, apart, because each part has its price."""

    input: int = 0
    """The uncached part."""
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """All input, cached or not."""
        return self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read


class Rates(Strict):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write_5m: float = Field(ge=0)
    cache_write_1h: float = Field(ge=0)
    cache_read: float = Field(ge=0)

    def usd(self, used: Tokens) -> float:
        """Return the price of a call."""
        parts = (
            used.input * self.input,
            used.output * self.output,
            used.cache_write_5m * self.cache_write_5m,
            used.cache_write_1h * self.cache_write_1h,
            used.cache_read * self.cache_read,
        )
        return sum(parts) / _MILLION


class LongPrompt(Rates):
    """The rates of a call whose prompt is longer than that."""

    tokens: int = Field(ge=1)


class Price(Rates):
    """One entry: what a model costs from a day on."""

    model: str
    since: date = Field(alias="from")
    above: LongPrompt | None = None

    def usd(self, used: Tokens) -> float:
        """Return the price of a call, by the tier that its prompt falls into."""
        if self.above is not None and used.prompt > self.above.tokens:
            return self.above.usd(used)
        return super().usd(used)


class PriceList(Strict):
    """All entries; older ones stay, so that an old call keeps its price."""

    format: int = Field(ge=1, le=1)
    source: str = Field(min_length=1)
    """Where the prices are from."""
    read: date
    """When they were last compared with it."""
    prices: list[Price]

    def price(self, model: str, on: date) -> Price:
        """Return the entry that counts on a day.

        A snapshot such as `claude-haiku-4-5-20251001` costs what its model costs, and a model on Bedrock or Vertex what it
        costs at its vendor. A day before a model's first entry takes that entry.

        Raises:
            KeyError: no price is known; names the models that have one. Without a price no budget can be kept.
        """
        own = vendor_id(model)
        named = [price for price in self.prices if price.model == own]
        named = named or [price for price in self.prices if _snapshot_of(own, price.model)]
        if not named:
            known = ", ".join(sorted({price.model for price in self.prices}))
            raise KeyError(f"no price for model {model!r}; add one to reasoning/providers/prices.yaml; known: {known}")
        begun = [price for price in named if price.since <= on]
        return max(begun, key=lambda price: price.since) if begun else min(named, key=lambda price: price.since)


@cache
def shipped_prices() -> PriceList:
    """Return the list that comes with this version."""
    return PriceList.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def _snapshot_of(model: str, base: str) -> bool:
    day = model.removeprefix(f"{base}-")
    return day != model and len(day) == 8 and day.isdigit()
