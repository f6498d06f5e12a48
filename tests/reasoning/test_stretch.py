"""The worst stretch of a series: found whether it goes on or is over, however thin the traffic, and never in what is ordinary."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from models.customer import Anchors, Window
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.facts import compute_facts
from reasoning.onset import Bucket
from reasoning.stretch import find_stretch
from tests.reasoning.case import PLAYBOOK

START = datetime(2026, 3, 12, tzinfo=UTC)
USUAL, SLOW = 0.06, 0.7


def at(index: float) -> datetime:
    return START + timedelta(minutes=3 * index)


def traffic(seed: int, per_bucket: float, bad: Callable[[int], bool], count: int = 960) -> list[Bucket]:
    """Buckets of some requests each; a bucket without requests is not in a series."""
    rng = random.Random(seed)
    made = []
    for index in range(count):
        requests = sum(rng.random() < per_bucket / 10 for _ in range(10))
        if requests:
            chance = SLOW if bad(index) else USUAL
            made.append(Bucket(at(index), sum(rng.random() < chance for _ in range(requests)) / requests, requests))
    return made


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("per_bucket", [0.5, 3.0])
def test_a_stretch_that_is_over_is_found_with_its_end(seed: int, per_bucket: float) -> None:
    found = find_stretch(traffic(seed, per_bucket, lambda index: 300 <= index < 360))
    assert found is not None
    assert found.end is not None
    assert abs(found.start - at(300)) <= timedelta(minutes=45)
    assert abs(found.end - at(360)) <= timedelta(minutes=45)
    assert found.confidence > 0.99
    assert found.inside > 0.5 > 0.1 > found.outside


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("per_bucket", [0.5, 3.0])
def test_a_stretch_that_goes_on_has_no_end(seed: int, per_bucket: float) -> None:
    found = find_stretch(traffic(seed, per_bucket, lambda index: index >= 880))
    assert found is not None
    assert (found.end, found.confidence > 0.99) == (None, True)


def test_one_good_bucket_at_the_end_is_no_recovery() -> None:
    series = [Bucket(at(index), USUAL, 20) for index in range(100)]
    series += [Bucket(at(100 + index), SLOW, 20) for index in range(20)]
    found = find_stretch([*series, Bucket(at(120), 0.0, 1)])
    assert found is not None
    assert (found.start, found.end) == (at(100), None)
    found = find_stretch([*series, Bucket(at(120), 0.0, 20)])
    assert found is not None
    assert (found.start, found.end) == (at(100), at(120))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("per_bucket", [0.3, 1.0, 8.0])
def test_ordinary_traffic_has_no_stretch_that_is_sure(seed: int, per_bucket: float) -> None:
    found = find_stretch(traffic(seed, per_bucket, lambda _: False))
    assert found is None or found.confidence < 0.5


def test_order_and_empty_buckets_do_not_matter() -> None:
    series = traffic(1, 3.0, lambda index: index >= 900)
    mixed = [*series, *(Bucket(at(-index), 0.0, 0.0) for index in range(1, 5))]
    random.Random(2).shuffle(mixed)
    assert find_stretch(mixed) == find_stretch(series)


def test_a_series_that_is_bad_throughout_or_too_short_has_none() -> None:
    assert find_stretch([Bucket(at(index), 1.0, 10) for index in range(50)]) is None
    assert find_stretch([Bucket(at(index), float(index > 2), 10) for index in range(5)]) is None
    assert find_stretch([]) is None


def facts_of(bad: Callable[[int], bool], least: float = 0.9) -> dict[str, object]:
    args = {"query": "errors", "time": "bucket", "column": "slow", "total": "requests", "least": least}
    specs = {
        "begun": {"fn": "stretch", "label": "begin", "unit": "time", "args": args},
        "ended": {"fn": "stretch_end", "label": "end", "unit": "time", "args": args},
    }
    playbook = Playbook.model_validate({**PLAYBOOK.model_dump(mode="json"), "facts": specs, "hypotheses": []})
    rows = tuple(
        {"bucket": at(index).isoformat(), "slow": 14 if bad(index) else 1, "requests": 20} for index in range(200)
    )
    evidence = Evidence(
        id="E1", query="errors", source=Source.CLICKHOUSE, title="requests", scope=Scope.SHARED, rows=rows,
        status=EvidenceStatus.FOUND, fetched_at=at(200),
    )  # fmt: skip
    anchors = Anchors(reported_at=at(200), symptom_at=at(180), window=Window(start=at(0), end=at(200)))
    return {name: fact.value for name, fact in compute_facts(playbook, [evidence], anchors).items()}


def test_the_facts_say_start_and_end_and_stay_unknown_where_there_is_none() -> None:
    assert facts_of(lambda index: 100 <= index < 130) == {"begun": at(100), "ended": at(130)}
    assert facts_of(lambda index: index >= 170) == {"begun": at(170), "ended": None}
    assert facts_of(lambda _: False) == {"begun": None, "ended": None}
