"""Backups are made and restored as docs/operations.md says, and a restored ledger without its master keys refuses in words."""

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from keys.keyring import Keyring
from ledger.base import BodyMissing, LedgerError
from ledger.erasure import Scope, erase
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.run import RunKey
from tests.ledger.test_erasure import ANN, body_of, tell
from tests.master_keys import KEYRING
from tests.postgres_server import PostgresServer, plain, program

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


async def run(*command: str | Path) -> None:
    """Run a program to its end."""
    done = await asyncio.to_thread(
        subprocess.run, [str(word) for word in command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def documented(beginning: str) -> list[str]:
    """Return the words of the one documented command that begins like that."""
    [line] = re.findall(rf"^{re.escape(beginning)}.*$", OPERATIONS, re.MULTILINE)
    return shlex.split(line)


async def back_up_file(source: Path, target: Path) -> None:
    """Back up as documented, at other paths."""
    command = documented('.venv/bin/python -c "import sqlite3')
    script = command[2].replace(".whydesk/ledger.db", str(source)).replace("ledger-copy.db", str(target))
    assert str(source) in script
    assert str(target) in script
    await run(sys.executable, "-c", script)


async def check(url: str, key: RunKey) -> None:
    """Read what was restored, write on, and refuse another keyring."""
    async with await SqlLedger.open(url, KEYRING) as restored:
        assert "quokka" in str((await body_of(restored, key)).rows[0]["text"])
        assert (await RunReader(restored).load_run(key.investigation)).feedback[0].comment
        await tell(restored, "2", ANN)
    with pytest.raises(LedgerError, match=r"sealed with a master key that is not here.*restored from a backup needs"):
        await SqlLedger.open(url, Keyring.generate())


async def test_a_file_is_backed_up_while_it_is_used_and_restored(file_ledger: SqlLedger, tmp_path: Path) -> None:
    key = await tell(file_ledger, "1", ANN)
    copy = tmp_path / "copy.db"
    await back_up_file(Path(file_ledger.database.url.database or ""), copy)
    await erase(file_ledger, Scope("acme", customer=ANN), "kim")
    await check(f"sqlite:///{copy}", key)
    async with await SqlLedger.open(f"sqlite:///{copy}", KEYRING) as restored:
        await erase(restored, Scope("acme", customer=ANN), "kim")
        with pytest.raises(BodyMissing):
            await body_of(restored, key)


async def test_a_server_is_backed_up_and_restored(
    server_ledger: SqlLedger, postgres_url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    key = await tell(server_ledger, "1", ANN)
    dump, restore = documented("pg_dump "), documented("pg_restore ")
    with postgres.database() as other:
        for command, url in ((dump, postgres_url), (restore, other)):
            words = [word.replace("ledger.dump", str(tmp_path / "dump")) for word in command[1:]]
            words = [word.replace("postgresql://USER:PASSWORD@HOST/NAME", plain(url)) for word in words]
            assert plain(url) in words or f"--dbname={plain(url)}" in words
            await run(program(command[0]), *words)
        assert make_url(other).database != make_url(postgres_url).database
        await check(other, key)
