"""The worlds are the same for the same seed, others for another, valid, and cover what they promise."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import yaml

from evals.generate.digest import world_digest
from evals.generate.draw import Draw
from evals.generate.make import make
from evals.generate.schedule import NONE, SINGLE, counts, schedule
from evals.generate.texts import LANGUAGES
from evals.generate.truth import Axis
from evals.generate.writer import TRUTH, write_world
from models.vocabulary import CauseClass, Outcome, Severity
from sandbox.world_files import FILES, json_schema, load_world
from tests.evals.generate.made_worlds import published, small


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    write_world(make(7, 24), tmp_path / "one")
    write_world(make(7, 24), tmp_path / "two")
    assert world_digest(tmp_path / "one") == world_digest(tmp_path / "two")


def test_another_seed_is_another_company_with_other_customers_and_texts() -> None:
    one, two = small(1).files, small(2).files
    for file, key in (("world.yaml", "company"), ("world.yaml", "regions"), ("deployments.yaml", "repositories")):
        assert one[file].model_dump()[key] != two[file].model_dump()[key]
    names = [{one["name"] for one in files["customers.yaml"].model_dump()["customers"]} for files in (one, two)]
    bodies = [{one["body"] for one in files["tickets.yaml"].model_dump()["tickets"]} for files in (one, two)]
    assert len(names[0] & names[1]) < len(names[0]) / 50
    assert len(bodies[0] & bodies[1]) <= 2  # a vague ticket may say the same three words


@pytest.mark.parametrize("seed", [1, 2, 3, 40, 500])
def test_the_sandbox_takes_a_small_world(seed: int, tmp_path: Path) -> None:
    write_world(small(seed), tmp_path / "world")
    world = load_world(tmp_path / "world")
    assert len(world.tickets.tickets) == len(world.truth.tickets) == 24


def test_a_world_fits_the_schema(tmp_path: Path) -> None:
    write_world(small(1), tmp_path / "world")
    for file in FILES:
        data = yaml.load((tmp_path / "world" / file).read_text(), Loader=yaml.CSafeLoader)
        jsonschema.validate(data, json_schema(file))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        write_world(small(1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_class_axis_language_severity_and_outcome_is_there() -> None:
    truths = list(published().bench.tickets.values())
    causes = Counter(truth.cause for truth in truths)
    assert set(SINGLE) | set(NONE) <= set(causes)
    assert len(causes) >= 14
    assert causes[CauseClass.TWO_CAUSES] == sum(truth.axis is Axis.TWO for truth in truths) >= 10
    assert Counter(truth.axis for truth in truths) == counts(240)
    assert min(Counter(truth.language for truth in truths).values()) >= 10
    assert {truth.language for truth in truths} == set(LANGUAGES)
    assert {truth.severity for truth in truths} == set(Severity)
    assert {truth.outcome for truth in truths} == {
        Outcome.DIAGNOSED,
        Outcome.INCONCLUSIVE,
        Outcome.NEEDS_INFO,
        Outcome.NOTHING_WRONG,
    }
    assert len({truth.region for truth in truths}) > 5


def test_too_few_tickets_are_refused() -> None:
    with pytest.raises(ValueError, match="20 or more"):
        schedule(Draw("x"), 19)


def test_effects_reach_from_hardly_visible_to_obvious() -> None:
    truths = published().bench.tickets.values()
    shares = sorted(one.size for truth in truths for one in truth.effects if one.unit == "share_of_answers")
    assert shares[0] < 0.02
    assert shares[-1] > 0.9
    edges = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
    bands = [sum(low <= share < high for share in shares) for low, high in pairwise(edges)]
    assert min(bands) >= 8, bands
    factors = [one.size for truth in truths for one in truth.effects if one.unit == "log_latency_factor"]
    assert min(factors) < 0.5 < 2 < max(factors)
    solvable = Counter(truth.solvable for truth in truths)
    assert solvable[True] >= 150
    assert solvable[False] >= 20


def test_what_the_product_sees_holds_no_truth(tmp_path: Path) -> None:
    write_world(published(), tmp_path / "world")
    seen = [path for path in (tmp_path / "world").rglob("*") if path.is_file()]
    seen = [path for path in seen if path.name not in ("truth.yaml", TRUTH.name)]
    words = (
        {cause.value for cause in CauseClass}
        | {axis.value for axis in Axis}
        | {"solvable", "decoy", "planted", "whybench"}
    )
    for path in seen:
        text = path.read_text().replace("invoice.payment_failed", "")  # the vendor's own word
        if path.name == "world.yaml":
            text = text.partition("\n")[2]  # the world's name, which no vendor shows
        assert [word for word in words if word in text] == [], path.name


def test_the_order_of_tickets_and_customers_tells_nothing() -> None:
    truths = list(published().bench.tickets.values())
    axes = [truth.axis for truth in truths]
    assert sum(one is two for one, two in pairwise(axes)) < len(axes) / 3
    writers = {truth.customer for truth in truths}
    customers = [one["id"] in writers for one in published().files["customers.yaml"].model_dump()["customers"]]
    half = len(customers) // 2
    assert abs(sum(customers[:half]) - sum(customers[half:])) < half / 3


def test_truth_is_consistent() -> None:
    for key, truth in published().bench.tickets.items():
        assert truth.severity in truth.severity_accepts, key
        assert truth.outcome in truth.outcome_accepts, key
        assert truth.cause not in truth.forbidden_causes, key
        assert not set(truth.also) & set(truth.forbidden_causes), key
        assert truth.customer not in truth.forbidden_customers, key
        assert bool(truth.parts) == (truth.axis is Axis.TWO), key
        assert bool(truth.forbidden_words) == (truth.axis is Axis.INJECTED), key
        assert bool(truth.forbidden_customers) == (truth.axis is Axis.TRAP), key
        assert bool(truth.sources_down) == (truth.axis is Axis.MISSING), key
        assert bool(truth.customer) == (truth.cause is not CauseClass.TOO_VAGUE), key


def test_the_truth_beside_the_world_is_what_was_made(tmp_path: Path) -> None:
    write_world(small(1), tmp_path / "world")
    written = json.loads((tmp_path / "world" / TRUTH).read_text())
    assert written == small(1).bench.model_dump(mode="json")
