"""Files that can be references."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from rivya_nb.contract.catalogue import Model
from rivya_nb.contract.text import file_size
from rivya_nb.errors import UsageError
from rivya_nb.files import user_path
from rivya_nb.imaging.formats import EXTENSIONS
from rivya_nb.magics.completion.offers import QUOTES, Offer, value_offer

_LOOKED_AT = 10_000
"""Entries of a folder that are looked at, so that TAB is quick in any folder."""

_MORE_EXTENSIONS = {"image/jpeg": (".jpeg",), "image/tiff": (".tiff",), "image/heic": (".heif",)}


def picture_offers(typed: str, models: Sequence[Model], *, any_format: bool) -> list[Offer]:
    """The pictures of the folder that is typed, in the formats that one of the models takes or in `any_format`;
    then its folders."""
    return file_offers(typed, _suffixes(models, any_format))


def file_offers(typed: str, suffixes: tuple[str, ...]) -> list[Offer]:
    """The files of the folder that is typed whose names end so; then its folders."""
    path = typed[1:] if typed[:1] in QUOTES else typed
    folder = path[: path.rfind("/") + 1]
    start = path[len(folder) :].casefold()
    files: dict[str, Offer] = {}
    folders: dict[str, Offer] = {}
    with suppress(OSError, UsageError), os.scandir(user_path(folder or ".")) as entries:
        for entry in islice(entries, _LOOKED_AT):
            name = entry.name
            if start not in name.casefold() or (name.startswith(".") and not start.startswith(".")):
                continue
            if entry.is_dir():
                folders[name] = _folder_offer(f"{folder}{name}/", typed)
            elif name.casefold().endswith(suffixes):
                files[name] = value_offer(folder + name, typed, file_size(entry.stat().st_size))
    return [offers[name] for offers in (files, folders) for name in sorted(offers, key=str.casefold)]


def _folder_offer(path: str, typed: str) -> Offer:
    """A folder is gone into with the next TAB: its quotes stay open."""
    whole = value_offer(path, typed, "folder")
    text = whole.text[:-1] if whole.text[:1] in QUOTES else whole.text
    return Offer(text, whole.note, whole.plain)


def _suffixes(models: Sequence[Model], any_format: bool) -> tuple[str, ...]:
    """The endings of the names of picture files, in small letters."""
    rules = [model.references.rule("image") for model in models if model.references is not None]
    allowed = None
    if rules and not any_format and all(rule.mime_types is not None for rule in rules):
        allowed = {mime_type for rule in rules for mime_type in rule.mime_types or ()}
    return tuple(
        suffix
        for mime_type, extension in EXTENSIONS.items()
        if allowed is None or mime_type in allowed
        for suffix in (extension, *_MORE_EXTENSIONS.get(mime_type, ()))
    )
