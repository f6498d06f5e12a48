"""Makes the receiver and the client that a helpdesk's configuration asks for. Who resolves secrets is injected."""

from collections.abc import Callable
from typing import assert_never

from helpdesks.base import ExaminableHelpdesk, Receiver
from helpdesks.standard import StandardHelpdesk
from helpdesks.standard_inbound import StandardReceiver
from helpdesks.zendesk import ZendeskHelpdesk
from helpdesks.zendesk_inbound import ZendeskReceiver
from models.tenant import HelpdeskConfig, SecretRef, StandardConfig, ZendeskConfig

Resolve = Callable[[SecretRef], str]
"""From a reference such as `env:NAME` to the secret."""


def make_receiver(config: HelpdeskConfig, resolve: Resolve) -> Receiver:
    """Return the inbound side, for the gateway."""
    secrets = [resolve(reference) for reference in config.webhook_secrets]
    match config:
        case ZendeskConfig():
            return ZendeskReceiver(config, secrets)
        case StandardConfig():
            return StandardReceiver(config, secrets)
        case _:
            assert_never(config)


def make_helpdesk(config: HelpdeskConfig, resolve: Resolve, *, tenant: str, helpdesk: str) -> ExaminableHelpdesk:
    """Return the reading and writing side, for a HelpdeskPool. It opens no connection yet."""
    match config:
        case ZendeskConfig():
            return ZendeskHelpdesk(config, resolve(config.token), tenant=tenant, helpdesk=helpdesk)
        case StandardConfig():
            return StandardHelpdesk(
                config,
                resolve(config.webhook_secrets[0]),
                resolve(config.token) if config.token else None,
                tenant=tenant,
                helpdesk=helpdesk,
            )
        case _:
            assert_never(config)
