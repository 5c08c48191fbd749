"""What this kernel's cells show, drawn anew in place where marks or votes change or pictures are deleted."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from rivya_nb.errors import RivyaError
from rivya_nb.session.showing.live import SHORTEST_PAUSE, Part, in_notebook

if TYPE_CHECKING:
    from rivya_nb.session.live_records import LiveRecords
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.views.run_view import Hint

PAUSE = 0.2
"""Seconds in which changes are collected: ten ratings in a row draw a grid a few times."""

RECENT = 8
"""The last ones that were shown are kept although nobody else has them, as after `display(run.grid())`."""


class Renewable(Protocol):
    """Something that is shown in a cell. Its `glance` is called in a thread, its `renew` on the loop."""

    def glance(self) -> object:
        """A value that is another one when this would look different."""

    async def renew(self) -> None:
        """Show it as it is now."""


class Displays:
    """All that is shown in this kernel's cells of one store, as long as somebody has it.

    Changes by other kernels are noticed where a panel or a viewer notices them.
    """

    def __init__(self, live_records: LiveRecords) -> None:
        self._live_records = live_records
        self._seen: WeakKeyDictionary[Renewable, object] = WeakKeyDictionary()
        self._recent: deque[Renewable] = deque(maxlen=RECENT)
        self._lock = threading.Lock()
        self._is_stale = False
        self._renewing = asyncio.Lock()
        store = live_records.store
        for news in (store.marks.changes, store.votes.changes, store.deletions):
            news.subscribe(self.check)

    def add(self, display: Renewable) -> None:
        """Keep it current from now on."""
        with self._lock:
            self._seen.setdefault(display, None)
            if display not in self._recent:
                self._recent.append(display)

    def check(self) -> None:
        """Draw soon what looks different by now. May be called from any thread, and often."""
        with self._lock:
            if self._is_stale or not self._seen:
                return
            self._is_stale = True
        try:
            self._live_records.work_loop.start(self._renew())
        except RivyaError:
            # The loop is gone. What changed is in the store all the same.
            self._is_stale = False

    async def _renew(self) -> None:
        async with self._renewing:
            await asyncio.sleep(PAUSE)
            self._is_stale = False
            with self._lock:
                shown = list(self._seen)
            for display in reversed(shown):
                # What was shown stays where it cannot be shown anew; whoever made the change must not fail for it.
                with suppress(Exception):
                    glance = await asyncio.to_thread(display.glance)
                    if glance != self._seen.get(display):
                        await display.renew()
                        self._seen[display] = glance

    def glance(self, job_ids: Iterable[str]) -> object:
        """What of these jobs' pictures may change once they have ended. Their objects are current afterwards, also
        where another kernel has deleted something."""
        store = self._live_records.store
        jobs = [self._live_records.job(record) for record in store.jobs(job_ids).values()]
        ends = [(job.record.is_final, job.record.pictures) for job in jobs]
        return store.marks.of([job.id for job in jobs]), ends


class Shown(ABC):
    """Shows itself in a cell as display data, and stays current there as `Displays` tells."""

    _live_records: LiveRecords

    @abstractmethod
    def _bundle(self) -> Bundle:
        """It as it is now. This decodes pictures."""

    @abstractmethod
    def _glance(self) -> object:
        """A value that is another one when it would look different."""

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self._bundle()

    def _ipython_display_(self) -> None:
        if not in_notebook():
            # IPython then takes the other ways to show a value.
            raise NotImplementedError
        still = self.__dict__.setdefault("_still", StillDisplay(self))
        try:
            still.show()
        except RivyaError:
            raise NotImplementedError from None
        self._live_records.displays.add(still)


class Kept(Shown):
    """What a widget's cell holds beside the widget, for a page without a kernel: a line that says how it is
    opened, and the pictures that `shown` gives. The widget's style sheet hides it while the widget lives."""

    def __init__(self, live_records: LiveRecords, line: Hint, shown: Callable[[], Shown]) -> None:
        self._live_records = live_records
        self._line = line
        self._inside = shown

    def _bundle(self) -> Bundle:
        return self._around(self._inside()._bundle())

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self._around(self._inside()._repr_mimebundle_())

    def _around(self, look: Bundle) -> Bundle:
        from rivya_nb.views.kept import kept_html

        return {
            "text/html": kept_html(self._line, look.get("text/html", "")),
            "text/plain": look["text/plain"],
        }

    def _glance(self) -> object:
        return self._inside()._glance()


class StillDisplay:
    """The place in the notebook's cells where something is shown."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._part = Part(shown._bundle, shown._bundle, SHORTEST_PAUSE)

    def show(self) -> None:
        self._part.publish(self._shown._repr_mimebundle_(), update=False)

    def glance(self) -> object:
        return self._shown._glance()

    async def renew(self) -> None:
        await self._part.redraw()
