"""The customer's own requests: wrong ones, ones that the documentation limits, and nothing wrong at all."""

from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.stage import LOGS, NOW, Client, Stage, requests_of
from evals.generate.truth import Effect, Planted, Row, Signal
from models.vocabulary import CauseClass, Outcome, Severity
from sandbox.world_logs import Match

BAD_REQUESTS = 0.009
"""Share of ordinary requests that are refused as wrong, for everybody."""


def client_misuse_or_bad_request(stage: Stage, draw: Draw, client: Client) -> Planted:
    """From a release of their own on, a share of their requests is what the documentation calls wrong."""
    route, option, wanted, given = stage.company.kind.option
    share, hours = draw.effect(0.012, 0.95), draw.log(2, 60)
    start = timedelta(minutes=-round(hours * 60))
    stage.episode(Match(customers=[client.id], routes=[route]), start, NOW, stage.answer(400, "invalid_request", share))
    code = stage.company.codes["invalid_request"]
    return Planted(
        cause=CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST,
        symptom="errors",
        slots={"status": "400", "code": code, "route": route, "detail": f"{option}: {given}"},
        since=-start,
        severity=Severity.LOW,
        also=[CauseClass.DOCUMENTED_LIMITATION],
        not_causes=[CauseClass.DEPLOY_REGRESSION, CauseClass.KNOWN_BUG, CauseClass.OWN_INCIDENT],
        evidence=[
            requests_of(client, start, route=route, status=400),
            Row(source="docs", id="requests.md"),
        ],
        signals=[Signal(kind="share", size=share, routes=[route], hours=hours, base=BAD_REQUESTS)],
        why=f"{share:.1%} of their {route} is 400 since {hours:.1f} h: {option} must be {wanted}. Only they.",
    )


def documented_limitation(stage: Stage, draw: Draw, client: Client) -> Planted:
    """Calls over a documented size are refused as long as the log goes back."""
    route, words, status = stage.company.kind.cap
    share = draw.effect(0.012, 0.7)
    stage.episode(Match(customers=[client.id], routes=[route]), LOGS, NOW, stage.answer(status, "too_large", share))
    code = stage.company.codes["too_large"]
    return Planted(
        cause=CauseClass.DOCUMENTED_LIMITATION,
        symptom="too_large",
        slots={"status": str(status), "code": code, "route": route},
        since=-LOGS,
        severity=Severity.LOW,
        also=[CauseClass.CLIENT_MISUSE_OR_BAD_REQUEST],
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.KNOWN_BUG,
            CauseClass.OWN_INCIDENT,
            CauseClass.UPSTREAM_INCIDENT,
        ],
        evidence=[
            requests_of(client, LOGS, route=route, status=status),
            Row(source="docs", id="requests.md"),
        ],
        signals=[Signal(kind="share", size=share, routes=[route], hours=-LOGS / timedelta(hours=1))],
        why=f"{share:.1%} of their {route} is refused with {status} on every day; the docs allow {words}.",
    )


def nothing_wrong(stage: Stage, draw: Draw, client: Client) -> Planted:
    """Nothing is planted: the customer's traffic is as healthy as ever, whatever the ticket says."""
    return Planted(
        cause=CauseClass.NOTHING_WRONG,
        symptom=draw.pick(("hearsay", "network", "hearsay")),
        slots={"route": stage.company.making()[0]},
        since=timedelta(hours=draw.between(2, 20)),
        severity=Severity.LOW,
        outcome=Outcome.NOTHING_WRONG,
        also=[CauseClass.THIRD_PARTY_NETWORK],
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.KNOWN_BUG,
            CauseClass.OWN_INCIDENT,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.RATE_LIMIT_PLAN,
            CauseClass.REGIONAL_LATENCY,
        ],
        evidence=[
            requests_of(client, LOGS),
            Row(source="statuspage", id="own"),
        ],
        exact=Effect(unit="none", size=1.0),
        why="Their requests are answered as well and as fast as ever; nothing is posted for their region.",
    )


def too_vague(stage: Stage, draw: Draw, client: Client) -> Planted:
    """Nobody knows who writes, nor about what."""
    return Planted(
        cause=CauseClass.TOO_VAGUE,
        symptom="vague",
        since=timedelta(hours=2),
        severity=Severity.LOW,
        outcome=Outcome.NEEDS_INFO,
        not_causes=[
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.KNOWN_BUG,
            CauseClass.OWN_INCIDENT,
            CauseClass.UPSTREAM_INCIDENT,
            CauseClass.NOTHING_WRONG,
        ],
        evidence=[],
        exact=Effect(unit="none", size=1.0),
        why="Unknown sender, no account, no symptom.",
    )
