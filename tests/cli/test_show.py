"""`whydesk show` over a real ledger."""

import asyncio
import json
from pathlib import Path

import pytest

from ledger.store import SqlLedger
from models.diagnosis import CheckedClaim, Claim, Predicate
from models.feedback import Feedback, FeedbackVerdict
from models.run import Drafted, RunKey
from models.vocabulary import CauseClass
from tests.cli.command import Shell
from tests.ledger.investigations import NOON, claim, diagnosis, evidence, outcome
from tests.master_keys import KEYRING
from tests.reasoning.case import ANCHORS, EVIDENCE, GOOD, PLAYBOOK, WEIGHING, diagnose, row_shows

_WOULD_CHANGE = {"would_change": "Errors that began before the release."}
SHOWN_PLAYBOOK = PLAYBOOK.model_copy(
    update={"hypotheses": [PLAYBOOK.hypotheses[0].model_copy(update=_WOULD_CHANGE), *PLAYBOOK.hypotheses[1:]]}
)


async def odd_run(url: str) -> RunKey:
    """A run whose texts look like a terminal's markup, as routes and log lines do."""
    async with await SqlLedger.open(url, KEYRING) as ledger:
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


async def whole_run(url: str) -> RunKey:
    """A run with all that a real one leaves: anchors, weighing, playbook, a diagnosis over stored rows."""
    async with await SqlLedger.open(url, KEYRING) as ledger:
        key = (await ledger.claim_delivery(claim("88", "d-88"))).key
        for step, body in (
            ("identify/0", ANCHORS),
            ("select", SHOWN_PLAYBOOK),
            ("weigh/0/0", WEIGHING),
        ):
            detail = "acct_4711" if step == "identify/0" else ""
            await ledger.note_step(key, step, await ledger.put_body("acme", body), detail)
        for one in EVIDENCE:
            await ledger.put_evidence(key, one)
        found = diagnose(GOOD.model_copy(update={"claims": (*GOOD.claims, row_shows("E2", short_sha="bad0bad"))}))
        draft = await ledger.put_body("acme", GOOD)
        answer = Drafted(draft=draft, reasoner="claude-x", input_tokens=12_345, output_tokens=678, usd=0.0123)
        await ledger.put_model_answer(key, "f" * 64, 0, answer)
        await ledger.note_step(key, "diagnose/0/0", draft, "claude-x, prompt diagnose/1")
        digest = await ledger.put_body("acme", found)
        await ledger.record_outcome(outcome(key, digest=digest).model_copy(update={"reasoner": "claude-x"}))
        said = Feedback(
            revision=1,
            verdict=FeedbackVerdict.WRONG,
            who="ada",
            cause=CauseClass.KNOWN_BUG,
            comment="see [EDGE-412]",
            given_at=NOON,
        )
        await ledger.give_feedback(key, said)
        return key


def section(text: str, name: str) -> str:
    """Return a section of what was printed, its lines joined as if the terminal had no width."""
    lines = text.split(f"\n{name}\n", 1)[1].split("\n\n", 1)[0]
    return " ".join(lines.split())


def test_each_claim_stands_on_its_rows(whydesk: Shell, tmp_path: Path) -> None:
    asyncio.run(whole_run(f"sqlite:///{tmp_path}/state/ledger.db"))
    said = section(whydesk("show", "88").out, "Claims")
    for part in (
        "1. 41% of the requests failed (1,236 of 3,000) error_rate = 41% = ",
        "E1 ClickHouse · requests of the customer: 2 rows route=/v1/exports, requests=1000, failed=412,",
        "E2 GitHub · deployments: short_sha=3f2a9bc, environment=production, id=9001",
        "3. The status page has no incident",
        "E3 StatusPage · incidents: empty, 2026-03-11 15:00 to 2026-03-12 15:00",
        "4. row_shows E2 dropped: no row of E2 has short_sha='bad0bad' together",
    ):
        assert part in said, said


