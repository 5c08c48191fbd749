"""Runs ffmpeg, a program of its own, where there is one: that of the extra `video`, else the machine's.

The files are foreign, so it may do little: it reads the one file and nothing else, in the format that its bytes
show, on one thread, for some seconds, within limits of pixels and memory, and does not get this process'
environment.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.imaging.formats import Format
from rivya_nb.imaging.pixels import MAX_PIXELS
from rivya_nb.media.formats import AAC, FLAC, M4A, MKA, MKV, MOV, MP3, MP4, OGG, OGV, WAV, WEBA, WEBM

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

TIMEOUT = 20.0
"""Seconds for one call."""

FRAME_TIMEOUT = 1.0
"""Seconds more for each of several frames."""

_PATIENCE = 0.1
"""Seconds after which it is looked whether a call has to stop."""

MOST_MEMORY = 1 << 30
"""The most bytes of one piece of memory."""

MOST_SAMPLES = 16_000_000

SOUND_RATE = 32_000
"""Bits a second of the sound of a small video, which has one channel."""

_FRAMES = 15
"""The most frames a second of a small video."""

_NOTHING_WRITTEN = ("-map_metadata", "-1", "-map_chapters", "-1")

_LONGEST_SHOWN = 1.0
"""Seconds for which a frame is shown at most; of one that is shown longer, the next one may be taken."""

_TICKS = 1_000_000
"""Of a second, in which the distance between frames is written."""

_DEMUXERS = {
    **dict.fromkeys((MP4, MOV, M4A), "mov"),
    **dict.fromkeys((WEBM, MKV, WEBA, MKA), "matroska"),
    **dict.fromkeys((OGG, OGV), "ogg"),
    MP3: "mp3",
    WAV: "wav",
    FLAC: "flac",
    AAC: "aac",
}
"""ffmpeg's names: a playlist that is called .mp4 must not be followed."""

_SQUARE = "scale='round(iw*sar)':ih,setsar=1"
"""Frames as they are shown: in some videos, the pixels are not square."""

_AS_PPM = ["-pix_fmt", "rgb24", "-f", "image2pipe", "-c:v", "ppm", "-"]
"""With 8 bits for each colour, however many the video has."""

_PPM = re.compile(rb"P6\n(\d+) (\d+)\n255\n")

_PASSED_ON = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TEMP", "TMP")

logger = logging.getLogger("rivya_nb.media")


