"""Draws a still life for any prompt, always the same one for the same request.

The seed decides the composition: light, place, proportions and hue. The words decide what is shown, its
colours and the hour, and unknown words change the palette. References hang as framed prints on the wall, and
lend their colours. Everything soft is painted small and enlarged; only the object is painted at full size.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from rivya_nb.sandbox.brush import Brush
from rivya_nb.sandbox.colour import Colour, lit, mixed, rgb
from rivya_nb.sandbox.prompt_reading import Reading, read
from rivya_nb.sandbox.still_life import OBJECTS, UNNAMED, Paints

MARK = "rivya sandbox"
"""The text in the corner of every picture."""

_BACKDROP = 192
"""Pixels of a backdrop's longer side, before it is enlarged."""

_LARGEST_SHEET = 900
"""The most pixels per unit; a larger object is enlarged instead of painted larger."""


@dataclass(frozen=True, slots=True)
class _Hour:
    """The light of an hour: the brightness and chroma of the fields, and the tint over the whole picture."""

    low: float
    high: float
    chroma: float
    tint: Colour
    share: float


_HOURS = {
    None: _Hour(0.46, 0.86, 0.1, (0.75, 0.05, 80), 0.1),
    "dawn": _Hour(0.62, 0.92, 0.085, (0.88, 0.09, 45), 0.38),
    "day": _Hour(0.7, 0.95, 0.075, (0.94, 0.04, 220), 0.3),
    "dusk": _Hour(0.36, 0.76, 0.13, (0.6, 0.16, 40), 0.4),
    "night": _Hour(0.17, 0.44, 0.08, (0.26, 0.09, 270), 0.5),
}


@dataclass(frozen=True, slots=True)
class _Scene:
    """All decisions that are made before painting. Places are shares of the width and the height."""

    fields: tuple[Colour, ...]
    floor: Colour
    paints: Paints
    subject: str
    dark: bool
    light: float
    x: float
    horizon: float
    foot: float
    height: float
    chance: Random


def draw(
    prompt: str,
    *,
    seed: str,
    size: tuple[int, int],
    style: str = "",
    references: Sequence[bytes] = (),
    picture_format: Literal["PNG", "JPEG"] = "PNG",
    watermark: bool = False,
) -> bytes:
    """A picture of `size` (width and height in pixels), encoded.

    `style` is other text that changes it a little; `references` are encoded pictures; `watermark` enlarges
    the sandbox's mark. The same arguments give the same bytes.
    """
    prints = [image for image in map(_decode, references) if image is not None]
    scene = _compose(prompt, seed, style, references)
    picture = _backdrop(scene, size, prints).resize(size, Image.Resampling.BICUBIC)
    _hang(picture, scene, prints)
    if scene.subject != "landscape":
        _set_object(picture, scene)
    if read(prompt).mood == "grey":
        picture = ImageOps.grayscale(picture).convert("RGB")
    _mark(picture, larger=watermark)
    return _encode(picture, picture_format)


def _compose(prompt: str, seed: str, style: str, references: Sequence[bytes]) -> _Scene:
    reading = read(prompt)
    seeded = _chance("seed", seed)
    worded = _chance(
        "words", prompt.strip(), style, *(hashlib.sha256(data).hexdigest() for data in references)
    )
    hour = _HOURS[reading.hour]
    hue = _seed_hue(seed) + worded.uniform(0, 360)
    fields = _fields(reading, hour, hue, seeded, worded)
    body, accent = _paints(reading, hour, hue, seeded, worded)
    return _Scene(
        fields=fields,
        floor=lit(mixed(fields[0], fields[1], worded.uniform(0.3, 0.7)), 0.06),
        paints=Paints(body, accent),
        subject=reading.subject or worded.choice(UNNAMED),
        dark=reading.hour == "night",
        light=seeded.choice((-1.0, 1.0)) * seeded.uniform(0.7, 1.0),
        x=seeded.uniform(0.34, 0.66),
        horizon=seeded.uniform(0.6, 0.74),
        foot=seeded.uniform(0.8, 0.88),
        height=seeded.uniform(0.5, 0.68),
        chance=_chance("object", seed, str(worded.random())),
    )


def _seed_hue(seed: str) -> float:
    """A hue in degrees: neighbouring seeds are a golden angle apart, so that they look different."""
    number = int(seed) if seed.isdecimal() else _chance("hue", seed).getrandbits(32)
    return number * 137.508 % 360


def _fields(reading: Reading, hour: _Hour, hue: float, seeded: Random, worded: Random) -> tuple[Colour, ...]:
    strength = {"soft": 0.6, "vivid": 1.6, "grey": 0.2}.get(reading.mood or "", 1.0)
    spread = seeded.uniform(28, 75)
    colours = []
    for index in range(6):
        turn = (index - 2.5) * spread / 2 + worded.uniform(-12, 12) + (150 if index == 4 else 0)
        lightness = hour.low + (hour.high - hour.low) * seeded.random()
        if reading.mood == "soft" and reading.hour != "night":
            lightness = 0.5 * lightness + 0.42
        colour = (lightness, hour.chroma * strength * seeded.uniform(0.6, 1.4), (hue + turn) % 360)
        if len(reading.colours) > 1 and index % 2 == 0:
            colour = mixed(colour, reading.colours[1], 0.65)
        colours.append(mixed(colour, hour.tint, hour.share))
    return tuple(colours)


