"""The gateway process: settings ▶ receivers and starter ▶ ASGI app ▶ uvicorn."""

import uvicorn
from prometheus_client import REGISTRY

from cli.connection import where
from cli.dev_server import is_free
from cli.errors import PortInUse
from gateway.app import create_app
from gateway.starter import TemporalStarter, connect_lazily
from helpdesks.base import Receiver
from helpdesks.factory import make_receiver
from settings import Settings


def make_receivers(settings: Settings) -> dict[tuple[str, str], Receiver]:
    """Make the inbound side of every helpdesk of every tenant."""
    return {
        (tenant.id, name): make_receiver(config, lambda ref: settings.secret(ref).get_secret_value())
        for tenant in settings.tenants.values()
        for name, config in tenant.helpdesks.items()
    }


async def serve_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortInUse: names the port.
        ConfigError: there are no master keys.
    """
    host, port = settings.gateway_host, settings.gateway_port
    if not is_free(host, port):
        raise PortInUse(f"the gateway cannot listen on {host}:{port}; set WHYDESK_GATEWAY_PORT to another port")
    receivers = make_receivers(settings)
    address, how = where(settings)
    client = await connect_lazily(address, settings.keyring(), **how)
    starter = TemporalStarter(client, lambda tenant: settings.tenants[tenant].region)
    app = create_app(
        lambda tenant, helpdesk: receivers.get((tenant, helpdesk)), starter, starter.check, registry=REGISTRY
    )
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False)
    await uvicorn.Server(config).serve()
