"""Plays a short melody for any prompt, always the same one for the same request, as a WAV file."""

from __future__ import annotations

import io
import math
import struct
import wave
from array import array
from bisect import bisect
from collections.abc import Sequence
from random import Random

from rivya_nb.sandbox.scene import chance_of

_KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MAJOR, _MINOR = (0, 2, 4, 7, 9, 12), (0, 3, 5, 7, 10, 12)
"""Steps of the scales, in half tones: none of them sounds wrong after another."""
_OVERTONES = (1.0, 0.35, 0.16, 0.05)
_LOUDEST = 0.45
"""Of a note's lowest tone, as a share of what a sample can be."""


def melody(
    *,
    seed: str,
    seconds: float,
    comment: str,
    style: str = "",
    rate: int = 22_050,
    tempo: float | None = None,
    key: str = "",
) -> bytes:
    """A WAV of one channel and 16 bits, `rate` samples a second.

    `comment` and `style` are texts that change the melody, and the file says the first one of itself; `tempo` is
    in beats a minute, `key` one such as `C#` or `C#m`. Both are chosen by chance where they are not given.
    """
    chance = chance_of("tune", comment, style, seed)
    root, scale = _scale(key, chance)
    beat = 60 / (tempo or chance.choice((90, 105, 120, 140)))
    sound = array("d", bytes(8 * round(seconds * rate)))
    # At a very slow tempo the first note has to be heard whole, at a very quick one each of them at all.
    beat = min(max(beat, 0.09), seconds)
    start, degree = 0.0, chance.randrange(len(scale))
    while start < seconds - 0.02:
        length = beat * chance.choice((0.5, 1, 1, 1.5))
        pitch = 440 * 2 ** ((root + scale[degree] - 9) / 12)
        _note(sound, rate, start, min(length * 1.6, seconds - start), pitch)
        start += length
        degree = (degree + chance.choice((-2, -1, 1, 1, 2))) % len(scale)
    return _wav([max(-1.0, min(1.0, value)) for value in sound], rate, comment)


def samples_of(sound: bytes, coding: str) -> bytes:
    """The samples of a melody alone: `pcm` as they are, or one byte each in the telephone's `ulaw` or `alaw`."""
    with wave.open(io.BytesIO(sound)) as file:
        samples: bytes = file.readframes(file.getnframes())
    if coding == "pcm":
        return samples
    level = {"ulaw": _ulaw_level, "alaw": _alaw_level}[coding]
    levels = sorted((level(code), code) for code in range(256))
    values = struct.unpack(f"<{len(samples) // 2}h", samples)
    # The next level above is near enough.
    return bytes(levels[min(255, bisect(levels, (value, -1)))][1] for value in values)


def _ulaw_level(code: int) -> int:
    """What a code of G.711 stands for."""
    code ^= 0xFF
    size = ((code & 15) << 3) + 0x84 << (code >> 4 & 7)
    return 0x84 - size if code & 0x80 else size - 0x84


def _alaw_level(code: int) -> int:
    code ^= 0x55
    step, size = code >> 4 & 7, (code & 15) * 16 + 8
    size = size if step == 0 else size + 0x100 << step - 1
    return size if code & 0x80 else -size


def _scale(key: str, chance: Random) -> tuple[int, Sequence[int]]:
    """The root in half tones above C, and the steps above it."""
    name = key.removesuffix("m")
    root, minor = chance.randrange(12), chance.random() < 0.4
    if name in _KEYS:
        root, minor = _KEYS.index(name), key.endswith("m")
    return root, _MINOR if minor else _MAJOR


def _note(sound: array[float], rate: int, start: float, length: float, pitch: float) -> None:
    """Add a struck note that fades: each overtone fades sooner than the one below it."""
    first, count = round(start * rate), round(length * rate)
    places = range(first, min(first + count, len(sound)))
    for number, part in enumerate(_OVERTONES, 1):
        turn = 2 * math.pi * pitch * number / rate
        if turn > 0.9 * math.pi:
            break
        # A fading sine needs no sine for each sample: each follows from the two before it.
        fade = math.exp(-5 * number / count)
        forth, back = 2 * fade * math.cos(turn), -fade * fade
        last, this = 0.0, _LOUDEST * part * fade * math.sin(turn)
        for place in places:
            sound[place] += last
            last, this = this, forth * this + back * last


def _wav(sound: Sequence[float], rate: int, comment: str) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(sound)}h", *(round(32_767 * value) for value in sound)))
    # The standard library writes no comment: it is one more chunk at the end.
    text = comment.encode() + b"\0"
    text += b"\0" * (len(text) % 2)
    told = b"LIST" + struct.pack("<I", 12 + len(text)) + b"INFOISFT" + struct.pack("<I", len(text)) + text
    data = buffer.getvalue() + told
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
