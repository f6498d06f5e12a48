"""Step 2: choose the playbook and pin it to the run by id, version and digest."""

from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.bodies import Bodies
from activities.channels import Channels
from activities.failures import failing_as_temporal_expects
from ledger.base import Ledger
from models.customer import Anchors
from models.playbook import Playbook
from models.run import Selection, SelectRequest
from models.tenant import Tenant
from models.ticket import Ticket
from models.vocabulary import Mode
from reasoning.compose import compose
from reasoning.queries import plan_queries
from reasoning.select import Ranked, second_playbook, select_playbook, tied_playbooks

RULES = "rules"
"""The reasoner that is always the last link."""


class SelectActivities:
    """Chooses by code alone."""

    def __init__(self, ledger: Ledger, bodies: Bodies, shelf: Channels, tenants: Mapping[str, Tenant]) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._bodies = bodies
        self._shelf = shelf
        self._tenants = tenants

    @activity.defn
    async def select_playbook(self, request: SelectRequest) -> Selection:
        """Choose from the ticket's signals and store the playbook as a body. Safe to repeat."""
        name = request.key.ref.tenant
        tenant = self._tenants[name]
        with failing_as_temporal_expects():
            ticket = await self._bodies.get(name, request.ticket, Ticket)
            anchors = await self._bodies.get(name, request.anchors, Anchors)
        playbooks = self._shelf.released(name)
        playbook, reason = select_playbook(ticket, anchors, playbooks)
        mode = self._shelf.mode(tenant, request.key.ref, playbook.id)
        candidate = self._shelf.candidate(name, playbook)
        beside = await self._bodies.put(name, candidate) if candidate is not None else ""
        second = second_playbook(ticket, anchors, playbooks, playbook)
        if second is not None and self._shelf.mode(tenant, request.key.ref, second[0].id) is mode:
            playbook = compose(playbook, second[0])
            reason = f"{reason}; and {second[0].id}@{second[0].version} for a second trouble: {second[1]}"
            tied: Sequence[Ranked] = ()
        else:
            tied = tied_playbooks(ticket, anchors, playbooks) if tenant.classifier is not None else ()
        digest = await self._bodies.put(name, playbook)
        step = f"select/{request.look}" if request.look else "select"
        await self._ledger.note_step(request.key, step, digest, f"{playbook.id}@{playbook.version}: {reason}")
        names = tuple(each.playbook.id for each in tied)
        return selection_of(tenant, playbook, digest, names, mode=mode, candidate=beside)


def selection_of(
    tenant: Tenant,
    playbook: Playbook,
    digest: str,
    tied: tuple[str, ...] = (),
    *,
    mode: Mode | None = None,
    candidate: str = "",
) -> Selection:
    """Pin a playbook to a run, with what the run may do with it.

    Args:
        tenant: Whose ticket it is.
        playbook: What was chosen.
        digest: Of the playbook.
        tied: The playbooks for which the ticket speaks equally.
        mode: What is allowed for this ticket; the tenant's own if left out.
        candidate: Digest of the version that runs beside it in shadow.
    """
    return Selection(
        playbook=playbook.id,
        version=playbook.version,
        digest=digest,
        queries=plan_queries(playbook),
        mode=mode if mode is not None else tenant.mode_for(playbook.id),
        rounds=playbook.budgets.rounds,
        most_queries=playbook.budgets.queries,
        reasoners=(*tenant.chain(), RULES),
        tied=tied,
        candidate=candidate,
    )
