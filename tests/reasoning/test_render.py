"""The note: one screen, the verdict first, and nothing in it that a vendor's or customer's text could bring to life."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from models.customer import Anchors
from models.diagnosis import CheckedClaim, Claim, Diagnosis, Draft, NotChecked, Predicate
from models.evidence import Evidence
from models.note import RenderedNote
from models.playbook import Playbook
from models.vocabulary import Outcome, Source
from reasoning.hypotheses import weigh
from reasoning.markup import console_link, html_text, markdown_text, plain, safe_link
from reasoning.render import render_failure, render_note
from reasoning.rules import decide
from reasoning.verify import verify
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

MARKER = "whydesk:inv-k3jd8sl2mf0qa/2"
HOSTS = frozenset({"github.example.com", "logs.example.com", "127.0.0.1:8123"})
TAGS = {"p", "strong", "em", "ul", "li", "a", "br", "code", "blockquote"}


def render(
    diagnosis: Diagnosis,
    evidence: tuple[Evidence, ...] = EVIDENCE,
    hosts: frozenset[str] = HOSTS,
    *,
    playbook: Playbook = PLAYBOOK,
    anchors: Anchors = ANCHORS,
    today: date | None = None,
    console_url: str = "",
    usd: float = 0.0123,
) -> RenderedNote:
    return render_note(
        diagnosis,
        playbook,
        evidence,
        anchors,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-k3jd8sl2mf0qa",
        took=8.31,
        usd=usd,
        allowed_hosts=hosts,
        today=today,
        console_url=console_url,
    )


def html_links(note: RenderedNote) -> list[str]:
    """Return all link targets, after checking that nothing but the agreed tags and `href` is there."""
    tree = LexborHTMLParser(note.html)
    assert tree.body is not None
    links = []
    for node in tree.body.traverse(include_text=False):
        if node.tag == "body":
            continue
        assert node.tag in TAGS, node.html
        assert set(node.attributes) <= ({"href"} if node.tag == "a" else set()), node.html
        if node.tag == "a":
            links.append(str(node.attributes["href"]))
    return links


def tokens(markdown: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(markdown):
        yield token
        yield from token.children or ()


def markdown_links(note: RenderedNote) -> list[str]:
    links = []
    for token in tokens(note.markdown):
        assert token.type not in {
            *("html_block", "html_inline", "image", "heading_open", "fence", "code_block", "hr"),
            *("table_open", "s_open", "ordered_list_open"),
        }, token
        if token.type == "link_open":
            links.append(str(token.attrs["href"]))
    return links


def paragraph(html: str) -> str:
    node = LexborHTMLParser(html).css_first("p")
    assert node is not None
    return str(node.text())


def visible_text(note: RenderedNote) -> str:
    tree = LexborHTMLParser(note.html)
    assert tree.body is not None
    return tree.body.text(separator=" ")


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


def test_two_causes_have_both_titles_and_each_its_own_evidence() -> None:
    incident = PLAYBOOK.hypotheses[1].model_copy(update={"claims": ["incidents", "error_rate"]})
    playbook = PLAYBOOK.model_copy(update={"hypotheses": [PLAYBOOK.hypotheses[0], incident, *PLAYBOOK.hypotheses[2:]]})
    said = diagnose(GOOD).model_copy(update={"also": ("incident",), "title": "The release broke it. Also: An incident"})
    more = CheckedClaim(claim=row_shows("E2", environment="production"), kept=True, sentence="More of the release")
    said = said.model_copy(update={"claims": (*said.claims, more, more)})
    note = render(said, playbook=playbook)
    lines = [line.replace("\\", "") for line in note.markdown.splitlines() if line]
    assert lines[:2] == ["**Cause 1: The release broke it**", "**Cause 2: An incident**"]
    first, second = lines.index("**Evidence for cause 1**"), lines.index("**Evidence for cause 2**")
    assert [line[:14] for line in lines[first + 1 : second]] == [
        *("- 41% of the r", "- Release 3f2a"),
        *("- More of the ", "- More of the "),
    ]
    assert lines[second + 1].startswith("- The status page has no incident (E3 · StatusPage)")
    assert not lines[second + 2].startswith("- ")


def test_lines_of_two_causes_that_fit_on_the_screen_are_all_shown() -> None:
    said = diagnose(GOOD).model_copy(update={"also": ("incident",), "title": "A. Also: B"})
    further = [
        CheckedClaim(claim=row_shows("E2", cost=str(number)), kept=True, sentence=f"Of the release, {number}")
        for number in range(3)
    ]
    fits = said.model_copy(update={"claims": (*said.claims[:2], *further)})
    shown = visible_text(render(fits))
    assert all(claim.sentence in shown for claim in fits.kept)
    more = fits.model_copy(update={"claims": (*fits.claims, further[0])})
    assert sum("Of the release" in line for line in render(more).markdown.splitlines()) == 1


def test_two_causes_of_a_real_diagnosis_are_told_apart() -> None:
    evidence = (*EVIDENCE[:3], evidence_of(4, "bugs", ({"identifier": "EDGE-412"},)))
    said = diagnose(GOOD.model_copy(update={"also": ("bug",)}), evidence)
    assert said.also == ("bug",)
    lines = render(said, evidence).markdown.splitlines()
    assert lines[0].startswith("**Cause 1: The release at")
    assert lines[2] == "**Cause 2: A known bug makes requests fail**"
    assert said.next_step.endswith("to roll it back. Also: Link the bug.")
    assert said.draft_reply == "", "the playbook has no reply for the second cause, and half an answer misleads"


def test_reply_to_two_causes_speaks_of_both_and_thanks_once() -> None:
    replies = {"regression": "Thank you. A release of ours fails.", "bug": "Thank you. A bug is known.\n\nWe mend it."}
    bug = PLAYBOOK.hypotheses[2].model_copy(update={"reply": "bug"})
    hypotheses = [*PLAYBOOK.hypotheses[:2], bug, *PLAYBOOK.hypotheses[3:]]
    playbook = PLAYBOOK.model_copy(update={"hypotheses": hypotheses, "replies": replies})
    evidence = (*EVIDENCE[:3], evidence_of(4, "bugs", ({"identifier": "EDGE-412"},)))
    draft = GOOD.model_copy(update={"also": ("bug",)})
    said = verify(playbook, ANCHORS, evidence, weigh(playbook, ANCHORS, evidence), draft, "rules")
    assert said.draft_reply == "Thank you. A release of ours fails.\n\nA bug is known. We mend it."


def test_second_cause_that_shares_all_its_evidence_still_shows_it() -> None:
    twin = PLAYBOOK.hypotheses[1].model_copy(update={"claims": ["error_rate"]})
    playbook = PLAYBOOK.model_copy(update={"hypotheses": [PLAYBOOK.hypotheses[0], twin]})
    said = diagnose(GOOD).model_copy(update={"also": ("incident",), "title": "A. Also: B"})
    assert visible_text(render(said, playbook=playbook)).count("41% of the requests failed") == 2


def test_causes_that_cannot_be_told_apart_are_one_verdict() -> None:
    said = diagnose(GOOD).model_copy(update={"also": ("incident",), "title": "Both at once"})
    assert render(said).markdown.startswith("**Both at once**\n")


def test_failure_is_one_line_and_its_marker() -> None:
    note = render_failure(marker=MARKER, investigation="inv-x", problem="read_ticket: <b>HelpdeskDenied</b>")
    assert html_links(note) == markdown_links(note) == []
    said = "could not be investigated: the ticket could not be read (read_ticket: <b>HelpdeskDenied</b>)."
    assert said in visible_text(note)
    assert MARKER in note.html
    assert MARKER in note.markdown
    assert len([line for line in note.markdown.splitlines() if line]) == 3


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (
            "weigh_evidence: BodyMissing",
            "the evidence could not be weighed (weigh_evidence: BodyMissing). Look into it",
        ),
        ("some_step: Odd", "investigated: some_step: Odd. Look into it"),
        ("", "investigated: an unknown failure. Look into it"),
    ],
)
def test_failure_says_what_it_means_to_the_agent(problem: str, said: str) -> None:
    assert said in visible_text(render_failure(marker=MARKER, investigation="inv-x", problem=problem))


@pytest.mark.parametrize("marker", ["", "whydesk:", "whydesk:inv-1/2`<b>", "x whydesk:inv-1/2", "whydesk:inv-1/2\n"])
def test_marker_of_another_shape_is_a_mistake(marker: str) -> None:
    with pytest.raises(ValueError, match="no note marker"):
        render_failure(marker=marker, investigation="inv-x", problem="x")


def test_other_notes_marker_in_a_vendors_text_is_broken() -> None:
    other = "whydesk:inv-k3jd8sl2mf0qa/3"
    said = diagnose(GOOD).model_copy(update={"title": f"see {other} and WHYDESK:INV-k3jd8sl2mf0qa/4"})
    note = render(said)
    for text in (note.html.lower(), note.markdown.lower()):
        assert other not in text
        assert text.count("whydesk:inv-") == 1


def test_reply_keeps_its_lines_and_allowed_links() -> None:
    reply = "Hello,\n\nsee https://github.example.com/docs. Not https://evil.example/x!\n- we"
    note = render(diagnose(GOOD).model_copy(update={"draft_reply": reply}))
    assert "https://github.example.com/docs" in html_links(note)
    assert "https://github.example.com/docs" in markdown_links(note)
    assert not any("evil" in link for link in html_links(note) + markdown_links(note))
    assert "https[:]//evil.example/x" in visible_text(note)
    assert note.html.count("<br>") == 4
    wrapped = render(diagnose(GOOD).model_copy(update={"draft_reply": "We are\nworking on it.\n\nBest regards"}))
    assert "<blockquote>We are working on it.<br><br>Best regards</blockquote>" in wrapped.html


def test_system_is_named_once_for_several_answers() -> None:
    both = Claim(predicate=Predicate.SUPPORTED, subject="regression", evidence=("E2", "E1"))
    evidence = (EVIDENCE[0], EVIDENCE[1].model_copy(update={"source": Source.CLICKHOUSE}), *EVIDENCE[2:])
    shown = visible_text(render(diagnose(GOOD.model_copy(update={"claims": (both,)}), evidence), evidence))
    assert re.search(r"\(\s*E1\s*,\s*E2 · ClickHouse\s*\)", shown)


EVIL = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="<>[]()*_`#!|~&;:/\\\"'=+-. \n\t123aхw@$%{}", max_size=40),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "![x](https://evil.example/p.png)",
            "<https://evil.example>",
            "https://evil.example www.evil.example a@evil.example",
            "- item\n# head\n> quote\n```\ncode\n```\n---\n1. one\n2) two",
            "    indented",
            "| a | b |\n|---|---|\n| c | d |",
            "[ref]: https://evil.example",
            "*a* **b** __c__ ~~d~~ `e` &lt;b&gt; &#x3c;",
            "</li></ul><a href='https://evil.example'>",
            "\u202etxet\u200b\u2066",
        ]
    ),
)


@given(EVIL, EVIL, EVIL, EVIL)
def test_no_text_becomes_markup_or_a_link(title: str, sentence: str, other: str, reply: str) -> None:
    said = diagnose(GOOD)
    kept = said.claims[0].model_copy(update={"sentence": sentence})
    said = said.model_copy(
        update={
            "title": title,
            "claims": (kept, *said.claims[1:]),
            "ruled_out": (other,),
            "not_checked": (NotChecked(query="q", source=Source.LINEAR, title=other, reason=sentence),),
            "next_step": other,
            "draft_reply": reply,
            "question": sentence,
            "reasoner_problem": title,
        }
    )
    note = render(said)
    allowed = {"https://logs.example.com/q?x=1", "https://github.example.com/acme/api/deployments"}
    assert set(html_links(note)) <= allowed
    assert set(markdown_links(note)) <= allowed
    for text in (note.html, note.markdown):
        assert (
            not re.search(r"(?<!\[:\]//)evil\.example", re.sub(r"\\(?=[\[\]:.@])", "", text)) or "://evil" not in text
        )
        assert "www.evil" not in text
        assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
        assert text.count(MARKER) == 1


@given(EVIL)
def test_what_is_read_is_what_was_written(text: str) -> None:
    flat = plain(text)
    assert " ".join(paragraph(f"<p>x{html_text(text)}</p>").split()) == " ".join(f"x{flat}".split())
    rendered = MarkdownIt("commonmark").render(f"x {markdown_text(text)}")
    assert " ".join(paragraph(rendered).split()) == " ".join(f"x {flat}".split())
