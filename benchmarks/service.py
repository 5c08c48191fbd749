"""The sandbox for a benchmark: a process of its own, which tells what calls it has answered."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.task_results import TaskResults

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from rivya_nb.sandbox.tasks import Task

GENERATIONS = "/api/v1/generations"


class Service:
    """A running sandbox that keeps its state in `folder`.

    `pictures` is a folder of drawn pictures that several services share; with `one_picture`, every task has the
    same one, of 256 × 256 pixels.
    """

    def __init__(
        self, config: SandboxConfig, folder: Path, *, pictures: Path | None = None, one_picture: bool = False
    ) -> None:
        folder.mkdir(parents=True)
        if pictures is not None:
            pictures.mkdir(exist_ok=True)
            (folder / "pictures").symlink_to(pictures, target_is_directory=True)
        self._folder = folder
        processes = multiprocessing.get_context("spawn")
        self._line, theirs = processes.Pipe()
        self._process = processes.Process(
            target=_serve, args=(config, folder, one_picture, theirs), daemon=True
        )
        self._process.start()
        self.url: str = self._line.recv()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def calls(self) -> Counter[str]:
        """How many calls it has answered so far: `submits`, `polls`, `downloads`, `others` and `refused`."""
        self._line.send(None)
        counted: Counter[str] = self._line.recv()
        return counted

    def tasks(self, since: float = 0.0) -> list[tuple[float, int]]:
        """The seconds and the price of each task that was made after `since` (seconds since the epoch)."""
        query = "SELECT finished_at - created_at, price FROM tasks WHERE created_at > ?"
        with closing(sqlite3.connect(self._folder / "sandbox.sqlite")) as database:
            return database.execute(query, (since,)).fetchall()


def load() -> str:
    """How busy the machine is; with other work on it, every figure gets worse."""
    return f"{os.getloadavg()[0]:.1f} processes want {os.cpu_count()} processors"


def _serve(config: SandboxConfig, folder: Path, one_picture: bool, line: Connection) -> None:
    from rivya_nb.sandbox.server import build

    server = build(config, folder)
    app: Any = server.config.app
    if one_picture:
        app.state.results = _OnePicture(app.state.backend, folder)
    counted: Counter[str] = Counter()
    server.config.app = _counting(app, counted)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    line.send(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threading.Thread(target=_tell, args=(line, counted), daemon=True).start()
    server.run(sockets=[listener])


def _tell(line: Connection, counted: Counter[str]) -> None:
    while True:
        line.recv()
        line.send(Counter(counted))


def _counting(app: Any, counted: Counter[str]) -> Any:
    """The ASGI app, with its answers counted by kind; one that is refused with 429 is of no other kind."""

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                counted["refused" if message["status"] == 429 else _kind(scope)] += 1
            await send(message)

        await app(scope, receive, sending)

    return counting


def _kind(scope: Any) -> str:
    path, method = scope["path"], scope["method"]
    if path.startswith(GENERATIONS):
        return "submits" if method == "POST" else "polls"
    return "downloads" if path.startswith("/pictures/") else "others"


class _OnePicture(TaskResults):
    def __init__(self, backend: Any, folder: Path) -> None:
        from rivya_nb.sandbox.drawing import draw

        super().__init__(backend, folder)
        self._one = folder / "one.png"
        self._one.write_bytes(draw("A glass bottle", seed="1", size=(256, 256)))

    def prepare(self, task: Task) -> None:
        """Nothing is drawn."""

    async def result(self, _task: Task, _number: int) -> Path:
        return self._one
