"""Makes a world from a seed: plans the tickets, plants their causes, and collects what was planted into the world's files."""

from dataclasses import dataclass
from datetime import timedelta

from evals.generate.axes import elsewhere
from evals.generate.billing import meters, prices
from evals.generate.causes.fleet import FLEET, SERVER_ERRORS, Place
from evals.generate.causes.requests import BAD_REQUESTS
from evals.generate.company import Company, make_company
from evals.generate.digest import generator_digest
from evals.generate.docs_pages import pages as docs_pages
from evals.generate.draw import Draw
from evals.generate.judge import judge
from evals.generate.places import Trouble, regions_needed, settle, troubles
from evals.generate.schedule import Slot, schedule, strata
from evals.generate.stage import DAYS, ROWS_PER_WEIGHT, Client, Stage
from evals.generate.tables import tables, tenant
from evals.generate.tickets import FIELD, Told, customer_of, settle_bills, tell
from evals.generate.truth import Axis, BenchFile, Planted
from models.vocabulary import CauseClass
from sandbox.world import (
    BugsFile,
    Component,
    Customer,
    CustomersFile,
    Issue,
    Page,
    StatusFile,
    StatusPage,
    Team,
    WorldFile,
)
from sandbox.world_base import Part
from sandbox.world_billing import BillingFile, DeploymentsFile, Repository
from sandbox.world_logs import Baseline, LogsFile, Response, Route, Version
from sandbox.world_tickets import TicketsFile, TruthFile


@dataclass(frozen=True)
class Made:
    """A world: its files by name, its documentation, and what only the benchmark knows."""

    files: dict[str, Part]
    pages: list[Page]
    bench: BenchFile


def make(seed: int, tickets: int) -> Made:
    """Make the world of a seed.

    Raises:
        ValueError: too few tickets to cover every axis.
    """
    draw = Draw(f"whybench/{seed}")
    slots = schedule(draw.sub("schedule"), tickets)
    found = troubles(draw.sub("troubles"), slots, set(FLEET))
    calm = 3 + tickets // 60
    upstream = sum(trouble.cause is CauseClass.UPSTREAM_INCIDENT for trouble in found)
    taken: set[str] = set()
    company = make_company(draw.sub("company"), calm + regions_needed(found), upstream + 1, taken)
    stage = Stage(company, draw.sub("stage"), taken)
    stage.versions.append(Version(name="gw-1.0.0", start=timedelta(days=-DAYS - 5)))
    names = [region.name for region in company.regions]
    settle(draw.sub("places"), found, names[calm:], company.kind)
    pages: list[Page] = []
    told = _tell_all(stage, draw, slots, found, names[:calm], pages)
    _background(stage, draw.sub("background"), names, len(slots))
    _keep_apart(stage, found, told)
    settle_bills(stage, draw.sub("bills"))
    pages += docs_pages(stage, draw.sub("docs"))
    return _collect(stage, draw, told, seed, pages)


def _tell_all(
    stage: Stage, draw: Draw, slots: list[Slot], found: list[Trouble], calm: list[str], pages: list[Page]
) -> list[Told]:
    shared: dict[int, tuple[Trouble, Planted]] = {}
    places = strata(draw.sub("trouble-sizes"), [trouble.cause for trouble in found])
    for number, trouble in enumerate(found):
        stream = draw.sub(f"trouble{number}")
        stream.stratum = places[number]
        skew = stream.between(-9, 9) if slots[trouble.slots[0]].axis is Axis.NOISE else 0
        planted = FLEET[trouble.cause](stage, stream, trouble.place, skew)
        shared |= dict.fromkeys(trouble.slots, (trouble, planted))
    told = []
    sizes = strata(draw.sub("sizes"), [slot.causes for slot in slots])
    for number, slot in enumerate(slots):
        stream = draw.sub(f"ticket{number}")
        about = shared.get(number)
        place = about[0].place if about else Place(stream.pick(calm))
        client = customer_of(stage, stream, slot, place.region, place.route)
        if slot.axis is Axis.VAGUE:
            stage.clients.remove(client)
        told.append(tell(stage, stream, slot, client, about[1] if about else None, pages, sizes[number]))
    return draw.sub("order").shuffled(told)


def _background(stage: Stage, draw: Draw, regions: list[str], tickets: int) -> None:
    """Add the customers who write nothing, at least ten in each region, and the ordinary past of the other systems."""
    wanted = max(200, round(1.6 * tickets)) - len(stage.clients)
    for number in range(max(wanted, 10 * len(regions))):
        plan = draw.pick(("free", "basic", "basic", "pro", "business", "corporate"))
        stage.client(draw.sub(number), regions[number % len(regions)], plan, draw.log(0.4, 2.6))
    for number in range(6):
        stream = draw.sub(f"past{number}")
        elsewhere(stage, stream, Place(stream.pick(regions)))
        part = stream.pick(("dashboard", "metering", "workers"))
        stage.deploy(part, stream.pick(_CHORES), timedelta(hours=-stream.between(4, 400)), ["README.md"], part)
        stage.issues.append(_chore(stage, stream))


_CHORES = ("Update dependencies", "Tidy the tests", "Spelling in messages", "Log less", "New icon", "Faster builds")


def _chore(stage: Stage, draw: Draw) -> Issue:
    created = timedelta(days=-draw.between(10, 200))
    return Issue(
        id=f"API-{100 + stage.number()}",
        title=draw.pick(_CHORES),
        description="Housekeeping.",
        state="Backlog",
        state_type="backlog",
        priority=4,
        created=created,
        updated=created,
    )


