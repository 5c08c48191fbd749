"""The client: the documented calls, named as in the service's own SDK.

```python
async with RivyaClient() as client:
    task = await client.generations.create(request)
    while not task.finished:
        await asyncio.sleep(5)
        task = await client.generations.retrieve(task.id)
```
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

from rivya_nb.api.address import DEFAULT_BASE_URL, service_origin
from rivya_nb.api.answers import unexpected_shape
from rivya_nb.api.key import KEY_VARIABLE, Key, mistake_in_environment
from rivya_nb.api.records import (
    Credits,
    ModelEntry,
    ShapeError,
    Task,
    UploadedFile,
    read_credits,
    read_document,
    read_file,
    read_models,
    read_task,
)
from rivya_nb.api.retry import OnWait, RetryPolicy
from rivya_nb.api.wire import Call, Upload, Wire
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, NotConnectedError, UsageError

TIMEOUT = 30.0
"""Seconds for each step of a call (sending, waiting for the answer, reading its body)."""

MAX_CLIENT_REQUEST_ID = 128
"""The most characters; documented for files, and used for generations, too."""

_HEADER_VALUE = re.compile(r"[!-~]{1,255}")
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)

T = TypeVar("T")


class RivyaClient:
    """A client of one service; its methods are coroutines and may be used from several event loops.

    Args:
        api_key: the key; if None, `RIVYA_API_KEY`. It is sent to the service's origin only.
        base_url: the service's origin; if None, `RIVYA_BASE_URL`, else `https://rivya.ai`.
        timeout: seconds for each step of a call, but at most 10 for the connection. The whole answer may take one
            and a half times as long.
        retries: when a call is repeated, and how long that may take.
        on_wait: called before each wait, in the task that waits.

    Attributes:
        origin: the service's origin, `https://host[:port]`.
        retries: when a call is repeated.
        has_key: whether there is a key; without one only `models` and `openapi` can be called.
        generations: asks for pictures, and tells how they are; a `Generations`.
        files: uploads references; a `Files`.
        credits: the balance; a `CreditsCalls`.
        models: the service's list of models; a `Models`.
        openapi: the service's own description; an `OpenAPI`.

    Raises:
        NotConnectedError: the key cannot be a key, or the key may not be sent to the base URL.
    """

    def __init__(
        self,
        api_key: str | Key | None = None,
        base_url: str | None = None,
        *,
        timeout: float = TIMEOUT,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        on_wait: OnWait | None = None,
    ) -> None:
        is_environments = api_key is None
        if api_key is None:
            api_key = Key(os.environ.get(KEY_VARIABLE))
        key = api_key if isinstance(api_key, Key) else Key(api_key)
        del api_key  # a traceback that shows this frame's names must not show the key
        if (mistake := key.mistake) is not None:
            raise NotConnectedError(
                mistake_in_environment(mistake)
                if is_environments
                else f"The API key {mistake}; only the key itself is needed, as your account's page shows it "
                "(it is not shown here)."
            )
        if base_url is None:
            base_url = os.environ.get("RIVYA_BASE_URL") or DEFAULT_BASE_URL
        origin = service_origin(base_url)
        self.origin = origin
        self.retries = retries
        self.has_key = bool(key)
        self._wire = wire = Wire(origin, key, timeout=timeout, policy=retries, on_wait=on_wait)
        self.models = Models(wire)
        self.generations = Generations(wire)
        self.files = Files(wire)
        self.credits = CreditsCalls(wire)
        self.openapi = OpenAPI(wire)

    def __repr__(self) -> str:
        if not hasattr(self, "has_key"):
            return "RivyaClient(refused)"  # a traceback shows it half made
        return f"RivyaClient({self.origin!r}, key {'set' if self.has_key else 'not set'})"

    def check(self) -> None:
        """Check without a call that the environment's certificates and proxies can be used.

        Raises:
            NotConnectedError: a variable for certificates or proxies is wrong; the message names it.
        """
        self._wire.clients.check(secure=self._wire.is_secure)

    async def aclose(self) -> None:
        """Close the connections of the running event loop. A later call opens new ones."""
        await self._wire.clients.aclose()

    async def __aenter__(self) -> RivyaClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class _Calls:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def _read(self, call: Call, read: Callable[[object], T]) -> T:
        data = await self._wire.json(call)
        try:
            return read(data)
        except ShapeError as error:
            expected = str(error)
        raise unexpected_shape(call.name, expected, data, self._wire.key)


class Models(_Calls):
    """`GET /models`; public, sent without the key."""

    async def list(self, *, retries: RetryPolicy | None = None) -> tuple[ModelEntry, ...]:
        """The models that the service lists now, callable or not; `retries` replaces the client's own.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
        """
        call = Call("models.list", "GET", "/models", public=True, retries=retries)
        return await self._read(call, read_models)


class Generations(_Calls):
    """`POST /generations` and `GET /generations/{id}`."""

    async def create(
        self,
        request: Request | bytes,
        *,
        idempotency_key: str | None = None,
        client_request_id: str | None = None,
        references: Sequence[Mapping[str, Any]] = (),
        retries: RetryPolicy | None = None,
        repeat_until: float | None = None,
    ) -> Task:
        """Submit a request; it costs credits.

        An idempotency key is always sent; a new one is made if none is given. Every repetition within this
        call has the same key and the same bytes. To call again after a `TransportError`, keep the key and the
        bytes (`generation_body`), and give both.

        Args:
            request: a request, or the exact bytes of a body, which are sent unchanged.
            idempotency_key: 1 to 255 visible ASCII characters.
            client_request_id: a trace id, at most 128 characters; if None, the idempotency key.
            references: the request's uploaded references in its order (`UploadedFile.media_item`).
            retries: replaces the client's own.
            repeat_until: if an earlier call with this key got no answer, the seconds since the epoch after which
                nothing is repeated, because the service may have forgotten the key. None: 24 hours after the first
                attempt without an answer.

        Raises:
            ApiError: refused; no attempt of this call was taken.
            NotDeliveredError: no attempt of this call reached the service.
            TransportError: otherwise; a task may have been created, and billed.
            UsageError: an argument is wrong; nothing was sent.
        """
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        if not _HEADER_VALUE.fullmatch(key):
            raise UsageError(
                [Mistake("idempotency_key", f"{short_repr(key)} is not 1 to 255 visible ASCII characters")]
            )
        if isinstance(request, bytes):
            if references or client_request_id is not None:
                raise UsageError(
                    "A body of bytes is sent unchanged; to add references or an id, give the request itself."
                )
            body = request
        else:
            trace_id = key[:MAX_CLIENT_REQUEST_ID] if client_request_id is None else client_request_id
            body = generation_body(request, references, trace_id)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        call = Call(
            "generations.create",
            "POST",
            "/generations",
            content=body,
            headers=headers,
            billed=True,
            retries=retries,
            until=repeat_until,
        )
        return await self._read(call, read_task)

    async def retrieve(self, task_id: str, *, retries: RetryPolicy | None = None) -> Task:
        """The task in its current state; `retries` replaces the client's own.

        Raises:
            NotFoundError: the service does not know the task.
            ApiError, TransportError: the service refused, or did not answer.
            UsageError: the id cannot be one.
        """
        path = f"/generations/{_segment('task_id', task_id)}"
        return await self._read(Call("generations.retrieve", "GET", path, retries=retries), read_task)


class Files(_Calls):
    """`POST /files` and `GET /files/{id}`."""

    async def upload(
        self,
        source: Path | bytes,
        *,
        kind: str,
        model: str,
        mime_type: str,
        name: str,
        client_request_id: str | None = None,
    ) -> UploadedFile:
        """Upload a reference, streamed from disk where `source` is a path.

        Args:
            kind: `image`, `video` or `audio`.
            model: the model whose limits the service applies.
            mime_type: such as `image/png`.
            name: the file's name, without a folder.
            client_request_id: a trace id, at most 128 characters.

        Raises:
            UsageError: the file cannot be read, or an argument is wrong; nothing was sent.
            ApiError, TransportError: the service refused, or did not answer.
        """
        if not _MIME_TYPE.fullmatch(mime_type):
            raise UsageError(
                [Mistake("mime_type", f"{short_repr(mime_type)} is not a MIME type such as image/png")]
            )
        fields = {"kind": kind, "model": model}
        if client_request_id is not None:
            fields["client_request_id"] = _trace_id(client_request_id)
        sendable = name.encode("utf-8", "replace").decode("utf-8")
        call = Call("files.upload", "POST", "/files", upload=Upload(source, sendable, mime_type, fields))
        try:
            return await self._read(call, read_file)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        raise UsageError(
            [Mistake(str(source) if isinstance(source, Path) else name, f"cannot be read: {reason}")]
        )

    async def retrieve(self, file_id: str) -> UploadedFile:
        """The uploaded file as the service has it now. Raises what `upload` raises."""
        return await self._read(
            Call("files.retrieve", "GET", f"/files/{_segment('file_id', file_id)}"), read_file
        )


class CreditsCalls(_Calls):
    """`GET /credits`."""

    async def retrieve(self, *, retries: RetryPolicy | None = None) -> Credits:
        """The account's balance; `retries` replaces the client's own.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
        """
        return await self._read(Call("credits.retrieve", "GET", "/credits", retries=retries), read_credits)


class OpenAPI(_Calls):
    """`GET /openapi.json`; public, sent without the key."""

    async def retrieve(self) -> Mapping[str, Any]:
        """The service's OpenAPI document, as it came.

        Raises:
            ApiError, TransportError: the service refused, or did not answer.
        """
        return await self._read(Call("openapi.retrieve", "GET", "/openapi.json", public=True), read_document)


def generation_body(
    request: Request, references: Sequence[Mapping[str, Any]], client_request_id: str
) -> bytes:
    """The exact bytes that `create` sends for a request: UTF-8 JSON.

    Raises:
        UsageError: the number of uploaded references is not that of the request, or the id is too long.
    """
    if len(references) != len(request.references):
        missing = f"{len(request.references)} references belong to the request, {len(references)} were given"
        raise UsageError([Mistake("references", missing)])
    body = request.body(references, _trace_id(client_request_id))
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _trace_id(text: str) -> str:
    if len(text) > MAX_CLIENT_REQUEST_ID:
        message = f"{len(text)} characters are too many; {MAX_CLIENT_REQUEST_ID} are allowed"
        raise UsageError([Mistake("client_request_id", message)])
    return text


def _segment(argument: str, text: str) -> str:
    """An id as one segment of a path, with any characters escaped."""
    if text in ("", ".", ".."):
        raise UsageError([Mistake(argument, f"{short_repr(text)} is not an id")])
    return quote(text.encode("utf-8", "replace"), safe="")
