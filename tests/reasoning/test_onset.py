"""The change point over thin series: few requests in a bucket must neither hide a rise nor make one."""

from datetime import UTC, datetime, timedelta

from reasoning.onset import Bucket, find_onset

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
