"""What must not be anywhere: writes to vendors, customers in histories and logs, numbers that no evidence holds."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.records import RunRecord
from models.diagnosis import Weighing
from models.vocabulary import Outcome
from reasoning.phrases import format_value
from tests.histories import readable, unsealed
from tests.whole_path.town import Ended, Town, personal_data
from workflows import naming

ROOT = Path(__file__).parent.parent.parent
OURS = {key.name for key in naming.SEARCH_ATTRIBUTES}
NUMBER = re.compile(r"\d+(?:[.,:-]\d+)*")
_DECIMAL = re.compile(r"\d+\.\d+")


@pytest.mark.usefixtures("tickets")
async def test_nothing_but_our_notes_was_written(town: Town) -> None:
    assert await town.writes() == []
    body = (await town.control.get("/calls")).raise_for_status().json()
    assert {"clickhouse", "linear", "stripe", "github", "docs", "statuspage"} <= set(body["counts"])


async def test_histories_and_search_attributes_hold_nobody(town: Town, tickets: Mapping[str, Ended]) -> None:
    secrets = personal(town)
    for key, ended in tickets.items():
        history = await town.handle(ended.ref).fetch_history()
        assert ended.last.investigation not in readable(history), "what the server holds is sealed"
        # Unsealed, it has references only: whoever may read payloads in the UI sees no customer either.
        said = readable(unsealed(history, town.stack.settings.keyring()))
        assert ended.last.investigation in said, "the payloads are not readable, so nothing is shown"
        described = await town.newest_run(ended.ref)
        attributes = [(pair.key.name, pair.value) for pair in described.typed_search_attributes]
        assert {name for name, _ in attributes} & OURS, "no search attribute of ours, so nothing is shown"
        said += str(attributes) + str(await described.memo())
        assert [secret for secret in secrets if secret in said.casefold()] == [], key


async def test_logs_hold_nobody(town: Town, tickets: Mapping[str, Ended]) -> None:
    said = town.logs()
    for ended in tickets.values():
        assert ended.last.investigation in said, "the logs do not tell of this run, so nothing is shown"
    assert [secret for secret in personal(town) if secret in said.casefold()] == []
    for name, secret in town.sandbox.secrets().items():
        assert secret not in said, name


def test_there_are_no_traces_that_could_hold_anybody() -> None:
    """Whoever adds tracing looks through it here, beside logs, metrics, histories and search attributes."""
    assert "temporalio" in imported()
    assert imported() & {"opentelemetry", "ddtrace", "sentry_sdk", "jaeger_client", "newrelic"} == set()


def imported() -> set[str]:
    """Return the packages that the product imports."""
    files = [path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in (".venv", "tests")]
    pattern = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)
    return {name for path in files for name in pattern.findall(path.read_text(encoding="utf-8"))}


async def test_no_note_withholds_what_its_own_ticket_and_evidence_hold(tickets: Mapping[str, Ended]) -> None:
    notes = {key: note for key, ended in tickets.items() for note in ended.notes}
    assert len(notes) > 5
    assert {key: note for key, note in notes.items() if "withheld]" in note} == {}


def personal(town: Town) -> list[str]:
    """What is long enough to be told from ordinary words."""
    found = {text.casefold() for text in personal_data(town.world) if len(text) > 5}
    assert len(found) > 100
    return sorted(found)


async def test_every_number_of_a_note_is_in_stored_evidence(town: Town, tickets: Mapping[str, Ended]) -> None:
    checked = 0
    for key, ended in tickets.items():
        record = await town.record(ended.ref)
        if record.diagnosis is None or record.diagnosis.outcome is Outcome.NEEDS_INFO:
            continue
        known = set(await numbers_known(town, record))
        for claim in record.diagnosis.kept:
            assert claim.sentence in " ".join(ended.note.split()) or len(record.diagnosis.kept) > 5
            strange = [number for number in numbers_in(claim.sentence) if number not in known]
            assert strange == [], f"{key}: {claim.sentence}"
            checked += 1
    assert checked > 20


async def numbers_known(town: Town, record: RunRecord) -> Iterable[str]:
    """Return the numbers of the stored rows, and of the facts that code computed from them."""
    bodies = [one.body for one in record.evidence if one.body is not None]
    rows = json.dumps([one.model_dump(mode="json") for one in bodies], ensure_ascii=False)
    weighed = [step for step in record.steps if step.step.startswith("weigh/")]
    weighing = await town.ledger.get_body(record.summary.key.ref.tenant, weighed[-1].digest, Weighing)
    facts = " ".join(format_value(fact) for fact in weighing.facts)
    cents = [f"{int(number) / 100:.2f}" for number in numbers_in(rows) if number.isdigit()]
    # A row says `386 ms` of 386.4, and `39.81 ms` of 39.812.
    rounded = [
        f"{float(number):.{places}f}"
        for number in numbers_in(rows)
        if _DECIMAL.fullmatch(number)
        for places in (0, 1, 2)
    ]
    return [*numbers_in(rows), *cents, *rounded, *numbers_in(_times_as_shown(rows)), *numbers_in(facts)]


def numbers_in(text: str) -> list[str]:
    """Return numbers without the commas that people put into them."""
    return [found.replace(",", "") for found in NUMBER.findall(text)]


def _times_as_shown(rows: str) -> str:
    """Notes say `2026-11-21 06:54 UTC` of `2026-11-21T06:54:12Z`."""
    found = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?", rows)
    return " ".join(f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}" for text in found)
