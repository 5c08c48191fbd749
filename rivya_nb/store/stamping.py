"""Adds text to a picture's file; its pixels do not change.

PNG takes text chunks (the common web UIs read `parameters`), JPEG and WebP take EXIF. Text of the service
stays. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import zlib

from rivya_nb.contract.references import sniff
from rivya_nb.imaging.containers import (
    EXIF,
    JPEG_START,
    PNG_START,
    TEXT_CHUNKS,
    Part,
    jpeg_segments,
    png_chunks,
    png_key,
    webp_chunks,
)
from rivya_nb.store.exif import EMPTY, with_tags

PARAMETERS = "parameters"
"""The key of the text that web UIs read."""

OURS = "rivya_nb"
"""The key of our own JSON in a PNG's text chunk, and the beginning of our EXIF maker's note."""

MARK = OURS.encode() + b"\0"

_LARGEST_SEGMENT = 0xFFFF - 2
"""The most bytes of a JPEG segment."""

_SIGNED = "it is signed (C2PA), and its signature would not hold for a changed file"
_DAMAGED = "its file is not built as it should be"
_OTHER_FORMAT = "its format takes no text"
_TAKEN = "its EXIF is damaged, or holds another program's note"


class CannotStampError(Exception):
    """Why a file takes no text, in words."""


def stamped(data: bytes, parameters: str, record: str) -> bytes:
    """The file with both texts: `parameters` for the web UIs, unless it has such a text already, and our
    JSON.

    Raises:
        CannotStampError: the format takes no text, the file is damaged or signed, or has no room left.
    """
    mime_type = sniff(data[:12])
    if mime_type == "image/png":
        return _into_png(data, parameters, record)
    if mime_type == "image/jpeg":
        return _into_jpeg(data, parameters, record)
    if mime_type == "image/webp":
        return _into_webp(data, parameters, record)
    raise CannotStampError(_OTHER_FORMAT)


def _into_png(data: bytes, parameters: str, record: str) -> bytes:
    chunks = list(png_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR" or chunks[-1].kind != b"IEND" or chunks[-1].end > len(data):
        raise CannotStampError(_DAMAGED)
    if any(chunk.kind == b"caBX" for chunk in chunks):
        raise CannotStampError(_SIGNED)
    texts = {PARAMETERS: parameters, OURS: record}
    there = {key for chunk in chunks if (key := _png_key(data, chunk)) in texts}
    if OURS in there:
        # A copy of a copy: the earlier texts are replaced.
        kept = [data[part.start : part.end] for part in chunks if _png_key(data, part) not in texts]
        data = data[:PNG_START] + b"".join(kept) + data[chunks[-1].end :]
        there = set()
    new = b"".join(_png_text(key, text) for key, text in texts.items() if key not in there)
    # Before the pixels, where some readers stop.
    return data[: chunks[0].end] + new + data[chunks[0].end :]


def _png_key(data: bytes, chunk: Part) -> str | None:
    return png_key(data, chunk).decode("latin-1") if chunk.kind in TEXT_CHUNKS else None


def _png_text(key: str, text: str) -> bytes:
    text = text.replace("\0", "")
    if text.isascii():
        kind, content = b"tEXt", key.encode() + b"\0" + text.encode()
    else:
        kind, content = b"iTXt", key.encode() + bytes(5) + text.encode("utf-8", "replace")
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _into_jpeg(data: bytes, parameters: str, record: str) -> bytes:
    segments = list(jpeg_segments(data))
    if not segments or segments[-1].kind != b"\xda" or segments[-1].end > len(data):
        raise CannotStampError(_DAMAGED)
    contents = [(part, data[part.content : part.end]) for part in segments]
    if any(part.kind == b"\xeb" and b"jumb" in content[:64] for part, content in contents):
        raise CannotStampError(_SIGNED)
    if any(part.kind == b"\xe2" and content.startswith(b"MPF\0") for part, content in contents):
        raise CannotStampError("it holds several pictures")
    earlier = [(part, content) for part, content in contents if _is_exif(part, content)]
    if len(earlier) > 1:
        raise CannotStampError(_DAMAGED)
    exif = _exif(earlier[0][1][len(EXIF) :] if earlier else EMPTY, parameters, record)
    content = EXIF + exif
    if len(content) > _LARGEST_SEGMENT:
        raise CannotStampError("it would be more text than a JPEG takes in one place")
    new = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    if earlier:
        return data[: earlier[0][0].start] + new + data[earlier[0][0].end :]
    # JFIF's segment must stay the first.
    at = segments[0].end if segments[0].kind == b"\xe0" else JPEG_START
    return data[:at] + new + data[at:]


def _is_exif(part: Part, content: bytes) -> bool:
    return part.kind == b"\xe1" and content.startswith(EXIF)


def _exif(earlier: bytes, parameters: str, record: str) -> bytes:
    exif = with_tags(earlier, parameters, MARK + record.encode("utf-8", "replace"), MARK)
    if exif is None:
        raise CannotStampError(_TAKEN)
    return exif


def _into_webp(data: bytes, parameters: str, record: str) -> bytes:
    chunks = list(webp_chunks(data))
    size = int.from_bytes(data[4:8], "little") + 8
    if not chunks or chunks[-1].end != len(data) or len(data) not in (size, size + size % 2):
        raise CannotStampError(_DAMAGED)
    if any(chunk.kind == b"C2PA" for chunk in chunks):
        raise CannotStampError(_SIGNED)
    earlier = next((part for part in chunks if part.kind == b"EXIF"), None)
    tiff = EMPTY if earlier is None else data[earlier.content : earlier.content_end].removeprefix(EXIF)
    exif = _exif(tiff, parameters, record)
    new = b"EXIF" + len(exif).to_bytes(4, "little") + exif + bytes(len(exif) % 2)
    parts = [data[part.start : part.end] for part in chunks if part is not earlier]
    if chunks[0].kind == b"VP8X":
        head = bytearray(parts[0])
        head[8] |= 0x08
        parts[0] = bytes(head)
    else:
        parts.insert(0, _webp_header(data, chunks[0]))
    # EXIF must be behind the picture, and before XMP.
    place = next((at for at, part in enumerate(parts) if part.startswith(b"XMP ")), len(parts))
    body = b"WEBP" + b"".join([*parts[:place], new, *parts[place:]])
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _webp_header(data: bytes, picture: Part) -> bytes:
    """The chunk that announces EXIF; a file with only a picture lacks it."""
    start = data[picture.content : picture.content + 10]
    if picture.kind == b"VP8 " and start[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(start[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        alpha = 0
    elif picture.kind == b"VP8L" and start[:1] == b"\x2f":
        bits = int.from_bytes(start[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1
    else:
        raise CannotStampError(_DAMAGED)
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X" + (10).to_bytes(4, "little") + bytes([0x08 | alpha << 4, 0, 0, 0]) + sides
