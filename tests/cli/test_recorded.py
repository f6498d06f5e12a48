"""Looking at runs where there is no ledger says so, and makes none."""

import asyncio
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from tests.cli.command import Shell
from tests.master_keys import KEYRING

COMMANDS = [
    ("list",),
    ("show", "4711"),
    ("feedback", "4711", "right"),
    ("feedback", "--from-tags"),
    ("playbooks", "explain", "4711"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_where_it_was_looked_for_and_what_to_do(command: tuple[str, ...], whydesk: Shell, tmp_path: Path) -> None:
    said = whydesk(*command)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"whydesk: there is no ledger where '{tmp_path}/state/ledger.db' was looked for: nothing was investigated here. "
        "Set WHYDESK_STATE or WHYDESK_LEDGER_URL as the worker has it, or start one: `whydesk demo` or `whydesk up`\n"
    )
    assert not (tmp_path / "state").exists()


def test_the_ledger_of_a_demo_is_pointed_at(whydesk: Shell, tmp_path: Path) -> None:
    demo = tmp_path / "state" / "demo"

    async def make() -> None:
        await (await SqlLedger.open(f"sqlite:///{demo}/ledger.db", KEYRING)).aclose()

    asyncio.run(make())
    said = whydesk("list")
    assert said.code == 2
    assert f"set WHYDESK_STATE={demo}" in said.err
    assert not (tmp_path / "state" / "ledger.db").exists()


def test_a_url_is_not_repeated(whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WHYDESK_LEDGER_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert "there is no ledger where WHYDESK_LEDGER_URL says" in whydesk("list").err
    assert not (tmp_path / "elsewhere.db").exists()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00"])
def test_a_file_without_tables_stays_as_it_is(content: bytes, whydesk: Shell, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "ledger.db"
    path.write_bytes(content)
    said = whydesk("list")
    assert said.code == 2
    assert "Traceback" not in said.err
    assert path.read_bytes() == content


def test_a_ledger_that_cannot_be_opened_is_told(
    whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("not a database, and long enough not to be an empty one " * 40)
    monkeypatch.setenv("WHYDESK_LEDGER_URL", f"sqlite:///{tmp_path}/plain")
    said = whydesk("list")
    assert said.code == 2
    assert said.err.startswith("whydesk: ")
    assert "Traceback" not in said.err
