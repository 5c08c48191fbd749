"""Sandboxes for tests: the real service on a real socket, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from listening import let_in

from rivya_nb.sandbox import DEFAULT_KEY, task_results
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.server import build
from rivya_nb.sandbox.sizes import pixel_size, video_size

INSTANT = SandboxConfig(latency=0, credits=1000)
MODEL = "wan-2-7-image-pro"


@contextlib.contextmanager
def running_sandbox(
    config: SandboxConfig = INSTANT, folder: Path | None = None, *, shrink: int = 8
) -> Iterator[str]:
    """The url of a sandbox that runs for as long as the block; without a folder it forgets everything.

    The sides of its pictures and videos are divided by `shrink`: what they show matters to few, and drawing them,
    decoding them and shrinking them again is most of what tests would do.
    """
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for size in (pixel_size, video_size):
            smaller = _smaller(size, shrink)
            patch.setattr(task_results, size.__name__, smaller)
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = PromptServer(build(config, folder).config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.told_to_end.set_result(None)
            thread.join(timeout=60)


class PromptServer(uvicorn.Server):
    """Ends as soon as it is told to. uvicorn's own looks every 0.1 s, and pauses on its way out."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_end: Future[None] = Future()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await asyncio.wrap_future(self.told_to_end)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await let_in(sockets or ())
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        deadline = time.monotonic() + 2
        while (state.connections or state.tasks) and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.002)
        for task in state.tasks:
            task.cancel()
        for connection in tuple(state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()


def _smaller(
    size: Callable[[Mapping[str, Any]], tuple[int, int]], shrink: int
) -> Callable[[Mapping[str, Any]], tuple[int, ...]]:
    return lambda params: tuple(length // shrink for length in size(params))


@contextlib.contextmanager
def sandbox_client(
    config: SandboxConfig = INSTANT,
    folder: Path | None = None,
    key: str | None = DEFAULT_KEY,
    *,
    shrink: int = 8,
) -> Iterator[httpx.Client]:
    """A plain HTTP client of a sandbox of its own; the key is sent unless it is None."""
    headers = {} if key is None else bearer(key)
    with (
        running_sandbox(config, folder, shrink=shrink) as url,
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def submit(
    client: httpx.Client, prompt: str = "A glass bottle", *, key: str | None = None, **params: Any
) -> httpx.Response:
    """Ask for a picture; `key` is the idempotency key."""
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"model": MODEL, "prompt": prompt, "params": params}
    return client.post("/api/v1/generations", json=body, headers=headers)


def upload(client: httpx.Client, data: bytes, name: str = "reference.png", **fields: str) -> httpx.Response:
    return client.post(
        "/api/v1/files", files={"file": (name, data)}, data={"kind": "image", "model": MODEL} | fields
    )


def code(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, whose shape is checked on the way."""
    error = response.json()["error"]
    assert set(error) == {"code", "message", "requestId"}
    assert error["message"]
    assert error["requestId"].startswith("req_")
    return response.status_code, error["code"]


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether the condition comes true in time."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.05)
    return True
