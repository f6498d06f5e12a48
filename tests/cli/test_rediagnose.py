"""`whydesk rediagnose` over a real ledger: what differs is told, nothing is asked of anybody but the model that is named."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.vocabulary import Outcome
from tests.anthropic_server import AnthropicServer, refuses, says
from tests.cli.command import Said, Shell
from tests.cli.past_runs import REFUSED, refused, write_failed_run, write_run
from tests.master_keys import KEYRING
from tests.reasoning.case import fact_is

MODEL = "claude-haiku-5-5"
ANOTHER = (
    REFUSED.replace("version: 1", "version: 2")
    .replace("    explains: [key-revoked]\n", "")
    .replace("    weight: 40\n", "    weight: 40\n    explains: [known-bug]\n")
)
"""Version 2 takes the bug report for a consequence of the refused key."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/ledger.db"


@pytest.fixture
def ticket(url: str, tmp_path: Path) -> str:
    asyncio.run(write_run(url, refused(tmp_path / "mine"), "4711"))
    return "4711"


@pytest.fixture
def second(tmp_path: Path) -> str:
    """A playbook of which nobody has released anything; its name is of no matter."""
    path = tmp_path / "draft.yaml"
    path.write_text(ANOTHER)
    return str(path)


@pytest.fixture
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AnthropicServer]:
    """A model that finds the key; its tenant pays at most 25 cents a ticket."""
    claims = (fact_is("refused", "196", "E3"), fact_is("refused", "77", "E3"))
    draft = Draft(outcome=Outcome.DIAGNOSED, hypothesis="known-bug", claims=claims, next_step="wait")
    mended = draft.model_copy(update={"claims": claims[:1]})
    with AnthropicServer(getattr(request, "param", [says(draft), says(mended)])) as server:
        desk = {
            "kind": "standard",
            "note_url": "http://127.0.0.1:9/n",
            "ticket_url": "http://127.0.0.1:9/t/{ticket}",
            "webhook_secrets": ["env:NONE"],
        }
        link = {"model": MODEL, "api_key": "env:KEY", "base_url": server.address}
        tenants = {"acme": {"helpdesks": {"zendesk": desk}, "models": [link]}}
        (tmp_path / "whydesk.yaml").write_text(yaml.safe_dump({"tenants": tenants}))
        monkeypatch.setenv("WHYDESK_CONFIG", str(tmp_path / "whydesk.yaml"))
        monkeypatch.setenv("KEY", "sk-ant-test")
        monkeypatch.setenv("NONE", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        yield server


def table(tmp_path: Path, name: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(tmp_path / "state/ledger.db") as connection:
        return connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4").fetchall()


def changed(said: Said) -> list[list[str]]:
    """Return the lines of the table that changed, by their cells."""
    lines = [
        [cell.strip() for cell in line.strip("│ ").split("│")] for line in said.out.splitlines() if "changed" in line
    ]
    return [line[:3] for line in lines]


def test_the_same_playbook_says_the_same_and_changes_no_row(whydesk: Shell, tmp_path: Path, ticket: str) -> None:
    tables = ("evidence", "steps", "notes", "revisions", "model_answers", "bodies")
    before = [table(tmp_path, name) for name in tables]
    said = whydesk("rediagnose", ticket)
    assert (said.code, said.err) == (0, "")
    assert changed(said) == []
    assert "The note says the same." in said.out
    assert "Nothing was asked of any system, nothing was posted." in said.out
    assert [table(tmp_path, name) for name in tables] == before


def test_another_playbook_is_told_by_what_it_changes(whydesk: Shell, ticket: str, second: str) -> None:
    said = whydesk("rediagnose", ticket, "--playbook-file", second)
    assert said.code == 0
    assert ["playbook", "refused@1", "refused@2"] in changed(said)
    assert ["outcome", "diagnosed", "inconclusive"] in changed(said)
    lines = [line.strip() for line in said.out.splitlines()]
    assert "- KEY-9 Brightforge: keys refused since 2027-07-18 is In Progress" in lines
    assert "x row_shows 'E3': E3 is not about this customer" in lines, "what is looked back at is checked like a run"
    assert "-**A known bug names the customer**" in lines
    assert "+**Inconclusive: the stored evidence does not support the cause that was proposed**" in lines
    told = json.loads(whydesk("rediagnose", ticket, "--playbook-file", second, "--json").out)
    assert (told["then"]["hypothesis"], told["now"]["hypothesis"]) == ("known-bug", "")


def test_a_question_that_nobody_asked_is_said_to_be_open(whydesk: Shell, tmp_path: Path, ticket: str) -> None:
    path = tmp_path / "asks-more.yaml"
    path.write_text(ANOTHER.replace("terms: [key]", "terms: [key, secret]"))
    said = whydesk("rediagnose", ticket, "--playbook-file", str(path))
    assert "refused@2 asks what nobody asked then: bugs." in said.out
    assert "Linear, known bugs: the kept evidence has no answer to it" in said.out
    assert "refused@2 does not ask for: bugs" in said.out
    assert ["checks answered", "100%", "67%"] in changed(said)


def test_a_models_answer_is_paid_once_and_is_no_cost_of_the_run(
    whydesk: Shell, tmp_path: Path, ticket: str, server: AnthropicServer, url: str
) -> None:
    said = whydesk("rediagnose", ticket, "--model", MODEL)
    assert (said.code, said.err) == (0, "")
    assert ["reasoner", "rules", MODEL] in changed(said)
    assert len(server.requests) == 2, "what did not stand is mended once, as in a run"
    server.assert_absent("ada.quennell@brightforge.example", "sk_live_51HxTestTestTest")
    again = whydesk("rediagnose", ticket, "--model", MODEL)
    assert again.out == said.out
    assert len(server.requests) == 2

    async def kept() -> tuple[list[str], float]:
        async with await SqlLedger.open(url, KEYRING) as ledger:
            record = await RunReader(ledger).load_run(ticket)
            return [answer.purpose for answer in record.answers], await ledger.spent(record.summary.key)

    purposes, spent = asyncio.run(kept())
    assert purposes == ["rediagnose", "rediagnose"]
    assert spent == 0, "a reset of the run must still have all of its budget"


def test_a_budget_for_looking_back_is_kept_to(
    whydesk: Shell, ticket: str, server: AnthropicServer, second: str
) -> None:
    said = whydesk("rediagnose", ticket, "--model", MODEL, "--max-usd", "0")
    assert said.code == 2
    assert "was not asked: 0.0000 of 0.0000 US dollars are spent; --max-usd allows more" in said.err
    assert server.requests == []
    assert whydesk("rediagnose", ticket, "--model", MODEL, "--max-usd", "0.0001").code == 0
    assert len(server.requests) == 1, "the first answer has spent it, so it stands without what did not"


@pytest.mark.parametrize("server", [[refuses()]], indirect=True)
def test_a_model_that_refuses_is_told_and_paid(
    whydesk: Shell, tmp_path: Path, ticket: str, server: AnthropicServer
) -> None:
    said = whydesk("rediagnose", ticket, "--model", MODEL)
    assert said.code == 2
    assert f"{MODEL} gave no answer" in said.err
    assert "or --model rules" in said.err
    assert [row[4] for row in table(tmp_path, "model_answers")] == ["rediagnose-failed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "claude-nonesuch"), "claude-nonesuch"),
        (("--playbook", "refused@9"), "no playbook 'refused'"),
        (("--playbook", "api-errors@99"), "no version '99'"),
        (("--playbook-file", "nowhere.yaml"), "there is no file 'nowhere.yaml'"),
        (("--playbook", "api-errors@1", "--playbook-file", "x.yaml"), "not both"),
        (("--revision", "7"), "has no revision 7"),
    ],
)
def test_what_cannot_be_done_says_why(
    whydesk: Shell, ticket: str, server: AnthropicServer, arguments: tuple[str, ...], message: str
) -> None:
    said = whydesk("rediagnose", ticket, *arguments)
    assert said.code == 2
    assert message in said.err


def test_a_model_needs_a_tenant_to_pay_for_it(whydesk: Shell, ticket: str) -> None:
    said = whydesk("rediagnose", ticket, "--model", MODEL)
    assert said.code == 2
    assert "tenant 'acme' is not configured here" in said.err


def test_what_has_nothing_to_look_back_at_says_so(whydesk: Shell, tmp_path: Path, url: str, ticket: str) -> None:
    asyncio.run(write_failed_run(url, "4712"))
    said = whydesk("rediagnose", "4712")
    assert said.code == 2
    assert "ended before anything was weighed" in said.err
    with sqlite3.connect(tmp_path / "state/ledger.db") as connection:
        connection.execute("DELETE FROM bodies WHERE digest IN (SELECT digest FROM evidence)")
    said = whydesk("rediagnose", ticket)
    assert said.code == 2
    assert "was erased from the ledger" in said.err
