"""The viewer: shows pictures closely, side by side or one over another, and rates them.

The front end is `viewer.js` with its imports. It has small pictures from the start, and asks for an original
when it is shown. It sends a message with an `id` and gets an answer with the same `id`, which has `trouble`
if it failed:

    {kind: "read", key, offset}           → {total, mime} and a piece of the original's bytes
    {kind: "preview", key}                → the same of the small copy that plays in the place of a video or sound
    {kind: "mark", job, rating | favourite} → {} once it is in the store
    {kind: "turn", page}                  → {} once the scene is another page of a long history

The first answer tells of a video how many frames it has in a second, as `rate`, 0 where that is not known.

It also sends messages without an `id`, which need no answer: `{kind: "leave"}` to go back to where it was
opened, and `{kind: "look"}` when the user returns to it, because another kernel may have marked pictures
meanwhile. Marks that this kernel sets elsewhere are shown without a message.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import traitlets

from rivya_nb.contract.media import WORDS
from rivya_nb.contract.text import printable
from rivya_nb.errors import RivyaError, StoreError, UsageError
from rivya_nb.media.facts import frame_rate
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.marks import MarkBook
from rivya_nb.store.news import News
from rivya_nb.store.records import HIGHEST_RATING, MarkChanges, Marks, PictureRecord
from rivya_nb.widgets.answering import Answer, AnsweringWidget
from rivya_nb.widgets.modules import joined
from rivya_nb.widgets.scene import GONE, Look, describe, make_scene

PIECE = 1 << 20
"""Bytes of an original in one message. A kernel's connection breaks at messages above 10 MiB."""

PAUSE = 0.5
"""Seconds between two updates for jobs that are still changing."""

BYTES_PER_SECOND = 250_000
"""The rate at which updated scenes are sent: a kernel's connection may be slow."""


