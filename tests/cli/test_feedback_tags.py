"""`whydesk feedback --from-tags` over a real ledger and a scripted helpdesk."""

import json
from pathlib import Path

import pytest

from cli import feedback_tags
from helpdesks.base import HelpdeskUnavailable
from models.run import RunKey
from models.ticket import TicketRef
from tests.cli.command import Shell
from tests.fakes import ScriptedHelpdesk, ticket_of

ACME = """
tenants:
  acme:
    helpdesks:
      zendesk:
        kind: standard
        note_url: http://127.0.0.1:9/notes
        ticket_url: "http://127.0.0.1:9/tickets/{ticket}"
        webhook_secrets: ["env:HOOK"]
"""


@pytest.fixture
def desk(whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedHelpdesk:
    """The helpdesk of the only tenant: ticket 4711 carries a tag, 4712 is deleted."""
    (tmp_path / "whydesk.yaml").write_text(ACME)
    monkeypatch.setenv("HOOK", "whsec_c2VjcmV0")
    desk = ScriptedHelpdesk()
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket="4711")
    desk.tickets["4711"] = ticket_of(ref, tags=("vip", "whydesk-wrong"))
    monkeypatch.setattr(feedback_tags, "make_helpdesk", lambda *_, **__: desk)
    return desk


def test_tags_are_kept_once(whydesk: Shell, runs: list[RunKey], desk: ScriptedHelpdesk) -> None:
    said = whydesk("feedback", "--from-tags")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"kept: {runs[0].investigation} revision 1 is wrong\n1 tickets read, 1 new\n"
    assert whydesk("feedback", "--from-tags").out == "1 tickets read, 0 new\n"
    assert desk.notes == {}
    shown = json.loads(whydesk("show", "4711", "--json").out)
    assert [(one["who"], one["verdict"]) for one in shown["feedback"]] == [("a tag on the ticket", "wrong")]


def test_it_comes_as_json(whydesk: Shell, runs: list[RunKey], desk: ScriptedHelpdesk) -> None:
    report = json.loads(whydesk("feedback", "--from-tags", "--json").out)
    assert (report["format"], report["tickets"], report["problems"]) == (1, 1, [])
    assert report["found"][0]["feedback"]["verdict"] == "wrong"


def test_only_what_ran_since_then_is_read(whydesk: Shell, runs: list[RunKey], desk: ScriptedHelpdesk) -> None:
    assert whydesk("feedback", "--from-tags", "--since", "2099-01-01").out == "0 tickets read, 0 new\n"
    assert desk.reads == 0


def test_a_helpdesk_that_does_not_answer_is_told_and_the_others_are_read(
    whydesk: Shell, runs: list[RunKey], desk: ScriptedHelpdesk
) -> None:
    desk.failures = [HelpdeskUnavailable("no answer")]
    said = whydesk("feedback", "--from-tags")
    assert said.code == 1
    assert said.err.startswith("not read: acme/zendesk/471")
    assert "no answer" in said.err
    assert desk.reads == 2


def test_a_helpdesk_that_is_configured_no_more_is_told(
    whydesk: Shell, runs: list[RunKey], desk: ScriptedHelpdesk, tmp_path: Path
) -> None:
    (tmp_path / "whydesk.yaml").write_text(ACME.replace("      zendesk:", "      portal:"))
    said = whydesk("feedback", "--from-tags")
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert "acme/zendesk is not in" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("4711", "right", "--from-tags"), "--from-tags goes with --since and --json alone"),
        ((), "say which and what"),
        (("4711",), "say which and what"),
        (("--from-tags", "--since", "soon"), "--since 'soon'"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    arguments: tuple[str, ...], said: str, whydesk: Shell, runs: list[RunKey]
) -> None:
    answer = whydesk("feedback", *arguments)
    assert answer.code == 2
    assert said in answer.err
