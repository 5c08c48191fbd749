"""A tab with pictures, and what can be done with them: the same for the gallery, for a run and for a grid.

The front end is `picture_tab.js`. It asks for what the tab shows and gets it as one message, the small pictures as
bytes, each once; it names what is to be done with which jobs, and is told in words how that went.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.text import count, printable
from rivya_nb.control_panel.background import Background
from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.errors import PictureError, StoreError
from rivya_nb.views.thumbnails import WORKERS, allot, thumbnail
from rivya_nb.views.words import (
    aspect_ratio,
    exclusion_words,
    explanation,
    joined,
    marks_badge,
    moving_words,
    noun_of,
    replicate_words,
    sign,
    state_word,
    unseen_kind,
    unseen_words,
)

if TYPE_CHECKING:
    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.control_panel.tabs import Tabs
    from rivya_nb.session.history import Selection
    from rivya_nb.store.questions import Counted
    from rivya_nb.store.records import JobRecord, Marks, PictureRecord
    from rivya_nb.widgets.viewer import Viewer

BOX = (288, 288)
BUDGET = 450_000
"""A picture of a tab: pixels at most; and the bytes of base64 that all of them share."""

Answer = tuple[dict[str, Any], list[bytes]]
"""A message, and the pictures that belong to it."""


@dataclass(frozen=True)
class Shown:
    """One place of a tab: a job's picture, or what there is to say of a job without one.

    `key` tells the places of a tab apart. `label` stands below the picture on demand, or always where the tab has
    no headings.
    """

    key: str
    record: JobRecord
    picture: PictureRecord | None
    label: str = ""


@dataclass(frozen=True)
class Contents:
    """What a tab shows: its places in reading order, and `more` for its front end."""

    shown: Sequence[Shown]
    more: Mapping[str, Any] = field(default_factory=dict)


class PictureTab(Background):
    """One tab of a panel. `title` is its name, `id` tells it from the others, `kind` is known to the front end."""

    kind = "grid"

    def __init__(self, tabs: Tabs, model: PanelModel, name: str, title: str) -> None:
        session = model.session
        super().__init__(session.work_loop)
        self.id = name
        self.title = title
        self._tabs = tabs
        self._model = model
        self._session = session
        self._store_failed = False
        self._newest: dict[str, int] = {}
        self._asking = asyncio.Lock()
        self._changing = asyncio.Lock()
        for news in (session.store.marks.changes, session.store.deletions):
            news.subscribe(self.check)

    @abstractmethod
    def contents(self, content: Mapping[str, Any]) -> Contents:
        """What is asked for. This reads the store."""

    def viewer(self, chosen: Selection) -> Viewer:
        """What looks closely at all that the tab shows, `chosen`."""
        return chosen.view()

    def check(self, _: object = None) -> None:
        """Let the front end ask whether it still shows the newest; called on any thread."""
        self.tell({"kind": "check"})

    def refresh(self, _: object = None) -> None:
        self.tell({"kind": "stale"})

    def tell(self, message: dict[str, Any], pictures: Sequence[bytes] = ()) -> None:
        if not self.closed:
            self._tabs.tell({**message, "tab": self.id}, list(pictures))

    def complain(self, text: str) -> None:
        self._say(text, wrong=True)

    def receive(self, content: Mapping[str, Any]) -> None:
        """A message of the front end; it may come on any thread."""
        if content.get("kind") == "reference":
            # A click on Generate may follow before the loop turns: it waits for these pictures.
            if ids := _ids(content):
                self._model.references.add_pictures(ids)
                jobs = self._model.session.store.jobs(ids).values()
                self._say(f"Handed {count(len(ids), noun_of(jobs))} to the references")
        else:
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

    # What it shows

    async def _show(self, content: Mapping[str, Any]) -> None:
        """Send what is asked for, unless its view asks for something else before its turn comes: one may leaf
        faster than that."""
        view, number = str(content.get("view")), int(content.get("number", 0))
        self._newest[view] = max(number, self._newest.get(view, 0))
        async with self._asking:
            if number == self._newest[view]:
                answer = await asyncio.to_thread(self._page, content)
                if answer is not None:
                    self.tell(*answer)

    def _page(self, content: Mapping[str, Any]) -> Answer | None:
        """What is asked for, with those pictures as WebP that the front end does not `have`. This decodes
        pictures.

        None where the front end shows just this: its `known` is the same.
        """
        contents = self.contents(content)
        marks = self._session.store.marks.of([each.record.id for each in contents.shown])
        known = _fingerprint(contents, marks)
        if content.get("known") == known:
            return None
        if content.get("known"):
            # Perhaps another kernel has marked or deleted something: whoever shows the same pictures looks too.
            self._session.store.marks.changes.pass_on()
        have = set(map(str, content.get("have") or ()))
        most = allot(len(contents.shown), budget=BUDGET).max_bytes
        with ThreadPoolExecutor(WORKERS) as workers:
            drawn = list(workers.map(lambda each: self._drawn(each, have, most), contents.shown))
        pictures: list[bytes] = []
        items = []
        for shown, small in zip(contents.shown, drawn, strict=True):
            item = _item(shown, marks[shown.record.id])
            if isinstance(small, bytes):
                item["picture"] = len(pictures)
                pictures.append(small)
            else:
                item |= {"is_kept": small is None, "trouble": small or ""}
            items.append(item)
        message = {
            "kind": "page",
            "number": content.get("number", 0),
            "view": content.get("view"),
            "known": known,
            "items": items,
            "gone": self._gone([str(each) for each in content.get("chosen") or ()]),
            **contents.more,
        }
        return message, pictures

    def _drawn(self, shown: Shown, have: set[str], most: int) -> bytes | str | None:
        """The small picture of a place, why there is none, or None where the front end has it already."""
        picture = shown.picture
        if picture is None:
            return joined([f"{sign(shown.record)} {state_word(shown.record)}", explanation(shown.record)])
        files = self._session.store.files
        path = files.path(picture.sha256, picture.mime_type)
        if shown.key in have and files.has(picture.sha256, picture.mime_type):
            return None
        try:
            return thumbnail(path, box=BOX, max_bytes=most, load=files.thumbnails.load).data
        except PictureError as error:
            kind = unseen_kind(picture) if files.has(picture.sha256, picture.mime_type) else ""
            return unseen_words(kind) if kind else str(error)

    def _gone(self, chosen: Sequence[str]) -> list[str]:
        """Those of the chosen jobs that have no picture any more; it may have been deleted in a cell."""
        records = self._session.store.jobs(chosen)
        return [job_id for job_id in chosen if job_id not in records or not records[job_id].pictures]

    # What is done with it

    async def _act(self, kind: str, content: Mapping[str, Any]) -> None:
        """Do something with the jobs that are named. What shows widgets does so on the session's loop."""
        ids = _ids(content)
        chosen = self._session.pictures(ids)
        if kind == "recall":
            (record, *_) = await asyncio.to_thread(self._records, ids)
            self._model.recall(record.request)
            # In a narrow page the form is out of sight.
            self._say("Its settings are in the form now")
        elif kind == "look":
            viewer = await asyncio.to_thread(self.viewer, chosen)
            self._tabs.look(viewer, "Look", "one", self, at=str(content.get("at")))
        elif kind == "compare":
            viewer = await asyncio.to_thread(chosen.view)
            mode = "side" if len(chosen) == 2 else "grid"
            self._tabs.look(viewer, f"Compare ({len(chosen)})", mode, self)
        elif kind == "grid":
            self._tabs.open_grid(chosen)
        elif kind == "code":
            self.tell({"kind": "code", "cells": await asyncio.to_thread(self._cells, ids)})
        else:
            # Of two ratings in a row the second one is the one to keep.
            async with self._changing:
                text, step = await asyncio.to_thread(self._step, kind, chosen, content)
                self._say(text, step=step)
            self.refresh()

    def _step(self, kind: str, chosen: Selection, content: Mapping[str, Any]) -> tuple[str, int | None]:
        """Change something, and say what was done, and which step of the marks that was, if it was one."""
        marks = self._session.store.marks
        before = marks.last_step()
        text = self._change(kind, chosen, content)
        after = marks.last_step()
        return text, None if kind == "undo" or after == before else after

    def _change(self, kind: str, chosen: Selection, content: Mapping[str, Any]) -> str:
        """Mark, take back, save or delete, and say what was done."""
        named = noun_of(job.record for job in chosen)
        number = count(len(chosen), named)
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
                f"Saved {count(len(saved), named)} in {saved[0].parent}"
                if saved
                else "There was nothing to save"
            )
        return ""

    def _say(self, text: str, *, wrong: bool = False, step: int | None = None) -> None:
        """Tell the user something; a `step` can be taken back beside it."""
        self.tell({"kind": "said", "text": text, "wrong": wrong, "step": step})

    def _records(self, ids: Sequence[str]) -> list[JobRecord]:
        records = list(self._session.store.jobs(ids).values())
        if not records:
            raise StoreError("This result is not in the store any more.")
        return records

    def _cells(self, ids: Sequence[str]) -> list[str]:
        """The cells that ask for these jobs' pictures: one for those that differ in their seeds only."""
        alike: dict[str, list[JobRecord]] = {}
        for record in self._records(ids):
            rest = {key: value for key, value in record.shared_params.items() if key != SEED_KEY}
            alike.setdefault(repr((record.model, record.prompt, rest, record.references)), []).append(record)
        return [
            cell
            for records in alike.values()
            for cell in form_cells(self._session, _asking(records), origins=self._model.origins)
        ]


