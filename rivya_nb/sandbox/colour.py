"""Colours in OKLCH, where equal steps look equal.

A colour is (lightness 0..1, chroma 0..0.3, hue in degrees); the formulas are Björn Ottosson's of OKLab.
"""

from __future__ import annotations

import math

Colour = tuple[float, float, float]
Rgb = tuple[int, int, int]


def rgb(colour: Colour) -> Rgb:
    """The colour in 8-bit sRGB; colours that a screen cannot show are clipped."""
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _encode(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _encode(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _encode(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )


def lit(colour: Colour, change: float) -> Colour:
    """The same surface in more light (`change` above 0) or less; deep shade and glare lose colour."""
    lightness = min(0.985, max(0.06, colour[0] + change))
    return lightness, colour[1] * (1 - min(0.6, 0.7 * abs(change))), colour[2]


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """`share` 0 gives `one`, 1 the `other`; opposite colours mix to grey, as paints do."""
    a, b = (
        (1 - share) * one[1] * turn(math.radians(one[2])) + share * other[1] * turn(math.radians(other[2]))
        for turn in (math.cos, math.sin)
    )
    lightness = (1 - share) * one[0] + share * other[0]
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _encode(linear: float) -> int:
    linear = min(1.0, max(0.0, linear))
    value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * value)
