"""The file of a run: what was written is read again, what stopped goes on, and two runs are never mixed."""

from pathlib import Path

import pytest

from evals.records import Arm, Script
from evals.run.results import OtherRun, Results, key_of
from tests.evals.run.lines import facts, line


def test_what_was_written_is_there_when_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "out" / "runs.jsonl"
    first = Results.begin(path, facts())
    first.add(line("t1"))
    first.add(line("t2", note="two\nlines"))
    again = Results.begin(path, facts(opened=1))
    assert again.runs == first.runs
    assert again.facts == first.facts
    assert [run.key for run in again.runs.values()] == ["t1", "t2"]


def test_a_line_that_a_crash_cut_is_played_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    results = Results.begin(path, facts())
    results.add(line("t1"))
    whole = path.read_text()
    path.write_text(whole + line("t2").model_dump_json()[:40])
    again = Results.begin(path, facts())
    assert [run.key for run in again.runs.values()] == ["t1"]
    again.add(line("t2"))
    assert [run.key for run in Results.read(path).runs.values()] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"world": "x" * 64}, "the world"),
        ({"playbooks": {"general@2": "q" * 64}}, "the playbooks"),
        ({"code": "d" * 64}, "the code"),
        ({"rows": 10}, "log rows"),
        ({"split": "test"}, "the split"),
    ],
)
def test_a_run_under_other_conditions_is_another_run(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    path = tmp_path / "runs.jsonl"
    Results.begin(path, facts()).add(line("t1"))
    before = path.read_text()
    with pytest.raises(OtherRun, match=named):
        Results.begin(path, facts(**changes))
    assert path.read_text() == before


@pytest.mark.parametrize("text", ["", "{}\n", "no run\n", facts().model_dump_json() + "\n{}\n"])
def test_a_file_of_something_else_is_not_written_to(tmp_path: Path, text: str) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text(text)
    if not text:
        assert Results.begin(path, facts()).runs == {}
        return
    with pytest.raises(OtherRun, match="no file of a run"):
        Results.begin(path, facts())
    assert path.read_text() == text


def test_arms_scripts_and_repetitions_are_lines_of_their_own() -> None:
    one = line("t1")
    others = [
        one.model_copy(update={"arm": Arm.MODEL}),
        one.model_copy(update={"arm": Arm.MODEL, "script": Script.SLOPPY}),
        one.model_copy(update={"repeat": 1}),
        one.model_copy(update={"key": "t2"}),
    ]
    assert len({key_of(run) for run in (one, *others)}) == 5
