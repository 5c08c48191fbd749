"""Files that can be references."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice

from rivya_nb.contract.catalogue import Model, ReferenceRules
from rivya_nb.contract.media import medium_of
from rivya_nb.contract.text import file_size
from rivya_nb.errors import UsageError
from rivya_nb.files import user_path
from rivya_nb.magics.completion.offers import QUOTES, Offer, value_offer
from rivya_nb.media.suffixes import SUFFIXES

_LOOKED_AT = 10_000
"""Entries of a folder that are looked at, so that TAB is quick in any folder."""


def reference_offers(typed: str, models: Sequence[Model], *, any_format: bool) -> list[Offer]:
    """The files of the folder that is typed, of the kinds and in the formats that one of the models takes, or
    pictures in `any_format`; then its folders."""
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
    """The endings of the names of files that one of the models takes, in small letters."""
    rules = [model.references for model in models if model.references is not None]
    return tuple(
        suffix
        for mime_type, suffixes in SUFFIXES.items()
        if not rules or any(_takes(each, mime_type, any_format) for each in rules)
        for suffix in suffixes
    )


def _takes(rules: ReferenceRules, mime_type: str, any_format: bool) -> bool:
    kind = medium_of(mime_type)
    allowed = rules.rule(kind).mime_types
    is_shrunk = any_format and kind == "image"
    # Of kinds that are not known, pictures are what models most likely take.
    is_kind = kind == "image" if rules.kinds is None else kind in rules.kinds
    return is_kind and (allowed is None or is_shrunk or mime_type in allowed)
