"""Troubles of many customers at once: each is planted once, in a region of its own or on a route of one, for some tickets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.severity import of_errors, of_slowness
from evals.generate.stage import LOGS, NOW, Stage
from evals.generate.truth import Planted, Row, Signal
from models.vocabulary import CauseClass, Severity
from sandbox.world import Issue
from sandbox.world_logs import Match, Version

SERVER_ERRORS = 0.0006
"""Share of ordinary requests that end in an error of ours."""


@dataclass(frozen=True)
class Place:
    """Where a trouble is: a region, and one route of it or all."""

    region: str
    route: str = ""

    @property
    def routes(self) -> list[str]:
        """The route, or nothing for all."""
        return [self.route] if self.route else []


Planter = Callable[[Stage, Draw, Place, int], Planted]
"""Plants a trouble in a place; the last number is how many minutes late the code host's clock is."""


def _start(draw: Draw, low: float = 1.5, high: float = 50) -> timedelta:
    return timedelta(minutes=-round(draw.log(low, high) * 60))


def _logs(place: Place, status: int, start: timedelta, end: timedelta = NOW) -> Row:
    where = {"region": place.region, "route": place.route, "status": status}
    return Row(
        source="clickhouse",
        table="requests",
        where={key: value for key, value in where.items() if value},
        start=start,
        end=end,
    )


def _signal(place: Place, size: float, lasted: timedelta, *, slow: bool = False, base: float = SERVER_ERRORS) -> Signal:
    hours = lasted / timedelta(hours=1)
    return Signal(kind="latency" if slow else "share", size=size, routes=place.routes, hours=hours, base=base)


