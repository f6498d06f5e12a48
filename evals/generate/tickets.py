"""Plants one ticket: its customer, its cause, what makes it difficult, its text, and its truth."""

from dataclasses import dataclass, field
from datetime import timedelta

from evals.generate.axes import Twist, contradict, decoys, inject, noise
from evals.generate.billing import bill
from evals.generate.causes.own import OWN
from evals.generate.draw import Draw
from evals.generate.names import company as company_name
from evals.generate.names import lookalike, mailbox, person, slug
from evals.generate.schedule import Slot
from evals.generate.stage import Client, Stage
from evals.generate.texts import Complaint, write
from evals.generate.truth import Axis, Planted
from models.vocabulary import CauseClass, Severity
from sandbox.world import Page
from sandbox.world_tickets import Requester, Ticket

FIELD = "Customer id"
_SOURCES = ("clickhouse", "linear", "stripe", "github", "docs", "statuspage")


@dataclass
class Told:
    """A ticket with all that its truth is made of."""

    slot: Slot
    client: Client | None
    planted: list[Planted]
    ticket: Ticket
    twist: Twist
    skew: int = 0
    noise: float = 0.0
    trap: list[Client] = field(default_factory=list)
    trap_causes: list[CauseClass] = field(default_factory=list)
    down: list[str] = field(default_factory=list)

    @property
    def blind(self) -> bool:
        """Whether a source is down that the cause cannot be seen without."""
        return bool(self.down) and self.planted[0].evidence[0].source in self.down


def customer_of(stage: Stage, draw: Draw, slot: Slot, region: str, route: str = "") -> Client:
    """Add the customer who will write, heavy enough to be seen, above all on the route of a trouble of many."""
    plan = draw.pick(("basic", "pro", "pro", "business"))
    client = stage.client(draw, region, plan, draw.real(2.5, 6.0), slot.language)
    client.writes = True
    if route:
        client.weight = round(client.weight * 2, 2)
        client.routes[route] = round(draw.real(0.3, 0.7), 2)
    return client


def tell(
    stage: Stage, draw: Draw, slot: Slot, client: Client, shared: Planted | None, pages: list[Page], stratum: float
) -> Told:
    """Plant the ticket of a slot; `shared` is the trouble of many that it is about, if it is about one."""
    if slot.axis is Axis.VAGUE:
        return _vague(stage, draw, slot, client)
    planted = [shared] if shared else _plant(stage, draw, slot, client, stratum)
    told = Told(slot, client, planted, _blank(), Twist())
    _twist(stage, draw, told, client, pages)
    told.ticket = _ticket(stage, draw, told, client)
    return told


def _plant(stage: Stage, draw: Draw, slot: Slot, client: Client, stratum: float) -> list[Planted]:
    """Plant the causes of a slot; the first takes the stratum, a second one draws its own size."""
    planted = []
    for number, cause in enumerate(slot.causes):
        stream = draw.sub(cause)
        stream.stratum = None if number else stratum
        planted.append(OWN[cause](stage, stream, client))
    return planted


def _twist(stage: Stage, draw: Draw, told: Told, client: Client, pages: list[Page]) -> None:
    axis, first = told.slot.axis, told.planted[0]
    if axis is Axis.DECOYS:
        told.twist = decoys(stage, draw, first)
    elif axis is Axis.CONTRADICTION:
        told.twist = contradict(stage, draw, first, client)
    elif axis is Axis.INJECTED:
        told.twist = inject(stage, draw, first, pages)
    elif axis is Axis.NOISE:
        told.noise, told.skew = noise(stage, draw, client), draw.pick((-1, 1)) * draw.between(20, 180)
    elif axis is Axis.MISSING:
        needed = first.evidence[0].source
        used = {row.source for row in first.evidence}
        spare = [source for source in _SOURCES if source not in used]
        told.down = [needed] if draw.chance(0.5) else [draw.pick(spare)]
    elif axis is Axis.TRAP:
        _trap(stage, draw, told, client)


def _trap(stage: Stage, draw: Draw, told: Told, client: Client) -> None:
    """Add another customer of nearly the same name, in the same region, who has a trouble of another kind."""
    other = stage.client(
        draw.sub("trap"), client.region, client.plan, 3.0, "en", lookalike(draw, client.name, stage.taken)
    )
    other.writes = True
    kinds = [CauseClass.KEY_REVOKED_OR_EXPIRED, CauseClass.PAYMENT_FAILED, CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST]
    cause = draw.pick([kind for kind in kinds if kind not in told.slot.causes])
    OWN[cause](stage, draw.sub("trap-cause"), other)
    told.trap, told.trap_causes = [other], [cause]


def _blank() -> Ticket:
    return Ticket(
        key="blank", id=1, requester=Requester(name="-", email="-"), subject="", body="", created=timedelta(0)
    )


def _vague(stage: Stage, draw: Draw, slot: Slot, client: Client) -> Told:
    planted = OWN[CauseClass.TOO_VAGUE](stage, draw, client)
    subject, body = write(draw, slot.language, "terse", [Complaint("vague", {}, 2)], {"company": stage.company.name})
    name = person(draw, slot.language)
    who = Requester(
        name=name.split(" ")[0],
        email=f"{mailbox(name, draw)}{draw.between(1, 99)}@{slug(company_name(draw, stage.taken))}-mail.example",
    )
    ticket = Ticket(
        key="blank", id=1, requester=who, subject=subject, body=body, created=timedelta(minutes=-draw.between(5, 90))
    )
    return Told(slot, None, [planted], ticket, Twist())


def _ticket(stage: Stage, draw: Draw, told: Told, client: Client) -> Ticket:
    since = min(one.since for one in told.planted)
    created = timedelta(minutes=-min(draw.between(8, 170), int(since / timedelta(minutes=2))))
    complaints = [
        Complaint(one.symptom, one.slots, max(1.0, (one.since + created) / timedelta(hours=1) + told.skew / 60))
        for one in told.planted
    ]
    slots = {"company": stage.company.name, "name": client.person, "customer": client.name}
    subject, body = write(draw, told.slot.language, told.slot.style, complaints, slots)
    if told.twist.appendix:
        body += f"\n\n{told.twist.appendix}"
    way = draw.pick(("field", "domain", "organization", "foreign", "domain"))
    email, fields, organization = client.email, dict[str, str](), ""
    if way == "field" or (way == "organization" and client.organization is None):
        fields[FIELD] = client.id
    elif way == "organization":
        organization = client.id
    elif way == "foreign":
        fields[FIELD] = client.id
        email = f"{mailbox(client.person, draw)}@{slug(company_name(draw, stage.taken))}-consulting.example"
    if told.trap:
        body += f"\n\n{client.name.split(' ')[0]}"
    return Ticket(
        key="blank",
        id=1,
        requester=Requester(name=client.person, email=email),
        organization=organization,
        subject=subject,
        body=body,
        created=created,
        priority=draw.pick(("", "", "normal", "high", "urgent")),
        tags=draw.some(["api", "billing", "urgent", "web"], draw.between(0, 1)),
        fields=fields,
    )


def worst(planted: list[Planted]) -> Severity:
    """Return the highest severity of several causes."""
    return max((one.severity for one in planted), key=lambda severity: severity.rank)


def settle_bills(stage: Stage, draw: Draw) -> None:
    """Give everybody an ordinary bill who has none yet."""
    for client in stage.clients:
        if not client.billed:
            bill(stage, draw.sub(client.id), client)
