"""What a text speaks of: versions by their number, regions by their name, searches by words that engineers use."""

import pytest

from reasoning.relatedness import in_region, named_regions, touches, vocabulary


@pytest.mark.parametrize(
    ("text", "version", "same"),
    [
        ("Limiter in gateway 7.4.0 divides", "gw-7.4.0", True),
        ("v7.4.0", "7.4.0", True),
        ("gateway 7.4.1", "gw-7.4.0", False),
        ("gateway 17.4.0", "gw-7.4.0", False),
        ("7 of 40 requests", "7.4.0", False),
        ("api 2026.11", "2026.11", True),
        ("the gateway limiter", "gateway-7.4.0", False),
    ],
)
def test_a_version_is_its_number_whatever_stands_around_it(text: str, version: str, same: bool) -> None:
    assert touches(text, version) is same


@pytest.mark.parametrize(
    ("text", "regions", "fits"),
    [
        ("Slow API (ap-south)", ["us-east"], False),
        ("Slow API (ap-south)", ["ap-south"], True),
        ("Slow API (ap-south, us-east)", ["us-east"], True),
        ("Slow API", ["us-east"], True),
        ("Slow API (ap-south)", [], True),
    ],
)
def test_a_text_that_names_other_regions_only_is_not_about_this_one(text: str, regions: list[str], fits: bool) -> None:
    assert in_region(text, regions) is fits


@pytest.mark.parametrize(
    ("text", "regions", "fits"),
    [
        ("Errors on /v4/reminders in par", ["ath"], False),
        ("Errors on /v4/reminders in ATH and par", ["ath"], True),
        ("Errors on /v4/reminders", ["ath"], True),
        ("Sparse errors, no partner", ["ath"], True),
        ("Some of us see errors", ["eu"], True),
        ("Errors in US", ["eu"], False),
    ],
)
def test_a_company_may_name_its_regions_as_it_likes(text: str, regions: list[str], fits: bool) -> None:
    assert in_region(text, regions, ("par", "ath", "us", "eu")) is fits


def test_that_something_fails_is_no_word_to_search_for() -> None:
    assert vocabulary(["errors", "rate-limited", "unheard-of"]) == ("rate limit", "limiter", "throttle")
    assert not touches("Errors at the provider", "errors")


@pytest.mark.parametrize(
    ("text", "route", "speaks"),
    [
        ("Errors on /v1/orders/{id} in north", "/v1/orders", False),
        ("Errors on /v1/orders/{order_id}.", "/v1/orders/{id}", True),
        ("/v1/orders answers 500", "/v1/orders/{id}", True),
        ("/v1/orders and /v1/parcels fail", "/v1/parcels", True),
        ("/v2/orders answers 500", "/v1/orders", False),
        ("Orders are slow", "/v1/orders/{id}", True),
        ("srv/api/v1/orders.py", "/v1/orders/{id}", True),
    ],
)
def test_a_text_that_names_routes_speaks_of_those(text: str, route: str, speaks: bool) -> None:
    assert touches(text, route) is speaks


def test_the_company_regions_that_a_text_names_are_found_beside_those_of_clouds() -> None:
    known = ("Northgate", "ber", "US", "lon")
    assert named_regions("Slow in BER, northgate and eu-west-1 since we asked us", known) == (
        "eu-west-1",
        "northgate",
        "ber",
    )
    assert named_regions("northgates and lonely", known) == ()
