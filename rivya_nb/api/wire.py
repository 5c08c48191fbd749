"""One call: sent, repeated if that helps, logged, and read as JSON or as an error."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from rivya_nb.api.address import is_loopback_host
from rivya_nb.api.answers import MAX_JSON, Answer, make_answer, read_json
from rivya_nb.api.http import LoopClients, body_of, guarded
from rivya_nb.api.key import Key
from rivya_nb.api.retry import OnWait, RetryPolicy, repeat
from rivya_nb.errors import NotConnectedError, TransportError

if TYPE_CHECKING:
    import httpx

PREFIX = "/api/v1"

WHOLE = 1.5
"""The whole sending, and then the whole answer, may take so many times a single step's time. It is more than
1, so that a single step without data ends as such."""

SLOWEST_LINE = 50_000
"""Bytes per second: a file that is sent gets the additional time that it needs at this rate."""

logger = logging.getLogger("rivya_nb.api")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart form, read from disk during the sending if `source` is a path."""

    source: Path | bytes = field(repr=False)
    name: str
    mime_type: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `name` is its name in messages and notices.

    A `public` call is sent without the key. A `billed` call may cost credits each time the service takes it
    as new. `retries` replaces the policy for this call; `until` is that of `retry.repeat`.
    """

    name: str
    method: str
    path: str
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    public: bool = False
    billed: bool = False
    retries: RetryPolicy | None = None
    until: float | None = None


class Wire:
    """Sends calls to one origin with one key.

    `timeout` in seconds holds for each step: connecting, and waiting for the other side to take or give the
    next bytes. All steps together have `WHOLE` times as long, and all attempts together `policy.budget`; the
    time for sending a file is added to both.
    """

    def __init__(
        self, origin: str, key: Key, *, timeout: float, policy: RetryPolicy, on_wait: OnWait | None
    ) -> None:
        self.origin = origin
        self.key = key
        self._timeout = timeout
        self.policy = policy
        self._on_wait = on_wait
        host = urlsplit(origin).hostname or ""
        self.is_secure = origin.startswith("https:")
        # A proxy between this machine and itself would see the key in plain text.
        self.clients = LoopClients(timeout=timeout, trust_env=not is_loopback_host(host))

    async def json(self, call: Call) -> object:
        """The JSON of the answer.

        Raises:
            ApiError: the service refused.
            TransportError: no usable answer; only `NotDeliveredError` says that the service did not act.
            NotConnectedError: the call needs a key and there is none.
        """
        if not call.public and not self.key:
            raise NotConnectedError(
                f"{call.name} needs an API key and none was given; set RIVYA_API_KEY, or use the sandbox."
            )

        async def attempt() -> object:
            return read_json(await self._exchange(call), call.name)

        policy = call.retries or self.policy
        return await repeat(
            attempt,
            call=call.name,
            policy=replace(policy, budget=policy.budget + await _sending_time(call.upload)),
            on_wait=self._on_wait,
            billed=call.billed,
            until=call.until,
        )

    async def _exchange(self, call: Call) -> Answer:
        started = time.perf_counter()
        outcome = "cancelled"
        request_id: str | None = None
        try:
            answer = await guarded(self._send(call), self.origin, self.key.scrub)
            outcome, request_id = str(answer.status), answer.request_id
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            took = (time.perf_counter() - started) * 1000
            logger.debug(
                "%s %s%s -> %s in %.0f ms, request %s",
                call.method,
                PREFIX,
                call.path,
                outcome,
                took,
                request_id or "unknown",
            )
        return answer

    async def _send(self, call: Call) -> Answer:
        client = await self.clients.current(secure=self.is_secure)
        import httpx  # by now it is there

        async with contextlib.AsyncExitStack() as stack:
            request = client.build_request(
                call.method,
                f"{self.origin}{PREFIX}{call.path}",
                headers={"Accept": "application/json", **call.headers},
                content=call.content,
                **await _form(call.upload, stack),
            )
            sign = None if call.public else self.key.sign
            response: httpx.Response | None = None
            body = bytearray()
            try:
                async with self._limited(request, await _sending_time(call.upload)):
                    response = await client.send(request, stream=True, auth=sign, follow_redirects=False)
                    stack.push_async_callback(response.aclose)
                    await _read(response, self.origin, body)
            except (TransportError, TimeoutError, httpx.HTTPError, httpx.StreamError):
                # The status line alone shows a refusal, even if the reason could not be read.
                if response is None or not response.is_client_error:
                    raise
            return make_answer(response.status_code, response.headers, bytes(body), self.key)

    @contextlib.asynccontextmanager
    async def _limited(self, request: httpx.Request, sending: float) -> AsyncIterator[None]:
        """Limit the time of a request as a whole, however slowly its bytes come; `sending` in seconds."""
        import anyio

        whole = WHOLE * self._timeout
        # Connecting has its own limit, which proves that nothing was delivered.
        with anyio.fail_after(None) as limit:

            async def follow(event: str, _: Mapping[str, Any]) -> None:
                # Through a proxy there are two requests: to the proxy, and then the request itself.
                if event.endswith("send_request_headers.started"):
                    limit.deadline = anyio.current_time() + whole + sending
                elif event.endswith("send_request_body.complete"):
                    limit.deadline = anyio.current_time() + whole

            request.extensions["trace"] = follow
            yield


async def _sending_time(upload: Upload | None) -> float:
    """The additional seconds for the upload of a file."""
    if upload is None:
        return 0.0
    source = upload.source
    size = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size
    return size / SLOWEST_LINE


async def _form(upload: Upload | None, stack: contextlib.AsyncExitStack) -> dict[str, Any]:
    if upload is None:
        return {}
    content: BinaryIO
    if isinstance(upload.source, Path):
        content = stack.enter_context(await asyncio.to_thread(upload.source.open, "rb"))
    else:
        # As a file, because bytes would be one piece, with a single step's time for all of them.
        content = io.BytesIO(upload.source)
    return {"data": dict(upload.fields), "files": {"file": (upload.name, content, upload.mime_type)}}


async def _read(response: httpx.Response, origin: str, body: bytearray) -> None:
    """Add an answer's body to `body`, which keeps what came before an error."""
    async with contextlib.aclosing(body_of(response, origin)) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > MAX_JSON:
                raise TransportError(
                    f"{origin} sent more than {MAX_JSON // 1_000_000} MB where JSON was expected."
                )
