"""Shapes with light on them: a see-through sheet on which the painter sets an object."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter

from rivya_nb.sandbox.colour import Colour, lit, rgb

Point = tuple[float, float]

_SHADES = 40
"""Steps of light across a surface, before they are smoothed over its pixels."""


class Brush:
    """Draws on a sheet of its own. Lengths in units of the object's height; (0, 0) is where it stands, y is up.

    `scale` is in pixels per unit; `light` where the light comes from, -1 (left) to 1 (right).
    """

    HALF_WIDTH = 0.8
    HEIGHT = 1.25
    FOOT = 0.1

    def __init__(self, scale: int, light: float) -> None:
        self.scale = scale
        self.light = light
        self.sheet = Image.new("RGBA", (int(2 * self.HALF_WIDTH * scale), int((self.HEIGHT + self.FOOT) * scale)))

    def flat(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """A shape in one colour."""
        self._lay(points, Image.new("RGB", (1, 1), rgb(colour)), alpha)

    def round(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0, depth: float = 0.3) -> None:
        """A shape that is round like a column; `depth` is how much darker its far side is."""
        strip = Image.new("RGB", (_SHADES, 1))
        for x in range(_SHADES):
            u = 2 * (x + 0.5) / _SHADES - 1
            strip.putpixel((x, 0), rgb(lit(colour, depth * self._lambert(u, 0.0))))
        self._lay(points, strip, alpha)

    def ball(self, points: Sequence[Point], colour: Colour, depth: float = 0.34) -> None:
        """A shape that is round like a ball, lit from above."""
        patch = Image.new("RGB", (_SHADES, _SHADES))
        for y in range(_SHADES):
            v = 2 * (y + 0.5) / _SHADES - 1
            for x in range(_SHADES):
                u = 2 * (x + 0.5) / _SHADES - 1
                patch.putpixel((x, y), rgb(lit(colour, depth * self._lambert(u, v))))
        self._lay(points, patch, 1.0)

    def fall(self, points: Sequence[Point], top: Colour, bottom: Colour, alpha: float = 1.0) -> None:
        """A shape whose colour runs from its top to its bottom."""
        strip = Image.new("RGB", (1, 2))
        strip.putpixel((0, 0), rgb(top))
        strip.putpixel((0, 1), rgb(bottom))
        self._lay(points, strip, alpha)

    def gleam(self, points: Sequence[Point], alpha: float, blur: float, colour: Colour = (0.99, 0.0, 0)) -> None:
        """A soft light on what is there already; `blur` in units. It does not reach beyond the object."""
        glow = Image.new("L", self.sheet.size)
        ImageDraw.Draw(glow).polygon(self._pixels(points), fill=round(255 * alpha))
        glow = glow.filter(ImageFilter.GaussianBlur(blur * self.scale))
        own = self.sheet.getchannel("A")
        self.sheet.paste(Image.new("RGB", self.sheet.size, rgb(colour)), mask=glow)
        self.sheet.putalpha(own)

    def _lambert(self, u: float, v: float) -> float:
        """Light on a round surface at (u, v) in -1..1 (v down), from -1 (dark) to about 0.6 (full)."""
        z = math.sqrt(max(0.0, 1 - u * u - v * v))
        facing = 0.55 * self.light * u - 0.5 * v + 0.66 * z
        return max(-0.25, facing) * 1.3 - 0.62

    def _lay(self, points: Sequence[Point], fill: Image.Image, alpha: float) -> None:
        pixels = self._pixels(points)
        left, top = (int(min(p[axis] for p in pixels)) for axis in (0, 1))
        right, bottom = (int(max(p[axis] for p in pixels)) + 2 for axis in (0, 1))
        size = (max(1, right - left), max(1, bottom - top))
        mask = Image.new("L", size)
        moved = [(x - left, y - top) for x, y in pixels]
        ImageDraw.Draw(mask).polygon(moved, fill=round(255 * alpha))
        part = fill.resize(size, Image.Resampling.BICUBIC).convert("RGBA")
        part.putalpha(mask)
        if left >= 0 and top >= 0:
            self.sheet.alpha_composite(part, (left, top))
        else:
            self.sheet.alpha_composite(part, (max(0, left), max(0, top)), (max(0, -left), max(0, -top)))

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        return [((x + self.HALF_WIDTH) * self.scale, (self.HEIGHT - y) * self.scale) for x, y in points]


def turned(profile: Sequence[Point], x: float = 0.0, squeeze: float = 0.16) -> list[Point]:
    """A turned body's outline from (height, radius) pairs, smooth but where a height comes twice.

    Its foot bulges by `squeeze` of its radius, as a round foot does when seen from a little above.
    """
    side = _smooth(profile)
    foot_height, foot = side[0]
    bow = [
        (x - foot * math.cos(angle), foot_height - squeeze * foot * math.sin(angle))
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


def _smooth(profile: Sequence[Point], steps: int = 12) -> list[Point]:
    """Catmull and Rom's curve through the points, broken where the same point stands twice."""
    curve: list[Point] = []
    for index in range(len(profile) - 1):
        start, end = profile[index], profile[index + 1]
        before = profile[index - 1] if index else start
        after = profile[index + 2] if index + 2 < len(profile) else end
        for step in range(steps):
            curve.append(_between(before, start, end, after, step / steps))
    curve.append(profile[-1])
    return curve


def _between(before: Point, start: Point, end: Point, after: Point, t: float) -> Point:
    def along(a: float, b: float, c: float, d: float) -> float:
        return 0.5 * (
            2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        )

    return along(before[0], start[0], end[0], after[0]), along(before[1], start[1], end[1], after[1])
