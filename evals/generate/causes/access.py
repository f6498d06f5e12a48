"""Keys and scopes: a key that is no longer valid, and a valid one that may not do this."""

from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.stage import LOGS, NOW, Client, Stage, requests_of
from evals.generate.truth import Planted, Row, Signal
from models.vocabulary import CauseClass, Severity
from sandbox.world import ApiKey
from sandbox.world_logs import Match


def split_keys(stage: Stage, client: Client, share: float) -> ApiKey:
    """Give the customer two keys, the first with that share of the traffic, and return the first."""
    first, second = stage.key("service", round(share, 3)), stage.key("main", round(1 - share, 3))
    client.keys = [first, second]
    return first


def key_revoked_or_expired(stage: Stage, draw: Draw, client: Client) -> Planted:
    """One key answers 401 from some hour on; the other works."""
    share, hours = min(draw.effect(0.02, 1.0), 0.97), draw.log(1.5, 60)
    kind = draw.pick(("key_revoked", "key_expired"))
    key, start = split_keys(stage, client, share), timedelta(minutes=-round(hours * 60))
    stage.episode(Match(customers=[client.id], keys=[key.id]), start, NOW, answer=stage.answer(401, kind, 1.0))
    code = stage.company.codes[kind]
    return Planted(
        cause=CauseClass.KEY_REVOKED_OR_EXPIRED,
        symptom="auth",
        slots={"key": key.id, "status": "401", "code": code, "route": "*"},
        since=-start,
        severity=Severity.MEDIUM,
        not_causes=[CauseClass.PERMISSION_OR_SCOPE, CauseClass.OWN_INCIDENT, CauseClass.DEPLOY_REGRESSION],
        evidence=[requests_of(client, start, key_id=key.id, status=401)],
        signals=[Signal(kind="share", size=share, hours=hours)],
        why=f"Key {key.id}, {share:.1%} of their traffic, answers 401 {code} since {hours:.1f} h; their other key works.",
    )


def permission_or_scope(stage: Stage, draw: Draw, client: Client) -> Planted:
    """One key is refused on one route as long as it is used there; it works elsewhere, and the other key works there."""
    share = min(draw.effect(0.04, 1.0), 0.95)
    route = draw.pick(stage.company.making())
    key = split_keys(stage, client, share)
    start = LOGS if draw.chance(0.4) else timedelta(hours=-draw.between(12, 90))
    stage.episode(
        Match(customers=[client.id], keys=[key.id], routes=[route]),
        start,
        NOW,
        stage.answer(403, "permission_denied", 1.0),
    )
    code = stage.company.codes["permission_denied"]
    return Planted(
        cause=CauseClass.PERMISSION_OR_SCOPE,
        symptom="forbidden",
        slots={"key": key.id, "status": "403", "code": code, "route": route},
        since=-start,
        severity=Severity.LOW,
        not_causes=[
            CauseClass.KEY_REVOKED_OR_EXPIRED,
            CauseClass.DEPLOY_REGRESSION,
            CauseClass.PAYMENT_FAILED,
            CauseClass.PLAN_DOWNGRADE,
        ],
        evidence=[
            requests_of(client, start, key_id=key.id, route=route, status=403),
            Row(source="docs", id="keys.md"),
        ],
        signals=[Signal(kind="share", size=share, routes=[route], hours=-start / timedelta(hours=1))],
        why=f"Key {key.id} lacks the scope for {route} (403 {code}); it works elsewhere, and their other key works there.",
    )
