"""Switches in the ledger: each change is one entry of the audit chain, and released playbooks never change."""

import pytest

from activities.control_board import ControlBoard
from ledger.audit import read_entries, verify_chain
from ledger.base import LedgerError
from ledger.controls import Change, Said, SqlControls
from ledger.store import SqlLedger
from models.control import ALL, PAUSED, STABLE, Controls, playbook_scope
from tests.workflows.house import probe_playbook

SCOPE = playbook_scope("probe")


async def test_a_change_is_kept_with_who_and_why_and_is_in_the_chain(ledger: SqlLedger) -> None:
    controls = SqlControls(ledger.database)
    await controls.change([Change(ALL, PAUSED, "yes")], Said("ada", "pause", ALL, "vendor breach"))
    found = (await controls.read_controls()).paused("acme")
    assert found is not None
    assert (found.changed_by, found.reason) == ("ada", "vendor breach")
    assert found.said.startswith("paused since 20")
    await controls.change([Change(ALL, PAUSED, "")], Said("bo", "resume", ALL))
    assert (await controls.read_controls()).paused("acme") is None
    entries = [entry async for entry in read_entries(ledger.database)]
    assert [(one.who, one.action, one.subject) for one in entries] == [("ada", "pause", "all"), ("bo", "resume", "all")]
    assert entries[0].detail == {"reason": "vendor breach"}
    assert (await verify_chain(ledger.database)).broken == ""


async def test_a_released_version_never_changes(ledger: SqlLedger) -> None:
    controls = SqlControls(ledger.database)
    playbook = probe_playbook()
    promote = [Change(SCOPE, STABLE, "1")]
    await controls.change(promote, Said("ada", "playbook.promote", SCOPE), ("", playbook))
    await controls.change(promote, Said("ada", "playbook.promote", SCOPE), ("", playbook))
    other = playbook.model_copy(update={"title": "Something else"})
    with pytest.raises(LedgerError, match="a released version never changes; write version 2"):
        await controls.change([Change(SCOPE, STABLE, "")], Said("bo", "playbook.promote", SCOPE), ("", other))
    known = await controls.read_controls()
    assert known.released["", "probe", 1] == playbook
    assert known.channel(STABLE, "acme", "probe") == 1, "what was refused changed nothing"
    assert (await verify_chain(ledger.database)).entries == 2
    # What another tenant's folder calls by the same name and version is another playbook.
    await controls.change([], Said("ada", "playbook.promote", SCOPE), ("globex", other))


class Flaky:
    """A source that fails when it is told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.fails = False

    async def read_controls(self) -> Controls:
        self.reads += 1
        if self.fails:
            raise LedgerError("away")
        return Controls()


async def test_a_board_reads_seldom_and_goes_on_with_what_it_knows() -> None:
    source = Flaky()
    board = ControlBoard(source, fresh=60)
    assert await board.now() is await board.now()
    assert source.reads == 1
    source.fails = True
    impatient = ControlBoard(source, fresh=0)
    with pytest.raises(LedgerError):
        await impatient.now()
    source.fails = False
    known = await impatient.now()
    source.fails = True
    assert await impatient.now() is known
