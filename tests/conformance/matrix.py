"""Asks a connector over real HTTP under one condition, and says what came of it and what is wrong with that."""

import asyncio
import copy
import json
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable
from connectors.registry import operations_of
from models.base import Row
from models.evidence import Answer, SourceRequest
from models.vocabulary import EvidenceStatus
from tests.conformance.frame import MISSING, Case, Condition, Drift, Outcome, Place, Subject
from tests.connectors.far_end import FarEnd, Handler, Reply, Seen, far_end, http_date

QUOTED = "Quotation-4711 of somebody@customer.example.com"
"""Stands in every failure's body, as vendors quote the question, the key or the customer there."""
EXTRA = "a_field_of_tomorrow"
_TIME_LIMIT = 10.0
_SLOW_LIMIT = 0.25
_HUNG = 60.0
_ALLOWED = 20.0
"""Seconds after which a cell hangs: above all limits given, and far below the far end's `_HUNG`."""
_OVERSIZE = 9 * 1024 * 1024
_SECONDS = 7

_STATUS = {
    Condition.NO_KEY: 401,
    Condition.NO_RIGHT: 403,
    Condition.NOT_THERE: 404,
    Condition.LIMITED_SECONDS: 429,
    Condition.LIMITED_DATE: 429,
    Condition.BROKEN: 500,
}
FAILURES = (
    *(one for one in _STATUS if one is not Condition.LIMITED_DATE),
    Condition.RESET,
    Condition.MALFORMED,
    Condition.BLANK,
)
"""What can befall a later request."""

_OUTCOMES = {
    EvidenceStatus.FOUND: Outcome.FOUND,
    EvidenceStatus.EMPTY: Outcome.EMPTY,
    EvidenceStatus.DENIED: Outcome.DENIED,
    EvidenceStatus.FAILED: Outcome.FAILED,
}


@dataclass(frozen=True)
class Verdict:
    """A cell of the matrix: an outcome, or the reason why it does not apply, and what is wrong."""

    outcome: Outcome | None = None
    not_applicable: str = ""
    problem: str = ""

    @property
    def mark(self) -> str:
        """What the table shows."""
        if self.not_applicable:
            return "–"
        return f"✗ {self.outcome or ''}".strip() if self.problem else f"✓ {self.outcome}"


@dataclass(frozen=True)
class _Came:
    """What one question gave."""

    outcome: Outcome
    seen: tuple[Seen, ...]
    answer: Answer | None = None
    error: ConnectorError | None = None
    rows: Sequence[Row] = ()


class _Wrong(Exception):
    """The cell is not as documented."""


async def look(subject: Subject, case: Case, condition: Condition) -> Verdict:
    """Run one cell."""
    reason = subject.reason_against(case, condition)
    if reason:
        return Verdict(not_applicable=reason)
    outcome: Outcome | None = None
    try:
        if condition is Condition.WRONG_TYPE:
            outcome = await _drift(subject, case)
        elif condition is Condition.HALFWAY:
            outcome = await _halfway(subject, case)
        else:
            came = await _ask(subject, case, condition, _handler(subject, case, condition))
            outcome = came.outcome
            await _check(subject, case, condition, came)
        expected = subject.expected(case, condition)
        if outcome not in expected:
            wanted = " or ".join(sorted(one.name for one in expected))
            raise _Wrong(f"{outcome.name} instead of {wanted}")
    except _Wrong as wrong:
        return Verdict(outcome, problem=f"{subject.name_of(case)} × {condition}: {wrong}")
    return Verdict(outcome)


async def _check(subject: Subject, case: Case, condition: Condition, came: _Came) -> None:
    match condition:
        case Condition.OK:
            _good(subject, case, came)
        case Condition.EXTRA_FIELDS:
            good = await _ask(subject, case, Condition.OK, case.ok)
            if came.rows != good.rows:
                raise _Wrong("other rows than without the extra fields")
        case Condition.NEXT_PAGE:
            whole = len(came.rows) == case.rows_of_both and case.rows_of_both > case.rows
            if not whole and came.outcome is not Outcome.TRUNCATED:
                raise _Wrong(f"{len(came.rows)} rows of {case.rows_of_both}, and not truncated")
        case Condition.LIMITED_SECONDS:
            _delay(came, _SECONDS, _SECONDS)
        case Condition.LIMITED_DATE:
            _delay(came, 1, 120)


def _good(subject: Subject, case: Case, came: _Came) -> None:
    if len(came.rows) != case.rows:
        raise _Wrong(f"{came.outcome.name} with {len(came.rows)} rows instead of {case.rows}")
    declared = operations_of(subject.source).get(case.operation)
    if declared is None:
        return
    for row in came.rows:
        if set(row) != declared.columns:
            raise _Wrong(f"columns differ from those declared: {', '.join(sorted(set(row) ^ declared.columns))}")


def _delay(came: _Came, least: float, most: float) -> None:
    asked = came.error.retry_after if came.error else None
    if came.outcome is Outcome.RATE_LIMITED and (asked is None or not least <= asked <= most):
        raise _Wrong(f"to be asked again after {asked} s, where the server said {least:g} to {most:g}")


