"""Reads feedback from the tags of tickets that were investigated lately, without looking into them again."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime

from helpdesks.base import Helpdesk, HelpdeskError, TicketNotFound
from helpdesks.factory import make_helpdesk
from ledger.listing import RunFilter
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.base import Frozen, Moment
from models.feedback import Feedback
from models.run import RunKey
from settings import Settings

_MOST_RUNS = 10_000


class TaggedRun(Frozen):
    """A feedback that was not known before."""

    key: RunKey
    feedback: Feedback


class TagReport(Frozen):
    """What `whydesk feedback --from-tags --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    since: Moment
    tickets: int
    """How many were read."""
    found: tuple[TaggedRun, ...]
    problems: tuple[str, ...]
    """Tickets that could not be read, with the reason."""


async def read_tags(settings: Settings, ledger: SqlLedger, since: datetime, now: datetime) -> TagReport:
    """Read every ticket once that has a note of a run since then; one that is gone is passed over."""
    runs = await RunReader(ledger).list_runs(_MOST_RUNS, RunFilter(since=since))
    noted = {run.key.investigation: run.key for run in reversed(runs) if run.note_status == "posted"}
    found: list[TaggedRun] = []
    problems: list[str] = []
    read = 0
    async with AsyncExitStack() as stack:
        desks = _helpdesks(settings, {(key.ref.tenant, key.ref.helpdesk) for key in noted.values()}, stack)
        for key in noted.values():
            desk = desks.get((key.ref.tenant, key.ref.helpdesk))
            if desk is None:
                problems.append(f"{key.ref.tenant}/{key.ref.helpdesk} is not in {str(settings.config)!r}")
                continue
            try:
                ticket = await desk.read_ticket(key.ref.ticket)
            except TicketNotFound:
                continue
            except HelpdeskError as error:
                problems.append(f"{key.ref.tenant}/{key.ref.helpdesk}/{key.ref.ticket}: {error}")
                continue
            read += 1
            for feedback in await ledger.tags_on_note(key, ticket.tags, now):
                at = key.model_copy(update={"revision": feedback.revision})
                found.append(TaggedRun(key=at, feedback=feedback))
    return TagReport(since=since, tickets=read, found=tuple(found), problems=tuple(dict.fromkeys(problems)))


def _helpdesks(
    settings: Settings, wanted: set[tuple[str, str]], stack: AsyncExitStack
) -> Mapping[tuple[str, str], Helpdesk]:
    def secret(ref: str) -> str:
        return settings.secret(ref).get_secret_value()

    made: dict[tuple[str, str], Helpdesk] = {}
    for tenant, name in wanted:
        config = settings.tenants[tenant].helpdesks.get(name) if tenant in settings.tenants else None
        if config is not None:
            desk = make_helpdesk(config, secret, tenant=tenant, helpdesk=name)
            stack.push_async_callback(desk.aclose)
            made[tenant, name] = desk
    return made
