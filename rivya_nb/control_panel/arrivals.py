"""Files on their way from a browser to the kernel, in pieces that come in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rivya_nb.contract.text import count
from rivya_nb.jobs.sources import LARGEST

KINDS = ("begin", "piece", "drop")
"""Messages of a file: it will come, here is a piece of it, it will not come after all."""


TICK = 1.0
"""Seconds between two looks at what comes no more."""

PATIENCE = 30
"""So many looks in a row without a piece, and a file is given up: the page may have been closed or reloaded. They
are looks and not seconds, since nothing comes while a cell keeps the loop from turning."""


class Arrival:
    """One file whose pieces come in any order; `size` in bytes, `number` as the browser counts its files. `looks`
    are those since the last piece."""

    def __init__(self, number: int, name: str, size: int) -> None:
        self.number = number
        self.name = name
        self.looks = 0
        self.data = bytearray(size)
        self._pieces: dict[int, int] = {}

    def put(self, offset: int, piece: memoryview) -> None:
        """Take a piece; one that does not fit is none of this file's."""
        if 0 <= offset <= len(self.data) - len(piece):
            self.data[offset : offset + len(piece)] = piece
            self._pieces[offset] = len(piece)

    @property
    def received(self) -> int:
        """How many bytes are here."""
        return sum(self._pieces.values())

    @property
    def is_whole(self) -> bool:
        return self.received >= len(self.data)


class Arrivals:
    """All files that are on their way. `whole` is called with each that is here as a whole, `answer` with what
    the browser is told. `announce` and `words` may be called on any thread."""

    def __init__(self, whole: Callable[[Arrival], None], answer: Callable[[dict[str, Any]], None]) -> None:
        self._whole = whole
        self._answer = answer
        self._arriving: dict[int, Arrival] = {}

    @property
    def words(self) -> str:
        """What is on its way and how much of it is here; empty where nothing is."""
        # Another thread may announce one meanwhile.
        files = tuple(self._arriving.values())
        if not files:
            return ""
        more = f" and {count(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        return f"{files[0].name} ({100 * files[0].received // len(files[0].data)} %){more}"

    def announce(self, content: Mapping[str, Any]) -> None:
        """Count on a file from its first message on, before its turn comes to be handled."""
        size = int(content.get("size", 0))
        if 0 < size <= LARGEST:
            number = int(content["file"])
            self._arriving[number] = Arrival(number, str(content.get("name", "")), size)

    async def watch(self, given_up: Callable[[Arrival], None]) -> None:
        """While anything is on its way, give up what comes no more, so that nobody waits for it for ever."""
        while self._arriving:
            await asyncio.sleep(TICK)
            for arrival in self._stale():
                given_up(arrival)

    def _stale(self) -> list[Arrival]:
        """Look once more, and let go of those of which nothing came since many looks."""
        coming = [each for each in tuple(self._arriving.values()) if not each.is_whole]
        for arrival in coming:
            arrival.looks += 1
            if arrival.looks > PATIENCE:
                del self._arriving[arrival.number]
        return [each for each in coming if each.looks > PATIENCE]

    def taken(self, number: int) -> None:
        """A file that was here as a whole has become a reference, or none."""
        self._arriving.pop(number, None)

    def handle(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Take a message of one of the `KINDS`, the first of which was announced."""
        number = int(content["file"])
        if content["kind"] == "drop":
            self._arriving.pop(number, None)
        arrival = self._arriving.get(number)
        if arrival is None or arrival.is_whole:
            return
        arrival.looks = 0
        for buffer in buffers:
            arrival.put(int(content.get("offset", -1)), buffer)
        self._answer({"kind": "got", "file": number, "bytes": arrival.received})
        if arrival.is_whole:
            self._whole(arrival)
