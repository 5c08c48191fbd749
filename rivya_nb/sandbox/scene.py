"""Decides what a picture shows before anything is painted.

Each part of the seed's chance is drawn for itself, so that a word changes what it says and nothing else: with
another light the thing stays where it is, and with another thing the light stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rivya_nb.sandbox.colour import Colour, lit, mixed
from rivya_nb.sandbox.prompt_reading import Reading
from rivya_nb.sandbox.still_life import NATURAL, Natural, Paints


@dataclass(frozen=True, slots=True)
class _Light:
    """The brightness and chroma of the fields, and the tint over the whole picture."""

    low: float
    high: float
    chroma: float
    tint: Colour
    share: float


_LIGHTS = {
    None: _Light(0.46, 0.86, 0.1, (0.75, 0.05, 80), 0.1),
    "dawn": _Light(0.62, 0.92, 0.085, (0.88, 0.09, 45), 0.38),
    "day": _Light(0.7, 0.95, 0.075, (0.94, 0.04, 220), 0.3),
    "dusk": _Light(0.36, 0.76, 0.13, (0.6, 0.16, 40), 0.4),
    "night": _Light(0.17, 0.44, 0.08, (0.26, 0.09, 270), 0.5),
    "candle light": _Light(0.26, 0.62, 0.1, (0.5, 0.13, 62), 0.5),
}

_GROUNDS: dict[str, tuple[Colour, Colour]] = {
    "snow": ((0.97, 0.012, 240), (0.9, 0.025, 240)),
    "sand": ((0.86, 0.075, 80), (0.85, 0.06, 215)),
    "forest": ((0.5, 0.08, 125), (0.55, 0.08, 145)),
    "meadow": ((0.68, 0.14, 130), (0.88, 0.05, 220)),
    "water": ((0.6, 0.09, 230), (0.86, 0.045, 225)),
}
"""For each setting the colours of its ground, and of what is far."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one thing stands: its middle, its foot and its height in pixels."""

    x: float
    foot: float
    tall: float


@dataclass(frozen=True, slots=True)
class Scene:
    """All decisions. Places are shares of the width and the height; `subject` is None for the calm scene.

    `count` things are shown; flowers stand in one vase.
    """

    seed: str
    subject: str | None
    count: int
    flowers: int
    fields: tuple[Colour, ...]
    floor: Colour
    paints: Paints
    dark: bool
    light: float
    setting: str | None
    weather: str | None
    x: float
    horizon: float
    foot: float
    height: float

    def chance(self, *of: object) -> Random:
        """The seed's chance for one part of the picture."""
        return chance_of(*map(str, of), self.seed)

    def places(self, size: tuple[int, int]) -> list[Place]:
        """Where the things stand, in pixels of a picture of this size; those behind come first."""
        width, height = size
        behind = self.count // 2 if self.count > _IN_A_ROW else 0
        rows = [row for row in (behind, self.count - behind) if row]
        widest = max(rows)
        tall = self.height * min(size) * self.count**-0.3
        tall = min(tall, 0.96 * width / (_APART * (widest - 1) + _WIDE))
        half = tall * (_APART * (widest - 1) + _WIDE) / 2
        middle = min(max(self.x * width, half), width - half) if widest > 1 else self.x * width
        foot = self.foot * height
        return [
            Place(
                middle + (place - (row - 1) / 2) * _APART * tall,
                foot - (len(rows) - 1 - level) * tall * 0.3 + (place % 2) * tall * 0.05,
                tall,
            )
            for level, row in enumerate(rows)
            for place in range(row)
        ]


_IN_A_ROW = 4
_APART, _WIDE = 0.8, 1.15
"""Distance and width of things, as shares of their height."""


