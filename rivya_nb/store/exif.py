"""Reads and adds tags of EXIF in bytes, without moving anything that is there.

Two tags are added to EXIF's own directory: the user's comment, where the common web UIs keep a picture's
parameters, and the maker's note, which any program may use.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from rivya_nb.imaging.containers import TIFF_SIZES

USER_COMMENT = 0x9286
MAKER_NOTE = 0x927C
DESCRIPTION = 0x010E
MAKE, MODEL = 0x010F, 0x0110

EMPTY = b"MM\0*\0\0\0\x08" + bytes(6)
"""EXIF without tags."""

_EXIF_DIRECTORY = 0x8769
_LONG, _UNDEFINED = 4, 7
_UNICODE, _JIS = b"UNICODE\0", b"JIS\0\0\0\0\0"
_CODES = (_UNICODE, _JIS, b"ASCII\0\0\0", b"UTF8\0\0\0\0", bytes(8))
"""The first 8 bytes of a comment: the name of its encoding. Zeros leave it undefined."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
"""Byte order marks, each with its encoding."""


@dataclass(frozen=True)
class _Directory:
    """Entries of 12 bytes by their tag, and the offset of the next directory."""

    entries: dict[int, bytes]
    following: bytes


class _Tiff:
    """The TIFF structure of EXIF. Every method raises ValueError if the bytes are damaged."""

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("no EXIF")
        self.data = data
        self.order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.cut(at, size), self.order)

    def cut(self, at: int, size: int) -> bytes:
        if at + size > len(self.data):
            raise ValueError("EXIF points past its end")
        return self.data[at : at + size]

    def directory(self, at: int) -> _Directory:
        count = self.number(at, 2)
        entries = [self.cut(at + 2 + 12 * place, 12) for place in range(count)]
        tags = {int.from_bytes(entry[:2], self.order): entry for entry in entries}
        return _Directory(tags, self.cut(at + 2 + 12 * count, 4))

    def value(self, entry: bytes) -> bytes:
        kind = int.from_bytes(entry[2:4], self.order)
        size = TIFF_SIZES.get(kind, 1) * int.from_bytes(entry[4:8], self.order)
        return entry[8 : 8 + size] if size <= 4 else self.cut(int.from_bytes(entry[8:12], self.order), size)

    def first(self) -> _Directory:
        return self.directory(self.number(4, 4))

    def own(self, first: _Directory) -> _Directory:
        """EXIF's own directory, to which the first one points."""
        entry = first.entries.get(_EXIF_DIRECTORY)
        if entry is None:
            return _Directory({}, bytes(4))
        return self.directory(int.from_bytes(entry[8:12], self.order))

    def entry(self, tag: int, kind: int, count: int, value: int) -> bytes:
        parts = ((tag, 2), (kind, 2), (count, 4), (value, 4))
        return b"".join(number.to_bytes(size, self.order) for number, size in parts)


def read_tags(data: bytes) -> dict[int, bytes]:
    """The raw values of all tags in the first directory and in EXIF's own; empty for damaged EXIF."""
    try:
        tiff = _Tiff(data)
        first = tiff.first()
        found = {**first.entries, **tiff.own(first).entries}
    except ValueError:
        return {}
    values = {}
    for tag, entry in found.items():
        try:
            values[tag] = tiff.value(entry)
        except ValueError:
            continue
    return values


def with_tags(data: bytes, comment: str, note: bytes, mark: bytes) -> bytes | None:
    """EXIF with a comment and a maker's note, which begins with `mark`; None if it cannot take the note.

    Everything stays where it is: the new values and directories are appended. Another program's comment is
    kept; if there is another program's note, there is no place for this one.
    """
    try:
        tiff = _Tiff(data)
        first = tiff.first()
        own = tiff.own(first)
        there = {
            tag: tiff.value(own.entries[tag]) for tag in (USER_COMMENT, MAKER_NOTE) if tag in own.entries
        }
    except ValueError:
        return None
    earlier = there.get(MAKER_NOTE, b"")
    if earlier.strip(b"\0") and not earlier.startswith(mark):
        return None
    new = {MAKER_NOTE: note}
    if earlier.startswith(mark) or not read_comment(there.get(USER_COMMENT, b"")):
        new[USER_COMMENT] = write_comment(comment)
    appended = bytearray(data)
    entries = dict(own.entries)
    for tag, value in new.items():
        entries[tag] = tiff.entry(tag, _UNDEFINED, len(value), _append(appended, value))
    own_at = _append(appended, _packed(tiff, entries, own.following))
    entries = {**first.entries, _EXIF_DIRECTORY: tiff.entry(_EXIF_DIRECTORY, _LONG, 1, own_at)}
    first_at = _append(appended, _packed(tiff, entries, first.following))
    appended[4:8] = first_at.to_bytes(4, tiff.order)
    return bytes(appended)


def _append(data: bytearray, value: bytes) -> int:
    """Append a value at an even offset, as the standard demands, and return the offset."""
    data += bytes(len(data) % 2)
    at = len(data)
    data += value
    return at


def _packed(tiff: _Tiff, entries: dict[int, bytes], following: bytes) -> bytes:
    listed = [entries[tag] for tag in sorted(entries)]
    return len(listed).to_bytes(2, tiff.order) + b"".join(listed) + following


def write_comment(text: str) -> bytes:
    """A comment as the web UIs write and read it: UTF-16 with the high byte first, independent of EXIF's byte
    order."""
    return _UNICODE + text.encode("utf-16-be", "replace")


def read_comment(value: bytes) -> str:
    """The text of a comment, empty if there is none; bytes that cannot be decoded become U+FFFD.

    The stated encoding is often wrong: UTF-16 has its bytes in either order, and comments marked as Unicode
    or ASCII may be UTF-8. The bytes themselves decide.
    """
    code = value[:8].upper()
    rest = value[8:] if code in _CODES else value
    text = rest.decode("iso2022_jp", "replace") if code == _JIS else _decoded(rest, code)
    return text.strip("\0 ")


def _decoded(data: bytes, code: bytes) -> str:
    if len(data) % 2 and data.endswith(b"\0"):
        data = data[:-1]
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    # In UTF-16, each letter, digit and space of English has a zero byte; in UTF-8 there is none but at the
    # end.
    if b"\0" not in data.rstrip(b"\0"):
        with suppress(UnicodeDecodeError):
            return data.decode("utf-8")
        if code != _UNICODE:
            return data.decode("utf-8", "replace")
    readings = [data.decode(f"utf-16-{order}", "replace") for order in ("be", "le")]
    return max(readings, key=lambda reading: sum(char < "\x80" and char != "\0" for char in reading))
