"""The gallery of the panel: the history, paged and filtered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.request import SEED_KEY
from rivya_nb.contract.text import printable
from rivya_nb.control_panel.picture_tab import Contents, PictureTab, Shown, page_words
from rivya_nb.planning.question import Filters, history_question
from rivya_nb.store.questions import Counted, Question
from rivya_nb.study.kept_measures import kept_names, measure_orders
from rivya_nb.views.words import by_words, joined, param_words, replicate_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rivya_nb.control_panel.model import PanelModel
    from rivya_nb.control_panel.tabs import Tabs
    from rivya_nb.store.records import JobRecord

PAGE = 24
"""Pictures on a page."""

REACH = 500
"""Pictures that may come or go at once while a later page keeps its place."""

RUNS = 50
"""Runs that are proposed; any other can be typed."""

VALUES = 200
"""Values of params that are offered."""

_VALUE_LENGTH = 40
_PROMPT_LENGTH = 60


class PanelGallery(PictureTab):
    """The history of a session's store, newest first."""

    kind = "gallery"

    def __init__(self, tabs: Tabs, model: PanelModel) -> None:
        super().__init__(tabs, model, "gallery", "Gallery")
        model.observe(self.refresh, "ended")
        model.observe(self.check, "cells")
        self._session.store.arrivals.subscribe(self.check)

    def contents(self, content: Mapping[str, Any]) -> Contents:
        store = self._session.store
        question = self._question(content)
        total = store.counted(question)
        first = self._first(question, content, total)
        records = store.history(question, limit=PAGE + 1, offset=first)
        if first and not records:
            # Past the end of pictures that were not counted exactly.
            total = Counted(store.count(question))
            first = self._first(question, content, total)
            records = store.history(question, limit=PAGE + 1, offset=first)
        has_next, records = len(records) > PAGE, records[:PAGE]
        more = {
            **page_words(first, total, len(records), PAGE, has_next=has_next),
            "models": [model.id for model in self._session.catalogue.values() if model.can_run],
            "tags": store.marks.known_tags(),
            "users": store.users.names(),
            "measures": kept_names(store),
        }
        return Contents(self._captioned(records), more)

    async def _act(self, kind: str, content: Mapping[str, Any]) -> None:
        if kind == "choices":
            self.tell({"kind": "choices", **await asyncio.to_thread(self._choices)})
        else:
            await super()._act(kind, content)

    def _captioned(self, records: Sequence[JobRecord]) -> list[Shown]:
        """Each with its run, its date, what it was made with, and the beginning of its prompt."""
        runs = self._session.store.runs.ids_of([record.id for record in records])
        names = self._session.store.users.are_several
        shown = []
        for record in records:
            made = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created_at))
            where = f"run {runs[record.id][-1]}" if runs[record.id] else ""
            prompt = printable(record.prompt, _PROMPT_LENGTH)
            label = "\n".join(
                [
                    joined([where, made, by_words(record.asked_by) if names else ""]),
                    joined([*param_words(record.shared_params), replicate_words(record)]),
                    prompt,
                ]
            )
            shown.append(Shown(record.id, record, record.pictures[0], label))
        return shown

    def _choices(self) -> dict[str, Any]:
        """The params and runs of the history, to be filtered by: what a form can offer."""
        store = self._session.store
        params: dict[str, list[list[str]]] = {}
        for key, value in store.param_values(VALUES):
            if key != SEED_KEY:
                params.setdefault(key, []).append([value, printable(value, _VALUE_LENGTH)])
        runs = [[str(run.id), printable(run.name or "", _VALUE_LENGTH)] for run in store.runs.summaries(RUNS)]
        return {"params": sorted(params.items()), "runs": runs}

    def _question(self, content: Mapping[str, Any]) -> Question:
        """What the filters ask for. Raises UsageError with every mistake in them."""
        params = {str(key): str(value) for key, value in content.get("params") or ()}
        filters: Filters = {"params": params, "favourite": bool(content.get("favourite"))}
        for name in ("model", "prompt", "tag", "by", "since", "until", "seed"):
            if text := str(content.get(name) or "").strip():
                filters[name] = text
        if rating := int(content.get("rating") or 0):
            filters["rating"] = rating
        if run := str(content.get("run") or "").strip():
            filters["run"] = _run(run)
        if measure := str(content.get("measure") or ""):
            filters["sort"] = measure
        store = self._session.store
        asked = history_question(
            filters, params, measure_orders(store), lambda name: store.runs.named(name).id
        ).question
        return replace(asked, oldest_first=bool(content.get("oldest_first")))

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


def _run(text: str) -> int | str:
    """A run's number, also as `run 41`; any other text is its name."""
    number = text.lower().removeprefix("run").strip().lstrip("#")
    return int(number) if number.isdecimal() and len(number) <= 18 else text
