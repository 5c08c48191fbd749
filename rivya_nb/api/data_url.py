"""Pictures within an address: `data:image/png;base64,…` (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from rivya_nb.errors import PictureError

_SCHEME = "data:"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PIECE = 1 << 19
"""Characters of base64 that are decoded at a time, a multiple of 4: Python does nothing else meanwhile."""

_BASE64 = re.compile(r";\s*base64\s*$", re.IGNORECASE)


def is_data_url(text: str) -> bool:
    """True if a text begins like a data URL."""
    return text[: len(_SCHEME)].lower() == _SCHEME


def read_data_url(text: str, max_bytes: int) -> bytes:
    """The bytes of a data URL. Its media type is ignored: the bytes decide.

    Raises:
        PictureError: it has no comma, its base64 is damaged, or it has more than `max_bytes`.
    """
    kind, comma, data = text[len(_SCHEME) :].partition(",")
    if not comma:
        raise PictureError("it is not a whole data URL; a data URL looks like data:image/png;base64,…")
    # Each byte takes at most three characters.
    content = unquote_to_bytes(data) if len(data) <= 3 * max_bytes else b""
    found = _from_base64(content) if _BASE64.search(kind) else content
    if len(data) > 3 * max_bytes or len(found) > max_bytes:
        raise PictureError(f"this data URL holds more than {max_bytes / 1_000_000:g} MB")
    return found


def _from_base64(content: bytes) -> bytes:
    letters = b"".join(content.split()).translate(_STANDARD)
    letters += b"=" * (-len(letters) % 4)
    # From the first padding on, which should be the end, in one piece.
    padded = letters.find(b"=") // _PIECE * _PIECE if b"=" in letters else len(letters)
    edges = [*range(0, padded, _PIECE), padded, len(letters)]
    try:
        return b"".join(
            base64.b64decode(letters[start:end], validate=True)
            for start, end in pairwise(edges)
            if start < end
        )
    except binascii.Error as error:
        raise PictureError(f"the base64 of this data URL is damaged ({error})") from None
