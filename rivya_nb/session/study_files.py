"""Plans from study files, and study files from plans."""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import MEGABYTE, Catalogue
from rivya_nb.contract.media import medium_of
from rivya_nb.contract.references import Reference
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.files import open_file, target_file, user_path
from rivya_nb.jobs.intake import take_references
from rivya_nb.jobs.sources import web_address, wrong_source
from rivya_nb.media.formats import EXTENSIONS
from rivya_nb.planning.ask import Ask
from rivya_nb.planning.expansion import Expansion, distinct, expand, expand_places
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.seeds import draw_seeds, seed_param
from rivya_nb.planning.tables import Rows
from rivya_nb.session.planning import planned
from rivya_nb.session.showing.written import WrittenFile
from rivya_nb.session.tabled import with_table
from rivya_nb.store.files import write_whole
from rivya_nb.study.reading import GivenReference, GivenTable, Sources, read_study
from rivya_nb.study.study_file import LARGEST, study_text

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.session import Session

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_plan(
    session: Session,
    path: str | os.PathLike[str],
    *,
    max_credits: int | None = None,
    max_parallel: int | None = None,
    fresh: bool = False,
) -> Plan:
    """The plan of a study file; see `rv.read_plan`."""
    file = user_path(path)
    text = _text_of(path)

    def made() -> Plan:
        try:
            taking = _Taking(session, file.parent)
            study = read_study(text, Sources(taking.reference, taking.table))
        except UsageError as error:
            named = [replace(each, where=each.where or file.name) for each in error.mistakes]
            raise UsageError(named) from None
        ask, notes, rows = study.ask, list[str](), None
        if study.table is not None:
            ask, notes, mistakes = with_table(session, ask, study.table, False)
            rows = study.table.rows
            if mistakes:
                raise InvalidRequestError(mistakes)
        return planned(
            session,
            _expanded(ask, session.catalogue, rows),
            name=study.name,
            max_credits=max_credits,
            max_parallel=max_parallel,
            fresh=fresh,
            notes=notes,
        )

    return session.work_loop.aside(made)


def write_plan(plan: Plan, path: str | os.PathLike[str]) -> WrittenFile:
    """Write the study file of a plan; see `Plan.to_toml`."""
    target = target_file(path)
    data = text_of_plan(plan, target.parent).encode()
    if len(data) > LARGEST:
        raise UsageError([_too_large(target.name, len(data))])
    write_whole(target, data)
    return WrittenFile(target)


def text_of_plan(plan: Plan, folder: Path) -> str:
    """The study file of a plan, as it would stand in a folder."""
    return study_text(plan.expansion.ask, plan.name, lambda reference: _file_in(folder, reference))


def _text_of(path: str | os.PathLike[str]) -> str:
    file, size = open_file(path)
    name = Path(path).name
    with file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UsageError([_too_large(name, max(size, len(data)))])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            [Mistake(name, "this is not text in UTF-8; save it as UTF-8 and read it again")]
        ) from None


def _too_large(name: str, size: int) -> Mistake:
    limit = f"{LARGEST / MEGABYTE:g} MB for a study file"
    message = (
        f'{size / MEGABYTE:.1f} MB is over the limit of {limit}; name a table with prompts = "….csv" in it'
    )
    return Mistake(name, message)


def _expanded(ask: Ask, catalogue: Catalogue, rows: Rows | None) -> Expansion:
    """The requests of a study. Seeds that stand in the file are written down; only what is missing is drawn.

    Raises:
        InvalidRequestError, UsageError: with every mistake.
    """
    draw_seed = random.SystemRandom().randint
    if ask.requests:
        expansion, wrong = expand_places(ask, catalogue)
        if wrong:
            raise InvalidRequestError(distinct(wrong))
        return expansion
    missing = ask.repeat - len(ask.drawn)
    if ask.drawn and missing > 0:
        models = [catalogue.runnable(model) for model in ask.models]
        if seeded := [model for model in models if seed_param(model) is not None]:
            taken = {int(seed) for seed in ask.drawn}
            ask = replace(ask, drawn=(*ask.drawn, *draw_seeds(seeded, missing, draw_seed, taken)))
    expansion = expand(ask, catalogue, draw_seed, rows)
    return expansion.written_down() if ask.draws else expansion


