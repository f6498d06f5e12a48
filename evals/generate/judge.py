"""Writes the truth of a ticket that was planted, and says from the planted rows alone whether it can be solved."""

from evals.generate.causes.fleet import FLEET
from evals.generate.company import Company
from evals.generate.severity import HIGH_SHARE, MEDIUM_FACTOR, MEDIUM_SHARE, accepted
from evals.generate.stage import DAYS, ROWS_PER_WEIGHT, Client
from evals.generate.tickets import Told, worst
from evals.generate.truth import Axis, Effect, Planted, TicketTruth
from models.vocabulary import CauseClass, Outcome, Severity
from sandbox.world_tickets import Truth

_OURS = (
    CauseClass.DEPLOY_REGRESSION,
    CauseClass.KNOWN_BUG,
    CauseClass.OWN_INCIDENT,
    CauseClass.UPSTREAM_INCIDENT,
    CauseClass.REGIONAL_LATENCY,
)


def judge(told: Told, id: int, company: Company, others: list[Client]) -> tuple[Truth, TicketTruth]:
    """Return the ticket's truth in the world's format, and all that the format has no place for.

    `others` are the customers who write nothing: a trouble of many has to show in theirs too.
    """
    first, blind = told.planted[0], told.blind
    effects = [effect for one in told.planted for effect in _effects(told, one, company)]
    if told.client and first.cause in FLEET:
        effects += _of_others(first, company, [one for one in others if one.region == told.client.region])
    cause = CauseClass.TWO_CAUSES if told.slot.axis is Axis.TWO else first.cause
    solvable = not blind and all(effect.visible for effect in effects)
    outcome = Outcome.INCONCLUSIVE if blind else first.outcome
    also = [] if told.slot.axis is Axis.TWO else list(first.also)
    evidence = [row for one in told.planted for row in one.evidence if row.source not in told.down]
    hinted = blind and any(row.source != "docs" for row in evidence)
    if blind:
        cause, also = CauseClass.UNKNOWN, [first.cause, *also] if hinted else []
    forbidden = _forbidden(told, [cause, *also])
    why = " ".join(filter(None, [" And: ".join(one.why for one in told.planted), told.twist.note]))
    if blind:
        why = f"{', '.join(told.down)} does not answer, so the cause cannot be told. It would be: {why}"
    sources = sorted({row.source for row in evidence})
    truth = Truth.model_validate(
        {
            "outcome": outcome.value,
            "cause": cause.value,
            "also": [one.value for one in also],
            "severity": worst(told.planted).value,
            "customer": told.client.id if told.client else "",
            "not_causes": [one.value for one in forbidden],
            "sources": sources,
            "why": why,
        }
    )
    outcomes = [outcome] if solvable else sorted({outcome, Outcome.INCONCLUSIVE})
    if hinted:
        outcomes = sorted({outcome, Outcome.DIAGNOSED})
    return truth, TicketTruth(
        id=id,
        axis=told.slot.axis,
        language=told.slot.language,
        style=told.slot.style,
        region=told.client.region if told.client else "",
        customer=truth.customer,
        cause=cause,
        parts=[one.cause for one in told.planted] if told.slot.axis is Axis.TWO else [],
        also=also,
        severity=worst(told.planted),
        severity_accepts=_severities(told),
        outcome=outcome,
        outcome_accepts=outcomes,
        required_evidence=evidence,
        forbidden_causes=forbidden,
        forbidden_customers=[client.id for client in told.trap],
        forbidden_words=told.twist.words,
        decoys=told.twist.decoys,
        sources_down=told.down,
        injection_channel=told.twist.channel,
        clock_skew_minutes=told.skew,
        effects=effects,
        solvable=solvable,
        why=why,
    )


def _effects(told: Told, planted: Planted, company: Company) -> list[Effect]:
    if planted.exact or told.client is None:
        return [planted.exact] if planted.exact else []
    per_hour = told.client.weight * ROWS_PER_WEIGHT / (DAYS * 24)
    shares = {route[0]: route[2] for route in company.kind.routes} | told.client.routes
    quieter = [
        signal.model_copy(update={"base": signal.base + told.noise}) if signal.kind == "share" else signal
        for signal in planted.signals
    ]
    return [signal.effect(per_hour * _share(signal.routes, shares)) for signal in quieter]


def _of_others(planted: Planted, company: Company, others: list[Client]) -> list[Effect]:
    """Return the effects in the requests of the other customers of a region, all taken together."""
    shares = {route[0]: route[2] for route in company.kind.routes}
    per_hour = sum(client.weight for client in others) * ROWS_PER_WEIGHT / (DAYS * 24)
    found = [signal.effect(per_hour * _share(signal.routes, shares)) for signal in planted.signals]
    return [effect.model_copy(update={"whose": "others"}) for effect in found]


def _share(routes: list[str], shares: dict[str, float]) -> float:
    """Return the part of a customer's requests that goes to some routes; all of it for none."""
    return sum(shares[route] for route in routes) / sum(shares.values()) if routes else 1.0


def _forbidden(told: Told, right: list[CauseClass]) -> list[CauseClass]:
    wrong = [cause for one in told.planted for cause in one.not_causes] + told.twist.not_causes + told.trap_causes
    causes = {one.cause for one in told.planted} if not told.blind else set[CauseClass]()
    return sorted(set(wrong) - set(right) - causes)


def _severities(told: Told) -> list[Severity]:
    """Return what else is accepted where the planted size is near an edge of the rubric."""
    first, found = told.planted[0], worst(told.planted)
    if told.blind:
        return [severity for severity in Severity if severity.rank <= found.rank]
    if first.cause not in _OURS:
        return [found]
    sizes = [signal.size for signal in first.signals if signal.kind == "share"]
    factors = [signal.size for signal in first.signals if signal.kind == "latency"]
    near = {*accepted(found, sizes, (MEDIUM_SHARE, HIGH_SHARE)), *accepted(found, factors, (MEDIUM_FACTOR,))}
    return sorted(near, key=lambda severity: severity.rank)
