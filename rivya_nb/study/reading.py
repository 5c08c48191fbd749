"""Reads a study file into an ask: nothing is evaluated, and every mistake is told with the key that it stands at.

What the file may hold stands in `study_file.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import did_you_mean, listing, mark, printable, short_repr
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, Ask
from rivya_nb.planning.names import python_name
from rivya_nb.planning.prompt import PromptAxis, prompt_of
from rivya_nb.planning.values import MAX_VALUES, is_range, read_range
from rivya_nb.study.study_file import NONE, TEXT, VERSION
from rivya_nb.study.wording import Part, read_prompt

_SECTIONS = ("study", "axes", "params", "left_out", "references", "requests")
_STUDY = ("version", "name", "model", "prompt", "repeat", "drawn", "order")
_REFERENCE = ("file", "sha256", "url")
_REQUEST = ("model", "prompt", "params", "references")
_OF_WHOEVER_RUNS_IT = (
    *("key", "api_key", "token", "secret", "base_url", "address", "service", "store"),
    *("limit", "max_credits", "max_parallel", "parallel"),
)
"""What a study file has no place for, by the names under which it might be written."""

_NAMES_LENGTH = 60
_KINDS: Mapping[type, str] = {dict: "a table", list: "a list"}


@dataclass(frozen=True)
class GivenReference:
    """A reference as a study file names it: by its file, by the SHA-256 of its content, or by its address."""

    file: str | None = None
    sha256: str | None = None
    url: str | None = None


Take = Callable[[GivenReference, Sequence[str]], Reference]
"""Gives the reference for models with these ids. Raises InvalidRequestError or UsageError."""


@dataclass(frozen=True)
class Study:
    """What a study file holds: what is asked, and the name of its run."""

    ask: Ask
    name: str | None


def read_study(text: str, take: Take) -> Study:
    """What a study file asks. A reference is given by `take`.

    Raises:
        UsageError: it is not TOML, of a newer form, or has mistakes; all of them are told.
    """
    reader = _Reader(take)
    study = reader.study(_parsed(text))
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
    version = study.get("version") if isinstance(study, dict) else None
    if not isinstance(study, dict):
        raise UsageError([Mistake("study", "there is no [study]; a study file begins with it")])
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        shown = "it is missing" if version is None else f"{short_repr(version)} is no version"
        raise UsageError([Mistake("study.version", f"{shown}; write version = {VERSION}")])
    if version > VERSION:
        raise UsageError(
            [
                Mistake(
                    "study.version",
                    f"{short_repr(version)} is newer than this rivya_nb, which reads {VERSION}; upgrade rivya-nb",
                )
            ]
        )
    return content


@dataclass
class _Reader:
    """Reads the sections one by one. A mistake is noted, and the next part is read."""

    take: Take
    mistakes: list[Mistake] = field(default_factory=list)

    def study(self, content: Mapping[str, object]) -> Study:
        self._known("", content, _SECTIONS)
        study = self._table("study", content)
        self._known("study", study, _STUDY)
        given = self._table("params", content)
        params = {key: self._values(f"params.{key}", value) for key, value in given.items()}
        name = self._text("study.name", study["name"]) if "name" in study else None
        asks: dict[str, object] = {"params": params, "repeat": self._repeat(study)}
        if "drawn" in study:
            asks["drawn"] = tuple(self._drawn(study["drawn"]))
        if "requests" in content:
            asks["requests"] = tuple(self._requests(content, study))
        else:
            models = asks["models"] = self._models(study)
            asks["prompt"] = prompt_of(self._prompt(study, content))
            asks["references"] = self._references(content, models)
            asks["left_out"] = self._left_out(content, models, params)
        ask = Ask(**asks)  # type: ignore[arg-type]
        order = self._texts("study.order", study.get("order", []))
        self._check_order(order, ask)
        return Study(Ask(**{**asks, "order": order}), name)  # type: ignore[arg-type]

    # Sections

    def _repeat(self, study: Mapping[str, object]) -> int:
        repeat = study.get("repeat", 1)
        if isinstance(repeat, int) and not isinstance(repeat, bool) and repeat >= 1:
            return repeat
        self._wrong("study.repeat", f"{short_repr(repeat)} is not a whole number from 1 on")
        return 1

    def _models(self, study: Mapping[str, object]) -> tuple[str, ...]:
        given = study.get("model", DEFAULT_MODEL)
        models = self._texts("study.model", given if isinstance(given, list) else [given])
        if not models:
            self._wrong("study.model", "an empty list leaves nothing to ask")
        return models

    def _drawn(self, given: object) -> Iterable[ParamValue]:
        for seed in self._list("study.drawn", given):
            if isinstance(seed, (int, str)) and not isinstance(seed, bool):
                yield seed
            else:
                self._wrong("study.drawn", f"{_told(seed)} is not a seed")

    def _prompt(self, study: Mapping[str, object], content: Mapping[str, object]) -> list[Part]:
        axes = {name: self._options(name, value) for name, value in self._table("axes", content).items()}
        given = study.get("prompt")
        if given is None:
            self._wrong("study.prompt", 'it is missing; write prompt = "a red fox in snow"')
            return []
        parts: list[Part] = []
        try:
            if isinstance(given, list):
                parts = [self._part(part, axes) for part in given]
            elif isinstance(given, str):
                parts = read_prompt(given, axes)
            else:
                self._wrong("study.prompt", f"{_told(given)} is not text")
                return []
        except UsageError as error:
            self.mistakes += [
                Mistake(f"study.{each.where}" if each.where == "prompt" else each.where, each.message)
                for each in error.mistakes
            ]
            return []
        used = {part.name for part in parts if isinstance(part, PromptAxis)}
        for name in axes.keys() - used:
            place = f"{{{printable(name, _NAMES_LENGTH)}}}"
            self._wrong(f"axes.{name}", f"the prompt has no place for it; write {place} there")
        return parts

    def _part(self, given: object, axes: Mapping[str, tuple[str, ...]]) -> Part:
        name = given.get("axis") if isinstance(given, dict) else None
        if isinstance(given, str):
            return given
        if not isinstance(name, str) or given != {"axis": name}:
            self._wrong(
                "study.prompt", f'{_told(given)} is neither text nor an axis, as in {{axis = "light"}}'
            )
            return ""
        if name not in axes:
            hint = did_you_mean(name, axes) or "; give its options below [axes]"
            self._wrong("study.prompt", f"there is no axis {short_repr(name)}{hint}")
        return PromptAxis(name, axes.get(name, ("",)))

    def _options(self, name: str, given: object) -> tuple[str, ...]:
        where = f"axes.{name}"
        options = self._texts(where, given if isinstance(given, list) else [given], marked=True)
        if not options:
            self._wrong(where, "an empty list leaves nothing to ask")
        if python_name(name) != name:
            self._wrong(where, "this cannot name an axis; use letters, digits and _")
        return options or ("",)

    def _left_out(
        self, content: Mapping[str, object], models: Collection[str], params: Mapping[str, object]
    ) -> dict[str, tuple[str, ...]]:
        left_out = {}
        for model, given in self._table("left_out", content).items():
            keys = self._texts(f"left_out.{model}", given)
            if model not in models:
                self._wrong(f"left_out.{model}", f"this model is not asked{did_you_mean(model, models)}")
                continue
            for key in keys:
                if key not in params:
                    hint = did_you_mean(key, params)
                    self._wrong(f"left_out.{model}", f"{short_repr(key)} is not among the [params]{hint}")
            left_out[model] = keys
        return left_out

    def _references(
        self, content: Mapping[str, object], models: Sequence[str]
    ) -> dict[str, tuple[Reference, ...]]:
        sets: dict[str, list[Reference]] = {}
        given = self._tables("references", content.get("references", []))
        named = ["set" in each for _, each in given]
        if any(named) and not all(named):
            where = given[named.index(False)][0]
            self._wrong(where, 'the others belong to sets; write set = "…" here, too')
        for where, each in given:
            self._known(where, each, (*_REFERENCE, "set"))
            label = self._text(f"{where}.set", each.get("set", ""))
            pictures = sets.setdefault(label, [])
            if each.keys() - {"set"} or "set" not in each:
                pictures += self._reference(where, each, models)
        return {label: tuple(pictures) for label, pictures in sets.items()}

    def _reference(self, where: str, given: Mapping[str, object], models: Sequence[str]) -> list[Reference]:
        earlier = len(self.mistakes)
        texts = {key: self._text(f"{where}.{key}", given[key]) for key in _REFERENCE if key in given}
        if len(self.mistakes) > earlier:
            return []
        if not texts or ("url" in texts and len(texts) > 1):
            self._wrong(where, "it takes file and sha256, one of both, or url alone")
            return []
        try:
            return [self.take(GivenReference(**texts), models)]
        except (InvalidRequestError, UsageError) as error:
            self.mistakes += [Mistake(where, str(each)) for each in error.mistakes]
            return []

    def _requests(self, content: Mapping[str, object], study: Mapping[str, object]) -> Iterable[Request]:
        for key in ("axes", "left_out", "references"):
            if key in content:
                self._wrong(key, "[[requests]] have their own; take one of both out")
        for key in ("model", "prompt"):
            if key in study:
                self._wrong(f"study.{key}", "[[requests]] have their own; take one of both out")
        given = self._tables("requests", content["requests"])
        if not given:
            self._wrong("requests", "an empty list leaves nothing to ask")
        for where, each in given:
            self._known(where, each, _REQUEST)
            model = self._text(f"{where}.model", each.get("model", DEFAULT_MODEL))
            prompt = self._text(f"{where}.prompt", each.get("prompt", ""))
            listed = self._tables(f"{where}.references", each.get("references", []))
            for place, reference in listed:
                self._known(place, reference, _REFERENCE)
            references = [ref for place, one in listed for ref in self._reference(place, one, [model])]
            params = {
                key: self._value(f"{where}.params.{key}", value)
                for key, value in self._table("params", each, where).items()
            }
            yield Request(model, prompt, params, tuple(references))  # type: ignore[arg-type]

    def _check_order(self, order: Sequence[str], ask: Ask) -> None:
        names = [
            MODEL_AXIS,
            REFERENCES_AXIS,
            REPEAT_AXIS,
            *ask.params,
            *(axis.name for axis in ask.prompt.axes),
        ]
        for name in order:
            if name not in names and not ask.requests:
                self._wrong("study.order", f"there is no axis {short_repr(name)}{did_you_mean(name, names)}")

    # Values

    def _values(self, where: str, given: object) -> tuple[object, ...]:
        """The values of a param: one, several, or a range."""
        if not isinstance(given, list):
            given = [given]
        if not given:
            self._wrong(where, f'an empty list leaves nothing to ask; "{NONE}" is not sent')
        values: dict[object, object] = {}
        for each in given:
            for value in self._ranged(where, each):
                key = (isinstance(value, bool), mark(value) if isinstance(value, str) else value)
                if key in values:
                    self._wrong(where, f"{_told(each)} is given twice")
                values[key] = value
            if len(values) > MAX_VALUES:
                self._wrong(where, f"more than {MAX_VALUES:,} values are too many for an axis")
                break
        return tuple(values.values()) or (None,)

    def _ranged(self, where: str, given: object) -> Sequence[object]:
        if not (isinstance(given, str) and is_range(given)):
            return (self._value(where, given),)
        try:
            return read_range(given, where)
        except UsageError as error:
            self.mistakes += [Mistake(_shown(where), each.message) for each in error.mistakes]
            return ()

    def _value(self, where: str, given: object) -> object:
        """One value of a param; None is not sent."""
        if isinstance(given, dict) and given.keys() == {TEXT} and isinstance(given[TEXT], str):
            return given[TEXT]
        if isinstance(given, str):
            return None if given.casefold() == NONE else given
        if isinstance(given, (bool, int)) or (isinstance(given, float) and math.isfinite(given)):
            return given
        self._wrong(where, f"{_told(given)} is no value; it takes text in quotes, a number, true or false")
        return None

    def _text(self, where: str, given: object) -> str:
        if isinstance(given, str):
            return given
        self._wrong(where, f"{_told(given)} is not text; put it in quotes")
        return ""

    def _texts(self, where: str, given: object, *, marked: bool = False) -> tuple[str, ...]:
        """A list of different texts. `marked` ones may differ in the blanks around them."""
        texts: dict[str, str] = {}
        for each in self._list(where, given):
            text = self._text(where, each)
            if (key := mark(text) if marked else text) in texts:
                self._wrong(where, f"{short_repr(text)} is given twice")
            texts[key] = text
        if len(texts) > MAX_VALUES:
            self._wrong(where, f"more than {MAX_VALUES:,} values are too many for an axis")
            return tuple(texts.values())[:MAX_VALUES]
        return tuple(texts.values())

    def _list(self, where: str, given: object) -> list[object]:
        if isinstance(given, list):
            return given
        self._wrong(where, f"{_told(given)} is not a list; write it in brackets")
        return []

    def _table(self, key: str, content: Mapping[str, object], within: str = "") -> Mapping[str, object]:
        given = content.get(key, {})
        if isinstance(given, dict):
            return given
        where = f"{within}.{key}" if within else key
        self._wrong(where, f"{_told(given)} is not a table; write its parts below [{key}]")
        return {}

    def _tables(self, where: str, given: object) -> list[tuple[str, Mapping[str, object]]]:
        """Tables, each with what messages call it."""
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            name = where.rpartition(".")[2]
            self._wrong(where, f"write each of them below [[{name}]]")
            return []
        return [(f"{where} {number}", each) for number, each in enumerate(given, 1)]

    def _known(self, where: str, given: Mapping[str, object], keys: Collection[str]) -> None:
        """Note every key that nobody reads."""
        for key in given.keys() - keys:
            full = f"{where}.{key}" if where else key
            if key.casefold().replace("-", "_") in _OF_WHOEVER_RUNS_IT:
                self._wrong(full, "a study file has no key, address or limit: whoever runs it gives them")
            else:
                hint = did_you_mean(key, keys) or f"; it takes {listing(keys)}"
                self._wrong(full, f"nothing is called so here{hint}")

    def _wrong(self, where: str, message: str) -> None:
        self.mistakes.append(Mistake(_shown(where), message))


def _shown(where: str) -> str:
    return printable(where, 2 * _NAMES_LENGTH)


def _told(value: object) -> str:
    """A value as a message shows it; what holds others is only named."""
    if isinstance(value, (dict, list)):
        return _KINDS[type(value)]
    if isinstance(value, (str, bool, int, float)):
        return short_repr(value)
    return f"{printable(str(value), _NAMES_LENGTH)} (a date or time without quotes)"
