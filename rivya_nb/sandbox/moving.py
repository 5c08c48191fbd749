"""Draws the scene of a prompt as a short loop: its still life sways, the camera drifts, and what is in the air
moves.

It is the scene that `drawing.draw` shows for the same seed. A first reference is the first frame, from which the
scene emerges and to which it returns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from rivya_nb.sandbox.backdrop import backdrop
from rivya_nb.sandbox.drawing import comment, decoded, hang, lit, mark, things
from rivya_nb.sandbox.mp4 import mp4
from rivya_nb.sandbox.prompt_reading import read
from rivya_nb.sandbox.scene import Scene, compose
from rivya_nb.sandbox.soundtracks import soundtrack
from rivya_nb.sandbox.webm import webm

RATE = 12
"""Frames a second."""

_WIDER = 1.14
"""How much larger than a frame that is painted which the camera looks at."""
_STIFF = frozenset({None, "house", "lighthouse", "sphere"})
"""What leans very little: stones, buildings and balls."""
_FULL_TURN = 2 * math.pi


def loop(
    prompt: str,
    *,
    seed: str,
    size: tuple[int, int],
    seconds: float,
    style: str = "",
    references: Sequence[bytes] = (),
    light: float = 0.0,
    watermark: bool = False,
    sound: bool = False,
    as_mp4: bool = False,
) -> bytes:
    """A WebM, or a silent MP4, of `size` (width and height in pixels) that ends as it begins; for the rest, see
    `drawing.draw`."""
    frames = _frames(prompt, seed, size, max(1, round(seconds * RATE)), style, references)
    monochrome = read(prompt).mood == "monochrome"

    def finished() -> Iterator[Image.Image]:
        for frame in frames:
            picture = ImageOps.grayscale(frame).convert("RGB") if monochrome else frame
            picture = lit(picture, light) if light else picture
            mark(picture, larger=watermark)
            yield picture

    if as_mp4:
        return mp4(finished(), RATE, comment(prompt))
    track = soundtrack(f"{seed} {prompt}", seconds) if sound else None
    return webm(finished(), size, RATE, comment(prompt), track)


def _frames(
    prompt: str, seed: str, size: tuple[int, int], count: int, style: str, references: Sequence[bytes]
) -> Iterator[Image.Image]:
    prints = [image for image in map(decoded, references) if image is not None]
    scene = compose(read(prompt), seed, style, references)
    wide = (round(size[0] * _WIDER), round(size[1] * _WIDER))
    stage = backdrop(scene, wide, prints).resize(wide, Image.Resampling.BICUBIC)
    hang(stage, scene, prints)
    sheets = [] if scene.subject == "landscape" else list(things(scene, wide))
    first = ImageOps.fit(prints[0], size, Image.Resampling.BICUBIC) if prints else None
    camera, air = _Camera.of(scene), _Air(scene)
    for number in range(count):
        time = number / count
        picture = stage.copy()
        for place, (sheet, left, top, foot) in enumerate(sheets):
            swayed = _swayed(sheet, foot, scene, place, time)
            picture.paste(swayed, (left, top), swayed)
        frame = picture.resize(size, Image.Resampling.BICUBIC, box=camera.view(wide, time))
        air.show(frame, time)
        frame = frame.point(_brighter(scene, time))
        if first is not None:
            # At its beginning and its end the loop is the first frame.
            frame = Image.blend(first, frame, 0.5 - 0.5 * math.cos(_FULL_TURN * time))
        yield frame


@dataclass(frozen=True, slots=True)
class _Camera:
    """It goes once around a small ellipse, and nearer and back."""

    start: float
    turn: float
    nearer: float

    @classmethod
    def of(cls, scene: Scene) -> _Camera:
        chance = scene.chance("camera")
        return cls(chance.uniform(0, _FULL_TURN), chance.choice((-1.0, 1.0)), chance.uniform(0.3, 0.9))

    def view(self, wide: tuple[int, int], time: float) -> tuple[float, float, float, float]:
        """The part of the stage that is seen: left, top, right and bottom in its pixels."""
        angle = self.start + self.turn * _FULL_TURN * time
        spare = 1 - 1 / _WIDER
        seen = 1 - spare * (0.5 + 0.5 * self.nearer * math.cos(angle + 1))
        x, y = (1 - seen) * (0.5 + 0.5 * math.cos(angle)), (1 - seen) * (0.5 + 0.3 * math.sin(angle))
        return x * wide[0], y * wide[1], (x + seen) * wide[0], (y + seen) * wide[1]


def _swayed(sheet: Image.Image, foot: float, scene: Scene, place: int, time: float) -> Image.Image:
    """The thing, leaning from its foot to one side and the other, and breathing a little."""
    chance = scene.chance("sway", place)
    phase, reach = chance.uniform(0, _FULL_TURN), chance.uniform(0.05, 0.1)
    if scene.subject in _STIFF:
        reach *= 0.2
    lean = reach * math.sin(_FULL_TURN * time + phase)
    tall = 1 + 0.02 * math.sin(_FULL_TURN * time + phase + 1.2)
    # Where each pixel comes from: x - lean * (foot - y), and y stretched from the foot.
    matrix = (1, lean / tall, -lean / tall * foot, 0, 1 / tall, foot - foot / tall)
    return sheet.transform(sheet.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _brighter(scene: Scene, time: float) -> list[int]:
    """The light goes up and down by a little; it flickers where it is dark."""
    angle = _FULL_TURN * time
    change = 0.03 * math.sin(angle)
    if scene.dark:
        change += 0.03 * math.sin(3 * angle) + 0.02 * math.sin(7 * angle)
    return [min(255, max(0, round(value * (1 + change)))) for value in range(256)] * 3


class _Air:
    """What moves in the air: flakes, drops, or specks of dust in the light."""

    def __init__(self, scene: Scene) -> None:
        chance = scene.chance("air")
        self._rain, self._snow = scene.weather == "rain", scene.setting == "snow"
        count = 90 if self._rain else 60 if self._snow else 16
        # Each goes a whole number of times through the picture, so that the loop closes.
        self._specks = [
            (
                chance.random(),
                chance.random(),
                chance.uniform(0.4, 1),
                chance.choice((1, 1, 2)),
                chance.random(),
            )
            for _ in range(count)
        ]
        self._strength = 150 if self._rain else 210 if self._snow else 120

    def show(self, frame: Image.Image, time: float) -> None:
        width, height = frame.size
        short = min(frame.size)
        mask = Image.new("L", frame.size)
        canvas = ImageDraw.Draw(mask)
        for x, y, near, times, phase in self._specks:
            if self._rain:
                fall = 0.09 * near * height
                left, top = (x * 1.2 - 0.2) * width, ((y + times * time) % 1 * 1.1 - 0.1) * height
                canvas.line((left, top, left + 0.25 * fall, top + fall), fill=self._strength, width=1)
                continue
            down = times * time if self._snow else -times * time
            top = ((y + down) % 1 * 1.1 - 0.05) * height
            left = (x + 0.02 * math.sin(_FULL_TURN * (time + phase))) * width
            radius = short * near * (0.007 if self._snow else 0.0045)
            strength = self._strength
            if not self._snow:
                strength = round(strength * (0.5 + 0.5 * math.sin(_FULL_TURN * (time + phase))))
            canvas.ellipse((left - radius, top - radius, left + radius, top + radius), fill=strength)
        frame.paste((250, 248, 240), mask=mask.filter(ImageFilter.GaussianBlur(short * 0.0022)))
