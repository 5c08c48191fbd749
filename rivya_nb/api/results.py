"""Downloads what a task has made: from a foreign host, without the key, and checked."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
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
from rivya_nb.api.caps import Cap, CapOf, cap_of
from rivya_nb.api.data_url import is_data_url, read_data_url
from rivya_nb.api.hosts import (
    Target,
    check_target,
    redirected,
    resolved,
    split_address,
)
from rivya_nb.api.http import LoopClients, body_of, guarded
from rivya_nb.api.inspection import Inspected, SpoiledError, give_head, inspect
from rivya_nb.api.retry import OnWait, RetryPolicy, repeat
from rivya_nb.contract.media import MEDIA, WORDS, Medium
from rivya_nb.errors import (
    NotConnectedError,
    NotDeliveredError,
    PictureError,
    TransportError,
    UnexpectedResponseError,
)
from rivya_nb.imaging.workers import in_worker
from rivya_nb.media.formats import HEADER_BYTES, find_medium

if TYPE_CHECKING:
    import httpx

    from rivya_nb.contract.raw_sound import RawSound
    from rivya_nb.imaging.shrinking import Box

WRITTEN_AT_ONCE = 1 << 20
"""Bytes that are collected before a thread writes them: a thread for each piece costs more than the writing."""

MAX_REDIRECTS = 3
TIMEOUT = 30.0
"""Seconds for each step of a download."""

WHOLE_TIMEOUT = 300.0
"""Seconds for one attempt at the whole download of a picture."""

LONG_TIMEOUT = 1800.0
"""The same for video and audio, whose files are larger."""

logger = logging.getLogger("rivya_nb.api")


class FetchedFile(NamedTuple):
    """A whole picture, video or sound in a new file, with its bytes as they came."""

    path: Path
    inspected: Inspected


class ResultFetcher:
    """Downloads results for one service; it does not have the key.

    Args:
        service: the service's origin; results may be on this machine only if the service is.
        cap_of: the cap on results of a medium; larger ones are refused.
        timeout: seconds for each step.
        retries: when a download is repeated.
        on_wait: called before each wait, in the task that waits.
    """

    def __init__(
        self,
        service: str,
        *,
        cap_of: CapOf = cap_of,
        timeout: float = TIMEOUT,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        on_wait: OnWait | None = None,
    ) -> None:
        self._service = service
        self._loopback = is_loopback_host(urlsplit(service).hostname or "")
        self._cap_of = cap_of
        self._policy = retries
        self._on_wait = on_wait
        self._clients = LoopClients(timeout=timeout, trust_env=not self._loopback)

    async def fetch(
        self,
        url: str,
        folder: Path,
        box: Box | None = None,
        *,
        expected: Medium = "image",
        raw: RawSound | None = None,
    ) -> FetchedFile:
        """Download a file into a new one in `folder`, which the caller then owns, and shrink a picture into `box`.

        `url` may be relative to the service, or be the file itself as a `data:` address. What it is, its bytes
        say; messages name the `expected` medium. Where `raw` sound was asked for, which no bytes of its own show,
        it becomes a WAV. A file that is cut or of no known format is downloaded again, as after any fault that may
        pass.

        Raises:
            PictureError: it cannot be downloaded, is not whole, or is larger than its cap. No file is left.
        """
        path = _new_file(folder)
        word = WORDS[expected]
        try:
            try:
                found = await self._fetch_into(path, url, box, expected, raw)
            except (NotConnectedError, TransportError) as error:
                problem = f"The {word} could not be fetched: {error}"
            except OSError as error:
                problem = f"The {word} could not be written to {folder}: {error.strerror or error}."
            else:
                return FetchedFile(path, found)
            raise PictureError(problem)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    async def _fetch_into(
        self, path: Path, url: str, box: Box | None, expected: Medium, raw: RawSound | None
    ) -> Inspected:
        if is_data_url(url):
            data = await asyncio.to_thread(read_data_url, url, int(self._cap_of(expected).max_bytes))
            await asyncio.to_thread(path.write_bytes, data)
            return await self._inspected(path, box, None, expected, raw)
        address = resolved(url, self._service)

        async def attempt() -> Inspected:
            sha256 = await self._download(address, path, expected)
            try:
                return await self._inspected(path, box, sha256, expected, raw)
            except SpoiledError as error:
                raise UnexpectedResponseError(str(error), http_status=200) from None

        return await repeat(attempt, call=WORDS[expected], policy=self._policy, on_wait=self._on_wait)

    async def _inspected(
        self, path: Path, box: Box | None, sha256: str | None, expected: Medium, raw: RawSound | None
    ) -> Inspected:
        if raw is not None and await in_worker(partial(give_head, path, raw)):
            sha256 = None
        found = await in_worker(partial(inspect, path, box, sha256=sha256, expected=expected))
        self._cap_of(found.medium).check(found.size, found.duration)
        return found

    async def aclose(self) -> None:
        await self._clients.aclose()

    async def _download(self, url: str, path: Path, expected: Medium) -> str:
        """Write what is at an address into a file; returns its hash."""
        host = split_address(url)[1]
        started = time.perf_counter()
        outcome = "cancelled"
        limit = WHOLE_TIMEOUT if expected == "image" else LONG_TIMEOUT
        try:
            sha256 = await guarded(asyncio.wait_for(self._follow(url, path, expected), limit), host)
            outcome = "200"
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            # Without the path: a picture's address is often a secret.
            took = (time.perf_counter() - started) * 1000
            logger.debug("GET %s from %s -> %s in %.0f ms", WORDS[expected], host, outcome, took)
        return sha256

    async def _follow(self, url: str, path: Path, expected: Medium) -> str:
        for _ in range(MAX_REDIRECTS + 1):
            target = await check_target(url, loopback=self._loopback, proxies=not self._loopback)
            client = await self._clients.current(secure=target.parts.scheme == "https")
            response = await _open(client, target)
            try:
                if not response.has_redirect_location:
                    _check_status(response, target.named, expected)
                    return await self._save(response, path, target.named, expected)
                url = redirected(url, response.headers["location"])
            finally:
                await response.aclose()
        raise PictureError(f"The {WORDS[expected]}'s address redirects more than {MAX_REDIRECTS} times.")

    async def _save(self, response: httpx.Response, path: Path, host: str, expected: Medium) -> str:
        """Write an answer's body into a file, and return its hash; its first bytes decide how long it may be."""
        told = response.headers.get("content-length", "")
        claimed = int(told) if told.isdecimal() else 0
        if all(claimed > self._cap_of(medium).max_bytes for medium in MEDIA):
            self._cap_of(expected).check(claimed)
        size, waiting, digest = 0, bytearray(), hashlib.sha256()
        cap: Cap | None = None

        def write() -> None:
            digest.update(waiting)
            file.write(waiting)

        # Not in a thread: who is cancelled meanwhile would leave there a file that nobody closes or removes.
        with path.open("wb") as file:
            async with contextlib.aclosing(body_of(response, host)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    waiting += piece
                    if cap is None and size >= HEADER_BYTES:
                        cap = self._cap_on(waiting, expected)
                        cap.check(claimed)
                    if cap is not None:
                        cap.check(size)
                    if len(waiting) >= WRITTEN_AT_ONCE:
                        await asyncio.to_thread(write)
                        waiting = bytearray()
            if cap is None:
                self._cap_on(waiting, expected).check(max(size, claimed))
            await asyncio.to_thread(write)
        return digest.hexdigest()

    def _cap_on(self, start: bytearray, expected: Medium) -> Cap:
        """The cap on a file that begins with these bytes; what is of no known format is not fetched for long, but
        where it may be a sound without a head."""
        found = find_medium(bytes(start[:HEADER_BYTES]))
        unknown: Medium = "audio" if expected == "audio" else "image"
        return self._cap_of(unknown if found is None else found[0])


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
                "Accept": "image/png, image/jpeg, image/webp, video/*, audio/*",
                "Accept-Encoding": "identity",
            },
            extensions={"sni_hostname": target.host},
        )
        try:
            return await guarded(client.send(request, stream=True, follow_redirects=False), target.named)
        except NotDeliveredError as error:
            failure = error
    raise failure


def _check_status(response: httpx.Response, host: str, expected: Medium) -> None:
    status = response.status_code
    if status == 200:
        return
    if status == 429 or status >= 500:
        asked = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"))
        raise UnexpectedResponseError(f"{host} answered {status}.", http_status=status, retry_after=asked)
    meaning = {403: ", access denied", 404: ", not found", 410: ", gone"}.get(status, "")
    raise PictureError(f"{host} answered {status}{meaning}, where a {WORDS[expected]} was expected.")
