"""From a playbook's query to one resolved question: references filled in, the window set, the scope never lost."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from models.base import Frozen
from models.customer import Anchors, Window
from models.diagnosis import Fact
from models.evidence import SourceRequest
from models.playbook import Playbook, Query
from models.run import PlannedQuery
from models.vocabulary import Scope
from reasoning.compound import NO_CUSTOMER

ANCHORS = frozenset(Anchors.model_fields) - {"window", "customer", "customer_problem"}
"""What may follow `$anchors.`; `.0` after a list takes its first item."""
CUSTOMER = frozenset({"id", "name", "billing_id", "plan", "region"})
"""What may follow `$customer.`."""
WINDOW = frozenset({"start", "end", "step"})
"""What may follow `$window.`; `step` is the width in seconds of a bucket with which the window fits into the query's rows."""
_STEPS = (180, 300, 600, 900, 1800, 3600, 7200, 14_400)
TENANT = frozenset({"region"})
_SHARED_STEP = timedelta(hours=1)
"""Windows of questions that do not depend on the customer start and end on the hour, so that the same question is asked once."""
_NOW_STEP = timedelta(minutes=1)
"""An end at now is rounded down by this much at most: what is fresher is seen by the next investigation."""


_INSTANT_STEP = timedelta(minutes=5)
"""Times of a ticket are rounded down to this in such a question, for the same reason."""


class Skipped(Frozen):
    """A question that cannot be asked, and why, for people and without personal data."""

    reason: str


class _OfQuery(Frozen):
    """What references need to know of the query and the tenant."""

    rows: int
    region: str
    exact: bool
    """Whether the ticket's times stand as they are; else they are rounded."""


class _NoValue(Exception):
    """A reference stands for nothing here."""


def plan_queries(playbook: Playbook) -> tuple[PlannedQuery, ...]:
    """Return all queries in the order of the file; evidence ids follow it. Follow-ups are marked, and wait."""
    return tuple(
        PlannedQuery(id=query.id, source=query.source, title=query.title, follow_up=query.follow_up)
        for query in playbook.queries
    )


def resolve_query(
    query: Query, anchors: Anchors, facts: Mapping[str, Fact], now: datetime, tenant_region: str = ""
) -> SourceRequest | Skipped:
    """Resolve one query.

    Args:
        query: Of the playbook.
        anchors: With the customer, or the reason why there is none.
        facts: Known so far, for follow-ups.
        now: No window reaches beyond it.
        tenant_region: What `$tenant.region` stands for.

    Returns:
        The request, or why it is skipped. For ClickHouse, `text` is the playbook's own SQL over logical tables, which the guard
        checks and scopes afterwards; the connector binds the window as `start` and `end`. Times are ISO 8601 in UTC.
    """
    customer = anchors.customer
    if query.scope is Scope.CUSTOMER and customer is None:
        return Skipped(reason=f"{NO_CUSTOMER} {anchors.customer_problem or 'unresolved'}")
    window = window_of(query, anchors, now)
    if window is None:
        return Skipped(reason="the window would be empty")
    parameters: dict[str, JsonValue] = {}
    of = _OfQuery(rows=query.rows, region=tenant_region, exact=query.scope is Scope.CUSTOMER)
    for name, value in query.parameters.items():
        try:
            parameters[name] = _resolve(value, anchors, facts, window, of)
        except _NoValue as missing:
            if name not in query.defaults:
                return Skipped(reason=f"{missing} has no value")
            parameters[name] = query.defaults[name]
    return SourceRequest(
        source=query.source,
        operation=query.operation,
        scope=query.scope,
        customer=customer.id if customer is not None and query.scope is Scope.CUSTOMER else None,
        text=query.sql,
        parameters=parameters,
        window=window,
        row_limit=query.rows,
    )


