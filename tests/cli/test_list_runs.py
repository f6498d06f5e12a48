"""`whydesk list` over a real ledger."""

import asyncio
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.run import RunKey
from models.vocabulary import Outcome
from tests.cli.command import Shell
from tests.ledger.investigations import claim, outcome
from tests.master_keys import KEYRING


def tickets(whydesk: Shell, *options: str) -> set[str]:
    said = whydesk("list", "--json", *options)
    assert said.code == 0, said.err
    return {run["key"]["ref"]["ticket"] for run in json.loads(said.out)}


@pytest.mark.parametrize("columns", ["200", "120", "80"])
def test_the_list_names_every_run_whole_even_on_a_narrow_terminal(
    columns: str, whydesk: Shell, runs: list[RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    said = whydesk("list")
    assert said.code == 0
    assert max(len(line) for line in said.out.splitlines()) <= int(columns)
    cells = "".join(line.split("│")[1].strip() for line in said.out.splitlines() if "│" in line)
    assert all(f"{key.investigation}/{key.revision}" in cells for key in runs), said.out
    assert "posted" in said.out
    assert "running" in said.out


def test_the_list_in_json_can_be_narrowed(whydesk: Shell, runs: list[RunKey]) -> None:
    assert tickets(whydesk) == {"4711", "4712", "4713"}
    assert tickets(whydesk, "--running") == {"4713"}
    assert tickets(whydesk, "--outcome", "diagnosed") == {"4711", "4712"}
    assert tickets(whydesk, "--outcome", "failed") == set()
    assert tickets(whydesk, "--tenant", "other") == set()
    assert tickets(whydesk, "--ticket", "4712") == {"4712"}
    assert tickets(whydesk, "--cause", "deploy_regression") == {"4711", "4712"}
    assert tickets(whydesk, "--severity", "low") == set()
    assert tickets(whydesk, "--playbook", "api-errors", "--reasoner", "rules") == {"4711", "4712"}
    assert tickets(whydesk, "--customer", "nobody") == set()
    assert tickets(whydesk, "--since", "1h") == {"4711", "4712", "4713"}
    assert tickets(whydesk, "--until", "2026-01-01") == set()
    assert len(tickets(whydesk, "--limit", "1")) == 1


def test_feedback_is_in_the_table_and_a_filter(whydesk: Shell, runs: list[RunKey]) -> None:
    assert whydesk("feedback", "4711", "wrong").code == 0
    assert tickets(whydesk, "--feedback", "wrong") == {"4711"}
    assert tickets(whydesk, "--feedback", "right") == set()
    assert tickets(whydesk, "--feedback", "none") == {"4712", "4713"}
    row = next(line for line in whydesk("list").out.splitlines() if "4711" in line)
    assert "wrong" in row


def test_a_failed_run_says_why_in_the_list(whydesk: Shell, runs: list[RunKey], tmp_path: Path) -> None:
    async def fail() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            key = (await ledger.claim_delivery(claim("4714", "d-4714"))).key
            ended = outcome(key, Outcome.FAILED).model_copy(update={"problem": "read_ticket: HelpdeskDenied [/x]"})
            await ledger.record_outcome(ended)

    asyncio.run(fail())
    assert "failed: read_ticket: HelpdeskDenied [/x]" in whydesk("list").out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--outcome", "perhaps"),
        ("--limit", "0"),
        ("--limit", "x"),
        ("--feedback", "maybe"),
        ("--since", "yesterday"),
        ("--since", "2026-03-02", "--until", "2026-03-01"),
    ],
)
def test_a_wrong_option_of_the_list_is_refused(wrong: tuple[str, ...], whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("list", *wrong)
    assert said.code == 2
    assert wrong[0] in said.err
    assert "Traceback" not in said.err


def test_an_empty_ledger_has_an_empty_list(whydesk: Shell, tmp_path: Path) -> None:
    async def make() -> None:
        await (await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING)).aclose()

    asyncio.run(make())
    assert whydesk("list", "--json").out == "[]\n"
    assert whydesk("list").out == "no run yet\n"
    assert whydesk("list", "--running").out == "no run is like that\n"
