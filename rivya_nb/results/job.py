"""A job as a user holds it: one request's life, kept current while it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.errors import StoreError
from rivya_nb.jobs.job import LiveJob
from rivya_nb.store.records import JobRecord

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from rivya_nb.store.store import Store


class Job:
    """One request's life. Its properties show the newest record; pictures are read when asked for."""

    def __init__(self, live: LiveJob, store: Store) -> None:
        self._live = live
        self._store = store

    @property
    def live(self) -> LiveJob:
        """The job as the runner knows it."""
        return self._live

    @property
    def id(self) -> str:
        """The job's own id, which is its idempotency key too."""
        return self.record.id

    @property
    def record(self) -> JobRecord:
        """The newest record, as it is in the store."""
        return self._live.record

    @property
    def status(self) -> str:
        """Where the job is in its life."""
        return self.record.status

    @property
    def request(self) -> Request:
        """What was asked."""
        return self.record.request

    @property
    def model(self) -> str:
        return self.record.model

    @property
    def prompt(self) -> str:
        return self.record.prompt

    @property
    def params(self) -> dict[str, ParamValue]:
        """What was sent, plus the documented defaults of what was not."""
        model = self._store.models.catalogue(self.record.service).get(self.record.model)
        defaults = (
            {}
            if model is None
            else {param.key: param.default for param in model.params if param.default is not None}
        )
        return {**defaults, **self.record.params}

    @property
    def seed(self) -> ParamValue | None:
        """The seed that was sent; None where the service drew one."""
        return self.record.params.get("seed")

    @property
    def task_id(self) -> str | None:
        """The service's id of the task, None before it accepted the request."""
        return self.record.task_id

    @property
    def credits(self) -> int:
        """What the job costs, in credits: final where known, else reserved; 0 where it is not billed."""
        return self.record.credits

    @property
    def error(self) -> str | None:
        """Why there is no picture, None where nothing went wrong."""
        record = self.record
        if record.error_code is None and record.error_message is None:
            return None
        text = ": ".join(part for part in (record.error_code, record.error_message) if part)
        return f"{text} (request {record.request_id})" if record.request_id else text

    @property
    def paths(self) -> list[Path]:
        """The originals' absolute paths, byte for byte as the service delivered them."""
        return [self._store.files.path(pic.sha256, pic.mime_type) for pic in self.record.pictures]

    @property
    def path(self) -> Path | None:
        """The first original's absolute path, None while there is none."""
        return next(iter(self.paths), None)

    @property
    def images(self) -> list[Picture]:
        """The pictures, decoded; a task may give several.

        Raises:
            StoreError: a picture's file is gone or cannot be read.
        """
        return [self._open(path) for path in self.paths]

    @property
    def image(self) -> Picture | None:
        """The first picture, None while there is none."""
        return None if self.path is None else self._open(self.path)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Copy the pictures into a folder, as `Run.save` does; their absolute paths.

        Raises:
            StoreError: an original is gone, or the folder cannot be written.
        """
        from rivya_nb.results.saving import save_copies

        return [copy.path for copy in save_copies([self], folder)]

    def _open(self, path: Path) -> Picture:
        from PIL import Image

        try:
            image = Image.open(path)
            image.load()
        except OSError as error:
            raise StoreError(f"The picture {path} cannot be read ({error}).") from None
        return image

    @property
    def is_final(self) -> bool:
        """Whether the job's life is over."""
        return self.record.is_final

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f" seed={self.seed}"
        error = f": {self.error}" if self.error else ""
        return f"<Job {self.id[:8]} {self.model}{seed} {self.status}{error}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"text/plain": repr(self)}
