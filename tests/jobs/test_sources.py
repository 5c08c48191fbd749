"""One picture as a reference, in every way in which it can be given."""

from __future__ import annotations

import base64
import io
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy
import pytest
from PIL import Image

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.errors import InvalidRequestError
from rivya_nb.jobs.intake import take_references
from rivya_nb.store.files import ContentFiles

WAN = [bundled()[DEFAULT_MODEL]]

GREY = numpy.arange(256, dtype="uint8").reshape(8, 32)
COLOURS = numpy.random.default_rng(7).integers(0, 256, (6, 5, 3), dtype="uint8")
CLEAR = numpy.random.default_rng(8).integers(0, 256, (6, 5, 4), dtype="uint8")

Numbers = Callable[[numpy.ndarray], numpy.ndarray]
AS_NUMBERS: dict[str, Numbers] = {
    "float16 to 1": lambda array: (array / 255).astype("float16"),
    "float32 to 1": lambda array: (array / 255).astype("float32"),
    "float64 to 1": lambda array: array / 255,
    "big-endian float32 to 1": lambda array: (array / 255).astype(">f4"),
    "float32 to 255": lambda array: array.astype("float32"),
    "uint8": lambda array: array,
    "uint16": lambda array: array.astype("uint16") * 257,
    "big-endian uint16": lambda array: (array.astype("uint16") * 257).astype(">u2"),
    "int32 to 255": lambda array: array.astype("int32"),
    "int32 to 65535": lambda array: array.astype("int32") * 257,
}
IN_PILLOW = [name for name in AS_NUMBERS if name != "float16 to 1"]


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    (tmp_path / "store").mkdir()
    return ContentFiles(tmp_path / "store")


@pytest.fixture
def cat() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(COLOURS).save(buffer, "PNG")
    return buffer.getvalue()


def sent(source: object, files: ContentFiles) -> numpy.ndarray[Any, Any]:
    """The pixels of what is sent for a source."""
    (reference,) = take_references([source], WAN, files)
    with Image.open(files.path(reference.sha256, reference.mime_type)) as image:
        return numpy.asarray(image)


def taken(source: object, cat: bytes, files: ContentFiles) -> Reference:
    """The reference of a source that gives the cat's bytes, which are kept as they are."""
    (reference,) = take_references([source], WAN, files)
    assert files.read(reference.sha256, reference.mime_type) == cat
    return reference


def refused(source: object, files: ContentFiles) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        take_references([source], WAN, files)
    assert not any(path.is_file() for path in files.folder.parent.rglob("*"))
    (mistake,) = caught.value.mistakes
    assert "\n" not in mistake.message
    return str(mistake)


@pytest.mark.parametrize("kind", IN_PILLOW)
def test_a_pillow_image_and_its_array_are_the_same_picture(files: ContentFiles, kind: str) -> None:
    numbers = AS_NUMBERS[kind](GREY)
    image = Image.fromarray(numbers)
    assert image.mode != "L" or kind == "uint8"
    assert numpy.array_equal(sent(numbers, files), GREY)
    assert numpy.array_equal(sent(image, files), GREY)


@pytest.mark.parametrize("kind", AS_NUMBERS)
@pytest.mark.parametrize("picture", [COLOURS, CLEAR, GREY[:, :, None]], ids=["RGB", "RGBA", "one channel"])
@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_arrays_of_any_numbers_and_order_are_the_picture_they_show(
    files: ContentFiles, kind: str, picture: numpy.ndarray, first: bool
) -> None:
    numbers = AS_NUMBERS[kind](picture)
    given = numpy.moveaxis(numbers, 2, 0) if first else numbers
    assert numpy.array_equal(sent(given, files), picture.squeeze())


def test_masks_are_black_and_white(files: ContentFiles) -> None:
    mask = GREY > 100
    assert all(numpy.array_equal(sent(source, files), mask * 255) for source in (mask, Image.fromarray(mask)))
    assert numpy.array_equal(sent(mask.astype("float32"), files), mask * 255)
    assert sent(numpy.dstack([mask] * 3), files).shape == (8, 32, 3)


