"""The service: its address, the way to it, and the key. Nothing here costs credits."""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from typing import TYPE_CHECKING

from rivya_nb.contract.service import SANDBOX
from rivya_nb.doctor.verdicts import Verdicts, note, ok
from rivya_nb.errors import (
    ApiError,
    ApiScopeDeniedError,
    NotConnectedError,
    TransportError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.key import Key

PATIENCE = 6.0
"""Seconds for each step of a call, and for the whole of it."""

_VARIABLE = "RIVYA_BASE_URL"
_NOT_READ = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that other tools read for their certificates."""

_ON_THIS_MACHINE = "the sandbox on this machine, which is started when it is needed"


def address() -> Verdicts:
    """Whether the address of the service can be used, and is the one that is documented."""
    from rivya_nb.api.address import DEFAULT_BASE_URL, service_origin

    given = os.environ.get(_VARIABLE)
    if given == SANDBOX:
        yield ok(f"{_ON_THIS_MACHINE} ({_VARIABLE})")
        return
    origin = service_origin(given or DEFAULT_BASE_URL)
    if origin == DEFAULT_BASE_URL:
        yield ok(origin)
    else:
        yield note(
            f"{origin}, by {_VARIABLE}; the documented one is {DEFAULT_BASE_URL}: unset {_VARIABLE} to use it"
        )


def certificates() -> Verdicts:
    """Whether the certificates can be loaded by which services are known."""
    from rivya_nb.api import environment
    from rivya_nb.api.http import LoopClients

    LoopClients(timeout=PATIENCE, trust_env=False).check(secure=True)
    names = (environment.CERTIFICATES, environment.CERTIFICATES_FOLDER)
    given = next((name for name in names if os.environ.get(name)), None)
    yield ok("those of the package certifi" if given is None else f"those that {given} names")
    others = [name for name in _NOT_READ if os.environ.get(name)]
    if others and given is None:
        yield note(
            f"{others[0]} is not read here: where this network needs its certificates, let "
            f"{environment.CERTIFICATES} name the same file"
        )


def proxies() -> Verdicts:
    """Which proxies the environment names. The sandbox is reached without one."""
    from rivya_nb.api import environment
    from rivya_nb.api.address import DEFAULT_BASE_URL
    from rivya_nb.api.http import LoopClients

    LoopClients(timeout=PATIENCE, trust_env=True).check(secure=False)
    if not environment.names_proxies():
        yield ok("none")
        return
    given = os.environ.get(_VARIABLE)
    way = environment.proxy_hint(DEFAULT_BASE_URL if given in (None, "", SANDBOX) else given)
    yield ok(f"the service is reached{way or ' without one'}; the sandbox without one, whatever is set")
    if not urllib.request.proxy_bypass("127.0.0.1"):
        yield note(
            "NO_PROXY has no 127.0.0.1: other programs (curl, a browser) would ask the proxy for what is on this "
            "machine; set NO_PROXY=localhost,127.0.0.1"
        )


def service() -> Verdicts:
    """Whether the service answers; its list of models is public."""
    if os.environ.get(_VARIABLE) == SANDBOX:
        yield ok(_ON_THIS_MACHINE)
        return
    from rivya_nb.api.address import DEFAULT_BASE_URL, service_origin
    from rivya_nb.api.key import Key

    try:
        service_origin(os.environ.get(_VARIABLE) or DEFAULT_BASE_URL)
    except NotConnectedError:
        yield note("not asked, since the address is wrong")
        return
    client = _client(Key(None))
    started = time.monotonic()
    try:
        listed = asyncio.run(_models(client))
    except (ApiError, UnexpectedResponseError) as error:
        if _is_the_api(error):
            raise
        raise NotConnectedError(
            f"{_sentence(error)} Open {client.origin} in a browser: perhaps this network asks to log in, or "
            "another server is there."
        ) from None
    except TransportError as error:
        raise NotConnectedError(f"{_sentence(error)}{_advice(str(error))}") from None
    yield ok(f"{client.origin} answers within {time.monotonic() - started:.1f} s and lists {listed} models")


def key() -> Verdicts:
    """Whether there is a key, where it comes from, and whether the service takes it."""
    from rivya_nb.api.address import DEFAULT_BASE_URL, service_origin
    from rivya_nb.session.service import find_key

    own = os.environ.get(_VARIABLE) or DEFAULT_BASE_URL
    if own == SANDBOX:
        yield ok("the sandbox has a public one of its own; RIVYA_API_KEY is never sent to it")
        return
    from rivya_nb.api.key import Key

    try:
        origin = service_origin(own)
    except NotConnectedError:
        yield note("not looked for, since the address is wrong")
        return
    found = find_key(Key(None), origin, own)
    if not found.key:
        if found.is_advice:
            raise NotConnectedError(f"{found.source}.")
        raise NotConnectedError(
            f"{found.source}. Set RIVYA_API_KEY before the kernel starts; or, in a notebook, let `%rivya connect` "
            "ask for it, or use the sandbox, which needs none, with `%rivya sandbox`."
        )
    try:
        balance = asyncio.run(_balance(_client(found.key)))
    except ApiScopeDeniedError:
        yield note(f"{found.source}; the service knows it, and does not let it read the credits")
    except (ApiError, TransportError) as error:
        if _is_the_api(error):
            raise
        yield note(f"{found.source}; whether it is taken is not known, since the service was not reached")
    else:
        yield ok(f"{found.source}; the service takes it, and {balance:,} credits are left")


def _client(key: Key) -> RivyaClient:
    from rivya_nb.api.address import DEFAULT_BASE_URL
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.retry import RetryPolicy

    once = RetryPolicy(attempts=1, budget=PATIENCE)
    base_url = os.environ.get(_VARIABLE) or DEFAULT_BASE_URL
    return RivyaClient(key, base_url, timeout=PATIENCE, retries=once)


async def _models(client: RivyaClient) -> int:
    async with client:
        return len(await client.models.list())


async def _balance(client: RivyaClient) -> int:
    async with client:
        return (await client.credits.retrieve()).current_credits


def _is_the_api(error: ApiError | TransportError) -> bool:
    """Whether the service itself refuses: its refusals have a code, those of a proxy have none."""
    return isinstance(error, ApiError) and bool(error.code)


def _sentence(error: Exception) -> str:
    said = str(error)
    return said if said.endswith((".", "?")) else f"{said}."


def _advice(said: str) -> str:
    """What may be behind a service that is not reached, or whose certificate is not taken."""
    if "ProxyError: 407" in said:
        return (
            " That proxy wants a name and a password, as in http://NAME:PASSWORD@proxy.example:3128; write "
            "their special characters as %40 for @, %2F for /, %3A for :, %25 for %."
        )
    if "ProxyError: 30" in said:
        return " Perhaps this network asks to log in: open any page in a browser."
    if "CERTIFICATE_VERIFY_FAILED" not in said and " through the " in said:
        return " See whether that proxy is the right one, and runs; hosts in NO_PROXY are reached without it."
    if "CERTIFICATE_VERIFY_FAILED" not in said:
        return " See whether this machine is online, and whether its network needs a proxy, named in HTTPS_PROXY."
    if "expired" in said or "not yet valid" in said:
        now = time.strftime("%Y-%m-%d %H:%M")
        return f" This machine's clock says {now}: set it, if that is wrong."
    if "Hostname mismatch" in said or "is not valid for" in said:
        return " The certificate is another host's: correct the address."
    return (
        " Where a company's network opens encrypted connections, its own authority has to be trusted: let "
        "SSL_CERT_FILE name a file (PEM) that has it, together with those of certifi, and restart the kernel."
    )
