"""How a process of the command line begins: its settings, its logs, and a patient connection to Temporal."""

import asyncio
import contextlib
import json
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Literal, TypedDict, TypeVar

from temporalio.client import Client, TLSConfig
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from cli.env_file import with_env_file
from keys.keyring import Keyring
from payloads.plugin import PayloadsPlugin
from settings import Settings
from telemetry import make_runtime

T = TypeVar("T")

LOCAL_ADDRESS = "127.0.0.1:7233"
"""Where `whydesk up` has its server unless told otherwise."""
RUNNING_FILE = "up.json"
"""What runs on a state folder, and where; empty while nothing does."""


class NoServer(Exception):
    """No Temporal server answered; the message says where, and what to do."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process, with what `.env` beside whydesk.yaml adds to its environment.

    Raises:
        ConfigError: with every problem at once.
    """
    return Settings.load(with_env_file(os.environ if environ is None else environ))


def own_environ() -> dict[str, str]:
    """Return the environment for a stack of one's own: without another installation's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WHYDESK_", "TEMPORAL_ADDRESS"))}


class Where(TypedDict):
    """Arguments of a connection, the same for the gateway's lazy client."""

    namespace: str
    api_key: str | None
    tls: bool | TLSConfig


def local_address(state: Path) -> str:
    """Return where the server of `whydesk up` on this state folder is, by what it wrote down; else where it is unless told."""
    try:
        told = json.loads((state / RUNNING_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return LOCAL_ADDRESS
    return str(told.get("temporal") or LOCAL_ADDRESS) if isinstance(told, dict) else LOCAL_ADDRESS


def where(settings: Settings) -> tuple[str, Where]:
    """Return the server's address and the arguments of a connection to it."""
    api_key = settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None
    return settings.temporal_address or local_address(settings.state), Where(
        namespace=settings.temporal_namespace, api_key=api_key, tls=_tls(settings)
    )


def _tls(settings: Settings) -> bool | TLSConfig:
    pems = [
        path.read_bytes() if path else None
        for path in (
            settings.temporal_tls_server_ca_cert_path,
            settings.temporal_tls_client_cert_path,
            settings.temporal_tls_client_key_path,
        )
    ]
    wanted = settings.temporal_tls
    if wanted is None:
        wanted = any(pems) or settings.temporal_api_key is not None
    if not wanted or not (any(pems) or settings.temporal_tls_server_name):
        return wanted
    authority, certificate, key = pems
    return TLSConfig(
        server_root_ca_cert=authority,
        domain=settings.temporal_tls_server_name or None,
        client_cert=certificate,
        client_private_key=key,
    )


async def unless(stopping: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """Wait for the work, or for the signal to stop; then the work is cancelled and None returned."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(stopping.wait())
    either: list[asyncio.Future[T] | asyncio.Future[Literal[True]]] = [task, stop]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
    finally:
        stop.cancel()
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return None


def converter_of_files() -> DataConverter:
    """Return what reads payloads that stand in files: what is plain, and what is sealed if there are master keys here.

    Raises:
        ConfigError: the settings have problems.
    """
    settings = load_settings()
    there = settings.master_keys or settings.key_file.exists()
    return PayloadsPlugin(settings.keyring() if there else Keyring.generate()).converter


async def connect(
    settings: Settings, runtime: Runtime | None = None, within: float = 60.0, *, payloads: bool = True
) -> Client:
    """Connect, and wait for a server that is only just starting or away for a moment.

    Args:
        settings: Where, and the master keys.
        runtime: The process's own if left out.
        within: Seconds.
        payloads: False for a client that reads and writes none, which needs no keys.

    Raises:
        NoServer: nothing answered in time.
        ConfigError: there are no master keys.
    """
    address, how = where(settings)
    runtime = runtime or make_runtime()
    plugins = [PayloadsPlugin(settings.keyring())] if payloads else []
    deadline = asyncio.get_running_loop().time() + within
    while True:
        try:
            return await Client.connect(address, plugins=plugins, runtime=runtime, **how)
        except (RPCError, RuntimeError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise NoServer(
                    f"no Temporal server answered at {address!r} within {within:.0f} s; start one with `whydesk up`, "
                    "or set TEMPORAL_ADDRESS to one that runs"
                ) from error
            await asyncio.sleep(0.5)
