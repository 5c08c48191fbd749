"""The format of a video or audio file, by its first bytes and not by its name or a service's claim."""

from __future__ import annotations

import re

from rivya_nb.contract.media import Medium, medium_of
from rivya_nb.imaging import formats as pictures
from rivya_nb.imaging.formats import Format
from rivya_nb.media.mpeg import is_adts, is_mpeg, tags_end

HEADER_BYTES = 4096
"""The most bytes from a file's start that `find_medium` and `find_kind` need."""

MP4 = Format("MP4", "video/mp4", ".mp4", article="an")
MOV = Format("MOV", "video/quicktime", ".mov")
WEBM = Format("WebM", "video/webm", ".webm")
MKV = Format("Matroska", "video/x-matroska", ".mkv")
OGV = Format("Ogg video", "video/ogg", ".ogv", article="an")
M4A = Format("M4A", "audio/mp4", ".m4a", article="an")
WEBA = Format("WebM audio", "audio/webm", ".weba")
MKA = Format("Matroska audio", "audio/x-matroska", ".mka")
OGG = Format("Ogg", "audio/ogg", ".ogg", article="an")
MP3 = Format("MP3", "audio/mpeg", ".mp3", article="an")
WAV = Format("WAV", "audio/wav", ".wav")
FLAC = Format("FLAC", "audio/flac", ".flac")
AAC = Format("AAC", "audio/aac", ".aac", article="an")

FORMATS = (MP4, MOV, WEBM, MKV, OGV, M4A, WEBA, MKA, OGG, MP3, WAV, FLAC, AAC)

EXTENSIONS = {**pictures.EXTENSIONS, **{each.mime_type: each.extension for each in FORMATS}}
"""The file name extension by MIME type, for pictures too."""

_NAMES = {each.mime_type: each.name for each in FORMATS}

_AUDIO_OF = {MP4: M4A, MOV: M4A, WEBM: WEBA, MKV: MKA, OGV: OGG}
_VIDEO_OF = {M4A: MP4, WEBA: WEBM, MKA: MKV, OGG: OGV}

SOUND_BRANDS = {b"M4A ", b"M4B ", b"M4P ", b"F4A "}
"""What an MP4 with sound alone begins with; its pictures, if any, are covers."""

_FIRST_BOXES = {b"moov", b"mdat", b"wide", b"pnot"}
"""What a QuickTime film may begin with that has no `ftyp`."""

_FILMS_IN_OGG = (b"\x80theora", b"OVP80\1")
"""How films begin in an Ogg."""

_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = re.compile(rb"\x42\x82[^a-z]{1,8}(webm|matroska)")
_EBML_HEAD = 256
"""Bytes in which the type of such a file stands, however long its numbers are written."""


def format_name(mime_type: str) -> str:
    """The name of a MIME type's format, as `AVIF` or `MP4`; an unknown type is its own name."""
    return _NAMES.get(mime_type) or pictures.format_name(mime_type)


def find_medium(header: bytes) -> tuple[Medium, str] | None:
    """The medium and the MIME type of a file of any kind, by its first `HEADER_BYTES` bytes; None if it is of none
    that is known.

    Whether there is only sound in an MP4, a WebM or an Ogg may stand farther behind: `facts.read_facts` knows.
    """
    kind = find_kind(header)
    return None if kind is None else (medium_of(kind.mime_type), kind.mime_type)


def find_kind(header: bytes) -> Format | None:
    """The format of a file of any kind, by its first `HEADER_BYTES` bytes; None if it is unknown."""
    return pictures.find_format(header) or _find_film(header) or _find_sound(header)


def with_tracks(kind: Format, medium: Medium | None) -> Format:
    """The format of a file of this format whose tracks make it video or audio; the same if that is not known."""
    other = {"audio": _AUDIO_OF, "video": _VIDEO_OF}.get(medium or "", {})
    return other.get(kind, kind)


def _find_film(header: bytes) -> Format | None:
    first = header[4:8]
    if first == b"ftyp":
        brand = header[8:12]
        return MOV if brand == b"qt  " else M4A if brand in SOUND_BRANDS else MP4
    if first in _FIRST_BOXES:
        return MOV
    if header.startswith(_EBML):
        named = _DOC_TYPE.search(header, 0, _EBML_HEAD)
        return None if named is None else WEBM if named[1] == b"webm" else MKV
    return None


def _find_sound(header: bytes) -> Format | None:
    if header.startswith((b"RIFF", b"RF64", b"BW64", b"RIFX")) and header[8:12] == b"WAVE":
        return WAV
    if header.startswith(b"fLaC"):
        return FLAC
    if header.startswith(b"OggS"):
        return OGV if any(each in header[:512] for each in _FILMS_IN_OGG) else OGG
    tags = 0 if header.startswith(b"TAG") else tags_end(header)
    if tags:
        # Behind the tags, if they are short enough, is the sound itself.
        return _find_sound(header[tags:]) or MP3
    return AAC if is_adts(header) else MP3 if is_mpeg(header) else None
