"""Limits that work as sold: the rate limit of the plan, a sudden load of the customer's own, the quota of the period."""

from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.stage import LOGS, NOW, Client, Stage, requests_of
from evals.generate.truth import Planted, Row, Signal
from models.vocabulary import CauseClass, Severity
from sandbox.world_logs import Burst, Match, Usage

_ROOM = 6
"""Requests a minute of a plan's limit that are left to the customer's ordinary traffic."""


def rate_limit_plan(stage: Stage, draw: Draw, client: Client) -> Planted:
    """A scheduled job that is regularly over the limit, on every day of the log."""
    client.plan = "free"
    ratio, every, lasts = min(draw.effect(1.06, 5.0), 5.0), draw.between(2, 5), draw.between(2, 5)
    return _load(
        stage,
        draw,
        client,
        CauseClass.RATE_LIMIT_PLAN,
        ratio,
        LOGS + timedelta(hours=draw.between(1, 3)),
        (every, lasts),
    )


def customer_traffic_spike(stage: Stage, draw: Draw, client: Client) -> Planted:
    """A load of the customer's own that began at some hour and was never there before."""
    client.plan = draw.pick(("free", "basic"))
    ratio, hours = min(draw.effect(1.06, 6.0), 6.0), draw.real(1.0, 4.0)
    return _load(
        stage, draw, client, CauseClass.CUSTOMER_TRAFFIC_SPIKE, ratio, timedelta(minutes=-round(hours * 60)), None
    )


def _load(
    stage: Stage,
    draw: Draw,
    client: Client,
    cause: CauseClass,
    ratio: float,
    start: timedelta,
    again: tuple[int, int] | None,
) -> Planted:
    limit = stage.company.plan(client.plan).rate_limit
    per_minute = max(limit + 1, round(limit * ratio))
    route, code = draw.pick(stage.company.making()), stage.company.codes["rate_limited"]
    stage.bursts.append(
        Burst(
            name=f"load-{stage.number()}",
            customer=client.id,
            start=start,
            end=NOW,
            every=timedelta(hours=again[0]) if again else None,
            lasts=timedelta(minutes=again[1]) if again else None,
            per_minute=per_minute,
            accepted=limit - _ROOM,
            refused=stage.answer(429, "rate_limited", 1.0),
            route=route,
        )
    )
    hours = -start / timedelta(hours=1)
    minutes = hours / again[0] * again[1] if again else hours * 60
    spike = cause is CauseClass.CUSTOMER_TRAFFIC_SPIKE
    other = CauseClass.RATE_LIMIT_PLAN if spike else CauseClass.DOCUMENTED_LIMITATION
    return Planted(
        cause=cause,
        symptom="throttled",
        slots={"status": "429", "code": code, "route": route, "limit": str(limit)},
        since=-start,
        severity=Severity.LOW,
        also=[other],
        not_causes=[CauseClass.DEPLOY_REGRESSION, CauseClass.KNOWN_BUG, CauseClass.QUOTA_EXHAUSTED],
        evidence=[
            requests_of(client, start, status=429, error_code="rate_limited"),
            Row(source="docs", id="limits.md"),
        ],
        signals=[
            Signal(
                kind="per_minute",
                size=round(per_minute / limit, 3),
                base=limit,
                hours=hours,
                rate=per_minute * minutes / hours,
            )
        ],
        why=f"{per_minute} requests a minute against a limit of {limit}, "
        + (
            f"since {hours:.1f} h and never before."
            if spike
            else f"for {again[1] if again else 0} minutes every few hours, all week."
        ),
    )


def quota_exhausted(stage: Stage, draw: Draw, client: Client) -> Planted:
    """The period's units are used up since some hours; only routes that make units are refused."""
    client.plan = draw.pick(("free", "basic", "pro"))
    company = stage.company
    quota, hours = company.plan(client.plan).monthly_quota, draw.effect(0.6, 60)
    start = timedelta(minutes=-round(hours * 60))
    period = timedelta(days=-draw.between(9, 26))
    client.created = min(client.created, period)
    making = company.making()
    first = round(quota * draw.real(0.5, 0.8))
    stage.usage.append(
        Usage(
            customer=client.id,
            meter=company.kind.unit,
            start=period,
            end=start,
            routes={making[0]: first, making[1]: quota - first},
        )
    )
    client.billed = False
    code = company.codes["quota_exceeded"]
    stage.episode(
        Match(customers=[client.id], routes=making), start, NOW, answer=stage.answer(429, "quota_exceeded", 1.0)
    )
    return Planted(
        cause=CauseClass.QUOTA_EXHAUSTED,
        symptom="throttled",
        slots={
            "status": "429",
            "code": code,
            "route": making[0],
            "limit": str(company.plan(client.plan).rate_limit),
            "period": str(period.days),
        },
        since=-start,
        severity=Severity.MEDIUM,
        not_causes=[
            CauseClass.RATE_LIMIT_PLAN,
            CauseClass.CUSTOMER_TRAFFIC_SPIKE,
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.PAYMENT_FAILED,
        ],
        evidence=[
            requests_of(client, start, status=429, error_code="quota_exceeded"),
            Row(source="clickhouse", table="usage", where={"customer": client.id}, start=period, end=start),
        ],
        signals=[Signal(kind="share", size=1.0, routes=making, hours=hours)],
        why=f"{quota} of {quota} {company.kind.unit} of the period are used since {hours:.1f} h.",
    )
