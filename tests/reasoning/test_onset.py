"""The change point over thin series: few requests in a bucket must neither hide a rise nor make one."""

from datetime import UTC, datetime, timedelta

import pytest

from reasoning.onset import Bucket, find_onset
from tests.reasoning.onset_accuracy import measure, measure_level

START = datetime(2026, 3, 12, tzinfo=UTC)


def series(*values: tuple[float, float]) -> list[Bucket]:
    return [Bucket(START + timedelta(minutes=3 * at), share, weight) for at, (share, weight) in enumerate(values)]


def test_a_rise_over_buckets_of_one_request_is_clear() -> None:
    quiet = [(0.0, 1.0)] * 200
    # Every other request fails.
    loud = [(float(at % 2), 1.0) for at in range(200)]
    found = find_onset(series(*quiet, *loud), shares=True)
    assert found is not None
    assert abs(found.at - (START + timedelta(minutes=600))) <= timedelta(minutes=6)
    assert found.confidence > 0.95


def test_two_failures_at_the_end_are_no_rise() -> None:
    assert find_onset(series(*[(0.0, 1.0)] * 200, (1.0, 1.0), (1.0, 1.0)), shares=True) is None


def test_a_usual_share_of_errors_in_thin_buckets_is_no_clear_rise() -> None:
    found = find_onset(series(*[(float(at % 23 == 0), 1.0) for at in range(400)]), shares=True)
    assert found is None or found.confidence < 0.6


def test_a_few_failures_in_one_busy_bucket_are_chance() -> None:
    flat = [(0.01, 500.0)] * 280
    assert find_onset(series(*flat, (0.03, 500.0)), shares=True) is None
    assert find_onset(series(*flat, (0.06, 500.0)), shares=True) is not None


@pytest.mark.parametrize(
    ("load", "growth", "least", "most_elsewhere"), [(50, 1.0, 0.0, 0.05), (50, 10.0, 0.8, 0.0), (50, 40.0, 0.95, 0.0)]
)
def test_generated_series_are_found_as_the_decision_page_says(
    load: int, growth: float, least: float, most_elsewhere: float
) -> None:
    found = measure(load, growth, runs=20)
    assert found.exact >= least
    assert found.elsewhere <= most_elsewhere


def test_scattered_levels_are_no_onset_and_a_clear_step_is() -> None:
    assert measure_level(0.6, 1.0, runs=40).elsewhere == 0
    assert measure_level(0.3, 2.0, runs=40).near >= 0.95
