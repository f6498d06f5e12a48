"""`whydesk audit` over a real ledger."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from tests.cli.command import Shell
from tests.master_keys import KEYRING


@pytest.fixture
def chain(whydesk: Shell, tmp_path: Path) -> Path:
    """A ledger with four entries; returns its file."""

    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            for n in range(1, 5):
                await ledger.append_audit("ada", "pause", f"tenant/t{n}", {"reason": "Übung"})

    asyncio.run(write())
    return tmp_path / "state" / "ledger.db"


def _do(path: Path, sql: str) -> None:
    raw = sqlite3.connect(path)
    raw.execute(sql)
    raw.commit()
    raw.close()


def test_a_chain_that_holds_prints_its_head(whydesk: Shell, chain: Path) -> None:
    said = whydesk("audit", "verify")
    assert said.code == 0
    assert said.out.startswith("the chain holds: 4 entries, head 4:")
    head = said.out.split("head ", 1)[1].split()[0]
    assert whydesk("audit", "verify", "--head", head).code == 0
    _do(chain, "DELETE FROM audit WHERE seq = 4")
    assert whydesk("audit", "verify").code == 0
    cut = whydesk("audit", "verify", "--head", head)
    assert (cut.code, cut.out) == (1, "")
    assert "broken: entry 4 is missing" in cut.err


def test_the_first_broken_entry_is_named(whydesk: Shell, chain: Path) -> None:
    _do(chain, "UPDATE audit SET subject = 'tenant/other' WHERE seq IN (2, 3)")
    said = whydesk("audit", "verify")
    assert said.code == 1
    assert "broken: entry 2 was altered" in said.err


def test_an_export_is_what_a_later_chain_is_held_against(whydesk: Shell, chain: Path, tmp_path: Path) -> None:
    said = whydesk("audit", "export")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert lines[0]["detail"] == {"reason": "Übung"}
    assert f"head 4:{lines[-1]['hash']}" in said.err
    kept = tmp_path / "audit.jsonl"
    kept.write_text(said.out, encoding="utf-8")
    assert whydesk("audit", "verify", "--against", str(kept)).code == 0
    _do(chain, "DELETE FROM audit WHERE seq > 2")
    cut = whydesk("audit", "verify", "--against", str(kept))
    assert cut.code == 1
    assert "entry 3 is missing" in cut.err


def test_an_export_since_a_time_begins_there(whydesk: Shell, chain: Path) -> None:
    assert len(whydesk("audit", "export", "--since", "1h").out.splitlines()) == 4
    later = whydesk("audit", "export", "--since", "2999-01-01T00:00Z")
    assert (later.out, later.err) == ("", "no entries\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--head", "4"), "64 hex digits"),
        (("--against", "missing.jsonl"), "cannot be read"),
        (("--against", "broken.jsonl"), "line 2: no line of `whydesk audit export`"),
    ],
)
def test_what_cannot_be_held_against_it_is_said(
    whydesk: Shell, chain: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "broken.jsonl").write_text('{"seq": 1, "hash": "ab"}\n{"seq": 2\n', encoding="utf-8")
    answer = whydesk("audit", "verify", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_without_a_ledger_it_says_so(whydesk: Shell) -> None:
    said = whydesk("audit", "verify")
    assert said.code == 2
    assert "there is no ledger" in said.err
