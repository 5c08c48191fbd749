"""Shared by the two users of httpx: clients for each event loop, unpacking of bodies in small steps, and
errors in the words of this package."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeVar

from rivya_nb._version import __version__
from rivya_nb.api import environment
from rivya_nb.contract.text import printable
from rivya_nb.errors import NotDeliveredError, TransportError
from rivya_nb.imports import imported

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_TIMEOUT = 10.0
"""The most seconds for a connection, also if an answer may take longer."""

CONNECTIONS = 32
"""The most connections of a client; further calls wait for one. With 100, each call costs half as much again,
because httpx looks at all of them."""

KEPT_OPEN = 50.0
"""Seconds after which an unused connection is closed. Polls are 5 s apart, which is as long as httpx itself keeps
one; load balancers keep theirs for 60 s and more."""

PIECE = 64 * 1024
"""Bytes of an answer that are read, and unpacked, at a time."""

_PLAIN = frozenset({"identity", "aws-chunked"})
"""Encodings that change nothing; some object stores keep the second from the upload of a file."""

_ZLIB = {"gzip": 31, "x-gzip": 31}
"""The window bits of zlib for an encoding. `deflate` has two forms, which its first bytes tell apart."""

MAX_WORDS = 200
"""The most characters of a message of httpx that are shown."""

T = TypeVar("T")

_MODULES = ("httpx", "httpcore", "anyio._backends._asyncio", "encodings.idna", "encodings.utf_8_sig")
"""What a call imports; httpx and Python import some of it only when they need it first."""


@cache
def _certificates() -> ssl.SSLContext:
    # Cached: loading takes some 30 ms, and httpx would load them for each client.
    import httpx

    try:
        context = httpx.create_ssl_context()
    except OSError:
        context = None
    if context is None or environment.has_no_certificates():
        raise environment.certificates_trouble()
    return context


def _prepared(secure: bool) -> ssl.SSLContext:
    """What a client needs: its modules, and this SSL context. OpenSSL, too, has locks that a forked process would
    wait for."""
    with imported(*_MODULES):
        return _certificates() if secure else _trusting_nobody()


class LoopClients:
    """httpx clients, created when needed: connections belong to the event loop that opened them.

    With `trust_env`, the environment's proxies are used.
    """

    def __init__(self, *, timeout: float, trust_env: bool) -> None:
        self._timeout = timeout
        self._trust_env = trust_env
        self._clients: dict[tuple[asyncio.AbstractEventLoop, bool], httpx.AsyncClient] = {}

    def check(self, *, secure: bool) -> None:
        """Check that the environment allows to create a client; it does nothing if the environment has no
        settings.

        Raises:
            NotConnectedError: a variable is wrong; the message names it.
        """
        if secure and environment.names_certificates():
            _certificates()
        if self._trust_env and environment.names_proxies():
            self._make(_trusting_nobody())

    async def current(self, *, secure: bool = True) -> httpx.AsyncClient:
        """The running loop's client; only a `secure` one has certificates and can use https.

        Raises:
            NotConnectedError: as for `check`.
        """
        place = asyncio.get_running_loop(), secure
        if place not in self._clients:
            # Off the loop: the imports and the certificates take some tenths of a second.
            certificates = await asyncio.to_thread(_prepared, secure)
            self._forget_closed_loops()
            if place not in self._clients:
                self._clients[place] = self._make(certificates)
        return self._clients[place]

    async def aclose(self) -> None:
        loop = asyncio.get_running_loop()
        for place in [place for place in self._clients if place[0] is loop]:
            await self._clients.pop(place).aclose()

    def _make(self, certificates: ssl.SSLContext) -> httpx.AsyncClient:
        import httpx

        try:
            return httpx.AsyncClient(
                verify=certificates,
                trust_env=self._trust_env,
                timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT_TIMEOUT)),
                limits=httpx.Limits(
                    max_connections=CONNECTIONS,
                    max_keepalive_connections=CONNECTIONS,
                    keepalive_expiry=KEPT_OPEN,
                ),
                # `body_of` unpacks only these.
                headers={"User-Agent": f"rivya-nb/{__version__}", "Accept-Encoding": "gzip, deflate"},
                # No cookies are kept: a foreign host's would be sent with the next picture.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            # Without a cause: the message of httpx shows a proxy's user name.
            trouble = environment.proxies_trouble()
        raise trouble

    def _forget_closed_loops(self) -> None:
        for place in [place for place in self._clients if place[0].is_closed()]:
            del self._clients[place]


def _trusting_nobody() -> ssl.SSLContext:
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def body_of(response: httpx.Response, host: str) -> AsyncGenerator[bytes, None]:
    """An answer's body in pieces of at most `PIECE` bytes, unpacked if it is packed.

    httpx itself unpacks a whole piece before its size can be checked: 2 kB may become gigabytes.

    Raises:
        TransportError: the body is packed more than once, or in an unknown way, and was not read; or it is
            damaged or cut.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    layers = [name for each in named if (name := each.strip()) and name not in _PLAIN]
    if len(layers) > 1 or not {"deflate", *_ZLIB}.issuperset(layers):
        raise TransportError(
            f"{host} sent an answer packed as {printable(', '.join(layers), 60)}, which was not read; "
            "gzip or deflate, once, is what is unpacked here."
        )
    unpacking = _Unpacking(layers[0], host) if layers else None
    async for piece in response.aiter_raw(PIECE):
        if unpacking is None:
            yield piece
        else:
            for step in unpacking.steps(piece):
                yield step
    if unpacking is not None:
        unpacking.finish()


