"""Tokens of an identity provider: only its own signature, for us, now; and what cannot be asked denies nobody for good."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from payloads.access import Denied, OidcToken, ProviderDown
from tests.helpdesks.far_end import Asked, FarEnd, Said, say

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Provider:
    """An OpenID provider with one key."""

    end: FarEnd

    def claims(self, **changed: object) -> Mapping[str, object]:
        """Return those of a good token, changed; None leaves one out."""
        now = int(time.time())
        claims = {"iss": self.end.url, "aud": "whydesk-codec", "sub": "ada", "iat": now, "exp": now + 300, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: rsa.RSAPrivateKey = KEY, kid: str = "k1", **changed: object) -> str:
        """Sign a token."""
        return "Bearer " + jwt.encode(dict(self.claims(**changed)), key, "RS256", headers={"kid": kid})

    def access(self) -> OidcToken:
        """Return what expects its tokens."""
        return OidcToken(self.end.url, "whydesk-codec")


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """Answer as one does, on loopback."""
    public = {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k1", "use": "sig", "alg": "RS256"}

    def script(asked: Asked) -> Said:
        if asked.path == "/.well-known/openid-configuration":
            return say({"issuer": end.url, "jwks_uri": f"{end.url}/keys"})
        return say({"keys": [public]})

    async with FarEnd(script) as end:
        yield Provider(end)


async def test_a_token_of_the_provider_names_its_subject_and_its_keys_are_fetched_once(provider: Provider) -> None:
    access = provider.access()
    assert await access(provider.token()) == "oidc:ada"
    assert await access(provider.token(sub="grace", aud=["other", "whydesk-codec"])) == "oidc:grace"
    assert [asked.path for asked in provider.end.asked] == ["/.well-known/openid-configuration", "/keys"]


async def test_any_other_token_is_denied_and_not_quoted(provider: Provider) -> None:
    access = provider.access()
    now = int(time.time())
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed, _, signature = provider.token().rpartition(".")
    for what, token in {
        "another's signature": provider.token(OTHER),
        "another audience": provider.token(aud="temporal-ui"),
        "another issuer": provider.token(iss="https://idp.example.com"),
        "expired": provider.token(exp=now - 300),
        "not yet": provider.token(nbf=now + 300),
        "no expiry": provider.token(exp=None),
        "nobody": provider.token(sub=None),
        "unknown key": provider.token(kid="k2"),
        "no signature": "Bearer " + jwt.encode(dict(provider.claims()), "", "none", headers={"kid": "k1"}),
        "altered": f"{signed}.{signature[::-1]}",
        "no token": "Bearer abc",
        "the public key as a secret": "Bearer " + _hs256(provider.claims(), public),
        "nothing": "",
    }.items():
        with pytest.raises(Denied) as raised:
            await access(token)
        assert "ada" not in str(raised.value), what
        assert token == "" or token.split()[-1] not in str(raised.value), what


def _hs256(claims: Mapping[str, object], secret: bytes) -> str:
    """Sign as an attacker would who takes the public key for a shared secret; the library itself refuses to."""
    hmac = jwt.get_algorithm_by_name("HS256")
    head, body = (
        jwt.utils.base64url_encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "k1"}, claims)
    )
    return b".".join([head, body, jwt.utils.base64url_encode(hmac.sign(head + b"." + body, secret))]).decode()


async def test_a_provider_that_is_away_is_asked_again(provider: Provider) -> None:
    access, script = provider.access(), provider.end.script
    provider.end.script = lambda _: say({}, 503)
    with pytest.raises(ProviderDown, match="openid-configuration' could not be read"):
        await access(provider.token())
    provider.end.script = lambda asked: script(asked) if "well-known" in asked.path else say({}, 503)
    with pytest.raises(ProviderDown, match="the keys of"):
        await access(provider.token())
    provider.end.script = script
    assert await access(provider.token()) == "oidc:ada"