def page_words(
    first: int, total: Counted, shown: int, size: int, *, has_next: bool | None = None
) -> dict[str, Any]:
    """What the front end says of a page of `shown` pictures, and how far it can leaf."""
    return {
        "first": first,
        "total": total.number,
        "is_exact": total.is_exact,
        "has_next": first + shown < total.number if has_next is None else has_next,
        "size": size,
    }


def _ids(content: Mapping[str, Any]) -> list[str]:
    jobs = content.get("jobs")
    return [str(job_id) for job_id in jobs] if isinstance(jobs, list) else []


def _asking(records: Sequence[JobRecord]) -> FormState:
    """The form that asks for these jobs' pictures, which differ in their seeds and numbers only."""
    last = max(records, key=lambda record: record.replicate)
    state = FormState.of_request(last.request)
    if SEED_KEY not in state.params:
        return state
    seeds = dict.fromkeys(str(record.seed) for record in records)
    return replace(state, params={**state.params, SEED_KEY: ",".join(seeds)})


def _fingerprint(contents: Contents, marks: Mapping[str, Marks]) -> str:
    """Another text for contents that would look different."""
    shown = [
        (each.key, each.label, state_word(each.record), len(each.record.pictures), marks[each.record.id])
        for each in contents.shown
    ]
    return sha256(repr((shown, sorted(contents.more.items()))).encode()).hexdigest()


def _item(shown: Shown, marks: Marks) -> dict[str, Any]:
    record = shown.record
    facts = [record.model, *(f"{key} {value}" for key, value in record.params.items())]
    told = moving_words(shown.picture) if shown.picture is not None else ""
    facts += filter(None, [told, replicate_words(record), exclusion_words(marks)])
    more = f" · {len(record.pictures)} {noun_of([record])}s" if len(record.pictures) > 1 else ""
    return {
        "key": shown.key,
        "job": record.id,
        "name": f"{printable(record.prompt, 120)} · {' · '.join(facts)}{more}",
        "label": shown.label,
        "marks": marks_badge(marks),
        "is_pictured": shown.picture is not None,
        "ratio": round(aspect_ratio(record, shown.picture), 3),
        "picture": None,
        "is_kept": False,
        "trouble": "",
    }