class _Unpacking:
    """Unpacks one encoding in steps. Bytes after its end are ignored, as browsers do."""

    def __init__(self, encoding: str, host: str) -> None:
        self._frame = _ZLIB.get(encoding)
        self._host = host
        self._unpacker: zlib._Decompress | None = None

    def steps(self, packed: bytes) -> Iterator[bytes]:
        if not packed:
            return
        if self._unpacker is None:
            # By the standard, `deflate` has a header whose low four bits are 8; some servers leave it out.
            frame = self._frame or (15 if packed[0] & 15 == 8 else -15)
            self._unpacker = zlib.decompressobj(frame)
        # Even without new bytes there may be output that did not fit into the last step.
        is_full = True
        while (packed or is_full) and not self._unpacker.eof:
            try:
                step = self._unpacker.decompress(packed, PIECE)
            except zlib.error as error:
                raise self._broken(str(error)) from None
            packed, is_full = self._unpacker.unconsumed_tail, len(step) == PIECE
            yield step

    def finish(self) -> None:
        """Check that the end has come. An empty body has no end."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise self._broken("it is cut")

    def _broken(self, why: str) -> TransportError:
        return TransportError(
            f"{self._host} gave no whole answer: what is packed in it cannot be unpacked, {why}."
        )


async def guarded(step: Awaitable[T], host: str, scrub: Callable[[str], str] = str) -> T:
    """Await a step with httpx, and translate its errors, detached from their origin.

    Their messages may repeat what the other side sent, so they go through `scrub`.

    The frames of httpx and h11 have a request's headers, with the key, and a traceback keeps frames. So
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
    unreachable = f"{host} cannot be reached{environment.proxy_hint(host)}: {words}"
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return NotDeliveredError(f"{unreachable}.", may_pass=False)
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in words:
        hint = environment.certificates_hint()
        return NotDeliveredError(f"{unreachable}{hint}.", may_pass=False)
    undelivered = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, undelivered):
        return NotDeliveredError(f"{unreachable}.")
    if isinstance(error, (httpx.TimeoutException, asyncio.TimeoutError, TimeoutError)):
        return TransportError(f"{host} did not answer in time: {words}.")
    if isinstance(error, (httpx.HTTPError, httpx.StreamError)):
        return TransportError(f"{host} gave no whole answer: {words}.")
    return error


def _words(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error).strip().rstrip(".")
    return f"{name}: {text}" if text else name
