"""The note: one screen, the verdict first, and nothing in it that a vendor's or customer's text could bring to life."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from models.diagnosis import Claim, Diagnosis, Draft, NotChecked, Predicate
from models.evidence import Evidence
from models.note import RenderedNote
from models.vocabulary import Outcome, Source
from reasoning.markup import html_text, markdown_text, plain, safe_link
from reasoning.render import render_failure, render_note
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

MARKER = "whydesk:inv-k3jd8sl2mf0qa/2"
HOSTS = frozenset({"github.example.com", "logs.example.com", "127.0.0.1:8123"})
TAGS = {"p", "strong", "em", "ul", "li", "a", "br", "code", "blockquote"}


def render(
    diagnosis: Diagnosis, evidence: tuple[Evidence, ...] = EVIDENCE, hosts: frozenset[str] = HOSTS
) -> RenderedNote:
    return render_note(
        diagnosis,
        PLAYBOOK,
        evidence,
        ANCHORS,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-k3jd8sl2mf0qa",
        took=8.31,
        usd=0.0123,
        allowed_hosts=hosts,
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
        "No incident was open (E3)",
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
    expected = ["https://logs.example.com/q?x=1", "https://github.example.com/acme/api/deployments"]
    assert html_links(note) == markdown_links(note) == expected
    fewer = render(diagnose(GOOD), hosts=frozenset({"github.example.com"}))
    assert html_links(fewer) == markdown_links(fewer) == expected[1:]
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
    note = render_note(
        diagnose(Draft(outcome=Outcome.INCONCLUSIVE), anchors=nobody),
        PLAYBOOK,
        EVIDENCE,
        nobody,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-x",
        took=1,
        usd=0,
        allowed_hosts=HOSTS,
    )
    assert "not identified (2 customers match)" in visible_text(note)


def test_failure_is_one_line_and_its_marker() -> None:
    note = render_failure(marker=MARKER, investigation="inv-x", problem="read_ticket: <b>HelpdeskDenied</b>")
    assert html_links(note) == markdown_links(note) == []
    assert "could not be investigated: read_ticket: <b>HelpdeskDenied</b>" in visible_text(note)
    assert MARKER in note.html
    assert MARKER in note.markdown
    assert len([line for line in note.markdown.splitlines() if line]) == 3


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
