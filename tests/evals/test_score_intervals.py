"""Intervals against values that stand in tables."""

import pytest

from evals.score.intervals import at_most, count, over_repeats, share, student_quantile, upper_bound, wilson


@pytest.mark.parametrize(
    ("times", "of", "upper"),
    [(0, 10, 0.2589), (0, 240, 0.01240), (0, 1, 0.95), (1, 10, 0.3942), (3, 100, 0.0757), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_the_upper_bound_is_clopper_and_pearsons(times: int, of: int, upper: float) -> None:
    assert upper_bound(times, of) == pytest.approx(upper, abs=2e-4)


def test_the_rule_of_three_is_near_it() -> None:
    assert upper_bound(0, 300) == pytest.approx(3 / 300, rel=0.02)


def test_more_hits_than_tries_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        upper_bound(3, 2)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (5, 10, 0.2366, 0.7634)],
)
def test_a_share_has_wilsons_interval(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(1, 12.706), (2, 4.3027), (4, 2.7764), (9, 2.2622), (30, 2.0423), (1000, 1.9623)]
)
def test_students_quantile_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, rel=1e-4)


def test_repeats_have_an_interval_of_their_own_from_two_on() -> None:
    assert over_repeats([0.9]) is None
    found = over_repeats([0.9, 0.92, 0.94])
    assert found == pytest.approx((0.92 - 4.3027 * 0.02 / 3**0.5, 0.92 + 4.3027 * 0.02 / 3**0.5), rel=1e-4)


def test_nothing_counted_says_nothing() -> None:
    assert share(0, 0).value is None
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)
    assert count(0, 0).upper == 1.0


def test_a_share_of_all_or_nothing_is_certain() -> None:
    assert at_most(0, 5, 0.0) == 1.0
    assert at_most(4, 5, 1.0) == 0.0
    assert at_most(5, 5, 1.0) == 1.0
