"""A question to the history: checked, in the form for the store, and in the words of the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, KeysView, Mapping, Sequence, Set, ValuesView
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import shared_names
from rivya_nb.contract.params import ParamValue, listed, plain_value
from rivya_nb.contract.text import count, did_you_mean, listing, nearest, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.moments import Moment, moment
from rivya_nb.planning.question_words import FILTERS, SORTS, filter_on_the_line, filter_words, told
from rivya_nb.store.questions import ORDERS, Asked, MeasureOrder, Question
from rivya_nb.store.records import HIGHEST_RATING

if TYPE_CHECKING:
    from rivya_nb.store.store import Store

T = TypeVar("T")

Choice = ParamValue | range | Collection[ParamValue] | None
"""A value, a range of whole numbers, or several values of which any will do."""

_MOST_VALUES = 500

_LARGEST_ID = 2**63 - 1


class Filters(TypedDict, total=False):
    """The arguments of `history`. A job has to fit all of them; None does not filter.

    `prompt` is words as `read_sought` reads them, `rating` is at least that, `tag` one or several that must all be
    there, `run` a run, its id or its name, or several of which it is one, and `by` the users of whom one asked. Of
    several values of `model`, `seed` or a param, any will do; so will any whole number of a range.
    `picture_width` and `picture_height` are in pixels. `hidden` lists what is hidden too; `facts` are those of a
    table by their column, all of one place; `excluded` is True for what counts in no figure, False for what
    counts. `since` and `until` are what `moment` reads; `sort` is one of `SORTS`, or a measure.
    """

    prompt: str | None
    model: str | Collection[str] | None
    seed: Choice
    rating: int | None
    favourite: bool
    tag: str | Collection[str] | None
    run: object
    by: str | Collection[str] | None
    since: Moment | None
    until: Moment | None
    picture_width: Choice
    picture_height: Choice
    hidden: bool
    excluded: bool | None
    facts: Mapping[str, Choice] | None
    sort: str | None
    params: Mapping[str, Choice] | None


@dataclass(frozen=True)
class HistoryQuestion:
    """A question for the store, and its parts as they were given, by their names."""

    question: Question
    given: tuple[tuple[str, object], ...]

    @property
    def words(self) -> str:
        """The question on one line: `prompt studio · rating 4 or more`; empty where everything is asked for."""
        return " · ".join(filter_words(name, value) for name, value in self.given)

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
        return " ".join(["%rivya history", *(filter_on_the_line(name, value) for name, value in self.given)])


def history_question(
    filters: Filters,
    known_params: Collection[str],
    measures: Mapping[str, MeasureOrder] | None = None,
    run_named: Callable[[str], int] | None = None,
) -> HistoryQuestion:
    """Check what was given. `known_params` are the names that params have in any model, `measures` the orders by
    measures that can be asked for, and `run_named` gives the id of the run with a name, or raises UsageError.

    Raises:
        UsageError: with every mistake.
    """
    reader = _Reader()

    def read(name: str, how: Callable[[Any], tuple[object, T] | None]) -> T | None:
        return reader.read(name, filters.get(name), how)

    question = Question(
        prompt=read("prompt", _text),
        model=read("model", _models),
        seed=read("seed", _choice),
        params=reader.params(filters.get("params") or {}, known_params),
        rating=read("rating", _rating),
        favourite=read("favourite", _switch) or False,
        tags=read("tag", _tags) or (),
        runs=read("run", partial(_runs, run_named)) or (),
        asked_by=read("by", _users),
        since=read("since", lambda value: (value, moment(value, now=time.time()))),
        until=read("until", lambda value: (value, moment(value, end=True, now=time.time()))),
        width=read("picture_width", _pixels),
        height=read("picture_height", _pixels),
        hidden=read("hidden", _switch) or False,
        excluded=read("excluded", _either),
        facts=read("facts", _facts) or {},
    )
    sort = read("sort", partial(_sort, measures or {}))
    order = sort if sort in ORDERS or isinstance(sort, MeasureOrder) else None
    question = replace(question, order=order, oldest_first=sort == "oldest")
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

    def params(self, params: Mapping[str, Choice], known: Collection[str]) -> dict[str, Asked]:
        found: dict[str, Asked] = {}
        for name, value in shared_names(params).items():
            meant = None if name in (*known, *FILTERS) else nearest(name, FILTERS)
            if meant is not None:
                self.mistakes.append(Mistake(name, f"no model has such a param; did you mean {meant!r}?"))
            elif (one := self.read(name, value, _choice)) is not None:
                found[name] = one
        return found


def _text(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        raise ValueError(f"{short_repr(value)} is no text")
    return (value, value.strip()) if value.strip() else None


def _choice(value: Any) -> tuple[object, Asked]:
    """A value, a range, or several values; a list is kept as it was given, for the words."""
    if isinstance(value, range):
        if not value:
            raise ValueError(f"{value!r} is an empty range; range(1, 9) is from 1 to 8")
        return value, value
    one = plain_value(value)
    several = listed(one)
    if several is None and isinstance(one, (Set, KeysView, ValuesView)):
        several = list(one)
    if several is not None:
        values = [_value(each) for each in several]
        if not 0 < len(values) <= _MOST_VALUES:
            raise ValueError(
                f"{len(values):,} values; it takes 1 to {_MOST_VALUES}, or a range of any length"
                if values
                else "an empty list leaves nothing to look for"
            )
        return values, tuple(values)
    return (one := _value(one)), one


def _value(value: object) -> ParamValue:
    value = plain_value(value)
    if not isinstance(value, (str, int, float)):
        raise ValueError(f"{short_repr(value)} is no value; it takes one, a list of some, or range(1, 9)")
    return value


def _pixels(value: Any) -> tuple[object, Asked]:
    shown, asked = _choice(value)
    for each in (asked[0], asked[-1]) if isinstance(asked, (range, tuple)) else (asked,):
        if isinstance(each, bool) or not isinstance(each, int) or each < 0:
            raise ValueError(
                f"{short_repr(each)} is no number of pixels; it takes 1024, or range(1000, 2001)"
            )
    return shown, asked


def _models(value: object) -> tuple[object, str | tuple[str, ...]] | None:
    if isinstance(value, str):
        return _text(value)
    models: list[Any] = [
        plain_value(each) for each in listed(value) or (value if isinstance(value, Set) else ())
    ]
    if not models or not all(isinstance(each, str) and each.strip() for each in models):
        raise ValueError(f"{short_repr(value)} is neither a model's id nor a list of some")
    return models, tuple(each.strip() for each in models)


def _sort(
    measures: Mapping[str, MeasureOrder], value: object
) -> tuple[str, str] | tuple[str, MeasureOrder] | None:
    if isinstance(value, str) and value in SORTS:
        return (value, value) if value != SORTS[0] else None
    if isinstance(value, str):
        name, _, part = value.partition(".")
        if name in measures:
            return value, replace(measures[name], part=part)
    known = (*SORTS, *measures)
    hint = did_you_mean(value, known) if isinstance(value, str) else ""
    raise ValueError(f"{short_repr(value)} is no order; it takes {listing(known)}{hint}")


def _rating(value: Any) -> tuple[int, int]:
    if isinstance(value, bool) or value not in range(HIGHEST_RATING + 1):
        raise ValueError(f"{short_repr(value)} is no rating; it takes 0 to {HIGHEST_RATING}")
    return int(value), int(value)


def _switch(value: object) -> tuple[bool, bool] | None:
    return _either(value) if _either(value)[1] else None


def _either(value: object) -> tuple[bool, bool]:
    if not isinstance(value, bool):
        raise ValueError(f"{short_repr(value)} is neither True nor False")
    return value, value


def _facts(value: object) -> tuple[dict[str, object], dict[str, Asked]] | None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError(
            f"{short_repr(value)} is no dict of columns to values; as in {{'category': 'animals'}}"
        )
    found: dict[str, tuple[object, Asked]] = {}
    for name, one in value.items():
        try:
            found[name] = _choice(one)
        except ValueError as error:
            raise ValueError(f"{short_repr(name)}: {error}") from None
    shown = {name: each for name, (each, _) in found.items()}
    return (shown, {name: asked for name, (_, asked) in found.items()}) if found else None


def _tags(value: object) -> tuple[object, tuple[str, ...]]:
    tags = tuple(value) if isinstance(value, Collection) and not isinstance(value, str) else (value,)
    if not tags or not all(isinstance(tag, str) and tag.strip() for tag in tags):
        raise ValueError(f"{short_repr(value)} is neither a tag nor several")
    return value if isinstance(value, str) else list(tags), tuple(" ".join(str(tag).split()) for tag in tags)


def _runs(run_named: Callable[[str], int] | None, value: object) -> tuple[object, tuple[int, ...]]:
    if isinstance(value, str) or not isinstance(value, Collection):
        number = _run(run_named, value)
        return number, (number,)
    numbers = list(dict.fromkeys(_run(run_named, each) for each in value))
    if not numbers:
        raise ValueError(f"{short_repr(value)} has no run")
    return numbers if len(numbers) > 1 else numbers[0], tuple(numbers)


def _users(value: object) -> tuple[object, tuple[str, ...]]:
    users = list(value) if isinstance(value, Collection) and not isinstance(value, str) else [value]
    if not users or not all(isinstance(user, str) and user.strip() for user in users):
        raise ValueError(f"{short_repr(value)} is neither a user's name nor several")
    names = tuple(dict.fromkeys(" ".join(str(user).split()) for user in users))
    return names[0] if len(names) == 1 else list(names), names


def _run(run_named: Callable[[str], int] | None, value: object) -> int:
    if isinstance(value, str) and run_named is not None:
        return run_named(value)
    number = plain_value(getattr(value, "id", value))
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"{short_repr(value)} is neither a run nor a run's id or name")
    if not 0 < number <= _LARGEST_ID:
        raise ValueError(f"{short_repr(value)} is no run's id")
    return number


def why_nothing(asked: HistoryQuestion, store: Store) -> list[str]:
    """Why perhaps no picture fits a question, a sentence for each reason; then what the filters are."""
    question = asked.question
    everything = store.count(Question(hidden=True))
    if not everything:
        return ["The store has no results yet"]
    tags = store.marks.known_tags()
    reasons = [
        f"No result has the tag {short_repr(tag)}{did_you_mean(tag, tags) or _there_are(tags)}"
        for tag in question.tags
        if tag not in tags
    ]
    models = (question.model,) if isinstance(question.model, str) else question.model or ()
    reasons += [
        f"No result is of the model {short_repr(model)}{did_you_mean(model, bundled()) or '.'}"
        for model in models
        if not store.count(Question(model=model, hidden=True))
    ]
    if question.asked_by:
        users = store.users.names()
        reasons += [
            f"No result was asked for by {short_repr(user)}"
            + (did_you_mean(user, users) or _there_are(users, "names"))
            for user in question.asked_by
            if user not in users
        ]
    for run in question.runs:
        try:
            store.runs.get(run)
        except UsageError as error:
            reasons.append(str(error).rstrip("."))
    reasons += [
        f"No result was asked for with {key} {told(value)}"
        for key, value in question.params.items()
        if not store.count(Question(params={key: value}, hidden=True))
    ]
    known = dict.fromkeys(name for name, _ in store.facts.known(_MOST_FACTS)) if question.facts else ()
    reasons += [
        f"No result has the fact {name} {told(value)}"
        + (did_you_mean(name, known) if name not in known else "")
        for name, value in question.facts.items()
        if not store.count(Question(facts={name: value}, hidden=True))
    ]
    if not question.hidden and (hidden := store.count(replace(question, hidden=True))):
        reasons.append(f"{count(hidden, 'picture')} would fit, but hidden")
    return [
        *reasons,
        f"There are {count(everything, 'picture')}; ask by {listing(FILTERS[:-1])} or any param",
    ]


_MOST_TAGS = 12
_MOST_FACTS = 500


def _there_are(known: Sequence[str], what: str = "tags") -> str:
    return f"; there are {listing(known[:_MOST_TAGS])}" if known else f"; there are no {what} yet"
