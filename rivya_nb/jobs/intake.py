"""Takes in references: copies a file of any source into the store, where it is known by its hash.

Bytes are sent unchanged, with three exceptions of which the user is told: the location is removed from a
file that has one, a picture that must be turned is turned, and `shrink` encodes a picture anew that a
model would refuse.

It is slow (it reads, decodes and hashes): call it off the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.api.data_url import is_data_url
from rivya_nb.api.inspection import examine, inspect
from rivya_nb.contract.catalogue import MEGABYTE, Model, ReferenceRules
from rivya_nb.contract.media import Medium
from rivya_nb.contract.references import (
    Reference,
    check_references,
    format_words,
    shared_kinds,
    sniff,
)
from rivya_nb.contract.text import file_size, listing
from rivya_nb.errors import InvalidRequestError, Mistake, PictureError
from rivya_nb.imaging.decoding import require_decoder
from rivya_nb.imaging.formats import FORMATS, find_format
from rivya_nb.imaging.modes import UPRIGHT
from rivya_nb.jobs.metadata import Metadata, read_metadata, write_without_metadata
from rivya_nb.jobs.reencode import Reencoded, reencode
from rivya_nb.jobs.sources import (
    LARGEST,
    LOST,
    FromVariable,
    is_there,
    web_address,
    write_source,
    wrong_source,
)
from rivya_nb.media.formats import HEADER_BYTES, find_medium
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.trouble import disk_trouble

if TYPE_CHECKING:
    from rivya_nb.store.files import ContentFiles

SHRINK_OFFER = "--shrink-refs (shrink_references=True) sends it encoded anew"


def take_references(
    sources: Iterable[object], models: Sequence[Model], files: ContentFiles, *, shrink: bool = False
) -> tuple[Reference, ...]:
    """Copy references into the store and describe them; the `note` of each says how it was changed.

    Each is a picture, a video or audio, by its bytes. Sources are paths (a leading `~` is the user's home), bytes,
    data URLs, open files, Pillow images and numpy arrays (both sent as PNG), files of the store, references that
    were taken before, and https addresses, which are passed on unchanged to models that take them. Only files that
    every model would take are kept. With `shrink`, pictures that are too large, or of a format that no model
    takes, are encoded anew.

    Raises:
        InvalidRequestError: with every source that is missing, unreadable, no picture, video or audio, or against
            a rule.
        StoreError: the store cannot be written.
    """
    taking = _Taking(models, files, shrink)
    taken: list[Reference] = []
    mistakes: dict[Mistake, None] = {}
    for place, source in enumerate(sources, start=1):
        try:
            taken.append(taking.take(source, f"reference {place}"))
        except InvalidRequestError as error:
            mistakes.update(dict.fromkeys(error.mistakes))
    if mistakes:
        raise InvalidRequestError(list(mistakes))
    return tuple(taken)


@dataclass(frozen=True)
class _Taking:
    """The models and files of one call."""

    models: Sequence[Model]
    files: ContentFiles
    shrink: bool

    def take(self, source: object, name: str) -> Reference:
        if isinstance(source, FromVariable):
            return replace(self.take(source.source, source.name), origin=f"{{{source.name}}}")
        taken = self._taken(source, name)
        is_path = isinstance(source, os.PathLike) or (
            isinstance(source, str) and not taken.url and not is_data_url(source)
        )
        return replace(taken, origin=str(source)) if is_path else taken

    def _taken(self, source: object, name: str) -> Reference:
        if isinstance(source, PictureRecord):
            source = source.as_reference(name)
        source = web_address(source, self._kinds) or source
        if isinstance(source, Reference):
            return self._known(source)
        if isinstance(source, (str, os.PathLike)):
            source = self.files.recalled(source)
        with self.files.arriving() as part:
            name = write_source(source, name, part, self._check)
            try:
                return self._finished(part, name)
            except PictureError as error:
                raise wrong_source(name, str(error)) from None

    def _known(self, reference: Reference) -> Reference:
        """A file that is already in the store; a picture is made smaller if necessary."""
        if not is_there(reference, self.files):
            raise wrong_source(reference.name, LOST)
        mistakes = self._mistakes(reference)
        if not mistakes:
            return reference
        if reference.url or reference.kind != "image" or not self.shrink or not self._can_shrink():
            raise InvalidRequestError(mistakes)
        path = self.files.local(reference.sha256, reference.mime_type)
        try:
            smaller = reencode(path, self._max_bytes, keep_format=False)
        except PictureError as error:
            raise wrong_source(reference.name, str(error)) from None
        return self._kept(reference.name, smaller, _change(reference.size, smaller))

    def _check(self, header: bytes, size: int, name: str) -> None:
        """Refuse a source before it is read as a whole. Raises InvalidRequestError."""
        if size == 0:
            raise wrong_source(name, "the file is empty")
        if size > LARGEST:
            limit = f"{LARGEST / MEGABYTE:g} MB"
            raise wrong_source(name, f"{size / MEGABYTE:.1f} MB is over the limit of {limit} for any file")
        if (found := find_medium(header)) is not None and found[0] != "image":
            # What is in it, and how long it is, is known when all of it is there.
            return
        mime_type = sniff(header)
        if mime_type is None:
            self._check_other(header, name, size)
            return
        mistakes = self._mistakes(Reference("", "image", mime_type, name, size))
        if mistakes and not (self.shrink and self._can_shrink()):
            raise InvalidRequestError(mistakes)

    def _check_other(self, header: bytes, name: str, size: int) -> None:
        known = find_format(header)
        kinds = self._kinds or ("image",)
        if known is None:
            accepted, way_out = "jpeg, png and webp", ""
            if kinds != ("image",):
                accepted, way_out = (
                    listing(self._formats),
                    "; a program such as ffmpeg converts videos and sounds",
                )
            if _is_text(header):
                wanted = " or ".join(_CALLED[each] for each in kinds)
                raise wrong_source(name, f"this is not {wanted} but text; accepted are {accepted}")
            raise wrong_source(name, f"its format is not known here; accepted are {accepted}{way_out}")
        if "image" not in kinds:
            raise InvalidRequestError(self._mistakes(Reference("", "image", known.mime_type, name, size)))
        message = f"its bytes are {known.article} {known.name}; accepted are jpeg, png and webp"
        if known.pillow is None and not self.shrink:
            raise wrong_source(name, message)
        try:
            require_decoder(known)
        except PictureError as error:
            raise wrong_source(name, f"{error}; accepted are jpeg, png and webp") from None
        if not self.shrink:
            raise wrong_source(name, f"{message}; {SHRINK_OFFER}")

    def _mistakes(self, reference: Reference) -> list[Mistake]:
        """The mistakes that these models find in it, each with a way out if there is one."""
        found = dict.fromkeys(
            mistake for model in self.models for mistake in check_references(model, [reference])
        )
        if reference.url or reference.kind != "image" or not self._can_shrink():
            return list(found)
        way_out = SHRINK_OFFER
        kind = next((each for each in FORMATS if each.mime_type == reference.mime_type), None)
        try:
            if found and kind is not None:
                require_decoder(kind)
        except PictureError as error:
            way_out = str(error)
        return [replace(mistake, message=f"{mistake.message}; {way_out}") for mistake in found]

    def _can_shrink(self) -> bool:
        """True if every model takes images."""
        return all(model.references is not None and model.references.takes("image") for model in self.models)

    @property
    def _rules(self) -> list[ReferenceRules]:
        return [model.references for model in self.models if model.references is not None]

    @property
    def _kinds(self) -> tuple[Medium, ...]:
        return shared_kinds(self._rules)

    @property
    def _formats(self) -> tuple[str, ...]:
        """The formats that any model's record names for these kinds."""
        types = (rules.rule(kind).mime_types or () for rules in self._rules for kind in self._kinds)
        return tuple(dict.fromkeys(format_words(each) for several in types for each in several))

    @property
    def _max_bytes(self) -> int | None:
        """The limit of the strictest model, None if no model's limit is known."""
        rules = [model.references.rule("image") for model in self.models if model.references is not None]
        return min((rule.max_bytes for rule in rules if rule.max_bytes is not None), default=None)

    def _finished(self, part: Path, name: str) -> Reference:
        """Examine the file, change it if necessary, and keep it."""
        size = part.stat().st_size
        with part.open("rb") as file:
            found_medium = find_medium(file.read(HEADER_BYTES))
        if found_medium is not None and found_medium[0] != "image":
            return self._recorded(part, name, size)
        kind = examine(part).kind
        if not kind.is_expected:
            converted = reencode(part, self._max_bytes, keep_format=True)
            return self._kept(name, converted, f"converted to {converted.story}")
        found = inspect(part)
        mime_type = found.mime_type
        with _mapped(part) as data:
            metadata = read_metadata(data, mime_type)
        if self._mistakes(Reference("", "image", mime_type, name, size)):
            smaller = reencode(part, self._max_bytes, keep_format=False)
            return self._kept(name, smaller, _change(size, smaller, metadata))
        if metadata.orientation != UPRIGHT:
            turned = reencode(part, self._max_bytes, keep_format=True)
            return self._kept(name, turned, f"turned upright, as {turned.story}{_unplaced(metadata)}")
        if metadata.has_location:
            return self._without_location(part, name, mime_type)
        return Reference(self.files.adopt(part, mime_type, found.sha256), "image", mime_type, name, size)

    def _recorded(self, part: Path, name: str, size: int) -> Reference:
        """Keep a video or audio file as it is, but for the place in its tags."""
        from rivya_nb.jobs.recorded_places import remove_place
        from rivya_nb.media.facts import read_facts

        facts = read_facts(part)
        if facts is None or facts.whole is False:
            raise wrong_source(name, "it is cut or damaged: not all of it is there")
        taken = Reference("", facts.medium, facts.mime_type, name, size, duration=facts.duration)
        if mistakes := self._mistakes(taken):
            raise InvalidRequestError(mistakes)
        with disk_trouble(part):
            told = remove_place(part, facts.mime_type)
        note = f"{name}: {told}" if told else ""
        return replace(taken, sha256=self.files.adopt(part, facts.mime_type), note=note)

    def _without_location(self, part: Path, name: str, mime_type: str) -> Reference:
        with self.files.arriving() as cleaned:
            with _mapped(part) as data, disk_trouble(cleaned), cleaned.open("wb") as target:
                write_without_metadata(data, mime_type, target)
            found = inspect(cleaned)
            self.files.adopt(cleaned, mime_type, found.sha256)
        note = f"{name}: sent without the place where it was taken; its pixels are unchanged"
        return Reference(found.sha256, "image", mime_type, name, found.size, note)

    def _kept(self, name: str, picture: Reencoded, change: str) -> Reference:
        sha256 = self.files.put(picture.data, picture.mime_type)
        size = len(picture.data)
        return Reference(sha256, "image", picture.mime_type, name, size, f"{name}: {change}")


_CALLED: Mapping[Medium, str] = {"image": "a picture", "video": "a video", "audio": "audio"}


@contextmanager
def _mapped(path: Path) -> Iterator[mmap]:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        yield data


def _change(size: int, smaller: Reencoded, metadata: Metadata | None = None) -> str:
    sizes = f"{file_size(size)} made {file_size(len(smaller.data))}"
    return f"{sizes}, as {smaller.story}" + ("" if metadata is None else _unplaced(metadata))


def _unplaced(metadata: Metadata) -> str:
    return ", without the place where it was taken" if metadata.has_location else ""


def _is_text(header: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in header)
