"""Fixtures: what they can say, and what is told of a mistake in one."""

from pathlib import Path

import pytest

from models.playbook import Playbook
from models.vocabulary import Verdict
from playbooks.fixtures import Fixture, investigate, read_fixtures, run_fixture, run_fixtures
from playbooks.library import LoadedPlaybook, PlaybookError
from tests.playbooks.small import FIXTURE, SMALL, load, with_fixture, write


def case(loaded: LoadedPlaybook) -> tuple[Playbook, Fixture]:
    return loaded.playbook, read_fixtures(loaded)["open"]


MISTAKES = {
    "a misspelt key": ("evidence:", "evidense:", ":3: evidense: no such field; did you mean 'evidence'?"),
    "a query that is not there": (
        "  incidents:\n",
        "  incidnets:\n",
        ":4: evidence.incidnets: there is no query 'incidnets'; did you mean 'incidents'?",
    ),
    "a column that the query does not answer": (
        "upstream: false",
        "upstraem: false",
        ":6: evidence.incidents.rows[0].upstraem: there is no column 'upstraem'; did you mean 'upstream'?",
    ),
    "a fact that is not there": (
        "{open: 1}",
        "{opne: 1}",
        ":13: expect.facts.opne: there is no fact 'opne'; did you mean 'open'?",
    ),
    "a hypothesis that is not there": (
        "hypothesis: incident",
        "hypothesis: incidence",
        ":11: expect.hypothesis: there is no hypothesis 'incidence'; did you mean 'incident'?",
    ),
    "a verdict that is none": (
        "incident: supported",
        "incident: suported",
        ":12: expect.verdicts.incident: there is no verdict 'suported'; did you mean 'supported'?",
    ),
    "an outcome that is none": (
        "outcome: diagnosed",
        "outcome: diagnose",
        ":10: expect.outcome: there is no outcome 'diagnose'; did you mean 'diagnosed'?",
    ),
    "a claim of nothing": (
        "[open, incidents]",
        "[opened, incidents]",
        ":14: expect.claims[0]: there is no fact or query 'opened'; did you mean 'open'?",
    ),
    "an anchor that is none": (
        "evidence:",
        "anchors: {rutes: [/v1]}\nevidence:",
        ":3: anchors.rutes: there is no anchor 'rutes'; did you mean 'routes'?",
    ),
    "an anchor of another type": (
        "evidence:",
        "anchors: {routes: 7}\nevidence:",
        ":3: anchors.routes: this anchor cannot hold that: input should be a valid tuple",
    ),
    "no time": (
        "reported_at: 2026-03-04T10:00:00Z\n",
        "",
        ":1: reported_at: 'reported_at' is missing: when the customer wrote",
    ),
    "a base that is not there": (
        "says:",
        "extends: opne\nsays:",
        ":1: extends: there is no other fixture 'opne'; there are: none",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_like_one_in_a_playbook(name: str, tmp_path: Path) -> None:
    before, after, said = MISTAKES[name]
    assert before in FIXTURE
    loaded = with_fixture(tmp_path, FIXTURE.replace(before, after, 1))
    with pytest.raises(PlaybookError) as caught:
        read_fixtures(loaded)
    assert str(caught.value) == f"{tmp_path / 'small/fixtures/open.yaml'}{said}"


def test_a_whole_fixture_holds(tmp_path: Path) -> None:
    [result] = run_fixtures(with_fixture(tmp_path))
    assert (result.name, result.passed, result.differences) == ("open", True, ())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("hypothesis: incident", "ranks: []", "ranks: expected none, got incident"),
        ("hypothesis: incident", "confidence: low", "confidence: expected low, got high"),
        ("hypothesis: incident", "severity: high", "severity: expected high, got low"),
        ("hypothesis: incident", "also: [incident]", "also: expected incident, got none"),
        ("{open: 1}", "{open: null}", "fact open: expected unknown, got 1"),
        ("incident: supported", "incident: refuted", "verdict of incident: expected refuted, got supported"),
    ],
)
def test_a_difference_says_both(before: str, after: str, said: str, tmp_path: Path) -> None:
    [result] = run_fixtures(with_fixture(tmp_path, FIXTURE.replace(before, after)))
    assert result.differences == (said,)


