"""What the matrix is made of: the places of the path (rows), the faults (columns), and which of both do not meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.vocabulary import Source
from tests.faults.stage import Side
from tests.faults.stops import BEAT

SEED = 7
"""Where the dealing of sides and tickets to cells begins."""
TICKETS = ("quota-used-up", "billed-nearly-twice", "render-answers-400", "one-service-gets-401")
"""Whose right ending the baseline knows."""
BOTH = (Side.RULES, Side.MODEL)


class Fault(StrEnum):
    """What happens while a ticket is at its place."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    SERVER = "server"
    """Temporal is killed and comes back on its file at once."""
    OUTAGE = "outage"
    """Temporal is killed and comes back after 20 seconds."""
    LOCKED = "locked"
    """Somebody holds the ledger's file for 25 seconds."""
    FULL = "full"
    """The ledger's disk is full for 12 seconds."""
    GATEWAY = "gateway"
    """The gateway is killed, the requester writes meanwhile, and it comes back."""
    TIMEOUT = "timeout"
    SECONDS = "429 s"
    DATE = "429 date"
    BROKEN = "500"
    RESET = "reset"
    MALFORMED = "malformed"
    NO_KEY = "401"
    NO_RIGHT = "403"
    BLANK = "empty"
    """A 200 without a body."""
    OVERSIZE = "oversize"
    LOST = "lost"
    """A write is accepted, and its answer is cut off."""


OURS = (Fault.KILL, Fault.TERM, Fault.SERVER, Fault.OUTAGE, Fault.LOCKED, Fault.FULL, Fault.GATEWAY)
"""What happens to our own processes; the rest happens at a vendor."""
VENDORS = tuple(fault for fault in Fault if fault not in OURS)


@dataclass(frozen=True)
class Place:
    """One row."""

    label: str
    at: str
    """See stops.py."""
    sides: Sequence[Side] = BOTH
    source: Source | None = None
    """Of a fetch, which one."""
    vendor: bool = False
    """Whether a vendor is about to be asked here: a fault of it can be met."""
    slow: bool = False
    """Whether only a long time limit tells the server that the process died here."""


def _fetch(source: Source) -> Place:
    return Place(f"fetch · {source.value}", "fetch_evidence:connector.fetch:before", source=source, vendor=True)


SOURCES = (Source.CLICKHOUSE, Source.LINEAR, Source.STRIPE, Source.GITHUB, Source.DOCS, Source.STATUSPAGE)
PLACES = (
    Place("claim", "claim_delivery:ledger.claim_delivery:before"),
    Place("claim · claimed", "claim_delivery:ledger.claim_delivery:after"),
    Place("▸ read", "schedule:read_ticket"),
    Place("read", "read_ticket:helpdesk.read_ticket:before", vendor=True),
    Place("read · answered", "read_ticket:helpdesk.read_ticket:after"),
    Place("▸ identify", "schedule:identify_customer"),
    Place("identify", "identify_customer:connector.fetch:before", vendor=True),
    Place("identify · answered", "identify_customer:ledger.note_fingerprint:before"),
    Place("▸ select", "schedule:select_playbook"),
    Place("select", "select_playbook:ledger.note_step:before"),
    Place("▸ fetch", "schedule:fetch_evidence"),
    *(_fetch(source) for source in SOURCES),
    Place("fetch · answered", "fetch_evidence:ledger.put_evidence:before"),
    Place("fetch · stored", "fetch_evidence:end"),
    Place("▸ weigh", "schedule:weigh_evidence"),
    Place("weigh", "weigh_evidence:ledger.put_body:before"),
    Place("▸ diagnose", "schedule:diagnose"),
    Place("diagnose · rules", "diagnose:ledger.put_body:before", (Side.RULES,)),
    Place("diagnose · model", "diagnose:model.answer:before", (Side.MODEL,), vendor=True),
    Place("diagnose · streams", BEAT, (Side.MODEL,)),
    Place("diagnose · answered", "diagnose:ledger.put_model_answer:before", (Side.MODEL,)),
    Place("diagnose · stored", "diagnose:ledger.put_model_answer:after", (Side.MODEL,)),
    Place("▸ verify", "schedule:verify_diagnosis"),
    Place("verify", "verify_diagnosis:ledger.put_body:before"),
    Place("▸ publish", "schedule:publish_note"),
    Place("publish · look", "publish_note:helpdesk.find_note:before", vendor=True, slow=True),
    Place("publish · post", "publish_note:helpdesk.post_note:before", vendor=True, slow=True),
    Place("publish · posted", "publish_note:helpdesk.post_note:after", slow=True),
    Place("publish · kept", "publish_note:ledger.finish_note:after", slow=True),
    Place("▸ record", "schedule:record_outcome"),
    Place("record", "record_outcome:ledger.record_outcome:before"),
    Place("record · recorded", "record_outcome:end"),
)
QUICK = (
    "claim · claimed",
    "▸ identify",
    "fetch · stored",
    "weigh",
    "diagnose · streams",
    "diagnose · stored",
    "record",
)
"""Places of the subset that `make test` kills at."""


@dataclass(frozen=True)
class Cell:
    """One ticket with one fault at one place."""

    fault: Fault
    place: Place
    side: Side
    ticket: str
    """The world's."""

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.place.label} × {self.fault} ({self.side.helpdesk}, {self.ticket})"


def reason_against(place: Place, fault: Fault) -> str:
    """Return why a cell cannot come about; empty if it can."""
    if fault in OURS:
        return ""
    if not place.vendor:
        return "no vendor is asked here"
    if fault is Fault.LOST:
        return "" if place.at == "publish_note:helpdesk.post_note:before" else "nothing is written here"
    return ""


_NEEDS = {
    Source.CLICKHOUSE: "quota-used-up",
    Source.LINEAR: "throttled-after-your-release",
    Source.STRIPE: "billed-nearly-twice",
    Source.GITHUB: "errors-since-dashboard-update",
    Source.STATUSPAGE: "ocr-failing",
    Source.DOCS: "render-answers-400",
}
"""Tickets whose playbook asks that source."""


def cells(fault: Fault, places: Sequence[Place] = PLACES, seed: int = SEED) -> list[Cell]:
    """Return one fault's column: every place that can meet it, with both helpdesks around the write.

    Place and fault meet in all their pairs. Side and ticket are dealt out along rows and columns, from where the seed says, so
    that each place and each fault meets both sides and every ticket.
    """
    column = list(Fault).index(fault)
    found: list[Cell] = []
    for row, place in enumerate(PLACES):
        if place not in places or reason_against(place, fault):
            continue
        side = BOTH[(seed + row + column) % len(BOTH)]
        ticket = _NEEDS[place.source] if place.source else TICKETS[(seed + row + column // 2) % len(TICKETS)]
        both = place.at.startswith("publish_note:") or len(place.sides) == 1
        found += [Cell(fault, place, one, ticket) for one in (place.sides if both else (side,))]
    return found
