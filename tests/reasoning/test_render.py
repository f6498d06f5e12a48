"""The note: one screen, the verdict first, and nothing in it that a vendor's or customer's text could bring to life."""

from datetime import date

import pytest
from selectolax.lexbor import LexborHTMLParser

from models.diagnosis import Draft, NotChecked
from models.vocabulary import Outcome, Source
from reasoning.markup import console_link, safe_link
from reasoning.render import render_failure
from reasoning.rules import decide
from tests.reasoning.case import (
    ANCHORS,
    DEPLOYMENTS,
    EVIDENCE,
    GOOD,
    PLAYBOOK,
    WEIGHING,
    diagnose,
    evidence_of,
    row_shows,
)
from tests.reasoning.note_reading import HOSTS, MARKER, html_links, markdown_links, render, visible_text


@pytest.mark.parametrize(
    ("calibration", "said"),
    [
        ("uncalibrated", "confidence medium, uncalibrated (3 of 4"),
        ("uncalibrated: 12 of 100 labelled runs", "confidence medium, uncalibrated: 12 of 100 labelled runs (3 of 4"),
        (
            "right in 93% of 140 labelled runs, 87–97%",
            "confidence medium: right in 93% of 140 labelled runs, 87–97% (3 of 4",
        ),
    ],
)
def test_confidence_is_shown_with_what_feedback_says_of_it(calibration: str, said: str) -> None:
    note = render(diagnose(GOOD).model_copy(update={"calibration": calibration}))
    assert said in visible_text(note)
    assert said in note.markdown


def test_note_says_the_verdict_first_and_all_that_belongs_to_it() -> None:
    note = render(diagnose(GOOD))
    lines = [line for line in note.markdown.splitlines() if line]
    assert lines[0] == "**The release at 2026-03-12 14:05 UTC made 41% of the requests fail**"
    assert lines[1].startswith("**Severity high:** confidence medium (3 of 4 checks answered, two systems agree)")
    shown = visible_text(note)
    for part in (
        "41% of the requests failed (1,236 of 3,000)",
        "E1 · ClickHouse",
        "E3 · StatusPage",
        "No incident was open (E3 · StatusPage)",
        "known bugs: Linear did not answer in time",
        "Ask the owners of the release",
        "We see that 41% of your requests fail",
        "api-errors@3",
        "claude-haiku-5-5",
        "8.3 s",
        "$0.0123",
        MARKER,
    ):
        assert part in shown
    assert note.marker == MARKER


def test_links_lead_to_allowed_hosts_only() -> None:
    note = render(diagnose(GOOD))
    logs, github = "https://logs.example.com/q?x=1", "https://github.example.com/acme/api/deployments"
    # Once where it is evidence, and once where it rules something out.
    assert html_links(note) == markdown_links(note) == [logs, github, logs]
    fewer = render(diagnose(GOOD), hosts=frozenset({"github.example.com"}))
    assert html_links(fewer) == markdown_links(fewer) == [github]
    assert "E1 · ClickHouse" in visible_text(fewer)


def test_row_links_to_its_own_page() -> None:
    row = {**DEPLOYMENTS[0], "url": "https://github.example.com/acme/api/deployments/9001"}
    evidence = (EVIDENCE[0], evidence_of(2, "deployments", (row,), url="https://github.example.com/all"), *EVIDENCE[2:])
    draft = GOOD.model_copy(update={"claims": (row_shows("E2", short_sha="3f2a9bc"),)})
    assert row["url"] in html_links(render(diagnose(draft, evidence), evidence))
    evil = ({**row, "url": "https://evil.example/9001"},)
    evidence = (EVIDENCE[0], evidence_of(2, "deployments", evil, url="https://github.example.com/all"), *EVIDENCE[2:])
    assert "https://github.example.com/all" in html_links(render(diagnose(draft, evidence), evidence))


@pytest.mark.parametrize(
    "url",
    [
        "https://github.example.com/a?b=c&d=%20#e",
        "https://GitHub.example.com/",
        "https://github.example.com:443/x",
        "http://127.0.0.1:8123/?query=select%201",
    ],
)
def test_allowed_address(url: str) -> None:
    assert safe_link(url, HOSTS) == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://github.example.com/",
        "https://evil.example/",
        "https://github.example.com.evil.example/",
        "https://evil.example/?github.example.com",
        "https://github.example.com@evil.example/",
        "https://evil.example\\@github.example.com/",
        "https://github.example.com:8443/",
        "http://127.0.0.1:9999/",
        "http://127.0.0.1/",
        "javascript:alert(1)//github.example.com",
        "data:text/html,x",
        "//github.example.com/",
        "https://github.example.com/\u202egnp",
        'https://github.example.com/"onmouseover="x',
        "https://github.example.com/<b>",
        "https://github.example.com/ x",
        "https://github.example.com/\nx",
        "https://gıthub.example.com/",
        "https://github.example.com/" + "x" * 3_000,
        "https://[::1",
        "https://github.example.com:99999/",
    ],
)
def test_refused_address(url: str | None) -> None:
    assert safe_link(url, HOSTS) is None


def test_rules_say_that_no_model_wrote() -> None:
    note = render(diagnose(decide(PLAYBOOK, WEIGHING, EVIDENCE), reasoner="rules"))
    assert "written by the playbook's rules, no model" in visible_text(note)
    because = diagnose(GOOD, reasoner="rules").model_copy(update={"reasoner_problem": "claude-haiku-5-5: overloaded"})
    assert "no model (claude-haiku-5-5: overloaded)" in visible_text(render(because))