def test_what_pillow_converts_to_floats_or_integers_stays_as_bright_as_it_was(files: ContentFiles) -> None:
    image = Image.fromarray(GREY)
    for mode in ("L", "F", "I"):
        assert numpy.array_equal(sent(image.convert(mode), files), GREY)


def test_one_range_holds_for_all_channels(files: ContentFiles) -> None:
    dark = numpy.zeros((4, 4, 3), "int32")
    dark[..., 0], dark[..., 1] = 65535, 255
    assert sent(dark, files)[0, 0].tolist() == [255, 1, 0]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0.5, 1.5], "values from 0 to 1, or whole numbers from 0 to 255; this one has 0.5 to 1.5"),
        ([-0.25, 1], "values from 0 to 1.* this one has -0.25 to 1"),
        ([0.5, numpy.nan], "values from 0 to 1.*NaN"),
        ([numpy.nan, 0.5], "values from 0 to 1.*NaN"),
        ([0, 7.0, 256.0], "values from 0 to 1.* this one has 0 to 256"),
        ([0.5, numpy.inf], "values from 0 to 1.* this one has 0.5 to inf"),
        ([0.5, 1e300], "values from 0 to 1"),
    ],
)
def test_floats_that_could_mean_anything_are_refused_from_both(
    files: ContentFiles, numbers: list[float], message: str
) -> None:
    array = numpy.tile(numpy.array(numbers), (4, 2))
    with numpy.errstate(all="ignore"):
        image = Image.fromarray(array.astype("float32"))
    told = [refused(source, files) for source in (array, image)]
    assert told[0] == told[1]
    with pytest.raises(InvalidRequestError, match=message):
        take_references([array], WAN, files)


@pytest.mark.parametrize("numbers", [[-1, 5], [0, 65536]])
def test_integers_that_could_mean_anything_are_refused_from_both(
    files: ContentFiles, numbers: list[int]
) -> None:
    array = numpy.tile(numpy.array(numbers, "int32"), (4, 2))
    told = [refused(source, files) for source in (array, Image.fromarray(array))]
    assert told[0] == told[1]
    assert f"from 0 to 255, or to 65535; this one has {numbers[0]} to {numbers[1]}" in told[0]


@pytest.mark.parametrize("dtype", ["complex64", "uint64", "datetime64[s]", "object", "U1"])
def test_an_array_of_no_numbers_of_a_picture_says_which_are(files: ContentFiles, dtype: str) -> None:
    assert "is not accepted; give bool, uint8" in refused(numpy.zeros((4, 4)).astype(dtype), files)


def test_a_file_of_deep_pixels_is_converted_by_the_same_rule(files: ContentFiles, tmp_path: Path) -> None:
    picture = numpy.tile(GREY, (10, 3))
    for kind in ("float32 to 1", "big-endian uint16"):
        path = tmp_path / "deep.tiff"
        Image.fromarray(AS_NUMBERS[kind](picture)).save(path)
        (reference,) = take_references([path], WAN, files, shrink=True)
        with Image.open(files.path(reference.sha256, reference.mime_type)) as image:
            assert numpy.array_equal(numpy.asarray(image), picture)


# Open files


