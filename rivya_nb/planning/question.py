"""A question to the history: checked, in the form for the store, and in the words of the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import count, did_you_mean, listing, nearest, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.moments import Moment, moment
from rivya_nb.planning.words import as_word, quoted
from rivya_nb.store.records import HIGHEST_RATING, Question

if TYPE_CHECKING:
    from rivya_nb.contract.params import ParamValue
    from rivya_nb.store.store import Store

T = TypeVar("T")

FILTERS = ("prompt", "model", "seed", "rating", "favourite", "tag", "run", "since", "until", "hidden")
"""The filters beside the params, in the order of the messages."""

_SHOWN_LENGTH = 60
_LARGEST_ID = 2**63 - 1


class Filters(TypedDict, total=False):
    """The arguments of `history`. A job has to fit all of them; None does not filter.

    `prompt` is words in any order, `rating` is at least that, `tag` one or several that must all be there,
    `run` a run or its id, or several of which it is one. `hidden` lists what is hidden too. `since` and `until`
    are what `moment` reads.
    """

    prompt: str | None
    model: str | None
    seed: ParamValue | None
    rating: int | None
    favourite: bool
    tag: str | Collection[str] | None
    run: object
    since: Moment | None
    until: Moment | None
    hidden: bool
    params: Mapping[str, ParamValue | None] | None


@dataclass(frozen=True)
class HistoryQuestion:
    """A question for the store, and its parts as they were given, by their names."""

    question: Question
    given: tuple[tuple[str, object], ...]

    @property
    def words(self) -> str:
        """The question on one line: `prompt studio · rating 4 or more`; empty where everything is asked for."""
        return " · ".join(_words(name, value) for name, value in self.given)

    @property
    def call(self) -> str:
        """The question as Python."""
        plain = {name: value for name, value in self.given if name.isidentifier()}
        odd = {name: value for name, value in self.given if name not in plain}
        parts = [f"{name}={value!r}" for name, value in plain.items()]
        return f"rv.history({', '.join([*parts, f'params={odd!r}'] if odd else parts)})"

    @property
    def line(self) -> str:
        """The question as a line of the magic."""
        return " ".join(["%rivya history", *(_on_the_line(name, value) for name, value in self.given)])


def history_question(filters: Filters, known_params: Collection[str]) -> HistoryQuestion:
    """Check what was given. `known_params` are the names that params have in any model.

    Raises:
        UsageError: with every mistake.
    """
    reader = _Reader()

    def read(name: str, how: Callable[[Any], tuple[object, T] | None]) -> T | None:
        return reader.read(name, filters.get(name), how)

    question = Question(
        prompt=read("prompt", _text),
        model=read("model", _text),
        seed=read("seed", _value),
        params=reader.params(filters.get("params") or {}, known_params),
        rating=read("rating", _rating),
        favourite=read("favourite", _switch) or False,
        tags=read("tag", _tags) or (),
        runs=read("run", _runs) or (),
        since=read("since", lambda value: (value, moment(value, now=time.time()))),
        until=read("until", lambda value: (value, moment(value, end=True, now=time.time()))),
        hidden=read("hidden", _switch) or False,
    )
    if question.since is not None and question.until is not None and question.since > question.until:
        reader.mistakes.append(Mistake("since", "it is later than until; nothing can be in between"))
    if reader.mistakes:
        raise UsageError(reader.mistakes)
    return HistoryQuestion(question, tuple(reader.given.items()))


class _Reader:
    """Reads the arguments one by one, and collects what was given and every mistake."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.given: dict[str, object] = {}

    def read(self, name: str, value: object, how: Callable[[Any], tuple[object, T] | None]) -> T | None:
        """What `how` makes of a value: how it is shown, and what is asked for. None asks for nothing."""
        try:
            found = None if value is None else how(value)
        except ValueError as error:
            self.mistakes.append(Mistake(name, str(error)))
            return None
        if found is None:
            return None
        self.given[name], asked = found
        return asked

    def params(
        self, params: Mapping[str, ParamValue | None], known: Collection[str]
    ) -> dict[str, ParamValue]:
        found: dict[str, ParamValue] = {}
        for name, value in params.items():
            meant = None if name in known else nearest(name, FILTERS)
            if meant is not None:
                self.mistakes.append(Mistake(name, f"no model has such a param; did you mean {meant!r}?"))
            elif (one := self.read(name, value, _value)) is not None:
                found[name] = one
        return found


