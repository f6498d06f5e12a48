"""The last look at a note: what is nobody's of this ticket is withheld, and nothing else."""

import pytest

from models.evidence import Evidence
from models.ticket import Message, Role
from reasoning.note import Block, Footer, Heading, Line, Listing, Paragraph, Quote, Source
from reasoning.output_guard import OutputGuard
from reasoning.render import render_note
from tests.reasoning.case import ANCHORS, EVIDENCE, GOOD, NOW, PLAYBOOK, TICKET, diagnose
from tests.reasoning.note_reading import HOSTS, MARKER, render

OTHERS = ("Umbrella Labs", "acct_99", "Whoosh", "Bo")


def guard(evidence: tuple[Evidence, ...] = EVIDENCE, said: str = "hi", others: tuple[str, ...] = OTHERS) -> OutputGuard:
    message = Message(id="m9", role=Role.REQUESTER, public=True, text=said, created_at=NOW)
    ticket = TICKET.model_copy(update={"messages": (message,)})
    return OutputGuard(ticket, ANCHORS, evidence, PLAYBOOK, others)


STRANGE = [
    ("eve@umbrella.example", "e-mail address"),
    ("eve (at) umbrella (dot) example", "e-mail address"),
    ("+49 30 901820", "phone number"),
    ("4242 4242 4242 4242", "card number"),
    ("DE89 3704 0044 0532 0130 00", "bank account"),
    ("536-22-1234", "identity number"),
    ("203.0.113.7", "IP address"),
    ("sk_live_51HqLyjWDarjtT1zdp7dc", "secret"),
    ("<EMAIL_3>", "unknown reference"),
    ("<NAME_12>", "unknown reference"),
    ("UMBRELLA  LABS", "other customer"),
    ("acct_99", "other customer"),
]


@pytest.mark.parametrize(("value", "name"), STRANGE)
def test_what_is_in_neither_ticket_nor_evidence_is_withheld(value: str, name: str) -> None:
    watch = guard()
    assert watch.text(f"Seen with {value}, twice.") == f"Seen with [{name} withheld], twice."
    assert watch.withheld == {name: 1}


@pytest.mark.parametrize(("value", "name"), STRANGE)
def test_what_the_ticket_or_a_row_says_may_be_said(value: str, name: str) -> None:
    row = EVIDENCE[0].model_copy(update={"rows": ({"text": f"x {value.lower()} y"},)})
    for watch in (guard(said=f"It is {value}."), guard(evidence=(row,))):
        assert watch.text(f"Seen with {value}, twice.") == f"Seen with {value}, twice.", name
        assert watch.withheld == {}


def test_the_same_number_in_other_groups_is_the_same() -> None:
    watch = guard(said="IBAN DE89370400440532013000, call +4930901820")
    text = "DE89 3704 0044 0532 0130 00 and +49 30 901820"
    assert watch.text(text) == text


def test_a_customer_with_the_name_of_a_word_silences_no_word() -> None:
    assert guard().text("The whoosh failed, Bo said.") == "The whoosh failed, Bo said."
    assert guard().text("Whoosh has it too.") == "[other customer withheld] has it too."


def test_pseudonyms_of_other_things_are_left_alone() -> None:
    text = "Replace <YOUR_KEY> and <SDK_2> in <NAME>."
    assert guard().text(text) == text


def blocks(text: str) -> list[Block]:
    return [
        Heading(text),
        Paragraph("Customer", text),
        Listing("Evidence", (Line(text, (Source("E1 · GitHub", "https://github.example.com/x"),)),)),
        Quote("Draft reply", text),
        Footer(("API errors · api-errors@3",), MARKER),
    ]


def test_every_block_is_looked_at_and_the_note_says_what_is_missing_before_its_footer() -> None:
    found = guard().blocks(blocks("by eve@umbrella.example"))
    said = blocks("by [e-mail address withheld]")
    line = Paragraph("Withheld", "4 × e-mail address: in neither this ticket nor its evidence")
    assert found == [*said[:-1], line, said[-1]]
    assert guard().blocks(blocks("nothing of the kind")) == blocks("nothing of the kind")


def test_a_note_that_stands_on_its_evidence_is_the_same_with_the_guard() -> None:
    diagnosis = diagnose(GOOD)
    looked_at = render_note(
        diagnosis,
        PLAYBOOK,
        EVIDENCE,
        ANCHORS,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-k3jd8sl2mf0qa",
        took=8.31,
        usd=0.0123,
        allowed_hosts=HOSTS,
        guard=guard(),
    )
    assert looked_at == render(diagnosis)


def test_without_the_ticket_what_only_it_holds_is_withheld() -> None:
    said = guard(said="eve@umbrella.example").text("eve@umbrella.example")
    assert said == "eve@umbrella.example"
    unread = OutputGuard(None, ANCHORS, EVIDENCE, PLAYBOOK)
    assert unread.text("eve@umbrella.example") == "[e-mail address withheld]"
