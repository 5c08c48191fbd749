"""MP4, M4A and MOV: boxes, and in them the tables that say where each sample is."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from rivya_nb.contract.media import Medium
from rivya_nb.media.formats import SOUND_BRANDS
from rivya_nb.media.walking import Bytes, Steps, Walked, number, seconds, shown_size

_STILLS = {b"jpeg", b"png "}
"""Pictures as samples: in a file of sound they are covers of its chapters."""

_HEAD = struct.Struct(">I4s")

_TOP = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"mfra",
    b"sidx",
    b"styp",
    b"free",
    b"skip",
    b"wide",
    b"uuid",
    b"meta",
    b"udta",
}
"""What a file consists of; behind its end a server may have added something else."""


_AHEAD = {b"moov", b"sidx", b"styp", b"moof"}
"""What is followed by the samples of a fragment."""


class Box(NamedTuple):
    """A box from `start` to `end`; what is in it begins at `content`. The end may be past the file's."""

    kind: bytes
    start: int
    content: int
    end: int


@dataclass(slots=True)
class _Track:
    """A track: what it has, how long it is shown in seconds, its size in pixels and whether it lies on its side,
    how many ticks of its samples go to a second, how many samples do, how many there are in its tables and their
    ticks, and where the last one ends in the file."""

    handler: bytes = b""
    codec: bytes = b""
    number: int = 0
    duration: float | None = None
    width: int = 0
    height: int = 0
    is_turned: bool = False
    rate: int = 0
    frame_rate: float = 0.0
    samples: int = 0
    ticks: int = 0
    end: int = 0


def walk_boxes(data: Bytes, steps: Steps) -> Walked:
    tops = list(top_boxes(data, steps))
    moov = next((box for box in tops if box.kind == b"moov"), None)
    has_all_boxes = bool(tops) and tops[-1].end <= len(data)
    if moov is None or moov.end > len(data):
        return Walked(False)
    rate = _movie_rate(data, moov, steps)
    tracks = [
        _track(data, box, rate, steps)
        for box in boxes_in(data, moov.content, moov.end, steps)
        if box.kind == b"trak"
    ]
    fragments = [box for box in tops if box.kind == b"moof"]
    if fragments or any(box.kind == b"mvex" for box in boxes_in(data, moov.content, moov.end, steps)):
        _add_fragments(data, moov, fragments, tracks, steps)
        whole = _has_all_fragments(data, tops, has_all_boxes)
    elif not tracks:
        whole = None if has_all_boxes else False
    else:
        held = max((box.end for box in tops if box.kind == b"mdat"), default=0)
        whole = has_all_boxes and max(track.end for track in tracks) <= held
    return _told(data, tracks, whole)


def _told(data: Bytes, tracks: Sequence[_Track], whole: bool | None) -> Walked:
    films = [track for track in tracks if track.handler == b"vide"]
    sounds = [track for track in tracks if track.handler == b"soun"]
    if sounds and data[4:8] == b"ftyp" and data[8:12] in SOUND_BRANDS:
        films = [track for track in films if track.codec not in _STILLS]
    if not films and not sounds:
        return Walked(whole)
    durations = [track.duration for track in films + sounds if track.duration is not None]
    # Of several films, the first one is played.
    film = next((track for track in films if track.width and track.height), _Track())
    medium: Medium = "video" if films else "audio"
    return Walked(whole, max(durations, default=None), film.width, film.height, medium, film.frame_rate)


def top_boxes(data: Bytes, steps: Steps) -> Iterator[Box]:
    """The boxes of the file, the last one perhaps cut; what follows them and is no box is left out."""
    at = 0
    for box in boxes_in(data, 0, len(data), steps):
        at = box.end
        if box.end > len(data) and box.kind not in _TOP:
            return
        yield box
    rest = bytes(data[at : at + 8])
    if rest[:1] == b"\0" and any(rest):
        # The start of a box's head.
        yield Box(b"", at, at + 8, at + 8)


def boxes_in(data: Bytes, at: int, end: int, steps: Steps) -> Iterator[Box]:
    """The boxes between two places; the last one may end past the second place."""
    end = min(end, len(data))
    while at + 8 <= end:
        steps.take()
        size, kind = _HEAD.unpack_from(data, at)
        content = at + 8
        if size == 1:
            size, content = number(data, content, 8), content + 8
        box_end = end if size == 0 else at + max(size, content - at)
        yield Box(kind, at, content, box_end)
        at = box_end


def find_box(data: Bytes, within: Box | None, steps: Steps, *path: bytes) -> Box | None:
    """The first box at the end of this path of kinds."""
    for kind in path:
        if within is None:
            return None
        inner = boxes_in(data, within.content, within.end, steps)
        within = next((box for box in inner if box.kind == kind), None)
    return within


