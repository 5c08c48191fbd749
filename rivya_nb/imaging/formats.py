"""The format of a picture file, by its first bytes and not by its name or a service's claim."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rivya_nb.contract.references import sniff

HEADER_BYTES = 512
"""The most bytes from a file's start that `find_format` needs."""


@dataclass(frozen=True, slots=True)
class Format:
    """A picture format. `pillow` is its name in Pillow or a plugin; None if neither decodes it safely.
    `article` is the article before its name."""

    name: str
    mime_type: str
    extension: str
    pillow: str | None = None
    article: str = "a"

    @property
    def is_expected(self) -> bool:
        """True for the three formats that the contract names."""
        return self.mime_type in _EXPECTED


PNG = Format("PNG", "image/png", ".png", "PNG")
JPEG = Format("JPEG", "image/jpeg", ".jpg", "JPEG")
WEBP = Format("WEBP", "image/webp", ".webp", "WEBP")
GIF = Format("GIF", "image/gif", ".gif", "GIF")
TIFF = Format("TIFF", "image/tiff", ".tif", "TIFF")
BMP = Format("BMP", "image/bmp", ".bmp", "BMP")
AVIF = Format("AVIF", "image/avif", ".avif", "AVIF", "an")
HEIC = Format("HEIC", "image/heic", ".heic", "HEIF")
JXL = Format("JPEG XL", "image/jxl", ".jxl", "JXL")
JP2 = Format("JPEG 2000", "image/jp2", ".jp2", "JPEG2000")
ICO = Format("ICO", "image/x-icon", ".ico", "ICO", "an")
QOI = Format("QOI", "image/qoi", ".qoi", "QOI")
PSD = Format("PSD", "image/vnd.adobe.photoshop", ".psd", "PSD")
EXR = Format("OpenEXR", "image/x-exr", ".exr", article="an")
HDR = Format("Radiance HDR", "image/vnd.radiance", ".hdr")
SVG = Format("SVG", "image/svg+xml", ".svg", article="an")

FORMATS = (PNG, JPEG, WEBP, GIF, TIFF, BMP, AVIF, HEIC, JXL, JP2, ICO, QOI, PSD, EXR, HDR, SVG)
_NAMES = {each.mime_type: each.name for each in FORMATS}
EXTENSIONS = {each.mime_type: each.extension for each in FORMATS}
"""The file name extension by MIME type."""


def format_name(mime_type: str) -> str:
    """The name of a MIME type's format, as `AVIF`; an unknown type is its own name."""
    return _NAMES.get(mime_type, mime_type)


_EXPECTED = {each.mime_type: each for each in (PNG, JPEG, WEBP)}
_STARTS = (
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (b"\xff\x0a", JXL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JP2),
    (b"\xff\x4f\xff\x51", JP2),
    (b"\0\0\1\0", ICO),
    (b"qoif", QOI),
    (b"8BPS\0\1", PSD),
    (b"\x76\x2f\x31\x01", EXR),
    (b"#?RADIANCE\n", HDR),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_SVG_START = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>\s*)?((<!--.*?-->|<!DOCTYPE\s+svg[^>]*>)\s*)*<svg[\s>]", re.DOTALL
)


def find_format(header: bytes) -> Format | None:
    """The format of a file, by its first `HEADER_BYTES` bytes; None if it is unknown."""
    mime_type = sniff(header)
    if mime_type is not None:
        return _EXPECTED[mime_type]
    # Before the others: a box of 256 bytes begins like an ICO.
    if header[4:8] == b"ftyp":
        return _by_brands(header)
    for start, kind in _STARTS:
        if header.startswith(start):
            return kind
    if header.startswith(b"BM") and header[6:10] == bytes(4):
        return BMP
    return SVG if _SVG_START.match(header) else None


def _by_brands(header: bytes) -> Format | None:
    """AVIF or HEIC, by the brands in the first box: the main one, and others that the file conforms to."""
    end = int.from_bytes(header[:4], "big")
    main, others = header[8:12], {header[at : at + 4] for at in range(16, min(end, len(header)), 4)}
    if main in _AVIF_BRANDS or (main in _HEIC_BRANDS and others & _AVIF_BRANDS):
        return AVIF
    return HEIC if main in _HEIC_BRANDS else None
