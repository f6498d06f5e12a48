"""Where a request may go: addresses are checked and kept, certificates count, the environment's proxies do not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.base import Unavailable
from connectors.http import Declined, Network, ReadOnlyHttp
from connectors.http_network import PublicOnlyTransport, is_public
from tests.connectors.web_server import Asked, listening, reply, web_server

GUARDED = Network(allow_private=False)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("100.64.0.1", False),
        ("0.1.2.3", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::93.184.216.34", True),
        ("2002:7f00:1::", False),
        ("2002:5db8:d822::1", True),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
)
async def test_no_form_of_a_private_address_is_connected_to(host: str) -> None:
    async with web_server({"/": reply("{}")}) as web:
        port = web.url.rpartition(":")[2]
        http = ReadOnlyHttp(f"http://{host}:{port}", network=GUARDED)
        with pytest.raises((Declined, Unavailable)) as refused:
            await http.get("/")
        # What the system does not even take for an address cannot be reached at all.
        assert "private address" in str(refused.value) or host in ("0x7f.1", "127.1", "0", "2130706433")
        assert web.asked == []
        await http.aclose()


def connected(*answers: list[str]) -> tuple[PublicOnlyTransport, list[httpx.Request], list[str]]:
    """Return a guard over a far end that notes what reaches it, and a name server that gives these answers in turn."""
    sent: list[httpx.Request] = []
    asked: list[str] = []

    def far_end(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.host in ("93.184.216.1", "93.184.216.2"):
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=1)

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(f"{host}:{port}")
        return answers[min(len(asked), len(answers)) - 1]

    return PublicOnlyTransport(httpx.MockTransport(far_end), resolve=resolve), sent, asked


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    transport, sent, asked = connected(["93.184.216.34"], ["127.0.0.1"])
    http = ReadOnlyHttp("https://docs.example.com/x", transport=transport)
    assert (await http.get("")).json() == 1
    assert asked == ["docs.example.com:443"]
    assert str(sent[0].url) == "https://93.184.216.34/x"
    assert sent[0].headers["host"] == "docs.example.com"
    assert sent[0].extensions["sni_hostname"] == "docs.example.com"
    # The second answer of the same name server is checked anew.
    with pytest.raises(Declined, match="private address"):
        await http.get("")
    assert len(sent) == 1
    await http.aclose()


async def test_a_mixed_answer_is_refused_and_a_dead_address_is_passed_over() -> None:
    transport, sent, _ = connected(["93.184.216.34", "10.0.0.1"])
    http = ReadOnlyHttp("https://docs.example.com", transport=transport)
    with pytest.raises(Declined, match="allow_private: true"):
        await http.get("/")
    assert sent == []
    transport, sent, _ = connected(["93.184.216.1", "93.184.216.34"])
    http = ReadOnlyHttp("https://docs.example.com", transport=transport)
    assert (await http.get("/")).json() == 1
    transport, sent, _ = connected(["93.184.216.1", "93.184.216.2"], [])
    http = ReadOnlyHttp("https://docs.example.com", transport=transport)
    with pytest.raises(Unavailable):
        await http.get("/")
    with pytest.raises(Unavailable):
        await http.get("/")
    assert len(sent) == 2


async def test_redirects_are_checked_like_any_request() -> None:
    transport, sent, asked = connected(["93.184.216.34"], ["169.254.169.254"])

    async def send_on(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/":
            await transport.handle_async_request(request)
            return httpx.Response(302, headers={"Location": "/latest/meta-data"})
        return await transport.handle_async_request(request)

    http = ReadOnlyHttp("http://docs.example.com", follow_redirects=True, transport=httpx.MockTransport(send_on))
    with pytest.raises(Declined, match="private address"):
        await http.get("/")
    assert (len(sent), len(asked)) == (1, 2)


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example CA")])
        self._folder = folder
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._sign(self._name, self._key, None))

    def serve(self, host: str) -> ssl.SSLContext:
        """Return a server's context with a certificate for that host."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        both = self._folder / f"{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        both.write_bytes(private + self._sign(name, key, host))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, host: str | None) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def secure(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Answer every request over TLS; yields the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply('"over TLS"', Connection="close"))
        await writer.drain()

    async with listening(serve, context) as url:
        yield int(url.rpartition(":")[2])


async def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_certificates_count_and_a_ca_of_ones_own_can_be_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with secure(authority.serve("localhost")) as port:
        trusting = ReadOnlyHttp(f"https://localhost:{port}", network=Network(ca_file=str(authority.file)))
        assert (await trusting.get("/")).json() == "over TLS"
        wary = ReadOnlyHttp(f"https://localhost:{port}")
        with pytest.raises(Declined, match="is not trusted"):
            await wary.get("/")
        # Trusted, but of another name.
        other = ReadOnlyHttp(f"https://127.0.0.1:{port}", network=Network(ca_file=str(authority.file)))
        with pytest.raises(Declined, match="is not trusted"):
            await other.get("/")
        for http in (trusting, wary, other):
            await http.aclose()


async def test_a_pinned_address_still_needs_the_certificate_of_its_host(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = ssl.create_default_context(cafile=str(authority.file))

    def client(host: str, port: int) -> ReadOnlyHttp:
        guard = PublicOnlyTransport(
            httpx.AsyncHTTPTransport(verify=trust), resolve=to_loopback, permits=lambda address: True
        )
        return ReadOnlyHttp(f"https://{host}:{port}", transport=guard)

    async with secure(authority.serve("docs.example.com")) as port:
        right, wrong = client("docs.example.com", port), client("other.example.com", port)
        assert (await right.get("/")).json() == "over TLS"
        with pytest.raises(Declined, match="is not trusted"):
            await wrong.get("/")
        await right.aclose()
        await wrong.aclose()


def test_a_ca_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("no certificate")
    for file in (tmp_path / "missing.pem", tmp_path / "not.pem"):
        with pytest.raises(ValueError, match="name a PEM file"):
            ReadOnlyHttp("https://example.com", network=Network(ca_file=str(file)))
    with pytest.raises(ValueError, match="http:// or https://"):
        ReadOnlyHttp("https://example.com", network=Network(proxy="ftp://example.com"))


async def test_a_proxy_is_used_when_configured_and_never_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(asked: Asked) -> bytes:
        return reply('"by the proxy"')

    async with web_server() as proxy, web_server({"/": reply('"directly"')}) as web:
        proxy.pages["http://status.example.com/"] = forward
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        direct = ReadOnlyHttp(web.url)
        assert (await direct.get("/")).json() == "directly"
        assert proxy.asked == []
        through = ReadOnlyHttp("http://status.example.com", network=Network(allow_private=False, proxy=proxy.url))
        assert (await through.get("/")).json() == "by the proxy"
        assert [asked.path for asked in proxy.asked] == ["http://status.example.com/"]
        for host in ("127.0.0.1", "localhost", "x.localhost.", "[::1]", "0x7f.1", "2130706433"):
            inside = ReadOnlyHttp(f"http://{host}", network=Network(allow_private=False, proxy=proxy.url))
            with pytest.raises(Declined, match="private address"):
                await inside.get("/")
            await inside.aclose()
        assert len(proxy.asked) == 1
        await direct.aclose()
        await through.aclose()
