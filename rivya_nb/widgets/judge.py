"""Judging in pairs: a widget that shows two pictures, videos or sounds, and nothing that tells which they are.

The front end is `judge_widget.js` with its imports. It knows places in a list, from 0, and asks with an `id`,
which the answer repeats; the answer has `trouble` if it failed:

    {kind: "files", place}                   → {types}, their MIME types, and the left and the right one
    {kind: "vote", place, better, seconds}   → {} once it is in the store; `better` is "left", "right" or "none"
    {kind: "back", place}                    → {} once the vote is deleted
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import traitlets

from rivya_nb.contract.text import count
from rivya_nb.errors import RivyaError, UsageError
from rivya_nb.store.vote_records import LONGEST, SIDES
from rivya_nb.widgets.answering import Answer, AnsweringWidget
from rivya_nb.widgets.modules import joined


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a rater is asked: for each place one of the `questions`; `judged` are the places with a vote, in the
    order in which they were judged."""

    rater: str
    questions: Sequence[str]
    asked: Sequence[int]
    judged: Sequence[int]


class BallotBox(Protocol):
    """Where files come from and votes go. Every method is called off the event loop."""

    def files(self, place: int) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        """The left and the right one, each as its MIME type and its bytes."""

    def vote(self, place: int, better: str, seconds: float) -> None:
        """Keep a vote."""

    def take_back(self, place: int) -> None:
        """Delete a vote."""

    def sure(self) -> str:
        """How sure the order is, in words; may be empty."""


class Judge(AnsweringWidget):
    """Shows pair after pair; as a cell's value it shows itself. Arrow keys judge, and buttons say so.

    `keep` shows in the executing cell what stays there when the kernel is gone.
    """

    module = joined(Path(__file__).with_name("judge_widget.js"))
    sheet = Path(__file__).with_name("judge.css").read_text(encoding="utf-8")
    _ballot = traitlets.Dict().tag(sync=True)
    _sure = traitlets.Unicode().tag(sync=True)

    def __init__(self, ballot: Ballot, box: BallotBox, keep: Callable[[], None] | None = None) -> None:
        self._box = box
        self._total = len(ballot.asked)
        self._writing = asyncio.Lock()
        self._is_stale = False
        shown = {
            "rater": ballot.rater,
            "total": self._total,
            "questions": list(ballot.questions),
            "asked": list(ballot.asked),
            "judged": list(ballot.judged),
        }
        super().__init__(_ballot=shown)
        self.keep = keep
        if ballot.judged:
            self._count_soon()

    def __repr__(self) -> str:
        return (
            f"<Judge of {count(self._total, 'pair')}. It is shown where a notebook shows widgets; elsewhere "
            'ranking.write_page("judge.html") writes a page for a browser.>'
        )

    @property
    def _answers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]]:
        return {"files": self._files, "vote": self._vote, "back": self._take_back}

    async def _files(self, content: Mapping[str, Any]) -> Answer:
        place = self._place(content)
        found = await asyncio.to_thread(lambda: self._box.files(place))
        return {"types": [kind for kind, _ in found]}, [data for _, data in found]

    async def _vote(self, content: Mapping[str, Any]) -> Answer:
        place, better, seconds = self._place(content), content.get("better"), content.get("seconds")
        if better not in SIDES or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST:
            raise UsageError("This is no vote.")
        return await self._write(lambda: self._box.vote(place, str(better), float(seconds)))

    async def _take_back(self, content: Mapping[str, Any]) -> Answer:
        place = self._place(content)
        return await self._write(lambda: self._box.take_back(place))

    async def _write(self, work: Callable[[], None]) -> Answer:
        # A vote and its taking back reach the store in their order.
        async with self._writing:
            await asyncio.to_thread(work)
        self._count_soon()
        return {}, []

    def _place(self, content: Mapping[str, Any]) -> int:
        place = content.get("place")
        if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < self._total:
            raise UsageError("There is no such pair.")
        return place

    def _count_soon(self) -> None:
        """Tell soon how sure the order is by now; where votes come faster, only for the newest."""
        if not self._is_stale:
            self._is_stale = True
            self._work_loop.start(self._tell_how_sure())

    async def _tell_how_sure(self) -> None:
        self._is_stale = False
        with suppress(RivyaError):
            self.set_trait("_sure", await asyncio.to_thread(self._box.sure))