def window_of(query: Query, anchors: Anchors, now: datetime) -> Window | None:
    """Return a query's window, never beyond now; None where nothing is left of it.

    It reaches from before the earliest start that the customer's words allow to after the report: what is said vaguely must not
    put the window before the trouble, and what is reported is looked at as it is now.
    """
    start = anchors.symptom_at - timedelta(minutes=anchors.symptom_slack_minutes) - query.window.before
    end = max(anchors.symptom_at, anchors.reported_at) + query.window.after
    if query.scope is Scope.CUSTOMER:
        end = min(end, now)
    else:
        start = _floor(start, _SHARED_STEP)
        end = min(_ceil(end, _SHARED_STEP), _floor(now, _NOW_STEP))
    return Window(start=start, end=end) if start < end else None


def references_in(value: JsonValue) -> list[str]:
    """Return the references in a parameter, without the dollar sign."""
    if isinstance(value, str):
        return [value[1:]] if value.startswith("$") else []
    if isinstance(value, list):
        return [name for item in value for name in references_in(item)]
    return [name for item in value.values() for name in references_in(item)] if isinstance(value, dict) else []


def check_reference(reference: str, facts: Mapping[str, object]) -> str:
    """Return what is wrong with a reference in a parameter, or nothing."""
    root, _, rest = reference.partition(".")
    known = {"anchors": ANCHORS, "customer": CUSTOMER, "window": WINDOW, "tenant": TENANT, "facts": frozenset(facts)}
    if root not in known:
        return f"${reference} starts with none of {', '.join(f'${name}' for name in known)}"
    name = rest.removesuffix(".0") if root == "anchors" else rest
    return "" if name in known[root] else f"${root} has no {name!r}; it has {', '.join(sorted(known[root])) or 'none'}"


def _resolve(value: JsonValue, anchors: Anchors, facts: Mapping[str, Fact], window: Window, of: _OfQuery) -> JsonValue:
    if isinstance(value, str) and value.startswith("$"):
        return _look_up(value[1:], anchors, facts, window, of)
    if not isinstance(value, list):
        return value
    items: list[JsonValue] = []
    for part in value:
        try:
            found = _resolve(part, anchors, facts, window, of)
        except _NoValue:
            continue
        items.extend(found if isinstance(found, list) else [found])
    # Of several references one is enough; a list of nothing would ask for everything or for nothing.
    if not items and value:
        raise _NoValue(", ".join(f"${name}" for name in references_in(value)))
    return list({str(item): item for item in items}.values())


def _look_up(name: str, anchors: Anchors, facts: Mapping[str, Fact], window: Window, of: _OfQuery) -> JsonValue:
    root, _, rest = name.partition(".")
    found: object = None
    if root == "anchors":
        found = getattr(anchors, rest.removesuffix(".0"), None)
        if rest.endswith(".0") and isinstance(found, tuple):
            found = found[0] if found else None
        if isinstance(found, datetime) and not of.exact:
            found = _floor(found, _INSTANT_STEP)
    elif root == "customer" and rest in CUSTOMER:
        found = getattr(anchors.customer, rest, None)
    elif root == "facts" and rest in facts:
        found = facts[rest].value
    elif root == "window" and rest in WINDOW:
        found = _step(window, of.rows) if rest == "step" else getattr(window, rest)
    elif root == "tenant":
        found = of.region
    if found is None or found in ("", ()):
        raise _NoValue(f"${name}")
    return _json(found)


def _step(window: Window, rows: int) -> int:
    """Return the finest step with which a series over the window stays within the rows; a cut series has no onset."""
    seconds = (window.end - window.start).total_seconds()
    return next((step for step in _STEPS if seconds / step <= rows - 2), _STEPS[-1])


def _json(found: object) -> JsonValue:
    if isinstance(found, datetime):
        return _stamp(found)
    if isinstance(found, tuple):
        return list(found)
    assert isinstance(found, bool | int | float | str)
    return found


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _floor(at: datetime, step: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (at - epoch) // step * step


def _ceil(at: datetime, step: timedelta) -> datetime:
    floor = _floor(at, step)
    return floor if floor == at else floor + step
