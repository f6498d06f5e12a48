"""The test split is counted, and kept from those who mend playbooks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.demo import DEFAULT_WORLD
from evals.run import openings
from evals.run.openings import count_opening, read_openings
from evals.run.results import NAME, Results
from evals.run.worlds import PlayedWorld
from tests.cli.command import Shell
from tests.evals.run.lines import facts, line

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


@pytest.fixture
def whydesk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_each_run_on_a_world_is_counted_for_its_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "openings.jsonl"
    assert [count_opening("w1", "one", "c", NOW, path) for _ in range(3)] == [1, 2, 3]
    assert count_opening("w2", "two", "c", NOW, path) == 1
    monkeypatch.setattr(openings, "release", lambda: "99.0")
    assert count_opening("w1", "one", "c", NOW, path) == 1
    assert [one.world for one in read_openings(path)] == ["w1", "w1", "w1", "w2", "w1"]


def test_a_file_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "openings.jsonl"
    count_opening("w1", "one", "c", NOW, path)
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(ValueError, match="no opening of the test split"):
        count_opening("w1", "one", "c", NOW, path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--world", "1"), "the world of seed 1 is of the test split"),
        (("--world", "102", "--split", "dev"), "the world of seed 102 is of the test split"),
        (("--world", "1", "--split", "test", "--misses"), "--misses does not go with --split test"),
        (("--world", "11", "--split", "prod"), "no split 'prod'"),
        (("--arms", "model", "--world", "11"), "need a model"),
        (("--arms", "oracle", "--world", "11"), "no arm 'oracle'"),
        (("--script", "evil", "--world", "11"), "no script 'evil'"),
        (("--script", "sloppy", "--model", "claude-haiku-5-5", "--world", "11"), "do not go together"),
        (("--model", "claude-haiku-5-5", "--world", "11"), "needs ANTHROPIC_API_KEY"),
        ((), "--world is needed"),
        (("--world", "nowhere-at-all"), "nowhere-at-all"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_starts(
    whydesk: Shell, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    told = whydesk("eval", *arguments, "--out", str(tmp_path / "out"))
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert not (tmp_path / "out" / "session-1").exists()


def test_a_model_has_a_cap_and_a_price(whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    out = ("--out", str(tmp_path / "out"), "--world", "11", "--arms", "bare")
    assert "--max-usd" in whydesk("eval", *out, "--model", "claude-haiku-5-5").err
    assert "no price" in whydesk("eval", *out, "--model", "claude-9", "--max-usd", "1").err


def test_a_run_that_is_over_can_be_looked_at_whatever_the_code_is_now(whydesk: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = whydesk("eval", "--world", str(DEFAULT_WORLD), "--ticket", "nobody", "--out", str(out))
    assert (told.code, "no ticket 'nobody'" in told.err) == (2, True)
    world = PlayedWorld(out / "world")
    results = Results.begin(out / NAME, facts(world=world.digest, code="of yesterday"))
    for key in world.keys[1:]:
        results.add(line(key))
    rest = tuple(part for key in world.keys[1:] for part in ("--ticket", key))
    told = whydesk("eval", "--out", str(out), "--misses", *rest)
    assert told.code == 0, told.err
    assert f"of {len(world.keys) - 1} solvable tickets right" in told.out
    assert "missed" in told.out
    told = whydesk("eval", "--out", str(out), "--misses")
    assert (told.code, "was begun under other conditions" in told.err) == (2, True)


def test_a_run_on_the_test_split_shows_no_misses_later(whydesk: Shell, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world = PlayedWorld(DEFAULT_WORLD)
    out.mkdir()
    (out / "world").symlink_to(DEFAULT_WORLD, target_is_directory=True)
    results = Results.begin(out / NAME, facts(world=world.digest, split="test"))
    results.add(line(world.keys[0]))
    told = whydesk("eval", "--out", str(out), "--misses", "--ticket", world.keys[0])
    assert (told.code, told.out) == (2, "")
    assert "--misses does not go with --split test" in told.err
