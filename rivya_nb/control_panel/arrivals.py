"""Files on their way from a browser to the kernel, in pieces that come in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rivya_nb.contract.text import count
from rivya_nb.jobs.sources import LARGEST

KINDS = ("begin", "piece", "drop")
"""The messages about a file: it will come, here is a piece of it, it will not come after all."""

PATIENCE = 30
"""A file is given up after so many looks in a row without a piece: the page may be closed or reloaded. Looks are
counted, not seconds: while a cell keeps the loop busy, no piece can arrive."""


class Arrival:
    """One file; `size` is in bytes, `number` is the browser's, and `looks` counts those since the last piece."""

    def __init__(self, number: int, name: str, size: int) -> None:
        self.number = number
        self.name = name
        self.looks = 0
        self.data = bytearray(size)
        self._pieces: dict[int, int] = {}

    def put(self, offset: int, piece: memoryview) -> None:
        """Take a piece, unless it does not fit into the file."""
        if 0 <= offset <= len(self.data) - len(piece):
            self.data[offset : offset + len(piece)] = piece
            self._pieces[offset] = len(piece)

    @property
    def received(self) -> int:
        return sum(self._pieces.values())

    @property
    def is_whole(self) -> bool:
        return self.received >= len(self.data)


class Arrivals:
    """All files that are on their way. `announce` and `words` may be called on any thread."""

    def __init__(self) -> None:
        self._arriving: dict[int, Arrival] = {}

    def __bool__(self) -> bool:
        return bool(self._arriving)

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
        """Expect a file from its first message on, also before that is handled."""
        size = int(content.get("size", 0))
        if 0 < size <= LARGEST:
            number = int(content["file"])
            self._arriving[number] = Arrival(number, str(content.get("name", "")), size)

    def handle(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> Arrival | None:
        """Take a message of one of the `KINDS`, and give the file that it has brought on; None for no such."""
        number = int(content["file"])
        if content["kind"] == "drop":
            self.end(number)
        arrival = self._arriving.get(number)
        if arrival is None or arrival.is_whole:
            return None
        arrival.looks = 0
        for buffer in buffers:
            arrival.put(int(content.get("offset", -1)), buffer)
        return arrival

    def give_up(self) -> list[Arrival]:
        """Look once more, and give up the files of which nothing has come for `PATIENCE` looks."""
        coming = [each for each in tuple(self._arriving.values()) if not each.is_whole]
        for arrival in coming:
            arrival.looks += 1
            if arrival.looks > PATIENCE:
                self.end(arrival.number)
        return [each for each in coming if each.looks > PATIENCE]

    def end(self, number: int) -> None:
        """A file is not on its way any more: it has become a reference, or will never be one."""
        self._arriving.pop(number, None)
