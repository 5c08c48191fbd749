"""Checks from which host a picture is fetched: the service gives the address, and it is not trusted."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from rivya_nb.api.address import DEFAULT_PORTS, in_url, is_loopback_host, is_public, literal
from rivya_nb.errors import NotDeliveredError, PictureError

MAX_URL = 8_000
_NO_ADDRESS = "The result's address is not a web address."


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address. `addresses` are the checked IP addresses of its host, the best first; empty if only
    a proxy can look them up. `host` is in ASCII, IPv6 without brackets."""

    parts: SplitResult
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def named(self) -> str:
        """`host[:port]`, for the Host header and messages. It never has the path, which may be a secret."""
        shown = in_url(self.host)
        return shown if self.port == DEFAULT_PORTS[self.parts.scheme] else f"{shown}:{self.port}"

    def url_at(self, address: str) -> str:
        """The URL with its host replaced by one of the addresses."""
        path = f"{self.parts.path}?{self.parts.query}" if self.parts.query else self.parts.path
        return f"{self.parts.scheme}://{in_url(address)}:{self.port}{path}"


async def check_target(url: str, *, loopback: bool, proxies: bool) -> Target:
    """Check a picture's address. With `loopback`, the service is on this machine, and its pictures may be,
    too.

    The connection is made to the returned IP addresses and the name is not looked up again, so that a name
    that changes between check and connection has no effect.

    Raises:
        PictureError: it is neither https nor the loopback of a loopback service; or it is a private address.
        NotDeliveredError: the name is not known.
    """
    parts, host, port = split_address(url)
    local = loopback and is_loopback_host(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise PictureError(f"The result's address at {host} is {parts.scheme}; https is needed.")
    proxied = proxies and _goes_through_proxy(host)
    addresses = await _resolve(host, port, required=not proxied)
    allowed = tuple(address for address in addresses if _is_allowed(address, local=local))
    if addresses and not allowed:
        raise PictureError(f"The result's address {host} leads into a private network ({addresses[0]}).")
    return Target(parts, host, port, () if proxied else allowed)


def resolved(url: str, service: str) -> str:
    """A picture's absolute address; `url` may be relative to the service. Raises PictureError if it is not an
    address."""
    if not url.strip():
        raise PictureError(_NO_ADDRESS)
    try:
        return urljoin(f"{service}/", url)
    except ValueError:
        raise PictureError(_NO_ADDRESS) from None


def redirected(url: str, location: str) -> str:
    """The target of a redirect, not checked yet. Raises PictureError if it is not an address."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise PictureError("The result's address redirects to something that is not a web address.") from None


def split_address(url: str) -> tuple[SplitResult, str, int]:
    """The parts of a picture's address, its host in ASCII, and its port. Raises PictureError if it is not an
    address."""
    if len(url) > MAX_URL or not url.isprintable():
        raise PictureError(_NO_ADDRESS)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = host if ":" in host else host.encode("idna").decode("ascii")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise PictureError(_NO_ADDRESS) from None
    if not host or not port or "@" in parts.netloc:
        raise PictureError(_NO_ADDRESS)
    return parts, host, port


def _goes_through_proxy(host: str) -> bool:
    known = urllib.request.getproxies()
    return ("https" in known or "all" in known) and not urllib.request.proxy_bypass(host)


async def _resolve(host: str, port: int, *, required: bool) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        if not required:
            return []
        reason = error.strerror or str(error)
    else:
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))
    raise NotDeliveredError(f"{host} cannot be reached: {reason}.")


def _is_allowed(text: str, *, local: bool) -> bool:
    address = literal(text)
    return address is not None and (address.is_loopback if local else is_public(address))
