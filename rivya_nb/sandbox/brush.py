"""Shapes with light on them, drawn on a transparent sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter

from rivya_nb.sandbox.colour import Colour, lit, rgb

Point = tuple[float, float]

_STEPS = 48
"""Steps of light across a surface, before they are smoothed."""

_DARKEST, _BRIGHTEST = -0.9, 0.35
"""The range of light on a round surface, as shares of its depth."""

_BULGE = 0.16
"""How far the foot of a turned body bulges, as seen from a little above, as a share of its radius."""

_ROUNDS = 4
"""Rounds that smooth a profile."""


class Brush:
    """Draws on its own sheet. The unit of length is the object's height; it stands on (0, 0), and y points
    up.

    `scale` is in pixels per unit; `light` is the direction of the light, from -1 (left) to 1 (right).
    """

    HALF_WIDTH = 0.8
    HEIGHT = 1.25
    FOOT = 0.1

    def __init__(self, scale: int, light: float) -> None:
        self.scale = scale
        self.light = light
        self.sheet = Image.new(
            "RGBA", (int(2 * self.HALF_WIDTH * scale), int((self.HEIGHT + self.FOOT) * scale))
        )

    def flat(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """A shape in one colour."""
        self._lay(points, Image.new("RGB", (1, 1), rgb(colour)), alpha)

    def round(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0, depth: float = 0.3) -> None:
        """A shape that is round like a column; `depth` is how much darker its far side is."""
        self._lay(points, _relief(self.light, _STEPS, 1), alpha, _ramps(colour, depth))

    def ball(self, points: Sequence[Point], colour: Colour, depth: float = 0.34) -> None:
        """A shape that is round like a ball, lit from above."""
        self._lay(points, _relief(self.light, _STEPS, _STEPS), 1.0, _ramps(colour, depth))

    def fall(self, points: Sequence[Point], top: Colour, bottom: Colour) -> None:
        """A shape whose colour runs from its top to its bottom."""
        strip = Image.new("RGB", (1, 2))
        strip.putpixel((0, 0), rgb(top))
        strip.putpixel((0, 1), rgb(bottom))
        self._lay(points, strip, 1.0)

    def gleam(self, points: Sequence[Point], alpha: float, blur: float) -> None:
        """A soft light on the object, not beyond it; `blur` in units."""
        reach = blur * self.scale
        pixels = self._pixels(points)
        left, top = (max(0, int(min(p[axis] for p in pixels) - 3 * reach)) for axis in (0, 1))
        right, bottom = (int(max(p[axis] for p in pixels) + 3 * reach) for axis in (0, 1))
        part = self.sheet.crop((left, top, right, bottom))
        glow = Image.new("L", part.size)
        ImageDraw.Draw(glow).polygon([(x - left, y - top) for x, y in pixels], fill=round(255 * alpha))
        own = part.getchannel("A")
        part.paste(rgb((0.99, 0.0, 0)), mask=glow.filter(ImageFilter.GaussianBlur(reach)))
        part.putalpha(own)
        self.sheet.paste(part, (left, top))

    def _lay(
        self, points: Sequence[Point], fill: Image.Image, alpha: float, ramps: Sequence[int] | None = None
    ) -> None:
        """Stretch `fill` into a shape; if it is a relief, `ramps` are the colours of its light."""
        pixels = self._pixels(points)
        left, top = (int(min(p[axis] for p in pixels)) - 2 for axis in (0, 1))
        right, bottom = (int(max(p[axis] for p in pixels)) + 3 for axis in (0, 1))
        size = (max(1, right - left), max(1, bottom - top))
        mask = Image.new("L", size)
        moved = [(x - left, y - top) for x, y in pixels]
        ImageDraw.Draw(mask).polygon(moved, fill=round(255 * alpha))
        part = fill.resize(size, Image.Resampling.BICUBIC)
        if ramps is not None:
            part = Image.merge("RGB", (part,) * 3).point(ramps)
        part = part.convert("RGBA")
        # Pillow's polygons have hard edges.
        part.putalpha(mask.filter(ImageFilter.BoxBlur(1)))
        if left >= 0 and top >= 0:
            self.sheet.alpha_composite(part, (left, top))
        else:
            self.sheet.alpha_composite(part, (max(0, left), max(0, top)), (max(0, -left), max(0, -top)))

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [((x + self.HALF_WIDTH) * self.scale, (self.HEIGHT - y) * self.scale) for x, y in points]


@lru_cache(maxsize=64)
def _relief(light: float, width: int, height: int) -> Image.Image:
    """The light on a column (one pixel high) or a globe that fills the picture: 0 to 255."""
    relief = bytearray()
    for y in range(height):
        v = 0.0 if height == 1 else 2 * (y + 0.5) / height - 1
        for x in range(width):
            u = 2 * (x + 0.5) / width - 1
            z = math.sqrt(max(0.0, 1 - u * u - v * v))
            facing = 1.3 * max(-0.25, 0.55 * light * u - 0.5 * v + 0.66 * z) - 0.62
            share = (facing - _DARKEST) / (_BRIGHTEST - _DARKEST)
            relief.append(round(255 * min(1.0, max(0.0, share))))
    return Image.frombytes("L", (width, height), bytes(relief))


@lru_cache(maxsize=64)
def _ramps(colour: Colour, depth: float) -> list[int]:
    """For each amount of light the colour's red, then its green, then its blue."""
    span = _BRIGHTEST - _DARKEST
    shades = [rgb(lit(colour, depth * (_DARKEST + span * amount / 255))) for amount in range(256)]
    return [shade[channel] for channel in range(3) for shade in shades]


def turned(profile: Sequence[Point], x: float = 0.0) -> list[Point]:
    """The outline of a turned body from (height, radius) pairs; its corners are rounded, those of double
    pairs less."""
    side = _smooth(profile)
    foot_height, foot = side[0]
    bow = [
        (x - foot * math.cos(angle), foot_height - _BULGE * foot * math.sin(angle))
        for angle in (math.pi * step / 24 for step in range(25))
    ]
    right = [(x + radius, height) for height, radius in side]
    return bow + right + [(2 * x - px, height) for px, height in reversed(right)]


def oval(x: float, y: float, width: float, height: float, turn: float = 0.0) -> list[Point]:
    """An ellipse around (x, y) with half axes `width` and `height`, turned by `turn` radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    around = [2 * math.pi * step / 72 for step in range(72)]
    return [
        (
            x + width * math.cos(a) * cos - height * math.sin(a) * sin,
            y + width * math.cos(a) * sin + height * math.sin(a) * cos,
        )
        for a in around
    ]


def _smooth(profile: Sequence[Point]) -> list[Point]:
    """Chaikin's curve: each round cuts every corner at a quarter of its sides, without overshooting."""
    curve = list(profile)
    for _ in range(_ROUNDS):
        cut = [curve[0]]
        for (ax, ay), (bx, by) in pairwise(curve):
            cut += [
                (0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by),
                (0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by),
            ]
        curve = [*cut, curve[-1]]
    return curve
