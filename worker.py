"""The worker process: settings ▶ connectors ▶ activities ▶ Worker. The only wiring of a worker."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.backtest import BacktestActivities
from activities.bodies import Bodies
from activities.break_tie import TieActivities
from activities.calibrating import Calibration, LabelledRuns
from activities.candidates import CandidateActivities, Candidates
from activities.channels import Channels, PlaybookShelf
from activities.control_board import ControlBoard
from activities.diagnose import DiagnoseActivities
from activities.gather import GatherActivities
from activities.intake import IntakeActivities
from activities.model_rates import RatedModels
from activities.pausing import PausableConnectors, PausableModels, PauseActivities, PauseGate
from activities.publish import PublishActivities
from activities.record import RecordActivities
from activities.restore import RestoreActivities
from activities.select import SelectActivities
from activities.sharing import SharedFetch
from activities.sweep import Start, SweepActivities
from activities.verify import VerifyActivities
from activities.watching import watching
from activities.weigh import WeighActivities
from cli.circuit_watch import CircuitWatch, this_worker
from cli.connection import connect, unless
from cli.open_runs import EMBEDDED_BUILD, make_current
from cli.rate_budget import LedgerBudget
from cli.sweeps import ensure_sweeps
from connectors.base import Budget, Connector, ConnectorPool
from connectors.circuit import Circuits
from connectors.pool import ConnectorFactory, PooledConnectors
from connectors.registry import plugin
from gateway.starter import TemporalStarter
from helpdesks.base import Helpdesk, HelpdeskPool
from helpdesks.factory import make_helpdesk
from helpdesks.pool import HelpdeskPool as PooledHelpdesks
from ledger.base import Ledger
from ledger.candidates import SqlCandidates
from ledger.controls import SqlControls
from ledger.coordination import Coordination
from ledger.coordinator import coordinate
from ledger.past import PastRuns
from ledger.past_runs import SqlPastRuns
from ledger.reliability import SqlReliability
from ledger.retention import expiring
from ledger.standing import SqlStanding
from ledger.store import SqlLedger
from models.playbook import Playbook
from models.tenant import ModelConfig, Tenant
from models.vocabulary import Source
from playbooks.library import Library
from reasoning.providers.base import CLASSIFIER, LanguageModel, ModelPool
from reasoning.providers.pool import ChainPool
from reasoning.providers.prices import shipped_prices
from settings import ConfigError, Settings
from telemetry import ActivityTelemetry, free_address, make_runtime, serve_metrics
from workflows import naming
from workflows.registered import WORKFLOWS

GRACE = timedelta(seconds=120)
"""At the end a paid model call in flight is waited for; Temporal's default would cancel it."""


class Limits(TypedDict):
    """How much a worker takes on at once."""

    max_eager_activity_reservations_per_workflow_task: int
    max_concurrent_activities: int


LIMITS = Limits(
    # A whole gathering step is handed over with the workflow task, without a round trip through the queue.
    max_eager_activity_reservations_per_workflow_task=10,
    # Few enough that a flood waits in the server's queue, where tenants are taken in turns, and not in this process for its
    # processor, where they are not. Sources that take a second each then keep one core busy; more workers take more.
    max_concurrent_activities=32,
)
SHIPPED_PLAYBOOKS = Path(__file__).parent / "playbooks"

log = structlog.get_logger("whydesk.worker")
Activity = Callable[..., Any]
"""A bound method that Temporal registers; its own signature is checked where a workflow calls it."""


def make_activities(
    *,
    ledger: Ledger,
    helpdesks: HelpdeskPool,
    connectors: ConnectorPool,
    models: ModelPool,
    shelf: PlaybookShelf,
    tenants: Mapping[str, Tenant],
    together: Coordination | None = None,
    start: Start | None = None,
    board: ControlBoard | None = None,
    past: PastRuns | None = None,
    candidates: Candidates | None = None,
    labelled: LabelledRuns | None = None,
) -> Sequence[Activity]:
    """Build all activities over one ledger and one memory of bodies.

    Without `together` every ticket is alone: nothing is shared with others. Without a board nothing can be paused; with one,
    give it to `make_worker` too. Without `past` no run can be looked back at. Without `labelled` no note says how often its
    confidence was right.
    """
    board = board or ControlBoard()
    models = RatedModels(models, together.rates, tenants) if together else models
    connectors, models = PausableConnectors(connectors, board), PausableModels(models, board)
    bodies = Bodies(ledger)
    sharing = SharedFetch(together.answers) if together else None
    sweeping = (
        [SweepActivities(ledger, together.sweeps, helpdesks, tenants, start, board)] if together and start else []
    )
    channels = Channels(shelf, board)
    trying = [CandidateActivities(bodies, past, candidates, tenants).try_candidate] if past and candidates else []
    looking_back = _looking_back(ledger, bodies, past, models, tenants) if past else []
    intake = IntakeActivities(ledger, bodies, helpdesks, connectors, tenants)
    return [
        *looking_back,
        *trying,
        intake.claim_delivery,
        intake.read_ticket,
        intake.identify_customer,
        SelectActivities(ledger, bodies, channels, tenants).select_playbook,
        TieActivities(ledger, bodies, channels, tenants, models).break_tie,
        GatherActivities(ledger, bodies, connectors, tenants, sharing).fetch_evidence,
        WeighActivities(ledger, bodies, together.incidents if together else None).weigh_evidence,
        DiagnoseActivities(ledger, bodies, models, tenants).diagnose,
        VerifyActivities(ledger, bodies, Calibration(labelled) if labelled else None).verify_diagnosis,
        PublishActivities(ledger, bodies, helpdesks, tenants, together, past).publish_note,
        RecordActivities(ledger, together.incidents if together else None).record_outcome,
        PauseActivities(board).wait_until_resumed,
        *(one.sweep_helpdesk for one in sweeping),
    ]