def test_an_unknown_fact_says_why(tmp_path: Path) -> None:
    text = FIXTURE.replace("rows: [{requests: 40}]", "status: timed-out").replace("{open: 1}", "{requests: 40}")
    [result] = run_fixtures(with_fixture(tmp_path, text))
    assert result.differences == ("fact requests: expected 40, got unknown (load has no answer (timed-out))",)


def test_what_is_missing_can_be_expected(tmp_path: Path) -> None:
    playbook = SMALL.replace("queries:\n", "needs: [customer]\nquestions: {customer: Whose?}\nqueries:\n", 1)
    nobody = "extends: open\nsays: x\ncustomer: false\nevidence: {incidents: {}, load: {status: skipped}}\n"
    nobody += "expect: {outcome: needs-info, missing: [customer]}\n"
    write(tmp_path, nobody, "small/fixtures/nobody.yaml")
    write(tmp_path, FIXTURE, "small/fixtures/open.yaml")
    loaded = load(tmp_path, playbook).get("small")
    assert [result.differences for result in run_fixtures(loaded)] == [(), ()]
    fixture = read_fixtures(loaded)["nobody"]
    wrong = fixture.model_copy(update={"expect": fixture.expect.model_copy(update={"missing": []})})
    assert run_fixture(loaded.playbook, "nobody", wrong).differences == ("missing: expected none, got customer",)


def test_rows_of_a_series_take_their_values_in_turn(tmp_path: Path) -> None:
    rows = "rows:\n      - {name: API is down, upstream: false, created_at: 2026-03-04T09:00:00Z}"
    step = "start: 2026-03-04T11:00:00+01:00, minutes: 5, count: 3, time: created_at"
    series = f"series: [{{{step}, row: {{name: [one, two], upstream: false}}}}]"
    _, _, evidence = investigate(*case(with_fixture(tmp_path, FIXTURE.replace(rows, series))))
    assert [(row["name"], row["created_at"]) for row in evidence[0].rows] == [
        ("one", "2026-03-04T10:00:00Z"),
        ("two", "2026-03-04T10:05:00Z"),
        ("one", "2026-03-04T10:10:00Z"),
    ]


def test_times_without_quotes_stay_as_they_are_written(tmp_path: Path) -> None:
    _, _, evidence = investigate(*case(with_fixture(tmp_path)))
    assert evidence[0].rows[0]["created_at"] == "2026-03-04T09:00:00Z"


def test_an_old_answer_and_a_window_of_its_own_count(tmp_path: Path) -> None:
    rows = "    rows:\n      - {name: API is down, upstream: false, created_at: 2026-03-04T09:00:00Z}\n"
    own = "    stale: true\n    total: 0\n    window: {start: 2026-03-01T00:00:00Z, end: 2026-03-02T00:00:00Z}\n"
    loaded = with_fixture(tmp_path, FIXTURE.replace(rows, own))
    weighing, _, evidence = investigate(*case(loaded))
    assert evidence[0].window is not None
    assert f"{evidence[0].window.start:%m-%d} {evidence[0].window.end:%m-%d}" == "03-01 03-02"
    verdict = weighing.verdict("incident")
    assert verdict is not None
    assert verdict.verdict is Verdict.UNTESTED, "an old answer shows no absence"


def test_a_mistake_in_a_base_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, "extends: open\nsays: x\nexpect: {outcome: diagnosed}\n", "small/fixtures/more.yaml")
    with pytest.raises(PlaybookError) as caught:
        read_fixtures(with_fixture(tmp_path, FIXTURE.replace("{open: 1}", "{opne: 1}")))
    assert len(caught.value.problems) == 1


def test_fixtures_that_extend_each_other_are_no_riddle(tmp_path: Path) -> None:
    for one, other in (("open", "more"), ("more", "open")):
        text = f"extends: {other}\nsays: x\nexpect: {{outcome: diagnosed}}\n"
        write(tmp_path, text, f"small/fixtures/{one}.yaml")
    with pytest.raises(PlaybookError, match="open extends more extends open …: write the evidence out"):
        read_fixtures(load(tmp_path).get("small"))