async def _drift(subject: Subject, case: Case) -> Outcome:
    if Condition.WRONG_TYPE in case.answers:
        return (await _ask(subject, case, Condition.WRONG_TYPE, case.answers[Condition.WRONG_TYPE])).outcome
    if not case.drifts:
        raise _Wrong("the subject names no field whose type could be wrong")
    for drift in case.drifts:
        touched: list[str] = []
        came = await _ask(subject, case, Condition.WRONG_TYPE, _drifted(case.ok, drift, touched))
        where = ".".join(map(str, drift.path)) + (" missing" if drift.value is MISSING else " of another type")
        if not touched:
            raise _Wrong(f"no answer has {where.rpartition(' ')[0]}")
        if came.outcome is not Outcome.DRIFT:
            raise _Wrong(f"{came.outcome.name} with {where}{_said(came)}")
    return Outcome.DRIFT


def _said(came: _Came) -> str:
    said = str(came.error) if came.error else came.answer.reason if came.answer else ""
    return f" ({said})" if said else ""


async def _halfway(subject: Subject, case: Case) -> Outcome:
    """Let each request of the question fail in each way: only what is whole, or says that it is not, may come."""
    handler = case.next_page or case.ok
    whole = await _ask(subject, case, Condition.OK, handler)
    if len(whole.seen) < 2:
        raise _Wrong("it takes one request: declare that the cell does not apply")
    for condition in FAILURES:
        fault = case.answers.get(condition) or _fault(subject, condition)
        for which in dict.fromkeys(map(_identity, whole.seen)):
            came = await _ask(subject, case, Condition.OK, _with_fault(which, handler, fault))
            if not _honest(came, whole) and condition not in case.absent:
                raise _Wrong(f"{condition} at {which!r} leaves {len(came.rows)} rows that look whole")
            if came.outcome is Outcome.TRUNCATED and came.answer and not came.answer.reason:
                raise _Wrong(f"{condition} at {which!r} leaves a truncated answer without a reason")
    return Outcome.HONEST


def _honest(came: _Came, whole: _Came) -> bool:
    """Whether an answer is whole or says that it is not; an empty column may be told by the reason alone."""
    if came.outcome not in (Outcome.FOUND, Outcome.EMPTY) or came.rows == whole.rows:
        return True
    reason = came.answer.reason if came.answer else ""
    return len(came.rows) == len(whole.rows) and bool(reason)


def _identity(seen: Seen) -> str:
    # What is asked stands in the body of a POST; its address may carry an id of its own each time.
    return seen.body.decode(errors="replace") or seen.target


def _with_fault(which: str, good: Handler, fault: Handler) -> Handler:
    return lambda seen: fault(seen) if _identity(seen) == which else good(seen)


def _handler(subject: Subject, case: Case, condition: Condition) -> Handler:
    own = case.answers.get(condition)
    if own is not None:
        return own
    played = {Condition.OK: case.ok, Condition.EMPTY: case.empty, Condition.NEXT_PAGE: case.next_page}
    if condition in played:
        handler = played[condition]
        if handler is None:
            raise _Wrong("the subject neither plays it nor declares that it does not apply")
        return handler
    return _extended(case.ok) if condition is Condition.EXTRA_FIELDS else _fault(subject, condition)


def _fault(subject: Subject, condition: Condition) -> Handler:
    match condition:
        case Condition.RESET:
            return lambda _: Reply(reset=True)
        case Condition.SLOW:
            return lambda _: Reply({}, delay=_HUNG)
        case Condition.MALFORMED:
            return lambda _: Reply(f"<html>{QUOTED}</html".encode(), headers={"content-type": "text/html"})
        case Condition.BLANK:
            return lambda _: Reply(b"", headers={"content-type": "application/json"})
        case Condition.OVERSIZE:
            return lambda _: Reply(b'{"text": "' + b"x" * _OVERSIZE + b'"}')
    limited = {
        Condition.LIMITED_SECONDS: str(_SECONDS),
        Condition.LIMITED_DATE: http_date(60),
    }
    refused = subject.refusal(_STATUS[condition], " ".join([QUOTED, *subject.secrets]))
    if condition in limited:
        refused = replace(refused, headers={**refused.headers, "retry-after": limited[condition]})
    return lambda _: refused


async def _ask(subject: Subject, case: Case, condition: Condition, handler: Handler) -> _Came:
    """Make the connector, put the question, close it; whatever it does, nothing but reads and nothing secret may come out.

    Raises:
        _Wrong: an exception that is not documented, a write, a secret, or no end.
    """
    limit = _SLOW_LIMIT if condition is Condition.SLOW else _TIME_LIMIT
    with tempfile.TemporaryDirectory() as folder:
        async with far_end() as end:
            place = Place(end.url, Path(folder))
            end.handler = handler
            if subject.prepare:
                subject.prepare(condition, case, place)
            connector = subject.connect(place)
            started = time.monotonic()
            try:
                async with asyncio.timeout(_ALLOWED):
                    try:
                        came = _came(await connector.fetch(_request(subject, case, limit)), end)
                    except ConnectorError as error:
                        came = _Came(_raised(error), tuple(end.requests), error=error)
                    finally:
                        await connector.aclose()
            except TimeoutError:
                raise _Wrong(
                    f"no end within {time.monotonic() - started:.0f} s, where the limit was {limit} s"
                ) from None
            except _Wrong:
                raise
            except Exception as error:  # any other than those of the contract is what is looked for
                where = traceback.extract_tb(error.__traceback__)[-1]
                raise _Wrong(f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}") from error
    _safe(subject, came)
    return came


