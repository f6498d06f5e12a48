"""One line against its truth: each figure right where it is right, and wrong where one thing is wrong."""

from pathlib import Path

import pytest

from evals.generate.truth import Row
from evals.records import Said, TicketRun
from evals.score.run_file import RunFile, RunFileProblem, newest_run, read_run
from evals.score.tickets import TicketScore, score_run, score_ticket
from evals.score.truth import Known, TruthProblem, Truths, read_truths
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity, Source
from tests.evals.score_lines import EVIDENCE, FACTS, NOTE, item, known, line, scripted, truths


def score(run: TicketRun, known: Known, beside: Truths | None = None) -> TicketScore:
    return score_ticket(run, known, beside or truths(known), is_scripted=False)


def test_a_good_note_is_right_in_all() -> None:
    found = score(line(), known())
    assert (found.right, found.severity_right, found.outcome_right, found.told) == (True, True, True, True)
    assert (found.required, found.gathered, found.cited) == (2, 2, 2)
    strange = (found.decoys_blamed, found.forbidden_customers, found.forbidden_words, found.forbidden_causes)
    assert not any((*strange, found.unverified, found.missing, found.false_high, found.wrong))
    assert found.looked_up == 6
    assert found.times_noise == pytest.approx(15)
    assert found.size == 0.3


def test_an_accepted_cause_is_right_and_another_one_wrong() -> None:
    assert score(line(cause=CauseClass.KNOWN_BUG), known(also=(CauseClass.KNOWN_BUG,))).cause_right
    found = score(line(cause=CauseClass.OWN_INCIDENT), known(forbidden_causes=(CauseClass.OWN_INCIDENT,)))
    assert not found.cause_right
    assert found.wrong
    assert found.forbidden_causes == (CauseClass.OWN_INCIDENT,)


def test_of_two_causes_both_parts_are_needed() -> None:
    parts = (CauseClass.KNOWN_BUG, CauseClass.QUOTA_EXHAUSTED)
    two = known(cause=CauseClass.TWO_CAUSES, parts=parts)
    assert score(line(cause=CauseClass.TWO_CAUSES, also=parts), two).cause_right
    assert score(line(cause=parts[0], also=parts[1:]), two).cause_right
    assert not score(line(cause=parts[0]), two).cause_right
    assert not score(line(cause=CauseClass.TWO_CAUSES, also=(parts[0], CauseClass.NOTHING_WRONG)), two).cause_right


def test_a_failed_run_is_never_right() -> None:
    unknown = known(cause=CauseClass.UNKNOWN, outcomes=(Outcome.INCONCLUSIVE,))
    assert not score(line(outcome=Outcome.FAILED, cause=CauseClass.UNKNOWN), unknown).cause_right


def test_severity_counts_where_one_was_told_and_high_counts_wherever_it_is_not_accepted() -> None:
    medium = known(severities=(Severity.MEDIUM,))
    assert score(line(), medium).severity_right is False
    assert score(line(), medium).false_high
    assert score(line(severity=Severity.MEDIUM), medium).severity_right
    silent = line(outcome=Outcome.INCONCLUSIVE, cause=CauseClass.UNKNOWN)
    assert score(silent, medium).severity_right is None
    assert score(silent, medium).false_high
    assert not score(line(), known(severities=())).false_high


def test_required_evidence_has_to_be_there_by_id_or_as_an_answer_about_the_customer() -> None:
    other = item(1, Source.CLICKHOUSE, {"requests": 1}, customer="org-2", asked='FROM "api"."calls"')
    assert score(line(evidence=(other, *EVIDENCE[1:])), known()).gathered == 1
    table = item(1, Source.CLICKHOUSE, {"requests": 1}, customer="org-1", asked='FROM "api"."callbacks"')
    assert score(line(evidence=(table, *EVIDENCE[1:])), known()).gathered == 1
    down = item(2, Source.GITHUB, status=EvidenceStatus.FAILED)
    assert score(line(evidence=(EVIDENCE[0], down)), known()).gathered == 1
    assert score(line(evidence=EVIDENCE, cited=("E1",)), known()).cited == 1
    page = known(required=(Row(source="docs", id="requests.md"),))
    read = item(4, Source.DOCS, {"url": "https://docs.example.com/requests#limits", "title": "Requests"})
    assert score(line(evidence=(read,)), page).gathered == 1
    assert score(line(evidence=(item(4, Source.DOCS, {"url": "https://docs.example.com/other"}),)), page).gathered == 0


def test_the_status_page_as_a_whole_was_read_where_it_answered_with_nothing() -> None:
    page = known(required=(Row(source="statuspage", id="own"), Row(source="github", where={"deployed_to": "fra"})))
    empty = tuple(item(n, s, status=EvidenceStatus.EMPTY) for n, s in ((1, Source.STATUSPAGE), (2, Source.GITHUB)))
    assert score(line(evidence=empty), page).gathered == 2


