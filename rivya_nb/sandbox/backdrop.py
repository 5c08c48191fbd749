"""Paints what is behind a thing: light, ground, setting and weather. It is painted small and enlarged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from rivya_nb.sandbox.colour import Colour, lit, mixed, rgb
from rivya_nb.sandbox.scene import Scene

_LONGER_SIDE = 192
"""Pixels of what is soft altogether."""
_FINER = 3
"""How much larger that is painted which has edges; less where the whole picture is smaller."""


def backdrop(scene: Scene, size: tuple[int, int], prints: Sequence[Image.Image]) -> Image.Image:
    """What is behind the things, in the shape of `size` and smaller; the first print lends it its colours."""
    share = _LONGER_SIDE / max(size)
    width, height = max(8, round(size[0] * share)), max(8, round(size[1] * share))
    canvas = Image.new("RGB", (width, height), rgb(scene.fields[0]))
    _slants(canvas, scene)
    if prints:
        cover = ImageOps.fit(prints[0], canvas.size, Image.Resampling.BILINEAR)
        canvas = Image.blend(canvas, cover.filter(ImageFilter.GaussianBlur(9)), 0.6)
    short, mean = min(width, height), math.sqrt(width * height)
    wide = scene.subject == "landscape"
    canvas = canvas.filter(ImageFilter.GaussianBlur(mean * (0.09 if wide else 0.055)))
    larger = min(_FINER, math.ceil(max(size) / _LONGER_SIDE))
    finer = (width * larger, height * larger)
    if wide:
        canvas = _ridges(canvas.resize(finer, Image.Resampling.BICUBIC), scene)
    else:
        veil = Image.new("L", canvas.size)
        strength = 150 if scene.setting is None else 245
        ImageDraw.Draw(veil).rectangle((0, height * scene.horizon, width, height), fill=strength)
        blur = 0.05 if scene.setting is None else 0.015
        canvas.paste(rgb(scene.floor), mask=veil.filter(ImageFilter.GaussianBlur(short * blur)))
        canvas = canvas.resize(finer, Image.Resampling.BICUBIC)
        if scene.setting is not None:
            _SETTINGS[scene.setting](canvas, scene)
        _shine_and_shade(canvas, scene)
    if scene.weather is not None:
        _WEATHERS[scene.weather](canvas, scene)
    return canvas


def _slants(canvas: Image.Image, scene: Scene) -> None:
    """Slanting bands over the whole canvas, and a few glowing spots."""
    brush, chance = ImageDraw.Draw(canvas), scene.chance("bands")
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
    chance = scene.chance("spots")
    for _ in range(chance.randint(1, 3)):
        x, y = chance.uniform(0, width), chance.uniform(0, height * 0.6)
        radius = chance.uniform(0.08, 0.22) * min(canvas.size)
        glow = lit(chance.choice(scene.fields), -0.02 if scene.dark else 0.1)
        brush.ellipse((x - radius, y - radius * 1.2, x + radius, y + radius * 1.2), fill=rgb(glow))


def _paste(canvas: Image.Image, mask: Image.Image, colour: Colour, blur: float) -> None:
    """A colour where the mask is; `blur` is a share of the shorter side."""
    canvas.paste(rgb(colour), mask=mask.filter(ImageFilter.GaussianBlur(blur * min(canvas.size))))


def _shine_and_shade(canvas: Image.Image, scene: Scene) -> None:
    """The light behind the things, darker corners, and the things' shadows."""
    places = scene.places(canvas.size)

    def soft(box: tuple[float, float, float, float], strength: int, blur: float, colour: Colour) -> None:
        mask = Image.new("L", canvas.size)
        ImageDraw.Draw(mask).ellipse(box, fill=strength)
        _paste(canvas, mask, colour, blur)

    x, foot = sum(place.x for place in places) / len(places), scene.foot * canvas.height
    tall = scene.height * min(canvas.size)
    glow = lit(scene.fields[2], 0.12 if scene.dark else 0.22)
    soft((x - tall * 0.7, foot - tall * 1.2, x + tall * 0.7, foot - tall * 0.1), 110, 0.1, glow)
    edge = (
        Image.radial_gradient("L").resize(canvas.size).point([max(0, v - 110) * 2 // 3 for v in range(256)])
    )
    canvas.paste(rgb(lit(scene.floor, -0.5)), mask=edge)
    shade = (0.16, 0.03, scene.floor[2])
    for place in places:
        x, foot, tall = place.x, place.foot, place.tall
        away = x - scene.light * tall * 0.24
        soft(
            (away - tall * 0.45, foot - tall * 0.07, away + tall * 0.45, foot + tall * 0.1), 110, 0.022, shade
        )
        soft((x - tall * 0.27, foot - tall * 0.035, x + tall * 0.27, foot + tall * 0.055), 150, 0.011, shade)


def _ridges(canvas: Image.Image, scene: Scene) -> Image.Image:
    """Hills behind hills under a sun or a moon; in a setting of its own ground."""
    chance = scene.chance("ridges")
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
    steep = 0.2 if scene.setting in ("water", "sand", "meadow") else 1.0
    ground = scene.paints.body if scene.setting is None else scene.floor
    for index in range(count):
        level = height * (0.5 + 0.42 * index / count)
        rise, points = short * chance.uniform(0.06, 0.17) * steep, 9
        crest = [(width * n / (points - 1), level + chance.uniform(-1, 1) * rise) for n in range(points)]
        layer = Image.new("L", canvas.size)
        ImageDraw.Draw(layer).polygon([*crest, (width, height), (0, height)], fill=255)
        tone = lit(mixed(ground, scene.fields[index], 0.55), 0.1 - 0.5 * (index + 1) / count)
        if scene.setting is not None:
            tone = lit(mixed(ground, scene.fields[index], 0.3), 0.04 - 0.16 * (index + 1) / count)
        canvas.paste(rgb(tone), mask=layer.filter(ImageFilter.GaussianBlur(short * (0.022 - 0.004 * index))))
    return canvas


def _snow(canvas: Image.Image, scene: Scene) -> None:
    """Drifts on the ground, and flakes."""
    width, height = canvas.size
    chance = scene.chance("snow")
    drifts = Image.new("L", canvas.size)
    for _ in range(4):
        x, y = chance.uniform(-0.1, 1.0) * width, chance.uniform(scene.horizon - 0.01, 0.95) * height
        reach = chance.uniform(0.25, 0.5) * width
        ImageDraw.Draw(drifts).ellipse((x - reach, y, x + reach, y + 0.1 * height), fill=90)
    _paste(canvas, drifts, lit(scene.floor, -0.09), 0.02)
    flakes = Image.new("L", canvas.size)
    for _ in range(90):
        x, y, size = chance.uniform(0, width), chance.uniform(0, height), chance.uniform(0.003, 0.011)
        radius = size * min(canvas.size)
        ImageDraw.Draw(flakes).ellipse((x - radius, y - radius, x + radius, y + radius), fill=215)
    _paste(canvas, flakes, lit(scene.floor, 0.1), 0.002)


def _sand(canvas: Image.Image, scene: Scene) -> None:
    """Ripples on the ground."""
    _stripes(canvas, scene, lit(scene.floor, -0.08), 9, 0.006)


def _water(canvas: Image.Image, scene: Scene) -> None:
    """Light on waves."""
    _stripes(canvas, scene, lit(scene.floor, 0.14), 14, 0.003)


def _stripes(canvas: Image.Image, scene: Scene, colour: Colour, count: int, blur: float) -> None:
    """Waving stripes on the ground, nearer ones further apart."""
    width, height = canvas.size
    chance, mask = scene.chance("stripes"), Image.new("L", canvas.size)
    for index in range(count):
        level = height * (scene.horizon + (1 - scene.horizon) * (0.06 + 0.94 * (index / count) ** 1.5))
        phase, waves = chance.uniform(0, 6), chance.uniform(3, 7)
        line = [
            (width * n / 40, level + 0.008 * height * math.sin(phase + waves * n / 40 * math.pi))
            for n in range(41)
        ]
        ImageDraw.Draw(mask).line(
            line, fill=150, width=max(1, round(0.012 * min(canvas.size) * (index + 2) / count))
        )
    _paste(canvas, mask, colour, blur)


def _forest(canvas: Image.Image, scene: Scene) -> None:
    """Trunks behind trunks."""
    width, height = canvas.size
    chance = scene.chance("forest")
    for depth in (0.35, 0.6, 0.85):
        mask = Image.new("L", canvas.size)
        for _ in range(7):
            x, half = chance.uniform(0, width), chance.uniform(0.012, 0.03) * min(canvas.size) * (0.5 + depth)
            foot = height * (scene.horizon + 0.05 * depth)
            ImageDraw.Draw(mask).polygon(
                [(x - half * 0.7, 0), (x + half * 0.7, 0), (x + half, foot), (x - half, foot)], fill=235
            )
        _paste(canvas, mask, mixed(scene.fields[1], lit(scene.floor, -0.3), depth), 0.012 - 0.01 * depth)


def _meadow(canvas: Image.Image, scene: Scene) -> None:
    """Blades of grass."""
    width, height = canvas.size
    chance = scene.chance("meadow")
    for change in (-0.12, 0.1):
        mask = Image.new("L", canvas.size)
        for _ in range(150):
            x, level = chance.uniform(0, width), chance.uniform(scene.horizon, 1.02)
            tall = height * 0.07 * (level - scene.horizon + 0.12) / (1 - scene.horizon)
            lean = chance.uniform(-0.4, 0.4) * tall
            ImageDraw.Draw(mask).line((x, level * height, x + lean, level * height - tall), fill=190, width=2)
        _paste(canvas, mask, lit(scene.floor, change), 0.002)


def _rain(canvas: Image.Image, scene: Scene) -> None:
    """Slanting drops."""
    width, height = canvas.size
    chance, mask = scene.chance("rain"), Image.new("L", canvas.size)
    for _ in range(170):
        x, y, fall = (
            chance.uniform(-0.1, 1) * width,
            chance.uniform(-0.1, 1) * height,
            chance.uniform(0.04, 0.1),
        )
        ImageDraw.Draw(mask).line((x, y, x + 0.25 * fall * height, y + fall * height), fill=150, width=2)
    canvas.paste(Image.blend(canvas, Image.new("RGB", canvas.size, rgb((0.5, 0.02, 240))), 0.3))
    _paste(canvas, mask, (0.6 if scene.dark else 0.92, 0.01, 230), 0.002)


def _fog(canvas: Image.Image, scene: Scene) -> None:
    """A veil that is thickest at the horizon."""
    width, height = canvas.size
    mask = Image.new("L", canvas.size, 70)
    for reach, strength in ((0.3, 150), (0.14, 215)):
        box = (0, (scene.horizon - reach) * height, width, (scene.horizon + reach / 2) * height)
        ImageDraw.Draw(mask).rectangle(box, fill=strength)
    _paste(canvas, mask, (0.42 if scene.dark else 0.9, 0.01, 230), 0.09)


_Painter = Callable[[Image.Image, Scene], None]
_SETTINGS: dict[str, _Painter] = {
    "snow": _snow,
    "sand": _sand,
    "forest": _forest,
    "meadow": _meadow,
    "water": _water,
}
_WEATHERS: dict[str, _Painter] = {"rain": _rain, "fog": _fog}
