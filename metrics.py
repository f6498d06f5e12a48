"""What a worker counts, in one registry; telemetry.py serves it."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.evidence import EvidenceRef
from models.run import Drafted, Published, RecordRequest, Verified

REGISTRY = CollectorRegistry()
_EVIDENCE = Counter("whydesk_evidence", "Questions by what became of them.", ["connector", "status"], registry=REGISTRY)
_STEP = Histogram(
    "whydesk_step_seconds",
    "Time of one attempt of one step.",
    ["step", "result"],
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180),
    registry=REGISTRY,
)
_NOTES = Counter("whydesk_notes", "Notes by what became of them.", ["status"], registry=REGISTRY)
_CLAIMS = Counter("whydesk_claims", "Claims by whether the evidence showed them.", ["result"], registry=REGISTRY)
_SCREENED = Counter(
    "whydesk_screened", "Diagnoses whose input showed a sign, by where.", ["source", "sign"], registry=REGISTRY
)
_USD = Counter("whydesk_model_usd", "US dollars spent on models.", ["model"], registry=REGISTRY)
_TOKENS = Counter("whydesk_model_tokens", "Tokens of models.", ["model", "direction"], registry=REGISTRY)
_CIRCUITS = Gauge(
    "whydesk_circuit_open", "1 while a source is not asked, for it failed.", ["tenant", "connector"], registry=REGISTRY
)
_SECONDS = Histogram(
    "whydesk_investigation_seconds",
    "Time from the start of a revision to its end, its note among it.",
    ["outcome"],
    buckets=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600),
    registry=REGISTRY,
)
_OLDEST = Gauge(
    "whydesk_oldest_open_run_seconds", "Age of the oldest revision that has not ended.", ["tenant"], registry=REGISTRY
)
_PAUSED = Gauge("whydesk_paused", "1 while ops have paused a tenant's runs.", ["tenant"], registry=REGISTRY)
_USD_TODAY = Gauge(
    "whydesk_model_usd_today", "US dollars spent on models since midnight UTC.", ["tenant"], registry=REGISTRY
)
_USD_BUDGET = Gauge(
    "whydesk_model_usd_budget",
    "US dollars that may be spent in a day, where there is such a limit.",
    ["tenant"],
    registry=REGISTRY,
)
_OUTCOMES = Counter("whydesk_investigations", "Revisions by outcome.", ["outcome"], registry=REGISTRY)


def record_evidence(connector: str, status: str) -> None:
    """Count one question to a source."""
    _EVIDENCE.labels(connector, status).inc()


def record_step(step: str, seconds: float, result: Literal["done", "failed"]) -> None:
    """Keep how long one attempt of a step took."""
    _STEP.labels(step, result).observe(seconds)


def record_note(status: str) -> None:
    """Count a note: `posted`, `already-posted`, `shadow` …"""
    _NOTES.labels(status).inc()


def record_claims(kept: int, dropped: int) -> None:
    """Count the claims of one diagnosis."""
    _CLAIMS.labels("kept").inc(kept)
    _CLAIMS.labels("dropped").inc(dropped)


def record_screened(source: str, sign: str) -> None:
    """Count a diagnosis whose ticket or evidence had a text that looks odd."""
    _SCREENED.labels(source, sign).inc()


def record_model(model: str, usd: float, input_tokens: int, output_tokens: int) -> None:
    """Count what one answer cost. A repeated activity that finds its answer in the ledger counts it again; bills do not."""
    _USD.labels(model).inc(usd)
    _TOKENS.labels(model, "input").inc(input_tokens)
    _TOKENS.labels(model, "output").inc(output_tokens)


def record_circuit(tenant: str, connector: str, *, is_open: bool) -> None:
    """Keep whether a source is not asked for now."""
    _CIRCUITS.labels(tenant, connector).set(is_open)


def record_outcome(outcome: str, seconds: float) -> None:
    """Count the end of a revision, and keep how long it took."""
    _OUTCOMES.labels(outcome).inc()
    _SECONDS.labels(outcome).observe(seconds)


def record_standing(
    tenant: str, *, oldest_open: float, paused: bool, usd_today: float, usd_budget: float | None
) -> None:
    """Keep how a tenant stands: the age of its oldest open revision in seconds (0 for none), and what it spent today."""
    _OLDEST.labels(tenant).set(oldest_open)
    _PAUSED.labels(tenant).set(paused)
    _USD_TODAY.labels(tenant).set(usd_today)
    if usd_budget is not None:
        _USD_BUDGET.labels(tenant).set(usd_budget)


def record_result(result: object) -> None:
    """Count what an activity took in or gave back, by its type; anything else is left alone."""
    match result:
        case EvidenceRef():
            record_evidence(result.source.value, result.status.value)
        case Published():
            record_note(result.status)
        case Verified():
            record_claims(result.kept, result.dropped)
            for seen in result.screened:
                record_screened(seen.source.value, seen.sign.value)
        case Drafted():
            record_model(result.reasoner, result.usd, result.input_tokens, result.output_tokens)
        case RecordRequest():
            record_outcome(result.outcome.value, (result.finished_at - result.started_at).total_seconds())
        case _:
            pass
