"""Feedback in the ledger: given at the command line, or met as a tag when a ticket is read."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from keys.keyring import SealBrokenError
from ledger.base import LedgerError
from ledger.data_keys import DataKey, Vault, key_of_generation
from ledger.database import insert_new
from ledger.tables import FeedbackRow, NoteRow, RevisionRow, StepRow
from models.feedback import BY_TAG, FEEDBACK_TAGS, Feedback, FeedbackVerdict
from models.run import RunKey

_POSTED = "posted"
_SEALED = "sealed:"
"""Beginning of a comment that is sealed; then the generation of its key, `:` and base64."""


def keep_feedback(connection: Connection, key: RunKey, feedback: Feedback, own: DataKey) -> None:
    """Store what a person said, the comment sealed like a body; the same words of the same moment once."""
    entry = f"{feedback.given_at.astimezone(UTC).isoformat()} {feedback.who}"
    row = feedback.model_dump(mode="json", exclude={"revision", "given_at"})
    row["comment"] = seal_comment(own, entry, feedback.comment)
    insert_new(
        connection,
        FeedbackRow,
        _of(key) | row | {"revision": feedback.revision, "entry": entry, "given_at": feedback.given_at},
    )


def seal_comment(own: DataKey, entry: str, comment: str) -> str:
    """Return a comment as it is stored: it may quote the customer."""
    if not comment:
        return ""
    return f"{_SEALED}{own.generation}:{base64.b64encode(own.seal(comment.encode(), entry)).decode()}"


def open_comment(connection: Connection, vault: Vault, row: FeedbackRow) -> str:
    """Return a comment; nothing if its key was erased."""
    if not is_sealed(row.comment):
        return row.comment
    _, generation, encoded = row.comment.split(":", 2)
    try:
        wrapped = key_of_generation(connection, row.tenant, f"{row.investigation}/{row.revision}", int(generation))
        if wrapped is None:
            return ""
        return vault.unwrap(wrapped).open(base64.b64decode(encoded), row.entry).decode()
    except (SealBrokenError, LedgerError, binascii.Error, ValueError):
        # One comment that cannot be read must not hide the run.
        return ""


def is_sealed(comment: str) -> bool:
    """Whether a stored comment is sealed; those of versions before were not."""
    return comment.startswith(_SEALED)


def keep_tags(connection: Connection, key: RunKey, met: Sequence[str], at: datetime) -> None:
    """Store the feedback tags of a ticket that is read in the course of a revision.

    A tag speaks of the last earlier revision whose note is on the ticket, unless it was on the ticket before that note:
    then it spoke of a note before it, and nobody has taken it off since.

    Args:
        met: By `feedback_tags`.
    """
    spoken_of = connection.scalar(_noted(key).where(NoteRow.revision < key.revision))
    for tag in met:
        step = {"step": f"tag/{tag}", "digest": "", "detail": "on the ticket", "done_at": at}
        insert_new(connection, StepRow, _of(key) | {"revision": key.revision} | step)
        if spoken_of is not None:
            _keep_tag(connection, key, spoken_of, tag, at)


def keep_tags_on_note(connection: Connection, key: RunKey, tags: Iterable[str], at: datetime) -> tuple[Feedback, ...]:
    """Store the feedback tags of a ticket that is read outside of a run; return what was not known before.

    They speak of the newest note on the ticket, with the same exception as in `keep_tags`.
    """
    met = feedback_tags(tags)
    spoken_of = connection.scalar(_noted(key)) if met else None
    if spoken_of is None:
        return ()
    fresh = [tag for tag in met if _keep_tag(connection, key, spoken_of, tag, at)]
    return tuple(Feedback(revision=spoken_of, verdict=FEEDBACK_TAGS[tag], who=BY_TAG, given_at=at) for tag in fresh)


def feedback_tags(tags: Iterable[str]) -> list[str]:
    """Return those of a ticket's tags that are feedback."""
    carried = {tag.strip().lower() for tag in tags}
    return [tag for tag in FEEDBACK_TAGS if tag in carried]


def _noted(key: RunKey) -> Select[int]:
    return select(func.max(NoteRow.revision)).filter_by(**_of(key), status=_POSTED)


def _keep_tag(connection: Connection, key: RunKey, revision: int, tag: str, at: datetime) -> bool:
    """Store that a tag speaks of a revision; return whether it does and was not known to."""
    seen_before = select(StepRow.step).filter_by(**_of(key), revision=revision, step=f"tag/{tag}")
    if connection.scalar(seen_before) is not None:
        return False
    said = {"entry": tag, "verdict": FEEDBACK_TAGS[tag].value, "who": BY_TAG, "cause": None, "comment": ""}
    return insert_new(connection, FeedbackRow, _of(key) | {"revision": revision, "given_at": at} | said)


def that_count(given: Sequence[Feedback]) -> tuple[Feedback, ...]:
    """Return the last feedback of each person, in the order in which they were given."""
    last = {feedback.who: feedback for feedback in sorted(given, key=_order)}
    return tuple(sorted(last.values(), key=_order))


def has_feedback(verdict: FeedbackVerdict | None) -> ColumnElement[bool]:
    """Match revisions of which somebody's last word is that; None: those of which nobody said anything."""
    same = and_(
        FeedbackRow.tenant == RevisionRow.tenant,
        FeedbackRow.investigation == RevisionRow.investigation,
        FeedbackRow.revision == RevisionRow.revision,
    )
    if verdict is None:
        return ~select(FeedbackRow.entry).where(same).correlate(RevisionRow).exists()
    person = (FeedbackRow.tenant, FeedbackRow.investigation, FeedbackRow.revision, FeedbackRow.who)
    place = func.row_number().over(
        partition_by=person, order_by=(FeedbackRow.given_at.desc(), FeedbackRow.verdict.desc())
    )
    said = select(*person[:3], FeedbackRow.verdict, place.label("place")).subquery()
    return (
        select(said.c.verdict)
        .where(
            said.c.tenant == RevisionRow.tenant,
            said.c.investigation == RevisionRow.investigation,
            said.c.revision == RevisionRow.revision,
            said.c.place == 1,
            said.c.verdict == verdict.value,
        )
        .correlate(RevisionRow)
        .exists()
    )


def _order(feedback: Feedback) -> tuple[datetime, str]:
    """Of two tags that were met at the same moment, `wrong` is the later word."""
    return feedback.given_at, feedback.verdict.value


def _of(key: RunKey) -> dict[str, object]:
    return {"tenant": key.ref.tenant, "investigation": key.investigation}
