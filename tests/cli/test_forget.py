"""`whydesk forget` and `keys rotate` as a person uses them: asked first, told afterwards, and nothing by mistake."""

import asyncio
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.run import RunKey
from tests.cli.command import Shell
from tests.ledger.test_backup import back_up_file
from tests.ledger.test_erasure import ANN, BOB, tell, written_before
from tests.master_keys import KEYRING


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/ledger.db"


@pytest.fixture
def told(whydesk: Shell, ledger_url: str) -> list[RunKey]:
    async def write() -> list[RunKey]:
        async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
            runs = (("4711", ANN, "acme"), ("4712", ANN, "acme"), ("4713", BOB, "acme"), ("4711", ANN, "globex"))
            return [await tell(ledger, ticket, customer, tenant) for ticket, customer, tenant in runs]

    return asyncio.run(write())


def test_a_customer_is_forgotten_and_show_says_so(whydesk: Shell, told: list[RunKey]) -> None:
    assert "quokka" in whydesk("show", "acme/zendesk/4711").out
    done = whydesk("forget", "--customer", ANN, "--tenant", "acme", "--yes")
    assert done.code == 0, done.err
    assert f"forgotten: acme/customer/{ANN}: 2 tickets, 2 revisions, 2 keys deleted; audit entry 1" in done.out
    assert "0 can be read; they are removed" in done.out
    shown = whydesk("show", "acme/zendesk/4711").out
    assert "What this run read and wrote was erased on " in shown
    assert "quokka" not in shown
    assert "diagnosed" in shown, "what was done stays"
    assert "quokka" in whydesk("show", "acme/zendesk/4713").out
    assert "quokka" in whydesk("show", "globex/zendesk/4711").out
    assert "the chain holds: 1 entries" in whydesk("audit", "verify").out
    again = whydesk("forget", "--customer", ANN, "--tenant", "acme", "--yes")
    assert again.out == f"nothing is left of acme/customer/{ANN}: 2 tickets on record\n"


def test_json_tells_the_same(whydesk: Shell, told: list[RunKey]) -> None:
    said = json.loads(whydesk("forget", "--ticket", "4713", "--yes", "--json").out)
    assert said == said | {"scope": "acme/ticket/4713", "tickets": 1, "keys": 1, "readable": 0, "audit": 1}
    assert said["tried"] > 10


def test_a_whole_tenant_is_forgotten(whydesk: Shell, told: list[RunKey]) -> None:
    assert "forgotten: acme: 3 tickets, 3 revisions" in whydesk("forget", "--tenant", "acme", "--yes").out
    assert "quokka" in whydesk("show", "globex/zendesk/4711").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say whom"),
        (
            ["--customer", ANN, "--yes"],
            "several tenants have a customer 'cus_ann': say which with --tenant: acme, globex",
        ),
        (["--ticket", "4711", "--yes"], "several tenants have a ticket '4711'"),
        (["--customer", "cus_nobody", "--yes"], "the ledger has no customer 'cus_nobody'"),
        (["--customer", BOB, "--tenant", "globex", "--yes"], "no customer 'cus_bob' of tenant 'globex'"),
        (["--tenant", "amce", "--yes"], "nothing of a tenant 'amce'"),
        (["--customer", ANN, "--ticket", "4711"], "exclude each other"),
        (["--tenant", "acme", "--json"], "--json goes with --yes"),
    ],
)
def test_who_is_not_clearly_said_is_not_forgotten(
    whydesk: Shell, told: list[RunKey], arguments: list[str], says: str
) -> None:
    said = whydesk("forget", *arguments)
    assert said.code == 2
    assert says in said.err
    assert "0 entries" in whydesk("audit", "verify").out


def test_nobody_is_forgotten_without_a_yes(whydesk: Shell, told: list[RunKey], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", _declined)
    with pytest.raises(_DeclinedError, match=r"acme/customer/cus_bob: 1 ticket, 1 key\? It cannot be undone"):
        whydesk("forget", "--customer", BOB)
    assert "0 entries" in whydesk("audit", "verify").out


class _DeclinedError(Exception):
    pass


def _declined(question: str, *, abort: bool) -> None:
    assert abort
    raise _DeclinedError(question)


def test_a_new_master_key_takes_over(whydesk: Shell, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def write() -> None:
        async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
            await written_before(ledger)

    asyncio.run(write())
    keys = Path("keys.txt")
    keys.write_text(KEYRING.text())
    keys.chmod(0o600)
    monkeypatch.setenv("WHYDESK_MASTER_KEYS", f"file:{keys.absolute()}")
    whydesk("keys", "new", "--into", str(keys), "--id", "second")
    said = whydesk("keys", "rotate")
    assert said.code == 0, said.err
    assert "the ledger is under the master key second: 2 data keys wrapped again, 4 texts sealed" in said.out
    assert "does not need tests any more, but its backups do" in said.out
    keys.write_text(keys.read_text().splitlines()[0])
    assert whydesk("show", "acme/zendesk/1").code == 0
    monkeypatch.setenv("WHYDESK_MASTER_KEYS", "env:MASTER_KEYS_OF_TESTS")
    refused = whydesk("show", "acme/zendesk/1")
    assert refused.code == 2
    assert "no key 'second' in the keyring, which holds tests" in refused.err


def test_a_restored_file_without_its_keys_refuses_at_the_command_line(
    whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as ledger:
            await tell(ledger, "4711", ANN)
        (tmp_path / "state").mkdir()
        await back_up_file(tmp_path / "ledger.db", tmp_path / "state" / "ledger.db")

    asyncio.run(write())
    monkeypatch.delenv("WHYDESK_MASTER_KEYS")
    refused = whydesk("show", "4711")
    assert refused.code == 2
    assert "this ledger is sealed with a master key that is not here: no key 'tests' in the keyring" in refused.err
    assert "into master.keys beside ledger.db" in refused.err
    (tmp_path / "state" / "master.keys").write_text(KEYRING.text())
    assert whydesk("show", "4711").code == 0