def _movie_rate(data: Bytes, moov: Box, steps: Steps) -> int:
    """The ticks of a second in which the durations of tracks are written."""
    mvhd = find_box(data, moov, steps, b"mvhd")
    return (
        0
        if mvhd is None
        else number(data, mvhd.content + (20 if number(data, mvhd.content, 1) == 1 else 12), 4)
    )


def _track(data: Bytes, trak: Box, movie_rate: int, steps: Steps) -> _Track:
    track = _Track()
    hdlr = find_box(data, trak, steps, b"mdia", b"hdlr")
    if hdlr is not None:
        track.handler = bytes(data[hdlr.content + 8 : hdlr.content + 12])
    mdhd = find_box(data, trak, steps, b"mdia", b"mdhd")
    if mdhd is not None:
        track.rate = number(
            data, mdhd.content + (20 if data[mdhd.content : mdhd.content + 1] == b"\1" else 12), 4
        )
    stbl = find_box(data, trak, steps, b"mdia", b"minf", b"stbl")
    stsd = find_box(data, stbl, steps, b"stsd")
    entry = None if stsd is None else next(boxes_in(data, stsd.content + 8, stsd.end, steps), None)
    shown = _read_head(data, trak, track, steps)
    if entry is not None:
        track.codec = entry.kind
        if track.handler == b"vide":
            _read_frames(data, entry, track, steps)
    if track.is_turned:
        track.width, track.height = track.height, track.width
    is_edited = find_box(data, trak, steps, b"edts", b"elst") is not None
    track.samples, track.ticks = _samples(data, stbl, steps)
    lasting = _count(track, track.samples, track.ticks)
    told = seconds(shown, movie_rate)
    # Without edits the samples themselves tell more than the heads, which repeat it.
    track.duration = (told or lasting) if is_edited else (lasting or told)
    track.end = max((place + size for place, size in chunks_of(data, stbl, steps)), default=0)
    return track


def _read_head(data: Bytes, trak: Box, track: _Track, steps: Steps) -> int:
    """Take number, size and direction from the track's head; returns how long it is shown, in the film's ticks."""
    tkhd = find_box(data, trak, steps, b"tkhd")
    if tkhd is None:
        return 0
    is_long = number(data, tkhd.content, 1) == 1
    wide = 8 if is_long else 4
    at = tkhd.content + 4 + 2 * wide
    track.number = number(data, at, 4)
    duration = number(data, at + 8, wide)
    matrix = at + 8 + wide + 16
    track.width, track.height = number(data, matrix + 36, 4) >> 16, number(data, matrix + 40, 4) >> 16
    # A phone's film lies on its side, and is turned when it is shown.
    track.is_turned = number(data, matrix, 4) == 0 and number(data, matrix + 4, 4) != 0
    return 0 if duration == 2 ** (8 * wide) - 1 else duration


def _read_frames(data: Bytes, entry: Box, track: _Track, steps: Steps) -> None:
    """Take the size from the description of the samples, as players do. The track's head may have another one: it
    tells the shape, unless that of the pixels is described."""
    width, height = number(data, entry.content + 24, 2), number(data, entry.content + 26, 2)
    inner = boxes_in(data, entry.content + 78, entry.end, steps)
    pixels = next((box for box in inner if box.kind == b"pasp"), None)
    if pixels is None:
        across, down = track.width * height, track.height * width
    else:
        across, down = number(data, pixels.content, 4), number(data, pixels.content + 4, 4)
    if width and height:
        track.width, track.height = shown_size(width, height, across, down)


def _table(data: Bytes, box: Box | None, steps: Steps, form: str, head: int = 4) -> list[tuple[int, ...]]:
    """The entries of a table, whose count stands `head` bytes behind the box's start; no more than have room."""
    if box is None:
        return []
    size = struct.calcsize(form)
    start = box.content + head + 4
    room = max(0, min(box.end, len(data)) - start) // size
    count = min(number(data, box.content + head, 4), room)
    steps.take_entries(count)
    return list(struct.iter_unpack(form, data[start : start + count * size]))


def _samples(data: Bytes, stbl: Box | None, steps: Steps) -> tuple[int, int]:
    """How many samples there are, and how long they last, in the track's ticks."""
    runs = _table(data, find_box(data, stbl, steps, b"stts"), steps, ">II")
    return sum(count for count, _ in runs), sum(count * each for count, each in runs)


def _count(track: _Track, samples: int, ticks: int) -> float | None:
    """Give a track the rate of its samples; returns how many seconds they last."""
    lasting = seconds(ticks, track.rate)
    track.frame_rate = samples / lasting if lasting is not None else 0.0
    return lasting


