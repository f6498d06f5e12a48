"""`whydesk playbooks release`: a version that is worse on a run's kept evidence is refused by name, another one is locked."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.generate.digest import world_digest
from evals.generate.make import make
from evals.generate.truth import BenchFile
from evals.generate.writer import TRUTH, write_world
from evals.records import Arm, RunFacts, TicketRun
from evals.run.frozen import Frozen, reweigh
from models.base import Row
from models.vocabulary import CauseClass, Outcome, Scope, Severity
from playbooks.library import LoadedPlaybook, read_playbook
from tests.cli.command import Shell
from tests.cli.past_runs import ANCHORS, REFUSED, ROWS, evidence

FIXTURE = """\
says: A key that is refused.
reported_at: 2026-03-04T12:00:00Z
anchors: {key_ids: [pk_1]}
evidence:
  keys:
    rows:
      - {key_id: pk_1, last_at: "2026-03-04T11:59:00Z", requests: 100, refused: 98, sample_request_id: r, seen_accounts: a}
expect: {outcome: diagnosed, hypothesis: key-revoked}
"""
BAR = "share > 0.9"
KEYS = ("t0001", "t0002", "t0003")
WEAK: tuple[Row, ...] = tuple({**one, "refused": 150} for one in ROWS["keys"][:1])
"""Three of four requests are refused: below the bar of the first version."""

OTHER_BUG: tuple[Row, ...] = ({**ROWS["bugs"][0], "title": "Something else", "description": "of nobody here"},)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which the first three tickets are about a key that was revoked, as the evidence of the test's run shows."""
    folder = tmp_path_factory.mktemp("released") / "world"
    write_world(make(6, 20), folder)
    bench = BenchFile.model_validate_json((folder / TRUTH).read_bytes())
    for key in KEYS:
        bench.tickets[key] = bench.tickets[key].model_copy(
            update={
                "cause": CauseClass.KEY_REVOKED_OR_EXPIRED,
                "parts": [],
                "also": [],
                "severity_accepts": [Severity.MEDIUM],
                "outcome_accepts": [Outcome.DIAGNOSED],
                "solvable": True,
            }
        )
    (folder / TRUTH).write_text(bench.model_dump_json())
    return folder


class Desk:
    """A folder of playbooks, a run over its first version, and the command."""

    def __init__(self, folder: Path, world: Path, shell: Shell) -> None:
        self.folder = folder / "books"
        self.world = world
        self.shell = shell
        self.run = folder / "runs.jsonl"
        (self.folder / "refused" / "fixtures").mkdir(parents=True)
        (self.folder / "refused" / "fixtures" / "refused.yaml").write_text(FIXTURE)
        self.version(1, REFUSED)

    def version(self, number: int, text: str) -> LoadedPlaybook:
        path = self.folder / "refused" / f"{number}.yaml"
        path.write_text(text.replace("version: 1", f"version: {number}"))
        return read_playbook(path)

    def play(self, *rows: tuple[Row, ...]) -> None:
        """Write the file of a run with one ticket for each answer to the query about keys."""
        first = read_playbook(self.folder / "refused" / "1.yaml")
        lines = [self._line(first, key, keys) for key, keys in zip(KEYS, rows, strict=False)]
        facts = RunFacts(
            world=world_digest(self.world),
            world_name="made",
            seed=6,
            playbooks={"refused@1": first.digest},
            arms=(Arm.RULES,),
            rows=1000,
            began=datetime.now(UTC),
        )
        self.run.write_text("\n".join(one.model_dump_json() for one in (facts, *lines)) + "\n")

    def _line(self, first: LoadedPlaybook, key: str, keys: tuple[Row, ...]) -> TicketRun:
        assert ANCHORS.customer is not None
        found = [
            one.model_copy(update={"customer": ANCHORS.customer.id if one.scope is Scope.CUSTOMER else None})
            for one in evidence(first, {**ROWS, "bugs": OTHER_BUG, "keys": keys})
        ]
        return reweigh(Frozen(key, first.playbook, ANCHORS, found), first.playbook).line

    def release(self, name: str, *more: str) -> tuple[int, str]:
        said = self.shell("playbooks", "release", name, "--dir", str(self.folder), *more)
        return said.code, said.out + said.err

    def release_by_run(self, name: str) -> tuple[int, str]:
        return self.release(name, "--run", str(self.run), "--world", str(self.world))

    @property
    def locked(self) -> dict[str, str]:
        path = self.folder / "lock.json"
        return json.loads(path.read_text()) if path.exists() else {}


