"""The job that a user works with: one request from plan to picture, kept up to date while it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.ideas import shared_name, shared_names
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import printable
from rivya_nb.errors import PictureError, StoreError
from rivya_nb.files import user_path
from rivya_nb.jobs.job import LiveJob
from rivya_nb.media.suffixes import named_medium
from rivya_nb.session.going_on import KEPT, plan_variation
from rivya_nb.session.marking import Markable
from rivya_nb.session.media import Media
from rivya_nb.session.showing.live import insert_cell
from rivya_nb.store.records import JobRecord, Marks
from rivya_nb.views.words import noun_of

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from typing_extensions import Unpack

    from rivya_nb.contract.catalogue import Model
    from rivya_nb.contract.param_types import ModelParams
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.session.showing.written import SavedPictures


def python_params(model: Model | None, sent: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    """The params that were sent, and the documented defaults of the others, by the names that axes have; a switch
    is True or False."""
    known = {} if model is None else {shared_name(param.key): param for param in model.params}
    defaults = {key: param.default for key, param in known.items() if param.default is not None}
    return {
        key: value == "true" if key in known and known[key].is_switch else value
        for key, value in {**defaults, **shared_names(sent)}.items()
    }


class Job(Markable):
    """One request, from plan to picture. Its properties show the newest record; pictures are read when used.

    `live` is the job as the runner knows it.
    """

    def __init__(self, live: LiveJob, live_records: LiveRecords) -> None:
        self.live = live
        self._live_records = live_records
        self._store = live_records.store

    @property
    def id(self) -> str:
        """The job's own id, which is its idempotency key too."""
        return self.record.id

    @property
    def record(self) -> JobRecord:
        """The newest record, as it is in the store."""
        return self.live.record

    @property
    def asked_by(self) -> str:
        """The user who asked for it: the name on JupyterHub, else the login; empty where that is not known."""
        return self.record.asked_by

    @property
    def job_ids(self) -> Sequence[str]:
        """Its own id alone, as a list: what a mark applies to."""
        return [self.id]

    def _meant(self) -> Sequence[Job]:
        return [self]

    @property
    def marks(self) -> Marks:
        """The marks on its pictures, as they are in the store now."""
        return self._store.marks.of([self.id])[self.id]

    @property
    def rating(self) -> int:
        """1 to 5, or 0 if it is not rated."""
        return self.marks.rating

    @property
    def is_favourite(self) -> bool:
        """Whether it is marked as a favourite."""
        return self.marks.favourite

    @property
    def hidden(self) -> bool:
        """Whether it is hidden from the history."""
        return self.marks.hidden

    @property
    def excluded(self) -> str:
        """Why it counts in no figure; empty where it counts."""
        return self.marks.excluded

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, sorted."""
        return self.marks.tags

    @property
    def note(self) -> str:
        """Its note, empty if there is none."""
        return self.marks.note

    @property
    def status(self) -> str:
        """`planned`, `uploading`, `submitting`, `queued`, `processing`, `downloading`, `succeeded`, `failed`,
        `undelivered`, `unknown` or `stopped`."""
        return self.record.status

    @property
    def request(self) -> Request:
        """The request."""
        return self.record.request

    @property
    def model(self) -> str:
        """The id of the model."""
        return self.record.model

    @property
    def prompt(self) -> str:
        """The prompt, as it was sent."""
        return self.record.prompt

    @property
    def params(self) -> dict[str, ParamValue]:
        """The params that were sent, and the documented defaults of the others, by the names that axes have: the
        seed is `seed` for every model. A switch is True or False."""
        record = self.record
        return python_params(self._store.models.catalogue(record.service).get(record.model), record.params)

    @property
    def seed(self) -> ParamValue | None:
        """The seed that was sent; None if the service chose one."""
        return self.record.seed

    @property
    def replicate(self) -> int:
        """Its number among requests that are the very same on purpose, from 1 on; it was not sent."""
        return self.record.replicate

    @property
    def task_id(self) -> str | None:
        """The service's id of the task, None before it accepted the request."""
        return self.record.task_id

    @property
    def credits(self) -> int:
        """What the job has cost, in credits: the final credits if they are known, otherwise the reserved ones.

        The documented price if the service took the job and named neither; 0 if the job failed, was not taken, or
        nobody knows whether it was billed.
        """
        return self.record.credits

    @property
    def error(self) -> str | None:
        """Why there is no picture; None if nothing went wrong."""
        record = self.record
        if record.error_code is None and record.error_message is None:
            return None
        # A store that another program or an older version wrote may hold anything.
        text = printable(": ".join(part for part in (record.error_code, record.error_message) if part))
        return f"{text} (request {record.request_id})" if record.request_id else text

    @property
    def paths(self) -> list[Path]:
        """The absolute paths of the originals, which are the bytes that the service delivered.

        Where the store's pictures are in a bucket, they are fetched: the paths are those in a cache of this
        machine, from which they go when others need the room. A picture that is gone has a path, and no file.

        Raises:
            StoreError: the bucket does not answer, or what it has is damaged.
        """
        return [self._store.files.local(pic.sha256, pic.mime_type) for pic in self.record.pictures]

    @property
    def path(self) -> Path | None:
        """The absolute path of the first original; None while there is none."""
        first = next(iter(self.record.pictures), None)
        return None if first is None else self._store.files.local(first.sha256, first.mime_type)

    @property
    def media(self) -> tuple[Media, ...]:
        """What the job has made: pictures, videos or sounds, each with its kind, type, size, duration and path."""
        return tuple(Media.of(each, self._store.files) for each in self.record.pictures)

    @property
    def images(self) -> list[Picture]:
        """The pictures, decoded; a task may give several. Of a video its poster; sounds are skipped.

        Raises:
            StoreError: a file is gone or cannot be read.
        """
        return [self._open(each.path) for each in self.media if each.kind != "audio"]

    @property
    def image(self) -> Picture | None:
        """The first picture, decoded, or the poster of the first video; None while there is none."""
        first = next((each for each in self.media if each.kind != "audio"), None)
        return None if first is None else self._open(first.path)

    def save(self, folder: str | os.PathLike[str]) -> SavedPictures:
        """Copy the pictures into a folder, as `Run.save` does; the list of their absolute paths.

        Raises:
            StoreError: an original is gone, or the folder cannot be written.
        """
        from rivya_nb.session.showing.saving import save_copies
        from rivya_nb.session.showing.written import SavedPictures

        return SavedPictures([copy.path for copy in save_copies([self], folder)], user_path(folder))

    def vary(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        model: str | Sequence[str] | None = None,
        references: object = KEPT,
        repeat: int = 1,
        replicates: int = 1,
        name: str | None = None,
        max_credits: int | None = None,
        fresh: bool = False,
        params: Mapping[str, object] | None = None,
        **more_params: Unpack[ModelParams],
    ) -> Plan:
        """The plan of this job's request with changes. Like `plan`, it sends nothing; `run()` sends it.

        A list is an axis, as in `plan`; a list of prompts is one too. What is not given stays as in the job, also
        the seed; None for a param means *not sent*, and None for `references` means no reference. `repeat` draws
        that many seeds, which replace the job's seed; `replicates` asks the very same that many times. Params that
        another model does not have are left out, and the plan says so.

        Raises:
            InvalidRequestError, UsageError: with every mistake that was found.
        """
        return plan_variation(
            self._live_records.current_session(),
            self.record,
            prompt=prompt,
            model=model,
            references=references,
            repeat=repeat,
            replicates=replicates,
            name=name,
            max_credits=max_credits,
            fresh=fresh,
            params={**(params or {}), **more_params},
        )

    def again(self, *, name: str | None = None, max_credits: int | None = None) -> Plan:
        """The plan of the same request with the same seed. `run()` sends it, and it is billed again.

        Raises:
            InvalidRequestError: the model has changed, or a reference is gone.
        """
        session = self._live_records.current_session()
        return session.plan_requests([self.request], name=name, max_credits=max_credits, fresh=True)

    def as_cell(self) -> None:
        """Put a new cell below the executing one that would ask for this job's request again; where no cell
        executes, print it.

        References are named as files of the store. What no `%%rivya` cell can say becomes Python.
        """
        from rivya_nb.views.repeat import job_cell

        text = job_cell(self.record, lambda ref: self._store.files.path(ref.sha256, ref.mime_type))
        if not insert_cell(text):
            print(text)

    @property
    def noun(self) -> str:
        """What its result is called: `picture`, `video`, …"""
        return noun_of([self.record])

    def _open(self, path: Path) -> Picture:
        from rivya_nb.imaging.decoding import load

        try:
            if named_medium(path.name) != "video":
                return load(path)
            from rivya_nb.media.posters import make_poster

            return make_poster(path, sign=False).image
        except FileNotFoundError:
            raise StoreError(f"The {self.noun}'s file is gone: {path}") from None
        except (OSError, PictureError) as error:
            raise StoreError(f"The {self.noun} {path} cannot be read ({error}).") from None

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.record.is_final

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f" seed={self.seed}"
        number = f" replicate={self.replicate}" if self.replicate > 1 else ""
        error = f": {self.error}" if self.error else ""
        is_deleted = self.record.deleted_at and not self.record.pictures
        deleted = f", its {self.noun} deleted" if is_deleted else ""
        return f"<Job {self.id[:8]} {self.model}{seed}{number} {self.status}{deleted}{error}>"

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.session.showing.picture import picture_bundle

        return picture_bundle(self, self._store)