def _keep_apart(stage: Stage, found: list[Trouble], told: list[Told]) -> None:
    """Take from every writer the routes on which another ticket's trouble of many would touch them."""
    own = {id(one.client): one.planted[0] for one in told if one.client}
    for client in stage.clients:
        if not client.writes:
            continue
        mine = own.get(id(client))
        for trouble in found:
            route = trouble.place.route
            if trouble.place.region == client.region and route and (mine is None or mine.slots.get("route") != route):
                client.routes[route] = 0.0


def _collect(stage: Stage, draw: Draw, told: list[Told], seed: int, pages: list[Page]) -> Made:
    company = stage.company
    weights = sum(client.weight for client in stage.clients)
    rows = round(weights * ROWS_PER_WEIGHT)
    bench = BenchFile(seed=seed, generator=generator_digest(), rows=rows)
    truths, tickets = {}, []
    others = [client for client in stage.clients if not client.writes]
    for number, one in enumerate(told):
        key = f"t{number + 1:04d}"
        ticket = one.ticket.model_copy(update={"key": key, "id": 50_000 + number})
        tickets.append(ticket)
        truths[key], bench.tickets[key] = judge(one, ticket.id, company, others)
    about = WorldFile(
        name=f"whybench-{company.slug}-{seed}",
        company=company.name,
        domain=company.domain,
        summary=company.kind.summary,
        seed=seed + 1,
        rows=rows,
        days=DAYS,
        repositories=sorted(company.repositories.values()),
        status_page=f"{company.name} Status",
        upstream_pages=company.providers,
        plans=company.plans,
        regions=company.regions,
    )
    customers = [_customer(client) for client in draw.sub("customers").shuffled(stage.clients)]
    files: dict[str, Part] = {
        "world.yaml": about,
        "customers.yaml": CustomersFile(customers=customers),
        "logs.yaml": _logs(stage),
        "bugs.yaml": BugsFile(
            teams=[Team(key="API", name="API")], issues=sorted(stage.issues, key=lambda one: one.created)
        ),
        "billing.yaml": BillingFile(
            meters=meters(stage),
            prices=prices(stage),
            customers=stage.billing_customers,
            subscriptions=stage.subscriptions,
            invoices=sorted(stage.invoices, key=lambda one: one.created),
            charges=sorted(stage.charges, key=lambda one: one.created),
            events=sorted(stage.events, key=lambda one: one.created),
        ),
        "deployments.yaml": DeploymentsFile(
            repositories=[Repository(name=name) for name in sorted(company.repositories.values())],
            commits=sorted(stage.commits, key=lambda one: one.created),
            pulls=sorted(stage.pulls, key=lambda one: one.merged),
            deployments=sorted(stage.deployments, key=lambda one: one.created),
        ),
        "status.yaml": _status(stage),
        "tickets.yaml": TicketsFile(fields=[FIELD], tickets=tickets),
        "tenant.yaml": tenant(company),
        "truth.yaml": TruthFile(tickets=truths),
    }
    return Made(files, pages, bench)


def _customer(client: Client) -> Customer:
    return Customer(
        id=client.id,
        name=client.name,
        domain=client.domain,
        plan=client.plan,
        region=client.region,
        created=client.created,
        weight=client.weight,
        routes=client.routes,
        keys=client.keys,
        endpoints=client.endpoints,
        contacts=[client.contact],
        organization=client.organization,
    )


def _logs(stage: Stage) -> LogsFile:
    company: Company = stage.company
    routes = [
        Route.model_validate({"name": name, "method": method, "share": share, "latency_ms": latency, "status": status})
        for name, method, share, latency, status, _ in company.kind.routes
    ]
    routes.append(Route(name=company.kind.gated, method="POST", share=0, latency_ms=210, status=202))
    baseline = Baseline(
        routes=routes,
        errors=[
            stage.answer(400, "invalid_request", BAD_REQUESTS),
            stage.answer(404, "not_found", 0.006),
            stage.answer(500, "internal_error", SERVER_ERRORS),
            stage.answer(504, "timeout", 0.0004),
        ],
        versions=sorted(stage.versions, key=lambda version: version.start),
        webhook_errors=[
            Response(status=500, error="http_500", share=0.008),
            Response(status=0, error="timeout", share=0.002),
        ],
    )
    return LogsFile(
        tables=tables(company),
        baseline=baseline,
        episodes=stage.episodes,
        bursts=stage.bursts,
        webhooks=stage.hooks,
        usage=stage.usage,
    )


def _status(stage: Stage) -> StatusFile:
    company = stage.company
    touched = {one for incident in stage.incidents if incident.status != "resolved" for one in incident.components}
    components = [
        _component(f"c-{region.name}", f"API {region.title} ({region.name})", f"c-{region.name}" in touched)
        for region in company.regions
    ]
    own = StatusPage(id=company.slug, name=f"{company.name} Status", components=components, incidents=stage.incidents)
    upstream = [
        StatusPage(
            id=f"provider-{number}",
            name=name,
            components=[_component("c-api", "API", bool(stage.provider_incidents.get(name)))],
            incidents=stage.provider_incidents.get(name, []),
        )
        for number, name in enumerate(company.providers)
    ]
    return StatusFile(own=own, upstream=upstream)


def _component(id: str, name: str, bad: bool) -> Component:
    status = "partial_outage" if bad else "operational"
    return Component.model_validate({"id": id, "name": name, "status": status, "updated": timedelta(days=-3)})