def _looking_back(
    ledger: Ledger, bodies: Bodies, past: PastRuns, models: ModelPool, tenants: Mapping[str, Tenant]
) -> list[Activity]:
    backtest = BacktestActivities(ledger, bodies, past, models, tenants)
    restore = RestoreActivities(ledger, bodies, past, tenants)
    return [restore.restore_evidence, backtest.list_past_runs, backtest.rediagnose_past_run]


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT, then finish what is in flight.

    Raises:
        NoServer, LedgerError, PlaybookError: what cannot be started with, said for people.
    """
    if not settings.tenants:
        raise ConfigError([f"{settings.config}: no tenants; a worker has nothing to work for"])
    _ensure_priced(settings.tenants)
    secret = _Secrets(settings)
    shelf = Shelf(settings.tenants)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    metrics_address = free_address() if settings.metrics_port else None
    async with contextlib.AsyncExitStack() as stack:
        client = await unless(stopping, connect(settings, make_runtime(metrics_address)))
        if client is None:
            return
        ledger = await stack.enter_async_context(await open_ledger(settings))
        await stack.enter_async_context(_retention(settings, ledger))
        if settings.metrics_port:
            stack.callback(serve_metrics(settings.metrics_port, settings.metrics_host, metrics_address).close)
        together = coordinate(ledger)
        watch = CircuitWatch(together.circuits, this_worker())
        stack.push_async_callback(watch.aclose)
        circuits = Circuits(watch, worker=this_worker())
        budget = LedgerBudget(together.rates, settings.tenants)
        connectors = make_connectors(settings, settings.tenants, circuits=circuits, budget=budget)
        stack.push_async_callback(connectors.aclose)
        helpdesks = PooledHelpdesks(dict(_helpdesks(settings.tenants, secret)))
        stack.push_async_callback(helpdesks.aclose)
        models = make_models(settings, settings.tenants)
        stack.push_async_callback(models.aclose)
        board = ControlBoard(SqlControls(ledger.database))
        if settings.metrics_port:
            await stack.enter_async_context(watching(SqlStanding(ledger.database), board, settings.tenants))
        activities = make_activities(
            ledger=ledger,
            helpdesks=helpdesks,
            connectors=connectors,
            models=models,
            shelf=shelf,
            tenants=settings.tenants,
            together=together,
            past=SqlPastRuns(ledger),
            candidates=SqlCandidates(ledger.database),
            labelled=SqlReliability(ledger.database),
            start=TemporalStarter(client, lambda tenant: settings.tenants[tenant].region),
            board=board,
        )
        build_id = settings.build_id or EMBEDDED_BUILD
        for region in sorted({tenant.region for tenant in settings.tenants.values()}):
            await stack.enter_async_context(
                make_worker(client, naming.task_queue(region), activities, build_id, board=board)
            )
        if not settings.build_id:
            # On one's own machine whoever runs is current; in production whoever promotes a version decides.
            await unless(stopping, make_current(client, build_id))
        await unless(stopping, ensure_sweeps(client, settings.tenants))
        keep_what_is_loaded()
        log.info("working", build_id=build_id, tenants=len(settings.tenants))
        await stopping.wait()
        log.info("stopping")


async def open_ledger(settings: Settings) -> SqlLedger:
    """Open the ledger of an installation with its master keys.

    Raises:
        ConfigError, LedgerError: no keys, or not this ledger's; says where, and what to do.
    """
    return await SqlLedger.open(settings.ledger_url.get_secret_value(), settings.keyring())


def _retention(settings: Settings, ledger: SqlLedger) -> contextlib.AbstractAsyncContextManager[None]:
    """Let what the tenants do not want to keep any longer expire while this worker runs."""
    named = ((name, tenant.retention_days) for name, tenant in settings.tenants.items())
    return expiring(
        ledger,
        {name: days for name, days in named if days is not None},
        lambda tenant, erased: log.info("retention.erased", tenant=tenant, revisions=erased.revisions),
        lambda error: log.warning("retention.failed", error=str(error)),
    )


def make_connectors(
    settings: Settings, tenants: Mapping[str, Tenant], *, circuits: Circuits | None = None, budget: Budget | None = None
) -> PooledConnectors:
    """Return what asks these tenants' sources; a source's client is made, and its key read, when it is first asked."""
    return PooledConnectors(_connectors(tenants, _Secrets(settings)), circuits=circuits, budget=budget)


def make_models(settings: Settings, tenants: Mapping[str, Tenant]) -> ChainPool:
    """Return what asks these tenants' models; a model's client is made, and its key read, when it is first asked for."""
    return ChainPool(_models(tenants, _Secrets(settings)))


def _ensure_priced(tenants: Mapping[str, Tenant]) -> None:
    """A model without a price has no budget: say so now, and not at the first ticket.

    Raises:
        ConfigError: names each such model.
    """
    problems = []
    for tenant in tenants.values():
        for place, link in tenant.all_models():
            try:
                shipped_prices().price(link.model, datetime.now(UTC).date())
            except KeyError as error:
                problems.append(f"tenants.{tenant.id}.{place[0]}: {error.args[0]}")
    if problems:
        raise ConfigError(problems)


def make_worker(
    client: Client,
    queue: str,
    activities: Sequence[Activity],
    build_id: str,
    workflows: Sequence[type] = WORKFLOWS,
    board: ControlBoard | None = None,
) -> Worker:
    """Build a worker of one queue; it works while it is entered as an async context manager."""
    return Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=activities,
        interceptors=[ActivityTelemetry(), PauseGate(board or ControlBoard())],
        # The sandbox loads the workflow's code anew for each run and is entered for each payload: a quarter of a run's
        # processor time. Tests run every workflow in it, and replay what was recorded (docs/decisions/0011).
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=GRACE,
        **LIMITS,
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(naming.DEPLOYMENT, build_id),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        ),
    )


def keep_what_is_loaded() -> None:
    """Take code and configuration out of the garbage collector's sight: they stay, and it would look at them again and again."""
    gc.collect()
    gc.freeze()
    # Its default looks after every seven hundred new objects; an investigation makes tens of thousands, nearly all short-lived.
    gc.set_threshold(10_000, 20, 20)


