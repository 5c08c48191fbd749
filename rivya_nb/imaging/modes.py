"""From a decoded picture of any kind to one that is upright and has eight bits a channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from rivya_nb.errors import PictureError

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
    if not _has_numbers(image):
        return _from_channels(image)
    numbers = _numbers(image)
    darkest, lightest = _extrema(numbers)
    if darkest >= 0:
        for white in _RANGES[numbers.mode]:
            if lightest <= white:
                return _scaled(image, numbers, 0, white)
    return _scaled(image, numbers, *((darkest, lightest) if darkest < lightest else (0, 255)))


def given_eight_bits(image: Picture) -> Picture:
    """The same for a picture that a user has computed: its numbers say what they mean, or are refused.

    Integers of 32 bits are 8 bits where none is above 255, and else 16. Floats go from 0 to 1; whole numbers from
    0 to 255, which is what Pillow makes of 8 bits, stay as they are.

    Raises:
        PictureError: the picture's numbers go beyond that, or some are none.
    """
    if not _has_numbers(image):
        return _from_channels(image)
    numbers = _numbers(image)
    white = _white_of_floats(numbers) if image.mode == "F" else _white_of_integers(numbers, image.mode)
    return _scaled(image, numbers, 0, white)


def _white_of_integers(numbers: Picture, mode: str) -> float:
    low, high = _extrema(numbers)
    if low < 0 or high > 65_535:
        raise PictureError(
            f"a picture of integers has values from 0 to 255, or to 65535; this one has {low:g} to {high:g}"
        )
    return 255 if mode == "I" and high <= 255 else 65_535


def _white_of_floats(image: Picture) -> float:
    from PIL import Image

    low, high = _extrema(image)
    # A mean is no number where any of the values is none; the range leaves those out.
    mean = float(image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
    if low >= 0 and high <= 1 and not math.isnan(mean):
        return 1
    if image.convert("L").convert("F").tobytes() == image.tobytes():
        return 255
    found = "values that are no numbers (NaN)" if math.isnan(mean) else f"{low:g} to {high:g}"
    raise PictureError(
        f"a picture of floats has values from 0 to 1, or whole numbers from 0 to 255; this one has {found}"
    )


def _has_numbers(image: Picture) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _numbers(image: Picture) -> Picture:
    return image if image.mode in ("I", "F") else image.convert("I")


def _extrema(numbers: Picture) -> tuple[float, float]:
    return cast("tuple[float, float]", numbers.getextrema())


def _from_channels(image: Picture) -> Picture:
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(image: Picture, numbers: Picture, darkest: float, lightest: float) -> Picture:
    """The numbers with `darkest` as black and `lightest` as white."""
    clear = image.info.get("transparency")
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