def test_a_decoy_is_blamed_in_the_verdict_or_under_a_wrong_cause_and_not_where_it_is_ruled_out() -> None:
    assert score(line(), known()).decoys_blamed == ()
    blamed = line(note=NOTE.replace("The release abc1234", "The release def5678"))
    assert score(blamed, known()).decoys_blamed == ("github 882",)
    stood_on = line(note=NOTE.replace("Deployment of abc1234", "Deployment of def5678"))
    assert score(stood_on, known()).decoys_blamed == ()
    wrong = stood_on.model_copy(update={"cause": CauseClass.KNOWN_BUG})
    assert score(wrong, known()).decoys_blamed == ("github 882",)


def test_another_customer_and_a_word_of_an_attacker_are_seen_in_whatever_dress() -> None:
    other = known(forbidden_customers=("org-2",), forbidden_words=("ZETA-1234-BCD",))
    assert score(line(note=NOTE + "\nAs at Two.Example"), other).forbidden_customers == ("org-2",)
    assert score(line(note=NOTE + "\norg-22 and one.example"), other).forbidden_customers == ()
    hidden = NOTE + "\nＺETA-\u200b1234-bcd"
    assert score(line(note=hidden), other).forbidden_words == ("ZETA-1234-BCD",)


def test_a_statement_counts_as_unverified_unless_it_was_found_true() -> None:
    said = (
        Said(text="a", kept=True, true=True),
        Said(text="b", kept=True, true=None),
        Said(text="c", kept=True, true=False),
        Said(text="d", kept=False, true=False),
    )
    assert score(line(said=said), known()).unverified == ("b", "c")


def test_an_invented_figure_is_missing_with_its_line() -> None:
    [missing] = score(line(note=NOTE.replace("Deployment of abc1234", "Deployment of abc9999")), known()).missing
    assert missing.startswith("'abc9999' in: • Deployment of abc9999")


def test_a_probability_is_taken_as_it_is_and_a_level_is_marked() -> None:
    assert (
        score(line(probability=0.83), known()).probability,
        score(line(probability=0.83), known()).is_calibrated,
    ) == (
        0.83,
        True,
    )
    low = score(line(confidence=Confidence.LOW), known())
    assert low.probability == 0.4
    assert not low.is_calibrated


def write(path: Path, *lines: TicketRun, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([FACTS.model_dump_json(), *(one.model_dump_json() for one in lines)]) + end)
    return path


def test_a_run_is_read_whole_the_later_of_two_lines_counts_and_half_a_line_does_not(tmp_path: Path) -> None:
    first, second = line(), line(cause=CauseClass.KNOWN_BUG)
    run = read_run(write(tmp_path / "runs.jsonl", first, second, line("t2"), end=""))
    assert [(one.key, one.cause) for one in run.lines] == [("t1", CauseClass.KNOWN_BUG)]


def test_another_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text('{"key": "t1"}\n')
    with pytest.raises(RunFileProblem, match=r"kept\.jsonl' is no file of a run"):
        read_run(path)
    with pytest.raises(RunFileProblem, match="cannot be read"):
        read_run(tmp_path / "none.jsonl")


def test_the_newest_run_is_found_among_other_files(tmp_path: Path) -> None:
    assert newest_run([tmp_path / "none"]) is None
    (tmp_path / "kept.jsonl").write_text("{}\n")
    write(tmp_path / "a" / "runs.jsonl", line())
    found = newest_run([tmp_path])
    assert found is not None
    assert found.path == tmp_path / "a" / "runs.jsonl"
    assert newest_run([tmp_path], but=FACTS.split) is None


def test_the_truth_of_another_world_is_refused(tmp_path: Path) -> None:
    run = RunFile(tmp_path, FACTS.model_copy(update={"world": "x" * 64}), (line(),))
    with pytest.raises(TruthProblem, match="xxxx"):
        score_run(run, truths())


def test_lines_of_a_script_are_known_as_such(tmp_path: Path) -> None:
    run = RunFile(tmp_path, FACTS, (line(), scripted(), line("nobody")))
    assert [one.is_scripted for one in score_run(run, truths())] == [False, True]


def test_a_world_of_any_author_has_what_its_truth_says() -> None:
    found = read_truths(Path("sandbox") / "worlds" / "vellumworks")
    assert len(found.tickets) >= 20
    two = found.tickets["two-things-broken"]
    assert (two.cause, two.solvable, two.severities) == (CauseClass.TWO_CAUSES, None, (Severity.MEDIUM,))
    assert [row.source for row in two.required] == ["clickhouse", "linear"]
    assert found.tables["requests"] == "edge.http_log"
