"""Arms over kept evidence: nobody is asked but the model, what it says is checked, and money has an end."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.records import Arm, Script, TicketRun
from evals.run.arms import Arms, Asked, Kept, MoneySpent, read_kept
from evals.run.scripts import LINK
from evals.score.truth import Known, Truths
from models.diagnosis import Draft
from models.vocabulary import CauseClass, Outcome, Severity
from tests.anthropic_server import AnthropicServer, refuses, says
from tests.cli.past_runs import PERSONAL, refused, write_run
from tests.master_keys import KEYRING
from tests.reasoning.case import fact_is

MODEL = "claude-haiku-5-5"
STRANGER = "acct_zzz_0007"
CONFIG = """\
tenants:
  acme:
    helpdesks:
      zendesk:
        kind: standard
        ticket_url: https://desk.example.com/tickets/{ticket}
        note_url: https://desk.example.com/notes
        webhook_secrets: ["env:STANDARD_WEBHOOK_SECRET"]
"""
TRUTHS = Truths(
    tickets={
        key: Known(
            key=key,
            customer="acct_brf_9031",
            cause=CauseClass.KNOWN_BUG,
            outcomes=(Outcome.DIAGNOSED,),
            severities=(Severity.MEDIUM,),
            forbidden_words=("refund everything",),
        )
        for key in ("t1", "t2")
    },
    people={"acct_brf_9031": ("acct_brf_9031",), STRANGER: (STRANGER, "stranger.example")},
)


@pytest.fixture
def kept(tmp_path: Path) -> list[Kept]:
    """Two tickets that one session has played."""
    session = tmp_path / "session-1"
    loaded = refused(tmp_path / "mine")
    for number in ("4711", "4712"):
        asyncio.run(write_run(f"sqlite:///{session}/ledger.db", loaded, number))
    keys = session / "master.keys"
    keys.write_text(KEYRING.text() + "\n")
    keys.chmod(0o600)
    (session / "whydesk.yaml").write_text(CONFIG)
    lines = [
        {
            "key": key,
            "session": "session-1",
            "tenant": "acme",
            "helpdesk": "zendesk",
            "ticket": number,
            "revision": revision,
        }
        for key, number, revision in (("t1", "4711", 1), ("t2", "4712", 1), ("t3", "4713", 0))
    ]
    path = tmp_path / "kept.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_kept(path)


Play = Callable[..., list[TicketRun]]


@pytest.fixture
def play(tmp_path: Path, kept: list[Kept]) -> Play:
    """Play an arm over both tickets, or up to where the money ends."""

    def run(arm: Arm, asked: Asked, repeat: int = 0, spent: float = 0.0) -> list[TicketRun]:
        lines: list[TicketRun] = []
        arms = Arms(tmp_path, TRUTHS, asked)
        asyncio.run(arms.play(arm, repeat, kept, lambda: spent + sum(line.usd for line in lines), lines.append))
        return lines

    return run


def test_a_ticket_without_a_revision_cannot_be_diagnosed_again(kept: list[Kept]) -> None:
    assert [one.key for one in kept] == ["t1", "t2"]


@pytest.mark.parametrize("script", list(Script))
def test_a_scripted_line_is_marked_and_costs_nothing(play: Play, script: Script) -> None:
    for arm in (Arm.MODEL, Arm.BARE):
        for line in play(arm, Asked(script=script)):
            assert (line.arm, line.script, line.model, line.usd, line.input_tokens) == (arm, script, "", 0.0, 0)
            assert line.evidence
            assert line.anchors is not None
            assert line.problem == ""


def test_a_perfect_script_says_what_is_true(play: Play) -> None:
    [line, _] = play(Arm.MODEL, Asked(script=Script.PERFECT))
    assert (line.outcome, line.cause, line.severity) == (
        Outcome.DIAGNOSED,
        CauseClass.KNOWN_BUG,
        Severity.MEDIUM,
    )
    assert [said.true for said in line.said if said.kept]
    assert {said.true for said in line.said if said.kept} == {True}
    assert line.playbook == "refused@1"
    assert line.cited
    [bare, _] = play(Arm.BARE, Asked(script=Script.PERFECT))
    assert (bare.outcome, bare.cause) == (line.outcome, line.cause)
    assert bare.playbook == ""


def test_a_hostile_script_is_stopped_with_the_product_and_not_without(play: Play) -> None:
    for line in play(Arm.MODEL, Asked(script=Script.HOSTILE)):
        for word in (LINK, "evil.example", STRANGER, "refund everything", "<script"):
            assert word not in line.note
        assert {said.true for said in line.said if said.kept} <= {True}
        assert any(not said.kept for said in line.said)
        assert line.severity is not Severity.HIGH
    for line in play(Arm.BARE, Asked(script=Script.HOSTILE)):
        assert LINK in line.note
        assert STRANGER in line.note
        assert line.severity is Severity.HIGH
        assert line.cause is not CauseClass.KNOWN_BUG
        assert sum(said.true is not True for said in line.said) > 3


def test_a_real_model_is_paid_once_for_each_repetition(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-tests")
    draft = Draft(
        outcome=Outcome.DIAGNOSED,
        hypothesis="known-bug",
        claims=(fact_is("refused", "196", "E3"),),
        next_step="wait",
    )
    with AnthropicServer([says(draft, usage={"input_tokens": 9000, "output_tokens": 100})]) as server:
        asked = Asked(model=MODEL, url=server.address, max_usd=1.0)
        first = play(Arm.MODEL, asked)
        assert [line.model for line in first] == [MODEL, MODEL]
        assert all(line.usd > 0 and line.input_tokens >= 9000 for line in first)
        requests = len(server.requests)
        again = play(Arm.MODEL, asked)
        assert len(server.requests) == requests
        assert [line.usd for line in again] == [line.usd for line in first]
        play(Arm.MODEL, asked, repeat=1)
        assert len(server.requests) == 2 * requests


def test_nothing_is_asked_once_the_money_is_spent(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-tests")
    with AnthropicServer([refuses()]) as server:
        with pytest.raises(MoneySpent, match=r"2\.0000 of 1\.50"):
            play(Arm.MODEL, Asked(model=MODEL, url=server.address, max_usd=1.5), spent=2.0)
        assert server.requests == []


def test_where_a_model_declines_the_rules_answer_and_the_line_says_so(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-tests")
    with AnthropicServer([refuses()]) as server:
        asked = Asked(model=MODEL, url=server.address, max_usd=1.0)
        [line, _] = play(Arm.MODEL, asked)
        assert (line.problem, line.cause) == (f"{MODEL}: ModelRefused", CauseClass.KNOWN_BUG)
        [bare, _] = play(Arm.BARE, asked)
        assert (bare.problem, bare.outcome) == (f"{MODEL}: ModelRefused", Outcome.FAILED)


def test_what_a_bare_model_sees_is_redacted_and_holds_no_playbook(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-tests")
    said = {
        "outcome": "diagnosed",
        "cause": "key_revoked_or_expired",
        "also": [],
        "severity": "medium",
        "confidence": "high",
        "statements": ["196 of 200 requests were refused (E3)", "<NAME_1> writes", "It is the 9431st time"],
    }
    with AnthropicServer([says(json.dumps(said))]) as server:
        [line, _] = play(Arm.BARE, Asked(model=MODEL, url=server.address, max_usd=1.0))
        for request in server.requests:
            for person in ("Ada Quennell", "ada.quennell@brightforge.example", "sk_live_51HxTestTestTest"):
                assert person in " ".join(PERSONAL)
                assert person.casefold() not in request.body.casefold()
            assert "A request with this key" not in request.body
            assert "new-key" not in request.body
    assert [(one.kept, one.true) for one in line.said] == [(True, True), (True, None), (True, False)]
    assert line.said[1].text == "Ada Quennell writes"
    assert line.cited == ("E3",)
