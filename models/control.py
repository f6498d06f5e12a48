"""What ops have switched: pauses, rollout percentages and channels of playbooks, and the decisions that follow from them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.base import Frozen, Moment
from models.playbook import Playbook
from models.ticket import TicketRef
from models.vocabulary import Source

ALL = "all"
MODELS = "models"
PAUSED = "paused"
"""The name of a switch that stops what its scope covers; its value is `yes`, or nothing once it is resumed."""
STABLE = "stable"
BEFORE = "stable-before"
"""What was stable before the last promote or rollback: where the next rollback leads."""
CANDIDATE = "candidate"
PERCENT = "percent"


class Control(Frozen):
    """One switch. An empty value is as good as no switch."""

    scope: str
    """`all`, `models`, `tenant/acme`, `source/stripe`, `playbook/api-errors`, or the last behind a tenant's."""
    name: str
    value: str
    changed_at: Moment
    changed_by: str
    reason: str = ""

    @property
    def said(self) -> str:
        """Say since when and by whose reason, for the note of a run and for people."""
        since = f"paused since {self.changed_at:%Y-%m-%d %H:%M:%S} UTC by {self.changed_by}"
        return f"{since}: {self.reason}" if self.reason else since


def tenant_scope(tenant: str) -> str:
    """Return the scope of one tenant."""
    return f"tenant/{tenant}"


def source_scope(source: str) -> str:
    """Return the scope of one source."""
    return f"source/{source}"


def playbook_scope(playbook: str, tenant: str = "") -> str:
    """Return the scope of one playbook, of all tenants or of one. `*` is every playbook."""
    return f"{tenant_scope(tenant)}/playbook/{playbook}" if tenant else f"playbook/{playbook}"


EVERY_PLAYBOOK = "*"


@dataclass(frozen=True)
class Controls:
    """All switches as they were at one moment."""

    rows: Mapping[tuple[str, str], Control] = field(default_factory=dict)
    released: Mapping[tuple[str, str, int], Playbook] = field(default_factory=dict)
    """By owner (a tenant's id, or nothing for all), id and version: the compiled playbooks that a channel names."""

    def find(self, scope: str, name: str) -> Control | None:
        """Return a switch that is set."""
        found = self.rows.get((scope, name))
        return found if found is not None and found.value else None

    def paused(self, tenant: str) -> Control | None:
        """Return what stops the runs of a tenant."""
        return self.find(ALL, PAUSED) or self.find(tenant_scope(tenant), PAUSED)

    def paused_source(self, source: Source) -> Control | None:
        """Return what keeps a source from being asked."""
        return self.find(source_scope(source.value), PAUSED)

    def paused_models(self) -> Control | None:
        """Return what keeps every model from being asked."""
        return self.find(MODELS, PAUSED)

    def percent(self, tenant: str, playbook: str) -> int:
        """Return how many of a hundred tickets get the note that the tenant's mode allows; 100 where nobody said."""
        for name in (playbook, EVERY_PLAYBOOK):
            found = self.find(playbook_scope(name, tenant), PERCENT)
            if found is not None:
                return int(found.value)
        return 100

    def channel(self, name: str, tenant: str, playbook: str, *, own: bool = False) -> int | None:
        """Return the version that a channel holds; None where nobody said.

        Args:
            own: The tenant's own folder has this playbook, so that what is said for all tenants speaks of another.
        """
        found = self.find(playbook_scope(playbook, tenant), name)
        if found is None and not own:
            found = self.find(playbook_scope(playbook), name)
        return int(found.value) if found is not None else None


def in_rollout(ref: TicketRef, playbook: str, percent: int) -> bool:
    """Whether a ticket is among the first so many of a hundred. Raising the number only ever adds tickets."""
    digest = hashlib.sha256("\0".join((ref.tenant, ref.helpdesk, ref.ticket, playbook)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < percent * 100