class Viewer(AnsweringWidget):
    """Shows pictures closely; as a cell's value it shows itself. The key `?` lists its keys.

    `look` returns what one page shows, by its number from 0; from the second page on it is called off the
    event loop. Originals are read from `files` when they are shown. `keep` shows in the executing cell what stays
    there of the viewer when the kernel is gone.
    """

    module = joined(Path(__file__).with_name("viewer.js"))
    sheet = Path(__file__).with_name("viewer.css").read_text(encoding="utf-8")
    _scene = traitlets.Dict().tag(sync=True)
    _marks = traitlets.Dict().tag(sync=True)
    _opening = traitlets.Dict({"mode": "grid"}).tag(sync=True)

    def __init__(
        self, look: Callable[[int], Look], files: ContentFiles, marks: MarkBook, deletions: News
    ) -> None:
        self._look = look
        self._files = files
        self._book = marks
        self._pictures: dict[str, PictureRecord] = {}
        first = look(0)
        self._words = describe(first)
        self._is_stale = False
        self._marks_are_stale = False
        self._marking = asyncio.Lock()
        self._leave: Callable[[], None] | None = None
        super().__init__(**self._prepare(first))
        marks.changes.subscribe(self.refresh_marks)
        deletions.subscribe(self.refresh)

    def __repr__(self) -> str:
        return (
            f"<Viewer of {self._words}. It is shown where a notebook shows widgets; elsewhere "
            'grid.save("grid.png") makes one picture of them.>'
        )

    def open_as(self, mode: str, *, at: str | None, leave: Callable[[], None]) -> None:
        """Set, before it is shown, how it opens: its mode, the picture of the job `at`, and that it takes the
        keyboard focus. `leave` is called on the loop to go back to where it was opened."""
        self._leave = leave
        self.set_trait("_opening", {"mode": mode, "job": at, "takes_focus": True, "can_leave": True})

    def refresh(self) -> None:
        """Show soon what has changed. May be called from any thread, and often."""
        if not self._is_stale:
            self._is_stale = True
            # If the viewer's loop is gone, the deletion of a picture must not fail.
            with suppress(RivyaError):
                self._work_loop.start(self._renew())

    def refresh_marks(self) -> None:
        """Show soon the marks that were set meanwhile. May be called from any thread, and often."""
        if not self._marks_are_stale:
            self._marks_are_stale = True
            with suppress(RivyaError):
                self._work_loop.start(self._renew_marks())

    async def _renew_marks(self) -> None:
        """Read the marks again if they may have changed; one at a time, so that the newest are shown."""
        async with self._marking:
            if self._marks_are_stale:
                self._marks_are_stale = False
                with suppress(RivyaError):
                    self._show({"_marks": await asyncio.to_thread(self._read_marks, list(self._marks))})

    async def _look_elsewhere(self) -> None:
        """Show the marks that another kernel has set meanwhile, and tell whoever shows the same pictures."""
        before = self._marks
        self._marks_are_stale = True
        await self._renew_marks()
        if self._marks != before:
            self._book.changes.pass_on()

    async def _renew(self) -> None:
        size = sum(len(cell["small"] or b"") for cell in self._scene["cells"])
        await asyncio.sleep(PAUSE + size / BYTES_PER_SECOND)
        self._is_stale = False
        with suppress(RivyaError):
            page = self._scene["page"]
            self._show(await asyncio.to_thread(lambda: self._prepare(self._look(page))))

    def _show(self, traits: Mapping[str, Any]) -> None:
        for name, value in traits.items():
            self.set_trait(name, value)

    def _prepare(self, look: Look) -> dict[str, Any]:
        """The traits that show `look`. This decodes pictures and reads the store."""
        scene, pictures = make_scene(look, self._files)
        # A picture of an earlier page may still be pinned.
        self._pictures.update(pictures)
        jobs = list(dict.fromkeys(cell["job"] for cell in scene["cells"]))
        return {"_scene": scene, "_marks": {**self._marks, **self._read_marks(jobs)}}

    def _read_marks(self, jobs: Iterable[str]) -> dict[str, Any]:
        return {job: _as_json(marks) for job, marks in self._book.of(jobs).items()}

    @property
    def _answers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]]:
        return {"read": self._read, "preview": self._preview, "mark": self._mark, "turn": self._turn}

    async def _answer(self, content: Mapping[str, Any]) -> None:
        kind = content.get("kind")
        if kind == "look":
            await self._look_elsewhere()
        elif kind == "leave" and self._leave is not None:
            self._leave()
        await super()._answer(content)

    def _picture(self, content: Mapping[str, Any]) -> PictureRecord:
        picture = self._pictures.get(str(content.get("key")))
        if picture is None:
            raise UsageError("This viewer shows no such result.")
        return picture

    async def _read(self, content: Mapping[str, Any]) -> Answer:
        picture, offset = self._picture(content), content.get("offset")
        if not isinstance(offset, int) or offset < 0:
            raise UsageError("A file is read from a whole number of bytes on.")
        path = await asyncio.to_thread(self._files.local, picture.sha256, picture.mime_type)
        data, total = await asyncio.to_thread(read_piece, path, offset)
        answer: dict[str, Any] = {"total": total, "mime": picture.mime_type}
        if offset == 0:
            answer["rate"] = await asyncio.to_thread(_rate, picture, path)
        return answer, [data]

    async def _preview(self, content: Mapping[str, Any]) -> Answer:
        picture = self._picture(content)
        path = self._files.path(picture.sha256, picture.mime_type)
        made = await asyncio.to_thread(self._files.thumbnails.preview, path)
        if made is None:
            raise UsageError(f"There is no small copy of this {WORDS[picture.medium]}.")
        mime_type, data = made
        rate = await asyncio.to_thread(_rate, picture, path)
        return {"total": len(data), "mime": mime_type, "rate": rate}, [data]

    async def _mark(self, content: Mapping[str, Any]) -> Answer:
        job = str(content.get("job"))
        if job not in self._marks:
            raise UsageError("This viewer shows no such job.")
        cells = [cell for cell in self._scene["cells"] if cell["job"] == job]
        if cells and not any(cell["has_picture"] for cell in cells):
            raise UsageError("There is no result here to mark.")
        changes = _changes(content)
        # Of two ratings in a row, the second one must be stored last.
        async with self._marking:
            await asyncio.to_thread(lambda: self._book.change([job], **changes))
        self._marks_are_stale = True
        await self._renew_marks()
        return {}, []

    async def _turn(self, content: Mapping[str, Any]) -> Answer:
        page = content.get("page")
        if not isinstance(page, int) or not 0 <= page < self._scene["more_pages"]:
            raise UsageError("There is no such page.")
        self._show(await asyncio.to_thread(lambda: self._prepare(self._look(page))))
        return {}, []


def read_piece(path: Path, offset: int) -> tuple[bytes, int]:
    """At most PIECE bytes of a file from `offset` on, and the file's size in bytes.

    Raises:
        StoreError: the file is gone or cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(PIECE), os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise StoreError(GONE) from None
    except OSError as error:
        raise StoreError(f"Its file cannot be read: {error.strerror}.") from None


def _rate(picture: PictureRecord, path: Path) -> float:
    """How many frames a video has in a second; 0 where that is not known now, as while its file is elsewhere."""
    with suppress(OSError):
        return frame_rate(path) if picture.medium == "video" else 0.0
    return 0.0


def _changes(content: Mapping[str, Any]) -> MarkChanges:
    """The marks in a message, checked: messages of a front end are not trusted."""
    rating, favourite = content.get("rating"), content.get("favourite")
    if isinstance(rating, int) and not isinstance(rating, bool) and 0 <= rating <= HIGHEST_RATING:
        return {"rating": rating}
    if isinstance(favourite, bool):
        return {"favourite": favourite}
    raise UsageError("A rating is a whole number from 0 to 5.")


_REASON_LENGTH = 120


def _as_json(marks: Marks) -> dict[str, Any]:
    return {
        "rating": marks.rating,
        "favourite": marks.favourite,
        "excluded": printable(marks.excluded, _REASON_LENGTH),
    }
