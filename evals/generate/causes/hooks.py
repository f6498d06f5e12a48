"""Webhooks: the customer's endpoint fails the handshake, refuses signatures, or answers late or not at all."""

from datetime import timedelta

from evals.generate.draw import Draw
from evals.generate.stage import NOW, Client, Stage
from evals.generate.truth import Planted, Row, Signal
from models.vocabulary import CauseClass, Severity
from sandbox.world_logs import WebhookEpisode

_THREE = [
    CauseClass.WEBHOOK_ENDPOINT_TLS,
    CauseClass.WEBHOOK_SECRET_ROTATED,
    CauseClass.WEBHOOK_ENDPOINT_SLOW_OR_DOWN,
]


def webhook_endpoint_tls(stage: Stage, draw: Draw, client: Client) -> Planted:
    """The certificate is expired or of another host."""
    error = draw.pick(("tls_certificate_expired", "tls_hostname_mismatch"))
    return _failing(stage, draw, client, CauseClass.WEBHOOK_ENDPOINT_TLS, (0, error, 1.0), "hooks_none")


def webhook_secret_rotated(stage: Stage, draw: Draw, client: Client) -> Planted:
    """The endpoint still checks with the old secret, a day after it was rotated."""
    answer = draw.pick(((401, "http_401"), (403, "http_403")))
    return _failing(stage, draw, client, CauseClass.WEBHOOK_SECRET_ROTATED, (*answer, 1.0), "hooks_none")


def webhook_endpoint_slow_or_down(stage: Stage, draw: Draw, client: Client) -> Planted:
    """The endpoint answers 5xx or not in time, to a share of the attempts."""
    answer = draw.pick(((503, "http_503"), (502, "http_502"), (0, "timeout"), (0, "connection_refused")))
    share = draw.effect(0.03, 1.0)
    return _failing(stage, draw, client, CauseClass.WEBHOOK_ENDPOINT_SLOW_OR_DOWN, (*answer, share), "hooks_some")


def _failing(
    stage: Stage, draw: Draw, client: Client, cause: CauseClass, answer: tuple[int, str, float], symptom: str
) -> Planted:
    status, error, share = answer
    hours, per_hour = draw.log(1.0, 60), round(draw.log(2, 40), 1)
    start = timedelta(minutes=-round(hours * 60))
    bad, good = stage.endpoint(client, "hooks", per_hour), stage.endpoint(client, "audit", 5.0)
    client.endpoints = [bad, good]
    stage.hooks.append(
        WebhookEpisode(
            name=f"span-{stage.number()}",
            start=start,
            end=NOW,
            endpoints=[bad.id],
            status=status,
            error=error,
            share=share,
            latency_factor=20.0 if error == "timeout" else 1.0,
        )
    )
    return Planted(
        cause=cause,
        symptom=symptom,
        slots={"host": bad.host, "hook": bad.id, "event": bad.events[0]},
        since=-start,
        severity=Severity.MEDIUM,
        not_causes=[other for other in _THREE if other is not cause] + [CauseClass.OWN_INCIDENT],
        evidence=[
            Row(
                source="clickhouse",
                table="webhook_attempts",
                where={"customer": client.id, "endpoint_id": bad.id, "error": error},
                start=start,
                end=NOW,
            )
        ],
        signals=[Signal(kind="share", size=share, hours=hours, rate=per_hour, base=0.01)],
        why=f"{share:.0%} of the attempts to {bad.id} fail with {error} since {hours:.1f} h; their other endpoint is fine.",
    )