def _text(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        raise ValueError(f"{short_repr(value)} is no text")
    return (value, value.strip()) if value.strip() else None


def _value(value: object) -> tuple[ParamValue, ParamValue] | None:
    value = plain_value(value)
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{short_repr(value)} is no single value; ask once for each")
    return value, value


def _rating(value: Any) -> tuple[int, int]:
    if isinstance(value, bool) or value not in range(HIGHEST_RATING + 1):
        raise ValueError(f"{short_repr(value)} is no rating; it takes 0 to {HIGHEST_RATING}")
    return int(value), int(value)


def _switch(value: object) -> tuple[bool, bool] | None:
    if not isinstance(value, bool):
        raise ValueError(f"{short_repr(value)} is neither True nor False")
    return (True, True) if value else None


def _tags(value: object) -> tuple[object, tuple[str, ...]]:
    tags = tuple(value) if isinstance(value, Collection) and not isinstance(value, str) else (value,)
    if not tags or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise ValueError(f"{short_repr(value)} is neither a tag nor several")
    return value if isinstance(value, str) else list(tags), tuple(" ".join(str(tag).split()) for tag in tags)


def _runs(value: object) -> tuple[object, tuple[int, ...]]:
    if isinstance(value, str) or not isinstance(value, Collection):
        number = _run(value)
        return number, (number,)
    numbers = list(dict.fromkeys(map(_run, value)))
    if not numbers:
        raise ValueError(f"{short_repr(value)} has no run")
    return numbers if len(numbers) > 1 else numbers[0], tuple(numbers)


def _run(value: object) -> int:
    number = getattr(value, "id", value)
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"{short_repr(value)} is neither a run nor a run's id")
    if not 0 < number <= _LARGEST_ID:
        raise ValueError(f"{short_repr(value)} is no run's id")
    return number


def why_nothing(asked: HistoryQuestion, store: Store) -> list[str]:
    """Why perhaps no picture fits a question, a sentence for each reason; then what the filters are."""
    question = asked.question
    everything = store.count(Question(hidden=True))
    if not everything:
        return ["The store has no pictures yet"]
    tags = store.marks.known_tags()
    reasons = [
        f"No picture has the tag {tag!r}{did_you_mean(tag, tags) or _there_are(tags)}"
        for tag in question.tags
        if tag not in tags
    ]
    if question.model is not None and not store.count(Question(model=question.model, hidden=True)):
        models = bundled()
        reasons.append(
            f"No picture is of the model {question.model!r}{did_you_mean(question.model, models)}."
        )
    for run in question.runs:
        try:
            store.run(run)
        except UsageError as error:
            reasons.append(str(error).rstrip("."))
    reasons += [
        f"No picture was asked for with {key} {value}"
        for key, value in question.params.items()
        if not store.count(Question(params={key: value}, hidden=True))
    ]
    if not question.hidden and (hidden := store.count(replace(question, hidden=True))):
        reasons.append(f"{count(hidden, 'picture')} would fit, but hidden")
    return [*reasons, f"There are {count(everything, 'picture')}; ask by {listing(FILTERS)} or any param"]


_MOST_TAGS = 12


def _there_are(tags: Sequence[str]) -> str:
    return f"; there are {listing(tags[:_MOST_TAGS])}" if tags else "; there are no tags yet"


def _words(name: str, value: object) -> str:
    if name == "rating" and isinstance(value, int):
        return f"rating {value}" if value == HIGHEST_RATING else f"rating {value} or more"
    if name == "hidden":
        return "hidden ones too"
    if value is True and name in FILTERS:
        return name
    text = listing(value) if isinstance(value, list) else str(value)
    return f"{name} {printable(text, _SHOWN_LENGTH)}"


def _on_the_line(name: str, value: object) -> str:
    if name == "prompt":
        return " ".join(map(_word, str(value).split()))
    if value is True and name in FILTERS:
        return f"--{name}"
    if name in FILTERS and name != "seed":
        values = value if isinstance(value, list) else [value]
        return " ".join(f"--{name} {_word(str(each))}" for each in values)
    return f"{name}={_word(str(value))}"


def _word(text: str) -> str:
    # The history takes one value for each, and asks where several may be meant.
    return quoted(text) if "," in text or ".." in text else as_word(text)
