"""Sound without a head: bare samples, as the output formats `pcm_44100`, `ulaw_8000` and `alaw_8000` ask for them.

Nothing in such a file says what it is; only the request does. So it is kept as a WAV: a head that says what was
asked for, and behind it the samples as they came, to the byte. Every player opens that, and it stays right without
the request. A type such as `audio/L16` would not do: that one has the high byte first.

The samples are of one channel, `pcm` of 16 bits with the low byte first: so these names are used wherever such
formats are documented.
"""

from __future__ import annotations

import codecs
import re
import shutil
import struct
from pathlib import Path

from rivya_nb.contract.raw_sound import RawSound
from rivya_nb.files import replace_file
from rivya_nb.imaging.formats import BMP, ICO, JXL
from rivya_nb.media.facts import read_kind
from rivya_nb.media.formats import AAC, HEADER_BYTES, MP3, find_kind

_TAGS = {"pcm": 1, "alaw": 6, "ulaw": 7}
"""What a WAV calls them."""

_PAGE = re.compile(rb"\s*<(!doctype|!--|\?xml|html|head|body|error)", re.IGNORECASE)

_ALIKE = (JXL, ICO, BMP)
"""Formats of pictures with so few bytes of their own that bare samples may begin with them: silence, and then a
sample of 1, begins like an icon."""


def may_be_raw(path: Path) -> bool:
    """True if a file may be bare samples: it is neither of a known format nor text, as a page with an error is."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    kind = find_kind(header)
    if kind in (MP3, AAC) and header[:3] != b"ID3":
        # Samples may look like the head of one frame; a sound of such frames has them to its end.
        found = read_kind(path)
        return found is None or found[1].duration is None
    return bool(header) and not _is_text(header) and (kind is None or kind in _ALIKE)


def _is_text(header: bytes) -> bool:
    if _PAGE.match(header):
        # Its letters may be of any encoding.
        return True
    encoding = "utf-16" if header.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        # Its last character may be cut.
        text = codecs.getincrementaldecoder(encoding)().decode(header)
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each.isspace() for each in text)


def write_head(path: Path, sound: RawSound) -> None:
    """Make a WAV of a file of bare samples, in its place."""
    size = path.stat().st_size
    part = path.with_suffix(".wav.part")
    try:
        with path.open("rb") as samples, part.open("wb") as target:
            target.write(_head(sound, size))
            shutil.copyfileobj(samples, target, 1 << 20)
            target.write(bytes(size % 2))
        replace_file(path, part)
    finally:
        part.unlink(missing_ok=True)


def _head(sound: RawSound, size: int) -> bytes:
    coding, rate, width = _TAGS[sound.coding], sound.rate, sound.width
    form = struct.pack("<HHIIHH", coding, 1, rate, rate * width, width, 8 * width)
    fact = b""
    if sound.coding != "pcm":
        # Others than plain samples have no extension, and say how many they are.
        form, fact = form + bytes(2), struct.pack("<4sII", b"fact", 4, size)
    parts = struct.pack("<4sI", b"fmt ", len(form)) + form + fact + struct.pack("<4sI", b"data", size)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(parts) + size + size % 2, b"WAVE") + parts
