"""Reads a study file into an ask: nothing is evaluated, and every mistake is told with the key that it stands at.

What the file may hold stands in `study_file.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import did_you_mean, printable, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    REQUEST_AXIS,
    Ask,
    TableSource,
    wording_key,
)
from rivya_nb.planning.names import python_name
from rivya_nb.planning.places import MOST_REQUESTS
from rivya_nb.planning.prompt import PromptAxis, prompt_of
from rivya_nb.planning.prompt_tables import PromptTable
from rivya_nb.study.reading_parts import PartsReader, told
from rivya_nb.study.reading_rows import read_coupled
from rivya_nb.study.study_file import VERSION
from rivya_nb.study.wording import Part, read_prompt

_SECTIONS = ("study", "axes", "params", "seeds", "left_out", "references", "coupled", "requests")
_TABLE = ("prompts", "prompt_column", "templates", "prompts_sha256")
_STUDY = (
    *("version", "name", "model", "prompt", "repeat", "replicates", "sample", "sample_seed", "pair_seeds"),
    *("drawn", "order", "table", *_TABLE),
)
_REFERENCE = ("file", "sha256", "url")
_REQUEST = ("model", "prompt", "params", "references", "replicate")
_NAMES_LENGTH = 60


@dataclass(frozen=True)
class GivenReference:
    """A reference as a study file names it: by its file, by the SHA-256 of its content, or by its address."""

    file: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class GivenTable:
    """A table of prompts as a study file names it; `sha256` is that of the file's bytes."""

    prompts: str
    prompt_column: str | None = None
    templates: bool | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Sources:
    """Gives what a study file names: a reference, for models with these ids, and a table of prompts.

    Both raise InvalidRequestError or UsageError.
    """

    reference: Callable[[GivenReference, Sequence[str]], Reference]
    table: Callable[[GivenTable], PromptTable]


@dataclass(frozen=True)
class Study:
    """What a study file holds: what is asked, the name of its run, and the table that its prompts come from.

    The columns of the table are not in the ask yet.
    """

    ask: Ask
    name: str | None
    table: PromptTable | None = None


def read_study(text: str, sources: Sources) -> Study:
    """What a study file asks.

    Raises:
        UsageError: it is not TOML, of a newer form, or has mistakes; all of them are told.
    """
    reader = _Reader(sources, _parsed(text))
    study = reader.read()
    if reader.mistakes:
        raise UsageError(list(dict.fromkeys(reader.mistakes)))
    return study


def _parsed(text: str) -> dict[str, object]:
    import tomli

    try:
        content: dict[str, object] = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError([Mistake("", f"this is not TOML: {printable(str(error), 200)}")]) from None
    study = content.get("study")
    if not isinstance(study, dict):
        raise UsageError([Mistake("study", "there is no [study]; a study file begins with it")])
    version = study.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        shown = "it is missing" if version is None else f"{told(version)} is no version"
        raise UsageError([Mistake("study.version", f"{shown}; write version = {VERSION}")])
    if version > VERSION:
        newer = f"{short_repr(version)} is newer than this rivya_nb, which reads {VERSION}; upgrade rivya-nb"
        raise UsageError([Mistake("study.version", newer)])
    return content


