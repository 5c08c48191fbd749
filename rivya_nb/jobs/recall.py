"""Recalls the request of a picture: from the store, from its file, or from the JSON beside it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import DEFAULT_MODEL, MEGABYTE, Catalogue, Model
from rivya_nb.contract.ideas import nearest_shape, same_idea
from rivya_nb.contract.params import ParamValue, check_params
from rivya_nb.contract.references import check_references
from rivya_nb.contract.request import SEED_KEY, Request, check_prompt
from rivya_nb.contract.text import listing, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.files import open_file, user_path
from rivya_nb.imaging.containers import LARGEST_TEXT
from rivya_nb.jobs.found import find_request, read_ours
from rivya_nb.jobs.sources import LARGEST, LOST, is_there
from rivya_nb.jobs.telling import Found, read_object
from rivya_nb.store.files import hash_of
from rivya_nb.store.inscriptions import read_inscriptions
from rivya_nb.store.provenance import sidecar_of

if TYPE_CHECKING:
    from rivya_nb.store.store import Store

_HASH = re.compile(r"[0-9a-f]{64}")
_NEGATIVE = "negative_prompt"
_MOST_NAMES = 8

Source = str | os.PathLike[str] | bytes

_LIMIT = f"the limit of {LARGEST / MEGABYTE:g} MB"


def recall(source: Source, store: Store, catalogue: Catalogue) -> Request:
    """The request that a picture came from; its `notes` say what did not fit.

    `source` is a file's path, its bytes, or the SHA-256 of an original. Slow (it reads and hashes the file).

    Raises:
        UsageError: the file does not exist or cannot be read, or no request is found in it.
    """
    if isinstance(source, str) and _HASH.fullmatch(source) and not os.path.lexists(source):
        record = store.pictured(source)
        if record is None:
            raise UsageError([Mistake(source[:12], "the store has no result with this hash")])
        return _told(record.request, store)
    name, data, sha256 = _contents(source)
    record = store.pictured(sha256)
    if record is not None:
        return _told(record.request, store)
    found = find_request(read_inscriptions(data))
    if found is None or not found.prompt:
        found = _in_json(data) or (None if isinstance(source, bytes) else _beside(source)) or found
    if found is None or not found.prompt.strip():
        reasons = "" if found is None else "".join(f"; {note}" for note in found.notes)
        read = (
            "can be read from it" if data else f"lies beside it (in a file over {_LIMIT} none is looked for)"
        )
        message = f"no request {read}, and it is not a result of this store{reasons}"
        raise UsageError([Mistake(name, message)])
    known = _as_known(found, store)
    return _told(fitted(found, catalogue) if known is None else known, store)


def _contents(source: Source) -> tuple[str, bytes, str]:
    """Its name, its bytes and their hash. Of a large file there are no bytes: a video's request lies beside it."""
    if isinstance(source, bytes):
        return "these bytes", source, hashlib.sha256(source).hexdigest()
    file, size = open_file(source)
    file.close()
    if size <= LARGEST:
        name, data = _read(source, LARGEST)
        return name, data, hashlib.sha256(data).hexdigest()
    name = Path(source).name
    try:
        return name, b"", hash_of(user_path(source))
    except OSError as error:
        raise UsageError([Mistake(name, f"it cannot be read ({error.strerror or error})")]) from None


def _read(source: str | os.PathLike[str], largest: int) -> tuple[str, bytes]:
    file, size = open_file(source)
    name = Path(source).name
    with file:
        if size == 0:
            raise UsageError([Mistake(name, "the file is empty")])
        try:
            data = file.read(largest + 1) if size <= largest else None
        except OSError as error:
            raise UsageError([Mistake(name, f"it cannot be read ({error.strerror or error})")]) from None
    if data is None or len(data) > largest:
        raise UsageError([Mistake(name, f"the file is over the limit of {largest / MEGABYTE:g} MB")])
    return name, data


def _beside(source: str | os.PathLike[str]) -> Found | None:
    sidecar = sidecar_of(user_path(source))
    return _in_json(_read(sidecar, LARGEST_TEXT)[1]) if os.path.lexists(sidecar) else None


def _in_json(data: bytes) -> Found | None:
    if len(data) > LARGEST_TEXT or not data.lstrip().startswith(b"{"):
        return None
    told = read_object(data.decode("utf-8", "replace"))
    return None if told is None else read_ours(told)