def test_an_open_file_is_read_from_its_start_and_left_where_it_stood(
    files: ContentFiles, cat: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(cat)
    saved = io.BytesIO()
    saved.write(cat)
    assert taken(saved, cat, files).name == "reference 1"
    assert saved.tell() == len(cat)
    with path.open("rb") as file:
        file.read(11)
        assert taken(file, cat, files).name == "cat.png"
        assert file.tell() == 11
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        archive.write(path, "folder/my cat.png")
        with archive.open("folder/my cat.png") as file:
            assert taken(file, cat, files).name == "my cat.png"
    with tempfile.SpooledTemporaryFile() as file:
        file.write(cat)
        assert taken(file, cat, files).name == "reference 1"
    with path.open("r+b", buffering=0) as file:
        assert len({reference.sha256 for reference in take_references([file, saved, file], WAN, files)}) == 1


def test_of_a_stream_that_cannot_go_back_what_is_left_is_taken(files: ContentFiles, cat: bytes) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(cat)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as file:
        assert taken(file, cat, files).name == "reference 1"
    writer.join()


class Endless(io.RawIOBase):
    """A stream of zeros."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def closed(path: Path) -> object:
    file = path.open("rb")
    file.close()
    return file


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: path.open("r", encoding="latin-1"),
            r"cat\.png: it gives text .* open\(path, \"rb\"\)",
        ),
        (lambda path: path.open(encoding="utf-8"), "it gives text instead of bytes"),
        (lambda path: io.StringIO("a picture"), "reference 1: it gives text"),
        (lambda path: io.BytesIO(), "reference 1: the file is empty"),
        (lambda path: io.BytesIO(b"a shopping list"), "reference 1: this is not a picture but text"),
        (closed, r"cat\.png: it cannot be read .*closed file"),
        (lambda path: path.open("ab"), r"cat\.png: it cannot be read"),
        (lambda path: io.BytesIO(path.read_bytes()[:-40]), "cut short"),
        (lambda path: Endless(), "reference 1: it grew past 100 MB"),
    ],
    ids=[
        "text file",
        "text file of another encoding",
        "text",
        "empty",
        "not a picture",
        "closed",
        "for writing",
        "cut",
        "endless",
    ],
)
def test_a_stream_that_is_no_picture_is_told_in_a_line(
    files: ContentFiles, tmp_path: Path, cat: bytes, make: Callable[[Path], Any], message: str
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(cat)
    source = make(path)
    with pytest.raises(InvalidRequestError, match=message) as caught:
        take_references([source], WAN, files)
    source.close()
    assert len(caught.value.mistakes) == 1
    assert not any(each.is_file() for each in (tmp_path / "store").rglob("*"))


# Data URLs


@pytest.mark.parametrize(
    "written",
    [
        lambda cat: "data:image/png;base64," + base64.b64encode(cat).decode(),
        lambda cat: "DATA:IMAGE/PNG;BASE64," + base64.b64encode(cat).decode(),
        lambda cat: "data:;base64," + base64.b64encode(cat).decode().rstrip("="),
        lambda cat: "data:image/png;base64," + base64.encodebytes(cat).decode(),
        lambda cat: "data:image/png;name=cat.png;base64," + quote(base64.b64encode(cat), safe=""),
        lambda cat: "data:image/png," + quote(cat),
        lambda cat: "data:application/octet-stream;base64," + base64.b64encode(cat).decode(),
    ],
    ids=["base64", "capitals", "no type", "lines", "percent and base64", "percent", "another type"],
)
def test_a_data_url_is_the_picture_in_it(
    files: ContentFiles, cat: bytes, written: Callable[[bytes], str]
) -> None:
    assert taken(written(cat), cat, files).name == "reference 1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data:image/png;base64", "it is not a whole data URL"),
        ("data:", "it is not a whole data URL"),
        ("data:image/png;base64,", "the file is empty"),
        ("data:image/png;base64,iVBOR!!", "the base64 of this data URL is damaged"),
        ("data:image/png;base64,iVBOR", "the base64 of this data URL is damaged"),
        ("data:image/png;base64,iVBORw0KGgo=", "cut short"),
        ("data:text/plain,hello%20there", "this is not a picture but text"),
        ("data:image/svg+xml,%3Csvg/%3E", "this is not a picture but text"),
        ("data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "its bytes are a GIF"),
    ],
)
def test_a_data_url_without_a_picture_is_told_without_repeating_it(
    files: ContentFiles, url: str, message: str
) -> None:
    told = refused(url, files)
    assert message in told
    assert told.startswith("reference 1: ")
