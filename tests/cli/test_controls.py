"""`whydesk pause`, `resume`, `controls`, `rollout` and the channels of playbooks, over a real ledger."""

import asyncio
import getpass
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.world_tenant import TENANT
from ledger.candidates import SqlCandidates
from ledger.store import SqlLedger
from models.candidate import CandidateResult
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from models.vocabulary import CauseClass, Confidence, Outcome, Severity
from tests.cli.command import Shell
from tests.ledger.investigations import claim, investigate
from tests.master_keys import KEYRING
from tests.test_worker import STATE, load, write_playbook


@pytest.fixture
def site(whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A tenant with two versions of a playbook of its own, and a ledger."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    write_playbook(tmp_path / "own", version=1)
    write_playbook(tmp_path / "own2", ("title: ", "title: Newer "), version=2).rename(
        tmp_path / "own" / "general" / "2.yaml"
    )
    path = tmp_path / "whydesk.yaml"
    load(path, playbook_dirs=["own"])
    for name, value in STATE.secrets().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("WHYDESK_CONFIG", str(path))

    async def make() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING):
            pass

    asyncio.run(make())
    return whydesk


def chain(whydesk: Shell) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in whydesk("audit", "export").out.splitlines()]
    assert whydesk("audit", "verify").code == 0
    return [(line["action"], line["subject"]) for line in lines]


def test_a_pause_is_listed_and_taken_back(site: Shell) -> None:
    said = site("pause", "source", "stripe", "--reason", "vendor breach")
    assert (said.code, said.err) == (0, "")
    assert "paused source stripe: its queries are skipped" in said.out
    assert "nothing was changed" in site("pause", "source", "stripe").out
    site("pause", "tenant", TENANT)
    listed = site("controls").out
    assert "source/stripe  paused  since 20" in listed
    assert "by ada: vendor breach" in listed
    assert f"tenant/{TENANT}  paused" in listed
    assert site("resume", "source", "stripe").out == "resumed source stripe\n"
    assert site("resume", "source", "stripe").out == "source stripe is not paused; nothing was changed\n"
    known = json.loads(site("controls", "--json").out)
    assert [one["scope"] for one in known["controls"]] == [f"tenant/{TENANT}"]
    assert chain(site) == [
        ("pause", "source/stripe"),
        ("pause", f"tenant/{TENANT}"),
        ("resume", "source/stripe"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pause", "source", "strip"), "did you mean 'stripe'?"),
        (("pause", "source"), "say which source: clickhouse"),
        (("pause", "tenant", "nobody"), "no tenant 'nobody'"),
        (("pause", "all", "stripe"), "all takes no name"),
        (("rollout", "tenant", "nobody", "--percent", "5"), "no tenant 'nobody'"),
        (("playbooks", "promote", "general"), "say which version"),
        (("playbooks", "promote", "general@9"), "no version '9'"),
        (("playbooks", "rollback", "general"), "was never promoted"),
        (("playbooks", "rollback", "general@1"), "a rollback leads to the version before"),
    ],
)
def test_what_cannot_be_switched_is_said(site: Shell, arguments: tuple[str, ...], said: str) -> None:
    answer = site(*arguments)
    assert (answer.code, said in answer.err) == (2, True), answer
    assert chain(site) == []


def test_a_rollout_is_listed(site: Shell) -> None:
    assert (
        "25 of a hundred tickets" in site("rollout", "tenant", TENANT, "--percent", "25", "--playbook", "general").out
    )
    assert f"tenant/{TENANT}/playbook/general  percent 25" in site("controls").out


def test_versions_are_promoted_and_rolled_back(site: Shell) -> None:
    own = ("--tenant", TENANT)
    first = site("playbooks", "candidate", "general@2", *own)
    assert f"general@2 runs in shadow beside general@1 for {TENANT}" in first.out, first
    said = site("playbooks", "promote", "general@2", *own, "--reason", "scored better")
    assert "the next ticket gets it; before it was general@1" in said.out, said
    assert "there is nothing to try it against" in site("playbooks", "candidate", "general@2", *own).err
    assert "stable already" in site("playbooks", "promote", "general@2", *own).out
    back = site("playbooks", "rollback", "general", *own)
    assert "general@1 is stable again" in back.out
    assert "general@2 is stable again" in site("playbooks", "rollback", "general", *own).out
    assert site("playbooks", "candidate", "general", "--stop", *own).code == 0
    scope = f"tenant/{TENANT}/playbook/general"
    assert [one for one in chain(site) if one[0] != "playbook.release"] == [
        ("playbook.candidate", f"{scope}@2"),
        ("playbook.promote", f"{scope}@2"),
        ("playbook.rollback", f"{scope}@1"),
        ("playbook.rollback", f"{scope}@2"),
        ("playbook.candidate", scope),
    ]


def test_a_released_file_that_was_changed_cannot_be_promoted(site: Shell, tmp_path: Path) -> None:
    own = ("--tenant", TENANT)
    site("playbooks", "promote", "general@2", *own)
    site("playbooks", "rollback", "general", *own)
    path = tmp_path / "own" / "general" / "2.yaml"
    path.write_text(path.read_text().replace("title: Newer ", "title: Newest ", 1))
    said = site("playbooks", "promote", "general@2", *own)
    assert (said.code, "a released version never changes; write version 3" in said.err) == (2, True), said


def result_of(key: RunKey, cause: CauseClass) -> CandidateResult:
    return CandidateResult(
        key=key,
        playbook="general",
        version=2,
        outcome=Outcome.DIAGNOSED,
        cause=cause,
        severity=Severity.LOW,
        confidence=Confidence.HIGH,
        stable_version=1,
        stable_outcome=Outcome.DIAGNOSED,
        stable_cause=CauseClass.OWN_INCIDENT,
        not_asked=1,
        done_at=datetime.now(UTC),
    )


def test_candidates_are_held_against_what_people_said(site: Shell, tmp_path: Path) -> None:
    assert "no candidate of general has run yet" in site("playbooks", "compare", "general").out

    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            store = SqlCandidates(ledger.database)
            causes = (CauseClass.KNOWN_BUG, CauseClass.OWN_INCIDENT, CauseClass.KNOWN_BUG)
            for number, cause in enumerate(causes):
                key = await investigate(ledger, claim(f"471{number}", f"d-{number}"))
                await store.keep_result(result_of(key, cause))
                await store.keep_result(result_of(key, CauseClass.UNKNOWN))
                if number == 0:
                    said = Feedback(
                        revision=key.revision,
                        verdict=FeedbackVerdict.WRONG,
                        who="ada",
                        cause=CauseClass.KNOWN_BUG,
                        given_at=datetime.now(UTC),
                    )
                    await ledger.give_feedback(key, said)

    asyncio.run(write())
    shown = site("playbooks", "compare", "general").out
    assert shown.splitlines()[1].split() == ["general@2", "@1", "3", "2", "3", "1", "0", "1"]
    assert "diagnosed own_incident -> diagnosed known_bug; people say known_bug" in shown
    whole = json.loads(site("playbooks", "compare", "general", "--json").out)
    assert whole["format"] == 1
    assert [one["differs"] for one in whole["runs"]].count(True) == 2
