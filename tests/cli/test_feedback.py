"""`whydesk feedback` over a real ledger."""

import asyncio
import getpass
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.run import RunKey
from models.vocabulary import Outcome
from tests.cli.command import Shell
from tests.ledger.investigations import claim, outcome
from tests.master_keys import KEYRING


@pytest.fixture(autouse=True)
def ada(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")


@pytest.mark.parametrize("name", ["4711", "acme/zendesk/4711", "the investigation's id"])
def test_it_is_kept_and_shown_whatever_name_the_run_is_given(name: str, whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("feedback", runs[0].investigation if name.startswith("the") else name, "right")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"kept: {runs[0].investigation} revision 1, ticket 4711 is right, says ada\n"
    assert "right, says ada" in whydesk("show", "4711").out


def test_all_are_kept_and_the_last_of_each_person_counts(
    whydesk: Shell, runs: list[RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    whydesk("feedback", "4711", "right")
    monkeypatch.setattr(getpass, "getuser", lambda: "bo")
    whydesk("feedback", "4711", "right")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    said = whydesk("feedback", "4711", "wrong", "--cause", "known_bug", "--comment", "  EDGE-412 ", "--json")
    given = json.loads(said.out)
    assert given["format"] == 1
    assert given["key"]["revision"] == 1
    assert (given["feedback"]["cause"], given["feedback"]["comment"]) == ("known_bug", "EDGE-412")
    assert {(one["who"], one["verdict"]) for one in given["counts"]} == {("ada", "wrong"), ("bo", "right")}
    assert len(json.loads(whydesk("show", "4711", "--json").out)["feedback"]) == 3
    assert "others: right, says bo" in whydesk("feedback", "4711", "wrong").out


def test_the_last_revision_that_said_something_is_meant(whydesk: Shell, runs: list[RunKey], tmp_path: Path) -> None:
    async def go_on() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            silent = (await ledger.claim_delivery(claim("4711", "d-2"))).key
            await ledger.record_outcome(outcome(silent, Outcome.NOTHING_NEW))
            await ledger.claim_delivery(claim("4711", "d-3"))

    asyncio.run(go_on())
    assert "revision 1" in whydesk("feedback", "4711", "right").out
    silent, running = (whydesk("feedback", "4711", "right", "--revision", number) for number in ("2", "3"))
    assert (silent.code, running.code) == (2, 2)
    assert "nothing new and said nothing" in silent.err
    assert "still running" in running.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("4711", "perhaps"), "'perhaps' is not one of"),
        (("1", "right"), "the ledger has no investigation '1'"),
        (("4713", "right"), "no revision of acme/zendesk/4713 has ended with a diagnosis yet"),
        (("4711", "right", "--revision", "7"), "no revision 7; the last one is 1"),
        (("4711", "wrong", "--cause", "gremlins"), "--cause"),
        (("4711", "right", "--cause", "known_bug"), "says 'deploy_regression'; if that is right leave --cause out"),
    ],
)
def test_what_cannot_be_kept_is_told(arguments: tuple[str, ...], said: str, whydesk: Shell, runs: list[RunKey]) -> None:
    answer = whydesk("feedback", *arguments)
    assert answer.code == 2
    assert said in " ".join(answer.err.replace("│", " ").split())
    assert "Traceback" not in answer.err
    assert json.loads(whydesk("list", "--json", "--feedback", "right").out) == []


def test_the_cause_that_was_found_may_be_repeated(whydesk: Shell, runs: list[RunKey]) -> None:
    assert whydesk("feedback", "4711", "right", "--cause", "deploy_regression").code == 0


def test_reliability_is_shown_by_playbook_and_level(whydesk: Shell, runs: list[RunKey]) -> None:
    assert "notes say `uncalibrated`" in whydesk("feedback", "--reliability").out
    whydesk("feedback", "4711", "right")
    shown = whydesk("feedback", "--reliability")
    assert (shown.code, shown.err) == (0, "")
    assert "uncalibrated: 1 of 100 labelled runs" in " ".join(shown.out.split())
    [line] = json.loads(whydesk("feedback", "--reliability", "--json").out)["lines"]
    assert (line["tenant"], line["playbook"], line["confidence"]) == ("acme", "api-errors", "medium")
    assert (line["right"], line["labelled"], line["high"]) == (1, 1, 1.0)
    assert 0.2 < line["low"] < 0.21
    wrong = whydesk("feedback", "4711", "right", "--reliability")
    assert (wrong.code, "--reliability goes with --json alone" in wrong.err) == (2, True)
