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


@dataclass(frozen=True, slots=True)
class Natural:
    """The colours that a thing has where the prompt names none; None where the seed chooses."""

    body: Colour | None = None
    accent: Colour | None = None


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
    bouquet(chance.choice((3, 4, 5)))(brush, paints, chance)


def bouquet(count: int) -> Painter:
    """A vase with so many flowers."""

    def paint(brush: Brush, paints: Paints, chance: Random) -> None:
        belly, foot, neck = chance.uniform(0.19, 0.26), chance.uniform(0.1, 0.15), chance.uniform(0.07, 0.1)
        apart = chance.uniform(0.13, 0.19) * min(1.0, 4 / count)
        for index in range(count):
            lean = (index - (count - 1) / 2) * apart + chance.uniform(-0.05, 0.05)
            _flower(brush, paints.accent, lean, chance.uniform(0.82, 1.05), chance)
        body = turned(
            [
                (0, foot),
                (0.06, foot * 1.2),
                (0.24, belly),
                (0.42, neck * 1.3),
                (0.5, neck),
                (0.55, neck * 1.35),
            ]
        )
        brush.round(body, paints.body, depth=0.36)
        brush.flat(oval(0, 0.55, neck * 1.35, neck * 0.25), lit(paints.body, -0.28))
        _gleams(brush, belly * 0.9, 0.36)

    return paint


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
    """An apple or a pear, or something between."""
    high, wide = chance.uniform(0.62, 0.86), chance.uniform(0.3, 0.37)
    upper = wide * (0.5 if chance.random() < 0.4 else 0.82)
    outline = turned(
        [
            (0, wide * 0.35), (0.03, wide * 0.66), (high * 0.35, wide), (high * 0.72, upper),
            (high * 0.93, upper * 0.62), (high * 0.97, upper * 0.25), (high * 0.95, 0.0),
        ]
    )  # fmt: skip
    brush.ball(outline, paints.body, depth=0.4)
    brush.gleam(oval(brush.light * wide * 0.4, high * 0.66, 0.07, 0.11), 0.5, 0.03)
    top, lean = high * 0.93, chance.uniform(-0.05, 0.05)
    stalk = [(-0.014, top), (lean - 0.015, top + 0.14), (lean + 0.015, top + 0.14), (0.014, top)]
    brush.flat(stalk, (0.36, 0.06, 60))
    brush.fall(oval(lean + 0.1, top + 0.11, 0.11, 0.042, 0.45), (0.66, 0.13, 140), (0.46, 0.11, 145))


def candle(brush: Brush, paints: Paints, chance: Random) -> None:
    """A candle, burning."""
    wide, high = chance.uniform(0.1, 0.16), chance.uniform(0.45, 0.82)
    brush.round(turned([(0, wide), (0, wide), (high, wide), (high, wide)]), paints.body, depth=0.3)
    brush.fall(oval(0, high, wide, wide * 0.2), lit(paints.body, 0.2), lit(paints.body, 0.1))
    wick = [(-0.007, high), (-0.005, high + 0.06), (0.007, high + 0.06), (0.007, high)]
    brush.flat(wick, (0.25, 0.02, 60))
    for share, tone in ((1.0, (0.82, 0.16, 70)), (0.68, (0.93, 0.13, 95)), (0.36, (0.98, 0.04, 100))):
        low = high + 0.08
        flame = [(low - 0.05, 0.015), (low, 0.047), (low + 0.09 * share, 0.022), (low + 0.16 * share, 0.0)]
        brush.flat(turned([(y, wide * share) for y, wide in flame]), tone, alpha=0.9)


def sphere(brush: Brush, paints: Paints, chance: Random) -> None:
    """A ball; the seed decides its size and where it shines."""
    big, high = chance.uniform(0.34, 0.44), chance.uniform(0.42, 0.55)
    brush.ball(oval(0, big, big, big), paints.body, depth=0.42)
    brush.gleam(oval(brush.light * big * 0.42, big * (1 + high), 0.08, 0.055, -0.4 * brush.light), 0.75, 0.03)


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


