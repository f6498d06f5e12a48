"""Every id, queue, key and attribute name of Temporal and of the ledger, in one place."""

import base64
import hashlib
from collections.abc import Sequence

from temporalio.common import SearchAttributeKey

from models.ticket import TicketRef

NAMESPACE = "default"
DEPLOYMENT = "whydesk"
"""The worker deployment's name; versions of it are build ids."""
SIGNAL = "deliver"


def task_queue(region: str = "") -> str:
    """Return the queue of a region; tenants are pinned to one."""
    return f"whydesk-{region}" if region else "whydesk"


def workflow_id(ref: TicketRef) -> str:
    """Return the one workflow id of a ticket: `acme/zendesk/4711`."""
    return f"{ref.tenant}/{ref.helpdesk}/{ref.ticket}"


def investigation_id(ref: TicketRef) -> str:
    """Return the investigation's id, the same wherever and whenever it is computed: `inv-` and 13 characters."""
    digest = hashlib.sha256("\0".join((ref.tenant, ref.helpdesk, ref.ticket)).encode()).digest()
    return "inv-" + base64.b32encode(digest[:8]).decode().rstrip("=").lower()


def note_marker(investigation: str, revision: int) -> str:
    """Return the text that identifies a revision's note on the ticket."""
    return f"whydesk:{investigation}/{revision}"


def sweep_id(tenant: str, helpdesk: str) -> str:
    """Return the id of the schedule that sweeps a helpdesk; its runs add the time to it."""
    return f"sweep/{tenant}/{helpdesk}"


TENANT = SearchAttributeKey.for_keyword("Tenant")
TICKET = SearchAttributeKey.for_keyword("Ticket")
HELPDESK = SearchAttributeKey.for_keyword("Helpdesk")
PLAYBOOK = SearchAttributeKey.for_keyword("Playbook")
PLAYBOOK_VERSION = SearchAttributeKey.for_keyword("PlaybookVersion")
OUTCOME = SearchAttributeKey.for_keyword("Outcome")
CAUSE = SearchAttributeKey.for_keyword("Cause")
SEVERITY = SearchAttributeKey.for_keyword("Severity")
MODE = SearchAttributeKey.for_keyword("RunMode")
CONFIDENCE = SearchAttributeKey.for_float("Confidence")
GAPS = SearchAttributeKey.for_keyword_list("Gaps")

AnyKey = SearchAttributeKey[str] | SearchAttributeKey[float] | SearchAttributeKey[Sequence[str]]
SEARCH_ATTRIBUTES: list[AnyKey] = [
    TENANT,
    TICKET,
    HELPDESK,
    PLAYBOOK,
    PLAYBOOK_VERSION,
    OUTCOME,
    CAUSE,
    SEVERITY,
    MODE,
    CONFIDENCE,
    GAPS,
]
"""Registered by `up`, tests and compose from here. A server with SQL visibility takes ten keywords at most; these are nine."""
