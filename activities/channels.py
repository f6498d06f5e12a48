"""Which version of a playbook a ticket gets, which one runs beside it in shadow, and whether this ticket gets the note."""

from collections.abc import Collection, Sequence
from typing import Protocol

from activities.control_board import ControlBoard
from models.control import CANDIDATE, STABLE, in_rollout
from models.playbook import Playbook
from models.tenant import Tenant
from models.ticket import TicketRef
from models.vocabulary import Mode


class PlaybookShelf(Protocol):
    """Where a tenant's playbooks stand that came with this worker."""

    def released(self, tenant: str) -> Sequence[Playbook]:
        """Return the newest version of each playbook that the tenant may use."""
        ...

    def own(self, tenant: str) -> Collection[str]:
        """Return the ids of those that the tenant's own folders have."""
        ...


class Channels:
    """A shelf over which ops have the last word. It reads what the process knows, and every activity has that read first."""

    def __init__(self, shelf: PlaybookShelf, board: ControlBoard) -> None:
        """Put the board before the shelf."""
        self._shelf = shelf
        self._board = board

    def released(self, tenant: str) -> Sequence[Playbook]:
        """Return each playbook in the version that is stable: the promoted one, else the newest that came with this worker."""
        return [self._in_channel(STABLE, tenant, playbook.id) or playbook for playbook in self._shelf.released(tenant)]

    def candidate(self, tenant: str, stable: Playbook) -> Playbook | None:
        """Return the version that runs in shadow beside a stable one, if there is another."""
        found = self._in_channel(CANDIDATE, tenant, stable.id)
        return found if found is not None and found.version != stable.version else None

    def mode(self, tenant: Tenant, ref: TicketRef, playbook: str) -> Mode:
        """Return what the tenant allows for this ticket; one that is not in the rollout yet is investigated in shadow."""
        mode = tenant.mode_for(playbook)
        return mode.lowered(in_rollout(ref, playbook, self._board.known.percent(tenant.id, playbook)))

    def _in_channel(self, channel: str, tenant: str, playbook: str) -> Playbook | None:
        known = self._board.known
        own = playbook in self._shelf.own(tenant)
        version = known.channel(channel, tenant, playbook, own=own)
        if version is None:
            return None
        # Released for this tenant, or for all: where the tenant's own folder has it, that of all is another playbook.
        found = known.released.get((tenant, playbook, version))
        return found if found is not None or own else known.released.get(("", playbook, version))