def _request(subject: Subject, case: Case, limit: float) -> SourceRequest:
    return SourceRequest(
        source=subject.source,
        operation=case.operation,
        scope=case.scope,
        customer=case.customer,
        text=case.text,
        parameters=dict(case.parameters),
        window=case.window,
        time_limit=limit,
        label="inv-1/1/E1",
    )


def _came(answer: Answer, end: FarEnd) -> _Came:
    outcome = _OUTCOMES[answer.status]
    first, _, rest = answer.reason.partition(": ")
    if outcome is Outcome.FAILED and (answer.reason.startswith("schema drift") or rest.startswith("schema drift")):
        # A source of several places (pages, repositories) names the place first.
        outcome = Outcome.DRIFT if " " not in first or first == "schema drift" else outcome
    if outcome is Outcome.FOUND and answer.truncated:
        outcome = Outcome.TRUNCATED
    if outcome is Outcome.EMPTY and answer.truncated:
        raise _Wrong("an empty answer that is truncated: it reads as absence")
    if outcome in (Outcome.DENIED, Outcome.FAILED, Outcome.DRIFT) and not answer.reason:
        raise _Wrong(f"{outcome.name} without a reason")
    # Each cell has a port of its own, which must not tell two answers apart.
    rows = json.loads(answer.model_dump_json(include={"rows"}).replace(end.url, "http://far-end"))["rows"]
    return _Came(outcome, tuple(end.requests), answer, rows=rows)


def _raised(error: ConnectorError) -> Outcome:
    known: dict[type, Outcome] = {
        Unavailable: Outcome.UNAVAILABLE,
        RateLimited: Outcome.RATE_LIMITED,
        SlowAnswer: Outcome.SLOW,
    }
    outcome = known.get(type(error))
    if outcome is None:
        raise _Wrong(f"raises {type(error).__name__}: {error}")
    return outcome


def _safe(subject: Subject, came: _Came) -> None:
    for seen in came.seen:
        if not subject.reads(seen):
            raise _Wrong(f"sent {seen.method} {seen.path}, which is no read")
    said = came.answer.model_dump_json() if came.answer else ""
    if came.error:
        said = repr(came.error) + "".join(traceback.format_exception(came.error))
    for secret in (*subject.secrets, QUOTED):
        if secret in said:
            raise _Wrong("says a secret, or what the vendor's failure quotes")
    for row in came.rows:
        if any(not isinstance(value, str | int | float | bool | None) for value in row.values()):
            raise _Wrong("a row holds something that is no JSON scalar")


def _extended(good: Handler) -> Handler:
    """Answer as `good`, with one more field in every object."""
    return _rewritten(good, _extend)


def _extend(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_extend(item) for item in value]
    if isinstance(value, dict):
        return {**{name: _extend(item) for name, item in value.items()}, EXTRA: {"of": ["tomorrow", 1, None]}}
    return value


def _rewritten(good: Handler, change: Callable[[JsonValue], JsonValue]) -> Handler:
    def handler(seen: Seen) -> Reply:
        reply = good(seen)
        body = json.loads(reply.body) if isinstance(reply.body, bytes) else reply.body
        return replace(reply, body=change(copy.deepcopy(body)))

    return handler


def _drifted(good: Handler, drift: Drift, touched: list[str]) -> Handler:
    """Answer as `good`, changed at the drift's path wherever an answer has it; `touched` tells where that was."""

    def handler(seen: Seen) -> Reply:
        if drift.at not in seen.target:
            return good(seen)
        return _rewritten(good, lambda body: _replace_at(body, drift, seen, touched))(seen)

    return handler


def _replace_at(body: JsonValue, drift: Drift, seen: Seen, touched: list[str]) -> JsonValue:
    *way, last = drift.path
    inner = body
    for step in way:
        inner = _step(inner, step)
    if isinstance(inner, dict) and isinstance(last, str) and last in inner:
        touched.append(seen.target)
        if drift.value is MISSING:
            del inner[last]
        else:
            inner[last] = drift.value
    elif isinstance(inner, list) and isinstance(last, int) and last < len(inner) and drift.value is not MISSING:
        touched.append(seen.target)
        inner[last] = drift.value
    return body


def _step(value: JsonValue, step: str | int) -> JsonValue:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def all_cells(among: Iterable[Subject]) -> list[tuple[Subject, Case, Condition]]:
    """Return the whole matrix."""
    return [(subject, case, condition) for subject in among for case in subject.cases for condition in Condition]
