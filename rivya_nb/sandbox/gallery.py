"""The pictures of finished tasks: drawn when first fetched, in threads of their own, and kept on disk."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rivya_nb.sandbox.service import Service
from rivya_nb.sandbox.sizes import DRAWN_ELSEWHERE, pixel_size
from rivya_nb.sandbox.tasks import Task, without_test_words

MIME_TYPES = {"png": "image/png", "jpg": "image/jpeg"}


class Gallery:
    """Draws off the event loop, each picture once, no more at a time than there are processors."""

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._folder = folder / "pictures"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._painters = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="painter")
        self._drawing: dict[Path, asyncio.Future[None]] = {}

    async def picture(self, task: Task, number: int) -> Path:
        """The file of a task's picture, counted from 1."""
        path = self._folder / f"{task.id}-{number}.{self._service.picture_format(task)}"
        if not path.exists():
            if path not in self._drawing:
                loop = asyncio.get_running_loop()
                future = loop.run_in_executor(self._painters, self._draw, task, number, path)
                future.add_done_callback(lambda _: self._drawing.pop(path))
                self._drawing[path] = future
            # One who stops waiting must not take the picture from the others.
            await asyncio.shield(self._drawing[path])
        return path

    def close(self) -> None:
        self._painters.shutdown(wait=False, cancel_futures=True)

    def _draw(self, task: Task, number: int, path: Path) -> None:
        # Pillow is loaded with the first picture, not with the server.
        from rivya_nb.sandbox.drawing import draw

        params = self._service.params_of(task)
        seed = str(params.get("seed", task.drawn_seed))
        style = {key: value for key, value in params.items() if key not in DRAWN_ELSEWHERE}
        data = draw(
            without_test_words(task.prompt),
            seed=seed if number == 1 else f"{seed}/{number}",
            size=pixel_size(params),
            style=f"{task.model} {sorted(style.items())}",
            references=[(self._service.uploads / file_id).read_bytes() for file_id in task.references],
            picture_format="PNG" if path.suffix == ".png" else "JPEG",
            watermark=params.get("watermark") not in (None, "", "false"),
        )
        partial = path.with_suffix(".part")
        partial.write_bytes(data)
        partial.replace(path)
