"""Where a request may go and whom it trusts: addresses checked before they are connected to, certificates, proxies.

A host that comes from outside (a page of a site, a redirect, a status page) could lead to a machine that only we can reach.
Its name is therefore resolved here, every address is checked, and the connection goes to the address that was checked:
a name server that answers differently the next time changes nothing.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from connectors.http_failures import Declined
from models.tenant import Reached
from models.vocabulary import EvidenceStatus

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""From a host and a port to its addresses, as the system resolves them."""

_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")
_OF_CLOUDS = frozenset({ip_address("168.63.129.16")})
"""Public by number, yet answered by the machine's own host: Azure's metadata and keys."""
_TRIES = 3
"""Addresses of one host that are tried, as many hosts have one of IPv6 that leads nowhere."""


@dataclass(frozen=True)
class Network:
    """How a client gets out."""

    allow_private: bool = True
    """False for whatever others may name: private, local and reserved addresses are refused."""
    ca_file: str = ""
    """PEM file of a CA that is trusted beside the public ones."""
    proxy: str = ""
    """URL of a proxy; none from the environment."""


def network_of(config: Reached, *, allow_private: bool = True) -> Network:
    """Return how a configured far end is reached. What an administrator names may be private unless it says otherwise."""
    return Network(allow_private, config.ca_file, str(config.proxy or ""))


OPEN_NETWORK = Network()
"""For far ends that the administrator names: anywhere, public certificates, no proxy."""


def make_transport(network: Network, max_connections: int) -> httpx.AsyncBaseTransport:
    """Build a pooled transport that never retries.

    Raises:
        ValueError: the CA's file cannot be read, or the proxy is no http or https URL.
    """
    if network.proxy and httpx.URL(network.proxy).scheme not in ("http", "https"):
        raise ValueError(
            f"proxy {httpx.URL(network.proxy).scheme!r}:// is not supported; name one by http:// or https://"
        )
    pool = httpx.AsyncHTTPTransport(
        verify=_trust(network.ca_file),
        limits=httpx.Limits(max_connections=max_connections, keepalive_expiry=60),
        retries=0,
        trust_env=False,
        proxy=network.proxy or None,
    )
    if network.allow_private:
        return pool
    return PublicOnlyTransport(pool, through_proxy=bool(network.proxy))


class PublicOnlyTransport(httpx.AsyncBaseTransport):
    """Connects to public addresses alone, and to the very address that was checked.

    Behind a proxy the names are the proxy's to resolve, so there only what is written as an address, or is this machine's own
    name, is refused here.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        through_proxy: bool = False,
        resolve: Resolve | None = None,
        permits: Callable[[Address], bool] | None = None,
    ) -> None:
        """Wrap a transport; `resolve` and `permits` replace the system's resolver and `is_public`."""
        self._inner = inner
        self._through_proxy = through_proxy
        self._resolve = resolve or resolve_by_system
        self._permits = permits or is_public

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send to the first checked address that takes the connection.

        Raises:
            Declined: an address of the host is not public; nothing was sent.
        """
        host = request.url.host
        if self._through_proxy:
            self._check(host, [host] if _literal(host) else _own_names(host))
            return await self._inner.handle_async_request(request)
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = [host] if _literal(host) else await self._lookup(request, host, port)
        self._check(host, addresses)
        *spare, last = addresses[:_TRIES]
        for address in spare:
            with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._inner.handle_async_request(_pinned(request, address))
        return await self._inner.handle_async_request(_pinned(request, last))

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()

    async def _lookup(self, request: httpx.Request, host: str, port: int) -> list[str]:
        patience = request.extensions.get("timeout", {}).get("connect")
        try:
            async with asyncio.timeout(patience):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise httpx.ConnectTimeout("the name server gave no answer in time", request=request) from None
        except (OSError, UnicodeError):
            raise httpx.ConnectError("the name does not resolve", request=request) from None
        if not found:
            raise httpx.ConnectError("the name has no address", request=request)
        return found

    def _check(self, host: str, addresses: list[str]) -> None:
        # One private address among public ones is refused too: nobody publishes that by accident of ours.
        for address in addresses:
            if not self._permits(ip_address(address.partition("%")[0])):
                raise Declined(
                    EvidenceStatus.FAILED,
                    f"{host!r} leads to a private address, which is not asked; set `allow_private: true` if it is yours",
                )


def is_public(address: Address) -> bool:
    """Whether an address is reached over the internet alone, also what other forms of it hide inside."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and address not in _OF_CLOUDS


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Resolve a name, or a number in any form that the system takes for an address (`2130706433`, `0x7f.1`)."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64 or (address in _V4_COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _own_names(host: str) -> list[str]:
    """Return what the names and numbers mean that mean the same everywhere; nothing for what only a name server knows."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return ["127.0.0.1"]
    try:
        return [socket.inet_ntoa(socket.inet_aton(name))]
    except OSError:
        return []


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """Return the request to that address; the host stays in its header, and in what the certificate must be for."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


@lru_cache(maxsize=16)
def _trust(ca_file: str) -> ssl.SSLContext:
    # Loading the certificates takes tens of milliseconds; clients share a context.
    context = httpx.create_ssl_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"the CA file {ca_file!r} cannot be read ({type(error).__name__}); name a PEM file with certificates"
            ) from None
    return context
