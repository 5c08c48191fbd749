"""From the pictures of a run or a history to what effects are computed of: numbers, distances or votes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rivya_nb.contract.params import ParamValue
from rivya_nb.contract.text import comparable, count, did_you_mean, listing
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.definition import Measure
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    REQUEST_AXIS,
    label,
)
from rivya_nb.store.records import JobRecord
from rivya_nb.store.store import Store
from rivya_nb.store.vote_records import VoteRecord
from rivya_nb.study.computing import Progress
from rivya_nb.study.effects.numbers import Distances, Values
from rivya_nb.study.effects.observations import Codes, Observations, observe
from rivya_nb.study.effects.patterns import differing_axes
from rivya_nb.study.effects.votes import Votes
from rivya_nb.study.measuring import measured_pairs, measured_together, with_part
from rivya_nb.study.places import PicturedPlace
from rivya_nb.views.words import noun_of_files

STRUCTURE, COLOUR, VOTES = "structure", "colour", "votes"
DISTANCES = {STRUCTURE: "ssim", COLOUR: "ciede2000"}
"""Distances by their names, and the measures of pairs that give them."""

MOST_PAIRS = 3_000
"""Pairs of pictures whose distance is taken; of more, a fixed sample of all kinds."""

_NO_WORDING = frozenset({MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, REPLICATE_AXIS, REQUEST_AXIS})
_WON = {"one": 1.0, "other": 0.0, "tie": 0.5}

ParamsOf = Callable[[JobRecord], Mapping[str, ParamValue | bool]]


@dataclass(frozen=True)
class Seen:
    """The pictures of a study by their places, with the arrays that say where they stand."""

    places: tuple[PicturedPlace, ...]
    arrays: Observations

    @property
    def noun(self) -> str:
        """The word for one of its pictures or videos."""
        return noun_of_files(place.picture for place in self.places)

    def only(self, which: Sequence[bool], note: str) -> Seen:
        """Those alone whose number is known; of their prompts, those that still have two pictures.

        Raises:
            UsageError: no two pictures of a prompt are left.
        """
        mask = np.array(which, bool)
        lone = np.bincount(self.arrays.prompts[mask], minlength=len(self.arrays.prompt_labels)) < 2
        notes = [note] if note and not mask.all() else []
        alone = mask & lone[self.arrays.prompts]
        if alone.any():
            notes.append(f"{count(int(alone.sum()), 'prompt')} with a single {self.noun} left out")
        mask &= ~alone
        if not mask.any():
            told = f" ({note})" if note else ""
            raise UsageError(
                f"There is nothing to compare: no prompt has two {self.noun}s with a number{told}."
            )
        kept = tuple(place for place, is_in in zip(self.places, mask, strict=True) if is_in)
        if mask.all():
            return self
        return Seen(kept, replace(self.arrays.only(mask), notes=(*self.arrays.notes, *notes)))

    def facts(self, name: str) -> list[str]:
        """The value of a fact, or else of an axis, of each picture.

        Raises:
            UsageError: no picture has it.
        """
        known = dict.fromkeys(name for place in self.places for name in (*place.facts, *place.labels))
        if name not in known:
            facts = dict.fromkeys(name for place in self.places for name in place.facts)
            there = f"they have {listing(facts)}" if facts else "they come from no table"
            told = f"no {self.noun} here has the fact {name!r}; {there}{did_you_mean(name, known)}"
            raise UsageError([Mistake("by", told)])
        return [place.facts.get(name, place.labels.get(name, "")) for place in self.places]


def see(
    places: Iterable[PicturedPlace], params_of: ParamsOf, *, by_params: bool, prompts: str | None = None
) -> Seen:
    """The pictures on their axes. With `by_params` (a history), params, model and references are axes too.

    A prompt is a value of the axis `prompts`; without that of the axis `prompt`, or else a wording without the
    words that its axes put in.

    Raises:
        UsageError: there is no axis `prompts`, or nothing to compare.
    """
    found: dict[tuple[object, ...], PicturedPlace] = {}
    for place in places:
        at = place.job.pictures.index(place.picture)
        found.setdefault((place.job.id, at, *sorted(place.labels.items())), place)
    every = tuple(found.values())
    if not every:
        raise UsageError("There is nothing to compare: none of these has a result yet.")
    rows = [_values(place, params_of(place.job), by_params=by_params) for place in every]
    names = dict.fromkeys(name for row in rows for name in row)
    if prompts is not None and prompts not in names:
        told = f"{prompts!r} is no axis here; they are {listing(names)}{did_you_mean(prompts, names)}"
        raise UsageError([Mistake("prompts", told)])
    blocks = [row.get(prompts or PROMPT_AXIS, "") for row in rows]
    left_out = {prompts or PROMPT_AXIS, REPLICATE_AXIS}
    if all(place.job.seed is None for place in every):
        # Without seeds, each repeat is the very same request.
        left_out.add(REPEAT_AXIS)
    columns = {name: [row.get(name, "") for row in rows] for name in names if name not in left_out}
    if by_params:
        columns = {name: values for name, values in columns.items() if len(set(values)) > 1} or columns
    seen = Seen(every, observe(columns, blocks, [place.facts for place in every]))
    return seen.only([True] * len(every), "")


def _values(
    place: PicturedPlace, params: Mapping[str, ParamValue | bool], *, by_params: bool
) -> dict[str, str]:
    """A picture's value on each axis, and its prompt."""
    labels = dict(place.labels)
    asked = {name: label(value) for name, value in params.items()}
    if by_params or REQUEST_AXIS in labels:
        references = listing(reference.name for reference in place.job.references)
        labels = {MODEL_AXIS: place.job.model, REFERENCES_AXIS: references, **asked, **labels}
        labels.pop(REQUEST_AXIS, None)
    if PROMPT_AXIS not in labels:
        wording = comparable(place.job.prompt)
        for name, text in place.labels.items():
            if name not in _NO_WORDING and name not in asked and text:
                wording = wording.replace(comparable(text), f"{{{name}}}")
        labels[PROMPT_AXIS] = wording
    return labels