def _paints(
    reading: Reading, hour: _Hour, hue: float, seeded: Random, worded: Random
) -> tuple[Colour, Colour]:
    dim = -0.14 if hour is _HOURS["night"] else 0.0
    drift = (seeded.uniform(-0.05, 0.05), seeded.uniform(-9, 9))
    body = (seeded.uniform(0.6, 0.84), seeded.uniform(0.07, 0.16), (hue + seeded.uniform(110, 250)) % 360)
    if reading.colours:
        named = reading.colours[0]
        body = (named[0] + drift[0], named[1], named[2] + drift[1])
    accent = (
        seeded.uniform(0.36, 0.8),
        seeded.uniform(0.03, 0.13),
        (body[2] + worded.uniform(60, 300)) % 360,
    )
    return lit(body, dim), lit(accent, dim)


def _backdrop(scene: _Scene, size: tuple[int, int], prints: Sequence[Image.Image]) -> Image.Image:
    """Fields of colour in slanting light, the floor, and the object's shadow; all soft."""
    share = _BACKDROP / max(size)
    width, height = max(8, round(size[0] * share)), max(8, round(size[1] * share))
    canvas = Image.new("RGB", (width, height), rgb(scene.fields[0]))
    _slants(canvas, scene)
    if prints:
        cover = ImageOps.fit(prints[0], canvas.size, Image.Resampling.BILINEAR)
        canvas = Image.blend(canvas, cover.filter(ImageFilter.GaussianBlur(9)), 0.6)
    short, mean = min(width, height), math.sqrt(width * height)
    if scene.subject == "landscape":
        canvas = canvas.filter(ImageFilter.GaussianBlur(mean * 0.09))
        return _ridges(canvas.resize((width * 3, height * 3), Image.Resampling.BICUBIC), scene)
    canvas = canvas.filter(ImageFilter.GaussianBlur(mean * 0.055))
    veil = Image.new("L", canvas.size)
    ImageDraw.Draw(veil).rectangle((0, height * scene.horizon, width, height), fill=150)
    canvas.paste(rgb(scene.floor), mask=veil.filter(ImageFilter.GaussianBlur(short * 0.05)))
    _shine_and_shade(canvas, scene)
    return canvas


def _slants(canvas: Image.Image, scene: _Scene) -> None:
    """Slanting bands over the whole canvas, and a few glowing spots."""
    brush, chance = ImageDraw.Draw(canvas), scene.chance
    width, height = canvas.size
    slope = scene.light * chance.uniform(0.5, 1.1)
    reach = abs(slope) * height
    left = -reach
    while left < width + reach:
        band = chance.uniform(0.1, 0.3) * max(min(canvas.size), 0.55 * max(canvas.size))
        shift = slope * height
        corners = [(left, 0), (left + band, 0), (left + band + shift, height), (left + shift, height)]
        brush.polygon(corners, fill=rgb(chance.choice(scene.fields)))
        left += band
    for _ in range(chance.randint(1, 3)):
        x, y = chance.uniform(0, width), chance.uniform(0, height * 0.6)
        radius = chance.uniform(0.08, 0.22) * min(canvas.size)
        glow = lit(chance.choice(scene.fields), -0.02 if scene.dark else 0.1)
        brush.ellipse((x - radius, y - radius * 1.2, x + radius, y + radius * 1.2), fill=rgb(glow))


