"""The sources of a reference: a file, bytes, or a picture in memory; each is written to a new file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rivya_nb.api.data_url import is_data_url, read_data_url
from rivya_nb.api.hosts import split_address
from rivya_nb.contract.catalogue import MEGABYTE
from rivya_nb.contract.media import Medium
from rivya_nb.contract.params import listed
from rivya_nb.contract.references import Reference
from rivya_nb.errors import InvalidRequestError, Mistake, PictureError, RivyaError, UsageError
from rivya_nb.files import open_file
from rivya_nb.imaging.modes import ORIENTATION, given_eight_bits, orientation
from rivya_nb.imaging.pixels import BUDGET, MAX_PIXELS
from rivya_nb.media.formats import HEADER_BYTES
from rivya_nb.store.trouble import disk_trouble

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from rivya_nb.store.files import ContentFiles

LARGEST = 100 * MEGABYTE
"""Bytes; a larger file is not read, even if the model's limit is not known."""

LOST = "this reference is not in the store any more; give its file again"

_GIVES_TEXT = 'it gives text instead of bytes; open the file with open(path, "rb")'

_CHUNK = 1 << 20

_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode by the number of values of a pixel."""

_USERINFO = re.compile(r"//[^/?#]*@")
"""A name and a password in an address, which no message shows."""

_LARGEST_INTEGER = 4
"""Bytes of the largest integers that Pillow supports."""

_TAKEN = "give bool, uint8, uint16 or int32, or floats from 0 to 1"

Check = Callable[[bytes, int, str], None]
"""Checks the first bytes, the size in bytes and the name; raises InvalidRequestError."""


def reference_sets(given: object) -> dict[str, Sequence[object]]:
    """References by label: a dict is an axis of sets, anything else one set; None and an empty list are none.

    Raises:
        UsageError: two labels of a dict are the same as text.
    """
    if not isinstance(given, Mapping):
        listed = listed_references(given)
        return {"": listed} if listed else {}
    sets: dict[str, Sequence[object]] = {
        str(label): listed_references(sources) for label, sources in given.items()
    }
    if len(sets) < len(given):
        raise UsageError(
            [Mistake("references", "two labels of the dict are the same as text; give each its own")]
        )
    return sets


@dataclass(frozen=True)
class FromVariable:
    """A reference that is the value of the notebook's variable `name`."""

    name: str
    source: object


def listed_references(given: object) -> list[object]:
    """One reference or several as a list; None is an empty list. A Series of paths is several; an array of numbers
    is a picture."""
    if given is None:
        return []
    if isinstance(given, (list, tuple)):
        return list(given)
    with suppress(ValueError):
        several = listed(given) or ()
        if several and all(isinstance(each, (str, os.PathLike)) for each in several):
            return list(several)
    return [given]


def web_address(source: object, kinds: Sequence[Medium] = ()) -> Reference | None:
    """A reference that is a web address; None for anything else. Nothing is fetched.

    Its kind is what its name ends in, or else the only one of the `kinds` that are taken, or else a picture.

    Raises:
        InvalidRequestError: it is not an https address that can be passed on.
    """
    if not isinstance(source, str) or not source.lower().startswith(("http://", "https://")):
        return None
    try:
        parts, host, _ = split_address(source)
    except PictureError:
        raise wrong_source(_USERINFO.sub("//…@", source), "this is not a web address") from None
    if parts.scheme != "https":
        raise wrong_source(
            source, "only https addresses are accepted; give one, or download the picture and give the file"
        )
    # Pictures of this machine need none of it.
    from rivya_nb.media.suffixes import named_medium

    name = parts.path.rpartition("/")[2] or host
    kind = named_medium(parts.path) or (kinds[0] if len(kinds) == 1 else "image")
    return Reference(hashlib.sha256(source.encode()).hexdigest(), kind, "", name, 0, url=source)


def is_there(reference: Reference, files: ContentFiles) -> bool:
    """True if a reference can be sent: a web address, or a file that is in the store."""
    return bool(reference.url) or files.size(reference.sha256, reference.mime_type) is not None


def write_source(source: object, name: str, target: Path, check: Check) -> str:
    """Write a source's bytes to `target`, if `check` accepts them; returns the source's name.

    Files are streamed; `name` is used for a source without a name. An open file is read from its start, and
    its position is restored. If it has no position, such as a server's answer, the rest is read.

    Raises:
        InvalidRequestError: the file does not exist, cannot be read, is not a picture, or `check` refuses it.
        StoreError: the disk fails.
    """
    if isinstance(source, str) and is_data_url(source):
        try:
            source = read_data_url(source, LARGEST)
        except PictureError as error:
            raise wrong_source(name, str(error)) from None
    if isinstance(source, (str, os.PathLike)):
        return _write_file(source, target, check)
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        check(data[:HEADER_BYTES], len(data), name)
        with disk_trouble(target):
            target.write_bytes(data)
        return name
    if callable(getattr(source, "read", None)):
        name = _write_stream(source, name, target)
    else:
        _write_picture(source, name, target)
    with target.open("rb") as file:
        check(file.read(HEADER_BYTES), target.stat().st_size, name)
    return name


