"""What a note says of the note before it: where an agent reads first, and alike in both dialects."""

from datetime import UTC, datetime

from models.note import EarlierNote, RenderedNote
from reasoning.render import render_failure, render_note
from tests.reasoning.case import ANCHORS, EVIDENCE, GOOD, PLAYBOOK, diagnose
from tests.reasoning.note_reading import MARKER, visible_text

BEFORE = EarlierNote(revision=1, posted_at=datetime(2026, 3, 2, 9, 14, 59, tzinfo=UTC))
GATHERED = datetime(2026, 3, 2, 9, 13, tzinfo=UTC)


def note(replaces: EarlierNote | None, evidence_of: datetime | None = None) -> RenderedNote:
    return render_note(
        diagnose(GOOD),
        PLAYBOOK,
        EVIDENCE,
        ANCHORS,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-x",
        took=1.0,
        usd=0.0,
        allowed_hosts=frozenset(),
        replaces=replaces,
        evidence_of=evidence_of,
    )


def second_paragraph(found: RenderedNote) -> str:
    return found.markdown.split("\n\n")[1]


def test_a_later_note_says_which_one_it_replaces_right_after_the_verdict() -> None:
    found = note(BEFORE)
    assert second_paragraph(found) == "**Replaces:** the note of 2026-03-02 09:14 UTC"
    assert "the note of 2026-03-02 09:14 UTC" in visible_text(found)
    assert found.html.index("Replaces") < found.html.index("Severity")


def test_what_was_only_looked_at_again_says_of_when_it_is() -> None:
    said = "evidence of 2026-03-02 09:13 UTC, looked at again"
    assert second_paragraph(note(BEFORE, GATHERED)) == f"**Replaces:** the note of 2026-03-02 09:14 UTC; {said}"
    assert second_paragraph(note(None, GATHERED)) == f"**Stands on:** {said}"


def test_the_first_note_speaks_of_no_other() -> None:
    assert "Replaces" not in note(None).markdown
    assert "Stands on" not in note(None).markdown


def test_a_failure_replaces_nothing_and_says_so() -> None:
    found = render_failure(marker=MARKER, investigation="inv-x", problem="read_ticket: Denied", earlier=BEFORE)
    assert second_paragraph(found) == "**Not replaced:** the note of 2026-03-02 09:14 UTC"
