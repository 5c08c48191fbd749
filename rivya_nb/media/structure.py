"""Checks whether a video or audio file is whole, by walking through its parts; nothing is decoded.

Bytes behind the end are allowed. Parts whose length the format states are skipped, not searched, and what a header
claims is believed only as far as the file goes.

| format | whole with | not known for |
|---|---|---|
| MP4, M4A, MOV | its boxes, and every sample that the tables place | fragments without an index behind them |
| WebM, Matroska | the length of its segment | recordings whose segment has no length, and no cues |
| Ogg | the last page of each stream | streams that end between two pages |
| WAV | the length of its sound | a length that its program did not know |
| MP3 | the frames or bytes that its first frame tells | files without that frame, unless a tag follows |
| FLAC | the checksum of its last frame | one with something else behind it |
| AAC | | one whose last frame is whole |
"""

from __future__ import annotations

from collections.abc import Callable

from rivya_nb.imaging.formats import Format
from rivya_nb.media.boxes import walk_boxes
from rivya_nb.media.ebml import walk_ebml
from rivya_nb.media.formats import AAC, FLAC, M4A, MKA, MKV, MOV, MP3, MP4, OGG, OGV, WAV, WEBA, WEBM
from rivya_nb.media.mpeg import walk_adts, walk_mpeg
from rivya_nb.media.sound import walk_flac, walk_ogg, walk_wav
from rivya_nb.media.walking import Bytes, Steps, TooManyPartsError, Walked

_WALKS: dict[Format, Callable[[Bytes, Steps], Walked]] = {
    **dict.fromkeys((MP4, MOV, M4A), walk_boxes),
    **dict.fromkeys((WEBM, MKV, WEBA, MKA), walk_ebml),
    **dict.fromkeys((OGG, OGV), walk_ogg),
    WAV: walk_wav,
    MP3: walk_mpeg,
    AAC: walk_adts,
    FLAC: walk_flac,
}


def walk(data: Bytes, kind: Format) -> Walked:
    """What the parts of a video or audio file of this format tell. It raises nothing, whatever the bytes are."""
    try:
        return _WALKS[kind](data, Steps())
    except TooManyPartsError:
        return Walked(None)
