"""`whydesk show` and `whydesk list` over a real ledger."""

import asyncio
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.diagnosis import CheckedClaim, Claim, Predicate
from models.run import RunKey
from tests.cli.command import Shell
from tests.ledger.investigations import claim, diagnosis, evidence, investigate, outcome


@pytest.fixture
def runs(whydesk: Shell, tmp_path: Path) -> list[RunKey]:
    """Two investigations that ended and one that runs."""

    async def write() -> list[RunKey]:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db") as ledger:
            ended = [await investigate(ledger, claim(ticket, f"d-{ticket}")) for ticket in ("4711", "4712")]
            running = await ledger.claim_delivery(claim("4713", "d-4713"))
            return [*ended, running.key]

    return asyncio.run(write())


async def odd_run(url: str) -> RunKey:
    """A run whose texts look like a terminal's markup, as routes and log lines do."""
    async with await SqlLedger.open(url) as ledger:
        key = (await ledger.claim_delivery(claim("99", "d-99"))).key
        odd = evidence("E1").model_copy(update={"title": "errors of [/v1/search]", "reason": "[bold]cut[/v2]"})
        await ledger.put_evidence(key, odd)
        checked = CheckedClaim(
            claim=Claim(predicate=Predicate.ROW_SHOWS, subject="[red]", evidence=("E1",)),
            kept=False,
            sentence="40 of 1000 on [/v1/search] [link=x]",
            problem="no such row [/]",
        )
        found = diagnosis().model_copy(update={"claims": (checked,)})
        await ledger.note_step(key, "verify/0", await ledger.put_body("acme", found), detail="[/odd]")
        digest = await ledger.put_body("acme", found)
        await ledger.record_outcome(outcome(key, digest=digest).model_copy(update={"problem": "fetch: [/Timeout]"}))
        return key


@pytest.mark.parametrize("name", ["4711", "acme/zendesk/4711", "the investigation's id"])
def test_a_run_is_shown_by_any_of_its_names(name: str, whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("show", runs[0].investigation if name.startswith("the") else name)
    assert (said.code, said.err) == (0, "")
    first = said.out.splitlines()[0]
    assert first.startswith(f"{runs[0].investigation} · revision 1 · ticket 4711 · api-errors@3 · diagnosed")
    assert "note posted note-4711" in said.out
    assert all(f"│ E{number} " in said.out for number in range(1, 9))
    assert "ClickHouse" in said.out
    assert "error rate" in said.out
    assert all(step in said.out for step in ("read", "identify", "select", "weigh/0", "verify/0"))


def test_a_run_in_json_is_all_of_it(whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("show", "4712", "--json")
    whole = json.loads(said.out)
    assert whole["summary"]["key"]["ref"]["ticket"] == "4712"
    assert len(whole["evidence"]) == 8
    assert len(whole["evidence"][0]["body"]["rows"]) == 20
    assert whole["note"]["note"] == "note-4712"
    assert whole["diagnosis"]["cause"] == "deploy_regression"


def test_a_run_that_is_not_over_says_so(whydesk: Shell, runs: list[RunKey]) -> None:
    assert "ticket 4713 · running" in whydesk("show", "4713").out


@pytest.mark.parametrize("name", ["inv-nothing", "1", "acme/zendesk/1", "'; DROP TABLE x --"])
def test_an_unknown_run_is_told_with_what_to_do(name: str, whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("show", name)
    assert said.code == 2
    assert said.out == ""
    assert said.err == f"whydesk: the ledger has no investigation {name!r}: `whydesk list` shows those it has\n"


def test_an_unknown_revision_is_told_with_the_last_one(whydesk: Shell, runs: list[RunKey]) -> None:
    said = whydesk("show", "4711", "--revision", "7")
    assert (said.code, said.err) == (2, "whydesk: acme/zendesk/4711 has no revision 7; the last one is 1\n")


def test_texts_that_look_like_markup_are_shown_as_they_are(whydesk: Shell, tmp_path: Path) -> None:
    asyncio.run(odd_run(f"sqlite:///{tmp_path}/state/ledger.db"))
    said = whydesk("show", "99")
    assert (said.code, said.err) == (0, "")
    for text in ("errors of [/v1/search]", "[bold]cut[/v2]", "on [/v1/search] [link=x]", "no such row [/]", "[/odd]"):
        assert text in said.out
    assert "fetch: [/Timeout]" in said.out


def test_the_list_names_every_run_whole_even_on_a_narrow_terminal(
    whydesk: Shell, runs: list[RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("200", "80"):
        monkeypatch.setenv("COLUMNS", columns)
        said = whydesk("list")
        assert said.code == 0
        cells = "".join(line.split("│")[1].strip() for line in said.out.splitlines() if "│" in line)
        assert all(key.investigation in cells for key in runs), said.out


def test_the_list_in_json_can_be_narrowed(whydesk: Shell, runs: list[RunKey]) -> None:
    def tickets(*options: str) -> set[str]:
        said = whydesk("list", "--json", *options)
        assert said.code == 0, said.err
        return {run["key"]["ref"]["ticket"] for run in json.loads(said.out)}

    assert tickets() == {"4711", "4712", "4713"}
    assert tickets("--running") == {"4713"}
    assert tickets("--outcome", "diagnosed") == {"4711", "4712"}
    assert tickets("--outcome", "failed") == set()
    assert tickets("--tenant", "other") == set()
    assert tickets("--cause", "deploy_regression") <= {"4711", "4712"}
    assert len(tickets("--limit", "1")) == 1


@pytest.mark.parametrize("wrong", [("--outcome", "perhaps"), ("--limit", "0"), ("--limit", "x")])
def test_a_wrong_option_of_the_list_is_refused(wrong: tuple[str, str], whydesk: Shell) -> None:
    said = whydesk("list", *wrong)
    assert said.code == 2
    assert wrong[0] in said.err
    assert "Traceback" not in said.err


def test_an_empty_ledger_has_an_empty_list(whydesk: Shell) -> None:
    assert whydesk("list", "--json").out == "[]\n"


def test_a_ledger_that_cannot_be_opened_is_told(
    whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_text("not a database, and long enough not to be an empty one " * 40)
    monkeypatch.setenv("WHYDESK_LEDGER_URL", f"sqlite:///{tmp_path}/plain")
    said = whydesk("list")
    assert said.code == 2
    assert said.err.startswith("whydesk: ")
    assert "Traceback" not in said.err