def test_dropped_claims_are_counted_and_not_shown() -> None:
    draft = GOOD.model_copy(update={"claims": (row_shows("E2", short_sha="bad0bad", wording="It was bad0bad"),)})
    shown = visible_text(render(diagnose(draft)))
    assert "bad0bad" not in shown
    assert "1 of its claims dropped" in shown


def test_long_diagnosis_stays_on_one_screen() -> None:
    rows = tuple({**DEPLOYMENTS[0], "short_sha": f"{number:07x}"} for number in range(8))
    evidence = (EVIDENCE[0], evidence_of(2, "deployments", rows), *EVIDENCE[2:])
    claims = tuple(row_shows("E2", short_sha=f"{number:07x}") for number in range(8))
    said = diagnose(GOOD.model_copy(update={"claims": claims}), evidence)
    assert len(said.kept) == 8
    gaps = tuple(NotChecked(query=f"q{n}", source=Source.LINEAR, title=f"check {n}", reason="down") for n in range(9))
    said = said.model_copy(update={"ruled_out": tuple(f"Not cause {n}" for n in range(20)), "not_checked": gaps})
    note = render(said, evidence)
    tree = LexborHTMLParser(note.html)
    assert len(tree.css("p, li, blockquote")) <= 25
    assert "and 15 more" in visible_text(note)
    assert sum("Release" in (node.text() or "") for node in tree.css("li")) == 5


def test_other_outcomes_show_no_severity() -> None:
    said = diagnose(Draft(outcome=Outcome.NEEDS_INFO))
    shown = visible_text(render(said))
    assert "Severity" not in shown
    assert "Question for the customer" in shown
    assert "Which endpoint do you call?" in shown


def test_unknown_customer_is_said() -> None:
    nobody = ANCHORS.model_copy(update={"customer": None, "customer_problem": "2 customers match"})
    gap = NotChecked(query="q", source=Source.STRIPE, title="charges", reason="no customer: 2 customers match")
    said = diagnose(Draft(outcome=Outcome.INCONCLUSIVE), anchors=nobody).model_copy(update={"not_checked": (gap,)})
    shown = visible_text(render(said, anchors=nobody))
    assert shown.count("2 customers match") == 1, "once, however many questions were left open by it"
    assert "not identified (2 customers match)" in shown
    assert "Stripe, charges: the customer is not known" in shown


def test_customer_of_a_mere_domain_is_said() -> None:
    assert ANCHORS.customer is not None
    weak = ANCHORS.model_copy(update={"customer": ANCHORS.customer.model_copy(update={"weak": True})})
    shown = visible_text(render(diagnose(GOOD, anchors=weak), anchors=weak))
    assert "Acme Robotics (acct_4711), by the domain of the e-mail address alone" in shown
    assert "share their data (so there is no draft reply)" in shown
    replied = diagnose(GOOD, anchors=weak).model_copy(update={"draft_reply": "We look into it."})
    assert "so there is no draft reply" not in visible_text(render(replied, anchors=weak))
    assert "Customer:" not in visible_text(render(diagnose(GOOD)))


def test_what_is_ruled_out_twice_in_the_same_words_is_said_once() -> None:
    twice = ("Nothing failed before (E1)", "No bug fits", "Nothing failed before (E2, E3)", "Nothing of E9 (E9)")
    note = render(diagnose(GOOD).model_copy(update={"ruled_out": twice}))
    lines = note.markdown.replace("\\", "").split("**Ruled out**")[1].split("**Not checked**")[0].split()
    assert " ".join(lines) == (
        "- Nothing failed before ([E1 · ClickHouse](<https://logs.example.com/q?x=1>), "
        "[E2 · GitHub](<https://github.example.com/acme/api/deployments>), E3 · StatusPage) "
        "- No bug fits - Nothing of E9 (E9)"
    )


@pytest.mark.parametrize(("today", "said"), [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (None, False)])
def test_review_that_was_due_is_said_in_the_footer(today: date | None, said: bool) -> None:
    playbook = PLAYBOOK.model_copy(update={"review_by": date(2026, 6, 30)})
    note = render(diagnose(GOOD), playbook=playbook, today=today)
    for text in (visible_text(note), note.markdown.replace("\\", "")):
        assert ("· api-errors@3 · review was due 2026-06-30 ·" in text) is said


def test_investigation_links_to_its_page() -> None:
    note = render(diagnose(GOOD), console_url="https://whydesk.example.com/runs/{investigation}?tab=note")
    page = "https://whydesk.example.com/runs/inv-k3jd8sl2mf0qa?tab=note"
    assert html_links(note)[-1] == markdown_links(note)[-1] == page
    failed = render_failure(
        marker=MARKER, investigation="inv-x", problem="x", console_url="http://10.0.0.7:8080/{investigation}"
    )
    assert html_links(failed) == markdown_links(failed) == ["http://10.0.0.7:8080/inv-x"]
    without = render(diagnose(GOOD))
    assert not any("inv-" in link for link in html_links(without))
    assert "investigation inv-k3jd8sl2mf0qa" in visible_text(without)


@pytest.mark.parametrize("template", ["", "javascript:alert({investigation})", "https://a@b.example/{investigation}"])
def test_page_that_is_no_web_address_is_no_link(template: str) -> None:
    assert console_link(template, "inv-x") is None


def test_id_cannot_leave_its_place_in_the_pages_address() -> None:
    assert console_link("https://a.example/{investigation}", "../x?y") == "https://a.example/..%2Fx%3Fy"


def test_without_a_price_no_digits_of_one() -> None:
    assert "$0 " in visible_text(render(diagnose(GOOD), usd=0))
