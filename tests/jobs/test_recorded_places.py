"""The place where a video or sound was recorded is not sent, and nothing else of the file is changed."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from media.samples import box, sample
from PIL import Image
from sandbox.recorded import _element as element
from sandbox.recorded import wav

from rivya_nb.contract.references import Reference
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.recorded_places import remove_place
from rivya_nb.media.facts import read_facts
from rivya_nb.sandbox.own_models import CLIP
from rivya_nb.store.files import ContentFiles

HERE = b"+35.6586+139.7454/"


def photograph(*, located: bool = True) -> bytes:
    """A JPEG that says where it was taken."""
    exif = Image.Exif()
    if located:
        exif.get_ifd(0x8825)[2] = (35.0, 39.0, 30.0)
    exif[0x0110] = "a phone"
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def in_moov(content: bytes, name: str = "film.mp4") -> bytes:
    """A sample with more in its `moov`, which is its last box."""
    data = sample(name)
    at = data.rindex(b"moov") - 4
    assert at + int.from_bytes(data[at : at + 4], "big") == len(data)
    return data[:at] + box(b"moov", data[at + 8 :] + content)


def in_a_track(content: bytes) -> bytes:
    data = in_moov(b"")
    at = data.rindex(b"trak") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    moov = data.rindex(b"moov") - 4
    track = box(b"trak", data[at + 8 : at + size] + content)
    return data[:moov] + box(b"moov", data[moov + 8 : at] + track + data[at + size :])


def keys() -> bytes:
    """What a phone of Apple's writes."""
    name = b"mdtacom.apple.quicktime.location.ISO6709"
    listed = struct.pack(">IIII", 0, 1, 4 + len(name), 0)[:8] + struct.pack(">I", 4 + len(name)) + name
    item = box(b"\0\0\0\1", box(b"data", struct.pack(">II", 1, 0) + HERE))
    return box(
        b"meta", box(b"hdlr", bytes(8) + b"mdta" + bytes(13)) + box(b"keys", listed) + box(b"ilst", item)
    )


def track_of_places() -> bytes:
    """An MP4 with a track of a camera that writes down where it is; its samples are in an `mdat` of their own."""
    data = sample("film.mp4")
    at = data.rindex(b"moov") - 4
    stsd = box(b"stsd", struct.pack(">II", 0, 1) + box(b"gpmd", bytes(8)))
    table = [(b"stts", ">II", (1, 500)), (b"stsc", ">III", (1, 1, 1)), (b"stco", ">I", (at + 8,))]
    tables = b"".join(
        box(name, struct.pack(">II", 0, 1) + struct.pack(form, *row)) for name, form, row in table
    )
    stbl = box(b"stbl", stsd + tables + box(b"stsz", struct.pack(">III", 0, len(HERE), 1)))
    handler = box(b"hdlr", bytes(8) + b"meta" + bytes(13))
    trak = box(b"trak", box(b"mdia", handler + box(b"minf", stbl)))
    return data[:at] + box(b"mdat", HERE) + box(b"moov", data[at + 8 :] + trak)


def webm(*more: bytes) -> bytes:
    info = element(0x2AD7B1, (1_000_000).to_bytes(3, "big")) + element(0x4489, struct.pack(">d", 2000.0))
    tracks = element(0xAE, element(0x83, b"\1"))
    parts = element(0x1549A966, info) + element(0x1654AE6B, tracks) + b"".join(more)
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(
        0x18538067, parts + element(0x1F43B675, bytes(16))
    )


def tag(name: bytes) -> bytes:
    simple = element(0x67C8, element(0x45A3, name) + element(0x4487, HERE))
    return element(0x1254C367, element(0x7373, simple))


def mp3(*frames: tuple[bytes, bytes]) -> bytes:
    content = b"".join(name + len(text).to_bytes(4, "big") + b"\0\0" + text for name, text in frames)
    size = bytes(len(content) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + content + sample("plain.mp3")


def waved(kind: bytes, text: bytes) -> bytes:
    text += bytes(len(text) % 2)
    data = wav(1) + kind + len(text).to_bytes(4, "little") + text
    return data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]


def long_wav(text: bytes) -> bytes:
    """The same in the form of those that may have more than 4 GB."""
    data = waved(b"iXML", text)
    at = data.index(b"data")
    size = struct.unpack_from("<I", data, at + 4)[0]
    wide = b"ds64" + struct.pack("<IQQQI", 28, len(data) + 28, size, size // 2, 0)
    return b"RF64" + b"\xff" * 4 + b"WAVE" + wide + data[12 : at + 4] + b"\xff" * 4 + data[at + 8 :]


def big_wav(text: bytes) -> bytes:
    form = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16_000, 2, 16)
    parts = (
        struct.pack(">4sI", b"iXML", len(text)) + text + struct.pack(">4sI", b"data", 16_000) + bytes(16_000)
    )
    return struct.pack(">4sI4s", b"RIFX", 4 + len(form + parts), b"WAVE") + form + parts


def flac(text: bytes) -> bytes:
    data = sample("sound.flac")
    comment = struct.pack("<I", 0) + struct.pack("<II", 1, len(text)) + text
    return data[:42] + b"\4" + len(comment).to_bytes(3, "big") + comment + data[42:]


