"""The codec server: decrypts payloads for Temporal's UI and command, for who may read them, and says so to the audit.

app = create_codec_app(keyring, SharedToken(token), audit, origins=["https://temporal.example.com"])
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import FastAPI, Header, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.api.common.v1 import Payload, Payloads

from keys.keyring import Keyring, KeyringError
from payloads.access import Access, Denied, ProviderDown
from payloads.codec import KEY_ID, KeyringCodec, is_encrypted

SIZE_CAP = 16 * 1024 * 1024
"""Bytes of a request: a few payloads of the size that Temporal takes at most, in Base64."""

log = structlog.get_logger("whydesk.codec")


@dataclass(frozen=True)
class Decoded:
    """One decoding, for the audit."""

    who: str
    namespace: str
    payloads: int
    key_ids: tuple[str, ...]


Audit = Callable[[Decoded], Awaitable[None]]
"""Keeps it, or raises: what cannot be written down is not decoded."""


def create_codec_app(
    keyring: Keyring, access: Access, audit: Audit, *, origins: Sequence[str], hosts: Collection[str] = ()
) -> FastAPI:
    """Return the server.

    Args:
        keyring: The master keys.
        access: Who may read.
        audit: Called before each answer.
        origins: Of Temporal's UI, such as http://127.0.0.1:8233. Pages of other origins are refused.
        hosts: Values of the header Host that are answered; empty for all. Where no token is asked for, a name of one's own that
            leads to loopback would let any page ask as if it were the UI's.
    """
    app = FastAPI(title="Whydesk codec server", docs_url=None, redoc_url=None, openapi_url=None)
    server = _Server(KeyringCodec(keyring), access, audit)
    app.add_api_route("/decode", server.decode, methods=["POST"])
    app.add_api_route("/healthz", _alive, methods=["GET"])
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["POST"],
        allow_headers=["content-type", "x-namespace", "authorization", "authorization-extras"],
        max_age=600,
    )
    # Added last, so that it is asked first.
    app.add_middleware(_Doorkeeper, origins=frozenset(origins), hosts=frozenset(hosts))
    return app


class _Server:
    def __init__(self, codec: KeyringCodec, access: Access, audit: Audit) -> None:
        self._codec = codec
        self._access = access
        self._audit = audit

    async def decode(
        self,
        request: Request,
        authorization: Annotated[str, Header()] = "",
        x_namespace: Annotated[str, Header()] = "",
    ) -> Response:
        """Decrypt `{"payloads": […]}`; what is plain comes back as it is. Nothing of ours is stored elsewhere, so
        `?preserveStorageRefs=true` changes nothing.
        """
        try:
            who = await self._access(authorization)
            found = _read(await _body(request))
            decoded = self._codec.decrypt(found)
            await self._keep(who, x_namespace, found)
        except _Refused as refused:
            return _problem(refused.status, str(refused))
        except Denied as denied:
            log.warning("decode refused", reason=str(denied), namespace=x_namespace[:200])
            return _problem(401, str(denied), {"www-authenticate": "Bearer"})
        except ProviderDown as down:
            log.error("decode refused", reason=str(down))
            return _problem(503, str(down), {"retry-after": "5"})
        except KeyringError as error:
            return _problem(422, str(error))
        return JSONResponse(MessageToDict(Payloads(payloads=decoded)), headers=_NEVER_KEPT)

    async def _keep(self, who: str, namespace: str, found: Sequence[Payload]) -> None:
        sealed = [payload.metadata[KEY_ID].decode(errors="replace") for payload in found if is_encrypted(payload)]
        if not sealed:
            return
        try:
            await self._audit(Decoded(who, namespace[:200], len(sealed), tuple(sorted(set(sealed)))))
        except Exception:
            # Whatever it was, nothing goes out that is not written down.
            log.exception("decode refused", reason="the audit could not be written")
            raise _Refused(
                503, "the audit could not be written, so nothing is decoded; see this server's log"
            ) from None


class _Refused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


async def _alive() -> dict[str, str]:
    return {"status": "alive"}


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # A form of another page needs no preflight; JSON does.
        raise _Refused(415, "send application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > SIZE_CAP:
            raise _Refused(413, f"a request has at most {SIZE_CAP} bytes")
    return bytes(body)


def _read(body: bytes) -> Sequence[Payload]:
    try:
        return Parse(body, Payloads()).payloads
    except (ParseError, ValueError, RecursionError):
        raise _Refused(400, 'send {"payloads": […]}, as Temporal\'s UI and command do') from None


_NEVER_KEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status, headers=_NEVER_KEPT | (headers or {}))


class _Doorkeeper:
    """Refuses pages of other origins and, where told, other names of this machine, before anything is looked at."""

    def __init__(self, app: ASGIApp, *, origins: frozenset[str], hosts: frozenset[str]) -> None:
        self._app = app
        self._origins = origins
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin, host = headers.get("origin"), headers.get("host", "")
            if self._hosts and host.lower() not in self._hosts:
                log.warning("decode refused", reason="host", host=host[:200])
                return await _problem(421, "this name is not one that the codec server answers to")(
                    scope, receive, send
                )
            if origin is not None and origin not in self._origins:
                log.warning("decode refused", reason="origin", origin=origin[:200])
                return await _problem(403, "pages of this origin may not ask; see WHYDESK_CODEC_ORIGINS")(
                    scope, receive, send
                )
        return await self._app(scope, receive, send)