def _as_known(found: Found, store: Store) -> Request | None:
    """The store's record of the same request, if there is one: it knows more about the references."""
    record = None if found.job is None else store.jobs([found.job]).get(found.job)
    if record is None:
        return None
    same = (record.model, record.prompt, dict(record.params), record.replicate) == (
        found.model,
        found.prompt,
        dict(found.params),
        found.replicate,
    )
    hashes = [[ref.sha256 for ref in references] for references in (record.references, found.references)]
    return record.request if same and hashes[0] == hashes[1] else None


def _told(request: Request, store: Store) -> Request:
    """The request, with a note for each reference that is no longer in the store."""
    missing = [
        f"{reference.name}: {LOST}"
        for reference in request.references
        if not is_there(reference, store.files)
    ]
    return replace(request, notes=(*request.notes, *missing))


def fitted(found: Found, catalogue: Catalogue) -> Request:
    """The found request, for a model of the catalogue; the notes say what did not fit."""
    model, notes = _model(found, catalogue)
    fit = _Fit(model, notes)
    for key, value in found.params.items():
        fit.take(key, value)
    if found.seed is not None and SEED_KEY not in found.params:
        fit.take(SEED_KEY, found.seed)
    if found.size is not None:
        fit.take_size(found.size)
    if found.negative is not None and _NEGATIVE not in found.params:
        fit.take(_NEGATIVE, found.negative)
    notes += found.notes
    if found.rest:
        more = f" and {len(found.rest) - _MOST_NAMES} more" if len(found.rest) > _MOST_NAMES else ""
        names = listing(printable(name, 60) for name in found.rest[:_MOST_NAMES])
        notes.append(f"{found.teller} wrote settings that mean nothing here; left out: {names}{more}")
    mistakes = [*check_prompt(model, found.prompt), *check_references(model, found.references)]
    notes += map(str, mistakes)
    return Request(
        model.id,
        found.prompt,
        fit.params,
        found.references,
        model.base_credits,
        tuple(notes),
        replicate=found.replicate,
        price_is_least=model.price_is_least,
        makes=model.makes,
    )


def _model(found: Found, catalogue: Catalogue) -> tuple[Model, list[str]]:
    wanted = (found.model or "").casefold()
    for model in catalogue.values():
        if model.can_run and wanted in (model.id.casefold(), model.display_name.casefold()):
            return model, []
    model = catalogue.runnable(DEFAULT_MODEL)
    said = f"{short_repr(found.model)} is not in the catalogue" if found.model else "it is not named"
    return model, [f"model: {said}; {model.id} is used instead"]


class _Fit:
    """The params of one request, added one by one; what does not fit becomes a note."""

    def __init__(self, model: Model, notes: list[str]) -> None:
        self.params: dict[str, ParamValue] = {}
        self._model = model
        self._notes = notes

    def take(self, key: str, value: object) -> None:
        name = key if self._model.param(key) is not None else same_idea(key, self._model.param_keys)
        if name is None:
            self._notes.append(f"{key}: {self._model.id} has no such param; {short_repr(value)} is left out")
            return
        param = self._model.param(name)
        if param is not None and param.type == "number" and isinstance(value, str):
            value = _as_number(value)
        accepted, mistakes = check_params(self._model, {name: value})
        self.params.update(accepted)
        self._notes += [f"{mistake}; it is left out" for mistake in mistakes if mistake.where == name]

    def take_size(self, size: tuple[int, int]) -> None:
        name = same_idea("aspect_ratio", self._model.param_keys)
        if name in self.params:
            return
        param = None if name is None else self._model.param(name)
        shown = f"{size[0]} × {size[1]}"
        if param is None or param.options is None:
            self._notes.append(f"size: {self._model.id} has no param for it; {shown} is left out")
            return
        options = sorted(param.options, key=lambda option: option != param.default)
        shape = nearest_shape(size, options)
        if shape is None:
            self._notes.append(
                f"size: no {param.key} has the shape of {shown}; there are {listing(param.options)}"
            )
        else:
            self.params[param.key] = shape
            self._notes.append(f"size: {shown} becomes {param.key} {shape}")


def _as_number(value: str) -> object:
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value