class _Taking:
    """Takes the references of a study file: what the store has by its content, and else files of its folder."""

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._files = session.store.files
        self._folder = folder

    def table(self, given: GivenTable) -> PromptTable:
        path = self._below(given.prompts)
        if given.sha256 is not None:
            self._check_content(path, given)
        return prompt_table(path, given.prompt_column, given.templates)

    def _check_content(self, path: Path, given: GivenTable) -> None:
        """UsageError if the bytes of a table are not those that the study file means."""
        file, _ = open_file(path)
        with file:
            found = hashlib.sha256(file.read()).hexdigest()
        if found != given.sha256:
            message = (
                f"this table has changed since the study was written (its SHA-256 is now {found}); put the "
                "earlier one in its place, or take the line prompts_sha256 out to ask with this one"
            )
            raise UsageError([Mistake(given.prompts, message)])

    def reference(self, given: GivenReference, models: Sequence[str]) -> Reference:
        if given.url is not None:
            address = web_address(given.url)
            if address is None:
                raise wrong_source(given.url, "this is not a web address")
            return address
        if given.sha256 is not None and not _SHA256.fullmatch(given.sha256):
            message = (
                f"{short_repr(given.sha256)} is not a SHA-256, which has 64 digits from 0 to 9 and a to f"
            )
            raise UsageError([Mistake("sha256", message)])
        path = None if given.file is None else self._below(given.file)
        return self._known(given, path) or self._from_file(given, path, models)

    def _known(self, given: GivenReference, path: Path | None) -> Reference | None:
        """The picture that the store has."""
        for mime_type in EXTENSIONS if given.sha256 else ():
            sha256 = given.sha256 or ""
            size = self._files.size(sha256, mime_type)
            if size is not None:
                origin = str(path) if path is not None and path.is_file() else ""
                name = (given.file and PurePosixPath(given.file).name) or "reference"
                kind = medium_of(mime_type)
                duration = None if kind == "image" else _duration(self._files.local(sha256, mime_type))
                return Reference(sha256, kind, mime_type, name, size, origin=origin, duration=duration)
        return None

    def _from_file(self, given: GivenReference, path: Path | None, models: Sequence[str]) -> Reference:
        if path is None:
            raise UsageError('the store has no file of this content; name its file with file = "…"')
        if not path.exists():
            where = f"in {self._folder}" + (
                "" if given.sha256 is None else ", and the store does not have it, either"
            )
            raise UsageError([Mistake(given.file or "", f"there is no such file {where}")])
        known, _ = self._session.models_of(models)
        (taken,) = take_references([path], known, self._files)
        if given.sha256 not in (None, taken.sha256):
            message = (
                f"this file has changed since the study was written (its SHA-256 is now {taken.sha256}); put the "
                "earlier one in its place, or take the line sha256 out to ask with this one"
            )
            raise UsageError([Mistake(given.file or "", message)])
        return taken

    def _below(self, file: str) -> Path:
        """The path of a file below the study's folder. UsageError for any other."""
        is_relative = not (PurePosixPath(file).is_absolute() or PureWindowsPath(file).drive)
        path = user_path(self._folder / file) if file and "\0" not in file else self._folder
        folder = self._folder.resolve()
        if not is_relative or ".." in PureWindowsPath(file).parts or folder not in path.resolve().parents:
            raise UsageError(
                [
                    Mistake(
                        file,
                        f"only a file below the study's own folder can be named; copy it to {self._folder}",
                    )
                ]
            )
        return path


def _file_in(folder: Path, reference: Reference) -> str:
    """The path of a reference's file below a folder; of one that is elsewhere, its name alone."""
    try:
        origin = user_path(reference.origin).resolve() if reference.origin else None
        if origin is not None and origin.is_file():
            return origin.relative_to(folder.resolve()).as_posix()
    except (UsageError, ValueError, OSError):
        pass
    return reference.name


def _duration(path: Path) -> float | None:
    from rivya_nb.media.facts import read_facts

    facts = read_facts(path)
    return None if facts is None else facts.duration
