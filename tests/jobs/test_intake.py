"""References on their way into the store."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model, ReferenceRule, ReferenceRules, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.errors import InvalidRequestError
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.metadata import ORIENTATION, read_metadata, write_without_metadata
from rivya_nb.store.files import ContentFiles

WAN = [bundled()[DEFAULT_MODEL]]
LIMIT = 20_000_000

Hostile = Callable[[Path], object]


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    (tmp_path / "store").mkdir()
    return ContentFiles(tmp_path / "store")


def kept(files: ContentFiles) -> list[Path]:
    """Everything that is in the store, what has only arrived included."""
    return [path for path in files.folder.parent.rglob("*") if path.is_file()]


def of_models(max_bytes: int | None, *mime_types: str) -> list[Model]:
    rule = ReferenceRule("image", max_bytes, mime_types or None)
    return [replace(WAN[0], references=ReferenceRules(9, ("image",), (rule,)))]


def opened(files: ContentFiles, reference: Reference) -> Image.Image:
    image = Image.open(files.path(reference.sha256, reference.mime_type))
    image.load()
    return image


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    return Image.frombytes(mode, (width, height), Random(1).randbytes(width * height * len(mode)))


def photo(path: Path, *, orientation: int = 1, place: bool = False, xmp: bytes = b"") -> Path:
    """A picture, red on top and blue below, as a camera stores it."""
    image = Image.new("RGB", (64, 32), "blue")
    image.paste("red", (0, 0, 64, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Camera"
    if place:
        exif.get_ifd(0x8825).update(
            {0: b"\2\3\0\0", 1: "N", 2: (13.0, 45.0, 1.0), 3: "E", 4: (100.0, 30.0, 2.0)}
        )
    more = {"xmp": xmp} if xmp and path.suffix != ".png" else {}
    if path.suffix == ".png" and xmp:
        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        more = {"pnginfo": text}
    image.save(path, exif=exif, **more)
    return path


def test_a_file_is_kept_byte_for_byte_under_its_hash(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    Image.new("RGB", (32, 16), "orange").save(path)
    (reference,) = take_references([str(path)], WAN, files)
    assert reference.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (reference.name, reference.mime_type, reference.size) == (
        "cat.jpg",
        "image/jpeg",
        path.stat().st_size,
    )
    path.unlink()
    assert files.path(reference.sha256, reference.mime_type).is_file()


def test_home_bytes_and_pictures_are_taken(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = Image.new("RGB", (8, 8), "teal")
    picture.save(tmp_path / "cat.webp")
    data = (tmp_path / "cat.webp").read_bytes()
    taken = take_references(["~/cat.webp", data, picture, tmp_path / "cat.webp"], WAN, files)
    assert [reference.mime_type for reference in taken] == [
        "image/webp",
        "image/webp",
        "image/png",
        "image/webp",
    ]
    assert taken[0].sha256 == taken[1].sha256 == taken[3].sha256


def test_the_bytes_decide_not_the_name(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "really.png"
    Image.new("RGB", (8, 8)).save(path, "JPEG")
    assert take_references([path], WAN, files)[0].mime_type == "image/jpeg"


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_kept(
    files: ContentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("a shopping list")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (8, 8)).save(tmp_path / "old.gif")
    sources = ["gone.png", "text.png", "empty.png", "old.gif", tmp_path, 7, "https://example.org/a.png"]
    with pytest.raises(InvalidRequestError) as refused:
        take_references(sources, WAN, files)
    assert [mistake.where for mistake in refused.value.mistakes] == [
        "gone.png", "text.png", "empty.png", "old.gif", str(tmp_path), "reference 6", "https://example.org/a.png",
    ]  # fmt: skip
    assert f"there is no such file in {tmp_path}" in str(refused.value)
    assert kept(files) == []


def test_a_file_above_the_models_limit_is_not_even_read(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(20_000_001)
    with pytest.raises(InvalidRequestError, match=r"20\.0 MB is over the limit of 20 MB"):
        take_references([path], WAN, files)


def test_arrays_are_taken_as_the_pictures_they_show(files: ContentFiles) -> None:
    colours = numpy.zeros((4, 6, 3), "uint8")
    colours[:, :3] = (255, 0, 0)
    clear = numpy.dstack([colours, numpy.full((4, 6), 128, "uint8")])
    sources = [
        colours,
        colours / 255,
        colours.astype("float32") / 255,
        clear,
        colours[:, :, 0],
        colours[:, :, :1] > 0,
    ]
    taken = [opened(files, reference) for reference in take_references(sources, WAN, files)]
    assert [image.mode for image in taken] == ["RGB", "RGB", "RGB", "RGBA", "L", "L"]
    assert all(numpy.array_equal(numpy.asarray(image), colours) for image in taken[:3])
    assert numpy.array_equal(numpy.asarray(taken[5]), colours[:, :, 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (numpy.zeros((2, 2)) - 1, "values from 0 to 1"),
        (numpy.full((2, 2), numpy.nan), "values from 0 to 1"),
        (numpy.zeros((2, 2), "int64"), "array of int64 is not accepted"),
        (numpy.zeros((2, 2, 2), "uint8"), "2 × 2 × 2 values is not a picture"),
        (numpy.zeros((0, 2), "uint8"), "0 × 2 values is not a picture"),
        (numpy.uint8(3), "is not a picture"),
    ],
)
def test_an_array_that_is_no_picture_is_told_what_one_is(
    files: ContentFiles, array: object, message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        take_references([array], WAN, files)
    assert kept(files) == []


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
)
def test_pillow_images_of_every_mode_are_taken(files: ContentFiles, mode: str) -> None:
    (reference,) = take_references([Image.new(mode, (8, 8))], WAN, files)
    assert opened(files, reference).mode in ("1", "L", "RGB", "RGBA")


def test_a_pillow_image_is_sent_as_it_has_to_be_looked_at(files: ContentFiles, tmp_path: Path) -> None:
    with Image.open(photo(tmp_path / "cat.jpg", orientation=6)) as image:
        (reference,) = take_references([image], WAN, files)
    assert opened(files, reference).size == (32, 64)
    assert "turned upright" in reference.note


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_place_is_left_out_and_the_pixels_stay_as_they_are(
    files: ContentFiles, tmp_path: Path, suffix: str
) -> None:
    path = photo(tmp_path / f"cat{suffix}", place=True)
    (reference,) = take_references([path], WAN, files)
    sent = opened(files, reference)
    with Image.open(path) as given:
        assert 0x8825 in given.getexif()
        assert sent.tobytes() == given.tobytes()
    assert not sent.getexif()
    assert (
        reference.note == f"cat{suffix}: sent without the place where it was taken; its pixels are unchanged"
    )


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_place_in_xmp_is_left_out_too(files: ContentFiles, tmp_path: Path, suffix: str) -> None:
    xmp = b"<x:xmpmeta><exif:GPSLatitude>13,45N</exif:GPSLatitude></x:xmpmeta>"
    path = photo(tmp_path / f"cat{suffix}", xmp=xmp)
    assert b"GPSLatitude" in path.read_bytes()
    (reference,) = take_references([path], WAN, files)
    assert b"GPSLatitude" not in files.read(reference.sha256, reference.mime_type)
    assert "without the place" in reference.note


def test_what_a_phone_appends_goes_with_the_place(files: ContentFiles, tmp_path: Path) -> None:
    path = photo(tmp_path / "cat.jpg", place=True)
    path.write_bytes(path.read_bytes() + b"....ftypmp42 a film with its own place")
    (reference,) = take_references([path], WAN, files)
    assert files.read(reference.sha256, reference.mime_type).endswith(b"\xff\xd9")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_metadata_without_a_place_changes_no_byte(files: ContentFiles, tmp_path: Path, suffix: str) -> None:
    path = photo(tmp_path / f"cat{suffix}", xmp=b"<x:xmpmeta>nothing of note</x:xmpmeta>")
    (reference,) = take_references([path], WAN, files)
    assert files.read(reference.sha256, reference.mime_type) == path.read_bytes()
    assert reference.note == ""


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_rotation_is_applied(files: ContentFiles, tmp_path: Path, suffix: str, orientation: int) -> None:
    path = photo(tmp_path / f"cat{suffix}", orientation=orientation, place=True)
    (reference,) = take_references([path], WAN, files)
    sent = opened(files, reference)
    red, blue = {
        2: ("top", "bottom"), 3: ("bottom", "top"), 4: ("bottom", "top"),
        5: ("left", "right"), 6: ("right", "left"), 7: ("right", "left"), 8: ("left", "right"),
    }[orientation]  # fmt: skip
    width, height = sent.size
    places = {"top": (9, 4), "bottom": (9, height - 5), "left": (4, 9), "right": (width - 5, 9)}
    assert (width, height) == ((64, 32) if orientation < 5 else (32, 64))
    assert sent.getpixel(places[red])[0] > 240
    assert sent.getpixel(places[blue])[2] > 240
    assert not sent.getexif()
    assert "turned upright" in reference.note
    assert "without the place" in reference.note


@given(st.binary(max_size=300), st.sampled_from(["image/jpeg", "image/png", "image/webp"]))
def test_damaged_metadata_never_fails(data: bytes, mime_type: str) -> None:
    headers = {
        "image/jpeg": b"\xff\xd8\xff\xe1\x00\xffExif\0\0MM\0*",
        "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\x40eXIfII*\0",
        "image/webp": b"RIFF\0\1\0\0WEBPEXIF\x40\0\0\0II*\0",
    }
    assert 1 <= read_metadata(headers[mime_type] + data, mime_type).orientation <= 8


@settings(max_examples=40)
@given(
    suffix=st.sampled_from([".jpg", ".png", ".webp"]),
    orientation=st.integers(1, 8),
    place=st.booleans(),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_what_pillow_wrote_is_read_and_taken_out(
    suffix: str,
    orientation: int,
    place: bool,
    size: tuple[int, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("photos") / f"photo{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if place:
        exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    noise(*size).save(path, exif=exif)
    data = path.read_bytes()
    mime_type = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}[suffix]
    found = read_metadata(data, mime_type)
    assert (found.orientation, found.has_location) == (orientation, place)
    cleaned = path.with_name(f"cleaned{suffix}")
    with cleaned.open("wb") as target:
        write_without_metadata(data, mime_type, target)
    assert not read_metadata(cleaned.read_bytes(), mime_type).has_location
    with Image.open(cleaned) as after, Image.open(path) as before:
        assert after.tobytes() == before.tobytes()
        assert not after.getexif()


def test_a_picture_over_the_limit_names_both_sizes_and_the_way_out(
    files: ContentFiles, tmp_path: Path
) -> None:
    noise(300, 300).save(tmp_path / "cat.png")
    with pytest.raises(InvalidRequestError, match=r"0\.3 MB is over the limit of 0\.1 MB; --shrink-refs"):
        take_references([tmp_path / "cat.png"], of_models(100_000), files)
    assert kept(files) == []


@pytest.mark.parametrize(
    ("mode", "limit", "mime_type", "story"),
    [
        ("RGB", 25_000, "image/jpeg", r"JPEG, quality \d\d$"),
        ("RGB", 6_000, "image/jpeg", r"JPEG, quality 80, \d+ × \d+ pixels$"),
        ("RGBA", 12_000, "image/webp", "WEBP, quality"),
        ("L", 8_500, "image/jpeg", "JPEG, quality"),
    ],
)
def test_a_picture_over_the_limit_is_made_to_fit_when_that_is_asked(
    files: ContentFiles, tmp_path: Path, mode: str, limit: int, mime_type: str, story: str
) -> None:
    noise(100, 100, mode).save(tmp_path / "cat.png")
    (reference,) = take_references([tmp_path / "cat.png"], of_models(limit), files, shrink=True)
    assert reference.size <= limit
    assert reference.mime_type == mime_type
    sent = opened(files, reference)
    assert sent.width >= 64
    assert ("A" in sent.mode) is ("A" in mode)
    assert re.search(story, reference.note)
    assert reference.note.startswith("cat.png: ")


def test_a_picture_that_fits_is_left_alone_though_shrinking_is_allowed(
    files: ContentFiles, tmp_path: Path
) -> None:
    noise(100, 100).save(tmp_path / "cat.png")
    (reference,) = take_references([tmp_path / "cat.png"], WAN, files, shrink=True)
    assert files.read(reference.sha256, reference.mime_type) == (tmp_path / "cat.png").read_bytes()


def test_what_cannot_be_made_to_fit_is_told(files: ContentFiles, tmp_path: Path) -> None:
    noise(100, 100).save(tmp_path / "cat.png")
    with pytest.raises(InvalidRequestError, match="cannot be made as small as 500 bytes"):
        take_references([tmp_path / "cat.png"], of_models(500), files, shrink=True)
    assert kept(files) == []


@pytest.mark.parametrize(("suffix", "name"), [("gif", "a GIF"), ("tiff", "a TIFF"), ("bmp", "a BMP")])
def test_other_formats_are_offered_to_be_converted(
    files: ContentFiles, tmp_path: Path, suffix: str, name: str
) -> None:
    path = tmp_path / f"cat.{suffix}"
    Image.new("RGB", (70, 70), "teal").save(path)
    with pytest.raises(InvalidRequestError, match=f"its bytes are {name}; .* --shrink-refs"):
        take_references([path], WAN, files)
    (reference,) = take_references([path], WAN, files, shrink=True)
    assert reference.mime_type == "image/png"
    assert opened(files, reference).convert("RGB").getpixel((3, 3)) == (0, 128, 128)
    assert reference.note == f"cat.{suffix}: converted to PNG"


def test_of_an_animation_the_first_frame_is_taken(files: ContentFiles, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (70, 70), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "cat.gif", save_all=True, append_images=frames[1:])
    (reference,) = take_references([tmp_path / "cat.gif"], WAN, files, shrink=True)
    assert reference.note == "cat.gif: converted to PNG, its first frame"
    assert opened(files, reference).getpixel((3, 3))[:3] == (255, 0, 0)


def test_a_reference_of_the_store_is_made_to_fit_another_model(files: ContentFiles, tmp_path: Path) -> None:
    noise(100, 100).save(tmp_path / "cat.png")
    (large,) = take_references([tmp_path / "cat.png"], WAN, files)
    with pytest.raises(InvalidRequestError, match="--shrink-refs"):
        take_references([large], of_models(20_000), files)
    (small,) = take_references([large], of_models(20_000), files, shrink=True)
    assert small.size <= 20_000
    assert "made" in small.note


def cut(path: Path) -> object:
    noise(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def bomb(path: Path) -> object:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1 << 20))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def gif_bomb(path: Path) -> object:
    path.write_bytes(b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;")
    return path


def heic(path: Path) -> object:
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    return path


def pipe(path: Path) -> object:
    os.mkfifo(path)
    return path


def loop(path: Path) -> object:
    path.symlink_to(path)
    return path


def device(path: Path) -> object:
    return "/dev/zero"


def postscript(path: Path) -> object:
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    return path


def lazy(path: Path) -> object:
    cut(path)
    return Image.open(io.BytesIO(path.read_bytes()))


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
@pytest.mark.parametrize("shrink", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (cut, "cut short|damaged|decoded"),
        (bomb, "pixels"),
        (gif_bomb, "pixels|a GIF"),
        (heic, "a HEIC|cannot decode it here"),
        (pipe, "not an ordinary file"),
        (device, "not an ordinary file"),
        (loop, "cannot be read"),
        (postscript, "not a picture"),
        (lazy, "cannot be read"),
        (lambda path: "~nobody-of-this-name/cat.png", "home|no such file"),
        (lambda path: "cat\0.png", "a path cannot hold a NUL"),
        (lambda path: b"", "empty"),
        (lambda path: b"\xff\xd8\xff" + bytes(50), "cut short|damaged"),
        (lambda path: "x" * 5000, "cannot be read"),
        (lambda path: 12, "an object of type int is not a picture"),
        (lambda path: object(), "an object of type object is not a picture"),
        (lambda path: "https://me:secret@rivya.ai/cat.png", "^https://…@rivya.ai/cat.png: this is not a web"),
    ],
)
def test_hostile_sources_give_a_message_and_nothing_is_kept(
    files: ContentFiles, tmp_path: Path, make: Hostile, message: str, shrink: bool
) -> None:
    source = make(tmp_path / "cat.png")
    with pytest.raises(InvalidRequestError, match=message) as refused:
        take_references([source], WAN, files, shrink=shrink)
    assert kept(files) == []
    assert str(files.incoming) not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_large_file_is_not_held_in_memory(files: ContentFiles, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    noise(16, 16).save(path)
    with path.open("ab") as file:
        file.truncate(90_000_000)
    tracemalloc.start()
    try:
        (reference,) = take_references([path], of_models(None), files)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reference.size == 90_000_000
    assert peak < 20_000_000
