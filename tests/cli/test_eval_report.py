"""`whydesk eval report` on the files of a run, beside a world that the generator wrote."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.errors import UsageProblem
from cli.eval_report import eval_report
from evals.generate.digest import world_digest
from evals.generate.make import make
from evals.generate.writer import write_world
from evals.records import Arm, RunFacts, TicketRun
from models.vocabulary import CauseClass, Confidence, Outcome, Severity


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seed") / "world"
    write_world(make(5, 20), folder)
    return folder


def run_file(folder: Path, world: Path) -> Path:
    """Write a run in which every ticket was said to be a bug."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = RunFacts(
        world=world_digest(world),
        world_name="made",
        seed=5,
        playbooks={"api-errors@1": "0" * 64},
        arms=(Arm.RULES,),
        rows=1000,
        began=datetime.now(UTC),
    )
    lines = [
        TicketRun(
            key=f"t{number:04}",
            arm=Arm.RULES,
            outcome=Outcome.DIAGNOSED,
            cause=CauseClass.KNOWN_BUG,
            severity=Severity.LOW,
            confidence=Confidence.LOW,
        )
        for number in range(1, 21)
    ]
    path = folder / "runs.jsonl"
    path.write_text("\n".join(one.model_dump_json() for one in (facts, *lines)) + "\n")
    return path


def test_a_report_is_written_beside_the_run(tmp_path: Path, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run_file(tmp_path / "run", world)
    eval_report([path], [world], None)
    assert capsys.readouterr().out.split() == [str(tmp_path / "run" / name) for name in ("report.md", "report.html")]
    page = (tmp_path / "run" / "report.md").read_text()
    assert "20 played of 20" in page
    assert "whydesk eval --world 5 --out FOLDER --tickets 20" in page
    assert (tmp_path / "run" / "report.html").read_text().startswith("<!doctype html>")


def test_the_newest_run_of_the_state_folder_and_the_world_beside_it_are_taken(
    tmp_path: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYDESK_STATE", str(tmp_path))
    monkeypatch.delenv("WHYDESK_CONFIG", raising=False)
    path = run_file(tmp_path / "eval" / "5-x", world)
    (path.parent / "world").symlink_to(world)
    eval_report(None, None, tmp_path / "out")
    assert (tmp_path / "out" / "report.md").exists()


@pytest.mark.parametrize("named", [lambda world: [], lambda world: [Path("sandbox") / "worlds" / "vellumworks"]])
def test_without_the_world_that_was_played_nothing_is_scored(
    tmp_path: Path, world: Path, named: Callable[[Path], list[Path]]
) -> None:
    path = run_file(tmp_path, world)
    with pytest.raises(UsageProblem, match="name its folder with --world"):
        eval_report([path], named(world), None)


def test_no_run_at_all_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYDESK_STATE", str(tmp_path))
    monkeypatch.delenv("WHYDESK_CONFIG", raising=False)
    with pytest.raises(UsageProblem, match="whydesk eval --world 11"):
        eval_report(None, None, None)
