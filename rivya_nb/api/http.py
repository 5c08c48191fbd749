"""What the two users of httpx share: its clients, one for each event loop, the bodies of its answers, unpacked in
small steps, and its errors in our words."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Awaitable, Iterator
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeVar

from rivya_nb._version import __version__
from rivya_nb.api.answers import printable
from rivya_nb.errors import NotDeliveredError, TransportError

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_TIMEOUT = 10.0
"""Seconds after which no connection is expected any more, however long an answer may take."""

PIECE = 64 * 1024
"""Bytes of an answer that are read, and unpacked, at a time."""

_PLAIN = frozenset({"identity", "aws-chunked"})
"""Encodings that change nothing; the second is what some object stores keep of how a file was uploaded."""

_ZLIB = {"gzip": 31, "x-gzip": 31}
"""What zlib calls the frame of an encoding. `deflate` is of either of two kinds, which its first bytes tell."""

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
            # What is not asked for here, `body_of` does not unpack.
            headers={"User-Agent": f"rivya-nb/{__version__}", "Accept-Encoding": "gzip, deflate"},
            # No cookie is kept: none is needed, and a stranger's would come back with the next picture.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._clients if loop.is_closed()]:
            del self._clients[loop]


async def body_of(response: httpx.Response, host: str) -> AsyncGenerator[bytes, None]:
    """An answer's body in pieces of at most `PIECE` bytes, which are unpacked where it is packed.

    httpx itself unpacks a whole piece, layer by layer, before anybody can count: 2 kB become gigabytes.

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
    """One layer of packing, taken off in steps. What follows its end is left out, as browsers do."""

    def __init__(self, encoding: str, host: str) -> None:
        self._frame = _ZLIB.get(encoding)
        self._host = host
        self._unpacker: zlib._Decompress | None = None

    def steps(self, packed: bytes) -> Iterator[bytes]:
        if not packed:
            return
        if self._unpacker is None:
            # By its standard, `deflate` has a head whose low four bits are 8; some servers leave that out.
            frame = self._frame or (15 if packed[0] & 15 == 8 else -15)
            self._unpacker = zlib.decompressobj(frame)
        # Where nothing is left to unpack, there may still be something that did not fit into the step before.
        is_full = True
        while (packed or is_full) and not self._unpacker.eof:
            try:
                step = self._unpacker.decompress(packed, PIECE)
            except zlib.error as error:
                raise self._broken(str(error)) from None
            packed, is_full = self._unpacker.unconsumed_tail, len(step) == PIECE
            yield step

    def finish(self) -> None:
        """See that the end has come. An empty body has none."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise self._broken("it is cut")

    def _broken(self, why: str) -> TransportError:
        return TransportError(
            f"{self._host} gave no whole answer: what is packed in it cannot be unpacked, {why}."
        )


async def guarded(step: Awaitable[T], host: str) -> T:
    """The result of a step with httpx; its failures as our errors, cut loose from where they arose.

    The frames of httpx and h11 hold a request's headers, the key among them, and a traceback keeps frames. So
    nothing that is raised here has a cause or a context, not even a cancellation.
    """
    try:
        return await step
    except BaseException as error:
        failure = _translate(error, host)
    failure.__cause__ = failure.__context__ = None
    raise failure.with_traceback(None)


def _translate(error: BaseException, host: str) -> BaseException:
    import httpx

    undelivered = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    if isinstance(error, (*undelivered, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return NotDeliveredError(f"{host} cannot be reached: {_words(error)}.")
    if isinstance(error, (httpx.TimeoutException, asyncio.TimeoutError)):
        return TransportError(f"{host} did not answer in time: {_words(error)}.")
    if isinstance(error, (httpx.HTTPError, httpx.StreamError)):
        return TransportError(f"{host} gave no whole answer: {_words(error)}.")
    return error


def _words(error: BaseException) -> str:
    name = type(error).__name__
    text = str(error).strip().rstrip(".")
    return f"{name}: {text}" if text else name
