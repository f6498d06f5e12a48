"""What is said of a confidence: nothing that a hundred labelled runs have not shown, and with its interval."""

import math

import pytest

from models.feedback import Labelled
from models.vocabulary import Confidence
from reasoning.calibration import calibration, interval, share, wilson

HIGH, LOW = Confidence.HIGH, Confidence.LOW


def runs(playbook: str, right: int, of: int, level: Confidence = HIGH) -> Labelled:
    return Labelled(tenant="acme", playbook=playbook, confidence=level, right=right, of=of)


@pytest.mark.parametrize(
    ("labelled", "said"),
    [
        ([], "uncalibrated"),
        ([runs("latency", 80, 90, LOW)], "uncalibrated"),
        ([runs("latency", 1, 1)], "uncalibrated: 1 of 100 labelled runs"),
        ([runs("latency", 50, 59), runs("exports", 40, 40)], "uncalibrated: 99 of 100 labelled runs"),
        ([runs("latency", 50, 60), runs("exports", 40, 40)], "right in 90% of 100 labelled runs, 82–95%"),
        ([runs("exports", 130, 140)], "right in 93% of 140 labelled runs, 87–97%"),
        (
            [runs("latency", 60, 100), runs("exports", 900, 900)],
            "right in 60% of 100 labelled runs of this playbook, 50–70%",
        ),
        ([runs("latency", 9_000, 12_000, HIGH)], "right in 75% of 12,000 labelled runs of this playbook, 74–76%"),
    ],
    ids=["nobody", "another level", "one", "99", "100 of all", "of another playbook", "its own count first", "many"],
)
def test_what_is_said(labelled: list[Labelled], said: str) -> None:
    assert calibration(HIGH, "latency", labelled) == said


@pytest.mark.parametrize(("right", "of"), [(5, 10), (93, 100), (130, 140), (1, 1_000)])
def test_the_interval_ends_where_the_score_test_would_reject(right: int, of: int) -> None:
    for true in wilson(right, of):
        assert abs(right / of - true) / math.sqrt(true * (1 - true) / of) == pytest.approx(1.96, abs=1e-4)


def test_none_and_all_of_ten() -> None:
    square = 1.959964**2
    assert wilson(0, 10) == pytest.approx((0.0, square / (10 + square)))
    assert wilson(10, 10) == pytest.approx((10 / (10 + square), 1.0))


@pytest.mark.parametrize(("right", "of"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_share_is_an_error(right: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(right, of)


def test_rounding_promises_nothing() -> None:
    assert [share(right, 1_000) for right in (0, 1, 994, 999, 1_000)] == ["0%", "1%", "99%", "99%", "100%"]
    assert interval(999, 1_000) == "99–100%"
    for of in range(1, 60):
        for right in range(of + 1):
            low, high = wilson(right, of)
            assert 0 <= low <= right / of <= high <= 1
