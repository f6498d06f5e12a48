"""The note of two causes, of a failure, and of text that would like to be markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from models.diagnosis import CheckedClaim, Claim, NotChecked, Predicate
from models.vocabulary import Source
from reasoning.hypotheses import weigh
from reasoning.markup import html_text, markdown_text, plain
from reasoning.render import render_failure
from reasoning.verify import verify
from tests.reasoning.case import (
    ANCHORS,
    EVIDENCE,
    GOOD,
    PLAYBOOK,
    diagnose,
    evidence_of,
    row_shows,
)
from tests.reasoning.note_reading import MARKER, html_links, markdown_links, render, visible_text


def paragraph(html: str) -> str:
    node = LexborHTMLParser(html).css_first("p")
    assert node is not None
    return str(node.text())


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