def fox(brush: Brush, paints: Paints, chance: Random) -> None:
    """A sitting fox, seen from the front: pale cheeks and breast, and a bushy tail with a pale tip."""
    coat, pale, dark = paints.body, paints.accent, lit(paints.body, -0.34)
    side, tilt = chance.choice((-1, 1)), chance.uniform(-0.03, 0.03)
    for t in range(18):
        x, y = side * (0.1 + 0.34 * math.sin(t / 17 * math.pi * 0.55)), 0.06 + 0.46 * (t / 17) ** 1.6
        thick = 0.06 + 0.055 * math.sin(min(1.0, t / 13) * math.pi * 0.7)
        brush.ball(oval(x, y, thick, thick), pale if t > 13 else lit(coat, -0.04), depth=0.24)
    brush.ball(turned([(0, 0.17), (0.06, 0.22), (0.25, 0.19), (0.46, 0.14), (0.6, 0.1), (0.64, 0.0)]), coat)
    brush.ball(turned([(0.1, 0.05), (0.3, 0.1), (0.5, 0.1), (0.58, 0.0)]), pale, depth=0.16)
    for x in (-0.07, 0.07):
        brush.ball(oval(x, 0.04, 0.055, 0.05), dark, depth=0.2)
    head, width = 0.72, chance.uniform(0.2, 0.225)
    for ear in (-1, 1):
        x = tilt + ear * width * 0.66
        outer = [(x - 0.09, head + 0.05), (x + ear * 0.055, head + 0.31), (x + 0.09, head + 0.05)]
        brush.fall(outer, dark, lit(coat, -0.06))
        brush.flat([(x - 0.04, head + 0.08), (x + ear * 0.04, head + 0.22), (x + 0.04, head + 0.08)], pale)
    face = [(tilt - width, head + 0.02), (tilt, head - 0.24), (tilt + width, head + 0.02)]
    brush.ball([*face, *oval(tilt, head + 0.02, width, 0.13)[:37]], coat, depth=0.26)
    for cheek in (-1, 1):
        edge = [(tilt + cheek * width * 0.98, head), (tilt + cheek * 0.03, head - 0.03), (tilt, head - 0.235)]
        brush.flat(edge, pale)
        brush.flat(oval(tilt + cheek * 0.085, head + 0.045, 0.024, 0.03), (0.15, 0.01, 0))
        brush.flat(oval(tilt + cheek * 0.085 + 0.008, head + 0.056, 0.007, 0.007), (0.98, 0, 0))
    brush.ball(oval(tilt, head - 0.225, 0.034, 0.028), (0.2, 0.01, 0), depth=0.12)


def tree(brush: Brush, paints: Paints, chance: Random) -> None:
    """A tree with a round crown."""
    lean = chance.uniform(-0.05, 0.05)
    brush.round(turned([(0, 0.085), (0.04, 0.06), (0.3, 0.045), (0.6, 0.03)]), paints.accent, depth=0.3)
    for index in range(9):
        angle = index * 2.4 + chance.uniform(-0.4, 0.4)
        reach, size = 0.2 * (index / 8) ** 0.5, chance.uniform(0.15, 0.22)
        x, y = lean + reach * math.cos(angle), 0.68 + reach * math.sin(angle)
        brush.ball(oval(x, y, size, size * 0.92), lit(paints.body, 0.02 * (index % 3 - 1)), depth=0.34)


