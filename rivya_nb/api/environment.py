"""The environment's certificates and proxies, and which variable is wrong if they cannot be used."""

from __future__ import annotations

import os
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from rivya_nb.api.address import is_loopback_host
from rivya_nb.contract.text import printable
from rivya_nb.errors import NotConnectedError

CERTIFICATES, CERTIFICATES_FOLDER, KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The names under which OpenSSL looks up certificates in a folder."""


def names_certificates() -> bool:
    """True if a variable changes how certificates are loaded."""
    return any(os.environ.get(name) for name in (CERTIFICATES, CERTIFICATES_FOLDER, KEY_LOG))


def names_proxies() -> bool:
    """True if the environment or the system has a proxy."""
    return bool(urllib.request.getproxies())


def has_no_certificates() -> bool:
    """True if the named folders have no certificates; OpenSSL itself does not complain about that."""
    folders = os.environ.get(CERTIFICATES_FOLDER)
    if not folders or os.environ.get(CERTIFICATES):
        return False
    return not any(_has_certificates(Path(folder)) for folder in folders.split(os.pathsep))


def _has_certificates(folder: Path) -> bool:
    try:
        return any(_HASHED.fullmatch(path.name) for path in folder.iterdir())
    except OSError:
        return False


def certificates_trouble() -> NotConnectedError:
    """The error for certificates that cannot be loaded."""
    file, log = os.environ.get(CERTIFICATES), os.environ.get(KEY_LOG)
    if file and not _is_loadable(file):
        return _trouble(CERTIFICATES, file, "not a readable file of certificates (PEM)")
    if has_no_certificates():
        folder = os.environ.get(CERTIFICATES_FOLDER, "")
        return _trouble(CERTIFICATES_FOLDER, folder, "not a folder with certificates under their hashes")
    if log:
        return _trouble(KEY_LOG, log, "not a file that can be written")
    return NotConnectedError(
        "The certificates of certifi cannot be loaded; pip install --force-reinstall certifi."
    )


def certificates_hint() -> str:
    """The end of a message: which variable says what certificates are trusted; empty if none does."""
    names = [name for name in (CERTIFICATES, CERTIFICATES_FOLDER) if os.environ.get(name)]
    return f"; {names[0]} says which certificates are trusted" if names else ""


def proxies_trouble() -> NotConnectedError:
    """The error for proxies that cannot be used. It does not show their addresses."""
    for scheme, address in urllib.request.getproxies().items():
        if scheme in ("http", "https", "all") and (why := _proxy_trouble(address)):
            name = _proxy_variable(scheme)
            where = f"{name} in the environment" if name else f"The system's proxy for {scheme}"
            return NotConnectedError(f"{where} {why}. Nothing was sent.")
    return NotConnectedError(
        "NO_PROXY in the environment has a name that cannot be read; correct it, or unset it. Nothing was sent."
    )


def proxy_hint(address: str) -> str:
    """A part of a message: the proxy before an origin or a host of pictures; empty if there is none."""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    host, proxies = parts.hostname or "", urllib.request.getproxies()
    scheme = next((scheme for scheme in (parts.scheme, "all") if scheme in proxies), None)
    if scheme is None or is_loopback_host(host) or urllib.request.proxy_bypass(host):
        return ""
    name = _proxy_variable(scheme)
    return f" through the proxy that {name} names" if name else " through the system's proxy"


def _proxy_variable(scheme: str) -> str | None:
    """The variable with the proxy for a scheme; None if the system's settings have it."""
    given = (name for name in os.environ if name.lower() == f"{scheme}_proxy" and os.environ[name])
    return next(given, None)


def _proxy_trouble(address: str) -> str | None:
    import httpx

    if address.lower().startswith(("socks4:", "socks4a:")):
        return (
            "names a SOCKS4 proxy, which is not supported; use http:// or socks5:// "
            "(pip install 'httpx[socks]'), or unset it"
        )
    try:
        httpx.AsyncHTTPTransport(verify=False, proxy=address if "://" in address else f"http://{address}")
    except ImportError:
        return 'names a SOCKS proxy, which needs one more package: pip install "httpx[socks]", or unset it'
    except (ValueError, httpx.InvalidURL):
        return (
            "is not the address of a proxy, such as http://proxy.example:3128; correct it (the @ and / of a "
            "password are written as %40 and %2F), or unset it"
        )
    return None


def _is_loadable(file: str) -> bool:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except (OSError, ValueError):
        return False
    return True


def _trouble(name: str, value: str, why: str) -> NotConnectedError:
    shown = printable(value, 200)
    return NotConnectedError(
        f"{name} in the environment names {shown!r}, which is {why}. Correct or unset it, then restart the "
        "kernel. Nothing was sent."
    )
