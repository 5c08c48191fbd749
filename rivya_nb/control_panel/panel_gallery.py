"""The gallery of the panel: the history, paged and filtered, and what can be done with chosen pictures.

The front end is `gallery.js`. It asks for a page and gets it as one message, the small pictures as bytes; it
names what is to be done with which jobs, and is told in words how that went.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.text import count, printable
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.making import give_up, make
from rivya_nb.errors import PictureError, StoreError
from rivya_nb.store.records import Counted, Question
from rivya_nb.views.thumbnails import WORKERS, thumbnail
from rivya_nb.views.words import marks_badge, unseen_kind, unseen_words
from rivya_nb.widgets.modules import joined

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.session.history import Selection
    from rivya_nb.store.records import JobRecord, Marks

PAGE = 24
"""Pictures on a page."""

REACH = 500
"""Pictures that may come or go at once while a later page keeps its place."""

BOX = (288, 288)
MOST_BYTES = 14_000
"""A picture of a page: pixels at most, and bytes."""


class GalleryWidget(anywidget.AnyWidget):
    """The front end; it has no state of its own here."""

    _esm = joined(Path(__file__).with_name("gallery.js"))


class PanelGallery(Background):
    """The history of a session's store, newest first. `opened` is the title and the widget of what is shown beside
    it, if anything is.
    """

    opened: Any = traitlets.Any(None)

    def __init__(self, model: PanelModel) -> None:
        session = model.session
        super().__init__(session.work_loop)
        self._model = model
        self._session = session
        self._store_failed = False
        self._newest: dict[str, int] = {}
        self._paging = asyncio.Lock()
        self._changing = asyncio.Lock()
        self.widget = make(GalleryWidget)
        self.widget.on_msg(self._receive)
        model.observe(self.refresh, "ended")
        model.observe(self.check, "cells")
        for news in (session.store.marks.changes, session.store.arrivals, session.store.deletions):
            news.subscribe(self.check)

    def refresh(self, _: object = None) -> None:
        if not self.closed:
            self.widget.send({"kind": "stale"})

    def check(self, _: object = None) -> None:
        """Let the front end ask whether its page is still the newest; called on any thread."""
        if not self.closed:
            self.widget.send({"kind": "check"})

    def close(self) -> None:
        super().close()
        give_up(self.widget)

    def complain(self, text: str) -> None:
        self._say(text, wrong=True)

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        """A message of the front end; it may come on any thread."""
        if isinstance(content, dict):
            self.start(self._answer(content))

    async def _answer(self, content: Mapping[str, Any]) -> None:
        kind = str(content.get("kind"))
        try:
            if kind == "ask":
                await self._show(content)
            else:
                await self._act(kind, content)
        except StoreError:
            self._store_failed = True
            raise
        if self._store_failed:
            self._store_failed = False
            if kind == "ask":
                # What the store said is not true any more; everything else has its own words.
                self._say("")

    async def _show(self, content: Mapping[str, Any]) -> None:
        """Send a page, unless its view asks for another before its turn comes: one may leaf faster than that."""
        view, number = str(content.get("view")), int(content.get("number", 0))
        self._newest[view] = max(number, self._newest.get(view, 0))
        async with self._paging:
            if number == self._newest[view]:
                page = await asyncio.to_thread(self._page, content)
                if page is not None:
                    self.widget.send(*page)

    async def _act(self, kind: str, content: Mapping[str, Any]) -> None:
        """Do something with the jobs that are named. What shows widgets does so on the session's loop."""
        ids = [str(job_id) for job_id in content.get("jobs", [])]
        chosen = self._session.pictures(ids)
        if kind == "recall":
            (record, *_) = await asyncio.to_thread(self._records, ids)
            self._model.recall(record.request)
            # In a narrow page the form is out of sight.
            self._say("Its settings are in the form now")
        elif kind == "reference":
            records = await asyncio.to_thread(self._records, ids)
            pictures = [record.pictures[0] for record in records if record.pictures]
            self._model.references.add(pictures)
            self._say(f"Handed {count(len(pictures), 'picture')} to the references")
        elif kind == "view":
            await self._view(chosen, content.get("at"))
        elif kind == "grid":
            look = await asyncio.to_thread(lambda: chosen.grid()._repr_mimebundle_())
            self.opened = (f"Grid ({len(ids)})", ipywidgets.HTML(look["text/html"]))
        elif kind == "code":
            self.widget.send({"kind": "code", "cells": await asyncio.to_thread(self._cells, ids)})
        else:
            # Of two ratings in a row the second one is the one to keep.
            async with self._changing:
                text, step = await asyncio.to_thread(self._step, kind, chosen, content)
                self._say(text, step=step)
            self.refresh()

    async def _view(self, chosen: Selection, at: str | None) -> None:
        """Look closely at the picture of the job `at`, with the others to leaf through; or compare all of them."""
        viewer = await asyncio.to_thread(chosen.view)
        mode = "side" if len(chosen) == 2 else "grid"
        viewer.open_as("one" if at else mode, at=at, leave=self._come_back)
        self.opened = ("Look" if at else f"Compare ({len(chosen)})", viewer)

    def _come_back(self) -> None:
        self.opened = None
        self.widget.send({"kind": "back"})

    def _step(self, kind: str, chosen: Selection, content: Mapping[str, Any]) -> tuple[str, int | None]:
        """Change something, and say what was done, and which step of the marks that was, if it was one."""
        marks = self._session.store.marks
        before = marks.last_step()
        text = self._change(kind, chosen, content)
        after = marks.last_step()
        return text, None if kind == "undo" or after == before else after

    def _change(self, kind: str, chosen: Selection, content: Mapping[str, Any]) -> str:
        """Mark, take back, save or delete, and say what was done."""
        number = count(len(chosen), "picture")
        if kind == "rate":
            rating = content.get("rating", 0)
            chosen.rate(rating)
            return f"Rated {number}" if rating else f"Took the rating off {number}"
        if kind == "favourite":
            marks = self._session.store.marks.of(chosen.job_ids)
            on = not all(each.favourite for each in marks.values())
            chosen.favourite(on)
            return f"Marked {number} as favourite" if on else f"Took the favourite mark off {number}"
        if kind == "undo":
            undone = self._session.store.marks.undo(only=int(content.get("step", 0)))
            return f"Undone: {undone}" if undone else "There is nothing to undo"
        if kind == "delete":
            chosen.delete(confirm=True)
            return f"Deleted {number}"
        if kind == "save":
            saved = chosen.save(str(content.get("folder") or "pictures"))
            return (
                f"Saved {count(len(saved), 'picture')} in {saved[0].parent}"
                if saved
                else "There was nothing to save"
            )
        return ""

    def _say(self, text: str, *, wrong: bool = False, step: int | None = None) -> None:
        """Tell the user something; a `step` can be taken back beside it."""
        self.widget.send({"kind": "said", "text": text, "wrong": wrong, "step": step})

    def _page(self, content: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]] | None:
        """One page of what is asked for, and its pictures as WebP. This decodes pictures.

        None where the front end has just this page: its `known` is the page's.
        """
        store = self._session.store
        question = _question(content)
        total = store.counted(question)
        first = self._first(question, content, total)
        records = store.history(question, limit=PAGE + 1, offset=first)
        if first and not records:
            # Past the end of pictures that were not counted exactly.
            total = Counted(store.count(question))
            first = self._first(question, content, total)
            records = store.history(question, limit=PAGE + 1, offset=first)
        has_next, records = len(records) > PAGE, records[:PAGE]
        marks = store.marks.of([record.id for record in records])
        known = _fingerprint(first, total, has_next, records, marks)
        if content.get("known") == known:
            return None
        with ThreadPoolExecutor(WORKERS) as workers:
            pictures = list(workers.map(self._thumbnail, records))
        buffers = [picture for picture in pictures if isinstance(picture, bytes)]
        items, shown = [], 0
        for record, picture in zip(records, pictures, strict=True):
            is_shown = isinstance(picture, bytes)
            items.append(
                _item(record, marks[record.id], shown if is_shown else None, "" if is_shown else str(picture))
            )
            shown += is_shown
        message = {
            "kind": "page",
            "number": content.get("number", 0),
            "view": content.get("view"),
            "known": known,
            "items": items,
            "first": first,
            "total": total.number,
            "is_exact": total.is_exact,
            "has_next": has_next,
            "size": PAGE,
            "models": [model.id for model in self._session.catalogue.values() if model.makes_pictures],
            "tags": store.marks.known_tags(),
            "gone": self._gone(content.get("chosen") or []),
        }
        return message, buffers

    def _first(self, question: Question, content: Mapping[str, Any], total: Counted) -> int:
        """Where the page begins that is asked for.

        The first page shows what is new. A later one stays with the picture that it began with, its `anchor`,
        and so does the first one where what is new would push the picture that has the focus, `held`, out of it.
        """
        place = max(0, int(content.get("place", 0)))
        if total.is_exact and place >= total.number:
            # The last page, where what was asked for has become fewer meanwhile.
            place = max(0, (total.number - 1) // PAGE * PAGE)
        anchor = content.get("anchor")
        if not anchor:
            return place
        start = max(0, place - REACH)
        near = self._session.store.history_ids(question, limit=place - start + REACH, offset=start)
        if anchor not in near or (place == 0 and content.get("held") not in near[PAGE:]):
            return place
        return start + near.index(anchor)

    def _gone(self, chosen: Sequence[str]) -> list[str]:
        """Those of the chosen jobs that have no picture any more; it may have been deleted in a cell."""
        records = self._session.store.jobs(map(str, chosen))
        return [job_id for job_id in chosen if job_id not in records or not records[job_id].pictures]

    def _thumbnail(self, record: JobRecord) -> bytes | str:
        """The small picture of a job, or why there is none."""
        store = self._session.store
        picture = record.pictures[0]
        path = store.files.path(picture.sha256, picture.mime_type)
        try:
            return thumbnail(path, box=BOX, max_bytes=MOST_BYTES, load=store.files.thumbnails.load).data
        except PictureError as error:
            kind = unseen_kind(picture) if path.is_file() else ""
            return unseen_words(kind) if kind else str(error)

    def _records(self, ids: Sequence[str]) -> list[JobRecord]:
        return list(self._session.store.jobs(ids).values())

    def _cells(self, ids: Sequence[str]) -> list[str]:
        """The cells that ask for these jobs' pictures: one for those that differ in their seeds only."""
        alike: dict[str, list[JobRecord]] = {}
        for record in self._records(ids):
            rest = {key: value for key, value in record.params.items() if key != SEED_KEY}
            alike.setdefault(repr((record.model, record.prompt, rest, record.references)), []).append(record)
        return [cell for records in alike.values() for cell in form_cells(self._session, _asking(records))]


def _asking(records: Sequence[JobRecord]) -> FormState:
    """The form that asks for these jobs' pictures, which differ in their seeds only."""
    state = FormState.of_request(records[0].request)
    if SEED_KEY not in state.params:
        return state
    seeds = dict.fromkeys(str(record.params[SEED_KEY]) for record in records)
    return replace(state, params={**state.params, SEED_KEY: ",".join(seeds)})


def _question(content: Mapping[str, Any]) -> Question:
    tag = str(content.get("tag") or "")
    return Question(
        model=str(content.get("model") or "") or None,
        prompt=str(content.get("prompt") or "") or None,
        rating=int(content.get("rating") or 0) or None,
        favourite=bool(content.get("favourite")),
        tags=(tag,) if tag else (),
        oldest_first=bool(content.get("oldest_first")),
    )


def _fingerprint(
    first: int, total: Counted, has_next: bool, records: Sequence[JobRecord], marks: Mapping[str, Marks]
) -> str:
    """Another text for a page that would look different."""
    shown = [(record.id, len(record.pictures), marks[record.id]) for record in records]
    return sha256(repr((first, total, has_next, shown)).encode()).hexdigest()


def _item(record: JobRecord, marks: Marks, picture: int | None, trouble: str) -> dict[str, Any]:
    facts = [record.model, *(f"{key} {value}" for key, value in record.params.items())]
    more = f" · {len(record.pictures)} pictures" if len(record.pictures) > 1 else ""
    return {
        "job": record.id,
        "name": f"{printable(record.prompt, 120)} · {' · '.join(facts)}{more}",
        "marks": marks_badge(marks),
        "picture": picture,
        "trouble": trouble,
    }
