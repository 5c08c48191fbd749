"""One picture that stands for a video or sound: a frame, a waveform, or, where none can be read, a plain card."""

from __future__ import annotations

import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.contract.media import medium_of
from rivya_nb.errors import PictureError
from rivya_nb.imaging.formats import Format
from rivya_nb.media import ffmpeg
from rivya_nb.media.facts import read_kind
from rivya_nb.media.formats import WAV
from rivya_nb.media.walking import Walked
from rivya_nb.media.words import SOUND_RATIO, length_words

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CARD = (640, 360)
"""The pixels of a card of a video whose size is not known."""

_GROUND, _LINE, _INK, _SHADE = (38, 46, 56), (96, 112, 128), (122, 190, 226), (16, 20, 26)
"""A ground and lines that are seen on light and on dark pages."""

_WHITE = (255, 255, 255)


class Poster(NamedTuple):
    """A picture as RGB. `is_true` is False for a card, which another machine may replace by a frame."""

    image: Picture
    is_true: bool


def make_poster(path: Path, box: tuple[int, int] | None = None, *, sign: bool = True) -> Poster:
    """The poster of a video or sound within `box` (width, height in pixels), else in its own size; with a play
    sign and its length in a corner unless `sign` is False. It may take seconds: call it off the event loop.

    Raises:
        PictureError: the file is gone, or is no video or sound.
    """
    try:
        found = read_kind(path)
    except OSError as error:
        raise PictureError(f"{path.name} cannot be read: {error.strerror or error}") from None
    if found is None or medium_of(found[0].mime_type) == "image":
        raise PictureError(f"{path.name} is no video or sound")
    kind, walked = found
    is_video = medium_of(kind.mime_type) == "video"
    image = _frame(path, kind, walked, box) if is_video else _waveform(path, kind, walked, box)
    poster = Poster(image or _card(walked, box, is_video), image is not None)
    if sign:
        _draw_sign(poster.image, length_words(walked.duration))
    return poster


def _frame(path: Path, kind: Format, walked: Walked, box: tuple[int, int] | None) -> Picture | None:
    # Films often begin in black.
    at = min(1.0, (walked.duration or 0.0) / 10)
    return ffmpeg.frame(path, kind, at, box) or (ffmpeg.frame(path, kind, 0.0, box) if at else None)


def _card(walked: Walked, box: tuple[int, int] | None, is_video: bool) -> Picture:
    from PIL import Image, ImageDraw

    size = (walked.width, walked.height) if walked.width and walked.height else CARD
    if not is_video:
        size = (round(CARD[1] * SOUND_RATIO), CARD[1])
    width, height = _fitted(size, box or CARD)
    image = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width - 1, height - 1), outline=_LINE, width=max(1, height // 120))
    if not is_video:
        draw.line((0, height // 2, width, height // 2), fill=_INK, width=max(1, height // 90))
        return image
    side = max(3, min(width, height) // 6)
    left, middle = width // 2 - side * 2 // 3, height // 2
    draw.polygon([(left, middle - side), (left, middle + side), (left + side * 2, middle)], fill=_LINE)
    return image


def _fitted(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _waveform(path: Path, kind: Format, walked: Walked, box: tuple[int, int] | None) -> Picture | None:
    from PIL import Image, ImageDraw

    sound = (_wav_samples(path) if kind is WAV else None) or ffmpeg.samples(
        path, kind, walked.duration or 0.0
    )
    if not sound:
        return None
    width, height = _fitted((round(CARD[1] * SOUND_RATIO), CARD[1]), box or CARD)
    image = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(image)
    for column, (low, high) in enumerate(_extremes(array.array("b", sound), width)):
        top, bottom = (height * (127 - each) // 254 for each in (high, low))
        draw.line((column, max(0, top), column, min(height - 1, max(top + 1, bottom))), fill=_INK)
    return image


def _extremes(samples: Sequence[int], columns: int) -> list[tuple[int, int]]:
    """The lowest and the highest sample of each column, with the middle line between them."""
    edges = [len(samples) * column // columns for column in range(columns + 1)]
    parts = (samples[start : max(end, start + 1)] for start, end in pairwise(edges))
    return [(min(0, min(part)), max(0, max(part))) if part else (0, 0) for part in parts]


def _wav_samples(path: Path) -> bytes | None:
    """The first channel of a plain WAV as signed bytes; None for any other."""
    import wave

    try:
        with wave.open(str(path), "rb") as file:
            wide, channels = file.getsampwidth(), file.getnchannels()
            # Of a long sound every so many samples show enough. Its own count of them may be wrong.
            step = max(1, path.stat().st_size // (wide * channels * ffmpeg.MOST_SAMPLES))
            parts = []
            while part := file.readframes(max(step, (1 << 20) // (wide * channels) // step * step)):
                parts.append(part[wide - 1 :: wide * channels * step])
    # The last is what it raises where a part goes on behind the end of the whole.
    except (wave.Error, EOFError, OSError, RuntimeError):
        return None
    joined = b"".join(parts)
    # A sample of one byte has no sign; of others the highest byte has it.
    return joined.translate(bytes(each ^ 0x80 for each in range(256))) if wide == 1 else joined


def _draw_sign(image: Picture, words: str) -> None:
    """Draw a play sign and the length in the lower left corner."""
    from PIL import ImageDraw, ImageFont

    side = max(9, min(image.width // 6, image.height // 7, 72))
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(side * 0.75)
    text_width = draw.textlength(words, font) if words else 0
    pad = side // 4
    width = round(side * 0.8 + text_width + (3 if words else 2) * pad)
    if width > image.width - 2 * pad:
        words, width = "", round(side * 0.8 + 2 * pad)
    left, top = pad, image.height - pad - side
    draw.rounded_rectangle((left, top, left + width, top + side), side // 4, fill=(*_SHADE, 200))
    start, middle, half = left + pad, top + side / 2, side * 0.32
    draw.polygon([(start, middle - half), (start, middle + half), (start + 1.7 * half, middle)], fill=_WHITE)
    if words:
        draw.text((start + side * 0.8, middle), words, _WHITE, font, anchor="lm")
