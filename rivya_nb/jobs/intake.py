"""Taking references in: from a path, bytes or a picture in memory to bytes in the store, known by hash."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import MEGABYTE, Model
from rivya_nb.contract.references import SNIFF_BYTES, Reference, check_references, sniff
from rivya_nb.errors import InvalidRequestError, Mistake
from rivya_nb.store.records import PictureRecord

if TYPE_CHECKING:
    from rivya_nb.store.files import ContentFiles

LARGEST = 100 * MEGABYTE
"""Bytes; no file above this is read, whatever a model's record leaves open."""


def take_references(
    sources: Iterable[object], models: Sequence[Model], files: ContentFiles
) -> tuple[Reference, ...]:
    """Copy references into the store and say what they are.

    Sources are paths (a leading `~` is the user's home), bytes, Pillow images (sent as PNG) and pictures of
    the store. Only what every model would take is copied.

    Raises:
        InvalidRequestError: with every source that is missing, unreadable, no picture or against a rule.
        StoreError: the store cannot be written.
    """
    taken: list[Reference] = []
    mistakes: list[Mistake] = []
    for place, source in enumerate(sources, start=1):
        try:
            taken.append(_take(source, f"reference {place}", models, files))
        except InvalidRequestError as error:
            mistakes += error.mistakes
    if mistakes:
        raise InvalidRequestError(mistakes)
    return tuple(taken)


def _take(source: object, name: str, models: Sequence[Model], files: ContentFiles) -> Reference:
    if isinstance(source, Reference):
        return source
    if isinstance(source, PictureRecord):
        return Reference(source.sha256, "image", source.mime_type, name, source.size)
    if isinstance(source, (str, os.PathLike)):
        return _take_file(source, models, files)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _take_bytes(bytes(source), name, models, files)
    if hasattr(source, "save") and hasattr(source, "mode"):
        buffer = io.BytesIO()
        source.save(buffer, "PNG")
        return _take_bytes(buffer.getvalue(), name, models, files)
    raise _wrong(name, f"a {type(source).__name__} is no picture; give a path, bytes or a Pillow image")


def _take_file(source: str | os.PathLike[str], models: Sequence[Model], files: ContentFiles) -> Reference:
    path = Path(source).expanduser()
    if str(source).startswith(("http://", "https://")):
        raise _wrong(str(source), "an address is not taken; download the picture and give the file")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(SNIFF_BYTES)
            _check(header, size, path.name, models)
            file.seek(0)
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        near = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise _wrong(str(source), f"there is no such file{near}") from None
    except OSError as error:
        raise _wrong(str(source), f"it cannot be read ({error.strerror})") from None
    return _take_bytes(data, path.name, models, files)


def _take_bytes(data: bytes, name: str, models: Sequence[Model], files: ContentFiles) -> Reference:
    mime_type = _check(data[:SNIFF_BYTES], len(data), name, models)
    sha256 = files.put(data, mime_type)
    return Reference(sha256, "image", mime_type, name, len(data))


def _check(header: bytes, size: int, name: str, models: Sequence[Model]) -> str:
    """The MIME type that the bytes show, if every model takes such a file."""
    if size == 0:
        raise _wrong(name, "the file is empty")
    mime_type = sniff(header)
    if mime_type is None:
        kind = "text" if _is_text(header) else "something else"
        raise _wrong(name, f"its bytes are no picture but {kind}; accepted are jpeg, png and webp")
    provisional = Reference("", "image", mime_type, name, size)
    mistakes = dict.fromkeys(
        mistake for model in models for mistake in check_references(model, [provisional])
    )
    if mistakes:
        raise InvalidRequestError(list(mistakes))
    if size > LARGEST:
        raise _wrong(name, f"{size / MEGABYTE:.1f} MB is over the limit of {LARGEST / MEGABYTE:g} MB")
    return mime_type


def _is_text(header: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in header)


def _wrong(name: str, message: str) -> InvalidRequestError:
    return InvalidRequestError([Mistake(name, message)])
