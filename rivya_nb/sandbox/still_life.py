"""The objects in the sandbox's pictures, each drawn with a brush in its own proportions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from rivya_nb.sandbox.brush import Brush, oval, turned
from rivya_nb.sandbox.colour import Colour, lit


@dataclass(frozen=True, slots=True)
class Paints:
    """The colours of one object: of its body, and of its accessories."""

    body: Colour
    accent: Colour


def bottle(brush: Brush, paints: Paints, chance: Random) -> None:
    """A glass bottle, partly full, with a stopper."""
    width = chance.uniform(0.17, 0.27)
    neck = chance.uniform(0.06, 0.09)
    shoulder = chance.uniform(0.52, 0.68)
    round_ = chance.uniform(0.03, 0.12)
    glass = turned(
        [
            (0.0, width), (0.06, width), (shoulder - round_, width), (shoulder, width),
            (shoulder + 0.08, neck * 1.35), (shoulder + 0.12, neck), (0.86, neck), (0.86, neck),
        ]
    )  # fmt: skip
    brush.round(glass, paints.body, alpha=0.8, depth=0.26)
    level = chance.uniform(0.25, shoulder - 0.12)
    liquid = turned([(0.03, width * 0.9), (level, width * 0.9), (level, width * 0.9)])
    deep = (paints.body[0] - 0.12, min(0.2, paints.body[1] * 1.25 + 0.02), paints.body[2])
    brush.round(liquid, deep, alpha=0.6, depth=0.3)
    brush.flat(oval(0, level, width * 0.9, width * 0.13), lit(deep, 0.16), alpha=0.7)
    high = chance.uniform(0.1, 0.17)
    lid = chance.uniform(1.15, 1.9)
    stopper = turned(
        [(0.85, neck * lid), (0.87, neck * lid), (0.83 + high, neck * lid), (0.85 + high, neck * lid)]
    )
    brush.round(stopper, paints.accent, depth=0.26)
    brush.flat(oval(0, 0.85 + high, neck * lid, neck * lid * 0.16), lit(paints.accent, 0.1))
    _gleams(brush, width, shoulder - 0.06)


def vase(brush: Brush, paints: Paints, chance: Random) -> None:
    """A vase with flowers; the seed decides their number and lean."""
    count = chance.choice((3, 4, 5))
    for index in range(count):
        lean = (index - (count - 1) / 2) * chance.uniform(0.13, 0.19) + chance.uniform(-0.05, 0.05)
        _flower(brush, paints.accent, lean, chance.uniform(0.82, 1.05), chance)
    belly, foot, neck = chance.uniform(0.19, 0.26), chance.uniform(0.1, 0.15), chance.uniform(0.07, 0.1)
    body = turned(
        [(0, foot), (0.06, foot * 1.2), (0.24, belly), (0.42, neck * 1.3), (0.5, neck), (0.55, neck * 1.35)]
    )
    brush.round(body, paints.body, depth=0.36)
    brush.flat(oval(0, 0.55, neck * 1.35, neck * 0.25), lit(paints.body, -0.28))
    _gleams(brush, belly * 0.9, 0.36)


def _flower(brush: Brush, colour: Colour, lean: float, height: float, chance: Random) -> None:
    stem: Colour = (0.55, 0.1, 140)
    curve = [(lean * (t / 10) ** 1.6, 0.5 + (height - 0.5) * t / 10) for t in range(11)]
    brush.flat([(x - 0.009, y) for x, y in curve] + [(x + 0.009, y) for x, y in reversed(curve)], stem)
    leaf = curve[5]
    side = 1 if lean >= 0 else -1
    brush.fall(oval(leaf[0] + 0.05 * side, leaf[1] + 0.03, 0.07, 0.022, side * 0.7), lit(stem, 0.1), stem)
    petal = (colour[0] + chance.uniform(-0.06, 0.06), colour[1], colour[2] + chance.uniform(-22, 22))
    start, petals = chance.uniform(0, 1), chance.choice((5, 6, 7))
    for index in range(petals):
        angle = 2 * math.pi * (index + start) / petals
        x, y = curve[-1][0] + 0.055 * math.cos(angle), curve[-1][1] + 0.055 * math.sin(angle)
        brush.ball(oval(x, y, 0.055, 0.033, angle), lit(petal, 0.04 * math.sin(angle)), depth=0.2)
    brush.ball(oval(*curve[-1], 0.034, 0.034), (0.84, 0.14, 85))


def cup(brush: Brush, paints: Paints, chance: Random) -> None:
    """A cup on a saucer, with a hot drink."""
    top, foot, high = chance.uniform(0.27, 0.34), chance.uniform(0.15, 0.22), chance.uniform(0.42, 0.56)
    side = chance.choice((-1, 1))
    saucer = lit(paints.accent, 0.04)
    brush.fall(oval(0, 0.02, top * 1.5, 0.1), lit(saucer, 0.1), lit(saucer, -0.1))
    brush.fall(oval(0, 0.04, top * 1.1, 0.06), lit(saucer, -0.12), lit(saucer, 0.02))
    for reach, shade in ((0.15, -0.16), (0.095, 0.0)):
        ring = oval(side * top * 0.97, high * 0.56, reach, reach * 1.15)
        if shade:
            brush.round(ring, lit(paints.body, -0.03), depth=0.3)
        else:
            brush.flat(ring, lit(saucer, -0.2), alpha=0.55)
    body = turned([(0.05, foot), (0.1, foot * 1.25), (high * 0.55, top * 0.92), (high, top)])
    brush.round(body, paints.body, depth=0.36)
    brush.fall(oval(0, high, top, top * 0.2), lit(paints.body, -0.12), lit(paints.body, 0.12))
    brush.fall(oval(0, high - 0.015, top * 0.9, top * 0.165), (0.32, 0.06, 50), (0.46, 0.08, 58))
    _gleams(brush, top * 0.8, high - 0.1)
    for _ in range(2):
        x, sway = chance.uniform(-0.12, 0.12), chance.uniform(0.03, 0.06)
        for step in range(26):
            y = high + 0.06 + step * 0.019
            drift = x + sway * math.sin(step / 4)
            brush.flat(oval(drift, y, 0.02 + step * 0.001, 0.03), (0.97, 0.0, 0), alpha=0.1 * (1 - step / 26))


def fruit(brush: Brush, paints: Paints, chance: Random) -> None:
    """Two or three fruits that touch."""
    places = [(-0.24, 0.2), (0.22, 0.0), (0.0, 0.32)][: chance.choice((2, 3, 3))]
    for index, (x, behind) in sorted(enumerate(places), key=lambda place: -place[1][1]):
        colour = paints.body if index != 1 else paints.accent
        high, wide = chance.uniform(0.42, 0.58), chance.uniform(0.22, 0.27)
        y = behind * 0.25
        pear = chance.random() < 0.4
        upper = wide * (0.5 if pear else 0.82)
        outline = turned(
            [
                (y, wide * 0.35), (y + 0.03, wide * 0.66), (y + high * 0.35, wide), (y + high * 0.72, upper),
                (y + high * 0.93, upper * 0.62), (y + high * 0.97, upper * 0.25), (y + high * 0.95, 0.0),
            ],
            x,
        )  # fmt: skip
        brush.ball(outline, colour, depth=0.4)
        brush.gleam(oval(x + brush.light * wide * 0.4, y + high * 0.66, 0.05, 0.08), 0.5, 0.025)
        top, lean = y + high * 0.93, chance.uniform(-0.05, 0.05)
        stalk = [
            (x - 0.011, top),
            (x + lean - 0.012, top + 0.11),
            (x + lean + 0.012, top + 0.11),
            (x + 0.011, top),
        ]
        brush.flat(stalk, (0.36, 0.06, 60))
        brush.fall(
            oval(x + lean + 0.075, top + 0.085, 0.085, 0.032, 0.45), (0.66, 0.13, 140), (0.46, 0.11, 145)
        )


def candle(brush: Brush, paints: Paints, chance: Random) -> None:
    """Two or three candles of different heights, burning."""
    places = (-0.24, 0.05, 0.3)[: chance.choice((2, 3, 3))]
    for index, x in enumerate(places):
        wide, high = chance.uniform(0.07, 0.12), chance.uniform(0.4, 0.82)
        colour = paints.accent if index == 1 else paints.body
        brush.round(turned([(0, wide), (0, wide), (high, wide), (high, wide)], x), colour, depth=0.3)
        brush.fall(oval(x, high, wide, wide * 0.2), lit(colour, 0.2), lit(colour, 0.1))
        wick = [(x - 0.006, high), (x - 0.004, high + 0.06), (x + 0.006, high + 0.06), (x + 0.006, high)]
        brush.flat(wick, (0.25, 0.02, 60))
        for share, tone in ((1.0, (0.82, 0.16, 70)), (0.68, (0.93, 0.13, 95)), (0.36, (0.98, 0.04, 100))):
            low = high + 0.08
            flame = [
                (low - 0.05, 0.012),
                (low, 0.038),
                (low + 0.07 * share, 0.018),
                (low + 0.13 * share, 0.0),
            ]
            brush.flat(turned([(y, wide * share) for y, wide in flame], x), tone, alpha=0.9)


def sphere(brush: Brush, paints: Paints, chance: Random) -> None:
    """A large ball and smaller ones about it."""
    big = chance.uniform(0.3, 0.38)
    brush.ball(oval(0, big, big, big), paints.body, depth=0.42)
    brush.gleam(oval(brush.light * big * 0.42, big * 1.5, 0.07, 0.05, -0.4 * brush.light), 0.75, 0.03)
    for _ in range(chance.choice((1, 2, 3))):
        size = chance.uniform(0.07, 0.15)
        x = chance.choice((-1, 1)) * (big * 0.8 + chance.uniform(0.0, 0.2))
        brush.ball(oval(x, size - 0.05, size, size), paints.accent, depth=0.4)
        brush.gleam(
            oval(x + brush.light * size * 0.4, size * 1.4 - 0.05, size * 0.2, size * 0.16), 0.6, 0.012
        )


def cat(brush: Brush, paints: Paints, chance: Random) -> None:
    """A sitting cat, seen from the front; the seed turns its head and lays its tail."""
    coat, side, tilt = paints.body, chance.choice((-1, 1)), chance.uniform(-0.03, 0.03)
    tail = [
        (side * (0.16 + 0.27 * math.sin(t / 14 * math.pi * 0.62)), 0.05 + 0.3 * (t / 14) ** 2)
        for t in range(15)
    ]
    for x, y in tail:
        brush.ball(oval(x, y, 0.048, 0.048), lit(coat, -0.05), depth=0.24)
    brush.ball(turned([(0, 0.2), (0.06, 0.25), (0.25, 0.23), (0.48, 0.15), (0.62, 0.1), (0.66, 0.0)]), coat)
    brush.ball(oval(0, 0.3, 0.1, 0.2), lit(coat, 0.12), depth=0.2)
    for x in (-0.075, 0.075):
        brush.ball(oval(x, 0.035, 0.07, 0.045), lit(coat, 0.1), depth=0.2)
    head, width = 0.7, chance.uniform(0.19, 0.215)
    for ear in (-1, 1):
        x = tilt + ear * width * 0.62
        outer = [(x - 0.085, head + 0.08), (x + ear * 0.05, head + 0.27), (x + 0.085, head + 0.08)]
        brush.fall(outer, lit(coat, -0.02), lit(coat, -0.08))
        inner = [(x - 0.04, head + 0.1), (x + ear * 0.037, head + 0.215), (x + 0.04, head + 0.1)]
        brush.flat(inner, (0.76, 0.08, 20))
    brush.ball(oval(tilt, head, width, 0.17), coat, depth=0.28)
    brush.ball(oval(tilt, head - 0.07, 0.085, 0.055), lit(coat, 0.14), depth=0.16)
    for eye in (-1, 1):
        x = tilt + eye * 0.085
        brush.fall(oval(x, head + 0.02, 0.042, 0.036), lit(paints.accent, -0.02), lit(paints.accent, 0.16))
        brush.flat(oval(x, head + 0.02, 0.012, 0.033), (0.15, 0.01, 0))
        brush.flat(oval(x + 0.012, head + 0.034, 0.008, 0.008), (0.98, 0, 0))
    nose = [(tilt - 0.02, head - 0.042), (tilt + 0.02, head - 0.042), (tilt, head - 0.064)]
    brush.flat(nose, (0.6, 0.1, 15))


def _gleams(brush: Brush, width: float, high: float) -> None:
    """A window's reflection on the lit side, and a thin one on the other."""
    x = brush.light * width * 0.52
    brush.gleam(_bar(x, width * 0.13, 0.1, high), 0.75, 0.012)
    brush.gleam(_bar(-brush.light * width * 0.82, width * 0.04, 0.12, high * 0.96), 0.5, 0.01)


def _bar(x: float, half: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(x - half, low), (x - half, high), (x + half, high), (x + half, low)]


OBJECTS: dict[str, Callable[[Brush, Paints, Random], None]] = {
    "bottle": bottle,
    "vase": vase,
    "cup": cup,
    "fruit": fruit,
    "candle": candle,
    "sphere": sphere,
    "cat": cat,
}

UNNAMED = ("bottle", "vase", "cup", "fruit", "sphere")
"""The objects for a prompt that names none that is known."""