def deploy_regression(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """A release to one region, after which one route fails or is slow on the new version."""
    start, slow = _start(draw), draw.chance(0.3)
    size = draw.effect(1.2, 25) if slow else draw.effect(0.012, 0.95)
    number = f"{draw.between(2, 9)}.{draw.between(10, 40)}.{stage.number()}"
    version = Version(name=f"gw-{number}", start=start, regions=[place.region])
    stage.versions.append(version)
    match = Match(regions=[place.region], versions=[version.name], routes=[place.route])
    stage.episode(match, start, NOW, None if slow else stage.answer(500, "internal_error", size), size if slow else 1.0)
    word = place.route.strip("/").split("/")[1]
    title = draw.pick(
        (f"Check permissions of {word} at every call", f"Read {word} from the new store", f"Validate {word} earlier")
    )
    made = stage.deploy(
        "gateway",
        title,
        start,
        [f"internal/{word}/handler.go", f"internal/{word}/store.go"],
        f"gateway {number} to {place.region}",
        skew,
    )
    return Planted(
        cause=CauseClass.DEPLOY_REGRESSION,
        symptom="slow" if slow else "errors",
        slots={"status": "500", "code": stage.company.codes["internal_error"], "route": place.route},
        since=-start,
        severity=of_slowness(size) if slow else of_errors(size),
        not_causes=[
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.OWN_INCIDENT,
            CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST,
            CauseClass.REGIONAL_LATENCY,
        ],
        evidence=[_logs(place, 0 if slow else 500, start), Row(source="github", id=str(made.id))],
        signals=[_signal(place, size, -start, slow=slow)],
        why=f"{version.name} went to {place.region} and touches {place.route}, which is "
        + (f"{size} times slower since." if slow else f"failing to {size:.1%} since."),
    )


def known_bug(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """A defect that is tracked and open, as old as the log."""
    size, age = draw.effect(0.012, 0.9), timedelta(days=draw.between(9, 60))
    stage.episode(
        Match(regions=[place.region], routes=[place.route]), LOGS, NOW, stage.answer(500, "internal_error", size)
    )
    code, issue = stage.company.codes["internal_error"], f"API-{100 + stage.number()}"
    stage.issues.append(
        Issue(
            id=issue,
            title=f"{place.route} answers 500 for some calls in {place.region}",
            description=f"Some calls to `{place.route}` in {place.region} end in 500 `{code}`. "
            "Other regions and routes are fine.",
            state="In Progress",
            state_type="started",
            priority=2,
            labels=["bug"],
            created=-age,
            updated=timedelta(days=-draw.between(1, 6)),
        )
    )
    return Planted(
        cause=CauseClass.KNOWN_BUG,
        symptom="errors",
        slots={"status": "500", "code": code, "route": place.route},
        since=timedelta(days=draw.between(2, 6)),
        severity=of_errors(size),
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.ALREADY_FIXED,
            CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST,
        ],
        evidence=[_logs(place, 500, LOGS), Row(source="linear", id=issue)],
        signals=[_signal(place, size, -LOGS)],
        why=f"{issue} is open: {size:.1%} of {place.route} in {place.region} fails, as long as the log goes back.",
    )


def own_incident(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """An incident of ours that is posted: errors of one route, or a whole slow region."""
    start, slow = _start(draw, 1.2, 30), not place.route
    size = draw.effect(1.3, 20) if slow else draw.effect(0.012, 0.95)
    answer = None if slow else stage.answer(503, "internal_error", size)
    match = Match(regions=[place.region], routes=place.routes)
    stage.episode(match, start, NOW, answer, size if slow else 1.0)
    posted = start + timedelta(minutes=draw.between(8, 25))
    what = f"Slow responses in {place.region}" if slow else f"Errors on {place.route} in {place.region}"
    posts = [
        ("investigating", posted, f"{what}. We are looking into it."),
        ("identified", posted * 0.6, "The cause is found; a fix is being prepared."),
    ]
    incident = stage.incident(what, posted, f"c-{place.region}", posts, "minor")
    stage.incidents.append(incident)
    return Planted(
        cause=CauseClass.OWN_INCIDENT,
        symptom="slow" if slow else "errors",
        slots={
            "status": "503",
            "code": stage.company.codes["internal_error"],
            "route": place.route or stage.company.making()[0],
        },
        since=-start,
        severity=of_slowness(size) if slow else of_errors(size),
        also=[CauseClass.DUPLICATE_OF_OPEN_INCIDENT] + ([CauseClass.REGIONAL_LATENCY] if slow else []),
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST,
            CauseClass.THIRD_PARTY_NETWORK,
        ],
        evidence=[_logs(place, 0 if slow else 503, start), Row(source="statuspage", id=incident.id)],
        signals=[_signal(place, size, -start, slow=slow)],
        why=f"{incident.name}, posted and open; size {size}.",
    )


def regional_latency(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """A whole region is slow; nothing is posted, nothing was deployed there."""
    start, size = _start(draw, 1.5, 40), draw.effect(1.15, 12)
    stage.episode(Match(regions=[place.region]), start, NOW, None, size)
    return Planted(
        cause=CauseClass.REGIONAL_LATENCY,
        symptom="slow",
        slots={"route": stage.company.making()[0], "status": "200"},
        since=-start,
        severity=of_slowness(size),
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.OWN_INCIDENT,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.KNOWN_BUG,
            CauseClass.THIRD_PARTY_NETWORK,
        ],
        evidence=[
            _logs(place, 0, start),
            Row(source="statuspage", id="own"),
            Row(source="github", where={"deployed_to": place.region}),
        ],
        signals=[_signal(place, size, -start, slow=True)],
        why=f"All routes are {size} times slower for everybody in {place.region}, and only there; nothing is posted.",
    )


def upstream_incident(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """The provider behind one route has an incident; only the region that it serves is touched."""
    start, size = _start(draw, 1.2, 20), draw.effect(0.012, 0.95)
    provider = stage.company.providers[len(stage.provider_regions)]
    stage.provider_regions[provider] = place.region
    stage.episode(
        Match(regions=[place.region], routes=[place.route]), start, NOW, stage.answer(502, "upstream_error", size)
    )
    posted = start + timedelta(minutes=draw.between(5, 20))
    posts = [
        ("investigating", posted, "We see elevated errors."),
        ("identified", posted * 0.5, "The cause is found. A fix is on its way."),
    ]
    incident = stage.incident("Elevated errors of the API", posted, "c-api", posts, "major")
    stage.provider_incidents.setdefault(provider, []).append(incident)
    return Planted(
        cause=CauseClass.UPSTREAM_INCIDENT,
        symptom="errors",
        slots={"status": "502", "code": stage.company.codes["upstream_error"], "route": place.route},
        since=-start,
        severity=of_errors(size),
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.KNOWN_BUG,
            CauseClass.OWN_INCIDENT,
            CauseClass.DOCUMENTED_LIMITATION,
        ],
        evidence=[_logs(place, 502, start), Row(source="statuspage", id=incident.id)],
        signals=[_signal(place, size, -start, base=0.0)],
        why=f"{provider}, behind {place.route} in {place.region}, has an open incident; {size:.1%} of that route fails there.",
    )


def already_fixed(stage: Stage, draw: Draw, place: Place, skew: int) -> Planted:
    """A route failed for some hours, was repaired by a release, and has been well since."""
    end = timedelta(minutes=-round(draw.real(5, 20) * 60))
    start = end - timedelta(minutes=round(draw.log(2, 20) * 60))
    size = draw.effect(0.02, 0.95)
    stage.episode(
        Match(regions=[place.region], routes=[place.route]), start, end, stage.answer(500, "internal_error", size)
    )
    code, issue = stage.company.codes["internal_error"], f"API-{100 + stage.number()}"
    word = place.route.strip("/").split("/")[1]
    fix = stage.deploy(
        "workers", f"{word}: no error when the cache is full", end, [f"{word}/cache.py"], "workers", skew
    )
    stage.issues.append(
        Issue(
            id=issue,
            title=f"{place.route} fails in {place.region} when the cache is full",
            description=f"500 `{code}` on `{place.route}`, {place.region} only. Repaired by the release of workers.",
            state="Done",
            state_type="completed",
            priority=1,
            labels=["bug"],
            created=start + timedelta(minutes=40),
            updated=end + timedelta(minutes=10),
            completed=end + timedelta(minutes=10),
        )
    )
    return Planted(
        cause=CauseClass.ALREADY_FIXED,
        symptom="over",
        slots={"status": "500", "code": code, "route": place.route},
        since=-start,
        severity=Severity.LOW,
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.NOTHING_WRONG,
            CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST,
        ],
        evidence=[_logs(place, 500, start, end), Row(source="linear", id=issue), Row(source="github", id=str(fix.id))],
        signals=[_signal(place, size, end - start)],
        why=f"{size:.1%} of {place.route} in {place.region} failed until {-end / timedelta(hours=1):.0f} h ago and none "
        f"since; {issue} is done.",
    )


FLEET: dict[CauseClass, Planter] = {
    CauseClass.DEPLOY_REGRESSION: deploy_regression,
    CauseClass.KNOWN_BUG: known_bug,
    CauseClass.OWN_INCIDENT: own_incident,
    CauseClass.REGIONAL_LATENCY: regional_latency,
    CauseClass.UPSTREAM_INCIDENT: upstream_incident,
    CauseClass.ALREADY_FIXED: already_fixed,
}
"""Cause class to what plants it for many."""
