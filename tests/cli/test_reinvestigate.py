"""`whydesk reinvestigate` and `whydesk rediagnose --post` on a real server, worker and ledger: one note for each revision."""

import json
import re
from pathlib import Path

import pytest

from cli.reinvestigate_view import changes_between
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.vocabulary import Outcome, Source
from tests.cli.command import Said, Shell
from tests.cli.terminal import Terminal
from tests.conftest import PROBE_PLAYBOOKS
from tests.fakes import found
from tests.workflows.house import House
from workflows import naming


def notes(house: House, ticket: str) -> list[str]:
    return [note.markdown for _, note in house.helpdesk.notes.get(ticket, [])]


def rows(said: Said) -> list[tuple[str, ...]]:
    """Return the cells of the table that changed."""
    lines = [line for line in said.out.splitlines() if line.startswith("│") and line.count("│") == 5]
    return [tuple(cell.strip() for cell in line.strip("│").split("│")[1:]) for line in lines]


@pytest.mark.timeout(180)
async def test_fresh_evidence_is_told_by_what_moved_and_its_note_replaces_the_old_one(
    house: House, temporal_address: str, tmp_path: Path
) -> None:
    terminal = Terminal(house, tmp_path, temporal_address)
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        same = await terminal.run("reinvestigate", ref.ticket)
        assert same.code == 0, same.err
        assert "Nothing changed since revision 1." in same.out
        assert "nothing will be posted" in same.err
        assert len(notes(house, ref.ticket)) == 1

        house.connectors.by_source[Source.CLICKHOUSE].answers["prod.requests"] = found({"status": 200, "number": 1000})
        house.connectors.by_source[Source.STATUSPAGE].answers.clear()
        told = await terminal.run("reinvestigate", naming.investigation_id(ref), "--post")
    assert told.code == 0, told.err
    assert "What changed since revision 2" in told.out
    for change in (
        ("outcome", "diagnosed", "nothing-wrong"),
        ("cause", "own_incident", "nothing_wrong"),
        ("errors", "found, 2 rows", "found, 1 row"),
        ("incidents", "found, 1 row", "empty"),
        ("bugs", "empty", "–"),
        ("failed requests (failed)", "40", "0"),
        ("incident", "supported, rank 1", "refuted"),
        ("healthy", "refuted", "supported, rank 1"),
    ):
        assert change in rows(told), change
    old, new = notes(house, ref.ticket)
    assert "Replaces" not in old
    assert re.match(r"\*\*Replaces:\*\* the note of \d{4}-\d\d-\d\d \d\d:\d\d UTC$", new.splitlines()[2])


@pytest.mark.timeout(180)
async def test_kept_evidence_under_another_playbook_becomes_one_note(
    house: House, temporal_address: str, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    text = (PROBE_PLAYBOOKS / "probe" / "1.yaml").read_text().replace("version: 1", "version: 2")
    draft.write_text(text.replace('"failed > 10"', '"failed > 100"'))
    terminal = Terminal(house, tmp_path, temporal_address)
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        asked = [len(connector.asked) for connector in house.connectors.by_source.values()]
        tried = await terminal.run("rediagnose", ref.ticket, "--playbook-file", str(draft))
        assert tried.code == 0, tried.err
        assert len(notes(house, ref.ticket)) == 1, "without --post nothing is posted"
        told = await terminal.run("rediagnose", ref.ticket, "--playbook-file", str(draft), "--post", "--json")
        assert told.code == 0, told.err
        assert [len(connector.asked) for connector in house.connectors.by_source.values()] == asked
    again = json.loads(told.out)
    assert again["changes"]["diagnosis"] == [
        {"what": "playbook", "then": "probe@1", "now": "probe@2"},
        {"what": "severity", "then": "medium", "now": "low"},
    ]
    assert again["changes"]["evidence"] == again["changes"]["facts"] == []
    _, new = notes(house, ref.ticket)
    assert "probe@2" in new.replace("\\", "")
    assert "looked at again" in new.splitlines()[2]


async def test_changes_of_a_run_that_failed_are_gaps(house: House, ledger: SqlLedger) -> None:
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        house.helpdesk.tickets.pop(ref.ticket)
        [second] = (await house.investigate(ref, "d2")).revisions
    assert second.outcome is Outcome.FAILED
    reader = RunReader(ledger)
    then, now = [await reader.load_run(naming.investigation_id(ref), number) for number in (1, 2)]
    changes = changes_between(then, now)
    assert {change.now for change in (*changes.evidence, *changes.facts, *changes.verdicts)} == {"–"}


def test_what_was_never_looked_into_is_named(whydesk: Shell, runs: object) -> None:
    said = whydesk("reinvestigate", "9999")
    assert said.code == 2
    assert "the ledger has no investigation '9999'" in said.err
