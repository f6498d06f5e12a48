"""The ledger as activities see it. Every write is idempotent: the same call twice leaves one row and the first truth."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from pydantic import BaseModel

from models.audit import AuditEntry, Detail
from models.evidence import Evidence, EvidenceRef
from models.feedback import Feedback
from models.note import EarlierNote
from models.run import ClaimRequest, DeliveryClaim, Drafted, RecordRequest, RunKey
from models.vocabulary import Mode

M = TypeVar("M", bound=BaseModel)


RETROSPECT_FAILED = "rediagnose-failed"
RETROSPECT = ("rediagnose", RETROSPECT_FAILED)
"""Purposes of paid answers about a revision that is over."""


class LedgerError(Exception):
    """Base of all."""


class BodyMissing(LedgerError):
    """No body of that digest for that tenant: erased, or never stored. Not retried."""


class Ledger(Protocol):
    """Append and look up. All times are UTC; all methods are safe to repeat."""

    async def claim_delivery(self, request: ClaimRequest) -> DeliveryClaim:
        """Claim a delivery for its owner and open the revision that belongs to it.

        The first owner to ask gets it, and gets it again whenever it asks again (retry, reset). Any other owner gets
        `accepted=False`. A revision's number is one more than the highest of the investigation.
        """
        ...

    async def put_body(self, tenant: str, body: BaseModel, key: RunKey | None = None) -> str:
        """Store a model's bytes compressed and sealed, under its tenant and digest; return the digest.

        Args:
            key: The revision that it belongs to, and is erased with. Without one it belongs to no customer: a playbook, an
                answer that many tickets share.
        """
        ...

    async def get_body(self, tenant: str, digest: str, shape: type[M]) -> M:
        """Load a body.

        Raises:
            BodyMissing: names the digest.
        """
        ...

    async def newest_entry(self) -> int:
        """Return the number of the newest entry in the audit chain; whatever is erased makes one. 0 before the first."""
        ...

    async def put_evidence(self, key: RunKey, evidence: Evidence, look: int = 0) -> EvidenceRef:
        """Store evidence and its row; what the same revision stored first under the same id and look is kept and returned."""
        ...

    async def find_evidence(self, key: RunKey, evidence: str, look: int = 0) -> EvidenceRef | None:
        """Return what is stored under that id, so that a repeated activity asks nothing twice."""
        ...

    async def put_model_answer(
        self,
        key: RunKey,
        request_digest: str,
        round: int,
        drafted: Drafted,
        purpose: str = "diagnose",
        sample: int = 0,
    ) -> Drafted:
        """Store a paid answer before it is reported; the first one stored under the same request and round is returned.

        An answer that could not be used was paid for too: it is kept under another purpose, for the spend alone.
        """
        ...

    async def find_model_answer(
        self, key: RunKey, request_digest: str, round: int, purpose: str = "diagnose"
    ) -> Drafted | None:
        """Return a paid answer to exactly this request, if there is one."""
        ...

    async def spent(self, key: RunKey, purpose: str = "") -> float:
        """Return what models cost this revision so far, in US dollars.

        What it cost to look back at it later is no cost of the revision: it counts by itself, under its purpose.
        """
        ...

    async def spent_since(self, tenant: str, since: datetime) -> float:
        """Return what models cost a tenant from a moment on, in US dollars."""
        ...

    async def note_step(self, key: RunKey, step: str, digest: str = "", detail: str = "") -> None:
        """Keep that a step of a revision was done: `read`, `identify`, `select`, `weigh/0`, `verify/1` …"""
        ...

    async def note_fingerprint(self, key: RunKey, fingerprint: str) -> str | None:
        """Keep the ticket's fingerprint for this revision; return that of the last earlier revision that has one."""
        ...

    async def begin_note(self, key: RunKey, marker: str, mode: Mode, digest: str) -> str | None:
        """Keep that a note is about to be posted; return the helpdesk's note id if this revision already has one."""
        ...

    async def finish_note(self, key: RunKey, status: str, note_id: str, at: datetime) -> None:
        """Keep what became of the note."""
        ...

    async def earlier_note(self, key: RunKey) -> EarlierNote | None:
        """Return the note that this revision's own replaces: the newest of an earlier revision that is on the ticket."""
        ...

    async def note_tags(self, key: RunKey, tags: Iterable[str], at: datetime) -> None:
        """Keep the feedback tags that a ticket carries when this revision reads it, once for each revision and tag.

        They speak of the last earlier revision with a note on the ticket; a tag that was there before that note does not.
        """
        ...

    async def give_feedback(self, key: RunKey, feedback: Feedback) -> None:
        """Keep what a person says of a revision; of one person the last counts."""
        ...

    async def record_outcome(self, request: RecordRequest) -> None:
        """Close a revision."""
        ...

    async def append_audit(self, who: str, action: str, subject: str, detail: Detail | None = None) -> AuditEntry:
        """Add an entry to the audit chain. The only write that is not idempotent: called twice, it says so twice.

        Args:
            who: The account or process that did it.
            action: `pause`, `playbook.promote`, `forget`, `decode` …
            subject: What it was done to, as KIND/NAME.
            detail: Texts, whole numbers, truth values and lists of texts; never data of a customer, for it cannot be erased.
        """
        ...
