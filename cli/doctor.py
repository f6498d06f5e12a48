"""`whydesk doctor`: looks at every far end that is configured, and says what is wrong and what to do. Writes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Protocol, runtime_checkable

import typer
from rich.console import Console

from cli.connection import load_settings
from cli.doctor_own import examine_ledger, examine_model, examine_temporal
from cli.doctor_report import EXIT_CODES, Report, make_report, print_report, unusable
from cli.doctor_run import WITHIN, Examination, run_examinations
from cli.doctor_suggest import suggest_tables
from cli.errors import no_such
from connectors.base import Secrets
from connectors.registry import plugin
from helpdesks.factory import make_helpdesk, make_receiver
from models.base import Strict
from models.finding import Finding, FindingStatus
from models.tables import TableMapping
from models.tenant import HelpdeskConfig, Tenant
from models.vocabulary import Source
from settings import ConfigError, Settings

_CLOSES_WITHIN = 3.0
_WIDTH = 130


@runtime_checkable
class _WithTables(Protocol):
    async def examine_tables(self, tables: dict[str, TableMapping]) -> Sequence[Finding]: ...


class HandedSecrets:
    """Resolves references, and remembers what it handed out, to take it out of what is printed."""

    def __init__(self, settings: Settings) -> None:
        """Begin with the installation's own."""
        self._settings = settings
        own = [settings.temporal_api_key, settings.ledger_url]
        self._handed = {secret.get_secret_value() for secret in own if secret}

    def __call__(self, ref: str) -> str:
        """Return the secret of a reference."""
        value = self._settings.secret(ref).get_secret_value()
        self._handed.add(value)
        return value

    def hide(self, text: str) -> str:
        """Return the text without any of them."""
        for value in sorted(self._handed, key=len, reverse=True):
            text = text.replace(value, "<secret>")
        return text


def doctor(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's far ends, and the installation's.")] = None,
    suggest: Annotated[bool, typer.Option("--suggest", help="Propose ClickHouse's table mapping instead.")] = False,
    within: Annotated[float, typer.Option(help="Seconds that each examination may take.", min=0.1, max=600)] = WITHIN,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON (docs/doctor.md).")] = False,
) -> None:
    """Examine every connector, helpdesk and model, Temporal and the ledger; exit code 1 where something fails."""
    try:
        settings = load_settings()
        tenants = _chosen(settings, tenant)
    except ConfigError as error:
        if not as_json:
            raise
        print(unusable(datetime.now(UTC), error.problems).model_dump_json(indent=2))
        raise typer.Exit(EXIT_CODES["unusable"]) from None
    if suggest:
        raise typer.Exit(asyncio.run(suggest_tables(tenants, HandedSecrets(settings), as_json=as_json)))
    report = examine(settings, tenants, within)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        # Without a terminal there is no width to fit into.
        print_report(Console() if Console().is_terminal else Console(width=_WIDTH), report)
    raise typer.Exit(EXIT_CODES[report.outcome])


def examine(settings: Settings, tenants: Sequence[Tenant], within: float = WITHIN) -> Report:
    """Examine the installation's own far ends and those of some tenants, all at once; seconds are for each of them."""
    secrets = HandedSecrets(settings)
    everyone = settings.tenants.values()
    examinations = [*_own(settings), *(one for each in tenants for one in _of_tenant(each, everyone, secrets))]
    return make_report(datetime.now(UTC), asyncio.run(run_examinations(examinations, secrets.hide, within)))


def _chosen(settings: Settings, name: str | None) -> list[Tenant]:
    if not settings.tenants:
        remedy = "write it with `whydesk init`, or say with WHYDESK_CONFIG where it is"
        raise ConfigError([f"{settings.config}: no tenants: it does not exist or is empty; {remedy}"])
    if name is None:
        return list(settings.tenants.values())
    if name not in settings.tenants:
        raise no_such("tenant", name, settings.tenants)
    return [settings.tenants[name]]


def _own(settings: Settings) -> Iterator[Examination]:
    yield Examination("temporal", settings.temporal_namespace, partial(examine_temporal, settings))
    yield Examination("ledger", "ledger", partial(examine_ledger, settings.ledger_url.get_secret_value()))