def _shine_and_shade(canvas: Image.Image, scene: _Scene) -> None:
    """The light behind the object, darker corners, and the object's shadow."""
    width, height = canvas.size
    short = min(canvas.size)
    x, foot, tall = scene.x * width, scene.foot * height, scene.height * short

    def soft(box: tuple[float, float, float, float], strength: int, blur: float, colour: Colour) -> None:
        mask = Image.new("L", canvas.size)
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        canvas.paste(rgb(colour), mask=mask.filter(ImageFilter.GaussianBlur(blur * short)))

    glow = lit(scene.fields[2], 0.12 if scene.dark else 0.22)
    soft((x - tall * 0.7, foot - tall * 1.2, x + tall * 0.7, foot - tall * 0.1), 110, 0.1, glow)
    edge = (
        Image.radial_gradient("L").resize(canvas.size).point([max(0, v - 110) * 2 // 3 for v in range(256)])
    )
    canvas.paste(rgb(lit(scene.floor, -0.5)), mask=edge)
    shade = (0.16, 0.03, scene.floor[2])
    away = -scene.light * tall * 0.24
    soft(
        (x + away - tall * 0.45, foot - tall * 0.07, x + away + tall * 0.45, foot + tall * 0.1),
        110,
        0.022,
        shade,
    )
    soft((x - tall * 0.27, foot - tall * 0.035, x + tall * 0.27, foot + tall * 0.055), 150, 0.011, shade)


def _ridges(canvas: Image.Image, scene: _Scene) -> Image.Image:
    """Hills behind hills under a sun or a moon."""
    chance = scene.chance
    width, height = canvas.size
    short = min(canvas.size)
    sky = Image.new("L", canvas.size)
    sun, radius = (scene.x * width, chance.uniform(0.2, 0.42) * height), chance.uniform(0.05, 0.1) * short
    disc = (sun[0] - radius, sun[1] - radius, sun[0] + radius, sun[1] + radius)
    halo = (sun[0] - radius * 3, sun[1] - radius * 3, sun[0] + radius * 3, sun[1] + radius * 3)
    ImageDraw.Draw(sky).ellipse(halo, fill=90)
    sky = sky.filter(ImageFilter.GaussianBlur(short * 0.09))
    ImageDraw.Draw(sky).ellipse(disc, fill=245)
    canvas.paste(rgb((0.95, 0.05, 95)), mask=sky.filter(ImageFilter.GaussianBlur(1.2)))
    count = chance.randint(3, 5)
    for index in range(count):
        level = height * (0.5 + 0.42 * index / count)
        rise, points = short * chance.uniform(0.06, 0.17), 9
        crest = [(width * n / (points - 1), level + chance.uniform(-1, 1) * rise) for n in range(points)]
        layer = Image.new("L", canvas.size)
        ImageDraw.Draw(layer).polygon([*crest, (width, height), (0, height)], fill=255)
        tone = lit(mixed(scene.paints.body, scene.fields[index], 0.55), 0.1 - 0.5 * (index + 1) / count)
        canvas.paste(rgb(tone), mask=layer.filter(ImageFilter.GaussianBlur(short * (0.022 - 0.004 * index))))
    return canvas


def _hang(picture: Image.Image, scene: _Scene, prints: Sequence[Image.Image]) -> None:
    """Up to three references as framed prints on the wall, on the side opposite to the object."""
    short = min(picture.size)
    side = round(short * 0.24)
    free = 0.08 if scene.x > 0.5 else 0.92
    for index, image in enumerate(prints[:3]):
        framed = ImageOps.expand(ImageOps.contain(image, (side, side)), max(2, side // 28), (250, 248, 243))
        left = round(free * picture.width - (framed.width if free > 0.5 else 0))
        top = round(0.07 * short + index * side * 1.12)
        shadow = Image.new("L", (framed.width + side // 4, framed.height + side // 4))
        ImageDraw.Draw(shadow).rectangle(
            (side // 8, side // 8, side // 8 + framed.width, side // 8 + framed.height), fill=130
        )
        shadow = shadow.filter(ImageFilter.GaussianBlur(side / 22))
        picture.paste((20, 18, 24), (left - side // 12, top - side // 12), shadow)
        picture.paste(framed, (left, top))


def _set_object(picture: Image.Image, scene: _Scene) -> None:
    short = min(picture.size)
    tall = scene.height * short
    # Twice its final size, which smooths its edges; limited because of the time.
    scale = max(32, min(_LARGEST_SHEET, round(2 * tall)))
    brush = Brush(scale, scene.light)
    OBJECTS[scene.subject](brush, scene.paints, scene.chance)
    share = tall / scale
    sheet = brush.sheet.resize(
        (round(brush.sheet.width * share), round(brush.sheet.height * share)), Image.Resampling.BICUBIC
    )
    left = round(scene.x * picture.width - sheet.width / 2)
    top = round(scene.foot * picture.height - Brush.HEIGHT * tall)
    picture.paste(sheet, (left, top), sheet)


def _mark(picture: Image.Image, *, larger: bool) -> None:
    """The sandbox's mark in the lower right corner, light with a dark edge, legible on any background."""
    short = min(picture.size)
    height = max(9, round(short * (0.045 if larger else 0.021)))
    font = ImageFont.load_default(height)
    layer = Image.new("L", picture.size)
    margin = round(short * 0.022)
    place = (picture.width - margin, picture.height - margin)
    canvas = ImageDraw.Draw(layer)
    canvas.text(place, MARK, font=font, fill=150, anchor="rs", stroke_width=max(1, height // 10))
    box = layer.getbbox() or (0, 0, 1, 1)
    picture.paste((20, 20, 24), box[:2], layer.crop(box))
    ImageDraw.Draw(picture).text(place, MARK, font=font, fill=(240, 240, 238), anchor="rs")


def _encode(picture: Image.Image, picture_format: str) -> bytes:
    buffer = io.BytesIO()
    if picture_format == "PNG":
        picture.save(buffer, "PNG", compress_level=1)
    else:
        picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _decode(data: bytes) -> Image.Image | None:
    """A reference, made small; None if only its signature was that of a picture."""
    try:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (640, 640))
        image.thumbnail((640, 640))
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _chance(*parts: str) -> Random:
    text = "\x1f".join(parts).encode("utf-8", "replace")
    return Random(int.from_bytes(hashlib.sha256(text).digest(), "big"))  # noqa: S311 - a picture, no secret