XMP = b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b'<x exif:GPSLatitude="35,39N"/>' + HERE

TOLD = {
    "an MP4 of a phone": in_moov(box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7" + HERE))),
    "an MP4 of a network": in_moov(box(b"udta", box(b"loci", bytes(8) + HERE))),
    "a MOV of a phone": in_moov(keys(), "film.mov"),
    "an MP4 with a long box": in_moov(
        struct.pack(">I4sQ", 1, b"udta", 16 + 34) + box(b"\xa9xyz", bytes(8) + HERE)
    ),
    "an MP4 with tags of a track": in_a_track(box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7" + HERE))),
    "an MP4 with XMP": sample("film.mp4") + (len(XMP) + 4).to_bytes(4, "big") + XMP,
    "an MP4 with a track of places": track_of_places(),
    "an MP4 with a photograph as its cover": in_moov(box(b"udta", photograph() + HERE)),
    "a WebM": webm(tag(b"LOCATION")),
    "a WebM of converted tags": webm(tag(b"com.apple.quicktime.location.ISO6709")),
    "a WebM with a photograph": webm(element(0x1941A469, photograph() + HERE)),
    "an MP3": mp3((b"TXXX", b"\0location\0" + HERE)),
    "an MP3 in UTF-16": mp3((b"TXXX", b"\1" + "Location".encode("utf-16") + b"\0\0" + HERE)),
    "an MP3 with a cover": mp3((b"APIC", b"\0image/jpeg\0\3\0" + photograph() + HERE)),
    "a WAV": waved(b"iXML", b"<LOCATION_GPS>" + HERE),
    "a WAV of more than 4 GB": long_wav(b"<LOCATION_GPS>" + HERE),
    "a WAV with the high byte first": big_wav(b"<LOCATION_GPS>" + HERE),
    "a FLAC": flac(b"LOCATION=" + HERE),
}


PLAIN = {
    "MP4": sample("film.mp4"),
    "MOV": sample("film.mov"),
    "WebM": webm(),
    "MP3": sample("plain.mp3"),
    "WAV": wav(1),
    "FLAC": sample("sound.flac"),
}


def removed(folder: Path, data: bytes) -> tuple[str, bytes]:
    path = folder / "clip"
    path.write_bytes(data)
    facts = read_facts(path)
    assert facts is not None
    told = remove_place(path, facts.mime_type)
    assert read_facts(path) == facts
    return told, path.read_bytes()


@pytest.mark.parametrize("name", TOLD)
def test_tags_that_tell_a_place_are_overwritten_where_they_are(tmp_path: Path, name: str) -> None:
    data = TOLD[name]
    told, left = removed(tmp_path, data)
    assert "sent without the place that its tags tell; its " in told
    assert HERE in data
    assert HERE not in left
    assert not [word for word in (b"GPSLat", b"Exif", b"ISO6709", b"ocation") if word in left]
    # What differs is no more than what was added to the file, and the name of the program that made it.
    differing = sum(one != other for one, other in zip(data, left, strict=True))
    assert differing <= len(data) - len(PLAIN[name.split()[1]]) + 90
    assert removed(tmp_path, left) == ("", left)


@pytest.mark.parametrize(
    "data",
    [
        sample("film.mp4"),
        sample("film.webm"),
        sample("cover.m4a"),
        sample("cover.mp3"),
        in_moov(box(b"udta", box(b"\xa9nam", b"A walk") + box(b"\xa9mak", b"a phone"))),
        in_moov(box(b"udta", photograph(located=False))),
        webm(tag(b"TITLE")),
        mp3((b"TIT2", b"\0A walk")),
        # A box that claims more than it is in is no tag.
        in_moov(struct.pack(">I4s", 2000, b"udta") + box(b"\xa9xyz", HERE)),
        in_moov(struct.pack(">I4sQ", 1, b"udta", 2**63) + box(b"\xa9xyz", HERE)),
    ],
    ids=[
        "mp4",
        "webm",
        "m4a",
        "mp3",
        "names",
        "a cover",
        "a title",
        "a title of a song",
        "a lie",
        "a long lie",
    ],
)
def test_what_tells_no_place_is_not_touched(tmp_path: Path, data: bytes) -> None:
    assert removed(tmp_path, data) == ("", data)


def test_an_ogg_is_sent_with_its_place_and_that_is_told(tmp_path: Path) -> None:
    data = sample("vorbis.ogg")
    at = data.index(b"\3vorbis") + 20
    assert removed(tmp_path, data) == ("", data)
    spoken = data[:at] + b"LOCATION=x" + data[at + 10 :]
    assert removed(tmp_path, spoken) == ("its tags tell a place, and are sent with it", spoken)


def test_a_reference_says_so_before_it_is_sent(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    files, path = ContentFiles(tmp_path / "store"), tmp_path / "clip.mp4"
    path.write_bytes(TOLD["an MP4 of a phone"])
    [reference] = take_references([path], [CLIP], files)
    assert isinstance(reference, Reference)
    assert reference.note == (
        "clip.mp4: sent without the place that its tags tell; its picture and sound are unchanged"
    )
    assert HERE not in files.read(reference.sha256, "video/mp4")
    assert path.read_bytes() == TOLD["an MP4 of a phone"], "the user's own file stays as it is"
