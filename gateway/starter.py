"""Hands a delivery to Temporal: one signal-with-start, answered or given up within five seconds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RetryConfig, RPCError, TLSConfig

from keys.keyring import Keyring
from models.run import InvestigateInput
from models.ticket import TicketRef, Trigger
from payloads.plugin import PayloadsPlugin
from workflows import naming

WORKFLOW = "InvestigateTicketWorkflow"

_CALL = timedelta(seconds=4)
_WHOLE = 4.2
"""Seconds. The most impatient helpdesk gives up after five; giving up sooner refuses what a busy server would have taken."""
_HEALTH = 1.0


class TemporalDown(Exception):
    """Temporal did not take the delivery in time. It may still have arrived: the sender is to send it again."""


async def connect_lazily(
    address: str,
    keyring: Keyring,
    *,
    namespace: str = naming.NAMESPACE,
    api_key: str | None = None,
    tls: bool | TLSConfig = False,
) -> Client:
    """Return a client of the gateway's own, which connects with its first call and again whenever the server is back.

    A client's default retries go on for ten seconds whatever the call's time limit says; a helpdesk waits less long.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        api_key=api_key,
        tls=tls,
        plugins=[PayloadsPlugin(keyring)],
        retry_config=RetryConfig(max_interval_millis=500, max_elapsed_time_millis=1500, max_retries=3),
        lazy=True,
    )


class TemporalStarter:
    """Starts the workflow of a ticket, or signals the one that runs."""

    def __init__(self, client: Client, region_of: Callable[[str], str]) -> None:
        """Take a client from `connect_lazily`, and what maps a tenant to its region ("" for the default queue)."""
        self._client = client
        self._region_of = region_of

    async def __call__(self, ref: TicketRef, trigger: Trigger) -> None:
        """Signal-with-start. Twenty of the same delivery make one workflow with twenty signals; the first step claims one.

        Raises:
            TemporalDown: not taken within five seconds.
        """
        try:
            await asyncio.wait_for(
                self._client.start_workflow(
                    WORKFLOW,
                    InvestigateInput(ref=ref),
                    id=naming.workflow_id(ref),
                    task_queue=naming.task_queue(self._region_of(ref.tenant)),
                    start_signal=naming.SIGNAL,
                    start_signal_args=[trigger],
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    static_summary=f"{ref.tenant} · {ref.ticket}",
                    search_attributes=TypedSearchAttributes(
                        [
                            SearchAttributePair(naming.TENANT, ref.tenant),
                            SearchAttributePair(naming.TICKET, ref.ticket),
                            SearchAttributePair(naming.HELPDESK, ref.helpdesk),
                        ]
                    ),
                    # A flood of one tenant must not make the others wait.
                    priority=Priority(fairness_key=ref.tenant),
                    rpc_timeout=_CALL,
                ),
                _WHOLE,
            )
        except (RPCError, RuntimeError, TimeoutError) as error:
            # A client that never connected fails with a bare RuntimeError.
            raise TemporalDown(f"Temporal did not take the delivery: {_kind(error)}") from error

    async def check(self) -> bool:
        """Whether Temporal answers within a second."""
        try:
            return await asyncio.wait_for(
                self._client.service_client.check_health(timeout=timedelta(seconds=_HEALTH)), _HEALTH
            )
        except (RPCError, RuntimeError, TimeoutError):
            return False


def _kind(error: Exception) -> str:
    return f"{type(error).__name__} {error.status.name}" if isinstance(error, RPCError) else type(error).__name__
