"""Pictures of any mode in 8 bits, by one rule for all the ways in which a picture can be given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_TRANSPARENT = ("LA", "La", "PA", "RGBa")


def to_eight_bits(image: Picture) -> Picture:
    """The picture in a mode that PNG, JPEG (but for transparency) and WebP all have: L, RGB or RGBA.

    The modes of 16 bits (`I;16…`) are scaled by their depth. Integers of the mode `I` are 8 bits where none is
    above 255, and else 16. Floats go from 0 to 1; whole numbers from 0 to 255, which is what Pillow makes of
    8 bits, stay as they are. Slow: call it off the event loop.

    Raises:
        PictureError: the picture's numbers go beyond that, or some are none.
    """
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    if image.mode == "F":
        return _from_floats(image)
    if image.mode.startswith("I"):
        return _from_integers(image)
    if image.mode == "1":
        return image.convert("L")
    transparent = "transparency" in image.info or image.mode in _TRANSPARENT
    return image.convert("RGBA" if transparent else "RGB")


def _from_integers(image: Picture) -> Picture:
    values = image.convert("I")
    low, high = _range(values)
    if low < 0 or high > 0xFFFF:
        raise PictureError(
            f"a picture of integers has values from 0 to 255, or to 65535; this one has {low:g} to {high:g}"
        )
    if image.mode == "I" and high <= 0xFF:
        return _plain(values)
    return _plain(values.point(lambda value: value * (1 / 256)))


def _from_floats(image: Picture) -> Picture:
    from PIL import Image

    low, high = _range(image)
    # A mean is no number where any of the values is none; the range leaves those out.
    mean = float(image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
    if low >= 0 and high <= 1 and not math.isnan(mean):
        # What is converted is cut off, not rounded.
        return _plain(image.point(lambda value: value * 255 + 0.5))
    cut = _plain(image)
    if cut.convert("F").tobytes() == image.tobytes():
        return cut
    found = "values that are no numbers (NaN)" if math.isnan(mean) else f"{low:g} to {high:g}"
    raise PictureError(
        f"a picture of floats has values from 0 to 1, or whole numbers from 0 to 255; this one has {found}"
    )


def _range(image: Picture) -> tuple[float, float]:
    low, high = image.getextrema()
    return float(low), float(high)  # type: ignore[arg-type]


def _plain(image: Picture) -> Picture:
    """The numbers as 8 bits, cut off; a colour that stood for transparent was a number of the former depth."""
    plain = image.convert("L")
    plain.info.pop("transparency", None)
    return plain
