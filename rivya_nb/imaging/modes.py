"""Converts a decoded picture of any mode to one that is upright and has eight bits a channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from rivya_nb.errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_RANGES = {"I": (65_535,), "F": (1, 255, 65_535)}
"""The possible values of white for numbers of unknown range: the first that no pixel exceeds is used."""


ORIENTATION = 0x0112
"""The EXIF tag that says how to turn or mirror a picture, from 1 to 8."""

UPRIGHT, FIRST_SIDEWAYS = 1, 5
"""The orientation of a picture that is shown as it is stored, and the first one that swaps width and height."""


def eight_bits(image: Picture) -> Picture:
    """The picture as L, RGB or RGBA with scaled brightness; the same object if it has such a mode already.

    Greys of more than eight bits are scaled by their range. If the range is not known (32-bit numbers), it is
    0 to 65535, or 0 to 1 or 255 for fractions; if values are outside, the picture is stretched from its
    darkest to its lightest pixel.
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
    """The same for a picture that a user has computed; values of unclear meaning are refused.

    Integers of 32 bits are read as 8 bits if none is above 255, else as 16. Floats are from 0 to 1, or whole
    numbers from 0 to 255 (which Pillow makes of 8 bits).

    Raises:
        PictureError: values are outside of these ranges, or are not numbers.
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
    # The mean is NaN if any value is; the extrema ignore NaN.
    mean = float(image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type]
    if low >= 0 and high <= 1 and not math.isnan(mean):
        return 1
    if image.convert("L").convert("F").tobytes() == image.tobytes():
        return 255
    found = "values that are not numbers (NaN)" if math.isnan(mean) else f"{low:g} to {high:g}"
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
    """The numbers as greys, from `darkest` (black) to `lightest` (white)."""
    clear = image.info.get("transparency")
    factor = 255 / (lightest - darkest)
    grey = numbers.point(lambda value: value * factor + (0.5 - darkest * factor)).convert("L")
    grey.info.pop("transparency", None)
    if not isinstance(clear, int):
        return grey
    from PIL import ImageMath

    # In a grey PNG one value may be transparent.
    opaque = ImageMath.lambda_eval(
        lambda given: given["convert"]((given["numbers"] != clear) * 255, "L"), numbers=numbers
    )
    colours = grey.convert("RGBA")
    colours.putalpha(opaque)
    return colours


def orientation(image: Picture) -> int:
    """The orientation in a picture's EXIF; `UPRIGHT` if there is none, or the EXIF is damaged."""
    try:
        found = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:
        # Damaged EXIF may raise any error; the pixels can still be used.
        return UPRIGHT
    return found if isinstance(found, int) and UPRIGHT <= found <= 8 else UPRIGHT


def turned(image: Picture, turn: int) -> Picture:
    """The picture, turned upright by its orientation, without metadata; the same object if it is upright."""
    from PIL import ImageOps

    if turn == UPRIGHT:
        return image
    bare = image.copy()
    bare.info.clear()
    bare.getexif()[ORIENTATION] = turn
    return ImageOps.exif_transpose(bare)