class Shelf:
    """The shipped playbooks and each tenant's own, read once at the start."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        """Load them all.

        Raises:
            PlaybookError: every mistake in every file.
        """
        shipped = _newest(SHIPPED_PLAYBOOKS, alone=True)
        self._by_tenant = {}
        for name, tenant in tenants.items():
            playbooks = dict(shipped)
            for folder in tenant.playbook_dirs:
                playbooks |= _newest(Path(folder))
            self._by_tenant[name] = list(playbooks.values())
        self._own = {
            name: frozenset(path.name for folder in tenant.playbook_dirs for path in Path(folder).iterdir())
            for name, tenant in tenants.items()
        }

    def released(self, tenant: str) -> Sequence[Playbook]:
        """Return the newest version of each; a tenant's own of the same id takes the shipped one's place."""
        return self._by_tenant[tenant]

    def own(self, tenant: str) -> Collection[str]:
        """Return the names of the folders of the tenant's own playbooks, which are their ids."""
        return self._own[tenant]


def _newest(folder: Path, *, alone: bool = False) -> dict[str, Playbook]:
    # The shipped ones are locked, and what is older than the newest is in the ledger of those runs that it was chosen for.
    found = Library.load([folder], alone=alone, newest=alone).newest()
    return {loaded.playbook.id: loaded.playbook for loaded in found}


class _Secrets:
    """Resolves references where a client is made, and nowhere else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, ref: str) -> str:
        return self._settings.secret(ref).get_secret_value()


def _connectors(tenants: Mapping[str, Tenant], secret: Callable[[str], str]) -> dict[Source, ConnectorFactory]:
    """Return what makes a tenant's connector of each source that a tenant has connected."""

    def make(source: Source, tenant: str) -> Connector | None:
        config = tenants[tenant].connectors.get(source)
        return plugin(source).make(config, secret) if config is not None else None

    return {source: partial(make, source) for tenant in tenants.values() for source in tenant.connectors}


def _helpdesks(
    tenants: Mapping[str, Tenant], secret: Callable[[str], str]
) -> Iterator[tuple[tuple[str, str], Callable[[], Helpdesk]]]:
    """Yield what makes each helpdesk of each tenant."""
    for tenant in tenants.values():
        for name, config in tenant.helpdesks.items():
            yield (tenant.id, name), partial(make_helpdesk, config, secret, tenant=tenant.id, helpdesk=name)


def _models(
    tenants: Mapping[str, Tenant], secret: Callable[[str], str]
) -> dict[str, dict[str, Callable[[], LanguageModel]]]:
    """Return what makes each link of each tenant's chain, and its classifier."""
    chains: dict[str, dict[str, Callable[[], LanguageModel]]] = {}
    for tenant in tenants.values():
        named = tenant.chain() | ({CLASSIFIER: tenant.classifier} if tenant.classifier is not None else {})
        chains[tenant.id] = {name: partial(_model, link, secret) for name, link in named.items()}
    return chains


def _model(link: ModelConfig, secret: Callable[[str], str]) -> LanguageModel:
    # Loading the SDK takes half of a worker's start; without a model nobody needs it.
    from reasoning.providers.factory import make_model  # noqa: PLC0415

    return make_model(link, secret)
