"""From a decoded picture of any kind to one that is upright and has eight bits a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_RANGES = {"I": (65_535,), "F": (1, 255, 65_535)}
"""What white is in numbers without a range of their own: the first of these that no pixel is above."""


ORIENTATION = 0x0112
"""The EXIF tag that says how a picture has to be turned or mirrored, from 1 to 8."""

UPRIGHT, FIRST_SIDEWAYS = 1, 5
"""Orientations: of a picture that is shown as it is stored, and the first that exchanges width and height."""


def eight_bits(image: Picture) -> Picture:
    """The picture as L, RGB or RGBA, its brightness scaled; it is the same object where it has such a mode.

    Greys of more than eight bits are scaled by their range. Where that is not known (32-bit numbers), it is 0 to
    65535, or 0 to 1 or 255 for fractions; a picture with values outside is stretched from its darkest to its
    lightest pixel.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_numbers(image)
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_numbers(image: Picture) -> Picture:
    clear = image.info.get("transparency")
    numbers = image if image.mode in ("I", "F") else image.convert("I")
    darkest, lightest = _range(numbers)
    factor = 255 / (lightest - darkest)
    grey = numbers.point(lambda value: value * factor + (0.5 - darkest * factor)).convert("L")
    grey.info.pop("transparency", None)
    if not isinstance(clear, int):
        return grey
    from PIL import ImageMath

    # Of a grey PNG one value may be transparent.
    opaque = ImageMath.lambda_eval(
        lambda given: given["convert"]((given["numbers"] != clear) * 255, "L"), numbers=numbers
    )
    colours = grey.convert("RGBA")
    colours.putalpha(opaque)
    return colours


def _range(numbers: Picture) -> tuple[float, float]:
    darkest, lightest = cast("tuple[float, float]", numbers.getextrema())
    if darkest >= 0:
        for white in _RANGES[numbers.mode]:
            if lightest <= white:
                return 0.0, white
    return (darkest, lightest) if darkest < lightest else (0.0, 255.0)


def orientation(image: Picture) -> int:
    """How a picture says that it has to be turned; `UPRIGHT` where its EXIF is damaged or says nothing."""
    try:
        found = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:
        # Whatever damaged EXIF does to its reader, the pixels are there.
        return UPRIGHT
    return found if isinstance(found, int) and UPRIGHT <= found <= 8 else UPRIGHT


def turned(image: Picture, turn: int) -> Picture:
    """The picture turned as an orientation says, without its metadata; the same object where that is upright."""
    from PIL import ImageOps

    if turn == UPRIGHT:
        return image
    bare = image.copy()
    bare.info.clear()
    bare.getexif()[ORIENTATION] = turn
    return ImageOps.exif_transpose(bare)
