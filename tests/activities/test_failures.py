"""What each error becomes for Temporal: tried again, after whose delay, or never."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.failures import SLOW, failing_as_temporal_expects
from connectors.base import RateLimited, SlowAnswer, Unavailable, WriteRefused
from helpdesks.base import HelpdeskDenied, HelpdeskUnavailable, NoteConflict, TicketNotFound
from ledger.base import BodyMissing
from reasoning.providers.base import (
    BadAnswer,
    ModelMisconfigured,
    ModelOverloaded,
    ModelRateLimited,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    RateBudget,
)


def translated(error: Exception) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught, failing_as_temporal_expects():
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unavailable("x"), "Unavailable"),
        (SlowAnswer("x"), SLOW),
        (RateLimited("x"), "RateLimited"),
        (HelpdeskUnavailable("x"), "HelpdeskUnavailable"),
        (NoteConflict("x"), "NoteConflict"),
        (ModelUnavailable("x"), "ModelUnavailable"),
        (ModelOverloaded("x"), "ModelOverloaded"),
        (ModelRateLimited("x"), "ModelRateLimited"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_pass_is_tried_again_and_is_no_alarm(error: Exception, kind: str) -> None:
    failure = translated(error)
    assert (failure.type, failure.non_retryable) == (kind, False)
    assert failure.category is ApplicationErrorCategory.BENIGN


@pytest.mark.parametrize(
    "error",
    [
        WriteRefused("x"),
        HelpdeskDenied("x"),
        TicketNotFound("x"),
        ModelRefused("x"),
        ModelTimedOut("x", retry_after=1),
        RateBudget("x", retry_after=1),
        BadAnswer("x"),
        ModelMisconfigured("x"),
        BodyMissing("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_for_good_is_not_tried_again(error: Exception) -> None:
    failure = translated(error)
    assert (failure.type, failure.non_retryable) == (type(error).__name__, True)
    assert failure.next_retry_delay is None


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (RateLimited("x", retry_after=7), timedelta(seconds=7)),
        (ModelUnavailable("x", retry_after=86_400), timedelta(minutes=15)),
        (Unavailable("x"), None),
        (NoteConflict("x"), timedelta(seconds=1)),
        (HelpdeskDenied("x", retry_after=7), None),
    ],
)
def test_the_servers_delay_counts_within_bounds(error: Exception, delay: timedelta | None) -> None:
    assert translated(error).next_retry_delay == delay


def test_our_own_bugs_pass_through_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), failing_as_temporal_expects():
        raise ZeroDivisionError