class _Reader(PartsReader):
    """Reads the sections one by one. A mistake is noted, and the next part is read."""

    def __init__(self, sources: Sources, content: Mapping[str, object]) -> None:
        super().__init__()
        self._sources = sources
        self._content = content
        self.check_keys("", content, _SECTIONS)
        self._study = self.table("study", content)
        self.check_keys("study", self._study, _STUDY)

    def read(self) -> Study:
        study, content = self._study, self._content
        given = self.table("params", content)
        params = {key: self.values(f"params.{key}", value) for key, value in given.items()}
        asked: dict[str, Any] = {"params": params, **self._numbers()}
        name = self.text("study.name", study["name"]) if "name" in study else None
        table = None
        if "requests" in content:
            asked["requests"] = self._requests()
        else:
            table = self._table()
            asked.update(self._wording(params, table))
        ask = Ask(**asked)
        return Study(replace(ask, order=self._order(ask, table)), name, table)

    def _numbers(self) -> dict[str, Any]:
        study, seeds = self._study, self.table("seeds", self._content)
        pair_seeds = study.get("pair_seeds", True)
        if not isinstance(pair_seeds, bool):
            self.wrong("study.pair_seeds", f"{told(pair_seeds)} is neither true nor false")
        if seeds and pair_seeds is True:
            self.wrong("seeds", "these belong to pair_seeds = false, which draws for each prompt")
        return {
            "repeat": self.whole("study.repeat", study.get("repeat", 1), 1, MOST_REQUESTS),
            "replicates": self.whole("study.replicates", study.get("replicates", 1), 1, MOST_REQUESTS),
            "sample": self.whole("study.sample", study.get("sample", 0), 0, MOST_REQUESTS),
            "sample_seed": self.whole("study.sample_seed", study.get("sample_seed", 0), 0),
            "pair_seeds": pair_seeds is not False,
            "drawn": self.seeds("study.drawn", study.get("drawn", [])),
            "drawn_by_prompt": {
                wording_key(prompt): self.seeds(f"seeds.{prompt}", each) for prompt, each in seeds.items()
            },
            "table": self._source(study["table"]) if "table" in study else None,
        }

    def _source(self, given: object) -> TableSource:
        """The file that rows came from, which is not read again."""
        told_of = given if isinstance(given, dict) else {"file": given}
        self.check_keys("study.table", told_of, ("file", "column", "templates"))
        templates = told_of.get("templates")
        if not isinstance(templates, (bool, type(None))):
            self.wrong("study.table.templates", f"{told(templates)} is neither true nor false")
        file = self.text("study.table", told_of.get("file"))
        if not file or "/" in file:
            self.wrong("study.table", "it has the name of a file, without a folder")
        column = self.text("study.table.column", told_of.get("column", PROMPT_AXIS))
        return TableSource(file, column, templates if isinstance(templates, bool) else None)

    # The prompt and what varies with it

    def _wording(self, params: dict[str, tuple[object, ...]], table: PromptTable | None) -> dict[str, Any]:
        coupled = read_coupled(self, self._content.get("coupled", []))
        rows = {name: values for each in coupled for name, values in each.members.items()}
        parts = self._prompt(rows, table)
        axes = {part.name for part in parts if isinstance(part, PromptAxis)}
        if twice := axes & {MODEL_AXIS, REFERENCES_AXIS}:
            self.wrong("study.prompt", f"an axis cannot be called {min(twice)}; rename it")
        for each in coupled:
            each.check_prompts(self, axes)
        models = self._models(rows)
        references = self._references(models, rows)
        own = {
            name: values for name, values in rows.items() if name not in (*axes, MODEL_AXIS, REFERENCES_AXIS)
        }
        for name in own.keys() & params.keys():
            self.wrong(f"params.{name}", "it stands in the rows of [[coupled]], too; take one of both out")
        params.update(own)
        return {
            "prompt": prompt_of(parts),
            "models": models,
            "references": references,
            "left_out": self._left_out(models, params),
            "coupled": tuple(each.coupling for each in coupled),
        }

    def _models(self, rows: Mapping[str, Sequence[object]]) -> tuple[str, ...]:
        if MODEL_AXIS in rows:
            if MODEL_AXIS in self._study:
                self.wrong("study.model", "it stands in the rows of [[coupled]], too; take one of both out")
            return tuple(map(str, rows[MODEL_AXIS]))
        given = self._study.get("model", DEFAULT_MODEL)
        models = self.texts("study.model", given if isinstance(given, list) else [given])
        if not models:
            self.wrong("study.model", "an empty list leaves nothing to ask")
        return models

    def _prompt(self, rows: Mapping[str, Sequence[object]], table: PromptTable | None) -> list[Part]:
        axes = {name: self._options(name, value) for name, value in self.table("axes", self._content).items()}
        for name in axes.keys() & rows.keys():
            self.wrong(f"axes.{name}", "it stands in the rows of [[coupled]], too; take one of both out")
        named = {name: tuple(map(str, values)) for name, values in rows.items()} | axes
        if table is not None:
            named[PROMPT_AXIS] = table.wordings
        # Rows with a prompt are the prompt where nothing is written around them.
        given = self._study.get("prompt", f"{{{PROMPT_AXIS}}}" if PROMPT_AXIS in named else None)
        if given is None:
            # Of a table that cannot be read, that is told.
            if "prompts" not in self._study:
                self.wrong("study.prompt", 'it is missing; write prompt = "a red fox in snow"')
            return []
        parts = self._parts(given, named)
        used = {part.name for part in parts if isinstance(part, PromptAxis)}
        places = [*axes, *({PROMPT_AXIS} & named.keys())]
        for name in dict.fromkeys(places) if parts else ():
            if name not in used:
                shown = f"{{{printable(name, _NAMES_LENGTH)}}}"
                self.wrong(f"axes.{name}", f"the prompt has no place for it; write {shown} there")
        return parts

    def _parts(self, given: object, named: Mapping[str, tuple[str, ...]]) -> list[Part]:
        if isinstance(given, list):
            return [self._part(part, named) for part in given]
        if not isinstance(given, str):
            self.wrong("study.prompt", f"{told(given)} is not text")
            return []
        try:
            return read_prompt(given, named)
        except UsageError as error:
            places = {PROMPT_AXIS: f"study.{PROMPT_AXIS}"}
            self.mistakes += [
                replace(each, where=places.get(each.where, each.where)) for each in error.mistakes
            ]
            return []

    def _part(self, given: object, named: Mapping[str, tuple[str, ...]]) -> Part:
        name = given.get("axis") if isinstance(given, dict) else None
        if isinstance(given, str):
            return given
        if not isinstance(name, str) or given != {"axis": name}:
            self.wrong("study.prompt", f'{told(given)} is neither text nor an axis, as in {{axis = "light"}}')
            return ""
        if name not in named:
            hint = did_you_mean(name, named) or "; give its options below [axes]"
            self.wrong("study.prompt", f"there is no axis {short_repr(name)}{hint}")
        return PromptAxis(name, named.get(name, ("",)))

    def _options(self, name: str, given: object) -> tuple[str, ...]:
        where = f"axes.{name}"
        options = self.texts(where, given if isinstance(given, list) else [given], marked=True)
        if not options:
            self.wrong(where, "an empty list leaves nothing to ask")
        if python_name(name) != name:
            self.wrong(where, "this cannot name an axis; use letters, digits and _")
        return options or ("",)

    def _left_out(self, models: Collection[str], params: Collection[str]) -> dict[str, tuple[str, ...]]:
        left_out = {}
        for model, given in self.table("left_out", self._content).items():
            where = f"left_out.{model}"
            if model not in models:
                self.wrong(where, f"this model is not asked{did_you_mean(model, models)}")
                continue
            left_out[model] = keys = self.texts(where, given)
            for key in keys:
                if key not in params:
                    hint = did_you_mean(key, params)
                    self.wrong(where, f"{short_repr(key)} is not among the [params]{hint}")
        return left_out

    def _table(self) -> PromptTable | None:
        study = self._study
        if "prompts" not in study:
            for key in study.keys() & set(_TABLE):
                self.wrong(
                    f"study.{key}", 'it says how a table is read, and there is none; write prompts = "…"'
                )
            return None
        earlier = len(self.mistakes)
        texts = {
            key: self.text(f"study.{key}", study[key])
            for key in ("prompts", "prompt_column", "prompts_sha256")
            if key in study
        }
        templates = study.get("templates")
        if not isinstance(templates, (bool, type(None))):
            self.wrong("study.templates", f"{told(templates)} is neither true nor false")
        if "coupled" in self._content:
            self.wrong("coupled", "the table of prompts has its own rows; take one of both out")
        if len(self.mistakes) > earlier:
            return None
        given = GivenTable(
            texts["prompts"],
            texts.get("prompt_column"),
            templates if isinstance(templates, bool) else None,
            texts.get("prompts_sha256"),
        )
        try:
            return self._sources.table(given)
        except (InvalidRequestError, UsageError) as error:
            self.mistakes += [Mistake("study.prompts", str(each)) for each in error.mistakes]
            return None

    # References and requests

    def _references(
        self, models: Sequence[str], rows: Mapping[str, Sequence[object]]
    ) -> dict[str, tuple[Reference, ...]]:
        sets: dict[str, list[Reference]] = {}
        given = self.tables("references", self._content.get("references", []))
        named = ["set" in each for _, each in given]
        if any(named) and not all(named):
            where = given[named.index(False)][0]
            self.wrong(where, 'the others belong to sets; write set = "…" here, too')
        for where, each in given:
            self.check_keys(where, each, (*_REFERENCE, "set"))
            pictures = sets.setdefault(self.text(f"{where}.set", each.get("set", "")), [])
            if each.keys() - {"set"} or "set" not in each:
                pictures += self._reference(where, each, models)
        if REFERENCES_AXIS not in rows:
            return {label: tuple(pictures) for label, pictures in sets.items()}
        labels = [str(label) for label in rows[REFERENCES_AXIS]]
        for label in dict.fromkeys(labels):
            if label not in sets:
                hint = did_you_mean(label, sets)
                self.wrong("coupled", f"there is no set {short_repr(label)} among the [[references]]{hint}")
        for label in sets.keys() - set(labels):
            self.wrong("references", f"no row of [[coupled]] has the set {short_repr(label)}")
        once = len(set(labels)) == len(labels)
        return {label if once else str(at): tuple(sets.get(label, ())) for at, label in enumerate(labels, 1)}

    def _reference(self, where: str, given: Mapping[str, object], models: Sequence[str]) -> list[Reference]:
        earlier = len(self.mistakes)
        texts = {key: self.text(f"{where}.{key}", given[key]) for key in _REFERENCE if key in given}
        if not texts or ("url" in texts and len(texts) > 1):
            self.wrong(where, "it takes file and sha256, one of both, or url alone")
        if len(self.mistakes) > earlier:
            return []
        try:
            return [self._sources.reference(GivenReference(**texts), models)]
        except (InvalidRequestError, UsageError) as error:
            self.mistakes += [Mistake(where, str(each)) for each in error.mistakes]
            return []

    def _requests(self) -> tuple[Request, ...]:
        own = "[[requests]] have their own; take one of both out"
        for key in ("axes", "left_out", "references", "coupled", "seeds"):
            if key in self._content:
                self.wrong(key, own)
        for key in self._study.keys() & {"model", "prompt", "drawn", "repeat", *_TABLE}:
            self.wrong(f"study.{key}", own)
        given = self.tables("requests", self._content["requests"])
        if not given:
            self.wrong("requests", "an empty list leaves nothing to ask")
        return tuple(self._request(where, each) for where, each in given)

    def _request(self, where: str, given: Mapping[str, object]) -> Request:
        self.check_keys(where, given, _REQUEST)
        model = self.text(f"{where}.model", given.get("model", DEFAULT_MODEL))
        prompt = self.text(f"{where}.prompt", given.get("prompt", ""))
        listed = self.tables(f"{where}.references", given.get("references", []))
        for place, reference in listed:
            self.check_keys(place, reference, _REFERENCE)
        references = [found for place, one in listed for found in self._reference(place, one, [model])]
        params: dict[str, Any] = {
            key: self.value(f"{where}.params.{key}", value)
            for key, value in self.table("params", given, where).items()
        }
        replicate = self.whole(f"{where}.replicate", given.get("replicate", 1), 1)
        return Request(model, prompt, params, tuple(references), replicate=replicate)

    def _order(self, ask: Ask, table: PromptTable | None) -> tuple[str, ...]:
        order = self.texts("study.order", self._study.get("order", []))
        names = [
            *(MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, REPLICATE_AXIS, REQUEST_AXIS),
            *(axis.name for axis in ask.axes()),
            *(*ask.params, *ask.couplings, *(axis.name for axis in ask.prompt.axes)),
            *(() if table is None else table.columns),
        ]
        for name in order:
            if name not in names:
                self.wrong("study.order", f"there is no axis {short_repr(name)}{did_you_mean(name, names)}")
        return order
