"""What `whydesk demo` refuses before it starts anything, and what it counts as wrong in its report."""

from pathlib import Path

import pytest

from cli import demo
from cli.demo_report import Told
from models.evidence import EvidenceRef
from models.run import RevisionResult
from models.vocabulary import CauseClass, EvidenceStatus, Outcome, Severity, Source
from sandbox.world_files import load_world
from sandbox.world_tickets import Truth
from tests.cli.command import Shell
from tests.cli.running import mentioning

KEYS = [ticket.key for ticket in load_world(demo.DEFAULT_WORLD).tickets.tickets]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ticket", "0"], f"no ticket '0' in {demo.DEFAULT_WORLD}; there are 1 to {len(KEYS)}: {KEYS[0]}"),
        (["--ticket", str(len(KEYS) + 1)], f"there are 1 to {len(KEYS)}"),
        (["--ticket", "²"], "no ticket '²'"),
        (["--ticket", "no-such"], "no ticket 'no-such'"),
        (["--latency", "slow"], "--latency 'slow': write two numbers of seconds, such as 0."),
        (["--latency", "1,x"], "--latency '1,x': write two numbers"),
        (["--latency", "2,1"], "--latency '2,1': the lower number comes first"),
        (["--latency", "-1,1"], "--latency '-1,1': the lower number comes first"),
        (["--latency", "nan"], "--latency 'nan': the lower number comes first"),
        (["--model", "claude-x"], "--model needs ANTHROPIC_API_KEY in the environment"),
        (["--json", "/nowhere/deep/out.json"], "--json '/nowhere/deep/out.json': there is no such folder"),
        (["--world", "/nowhere"], "/nowhere is no valid world; `whydesk world validate /nowhere` says why"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(
    options: list[str], words: str, whydesk: Shell, tmp_path: Path
) -> None:
    said = whydesk("demo", *options)
    assert said.code == 2
    assert said.err.startswith("whydesk: ")
    assert words in said.err
    assert not (tmp_path / "state").exists()
    assert mentioning(str(tmp_path / "state")) == {}


@pytest.mark.parametrize("rows", ["0", "-5", "many"])
def test_rows_are_a_number_above_zero(rows: str, whydesk: Shell) -> None:
    said = whydesk("demo", "--rows", rows)
    assert said.code == 2
    assert "--rows" in said.err


def test_the_cost_is_shown_and_asked_for(whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda question: asked.append(question))
    said = whydesk("demo", "--model", "claude-opus-5", "--ticket", "1")
    assert said.code == 1, "a no is a no"
    assert asked == ["Go on?"]
    assert "claude-opus-5: at most $" in said.out
    assert "for 1" in said.out
    assert "sk-ant-secret" not in said.out + said.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "bounds"), [("0.2,1.5", (0.2, 1.5)), ("1", (1.0, 1.0)), ("0,0", (0.0, 0.0)), ("1,", (1.0, 1.0))]
)
def test_latency(text: str, bounds: tuple[float, float]) -> None:
    assert demo._latency(text) == bounds


def test_a_ticket_is_chosen_by_its_number_or_its_key() -> None:
    assert demo._chosen(demo.DEFAULT_WORLD, None) == KEYS
    assert demo._chosen(demo.DEFAULT_WORLD, "2") == [KEYS[1]]
    assert demo._chosen(demo.DEFAULT_WORLD, KEYS[-1]) == [KEYS[-1]]


def test_a_fresh_demo_keeps_folders_and_the_file_that_holds_the_lock(tmp_path: Path) -> None:
    for name in ("ledger.db", "temporal.db", "up.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / "logs").mkdir()
    demo.clear(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"up.json", "logs"}


TRUTH = Truth.model_validate(
    {
        "outcome": "diagnosed",
        "cause": "rate_limit_plan",
        "also": ["known_bug"],
        "severity": "medium",
        "sources": ["clickhouse", "stripe"],
        "why": "they call too often",
    }
)


def answer(source: Source, status: EvidenceStatus = EvidenceStatus.FOUND) -> EvidenceRef:
    return EvidenceRef(id="E1", query="q", source=source, status=status, digest="d")


def told(
    *,
    outcome: Outcome = Outcome.DIAGNOSED,
    cause: str = TRUTH.cause,
    severity: str = TRUTH.severity.value,
    notes: int = 1,
    stripe: EvidenceStatus = EvidenceStatus.EMPTY,
) -> Told:
    result = RevisionResult(
        investigation="inv-x", revision=1, outcome=outcome, cause=CauseClass(cause), severity=Severity(severity)
    )
    evidence = (answer(Source.CLICKHOUSE), answer(Source.STRIPE, stripe))
    return Told("k", "s", TRUTH, result=result, notes=["<p>n</p>"] * notes, evidence=evidence)


def test_what_ended_as_it_should_has_no_problem() -> None:
    assert told().problems == []
    assert told(cause="known_bug").problems == [], "another cause that is right as well"
    assert told(severity="low").problems == [], "modesty is no fault"


def test_no_answer_is_a_problem_of_its_own() -> None:
    silent = Told("k", "s", TRUTH)
    assert (silent.found, silent.problems) == ("no answer", ["no result"])


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (told(outcome=Outcome.INCONCLUSIVE), "outcome inconclusive instead of diagnosed"),
        (told(cause="own_incident"), "cause own_incident instead of rate_limit_plan"),
        (told(severity="high"), "severity high above medium"),
        (told(notes=0), "0 notes instead of 1"),
        (told(notes=2), "2 notes instead of 1"),
        (told(stripe=EvidenceStatus.FAILED), "stripe was not used"),
        (told(stripe=EvidenceStatus.SKIPPED), "stripe was not used"),
    ],
)
def test_each_kind_of_problem_is_said(one: Told, problem: str) -> None:
    assert one.problems == [problem]
    assert one.as_json()["problems"] == [problem]


def test_several_problems_are_all_said() -> None:
    assert len(told(cause="own_incident", severity="high", notes=3).problems) == 3