def test_each_hypothesis_says_what_decided_and_what_would_change_it(whydesk: Shell, tmp_path: Path) -> None:
    asyncio.run(whole_run(f"sqlite:///{tmp_path}/state/ledger.db"))
    out = whydesk("show", "88").out
    said = section(out, "Hypotheses")
    for part in (
        "→ supported, rank 1, severity high · regression (deploy_regression): The release at 2026-03-12 14:05 UTC made 41%",
        f"rank: {WEIGHING.verdicts[0].rank_reason} because: error_rate > 0.2; deployed_at > 0.0",
        "facts: error_rate 41%, deployed_at 2026-03-12 14:05 UTC",
        "would change it: Errors that began before the release.",
        "untested · bug (known_bug): A known bug makes requests fail open checks: bugs",
        "refuted · incident (own_incident)",
    ):
        assert part in said, said
    assert said.index("supported") < said.index("untested") < said.index("refuted")
    assert "Linear · known bugs: Linear did not answer in time" in section(out, "Not checked")


def test_feedback_times_and_cost_are_shown(whydesk: Shell, tmp_path: Path) -> None:
    asyncio.run(whole_run(f"sqlite:///{tmp_path}/state/ledger.db"))
    out = whydesk("show", "88").out
    assert "2026-03-02 12:00 wrong, says ada, it was known_bug: see [EDGE-412]" in section(out, "Feedback")
    assert "claude-x, prompt diagnose/1" in section(out, "Steps")
    assert "customer acct_4711" in out.splitlines()[0]
    assert "9.0 s in all · $0.0200 · reasoner claude-x" in out
    assert "diagnose 0 · claude-x · 12,345 tokens in, 678 out, $0.0123 · request ffffffffffff" in out
    whole = json.loads(whydesk("show", "88", "--json").out)
    assert whole["weighing"]["verdicts"][0]["id"] == "regression"
    assert whole["feedback"][0]["cause"] == "known_bug"
    assert whole["playbook"]["id"] == "api-errors"
    assert whole["anchors"]["customer"]["id"] == "acct_4711"


def test_rows_that_a_sentence_speaks_of_come_first_and_once(whydesk: Shell, tmp_path: Path) -> None:
    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            key = (await ledger.claim_delivery(claim("77", "d-77"))).key
            rows = tuple({"at": f"2026-03-02T1{hour}:20:00Z", "failed": hour} for hour in range(6))
            await ledger.put_evidence(key, evidence("E1").model_copy(update={"rows": rows}))
            same = Claim(predicate=Predicate.FACT_IS, subject="x", evidence=("E1",))
            told = CheckedClaim(claim=same, kept=True, sentence="It began at 2026-03-02 14:20 UTC")
            found = diagnosis().model_copy(update={"claims": (told, told)})
            await ledger.record_outcome(outcome(key, digest=await ledger.put_body("acme", found)))

    asyncio.run(write())
    said = section(whydesk("show", "77").out, "Claims")
    assert "6 rows at=2026-03-02T14:20:00Z, failed=4 and 5 more" in said
    assert said.endswith("E1 ClickHouse · error rate: 6 rows, as above")


def test_nothing_that_steers_a_terminal_comes_through(whydesk: Shell, tmp_path: Path) -> None:
    async def write() -> None:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            key = (await ledger.claim_delivery(claim("66", "d-66"))).key
            evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxet"
            found = evidence("E1").model_copy(update={"rows": ({"text": evil},), "title": evil, "reason": evil})
            await ledger.put_evidence(key, found)
            told = Claim(predicate=Predicate.ROW_SHOWS, subject="E1", evidence=("E1",))
            checked = CheckedClaim(claim=told, kept=True, sentence=evil, problem=evil)
            body = diagnosis().model_copy(update={"claims": (checked,)})
            await ledger.record_outcome(outcome(key, digest=await ledger.put_body("acme", body)))
            said = Feedback(revision=1, verdict=FeedbackVerdict.WRONG, who="ada", comment=evil, given_at=NOON)
            await ledger.give_feedback(key, said)

    asyncio.run(write())
    said = whydesk("show", "66")
    assert (said.code, said.err) == (0, "")
    assert "text=]0;owned[2J31mtxet" in said.out
    assert not set("\x1b\x07\x9b\u202e") & set(said.out)


def test_nothing_of_a_narrow_terminal_is_cut_off(
    whydesk: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = asyncio.run(whole_run(f"sqlite:///{tmp_path}/state/ledger.db"))
    monkeypatch.setenv("COLUMNS", "80")
    out = whydesk("show", "88").out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert key.investigation in out
    assert "would change it: Errors that began before the release." in section(out, "Hypotheses")


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
