"""Addresses: the service's origin, and which hosts are on this machine or in a private network."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from rivya_nb.contract.service import SANDBOX
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import NotConnectedError

DEFAULT_BASE_URL = "https://rivya.ai"

DEFAULT_PORTS = {"https": 443, "http": 80}

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    map(ipaddress.IPv6Network, ("2002::/16", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10"))
)

_HOST = re.compile(r"[A-Za-z0-9._:\-]+")


def service_origin(base_url: str) -> str:
    """The origin (`https://host[:port]`) of a base URL, in one spelling, so that it can name a service.

    Case, a dot at the end and the scheme's default port make no difference; a name in another script becomes
    ASCII.

    Raises:
        NotConnectedError: it is not an http(s) origin; it is plain http to another machine, where the key could
            be read on the way; or it contains a user name or password, which is not shown.
    """
    right = f"an origin such as {DEFAULT_BASE_URL} is needed"
    text = base_url.strip()
    if text.casefold() == SANDBOX != base_url:
        raise NotConnectedError(f"The sandbox is written {SANDBOX!r}, without capitals and spaces.")
    if "@" in text:
        raise NotConnectedError(f"The base URL contains a user name or a password; {right}.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotConnectedError(f"The base URL {short_repr(base_url)} cannot be read; {right}.") from None
    host = _canonical(host)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        raise NotConnectedError(f"The base URL {short_repr(base_url)} is not an http(s) address; {right}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise NotConnectedError(f"The base URL {short_repr(base_url)} has more than an origin; {right}.")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise NotConnectedError(
            f"The base URL {short_repr(base_url)} would send the key unencrypted; https is needed, "
            "plain http is for this machine's own addresses only."
        )
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{in_url(host)}{shown}"


def _canonical(host: str) -> str:
    """A host in its standard spelling; empty if a name in another script cannot be read."""
    host = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if host.isascii() and "xn--" not in host:
        return host
    import idna

    try:
        if host.isascii():
            idna.decode(host)
            return host
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def is_loopback_host(host: str) -> bool:
    """True if a host name or literal address is this machine's own; the name is not looked up."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = literal(host)
    return address is not None and address.is_loopback


def literal(host: str) -> IPAddress | None:
    """The IP address that a host spells out, IPv4 inside IPv6 unwrapped; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def is_public(address: IPAddress) -> bool:
    """True if an address belongs to the public internet: not loopback, private, link-local or multicast.

    An IPv6 address may stand for an IPv4 one, to which a gateway connects. Behind NAT64 that IPv4 address
    decides; outdated forms (6to4, IPv4-compatible, IPv4-translated), a network's own NAT64 prefix and
    site-local addresses are never public.
    """
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    outside = any(address in network for network in _NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not outside


def in_url(host: str) -> str:
    """A host as it is written in a URL: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
