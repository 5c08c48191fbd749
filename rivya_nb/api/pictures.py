"""Downloads the pictures of a task: from a foreign host, without the key, and checked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from rivya_nb.api.address import is_loopback_host
from rivya_nb.api.answers import parse_retry_after
from rivya_nb.api.data_url import is_data_url, read_data_url
from rivya_nb.api.hosts import (
    Target,
    check_target,
    redirected,
    resolved,
    split_address,
)
from rivya_nb.api.http import LoopClients, body_of, guarded
from rivya_nb.api.inspection import Inspected, SpoiledError, inspect
from rivya_nb.api.retry import OnWait, RetryPolicy, repeat
from rivya_nb.errors import (
    NotConnectedError,
    NotDeliveredError,
    PictureError,
    TransportError,
    UnexpectedResponseError,
)
from rivya_nb.imaging.workers import in_worker

if TYPE_CHECKING:
    import httpx

    from rivya_nb.imaging.shrinking import Box

MAX_BYTES = 64_000_000
"""The most bytes of a picture; a large PNG of 2048 pixels has a tenth of it."""

WRITTEN_AT_ONCE = 1 << 20
"""Bytes that are collected before a thread writes them: a thread for each piece costs more than the writing."""

MAX_REDIRECTS = 3
TIMEOUT = 30.0
"""Seconds for each step of a download."""

WHOLE_TIMEOUT = 300.0
"""Seconds for one whole attempt at a download."""

logger = logging.getLogger("rivya_nb.api")


class FetchedPicture(NamedTuple):
    """A whole picture in a new file, with its bytes as they came."""

    path: Path
    inspected: Inspected


class PictureFetcher:
    """Downloads pictures for one service; it does not have the key.

    Args:
        service: the service's origin; pictures may be on this machine only if the service is.
        max_bytes: a larger picture is refused.
        timeout: seconds for each step.
        retries: when a download is repeated.
        on_wait: called before each wait, in the task that waits.
    """

    def __init__(
        self,
        service: str,
        *,
        max_bytes: int = MAX_BYTES,
        timeout: float = TIMEOUT,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        on_wait: OnWait | None = None,
    ) -> None:
        self._service = service
        self._loopback = is_loopback_host(urlsplit(service).hostname or "")
        self._max_bytes = max_bytes
        self._policy = retries
        self._on_wait = on_wait
        self._clients = LoopClients(timeout=timeout, trust_env=not self._loopback)

    async def fetch(self, url: str, folder: Path, box: Box | None = None) -> FetchedPicture:
        """Download a picture into a new file in `folder`, which the caller then owns, and shrink it into `box`.

        `url` may be relative to the service, or be the picture itself as a `data:` address. A file that is
        cut or not a picture is downloaded again, as after any fault that may pass.

        Raises:
            PictureError: it cannot be downloaded, is not a whole picture, or is too large. No file is left.
        """
        path = _new_file(folder)
        try:
            try:
                found = await self._fetch_into(path, url, box)
            except (NotConnectedError, TransportError) as error:
                problem = f"The picture could not be fetched: {error}"
            except OSError as error:
                problem = f"The picture could not be written to {folder}: {error.strerror or error}."
            else:
                return FetchedPicture(path, found)
            raise PictureError(problem)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    async def _fetch_into(self, path: Path, url: str, box: Box | None) -> Inspected:
        look = partial(inspect, path, box)
        if is_data_url(url):
            data = await asyncio.to_thread(read_data_url, url, self._max_bytes)
            await asyncio.to_thread(path.write_bytes, data)
            return await in_worker(look)
        address = resolved(url, self._service)

        async def attempt() -> Inspected:
            await self._download(address, path)
            try:
                return await in_worker(look)
            except SpoiledError as error:
                raise UnexpectedResponseError(str(error), http_status=200) from None

        return await repeat(attempt, call="picture", policy=self._policy, on_wait=self._on_wait)

    async def aclose(self) -> None:
        await self._clients.aclose()

    async def _download(self, url: str, path: Path) -> None:
        host = split_address(url)[1]
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            await guarded(asyncio.wait_for(self._follow(url, path), WHOLE_TIMEOUT), host)
            outcome = "200"
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            # Without the path: a picture's address is often a secret.
            took = (time.perf_counter() - started) * 1000
            logger.debug("GET picture from %s -> %s in %.0f ms", host, outcome, took)

    async def _follow(self, url: str, path: Path) -> None:
        for _ in range(MAX_REDIRECTS + 1):
            target = await check_target(url, loopback=self._loopback, proxies=not self._loopback)
            client = await self._clients.current(secure=target.parts.scheme == "https")
            response = await _open(client, target)
            try:
                if not response.has_redirect_location:
                    _check_status(response, target.named)
                    await self._save(response, path, target.named)
                    return
                url = redirected(url, response.headers["location"])
            finally:
                await response.aclose()
        raise PictureError(f"The picture's address redirects more than {MAX_REDIRECTS} times.")

    async def _save(self, response: httpx.Response, path: Path, host: str) -> None:
        claimed = response.headers.get("content-length", "")
        if claimed.isdecimal() and int(claimed) > self._max_bytes:
            raise self._too_large()
        size, waiting = 0, bytearray()
        with await asyncio.to_thread(path.open, "wb") as file:
            async with contextlib.aclosing(body_of(response, host)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > self._max_bytes:
                        raise self._too_large()
                    waiting += piece
                    if len(waiting) >= WRITTEN_AT_ONCE:
                        await asyncio.to_thread(file.write, waiting)
                        waiting = bytearray()
            await asyncio.to_thread(file.write, waiting)

    def _too_large(self) -> PictureError:
        return PictureError(f"The picture has more than {self._max_bytes / 1_000_000:g} MB.")


def _new_file(folder: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix="picture-", suffix=".part", dir=folder)
    except OSError as error:
        problem = f"No picture can be written to {folder}: {error.strerror or error}."
    else:
        os.close(handle)
        return Path(name)
    raise PictureError(problem)


async def _open(client: httpx.AsyncClient, target: Target) -> httpx.Response:
    """Send the request to the first of the target's addresses that accepts a connection; returns the answer's
    head."""
    failure = NotDeliveredError(f"{target.named} has no address.")
    for address in target.addresses or (target.host,):
        request = client.build_request(
            "GET",
            target.url_at(address),
            headers={
                "Host": target.named,
                "Accept": "image/png, image/jpeg, image/webp",
                "Accept-Encoding": "identity",
            },
            extensions={"sni_hostname": target.host},
        )
        try:
            return await guarded(client.send(request, stream=True, follow_redirects=False), target.named)
        except NotDeliveredError as error:
            failure = error
    raise failure


def _check_status(response: httpx.Response, host: str) -> None:
    status = response.status_code
    if status == 200:
        return
    if status == 429 or status >= 500:
        asked = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"))
        raise UnexpectedResponseError(f"{host} answered {status}.", http_status=status, retry_after=asked)
    meaning = {403: ", access denied", 404: ", not found", 410: ", gone"}.get(status, "")
    raise PictureError(f"{host} answered {status}{meaning}, where a picture was expected.")
