"""`whydesk worker`, `gateway`, `codec-server`, `namespace`: each process of an installation by itself.

None of them loads what another one needs: they start together, and a machine has fewer cores than an installation processes.
"""

import asyncio
from collections.abc import Callable, Coroutine

from cli.connection import connect, load_settings
from cli.dev_server import ensure_namespace, prepare_namespace
from settings import Settings


def worker() -> None:
    """Run a worker against the Temporal server of TEMPORAL_ADDRESS until it is told to stop."""
    # Loaded here: the other commands need not wait for the vendors' SDKs.
    from worker import run_worker

    _run(run_worker)


def gateway() -> None:
    """Receive webhooks until told to stop."""
    from cli.serve_gateway import serve_gateway

    _run(serve_gateway)


def codec_server() -> None:
    """Decrypt payloads for Temporal's UI and command until told to stop; each decoding goes to the audit."""
    from cli.serve_codec import serve_codec

    _run(serve_codec)


def namespace() -> None:
    """Make the namespace where it is missing, with its search attributes and retention. Safe to repeat."""

    async def prepare() -> None:
        client = await connect(load_settings(), payloads=False)
        if await ensure_namespace(client):
            print(f"made the namespace {client.namespace!r}")
        await prepare_namespace(client)

    asyncio.run(prepare())
    print("the namespace has the search attributes and the retention that Whydesk needs")


def _run(serve: Callable[[Settings], Coroutine[object, object, None]]) -> None:
    from telemetry import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(serve(settings))
