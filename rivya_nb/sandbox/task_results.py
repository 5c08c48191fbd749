"""The results of tasks: pictures, videos and sounds, made in threads while tasks take time, and kept on disk.

A result depends on its request and its task's light only, so one that was not made before a restart is made when
it is fetched, and tasks of the same request and light share one.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rivya_nb.contract.raw_sound import asked_raw
from rivya_nb.files import replace_file
from rivya_nb.sandbox.backend import Backend
from rivya_nb.sandbox.sizes import (
    DRAWN_ELSEWHERE,
    SEED_KEYS,
    audio_seconds,
    has_sound,
    pixel_size,
    sampling_rate,
    video_seconds,
    video_size,
)
from rivya_nb.sandbox.tasks import Task, without_test_words

MIME_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webm": "video/webm",
    "mp4": "video/mp4",
    "wav": "audio/wav",
    "raw": "application/octet-stream",
}


class TaskResults:
    """Makes results off the event loop, each once, at most as many at a time as there are processors."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self._backend = backend
        self._folder = folder / "pictures"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._makers = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="maker")
        self._lock = threading.Lock()
        self._making: dict[Path, Future[None]] = {}

    def prepare(self, task: Task) -> None:
        """Start to make the results of a task that takes time; from any thread."""
        if task.finished_at > task.created_at and not task.fails:
            for number in range(1, self._backend.result_count(task) + 1):
                self._begin(task, number)

    async def result(self, task: Task, number: int) -> Path:
        path, making = self._begin(task, number)
        if making is not None:
            # If one request is cancelled, others still wait for the result.
            await asyncio.shield(asyncio.wrap_future(making))
        return path

    def close(self) -> None:
        """Finish what is being made, and cancel the rest."""
        self._makers.shutdown(cancel_futures=True)

    def _begin(self, task: Task, number: int) -> tuple[Path, Future[None] | None]:
        """The path of the result, and the making to wait for; None if the file exists already."""
        drawn = f"{task.request} {self._seed(task)} {task.references} {task.light}".encode("utf-8", "replace")
        name = hashlib.sha256(drawn).hexdigest()[:32]
        path = self._folder / f"{name}-{number}.{self._backend.result_format(task)}"
        with self._lock:
            making = self._making.get(path)
            if making is not None or path.exists():
                return path, making
            making = self._making[path] = self._makers.submit(self._make, task, number, path)
        return path, making

    def _seed(self, task: Task) -> str:
        """The seed that was sent, or else the service's own."""
        params = self._backend.params_of(task)
        return str(next((params[key] for key in SEED_KEYS if key in params), task.drawn_seed))

    def _make(self, task: Task, number: int, path: Path) -> None:
        try:
            seed = self._seed(task)
            data = self._made(task, seed if number == 1 else f"{seed}/{number}", path.suffix)
            partial = path.with_suffix(f"{path.suffix}.part")
            partial.write_bytes(data)
            replace_file(path, partial)
        finally:
            with self._lock:
                self._making.pop(path, None)

    def _made(self, task: Task, seed: str, suffix: str) -> bytes:
        # Pillow is loaded with the first picture, not with the server.
        from rivya_nb.sandbox.drawing import draw
        from rivya_nb.sandbox.moving import loop

        params, prompt = self._backend.params_of(task), without_test_words(task.prompt)
        chosen = {key: value for key, value in params.items() if key not in DRAWN_ELSEWHERE}
        style = f"{task.model} {sorted(chosen.items())}"
        references = [self._backend.files.path(file_id).read_bytes() for file_id in task.references]
        watermark = params.get("watermark") not in (None, "", "false")
        if suffix in (".wav", ".raw"):
            return _sound(params, prompt, seed, style, references)
        if suffix in (".webm", ".mp4"):
            return loop(
                prompt,
                seed=seed,
                size=video_size(params),
                seconds=video_seconds(params),
                style=style,
                references=references,
                light=task.light,
                watermark=watermark,
                sound=has_sound(params),
                as_mp4=suffix == ".mp4",
            )
        return draw(
            prompt,
            seed=seed,
            size=pixel_size(params),
            style=style,
            references=references,
            picture_format="PNG" if suffix == ".png" else "JPEG",
            light=task.light,
            watermark=watermark,
        )


def _sound(
    params: Mapping[str, Any], prompt: str, seed: str, style: str, references: Sequence[bytes]
) -> bytes:
    from rivya_nb.sandbox.drawing import comment
    from rivya_nb.sandbox.tones import melody, samples_of

    sound = melody(
        seed=seed,
        seconds=audio_seconds(params, prompt),
        comment=comment(prompt),
        style=f"{style} {[hashlib.sha256(data).hexdigest() for data in references]}",
        rate=sampling_rate(params),
        tempo=params.get("soundTempo"),
        key=str(params.get("soundKey", "")),
    )
    raw = asked_raw(params)
    return sound if raw is None else samples_of(sound, raw.coding)
