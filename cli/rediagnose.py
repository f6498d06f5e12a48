"""`whydesk rediagnose`: another playbook or model over the evidence that a past run gathered."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from activities.bodies import Bodies
from activities.model_rates import RatedModels
from activities.paid import BudgetSpent
from activities.rediagnose import NothingKept, Rediagnoser
from activities.select import RULES
from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.named_playbook import named_playbook
from cli.recorded import open_recorded
from cli.rediagnose_view import print_rediagnosis
from cli.reinvestigate import again, before
from cli.terminal import wide_enough
from ledger.coordinator import coordinate
from ledger.past_runs import SqlPastRuns
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.playbook import Playbook
from models.rediagnosis import Rediagnosis
from models.run import RunKey
from models.tenant import ModelConfig, Tenant
from models.ticket import Rerun
from reasoning.providers.base import ModelError, ModelPool
from reasoning.providers.prices import shipped_prices
from settings import Settings

Investigation = Annotated[
    str, typer.Argument(metavar="ID", help="An investigation (inv-…), a workflow id or a ticket's number.")
]
OneRevision = Annotated[int | None, typer.Option(help="Which revision; the last one with a diagnosis if left out.")]
OnePlaybook = Annotated[
    str | None, typer.Option(metavar="ID@VERSION", help="The playbook to follow; left out, the one of that time.")
]
PlaybookFile = Annotated[Path | None, typer.Option(help="A playbook's file, released or not.")]
OneModel = Annotated[str | None, typer.Option(help="A model id, or `rules`; left out, who answered then.")]


def rediagnose(
    name: Investigation,
    revision: OneRevision = None,
    playbook: OnePlaybook = None,
    playbook_file: PlaybookFile = None,
    model: OneModel = None,
    max_usd: Annotated[
        float | None,
        typer.Option(help="What looking back at this revision may cost in all; left out, what a ticket may.", min=0),
    ] = None,
    post: Annotated[
        bool, typer.Option("--post", help="Do it as a run of its own, whose note replaces the one before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Both sides, as JSON.")] = False,
) -> None:
    """Diagnose a past run anew from the evidence that it kept: no system is asked, nothing is posted without --post.

    A model's answer is paid for: it is kept, and the same question asked again costs nothing. With --post a worker does it as
    the ticket's next revision, an open run after what it is at; the exit codes are those of `whydesk investigate`.
    """
    settings = load_settings()
    if post:
        if max_usd is not None:
            raise UsageProblem("--max-usd does not go with --post: a revision costs what a ticket may")
        _as_a_run(settings, name, revision, (playbook, playbook_file), model, as_json)
    found = asyncio.run(_Looking(settings, name, revision, max_usd).back(playbook, playbook_file, model))
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        print_rediagnosis(wide_enough(), found)


def _as_a_run(
    settings: Settings,
    name: str,
    revision: int | None,
    named: tuple[str | None, Path | None],
    model: str | None,
    as_json: bool,
) -> None:
    """Let a worker do it: the new revision takes the kept evidence and posts one note."""
    wanted, then = before(settings, name, revision)
    chosen = named_playbook(*named, wanted.tenant) or then.playbook
    if chosen is None:
        raise UsageProblem(f"{name} ended before a playbook was chosen; name one with --playbook")
    links = list(wanted.tenant.chain()) if wanted.tenant else []
    if model is not None and model != RULES and model not in links:
        raise UsageProblem(
            f"--model {model!r}: a worker asks what is in the tenant's `models`: {', '.join(links) or 'none'}"
        )
    digest = asyncio.run(_store(settings, wanted.ref.tenant, chosen))
    rerun = Rerun(revision=then.summary.key.revision, playbook=digest, reasoner=model or "")
    again(settings, wanted, then, post=True, as_json=as_json, rerun=rerun)


async def _store(settings: Settings, tenant: str, playbook: Playbook) -> str:
    async with await open_recorded(settings) as ledger:
        return await ledger.put_body(tenant, playbook)


class _Looking:
    def __init__(self, settings: Settings, name: str, revision: int | None, max_usd: float | None) -> None:
        self._settings = settings
        self._name = name
        self._revision = revision
        self._max_usd = max_usd

    async def back(self, playbook: str | None, file: Path | None, model: str | None) -> Rediagnosis:
        async with await open_recorded(self._settings) as ledger:
            key, answered = await told_revision(ledger, self._name, self._revision)
            tenant = self._settings.tenants.get(key.ref.tenant)
            chosen = named_playbook(playbook, file, tenant)
            reasoner = model or answered or RULES
            tenants = with_model(self._settings.tenants, key.ref.tenant, reasoner)
            async with open_models(self._settings, tenants) as models:
                rated = RatedModels(models, coordinate(ledger).rates, tenants)
                looking = Rediagnoser(ledger, Bodies(ledger), SqlPastRuns(ledger), rated, tenants)
                try:
                    return await looking.run(key, chosen, reasoner, _no_beat, self._max_usd)
                except NothingKept as error:
                    raise UsageProblem(str(error)) from error
                except BudgetSpent as error:
                    raise UsageProblem(f"{reasoner} was not asked: {error}; --max-usd allows more") from error
                except ModelError as error:
                    raise UsageProblem(f"{reasoner} gave no answer: {error}; try again, or --model rules") from error


async def told_revision(ledger: SqlLedger, name: str, revision: int | None) -> tuple[RunKey, str]:
    """Return a revision and who answered in it; left out, the last one that ended with something to say.

    Raises:
        LedgerError: there is none.
    """
    reader = RunReader(ledger)
    if revision is None:
        summary = await reader.last_told(name)
    else:
        summary = (await reader.load_run(name, revision)).summary
    return summary.key, summary.reasoner


def with_model(tenants: Mapping[str, Tenant], name: str, model: str) -> Mapping[str, Tenant]:
    """Return the tenants with that model in the named one's chain: by the key of the chain's first link, if it is new there.

    Raises:
        UsageProblem: the tenant has no model to take the key of.
    """
    if model == RULES:
        return tenants
    tenant = tenants.get(name)
    if tenant is None:
        raise UsageProblem(
            f"tenant {name!r} is not configured here, so there is no key to ask {model!r} with: run this with the "
            "worker's environment (WHYDESK_CONFIG), or --model rules"
        )
    if model in tenant.chain():
        return tenants
    if not tenant.models:
        raise UsageProblem(f"tenant {name!r} has no `models`, so there is no key to ask {model!r} with; --model rules")
    try:
        shipped_prices().price(model, datetime.now(UTC).date())
    except KeyError as error:
        raise UsageProblem(f"--model: {error.args[0]}") from None
    link: ModelConfig = tenant.models[0].model_copy(update={"model": model})
    return {**tenants, name: tenant.model_copy(update={"models": [*tenant.models, link]})}


@asynccontextmanager
async def open_models(settings: Settings, tenants: Mapping[str, Tenant]) -> AsyncIterator[ModelPool]:
    """Open what asks the tenants' models, and close it at the end."""
    from worker import make_models

    models = make_models(settings, tenants)
    try:
        yield models
    finally:
        await models.aclose()


def _no_beat() -> None:
    """Nobody waits for a sign of life here."""