def values_of(
    seen: Seen,
    store: Store,
    measure: Measure,
    part: str | None,
    progress: Progress,
    stop: threading.Event,
) -> tuple[Seen, Values]:
    """The number of each picture, and the pictures that have one; `part` is that of the measure."""
    (every,) = measured_together(store, seen.places, [measure], progress=progress, stop=stop)
    found = with_part(every, part)
    numbers = np.array([found.of(place) for place in seen.places])
    there = np.isfinite(numbers)
    left_out = f"{count(int((~there).sum()), seen.noun)} left out, without a number: {found.trouble}"
    kept = seen.only(there.tolist(), left_out)
    by_place = {id(place): number for place, number in zip(seen.places, numbers, strict=True)}
    return kept, Values(kept.arrays, np.array([by_place[id(place)] for place in kept.places]))


def distances_of(
    seen: Seen, store: Store, measure: Measure, progress: Progress, stop: threading.Event
) -> Distances:
    """The distances between pictures of the same prompt."""
    one, other = pairs_within(seen.arrays)
    couples = [(seen.places[a].picture, seen.places[b].picture) for a, b in zip(one, other, strict=True)]
    (found,) = measured_pairs(store, couples, [measure], progress=progress, stop=stop)
    numbers = np.array([found.of_pair(*couple) for couple in couples])
    if measure.name == DISTANCES[STRUCTURE]:
        numbers = 1 - numbers
    there = np.isfinite(numbers)
    if not there.any():
        raise UsageError(f"There is nothing to compare: {found.trouble}")
    arrays = seen.arrays
    if not there.all():
        told = f"{count(int((~there).sum()), 'pair')} left out, without a number: {found.trouble}"
        arrays = replace(arrays, notes=(*arrays.notes, told))
    return Distances(arrays, one[there], other[there], numbers[there])


def pairs_within(seen: Observations, most: int = MOST_PAIRS) -> tuple[Codes, Codes]:
    """The pairs of pictures of the same prompt; of many, a fixed sample with as many of each pattern."""
    generator = np.random.default_rng(0)
    prompts = len(seen.prompt_labels)
    each = max(2 ** len(seen.axes), most // prompts)
    ones, others = [], []
    for prompt in range(prompts):
        places = np.flatnonzero(seen.prompts == prompt)
        one, other = np.triu_indices(len(places), 1)
        one, other = places[one], places[other]
        if len(one) > each:
            drawn = generator.permutation(len(one))
            pattern = differing_axes(seen, one, other)[drawn]
            # The first of every pattern come first, then the second, …
            order = np.argsort(pattern, kind="stable")
            _, starts, sizes = np.unique(pattern[order], return_index=True, return_counts=True)
            rank = np.empty(len(order), np.intp)
            rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
            drawn = drawn[np.argsort(rank, kind="stable")[:each]]
            one, other = one[drawn], other[drawn]
        ones.append(one)
        others.append(other)
    return np.concatenate(ones), np.concatenate(others)


def votes_of(seen: Seen, votes: Sequence[VoteRecord]) -> Votes:
    """The votes between pictures of the same prompt.

    Raises:
        UsageError: there are none.
    """
    first: dict[str, int] = {}
    for at, place in enumerate(seen.places):
        first.setdefault(place.job.id, at)
    pairs = [(first.get(vote.one), first.get(vote.other), _WON[vote.outcome]) for vote in votes]
    there = [(one, other, won) for one, other, won in pairs if one is not None and other is not None]
    within = [each for each in there if seen.arrays.prompts[each[0]] == seen.arrays.prompts[each[1]]]
    if not within:
        raise UsageError(
            "There are no votes between results of the same prompt here. Judge them first: run.rank(by=…) opens "
            "the pairs, and rv.import_votes(…) takes the votes of a colleague."
        )
    one, other, won = zip(*within, strict=True)
    arrays = seen.arrays
    if len(within) < len(votes):
        told = f"{count(len(votes) - len(within), 'vote')} between different prompts left out"
        arrays = replace(arrays, notes=(*arrays.notes, told))
    return Votes(arrays, np.array(one), np.array(other), np.array(won))
