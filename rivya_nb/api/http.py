"""What the two users of httpx share: its clients, one for each event loop, and its errors in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeVar

from rivya_nb._version import __version__
from rivya_nb.contract.text import printable
from rivya_nb.errors import NotDeliveredError, TransportError

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_TIMEOUT = 10.0
"""Seconds after which no connection is expected any more, however long an answer may take."""

MAX_WORDS = 200
"""Characters of what httpx says that are shown."""

T = TypeVar("T")


@cache
def _certificates() -> ssl.SSLContext:
    # Loading them takes some 30 ms, and httpx would load them again for each client.
    import httpx

    return httpx.create_ssl_context()


class LoopClients:
    """httpx clients, made when first needed: connections belong to the event loop that opened them.

    `trust_env` tells whether the environment's proxies are used.
    """

    def __init__(self, *, timeout: float, trust_env: bool) -> None:
        self._timeout = timeout
        self._trust_env = trust_env
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    async def current(self) -> httpx.AsyncClient:
        """The running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # The import and the certificates would hold up the kernel's loop for a tenth of a second.
            certificates = await asyncio.to_thread(_certificates)
            self._forget_closed_loops()
            if loop not in self._clients:
                self._clients[loop] = self._make(certificates)
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _make(self, certificates: ssl.SSLContext) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            verify=certificates,
            trust_env=self._trust_env,
            timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT_TIMEOUT)),
            headers={"User-Agent": f"rivya-nb/{__version__}"},
            # No cookie is kept: none is needed, and a stranger's would come back with the next picture.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._clients if loop.is_closed()]:
            del self._clients[loop]


async def guarded(step: Awaitable[T], host: str, scrub: Callable[[str], str] = str) -> T:
    """The result of a step with httpx; its failures as our errors, cut loose from where they arose.

    Their words may repeat what the other side sent, and go through `scrub`.

    The frames of httpx and h11 hold a request's headers, the key among them, and a traceback keeps frames. So
    nothing that is raised here has a cause or a context, not even a cancellation.
    """
    try:
        return await step
    except BaseException as error:
        failure = _translate(error, host, scrub)
    failure.__cause__ = failure.__context__ = None
    raise failure.with_traceback(None)


def _translate(error: BaseException, host: str, scrub: Callable[[str], str]) -> BaseException:
    import httpx

    words = printable(scrub(_words(error)), MAX_WORDS)
    undelivered = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, (*undelivered, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return NotDeliveredError(f"{host} cannot be reached: {words}.")
    if isinstance(error, (httpx.TimeoutException, asyncio.TimeoutError, TimeoutError)):
        return TransportError(f"{host} did not answer in time: {words}.")
    if isinstance(error, (httpx.HTTPError, httpx.StreamError)):
        return TransportError(f"{host} gave no whole answer: {words}.")
    return error


def _words(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error).strip().rstrip(".")
    return f"{name}: {text}" if text else name
