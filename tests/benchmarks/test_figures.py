"""Tests of the statistics, the table and the JSON."""

import json
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from benchmarks.figures import Figure, as_table, percentile, this_machine, write_json


def test_a_percentile_is_one_of_the_values_and_covers_the_share() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.01) == 7


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_as_many_values_as_promised_are_not_above_a_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.5)])
def test_no_percentile_is_made_up(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile of"):
        percentile(values, share)


def test_a_goal_is_held_by_the_median_and_not_by_the_best_round() -> None:
    assert Figure("a", "ms", (40.0, 60.0, 70.0), at_most=50).holds is False
    assert Figure("a", "ms", (40.0, 45.0, 70.0), at_most=50).holds is True
    assert Figure("a", "per s", (9.0, 9.0, 30.0), at_least=10).holds is False
    assert Figure("a", "per s", (9.0,)).holds is None


def test_the_table_and_the_file_say_the_same(tmp_path: Path) -> None:
    figures = [Figure("overhead", "ratio", (1.2, 1.0, 1.05), at_most=1.1), Figure("memory", "MiB", (12_345.6,))]
    machine = this_machine(short=True)
    page = StringIO()
    Console(file=page, width=130).print(as_table(figures, machine))
    overhead = next(line for line in page.getvalue().splitlines() if "overhead" in line)
    assert [cell.strip() for cell in overhead.split("│")[2:9]] == ["1.05", "1", "1.2", "3", "ratio", "≤ 1.1", "yes"]
    assert "12,346" in page.getvalue()
    write_json(figures, machine, tmp_path / "new" / "figures.json")
    written = json.loads((tmp_path / "new" / "figures.json").read_text())
    assert written["figures"][0]["rounds"] == [1.2, 1.0, 1.05]
    assert [one["holds"] for one in written["figures"]] == [True, None]
    assert written["machine"]["cores"] >= 1
    assert written["machine"]["short"] is True
