"""Figures and report: each ticket counts once, a script is never called right, and nothing of a note becomes markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evals.generate.truth import Effect
from evals.records import Arm, RunFacts, Said, TicketRun
from evals.score.figures import ArmFigures, ScriptedQuality, figures, quality_of
from evals.score.intervals import upper_bound
from evals.score.pages import as_html, as_markdown
from evals.score.report import Report, blocks_of, make_report
from evals.score.run_file import RunFile
from evals.score.tickets import score_run
from models.vocabulary import CauseClass, Confidence, Outcome, Severity
from tests.evals.score_lines import FACTS, known, line, scripted, truths

WRONG = {"cause": CauseClass.OWN_INCIDENT}
TICKETS = (
    known("t1", language="de"),
    known("t2", language="ja", effects=(Effect(unit="share_of_answers", size=0.04, noise=0.02, rows=200),)),
    known("t3", solvable=False, severities=(Severity.MEDIUM,)),
    known("t4", effects=(Effect(unit="none", size=1.0),)),
)


def report(*lines: TicketRun, facts: RunFacts = FACTS) -> Report:
    return make_report([(RunFile(Path("runs.jsonl"), facts, lines), truths(*TICKETS))])


def rules(*lines: TicketRun) -> ArmFigures:
    return figures(score_run(RunFile(Path("runs.jsonl"), FACTS, lines), truths(*TICKETS)))[0]


def test_shares_are_of_tickets_and_solvable_ones_are_counted_apart() -> None:
    found = rules(line("t1"), line("t2", **WRONG), line("t3", **WRONG), line("t4"))
    assert found.quality is not None
    assert (found.quality.cause.hits, found.quality.cause.of) == (2, 4)
    assert (found.quality.cause_of_solvable.hits, found.quality.cause_of_solvable.of) == (2, 3)
    assert (found.quality.named_wrong.hits, found.quality.named_wrong.of) == (2, 4)
    assert found.safety.false_high.count == 1
    assert found.safety.false_high.upper == upper_bound(1, 4)


def test_a_repeated_ticket_counts_once() -> None:
    lines = [line("t1", repeat=0), line("t1", repeat=1, **WRONG), line("t2", repeat=0), line("t2", repeat=1)]
    found = rules(*lines)
    assert found.quality is not None
    assert (found.quality.cause.hits, found.quality.cause.of) == (1.5, 2)
    assert found.quality.by_repeat == [1.0, 0.5]
    assert found.quality.over_repeats is not None
    assert (found.tickets, found.lines) == (2, 4)
    unverified = line("t1", repeat=1, said=(Said(text="x", kept=True),))
    assert rules(line("t1"), unverified, line("t2")).safety.unverified.of == 2
    assert rules(line("t1"), unverified, line("t2")).safety.unverified.count == 1


def test_groups_are_by_language_effect_and_the_like() -> None:
    found = rules(line("t1"), line("t2", **WRONG), line("t3", **WRONG), line("t4")).groups
    assert [(one.name, one.tickets, one.cause.value) for one in found["language"]] == [
        ("de", 1, 1.0),
        ("en", 2, 0.5),
        ("ja", 1, 0.0),
    ]
    assert [one.name for one in found["effect over noise"]] == ["2 to 3", "10 to 20", "exact"]
    assert [one.name for one in found["share of answers"]] == ["2% to 5%", "30% to 50%"]
    assert {one.name: one.cause_of_solvable.of for one in found["axis"]} == {"find_it": 3}


def test_brier_and_reliability_rest_on_what_was_stated() -> None:
    sure = line("t1", probability=0.95)
    unsure = line("t2", probability=0.25, **WRONG)
    silent = line("t3", outcome=Outcome.INCONCLUSIVE, cause=CauseClass.UNKNOWN, probability=0.5)
    quality = rules(sure, unsure, silent).quality
    assert quality is not None
    assert quality.brier == pytest.approx((0.05**2 + 0.25**2) / 2)
    assert quality.is_calibrated
    assert [(one.stated, one.right.value) for one in quality.reliability] == [(0.25, 0.0), (0.95, 1.0)]
    by_level = rules(line("t1"), line("t2", confidence=Confidence.LOW)).quality
    assert by_level is not None
    assert not by_level.is_calibrated


def test_a_script_is_never_called_right() -> None:
    lines = (line("t1"), scripted("t1"), scripted("t2", **WRONG, severity=Severity.HIGH))
    found = figures(score_run(RunFile(Path("runs.jsonl"), FACTS, lines), truths(*TICKETS)))
    assert [(one.label, one.quality is None, one.groups == {}) for one in found] == [
        ("rules", False, False),
        ("model · hostile script", True, True),
    ]
    assert found[1].safety.false_high.of == 2
    with pytest.raises(ScriptedQuality, match="never how right"):
        quality_of(score_run(RunFile(Path("runs.jsonl"), FACTS, (scripted("t1"),)), truths(*TICKETS)))


def test_a_scripted_runs_models_are_known_by_its_first_line_too() -> None:
    facts = FACTS.model_copy(update={"script": scripted().script})
    lines = (line("t1", arm=Arm.BARE), line("t1", arm=Arm.BARE, model="m-1"))
    found = figures(score_run(RunFile(Path("runs.jsonl"), facts, lines), truths(*TICKETS)))
    assert [(one.model, one.quality is None) for one in found] == [("", True), ("m-1", False)]


def test_no_figure_of_quality_of_a_script_is_in_the_report() -> None:
    page = as_markdown(blocks_of(report(scripted("t1"), scripted("t2", **WRONG))))
    assert "Not scored, for a script wrote the answers: model · hostile script" in page
    assert "cause, of" not in page
    assert "Brier" not in page
    assert "## By " not in page
    assert "not right" not in page


def test_the_header_says_what_was_run_and_how_to_run_it_again() -> None:
    facts = FACTS.model_copy(update={"split": "test", "opened": 3, "rows": 500})
    run = RunFile(Path("runs.jsonl"), facts, (line("t1"),))
    page = as_markdown(blocks_of(make_report([(run, truths(*TICKETS).model_copy(update={"rows": 1000}))])))
    for said in ("test, run number 3 on it", "g" * 16, "c" * 16, "api-errors@1 " + "p" * 16, "1 played of 4"):
        assert said in page
    assert "500 of 1,000" in page
    assert "its tickets are harder" in page
    assert "    whydesk eval --world 1 --out FOLDER --rows 500 --split test\n" in page


def test_each_arm_has_its_command() -> None:
    paid = line("t1", arm=Arm.BARE, model="m-1", repeat=2)
    page = as_markdown(blocks_of(report(line("t1"), paid, scripted("t1"))))
    assert "    whydesk eval --world 1 --out FOLDER --tickets 4\n" in page
    assert "    whydesk eval --out FOLDER --arms bare --model m-1 --max-usd USD --repeat 3\n" in page
    assert "    whydesk eval --out FOLDER --arms model --script hostile\n" in page


def test_misses_of_the_test_split_are_not_listed() -> None:
    lines = (line("t1", **WRONG), line("t2"))
    assert "| t1 |" in as_markdown(blocks_of(report(*lines)))
    closed = as_markdown(blocks_of(report(*lines, facts=FACTS.model_copy(update={"split": "test"}))))
    assert "| t1 |" not in closed
    assert "Those of the test split are not listed: Nimbus (seed 1)" in closed


def test_beside_each_zero_stands_its_bound() -> None:
    page = as_markdown(blocks_of(report(line("t1"), line("t2"))))
    assert f"0 of 2 (below {upper_bound(0, 2):.1%})" in page


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_no_other_file_and_has_its_pictures() -> None:
    page = as_html("WhyBench report", blocks_of(report(line("t1"), line("t2", **WRONG), line("t3"), line("t4"))))
    found = _Tags()
    found.feed(page)
    assert found.links == []
    assert "script" not in found.tags
    assert found.tags.count("svg") == 4, "confidence, effect, share of answers, language"
    assert "NaN" not in page


def test_what_a_note_says_becomes_no_markup() -> None:
    said = (Said(text="<script>x</script> [a](http://evil.example) | `b`", kept=True, true=False),)
    blocks = blocks_of(report(line("t1", said=said)))
    assert "<script>" not in as_html("r", blocks)
    page = as_markdown(blocks)
    assert "\\<script\\>" in page
    assert "\\[a\\](http" in page
    assert re.search(r"(?<!\\)\| \\`b\\`", page) is None


def test_several_worlds_are_one_report() -> None:
    other = FACTS.model_copy(update={"world": "v" * 64, "world_name": "Cirrus", "seed": 2})
    runs = [
        (RunFile(Path("a.jsonl"), FACTS, (line("t1"),)), truths(*TICKETS)),
        (
            RunFile(Path("b.jsonl"), other, (line("t1", **WRONG),)),
            truths(*TICKETS).model_copy(update={"world": "v" * 64}),
        ),
    ]
    [arm] = make_report(runs).arms
    assert arm.tickets == 2
    assert [(one.name, one.cause.value) for one in arm.groups["world"]] == [
        ("Cirrus (seed 2)", 0.0),
        ("Nimbus (seed 1)", 1.0),
    ]


def test_a_run_without_lines_has_a_report() -> None:
    page = as_markdown(blocks_of(report()))
    assert "0 played of 4" in page
