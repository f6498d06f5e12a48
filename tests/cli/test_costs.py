"""`whydesk costs` over a real ledger."""

import asyncio
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.run import Drafted, RunKey
from tests.cli.command import Shell
from tests.master_keys import KEYRING

CONFIG = """\
tenants:
  acme:
    helpdesks:
      desk: {kind: standard, note_url: "http://127.0.0.1:9/n", ticket_url: "http://127.0.0.1:9/{ticket}",
             webhook_secrets: ["file:secret"]}
    models: [{provider: bedrock, model: anthropic.claude-opus-5-v1:0, region: eu-central-1}]
    budget: {usd_per_day: 2.0}
"""


@pytest.fixture
def paid(whydesk: Shell, runs: list[RunKey], tmp_path: Path) -> list[RunKey]:
    """Two models' answers beside the cent that each of two runs cost already."""
    (tmp_path / "whydesk.yaml").write_text(CONFIG)
    (tmp_path / "secret").write_text("whsec_c2VjcmV0c2VjcmV0c2VjcmV0\n")
    haiku = Drafted(draft="", reasoner="claude-haiku-5-5", input_tokens=9_000, output_tokens=400, usd=0.5)
    opus = Drafted(draft="", reasoner="claude-opus-5", input_tokens=1_000, output_tokens=100, usd=1.29)

    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            await ledger.put_model_answer(runs[0], "a", 0, haiku)
            await ledger.put_model_answer(runs[0], "b", 1, haiku, purpose="failed", sample=1)
            await ledger.put_model_answer(runs[1], "a", 0, opus)

    asyncio.run(write())
    return runs


def told(whydesk: Shell, *options: str) -> list[dict[str, object]]:
    said = whydesk("costs", "--json", *options)
    assert said.code == 0, said.err
    found: list[dict[str, object]] = json.loads(said.out)["costs"]
    return found


def test_costs_are_told_apart_as_one_likes_and_add_up(whydesk: Shell, paid: list[RunKey]) -> None:
    by_model = told(whydesk, "--by", "model")
    assert [(line["model"], line["calls"], line["runs"]) for line in by_model] == [
        ("claude-opus-5", 1, 1),
        ("claude-haiku-5-5", 2, 1),
        ("rules", 2, 2),
    ]
    assert [line["usd"] for line in by_model] == [1.29, 1.0, 0.02]
    assert by_model[1]["input_tokens"] == 18_000
    [failed] = [line for line in told(whydesk, "--by", "purpose") if line["purpose"] == "failed"]
    assert failed["usd"] == 0.5, "an answer of no use was paid for too"
    [day] = told(whydesk, "--by", "day", "--by", "tenant")
    assert day["usd"] == pytest.approx(2.31)
    assert told(whydesk, "--until", "2026-01-01", "--since", "2025-01-01") == []


def test_the_table_and_the_day_are_for_people(whydesk: Shell, paid: list[RunKey]) -> None:
    said = whydesk("costs")
    assert said.code == 0
    assert "api-errors@3" in said.out
    assert "at the prices of 2026-" in said.out
    assert "acme today: $2.3100 of $2.00 (spent: rules write the notes until midnight UTC)" in said.out


def test_mistakes_are_said(whydesk: Shell, paid: list[RunKey]) -> None:
    assert "'nobody' is not in" in whydesk("costs", "--tenant", "nobody").err
    assert "is not before --until" in whydesk("costs", "--since", "1d", "--until", "2d").err


def test_nothing_paid_is_said_so(whydesk: Shell, paid: list[RunKey]) -> None:
    said = whydesk("costs", "--since", "2025-01-01", "--until", "2025-01-02")
    assert "nothing was paid to a model between 2025-01-01 00:00 and 2025-01-02 00:00 UTC" in said.out