def _write_picture(source: object, name: str, target: Path) -> None:
    image, options = _picture(source, name)
    try:
        with disk_trouble(target):
            image.save(target, "PNG", **options)
    except (ValueError, SyntaxError, AttributeError) as error:
        raise wrong_source(name, f"it cannot be written as PNG ({error})") from None


def _write_stream(source: Any, name: str, target: Path) -> str:
    own = getattr(source, "name", None)
    name = (Path(own).name if isinstance(own, str) else "") or name
    try:
        with _from_the_start(source):
            _copy(source, target, name)
    except RivyaError:
        raise
    except UnicodeDecodeError:
        raise wrong_source(name, _GIVES_TEXT) from None
    except Exception as error:
        # A file that is closed, open for writing or not a file may raise any error.
        raise wrong_source(name, f"it cannot be read ({type(error).__name__}: {error})") from None
    return name


@contextmanager
def _from_the_start(stream: Any) -> Iterator[None]:
    """Read a stream from its start: after `save` its position is behind the picture."""
    # Not every file has `seekable`: a spooled one has it from Python 3.11 on.
    if not (stream.seekable() if hasattr(stream, "seekable") else hasattr(stream, "seek")):
        yield
        return
    stood = stream.tell()
    stream.seek(0)
    try:
        yield
    finally:
        stream.seek(stood)


def _write_file(source: str | os.PathLike[str], target: Path, check: Check) -> str:
    try:
        file, size = open_file(source)
    except UsageError as error:
        raise InvalidRequestError(error.mistakes) from None
    name = Path(source).name
    try:
        with file:
            check(file.read(HEADER_BYTES), size, name)
            file.seek(0)
            _copy(file, target, name)
    except OSError as error:
        raise wrong_source(name, f"it cannot be read ({error.strerror or error})") from None
    return name


def _copy(source: BinaryIO, target: Path, name: str) -> None:
    """Copy at most `LARGEST` bytes: a file may grow while it is read."""
    size = 0
    with disk_trouble(target):
        copy = target.open("wb")
    with copy:
        while chunk := source.read(_CHUNK):
            if isinstance(chunk, str):
                raise wrong_source(name, _GIVES_TEXT)
            size += len(chunk)
            if size > LARGEST:
                raise wrong_source(name, f"it grew past {LARGEST / MEGABYTE:g} MB while it was read")
            with disk_trouble(target):
                copy.write(chunk)


def _picture(source: Any, name: str) -> tuple[Picture, dict[str, Any]]:
    """A Pillow image that can be sent, from a Pillow image or a numpy array, and the options to save it."""
    from PIL import Image

    try:
        if isinstance(source, Image.Image):
            with BUDGET.taking(source.width * source.height):
                source.load()
                image = given_eight_bits(source)
            exif = Image.Exif()
            exif[ORIENTATION] = orientation(source)
            profile = source.info.get("icc_profile") if image.mode == source.mode else None
            return image, {"exif": exif, "icc_profile": profile}
        if hasattr(source, "__array__") and hasattr(source, "dtype"):
            return _from_array(source, name), {}
    except InvalidRequestError:
        raise
    except PictureError as error:
        raise wrong_source(name, str(error)) from None
    except Exception as error:
        # Pillow decodes only now, and raises errors of any kind for hostile bytes.
        raise wrong_source(name, f"this picture cannot be read ({type(error).__name__}: {error})") from None
    kind = type(source).__name__
    takes = "a path, bytes, an open file, a Pillow image, a numpy array or a job"
    raise wrong_source(name, f"an object of type {kind} is not a picture; give {takes}")


def _from_array(source: Any, name: str) -> Picture:
    """An image from an array of H × W, H × W × 1, 3 or 4, or with the channels first; for its values see
    `given_eight_bits`."""
    import numpy
    from PIL import Image

    array = numpy.asarray(source)
    shape = " × ".join(map(str, array.shape))
    if array.ndim == 3 and array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
        array = numpy.moveaxis(array, 0, 2)
    height, width, channels = (*array.shape, 1, 1, 1)[:3]
    if array.ndim not in (2, 3) or channels not in _CHANNELS or 0 in array.shape:
        raise wrong_source(
            name, f"an array of {shape or 'no'} values is not a picture; give H × W, H × W × 3 or H × W × 4"
        )
    if height * width > MAX_PIXELS:
        raise wrong_source(name, f"{shape} pixels are over the limit of {MAX_PIXELS:,}")
    if array.dtype.kind == "f":
        with numpy.errstate(all="ignore"):
            array = array.astype("float32")
    elif array.dtype.kind not in "biu" or array.dtype.itemsize > _LARGEST_INTEGER:
        raise wrong_source(name, f"an array of {array.dtype} is not accepted; {_TAKEN}")
    # All channels side by side, so that the range of values is decided for all of them together.
    numbers = Image.fromarray(numpy.ascontiguousarray(array).reshape(height, width * channels))
    return Image.frombytes(_CHANNELS[channels], (width, height), given_eight_bits(numbers).tobytes())


def wrong_source(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([Mistake(name, message)])