def house(brush: Brush, paints: Paints, chance: Random) -> None:
    """A house with a gable, a door and two windows."""
    half, wall, ridge = chance.uniform(0.34, 0.42), chance.uniform(0.42, 0.5), chance.uniform(0.78, 0.92)
    chimney = chance.choice((-1, 1)) * half * 0.55
    brush.round(_bar(chimney, 0.05, wall, ridge), lit(paints.accent, -0.1), depth=0.2)
    brush.fall(_bar(0, half, 0.0, wall), lit(paints.body, 0.03), lit(paints.body, -0.06))
    roof = [(-half * 1.18, wall), (0, ridge), (half * 1.18, wall)]
    brush.fall(roof, lit(paints.accent, 0.06), lit(paints.accent, -0.1))
    brush.flat(_bar(0, 0.07, 0.0, wall * 0.58), lit(paints.accent, -0.16))
    for x in (-half * 0.6, half * 0.6):
        brush.flat(_bar(x, 0.075, wall * 0.42, wall * 0.76), (0.97, 0.01, 90))
        brush.fall(_bar(x, 0.06, wall * 0.45, wall * 0.73), (0.9, 0.1, 90), (0.78, 0.12, 75))


def lighthouse(brush: Brush, paints: Paints, chance: Random) -> None:
    """A tower with bands, a gallery, and a lamp that is lit."""
    foot, top, high = chance.uniform(0.16, 0.2), chance.uniform(0.085, 0.11), 0.8
    bands = 5
    for index in range(bands):
        low, up = high * index / bands, high * (index + 1) / bands
        wide, narrow = (foot + (top - foot) * y / high for y in (low, up))
        colour = paints.body if index % 2 == 0 else paints.accent
        profile = [(low, wide), (low, wide), (up, narrow), (up, narrow)]
        brush.round(turned(profile), colour, depth=0.34)
    brush.round(turned([(high, top * 1.5), (high, top * 1.5), (high + 0.03, top * 1.5)]), (0.3, 0.02, 260))
    lamp = turned([(high + 0.03, top * 0.8), (high + 0.03, top * 0.8), (high + 0.15, top * 0.8)])
    brush.round(lamp, (0.95, 0.13, 95), depth=0.12)
    brush.ball(turned([(high + 0.15, top), (high + 0.19, top * 0.8), (high + 0.25, 0.0)]), paints.accent)
    brush.flat(_bar(0, 0.04, 0.0, 0.12), (0.3, 0.04, 50))


def stones(brush: Brush, paints: Paints, chance: Random) -> None:
    """Three smooth stones, one on the other: what is drawn for a prompt that names nothing known."""
    level, wide = 0.0, chance.uniform(0.36, 0.44)
    for index in range(3):
        high = wide * chance.uniform(0.36, 0.46)
        x, turned_by = chance.uniform(-0.04, 0.04), chance.uniform(-0.06, 0.06)
        tone = lit(paints.body if index != 1 else paints.accent, 0.03 * index)
        brush.ball(oval(x, level + high, wide, high, turned_by), tone, depth=0.38)
        level, wide = level + 1.86 * high, wide * chance.uniform(0.64, 0.74)


def _gleams(brush: Brush, width: float, high: float) -> None:
    """A window's reflection on the lit side, and a thin one on the other."""
    x = brush.light * width * 0.52
    brush.gleam(_bar(x, width * 0.13, 0.1, high), 0.75, 0.012)
    brush.gleam(_bar(-brush.light * width * 0.82, width * 0.04, 0.12, high * 0.96), 0.5, 0.01)


def _bar(x: float, half: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(x - half, low), (x - half, high), (x + half, high), (x + half, low)]


Painter = Callable[[Brush, Paints, Random], None]

OBJECTS: dict[str | None, Painter] = {
    None: stones,
    "bottle": bottle,
    "vase": vase,
    "cup": cup,
    "fruit": fruit,
    "candle": candle,
    "sphere": sphere,
    "cat": cat,
    "fox": fox,
    "tree": tree,
    "house": house,
    "lighthouse": lighthouse,
}

NATURAL: dict[str | None, Natural] = {
    None: Natural((0.72, 0.015, 80), (0.6, 0.02, 60)),
    "fox": Natural((0.64, 0.16, 48), (0.95, 0.015, 80)),
    "tree": Natural((0.56, 0.12, 140), (0.4, 0.06, 55)),
    "lighthouse": Natural((0.95, 0.01, 90), (0.55, 0.19, 27)),
}
