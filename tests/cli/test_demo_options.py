"""What `whydesk demo` refuses before it starts anything, and what it counts as wrong in its report."""

import io
import re
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from cli import demo
from cli.connection import load_settings
from cli.demo_report import Told, demo_table, print_report
from cli.demo_tickets import break_sources, lacking
from cli.open_runs import OpenRuns
from cli.stack import Stack
from cli.world_tenant import SandboxState
from models.diagnosis import HypothesisVerdict, NotChecked, Weighing
from models.evidence import EvidenceRef
from models.run import RevisionResult
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity, Source, Verdict
from sandbox.run import Sandbox
from sandbox.world_files import load_world
from sandbox.world_tickets import Truth
from tests.cli.command import Shell
from tests.cli.running import mentioning

KEYS = [ticket.key for ticket in load_world(demo.DEFAULT_WORLD).tickets.tickets]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ticket", "0"], f"no ticket '0' in {demo.DEFAULT_WORLD}; there are 1 to {len(KEYS)}: {KEYS[0]}"),
        (["--ticket", str(len(KEYS) + 1)], f"there are 1 to {len(KEYS)}"),
        (["--ticket", "²"], "no ticket '²'"),
        (["--ticket", "no-such"], "no ticket 'no-such'"),
        (["--latency", "slow"], "--latency 'slow': write two numbers of seconds, such as 0."),
        (["--latency", "1,x"], "--latency '1,x': write two numbers"),
        (["--latency", "2,1"], "--latency '2,1': the lower number comes first"),
        (["--latency", "-1,1"], "--latency '-1,1': the lower number comes first"),
        (["--latency", "nan"], "--latency 'nan': the lower number comes first"),
        (["--model", "claude-x"], "--model needs ANTHROPIC_API_KEY in the environment"),
        (["--json", "/nowhere/deep/out.json"], "--json '/nowhere/deep/out.json': there is no such folder"),
        (["--break", "strpie"], "no source 'strpie'; did you mean 'stripe'? There are: clickhouse, docs,"),
        (["--break", "stripe", "--break", "helpdesk"], "no source 'helpdesk'. There are: "),
        (["--world", "/nowhere"], "/nowhere is no valid world; `whydesk world validate /nowhere` says why"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(
    options: list[str], words: str, whydesk: Shell, tmp_path: Path
) -> None:
    said = whydesk("demo", *options)
    assert said.code == 2
    assert said.err.startswith("whydesk: ")
    assert words in said.err
    assert not (tmp_path / "state").exists()
    assert mentioning(str(tmp_path / "state")) == {}


@pytest.mark.parametrize("rows", ["0", "-5", "many"])
def test_rows_are_a_number_above_zero(rows: str, whydesk: Shell) -> None:
    said = whydesk("demo", "--rows", rows)
    assert said.code == 2
    assert "--rows" in said.err


def test_the_cost_is_shown_and_asked_for(whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda question: asked.append(question))
    said = whydesk("demo", "--model", "claude-opus-5", "--ticket", "1")
    assert said.code == 1, "a no is a no"
    assert asked == ["Go on?"]
    assert "claude-opus-5: at most $" in said.out
    assert "for 1" in said.out
    assert "sk-ant-secret" not in said.out + said.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "bounds"), [("0.2,1.5", (0.2, 1.5)), ("1", (1.0, 1.0)), ("0,0", (0.0, 0.0)), ("1,", (1.0, 1.0))]
)
def test_latency(text: str, bounds: tuple[float, float]) -> None:
    assert demo._latency(text) == bounds


def test_a_ticket_is_chosen_by_its_number_or_its_key() -> None:
    assert demo._chosen(demo.DEFAULT_WORLD, None) == KEYS
    assert demo._chosen(demo.DEFAULT_WORLD, "2") == [KEYS[1]]
    assert demo._chosen(demo.DEFAULT_WORLD, KEYS[-1]) == [KEYS[-1]]


