"""Files on their way from a browser to the kernel, in pieces that come in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rivya_nb.jobs.sources import LARGEST

KINDS = ("begin", "piece", "drop")
"""Messages of a file: it will come, here is a piece of it, it will not come after all."""


class Arrival:
    """One file whose pieces come in any order; `size` in bytes, `number` as the browser counts its files."""

    def __init__(self, number: int, name: str, size: int) -> None:
        self.number = number
        self.name = name
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
    the browser is told."""

    def __init__(self, whole: Callable[[Arrival], None], answer: Callable[[dict[str, Any]], None]) -> None:
        self._whole = whole
        self._answer = answer
        self._arriving: dict[int, Arrival] = {}

    def handle(self, content: Mapping[str, Any], buffers: Sequence[memoryview]) -> None:
        """Take a message of one of the `KINDS`."""
        number = int(content["file"])
        if content["kind"] == "begin":
            size = int(content.get("size", 0))
            if not 0 < size <= LARGEST:
                return
            self._arriving[number] = Arrival(number, str(content.get("name", "")), size)
        elif content["kind"] == "drop":
            self._arriving.pop(number, None)
        arrival = self._arriving.get(number)
        if arrival is None:
            return
        for buffer in buffers:
            arrival.put(int(content.get("offset", -1)), buffer)
        self._answer({"kind": "got", "file": number, "bytes": arrival.received})
        if arrival.is_whole:
            del self._arriving[number]
            self._whole(arrival)
