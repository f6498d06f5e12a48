"""Who may read through the codec server: a shared token, a person of an identity provider, or whoever is on this machine."""

import asyncio
import hmac
from typing import Protocol

import httpx
import jwt
from jwt import PyJWKClient

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key only: with HS256 a public key could pass for a secret."""
_LEEWAY = 30
_TIMEOUT = 5.0


class Denied(Exception):
    """The caller showed nothing that lets it read; the message says what was wrong and nothing of the token."""


class ProviderDown(Exception):
    """The identity provider could not be asked; the caller may be right."""


class Access(Protocol):
    """Decides by the header `Authorization`."""

    async def __call__(self, authorization: str) -> str:
        """Return who it is, for the audit.

        Raises:
            Denied: it may not.
            ProviderDown: it is not known.
        """
        ...


class WhoeverIsHere:
    """For a server on loopback that only a browser on the same machine asks, which has no token to send."""

    async def __call__(self, authorization: str) -> str:
        """Let it."""
        return "loopback"


class SharedToken:
    """One token for all, such as for the `temporal` command or a proxy that signs people in itself."""

    def __init__(self, token: str) -> None:
        """Expect `Bearer TOKEN`."""
        self._token = token.encode()

    async def __call__(self, authorization: str) -> str:
        """Compare in constant time."""
        if not hmac.compare_digest(_bearer(authorization).encode(), self._token):
            raise Denied("the token is not the one of WHYDESK_CODEC_TOKEN")
        return "token"


class OidcToken:
    """Tokens that an OpenID provider signed: the one with which a person signed in to Temporal's UI."""

    def __init__(self, issuer: str, audience: str) -> None:
        """Accept what this issuer made for this audience. Its keys are asked for with the first token, and kept."""
        self._issuer = issuer
        self._audience = audience
        self._keys: PyJWKClient | None = None

    async def __call__(self, authorization: str) -> str:
        """Check signature, issuer, audience and times."""
        token = _bearer(authorization)
        keys = self._keys = self._keys or await self._discover()
        try:
            key = await asyncio.to_thread(keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise ProviderDown(f"the keys of {self._issuer!r} could not be fetched") from None
        except (jwt.PyJWTError, ValueError) as error:
            # The library's messages may quote a token's claims; the kind of error says enough.
            raise Denied(f"the token is not one of {self._issuer!r} for {self._audience!r} ({_kind(error)})") from None
        return f"oidc:{claims['sub']}"

    async def _discover(self) -> PyJWKClient:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
                found = (await http.get(url)).raise_for_status().json()
            return PyJWKClient(str(found["jwks_uri"]), timeout=_TIMEOUT)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ProviderDown(f"{url!r} could not be read ({_kind(error)})") from None


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Denied("the header Authorization has no bearer token")
    return token.strip()


def _kind(error: Exception) -> str:
    return type(error).__name__