@cache
def find_ffmpeg() -> str | None:
    """The program; None if there is none. It is looked for once."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        found = shutil.which("ffmpeg")
        # Windows looks in the working folder first, where anybody's file may be.
        return found if found and Path(found).is_absolute() else None
    try:
        return str(get_ffmpeg_exe())
    except RuntimeError:
        return None


def frame(path: Path, kind: Format, at: float = 0.0, box: tuple[int, int] | None = None) -> Picture | None:
    """The frame of a video that is shown `at` so many seconds, upright, as RGB, within `box` (width, height in
    pixels) if that is given. None if there is no ffmpeg, or it finds none there."""
    from PIL import Image

    fit = _SQUARE if box is None else f"{_SQUARE},scale={_fitting(box)}"
    out = ["-map", "0:V:0", "-frames:v", "1", "-vf", fit, *_AS_PPM]
    data = _run(path, kind, out, start=at)
    if not data:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.convert("RGB")
    except Exception as error:
        logger.debug("ffmpeg gave no picture of %s: %s", path.name, error)
        return None


def frames(
    path: Path,
    kind: Format,
    duration: float,
    first: float,
    number: int,
    box: tuple[int, int] | None = None,
    stop: threading.Event | None = None,
) -> list[Picture]:
    """Frames of a video of `duration` seconds, upright, as RGB, within `box` (width, height in pixels) if that is
    given: what is shown at the part `first` of it, and from there `number` frames in all, each a `number`-th
    part of it after the one before. It is decoded once. Fewer if there is no ffmpeg, it fails, or `stop` is set.
    """
    at, apart = first * duration, duration / number
    # A frame is shown until the next one begins: it may begin before its place.
    start = max(0.0, at - _LONGEST_SHOWN)
    rate = f"{_TICKS}/{max(1, round(apart * _TICKS))}"
    steps = [
        # The last frame is shown until the end, also of a sound that is longer.
        f"tpad=stop_mode=clone:stop_duration={duration:.6f}",
        # Rounded up, since what begins after a place is not shown there.
        f"fps=fps={rate}:start_time={at - start:.6f}:round=up",
        # From 0 on, or the first one would be written twice.
        "setpts=N/FRAME_RATE/TB",
        _SQUARE,
        *([] if box is None else [f"scale={_fitting(box)}"]),
    ]
    out = ["-map", "0:V:0", "-vf", ",".join(steps), "-frames:v", str(number), *_AS_PPM]
    data = _run(path, kind, out, start=start, stop=stop, more=number * FRAME_TIMEOUT)
    return _pictures(data) if data else []


def _pictures(data: bytes) -> list[Picture]:
    """The pictures of PPMs of one size that stand one behind the other."""
    from PIL import Image

    head = _PPM.match(data)
    if head is None:
        return []
    size = int(head[1]), int(head[2])
    start, length = head.end(), 3 * size[0] * size[1]
    ends = range(start + length, len(data) + 1, start + length)
    return [Image.frombytes("RGB", size, data[end - length : end]) for end in ends]


def samples(path: Path, kind: Format, duration: float) -> bytes | None:
    """The sound of a file as signed bytes, one channel, at most `MOST_SAMPLES`; None if there is no ffmpeg, or it
    finds no sound."""
    rate = max(1000, min(16_000, int(MOST_SAMPLES / max(1.0, duration))))
    out = ["-map", "0:a:0", "-ac", "1", "-ar", str(rate), "-fs", str(MOST_SAMPLES), "-f", "s8", "-"]
    return _run(path, kind, out) or None


def small_film(path: Path, kind: Format, box: tuple[int, int], rate: int) -> bytes | None:
    """A video within `box` (width and height in pixels) as WebM of about `rate` bits a second; its sound
    adds `SOUND_RATE`; None if there is no ffmpeg, or it fails."""
    scale = f"{_SQUARE},scale={_fitting(box)}:force_divisible_by=2"
    picture = ["-map", "0:V:0", "-vf", scale, "-fpsmax", str(_FRAMES), "-pix_fmt", "yuv420p"]
    # A key frame each second: a player that goes to a place decodes no more than that.
    picture += [*_film_rate(rate), "-g", str(_FRAMES)]
    return _webm(path, kind, [*picture, "-map", "0:a:0?", *_sound_rate(SOUND_RATE)])


def small_sound(path: Path, kind: Format, rate: int) -> bytes | None:
    """The sound of a file as WebM with one channel of about `rate` bits a second; None if there is no ffmpeg, or
    it fails."""
    return _webm(path, kind, ["-map", "0:a:0", *_sound_rate(rate)])


def _webm(path: Path, kind: Format, out: list[str]) -> bytes | None:
    """Written into a file: only there can ffmpeg go back and say how long it is, and where its frames are."""
    with tempfile.TemporaryDirectory(prefix="rivya-") as folder:
        made = Path(folder, "made.webm")
        if _run(path, kind, [*out, "-f", "webm", f"file:{made}"]) is None:
            return None
        return made.read_bytes() or None


def plain_film(path: Path, kind: Format, box: tuple[int, int], rate: int) -> bytes | None:
    """A video within `box` (width and height in pixels) as WebM of at most about `rate` bits a second, to be seen
    closely: without sound, and without what is written in the file; None if there is no ffmpeg, or it fails.
    """
    scale = f"{_SQUARE},scale={_fitting(box)}:force_divisible_by=2"
    picture = ["-map", "0:V:0", "-vf", scale, "-fpsmax", "30", "-pix_fmt", "yuv420p", *_NOTHING_WRITTEN]
    codec = ["-c:v", "libvpx", "-deadline", "good", "-cpu-used", "5", "-crf", "10", "-g", "30"]
    return _webm(path, kind, [*picture, *codec, *_rates(rate)])


def plain_sound(path: Path, kind: Format, rate: int) -> bytes | None:
    """The sound of a file as WebM of about `rate` bits a second, with nothing else of what is written in it; None
    if there is no ffmpeg, or it fails."""
    codec = ["-c:a", "libopus", "-ac", "2", "-b:a", str(rate)]
    return _webm(path, kind, ["-map", "0:a:0", *_NOTHING_WRITTEN, *codec])


def _rates(rate: int) -> list[str]:
    return [each for name in ("-b:v", "-maxrate", "-bufsize") for each in (name, str(rate))]


def _film_rate(rate: int) -> list[str]:
    return ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "5", *_rates(rate)]


def _sound_rate(rate: int) -> list[str]:
    return ["-map_metadata", "-1", "-c:a", "libopus", "-ac", "1", "-b:a", str(rate)]


def _fitting(box: tuple[int, int]) -> str:
    return f"'min({box[0]},iw)':'min({box[1]},ih)':force_original_aspect_ratio=decrease"


def _run(
    path: Path,
    kind: Format,
    out: list[str],
    *,
    start: float = 0.0,
    stop: threading.Event | None = None,
    more: float = 0.0,
) -> bytes | None:
    """What ffmpeg writes; None if there is none, it fails, takes longer than `TIMEOUT` and `more` seconds, or
    `stop` is set meanwhile."""
    program = find_ffmpeg()
    if program is None or kind not in _DEMUXERS:
        return None
    command = [
        *(program, "-nostdin", "-hide_banner", "-v", "error", "-max_alloc", str(MOST_MEMORY)),
        *("-threads", "1", "-protocol_whitelist", "file,pipe", "-max_pixels", str(MAX_PIXELS)),
        *("-ss", f"{start:.3f}", "-f", _DEMUXERS[kind], "-i", f"file:{path}"),
        *("-sn", "-dn", "-threads", "1", *out),
    ]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        process = subprocess.Popen(  # noqa: S603 - the program is the extra's or the machine's, and there is no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            # An interrupt of the kernel is not meant for it; on Windows it needs no window.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        with process:
            try:
                written, said = _ended(process, stop or threading.Event(), TIMEOUT + more)
            except BaseException:
                process.kill()
                raise
    except (OSError, subprocess.SubprocessError) as error:
        logger.debug("ffmpeg cannot read %s: %s", path.name, error)
        return None
    if process.returncode:
        logger.debug("ffmpeg cannot read %s: %s", path.name, said[-300:])
        return None
    return written


def _ended(process: subprocess.Popen[bytes], stop: threading.Event, limit: float) -> tuple[bytes, bytes]:
    """What a process has written and said by its end. TimeoutExpired after `limit` seconds, or once `stop` is
    set."""
    end = time.monotonic() + limit
    while True:
        try:
            return process.communicate(timeout=max(0.0, min(_PATIENCE, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            if stop.is_set() or time.monotonic() >= end:
                raise