def chunks_of(data: Bytes, stbl: Box | None, steps: Steps) -> Iterator[tuple[int, int]]:
    """Where the samples of a track are in the file, and how many bytes they have, as its tables say: so many of
    them together as lie together."""
    chunks = _table(data, find_box(data, stbl, steps, b"stco"), steps, ">I") or _table(
        data, find_box(data, stbl, steps, b"co64"), steps, ">Q"
    )
    stsz = find_box(data, stbl, steps, b"stsz")
    same, count = (0, 0) if stsz is None else (number(data, stsz.content + at, 4) for at in (4, 8))
    sizes = [size for (size,) in _table(data, stsz, steps, ">I", head=8)]
    ends = [0, *accumulate(sizes)]
    sample = 0
    for run, following in _runs(data, stbl, len(chunks), steps):
        first, each = run
        for (place,) in chunks[first - 1 : following - 1]:
            end = sample + each
            size = ends[min(end, len(sizes))] - ends[min(sample, len(sizes))]
            if same:
                size = same * (min(end, count) - min(sample, count))
            yield place, size
            sample = end


def _runs(data: Bytes, stbl: Box | None, chunks: int, steps: Steps) -> Iterator[tuple[tuple[int, int], int]]:
    """Runs of chunks with the same number of samples: the first chunk with it, and the next run's first."""
    runs = [
        (first, each) for first, each, _ in _table(data, find_box(data, stbl, steps, b"stsc"), steps, ">III")
    ]
    at = 1
    for run, following in zip(runs, [*(first for first, _ in runs[1:]), chunks + 1], strict=False):
        # Runs that go back would count the same chunks again and again.
        if run[0] >= at:
            at = max(run[0], min(following, chunks + 1))
            yield run, at


def _add_fragments(
    data: Bytes, moov: Box, fragments: Sequence[Box], tracks: Sequence[_Track], steps: Steps
) -> None:
    """Give the tracks the durations that their fragments have altogether."""
    usual: dict[int, int] = {}
    for mvex in (box for box in boxes_in(data, moov.content, moov.end, steps) if box.kind == b"mvex"):
        for trex in (box for box in boxes_in(data, mvex.content, mvex.end, steps) if box.kind == b"trex"):
            usual[number(data, trex.content + 4, 4)] = number(data, trex.content + 12, 4)
    # Some programs write the first samples into the tables.
    samples = {track.number: track.samples for track in tracks}
    lasting = {track.number: track.ticks for track in tracks}
    for fragment in fragments:
        for traf in (
            box for box in boxes_in(data, fragment.content, fragment.end, steps) if box.kind == b"traf"
        ):
            track, count, duration = _fragment_samples(data, traf, usual, steps)
            if track in lasting:
                samples[track] += count
                lasting[track] += duration
    for each in tracks:
        each.duration = _count(each, samples[each.number], lasting[each.number]) or each.duration


def _fragment_samples(data: Bytes, traf: Box, usual: dict[int, int], steps: Steps) -> tuple[int, int, int]:
    """The track's number, how many samples a fragment has of it, and how long they last, in its ticks."""
    track = each = samples = total = 0
    for box in boxes_in(data, traf.content, traf.end, steps):
        flags = number(data, box.content + 1, 3)
        if box.kind == b"tfhd":
            track = number(data, box.content + 4, 4)
            at = box.content + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
            each = number(data, at, 4) if flags & 8 else usual.get(track, 0)
        elif box.kind == b"trun":
            count = number(data, box.content + 4, 4)
            if not flags & 0x100:
                samples, total = samples + count, total + count * each
                continue
            at = box.content + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
            size = 4 * (flags >> 8 & 15).bit_count()
            count = min(count, max(0, min(box.end, len(data)) - at) // size)
            steps.take_entries(count)
            samples += count
            total += sum(number(data, place, 4) for place in range(at, at + count * size, size))
    return track, samples, total


def _has_all_fragments(data: Bytes, tops: Sequence[Box], has_all_boxes: bool) -> bool | None:
    """Whether the fragments go to their end: their index stands there, if there is one."""
    if not has_all_boxes or tops[-1].kind in _AHEAD:
        return False
    if any(_indexed_end(data, box) > len(data) for box in tops if box.kind == b"sidx"):
        return False
    return True if any(box.kind == b"mfra" for box in tops) else None


def _indexed_end(data: Bytes, sidx: Box) -> int:
    """Where the last fragment ends that an index in front of them lists."""
    is_long = number(data, sidx.content, 1) == 1
    wide = 8 if is_long else 4
    first = number(data, sidx.content + 12 + wide, wide)
    start = sidx.content + 12 + 2 * wide + 4
    count = min(number(data, start - 2, 2), max(0, min(sidx.end, len(data)) - start) // 12)
    sizes = (number(data, at, 4) & 0x7FFFFFFF for at in range(start, start + 12 * count, 12))
    return sidx.end + first + sum(sizes)
