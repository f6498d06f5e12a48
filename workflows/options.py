"""Timeouts and retries of every activity, declared once. Temporal alone retries: the SDKs' own retries are off."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

from activities.break_tie import MOST_ATTEMPTS

_NEVER_AGAIN = ["PayloadsTooLarge"]
"""The SDK reports an oversized result as retryable; asking the vendor again would not make it smaller."""

_QUEUED_TOO = timedelta(hours=6)
"""Time in the queue counts here: a flood, or an hour without a worker, must not be taken for a far end that is silent. How long a
far end is waited for is bounded by attempts, and by the activities themselves, which give up where waiting is not worth it."""

HELPDESK_READ = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=40),
    schedule_to_close_timeout=_QUEUED_TOO,
    retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=2), non_retryable_error_types=_NEVER_AGAIN),
)
"""Without the ticket there is nothing to do, so an outage of the helpdesk is waited out for hours."""

CUSTOMER_LOOKUP = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=_QUEUED_TOO,
    retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=4), non_retryable_error_types=_NEVER_AGAIN),
)
"""The activity itself gives up on a source after its third attempt, and says so."""

CONNECTOR_READ = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=_QUEUED_TOO,
    retry_policy=RetryPolicy(maximum_attempts=4, non_retryable_error_types=_NEVER_AGAIN),
)
"""Longer than a query's own ten seconds; a source that stays down costs a ticket under ten seconds."""

MODEL_CALL = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=3),
    schedule_to_close_timeout=_QUEUED_TOO,
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_attempts=4, non_retryable_error_types=_NEVER_AGAIN
    ),
)
"""A model streams for a minute or two and beats as it goes."""

TIE_BREAK = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=6),
    schedule_to_close_timeout=timedelta(seconds=10),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=300),
        maximum_attempts=MOST_ATTEMPTS,
        non_retryable_error_types=_NEVER_AGAIN,
    ),
)
"""Code has chosen already: a model that takes longer to choose better is not waited for."""

NOTE_WRITE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=90),
    schedule_to_close_timeout=_QUEUED_TOO,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=30),
        maximum_interval=timedelta(minutes=5),
        non_retryable_error_types=_NEVER_AGAIN,
    ),
)
"""The first retry waits longer than the HTTP timeout, so that a write whose answer was lost can be seen by the look before it."""

SWEEP = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=20),
    schedule_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=5),
        maximum_interval=timedelta(minutes=2),
        non_retryable_error_types=_NEVER_AGAIN,
    ),
)
"""After an outage hundreds of tickets are read one after the other; it beats with each."""

LEDGER_STEP = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    schedule_to_close_timeout=timedelta(hours=1),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30)),
)
"""Pure steps over the ledger, a few milliseconds each: local, so that they cost no round trip through a queue."""

PAUSE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=20),
    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=2), maximum_interval=timedelta(seconds=15)),
)
"""As long as ops want it to: an attempt that finds the tenant still paused is tried again and leaves nothing in the history."""

LOOK_BACK = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=6),
    heartbeat_timeout=timedelta(seconds=60),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=2), maximum_attempts=4, non_retryable_error_types=_NEVER_AGAIN
    ),
)
"""A model may answer twice, and beats as it goes; without one it takes milliseconds."""
