"""`whydesk backtest` as a process beside a real server, worker and ledger; what it refuses before anything is started."""

import json
from pathlib import Path

import pytest
import yaml

from ledger.store import SqlLedger
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from tests.cli.command import Shell
from tests.cli.terminal import Terminal
from tests.conftest import PROBE_PLAYBOOKS
from tests.fakes import WRITTEN_AT
from tests.workflows.house import House

DESK = {
    "kind": "standard",
    "note_url": "http://127.0.0.1:9/n",
    "ticket_url": "http://127.0.0.1:9/t/{ticket}",
    "webhook_secrets": ["env:NONE"],
}


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_command_prints_what_changed_by_cause_and_goes_on(
    house: House, temporal_address: str, tmp_path: Path, ledger: SqlLedger
) -> None:
    text = (PROBE_PLAYBOOKS / "probe" / "1.yaml").read_text().replace("version: 1", "version: 2")
    (tmp_path / "draft.yaml").write_text(text.replace("cause: own_incident", "cause: upstream_incident"))
    terminal = Terminal(house, tmp_path, temporal_address)
    async with house.worker():
        refs = [house.open_ticket() for _ in range(2)]
        [first] = [(await house.investigate(ref, f"d{number}")).revisions[0] for number, ref in enumerate(refs)][:1]
        right = Feedback(revision=1, verdict=FeedbackVerdict.RIGHT, who="ada", given_at=WRITTEN_AT)
        await ledger.give_feedback(RunKey(ref=refs[0], investigation=first.investigation, revision=1), right)
        questions = sum(len(connector.asked) for connector in house.connectors.by_source.values())
        told = await terminal.run("backtest", "draft.yaml", "--since", "1d")
        assert told.code == 3, told.err
        again = await terminal.run("backtest", "draft.yaml", "--since", "1d", "--json")
    assert "2 of 2 looked at again · 0 better · 1 worse · $0.0000" in told.out
    cells = [cell.strip() for line in told.out.splitlines() if "own_incident" in line for cell in line.split("│")]
    assert cells[1:9] == ["own_incident", "2", "0", "2", "0", "1", "1", "0"]
    assert f"{first.investigation} revision 1: own_incident ▶ upstream_incident · worse" in told.out
    assert again.code == 3, again.err
    lines = json.loads(again.out)["lines"]
    assert {(line["cause_then"], line["cause_now"]) for line in lines} == {("own_incident", "upstream_incident")}
    assert sum(len(connector.asked) for connector in house.connectors.by_source.values()) == questions
    assert [len(notes) for notes in house.helpdesk.notes.values()] == [1, 1]


@pytest.fixture
def configured(whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two tenants; one has a model."""
    models = [{"model": "claude-haiku-5-5", "api_key": "env:KEY"}]
    tenants = {"acme": {"helpdesks": {"desk": DESK}, "models": models}, "other": {"helpdesks": {"desk": DESK}}}
    (tmp_path / "whydesk.yaml").write_text(yaml.safe_dump({"tenants": tenants}))
    monkeypatch.setenv("WHYDESK_CONFIG", str(tmp_path / "whydesk.yaml"))
    monkeypatch.setenv("NONE", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("KEY", "sk-ant-test")
    return whydesk


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "choose a tenant with --tenant; configured: acme, other"),
        (("--tenant", "acm"), "did you mean 'acme'?"),
        (("--tenant", "acme", "--model", "claude-haiku-5-5"), "say with --max-usd how much it may be"),
        (("--tenant", "other", "--model", "claude-haiku-5-5"), "what is in the tenant's `models`: none"),
        (("--tenant", "acme", "--since", "yesterday"), "--since 'yesterday'"),
    ],
)
def test_what_cannot_be_started_says_why(configured: Shell, arguments: tuple[str, ...], message: str) -> None:
    said = configured("backtest", "api-errors@1", *arguments)
    assert said.code == 2
    assert message in said.err


def test_a_playbook_that_is_nowhere_is_named(configured: Shell) -> None:
    assert "no playbook 'nonesuch'" in configured("backtest", "nonesuch@1", "--tenant", "acme").err
    assert "there is no file 'nowhere.yaml'" in configured("backtest", "nowhere.yaml", "--tenant", "acme").err
