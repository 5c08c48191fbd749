"""The pictures of tasks: drawn in threads while their tasks take time, and kept on disk.

A picture depends on its request and its task's light only, so one that was not drawn before a restart is
drawn when it is fetched, and tasks of the same request and light share one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from rivya_nb.sandbox.backend import Backend
from rivya_nb.sandbox.sizes import DRAWN_ELSEWHERE, pixel_size
from rivya_nb.sandbox.tasks import Task, without_test_words

MIME_TYPES = {"png": "image/png", "jpg": "image/jpeg"}


class TaskPictures:
    """Draws off the event loop, each picture once, at most as many at a time as there are processors."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self._backend = backend
        self._folder = folder / "pictures"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._painters = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="painter")
        self._lock = threading.Lock()
        self._drawing: dict[Path, Future[None]] = {}

    def prepare(self, task: Task) -> None:
        """Start to draw the pictures of a task that takes time; from any thread."""
        if task.finished_at > task.created_at and not task.fails:
            for number in range(1, self._backend.picture_count(task) + 1):
                self._begin(task, number)

    async def picture(self, task: Task, number: int) -> Path:
        path, drawing = self._begin(task, number)
        if drawing is not None:
            # If one request is cancelled, others still wait for the picture.
            await asyncio.shield(asyncio.wrap_future(drawing))
        return path

    def close(self) -> None:
        """Finish the pictures that are being drawn, and cancel the rest."""
        self._painters.shutdown(cancel_futures=True)

    def _begin(self, task: Task, number: int) -> tuple[Path, Future[None] | None]:
        """The path of the picture, and the drawing to wait for; None if the file exists already."""
        drawn = f"{task.request} {self._seed(task)} {task.references} {task.light}".encode("utf-8", "replace")
        name = hashlib.sha256(drawn).hexdigest()[:32]
        path = self._folder / f"{name}-{number}.{self._backend.picture_format(task)}"
        with self._lock:
            drawing = self._drawing.get(path)
            if drawing is not None or path.exists():
                return path, drawing
            drawing = self._drawing[path] = self._painters.submit(self._draw, task, number, path)
        return path, drawing

    def _seed(self, task: Task) -> str:
        """The seed that was sent, or else the service's own."""
        return str(self._backend.params_of(task).get("seed", task.drawn_seed))

    def _draw(self, task: Task, number: int, path: Path) -> None:
        # Pillow is loaded with the first picture, not with the server.
        from rivya_nb.sandbox.drawing import draw

        try:
            params = self._backend.params_of(task)
            seed = self._seed(task)
            style = {key: value for key, value in params.items() if key not in DRAWN_ELSEWHERE}
            data = draw(
                without_test_words(task.prompt),
                seed=seed if number == 1 else f"{seed}/{number}",
                size=pixel_size(params),
                style=f"{task.model} {sorted(style.items())}",
                references=[self._backend.files.path(file_id).read_bytes() for file_id in task.references],
                picture_format="PNG" if path.suffix == ".png" else "JPEG",
                light=task.light,
                watermark=params.get("watermark") not in (None, "", "false"),
            )
            partial = path.with_suffix(f"{path.suffix}.part")
            partial.write_bytes(data)
            partial.replace(path)
        finally:
            with self._lock:
                self._drawing.pop(path, None)