def compose(reading: Reading, seed: str, style: str, references: Sequence[bytes]) -> Scene:
    """The scene of what was read, by the seed; `style` and the contents of the references turn its colours."""
    seeded = chance_of("seed", seed)
    styled = chance_of("style", style, *(hashlib.sha256(data).hexdigest() for data in references))
    light = _LIGHTS[reading.light]
    hue = _seed_hue(seed) + styled.uniform(0, 360)
    fields = _fields(reading, light, hue, seeded)
    floor = lit(mixed(fields[0], fields[1], seeded.uniform(0.3, 0.7)), 0.06)
    if reading.setting is not None:
        floor = _in_light(_GROUNDS[reading.setting][0], light)
    return Scene(
        seed=seed,
        subject=reading.subject,
        count=1 if reading.subject in ("flowers", "landscape") else reading.count,
        flowers=reading.count,
        fields=fields,
        floor=floor,
        paints=_paints(reading, light, hue, seeded),
        dark=reading.light in ("night", "candle light"),
        light=seeded.choice((-1.0, 1.0)) * seeded.uniform(0.7, 1.0),
        setting=reading.setting,
        weather=reading.weather,
        x=seeded.uniform(0.34, 0.66),
        horizon=seeded.uniform(0.6, 0.74),
        foot=seeded.uniform(0.8, 0.88),
        height=seeded.uniform(0.5, 0.68),
    )


def chance_of(*parts: str) -> Random:
    """The same chance for the same texts."""
    text = "\x1f".join(parts).encode("utf-8", "replace")
    return Random(int.from_bytes(hashlib.sha256(text).digest(), "big"))  # noqa: S311 - a picture, no secret


def _seed_hue(seed: str) -> float:
    """A hue in degrees: neighbouring seeds are a golden angle apart, so that they look different."""
    number = int(seed) if seed.isdecimal() else chance_of("hue", seed).getrandbits(32)
    return number * 137.508 % 360


def _in_light(colour: Colour, light: _Light) -> Colour:
    return mixed(
        (colour[0] * min(1.0, light.high + 0.1), colour[1], colour[2]), light.tint, light.share * 0.5
    )


def _fields(reading: Reading, light: _Light, hue: float, seeded: Random) -> tuple[Colour, ...]:
    strength = {"soft": 0.6, "vivid": 1.6, "monochrome": 0.2}.get(reading.mood or "", 1.0)
    if reading.subject is None:
        strength *= 0.5
    spread = seeded.uniform(28, 75)
    colours = []
    for index in range(6):
        turn = (index - 2.5) * spread / 2 + seeded.uniform(-12, 12) + (150 if index == 4 else 0)
        lightness = light.low + (light.high - light.low) * seeded.random()
        if reading.mood == "soft" and reading.light != "night":
            lightness = 0.5 * lightness + 0.42
        colour = (lightness, light.chroma * strength * seeded.uniform(0.6, 1.4), (hue + turn) % 360)
        if reading.setting is not None:
            colour = mixed(colour, _in_light(_GROUNDS[reading.setting][1], light), 0.6)
        if reading.backdrop is not None:
            colour = mixed(colour, _in_light(reading.backdrop, light), 0.75)
        colours.append(mixed(colour, light.tint, light.share))
    return tuple(colours)


_OF_THE_SEED = Natural()


def _paints(reading: Reading, light: _Light, hue: float, seeded: Random) -> Paints:
    dim = {"night": -0.14, "candle light": -0.06}.get(reading.light or "", 0.0)
    drift = (seeded.uniform(-0.05, 0.05), seeded.uniform(-9, 9))
    body = (seeded.uniform(0.6, 0.84), seeded.uniform(0.07, 0.16), (hue + seeded.uniform(110, 250)) % 360)
    accent = (seeded.uniform(0.36, 0.8), seeded.uniform(0.03, 0.13), (hue + seeded.uniform(0, 360)) % 360)
    natural = NATURAL.get(reading.subject, _OF_THE_SEED)
    named = (reading.body or natural.body, reading.accent or natural.accent)
    if reading.subject == "flowers":
        # Red tulips are red; their vase is not.
        named = (reading.accent, reading.body)
    body, accent = (
        colour if wanted is None else (wanted[0] + drift[0], wanted[1], wanted[2] + drift[1])
        for wanted, colour in zip(named, (body, accent), strict=True)
    )
    return Paints(*(mixed(lit(colour, dim), light.tint, 0.35 * light.share) for colour in (body, accent)))
