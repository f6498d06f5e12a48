"""The codec server process: settings ▶ keys, access, audit ▶ ASGI app ▶ uvicorn."""

from urllib.parse import urlsplit

import uvicorn

from cli.dev_server import is_free
from cli.errors import PortInUse
from ledger.store import SqlLedger
from models.audit import Detail
from payloads.access import Access, OidcToken, SharedToken, WhoeverIsHere
from payloads.codec_server import Audit, Decoded, create_codec_app
from settings import ConfigError, Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def serve_codec(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortInUse: names the port.
        ConfigError: no master keys, or anyone could ask.
        LedgerError: no ledger to keep the audit in.
    """
    host, port = settings.codec_host, settings.codec_port
    access = access_of(settings)
    if not is_free(host, port):
        raise PortInUse(f"the codec server cannot listen on {host}:{port}; set WHYDESK_CODEC_PORT to another port")
    keyring = settings.keyring()
    async with await SqlLedger.open(settings.ledger_url.get_secret_value(), keyring) as ledger:
        app = create_codec_app(
            keyring, access, audit_in(ledger), origins=origins_of(settings), hosts=hosts_of(access, port)
        )
        config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


def access_of(settings: Settings) -> Access:
    """Choose who may read.

    Raises:
        ConfigError: half of a provider is set, or nothing is and others than this machine could ask.
    """
    issuer, audience = settings.codec_oidc_issuer, settings.codec_oidc_audience
    if bool(issuer) != bool(audience):
        raise ConfigError(["WHYDESK_CODEC_OIDC_ISSUER and WHYDESK_CODEC_OIDC_AUDIENCE: set both, or none"])
    if issuer and settings.codec_token:
        raise ConfigError(["WHYDESK_CODEC_TOKEN and WHYDESK_CODEC_OIDC_ISSUER: choose one of the two"])
    if issuer:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ConfigError([f"WHYDESK_CODEC_OIDC_ISSUER: {issuer!r} does not begin with https://"])
        return OidcToken(issuer, audience)
    if settings.codec_token:
        return SharedToken(settings.secret(settings.codec_token).get_secret_value())
    if settings.codec_host not in LOOPBACK:
        raise ConfigError(
            [
                f"WHYDESK_CODEC_HOST: whoever reaches {settings.codec_host!r} could read every payload; set "
                "WHYDESK_CODEC_TOKEN or WHYDESK_CODEC_OIDC_ISSUER, or listen on 127.0.0.1"
            ]
        )
    return WhoeverIsHere()


def origins_of(settings: Settings) -> list[str]:
    """Return the origins of Temporal's UI.

    Raises:
        ConfigError: one is not an origin; `*` is none.
    """
    origins = [one.strip().rstrip("/") for one in settings.codec_origins.split(",") if one.strip()]
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ConfigError(
                [f"WHYDESK_CODEC_ORIGINS: {origin!r} is not an origin, such as https://temporal.example.com"]
            )
    return origins


def hosts_of(access: Access, port: int) -> list[str]:
    """Return the names that are answered to: where no token is shown, this machine's own and no other that leads here."""
    if not isinstance(access, WhoeverIsHere):
        return []
    return [f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in LOOPBACK]


def audit_in(ledger: SqlLedger) -> Audit:
    """Keep each decoding as an entry of the audit chain."""

    async def keep(decoded: Decoded) -> None:
        detail: Detail = {"payloads": decoded.payloads, "keys": decoded.key_ids}
        await ledger.append_audit(decoded.who, "decode", f"namespace/{decoded.namespace}", detail)

    return keep