def test_a_fresh_demo_keeps_folders_and_the_file_that_holds_the_lock(tmp_path: Path) -> None:
    for name in ("ledger.db", "temporal.db", "up.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / "logs").mkdir()
    demo.clear(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"up.json", "logs"}


TRUTH = Truth.model_validate(
    {
        "outcome": "diagnosed",
        "cause": "rate_limit_plan",
        "also": ["known_bug"],
        "severity": "medium",
        "sources": ["clickhouse", "stripe"],
        "why": "they call too often",
    }
)


def answer(source: Source, status: EvidenceStatus = EvidenceStatus.FOUND) -> EvidenceRef:
    return EvidenceRef(id="E1", query="q", source=source, status=status, digest="d")


def told(
    *,
    outcome: Outcome = Outcome.DIAGNOSED,
    cause: str = TRUTH.cause,
    severity: str = TRUTH.severity.value,
    notes: int = 1,
    stripe: EvidenceStatus = EvidenceStatus.EMPTY,
    said: str = "",
    without: frozenset[Source] = frozenset(),
) -> Told:
    result = RevisionResult(
        investigation="inv-x",
        revision=1,
        outcome=outcome,
        cause=CauseClass(cause),
        severity=Severity(severity),
        gaps=("stripe",) if said else (),
    )
    evidence = (answer(Source.CLICKHOUSE), answer(Source.STRIPE, stripe))
    return Told("k", "s", TRUTH, result=result, notes=[f"<p>n{said}</p>"] * notes, evidence=evidence, without=without)


def test_what_ended_as_it_should_has_no_problem() -> None:
    assert told().problems == []
    assert told(cause="known_bug").problems == [], "another cause that is right as well"
    assert told(severity="low").problems == [], "modesty is no fault"


def test_no_answer_is_a_problem_of_its_own() -> None:
    silent = Told("k", "s", TRUTH)
    assert (silent.found, silent.problems) == ("no answer", ["no result"])


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (told(outcome=Outcome.INCONCLUSIVE), "outcome inconclusive instead of diagnosed"),
        (told(cause="own_incident"), "cause own_incident instead of rate_limit_plan"),
        (told(severity="high"), "severity high above medium"),
        (told(notes=0), "0 notes instead of 1"),
        (told(notes=2), "2 notes instead of 1"),
        (told(stripe=EvidenceStatus.FAILED), "stripe was not used"),
        (told(stripe=EvidenceStatus.SKIPPED), "stripe was not used"),
    ],
)
def test_each_kind_of_problem_is_said(one: Told, problem: str) -> None:
    assert one.problems == [problem]
    assert one.as_json()["problems"] == [problem]


def test_several_problems_are_all_said() -> None:
    assert len(told(cause="own_incident", severity="high", notes=3).problems) == 3


STRIPE = frozenset({Source.STRIPE})


def test_a_ticket_that_needs_a_broken_source_does_not_count() -> None:
    assert told().counts
    assert told(without=frozenset({Source.GITHUB})).counts
    assert not told(without=frozenset({Source.GITHUB, Source.STRIPE})).counts
    assert told(without=STRIPE).as_json()["counts"] is False


def test_a_note_names_what_was_not_checked() -> None:
    silent = "no word in the note that Stripe was not checked"
    assert told(said="<p>Stripe is fine. <strong>Not checked</strong>: Linear").problems == [silent]
    assert told(said="<p><strong>Not checked</strong>: Stripe · invoices").problems == []


def test_a_missing_source_excuses_saying_less_and_nothing_false() -> None:
    less = told(outcome=Outcome.INCONCLUSIVE, stripe=EvidenceStatus.FAILED, without=STRIPE)
    assert less.problems
    assert less.faults == []
    for false in (
        told(cause="own_incident", without=STRIPE),
        told(severity="high", without=STRIPE),
        told(outcome=Outcome.NOTHING_WRONG, without=STRIPE),
        told(outcome=Outcome.INCONCLUSIVE, notes=2, without=STRIPE),
        told(outcome=Outcome.INCONCLUSIVE, said="<p>all is well", without=STRIPE),
        told(outcome=Outcome.FAILED, without=STRIPE),
        Told("k", "s", TRUTH, without=STRIPE),
    ):
        assert len(false.faults) == 1
        passed, printed = report(false)
        assert not passed
        assert false.faults[0] in printed


def test_a_required_check_that_hangs_on_a_source_is_found_in_the_weighing() -> None:
    github, docs = (
        NotChecked(query=name, source=source, title=name, reason="it is away")
        for name, source in (("deploys", Source.GITHUB), ("pages", Source.DOCS))
    )
    verdict = HypothesisVerdict(
        id="h", cause=CauseClass.RATE_LIMIT_PLAN, title="h", verdict=Verdict.UNTESTED, open_checks=("deploys", "logs")
    )
    weighing = Weighing(
        facts=(), verdicts=(verdict,), not_checked=(github, docs), coverage=0.8, confidence=Confidence.MEDIUM
    )
    assert lacking(weighing, {TRUTH.cause}) == {Source.GITHUB}
    assert lacking(weighing, {"own_incident"}) == lacking(None, {TRUTH.cause}) == frozenset()
    one = told(outcome=Outcome.INCONCLUSIVE, without=frozenset({Source.GITHUB}))
    assert one.faults
    one.lacked = lacking(weighing, {TRUTH.cause})
    assert not one.faults


