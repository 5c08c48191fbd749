"""Draws a scene for any prompt, always the same one for the same request.

The seed decides the composition: light, place, proportions and hue. The prompt's first known thing is shown, in
the colours, number, light and setting that the prompt names; without one, stones on a ground. References hang as
framed prints on the wall, and lend their colours. Everything soft is painted small and enlarged; only the things
are painted at full size.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps
from PIL.PngImagePlugin import PngInfo

from rivya_nb.sandbox.backdrop import backdrop
from rivya_nb.sandbox.brush import Brush
from rivya_nb.sandbox.prompt_reading import read
from rivya_nb.sandbox.scene import Scene, chance_of, compose
from rivya_nb.sandbox.still_life import OBJECTS, bouquet

MARK = "rivya sandbox"
"""The text in the corner of every picture."""

_LARGEST_SHEET = 900
"""The most pixels per unit; a larger object is enlarged instead of painted larger."""


def draw(
    prompt: str,
    *,
    seed: str,
    size: tuple[int, int],
    style: str = "",
    references: Sequence[bytes] = (),
    picture_format: Literal["PNG", "JPEG"] = "PNG",
    light: float = 0.0,
    watermark: bool = False,
) -> bytes:
    """A picture of `size` (width and height in pixels), encoded.

    `style` is other text that changes it a little; `references` are encoded pictures; `light` is added to every
    channel, as a share of white; `watermark` enlarges the sandbox's mark. The same arguments give the same
    bytes, and another prompt gives others, also where the picture looks the same: a content belongs to one
    request.
    """
    prints = [image for image in map(decoded, references) if image is not None]
    reading = read(prompt)
    scene = compose(reading, seed, style, references)
    picture = backdrop(scene, size, prints).resize(size, Image.Resampling.BICUBIC)
    hang(picture, scene, prints)
    if scene.subject != "landscape":
        for sheet, left, top, _ in things(scene, size):
            picture.paste(sheet, (left, top), sheet)
    if reading.mood == "monochrome":
        picture = ImageOps.grayscale(picture).convert("RGB")
    if light:
        picture = lit(picture, light)
    mark(picture, larger=watermark)
    return _encode(picture, picture_format, comment(prompt))


def hang(picture: Image.Image, scene: Scene, prints: Sequence[Image.Image]) -> None:
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


def things(scene: Scene, size: tuple[int, int]) -> Iterator[tuple[Image.Image, int, int, float]]:
    """The things on transparent sheets, those behind first: each with its left and its top in a picture of that
    size, and with where it stands on its sheet, in pixels from the sheet's top."""
    paint = bouquet(scene.flowers) if scene.subject == "flowers" else OBJECTS[scene.subject]
    for number, place in enumerate(scene.places(size)):
        # Twice its final size, which smooths its edges; limited because of the time.
        scale = max(32, min(_LARGEST_SHEET, round(2 * place.tall)))
        brush = Brush(scale, scene.light)
        paint(brush, scene.paints, scene.chance("thing", scene.subject, number))
        share = place.tall / scale
        sheet = brush.sheet.resize(
            (round(brush.sheet.width * share), round(brush.sheet.height * share)), Image.Resampling.BICUBIC
        )
        above = Brush.HEIGHT * place.tall
        yield sheet, round(place.x - sheet.width / 2), round(place.foot - above), above


def lit(picture: Image.Image, light: float) -> Image.Image:
    """The picture with `light` added. What is less than one of the 255 steps is given to so many pixels, drawn by
    chance: the mean is exact, and no two lights give the same picture."""
    steps, part = divmod(255 * light, 1)
    lower, upper = (
        picture.point([min(255, max(0, value + int(steps) + more)) for value in range(256)] * 3)
        for more in (0, 1)
    )
    drawn = chance_of("light", repr(light)).randbytes(picture.width * picture.height)
    mask = Image.frombytes("L", picture.size, drawn).point(
        [255 * (value < 256 * part) for value in range(256)]
    )
    return Image.composite(upper, lower, mask)


def mark(picture: Image.Image, *, larger: bool) -> None:
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


def _encode(picture: Image.Image, picture_format: str, software: str) -> bytes:
    buffer = io.BytesIO()
    if picture_format == "PNG":
        info = PngInfo()
        info.add_text("Software", software)
        picture.save(buffer, "PNG", compress_level=1, pnginfo=info)
    else:
        picture.save(buffer, "JPEG", quality=90, comment=software)
    return buffer.getvalue()


def comment(prompt: str) -> str:
    """What a file says of itself: another prompt gives another one, also where the picture looks the same."""
    return f"{MARK} {hashlib.sha256(prompt.strip().encode('utf-8', 'replace')).hexdigest()[:16]}"


def decoded(data: bytes) -> Image.Image | None:
    """A reference, made small; None if only its signature was that of a picture."""
    try:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (640, 640))
        image.thumbnail((640, 640))
        return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
