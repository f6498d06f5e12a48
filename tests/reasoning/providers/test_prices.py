"""Prices are dated data."""

from datetime import date

import pytest
from pydantic import ValidationError

from reasoning.providers.prices import Price, PriceList, Tokens, shipped_prices

RATES = {"input": 2.0, "output": 10.0, "cache_write_5m": 2.5, "cache_write_1h": 4.0}
LIST = PriceList.model_validate(
    {
        "format": 1,
        "source": "a vendor's list",
        "read": "2026-10-07",
        "prices": [
            {"model": "m", "from": "2026-10-07", **RATES, "cache_read": 0.1},
            {"model": "m", "from": "2026-03-01", **RATES, "cache_read": 0.2},
        ],
    }
)


@pytest.mark.parametrize(
    ("day", "read"),
    [(date(2026, 1, 1), 0.2), (date(2026, 10, 6), 0.2), (date(2026, 10, 7), 0.1), (date(2030, 1, 1), 0.1)],
)
def test_price_is_that_of_the_day(day: date, read: float) -> None:
    assert LIST.price("m", day).cache_read == read


def test_snapshot_costs_what_its_model_costs() -> None:
    assert LIST.price("m-20260501", date(2026, 5, 1)).model == "m"


@pytest.mark.parametrize("model", ["m-large", "M", "m-2026", ""])
def test_unknown_model_is_an_error_that_names_the_known(model: str) -> None:
    with pytest.raises(KeyError, match="known: m"):
        LIST.price(model, date(2026, 5, 1))


def test_long_prompt_pays_its_tier_for_every_token() -> None:
    price = shipped_prices().price("claude-haiku-5-5", date(2026, 11, 21))
    at_limit = Tokens(input=60_000, cache_read=40_000, output=1_000)
    beyond = at_limit.model_copy(update={"cache_read": 40_001})
    assert price.usd(at_limit) == pytest.approx((60_000 * 0.1 + 40_000 * 0.01 + 1_000 * 0.5) / 1e6)
    assert price.usd(beyond) == pytest.approx((60_000 * 0.5 + 40_001 * 0.05 + 1_000 * 2.5) / 1e6)


def test_every_shipped_price_is_cheaper_to_read_than_to_send_and_dearer_to_keep_longer() -> None:
    for price in shipped_prices().prices:
        assert 0 < price.cache_read < price.input < price.cache_write_5m < price.cache_write_1h, price.model
        assert price.output > price.input


def test_the_shipped_list_says_where_from_and_when_and_no_entry_is_newer() -> None:
    shipped = shipped_prices()
    assert shipped.source
    assert all(price.since <= shipped.read for price in shipped.prices)


@pytest.mark.parametrize("lacking", ["source", "read"])
def test_a_list_without_source_or_date_is_an_error(lacking: str) -> None:
    whole = {"format": 1, "source": "a vendor's list", "read": "2026-10-07", "prices": []}
    with pytest.raises(ValidationError, match=lacking):
        PriceList.model_validate({name: value for name, value in whole.items() if name != lacking})


def test_misspelt_key_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Price.model_validate({"model": "m", "from": "2026-03-01", **RATES, "cache_read": 0.1, "cache_reed": 0.1})