def report(*tickets: Told) -> tuple[bool, str]:
    """Print it as a pipe gets it; return the verdict and the words."""
    console = Console(width=demo._WIDTH, record=True, file=io.StringIO())
    stack = Stack("", "", "http://127.0.0.1:9", "", OpenRuns(0, ()), {}, load_settings({}))
    for one in tickets:
        one.ticket = "4711"
    passed = print_report(console, list(tickets), stack, 1.0, Path("/state"))
    return passed, console.export_text()


def test_only_tickets_that_count_decide() -> None:
    lost = told(outcome=Outcome.INCONCLUSIVE, stripe=EvidenceStatus.FAILED, without=STRIPE)
    free = told(without=STRIPE)
    free.truth = TRUTH.model_copy(update={"sources": ["clickhouse"]})
    passed, said = report(lost, free)
    assert passed
    assert "1 of 1 tickets that do not need Stripe (1 more, marked –, do) ended as they should" in said
    assert "1 of 2 −stripe" in said
    assert report(free)[1].count("(") == 0
    bad = told(outcome=Outcome.INCONCLUSIVE, stripe=EvidenceStatus.FAILED)
    passed, said = report(bad)
    assert not passed
    assert "0 of 1 tickets ended as they should" in said


@pytest.mark.parametrize("width", [80, 100, demo._WIDTH])
def test_the_table_fits_and_shows_each_gap(width: int) -> None:
    tickets = [told(cause="webhook_endpoint_slow_or_down", stripe=EvidenceStatus.FAILED) for _ in KEYS]
    for one, key in zip(tickets, KEYS, strict=True):
        one.key, one.seconds, one.waited, one.overhead = key, 100.0, 12.3, 8.13
    said = table_of(tickets, width)
    lines = said.splitlines()
    assert max(map(len, lines)) <= width
    whole = [line for line in lines if re.search(r"1 of 2 −stripe +100\.0 +12\.3 +8\.13 ✗$", line)]
    assert len(whole) == len(KEYS)


def test_a_narrow_table_says_what_is_true_where_something_else_was_found() -> None:
    wrong, right = told(outcome=Outcome.INCONCLUSIVE), told()
    assert "inconclusive not rate_limit_plan" in " ".join(table_of([wrong], 100).split())
    assert " not " not in table_of([right], 100)
    assert "true cause" in table_of([right], demo._WIDTH)


def table_of(tickets: list[Told], width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(demo_table(tickets, width))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def test_the_last_columns_are_explained() -> None:
    one, other = told(), told()
    one.waited, one.overhead, other.waited, other.overhead = 2.0, 1.1, 3.0, 1.4
    said = report(one, other)[1]
    assert "note ÷ path = 1.25 at the median" in said
    assert "the 1 others on the same machine" not in said
    assert "note ÷ path" not in report(told())[1], "where no note was written there is nothing to explain"


def test_the_size_of_histories_is_said() -> None:
    tickets = [told(), told(), told()]
    for one, events, size in zip(tickets, (41, 77, 90), (20_000, 61_499, 45_000), strict=True):
        one.events, one.history_bytes = events, size
    said = " ".join(report(*tickets)[1].split())
    assert "a run's history in Temporal: 77 events, 45 kB at the median; at most 90 events, 61 kB" in said
    assert (tickets[0].as_json()["events"], tickets[0].as_json()["history_bytes"]) == (41, 20_000)
    assert "history in Temporal" not in report(told())[1]


async def test_a_broken_source_is_refused_at_each_of_its_addresses(sandbox: Sandbox) -> None:
    state = SandboxState.model_validate(sandbox.state())
    addresses = state.addresses
    async with httpx.AsyncClient(base_url=state.control) as control, httpx.AsyncClient() as http:
        try:
            await break_sources(control, addresses, frozenset({Source.STATUSPAGE, Source.STRIPE}))
            refused = []
            for name, address in addresses.items():
                try:
                    await http.get(address)
                except httpx.ConnectError:
                    refused.append(name)
        finally:
            await control.delete("/faults")
    assert sorted(refused) == sorted(name for name in addresses if name.startswith(("statuspage", "stripe")))
    assert len(refused) > 2, "the pages of others as well"