def _of_tenant(tenant: Tenant, everyone: Collection[Tenant], secrets: Secrets) -> Iterator[Examination]:
    for name, helpdesk in tenant.helpdesks.items():
        look = partial(_helpdesk, helpdesk, secrets, tenant.id, name, _shared(tenant, helpdesk, everyone))
        yield Examination("helpdesk", name, look, tenant.id)
    for source, config in tenant.connectors.items():
        look = partial(_connector, source, config, secrets, tenant)
        yield Examination("connector", source.value, look, tenant.id)
    fast = {tenant.classifier.model: tenant.classifier} if tenant.classifier is not None else {}
    for name, link in (fast | tenant.chain()).items():
        yield Examination("model", name, partial(examine_model, link, secrets), tenant.id)


async def _helpdesk(
    config: HelpdeskConfig, secrets: Secrets, tenant: str, name: str, shared: Sequence[Finding]
) -> Sequence[Finding]:
    inbound = [_webhook_secrets(config, secrets), *shared]
    try:
        helpdesk = make_helpdesk(config, secrets, tenant=tenant, helpdesk=name)
    except ValueError as error:
        return [*inbound, _misconfigured(error, f"tenants.{tenant}.helpdesks.{name}")]
    try:
        return [*await helpdesk.examine(), *inbound]
    finally:
        await _close(helpdesk.aclose)


def _shared(tenant: Tenant, helpdesk: HelpdeskConfig, everyone: Collection[Tenant]) -> Sequence[Finding]:
    """Two tenants that sweep one helpdesk both find each of its tickets, whoever its webhook tells."""
    others = [
        f"{one.id}.{name}"
        for one in everyone
        if one.id != tenant.id and one.sweep_minutes
        for name, theirs in one.helpdesks.items()
        if theirs.swept == helpdesk.swept
    ]
    if not others or not tenant.sweep_minutes or not helpdesk.swept:
        return []
    detail = f"{', '.join(others)} is at the same address: the sweep of each starts an investigation of every ticket"
    return [Finding("alone", FindingStatus.WARNING, detail, "set `sweep_minutes: 0` for all tenants but one")]


def _webhook_secrets(config: HelpdeskConfig, secrets: Secrets) -> Finding:
    check, count = "webhook secrets", len(config.webhook_secrets)
    try:
        make_receiver(config, secrets)
    except ValueError as error:
        remedy = "copy the secret again from where the webhook was made"
        return Finding(check, FindingStatus.FAILURE, str(error), remedy)
    return Finding(check, FindingStatus.OK, "one, well formed" if count == 1 else f"{count}, well formed")


async def _connector(source: Source, config: Strict, secrets: Secrets, tenant: Tenant) -> Sequence[Finding]:
    place = f"tenants.{tenant.id}.connectors.{source.value}"
    try:
        connector = plugin(source).make(config, secrets)
    except ValueError as error:
        return [_misconfigured(error, place)]
    try:
        found = list(await connector.examine())
        # What cannot be reached would say so a second time.
        if source is Source.CLICKHOUSE and not _shut(found):
            found += await _tables(connector, tenant)
        return found
    finally:
        await _close(connector.aclose)


def _shut(found: Sequence[Finding]) -> bool:
    return any(one.check in ("reach", "key") and one.status is FindingStatus.FAILURE for one in found)


async def _tables(connector: object, tenant: Tenant) -> Sequence[Finding]:
    if not tenant.tables:
        remedy = f"map them under tenants.{tenant.id}.tables; `whydesk doctor --suggest` proposes how"
        detail = "no table is mapped: every question to ClickHouse is skipped"
        return [Finding("tables", FindingStatus.WARNING, detail, remedy)]
    return await connector.examine_tables(tenant.tables) if isinstance(connector, _WithTables) else []


def _misconfigured(error: ValueError, place: str) -> Finding:
    return Finding("configuration", FindingStatus.FAILURE, str(error), f"change it under `{place}`")


async def _close(aclose: Callable[[], Awaitable[None]]) -> None:
    """Close, and let nothing that goes wrong there hide what was found."""
    with suppress(Exception):
        async with asyncio.timeout(_CLOSES_WITHIN):
            await aclose()