@pytest.fixture
def desk(tmp_path: Path, world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("WHYDESK_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("WHYDESK_CONFIG", raising=False)
    return Desk(tmp_path, world, Shell(monkeypatch, capsys))


def test_a_version_that_is_worse_is_refused_and_its_tickets_are_named(desk: Desk) -> None:
    desk.play(ROWS["keys"], WEAK)
    desk.version(2, REFUSED.replace(BAR, "share > 0.99 || requests < 150"))
    code, said = desk.release_by_run("refused@2")
    assert code == 1
    assert "right before, wrong now: 1\n  t0001 (" in said
    assert "key_revoked_or_expired): key_revoked_or_expired -> unknown" in said
    assert "refused@2 is not released: it is worse than refused@1" in said
    assert desk.locked == {}


def test_a_version_that_is_not_worse_is_locked(desk: Desk) -> None:
    desk.play(ROWS["keys"], WEAK)
    desk.version(2, REFUSED.replace(BAR, "share > 0.5"))
    code, said = desk.release_by_run("refused@2")
    assert code == 0
    assert "wrong before, right now: 1\n  t0002 (" in said
    assert desk.locked == {"refused@2": read_playbook(desk.folder / "refused" / "2.yaml").digest}
    assert desk.release_by_run("refused@2") == (0, "refused@2 is released already\n")


def test_as_many_mended_as_broken_are_not_worse(desk: Desk) -> None:
    desk.play(ROWS["keys"], WEAK)
    desk.version(2, REFUSED.replace(BAR, "share > 0.5 && share < 0.9 || requests < 150"))
    code, said = desk.release_by_run("refused@2")
    assert code == 0, said
    assert "right before, wrong now: 1" in said
    assert "wrong before, right now: 1" in said


def test_one_false_high_severity_is_worse_however_many_are_mended(desk: Desk) -> None:
    desk.play(ROWS["keys"], WEAK, WEAK)
    worse = REFUSED.replace(BAR, "share > 0.5").replace("severity: medium", "severity: high")
    desk.version(2, worse.replace("    weight: 40\n", "    weight: 40\n    authoritative: clickhouse\n"))
    code, said = desk.release_by_run("refused@2")
    assert code == 1
    assert "right before, wrong now: 0" in said
    assert "must not happen, and did not before: 3" in said
    assert "false high severity" in said


def test_a_question_that_nobody_asked_is_named(desk: Desk) -> None:
    desk.play(ROWS["keys"])
    desk.version(2, REFUSED.replace("max(request_id) AS sample", "min(request_id) AS sample"))
    code, said = desk.release_by_run("refused@2")
    assert code == 1
    assert "nobody asked keys" in said
    assert "A run with this version in the folder asks it" in said


def test_a_fixture_that_fails_is_enough_to_refuse(desk: Desk) -> None:
    desk.version(2, REFUSED.replace(BAR, "share > 0.99"))
    code, said = desk.release("refused@2")
    assert code == 1
    assert "FAIL refused@2 refused" in said
    assert desk.locked == {}


def test_a_first_version_has_nothing_to_be_worse_than(desk: Desk) -> None:
    code, said = desk.release("refused@1")
    assert code == 0
    assert "no version before it" in said
    assert list(desk.locked) == ["refused@1"]


def test_a_released_version_never_changes(desk: Desk) -> None:
    desk.release("refused@1")
    desk.version(1, REFUSED.replace("weight: 40", "weight: 41"))
    code, said = desk.release("refused@1")
    assert code == 2
    assert "was released with another text" in said


def test_without_a_run_the_message_says_how_to_make_one_and_fixtures_alone_are_asked_for_by_name(desk: Desk) -> None:
    desk.version(2, REFUSED)
    code, said = desk.release("refused@2")
    assert code == 2
    assert "`whydesk eval --world 11` makes one" in said
    desk.play()
    code, said = desk.release_by_run("refused@2")
    assert code == 2
    assert "--fixtures-only" in said
    code, said = desk.release("refused@2", "--fixtures-only")
    assert code == 0
    assert "was not compared with refused@1" in said


def test_a_run_on_the_test_split_is_not_looked_into(desk: Desk) -> None:
    desk.play(ROWS["keys"])
    desk.run.write_text(desk.run.read_text().replace('"split":"dev"', '"split":"test"'))
    desk.version(2, REFUSED)
    code, said = desk.release_by_run("refused@2")
    assert code == 2
    assert "is on the test split" in said


def test_a_line_whose_playbook_was_changed_since_is_left_out(desk: Desk) -> None:
    desk.play(ROWS["keys"])
    desk.version(1, REFUSED.replace("weight: 40", "weight: 41"))
    desk.version(2, REFUSED)
    code, said = desk.release_by_run("refused@2")
    assert code == 2
    assert "left out: t0001: refused@1 is not there as it was" in said


def test_only_the_newest_version_can_be_released_for_the_fixtures_are_its(desk: Desk) -> None:
    desk.version(2, REFUSED)
    code, said = desk.release("refused@1")
    assert code == 2
    assert "release refused@2" in said
