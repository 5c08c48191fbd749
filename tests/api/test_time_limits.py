"""How long a call may take as a whole, whatever the service does meanwhile."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tenacity import AsyncRetrying

from api.scripted import (
    ENDLESS_HEAD,
    KEY,
    Action,
    Scripted,
    answer,
    dripping,
    raw,
    scripted,
    silence,
)
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.http import _prepared
from rivya_nb.api.results import ResultFetcher
from rivya_nb.api.retry import RetryPolicy
from rivya_nb.errors import NotDeliveredError, PictureError, RivyaError, TransportError

BODY = b'{"model": "m", "prompt": "p", "params": {}}'
FILE = answer(200, {"id": "file_1", "url": "https://rivya.ai/f/1"})
ONCE = RetryPolicy(attempts=1)
SHORT = RetryPolicy(attempts=1000, budget=0.6, first=0.01, longest=0.01)
SLOW_HEAD = dripping(interval=0.05, start=ENDLESS_HEAD)
PATIENCE = 60.0
"""Seconds after which a test takes a call for one without end."""


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What the first call of a process imports: a machine may be busy with it for longer than these calls last."""
    _prepared(secure=False)


def slow_reader(then: Action, *, interval: float) -> Action:
    """Takes a request in small pieces, with pauses within any timeout for a single write in its first half.

    Without any in its second half: what is still on its way when all was written is read soon.
    """

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        seen = bytearray()
        while len(seen) < length:
            seen += await reader.read(1 << 17)
            await asyncio.sleep(interval if len(seen) < length / 2 else 0)
        whole = asyncio.StreamReader(limit=1 << 26)
        whole.feed_data(head + bytes(seen))
        await then(whole, writer, service)

    return act


Ask = Callable[[RivyaClient], Awaitable[object]]
CALLS: dict[str, Ask] = {
    "submit": lambda client: client.generations.create(BODY),
    "poll": lambda client: client.generations.retrieve("task_1"),
    "balance": lambda client: client.credits.retrieve(),
    "models": lambda client: client.models.list(),
    "upload": lambda client: client.files.upload(
        b"\x89PNG" * 100, kind="image", model="m", mime_type="image/png", name="r.png"
    ),
}


def ended(ask: Ask, policy: RetryPolicy, timeout: float, *actions: Action) -> tuple[RivyaError, int]:
    """How a call ended, and after how many requests."""

    async def main() -> tuple[RivyaError, int]:
        async with (
            scripted(*actions) as service,
            RivyaClient(KEY, service.origin, timeout=timeout, retries=policy) as client,
        ):
            with pytest.raises(RivyaError) as caught:
                await asyncio.wait_for(ask(client), PATIENCE)
            return caught.value, len(service.received)

    return asyncio.run(main())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("slow", [SLOW_HEAD, dripping(interval=0.05)], ids=["head", "body"])
def test_an_answer_that_comes_byte_by_byte_ends_with_the_timeout(name: str, slow: Action) -> None:
    error, requests = ended(CALLS[name], ONCE, 0.3, slow)
    assert isinstance(error, TransportError)
    assert not isinstance(error, NotDeliveredError)
    assert "did not answer in time" in str(error)
    assert requests == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("slow", [SLOW_HEAD, silence()], ids=["head", "silence"])
def test_the_budget_ends_an_attempt_that_is_under_way(name: str, slow: Action) -> None:
    error, requests = ended(CALLS[name], SHORT, 60.0, slow)
    assert isinstance(error, TransportError)
    assert not isinstance(error, NotDeliveredError)
    assert "no whole answer in" in str(error)
    assert requests == 1


def test_the_budget_runs_while_the_machine_is_busy_before_the_first_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Late(AsyncRetrying):
        async def __call__(self, *given: Any, **named: Any) -> Any:
            time.sleep(0.05)  # noqa: ASYNC251 - nothing else turns meanwhile
            return await super().__call__(*given, **named)

    monkeypatch.setattr("rivya_nb.api.retry.AsyncRetrying", Late)
    _, requests = ended(CALLS["poll"], SHORT, 60.0, silence())
    assert requests == 1


@pytest.mark.parametrize("streamed", [True, False], ids=["from disk", "from memory"])
def test_a_file_on_a_slow_line_may_take_longer_than_any_other_step(tmp_path: Path, streamed: bool) -> None:
    path = tmp_path / "large.png"
    data = bytes(range(256)) * 40_000  # at least 78 pieces, half of them with a pause: 1.6 s
    path.write_bytes(data)
    source = path if streamed else data

    async def main() -> bytes:
        async with (
            scripted(slow_reader(FILE, interval=0.04)) as service,
            RivyaClient(KEY, service.origin, timeout=1.0, retries=ONCE) as client,
        ):
            await client.files.upload(source, kind="image", model="m", mime_type="image/png", name="r.png")
            return service.received[0].body

    assert data in asyncio.run(main())


def test_an_upload_whose_answer_comes_byte_by_byte_does_not_get_the_files_time(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG" * 500_000)

    async def upload(client: RivyaClient) -> object:
        return await client.files.upload(path, kind="image", model="m", mime_type="image/png", name="r.png")

    error, requests = ended(upload, ONCE, 0.5, SLOW_HEAD)
    assert "did not answer in time" in str(error)
    assert requests == 1


@pytest.mark.parametrize("slow", [SLOW_HEAD, dripping(interval=0.05)], ids=["head", "body"])
def test_the_budget_ends_a_slow_picture_too(slow: Action, tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted(slow) as service:
            fetcher = ResultFetcher(service.origin, timeout=60.0, retries=SHORT)
            with pytest.raises(PictureError, match="no whole answer in"):
                await asyncio.wait_for(fetcher.fetch(f"{service.origin}/1.png", tmp_path), PATIENCE)
            await fetcher.aclose()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_the_next_answer_has_its_own_time() -> None:
    task = answer(200, {"id": "task_1", "status": "queued"})
    policy = RetryPolicy(attempts=2, first=0.01, longest=0.01)

    async def main() -> str:
        async with scripted(SLOW_HEAD, task) as service:
            async with RivyaClient(KEY, service.origin, timeout=0.3, retries=policy) as client:
                made = await asyncio.wait_for(client.generations.create(BODY), PATIENCE)
            keys = {sent.headers["idempotency-key"] for sent in service.received}
            assert (len(service.received), len(keys)) == (2, 1)
            return made.id

    assert asyncio.run(main()) == "task_1"


def test_a_head_that_never_ends_is_no_answer() -> None:
    flood = raw(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: " + b"x" * 3_000_000)
    error, _ = ended(CALLS["balance"], ONCE, 5.0, flood)
    assert isinstance(error, TransportError)
