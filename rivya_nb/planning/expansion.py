"""Expanding what is asked into requests: pure, and nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rivya_nb.contract.catalogue import Catalogue, Model, shared_param
from rivya_nb.contract.ideas import shared_name, shared_names
from rivya_nb.contract.params import on_step
from rivya_nb.contract.request import SEED_KEY, Request, build_request
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    REQUEST_AXIS,
    Ask,
    Axis,
    wording_key,
)
from rivya_nb.planning.places import Place, check_repeat, places_of, with_members, wording, wording_axes
from rivya_nb.planning.seeds import DrawSeed, seed_param, with_seeds
from rivya_nb.planning.tables import Rows


@dataclass(frozen=True)
class PlannedRequest:
    """A request and its place on the axes.

    `copy` tells requests apart that are identical on purpose and have no number of their own: repeats that send no
    seed beside others that do. `reusable` says whether an earlier job of an identical request may stand for it:
    only where the user wrote the seed down, or asked for numbered replicates of what has no seed.
    """

    request: Request
    coordinates: Place
    copy: int = 0
    reusable: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Equal for twins, which share one job."""
        return self.request.identity, self.copy

    @property
    def is_anonymous(self) -> bool:
        """True if neither a seed nor a number tells it from the next request that is identical: no earlier job
        ever stands for it."""
        return not self.reusable and self.request.seed is None


@dataclass(frozen=True)
class Expansion:
    """What an ask expands to: axes by name and labels, and the requests in grid order."""

    ask: Ask
    axes: tuple[Axis[object], ...]
    requests: tuple[PlannedRequest, ...]

    def written_down(self) -> Expansion:
        """The same, with drawn seeds standing as if the user had written them."""
        requests = tuple(
            replace(item, reusable=item.reusable or item.request.seed is not None) for item in self.requests
        )
        return replace(self, requests=requests)

    def asked_anew(self) -> Expansion:
        """The same, with no earlier job standing for any of the requests."""
        return replace(self, requests=tuple(replace(item, reusable=False) for item in self.requests))

    def without(self, places: Collection[Place]) -> Expansion:
        """The same, less the requests at these coordinates."""
        rest = tuple(item for item in self.requests if item.coordinates not in places)
        return replace(self, requests=rest)

    def labelled(self, labels: Mapping[str, tuple[str, ...]]) -> Expansion:
        """The same, with these labels on the axes that they name."""
        axes = tuple(replace(axis, labels=labels.get(axis.name, axis.labels)) for axis in self.axes)
        return replace(self, axes=axes)


def expand(ask: Ask, catalogue: Catalogue, draw_seed: DrawSeed, rows: Rows | None = None) -> Expansion:
    """All requests of an ask, valid, or all of its mistakes.

    Where no seed is given and a model has one, seeds are drawn once for the whole plan, `repeat` of them; the
    expansion's own ask has them. `rows` are those of a table on the axis `prompt`, which mistakes name.

    Raises:
        InvalidRequestError: with each mistake of each combination, once.
        UsageError: axes clash, or there are too many combinations.
    """
    check_repeat(ask.repeat)
    check_repeat(ask.replicates, "replicates")
    models = [catalogue.runnable(model) for model in dict.fromkeys(ask.models)]
    _check_names(ask, models)
    ask = _stepped(ask, models)
    seeded = ask if ask.drawn else with_seeds(ask, models, draw_seed)
    expansion, wrong = expand_places(seeded, catalogue)
    if wrong:
        raise InvalidRequestError(distinct(wrong) if rows is None else by_row(wrong, expansion, rows))
    return expansion


def distinct(wrong: Mapping[Place, Sequence[Mistake]]) -> list[Mistake]:
    """The mistakes of all places, each once."""
    return list(dict.fromkeys(mistake for mistakes in wrong.values() for mistake in mistakes))


def by_row(wrong: Mapping[Place, Sequence[Mistake]], expansion: Expansion, rows: Rows) -> list[Mistake]:
    """The mistakes of all places, each once, with the rows of the table that have it; one of every row that is in
    no column of the table is told without them."""
    index = next((at for at, axis in enumerate(expansion.axes) if axis.name == PROMPT_AXIS), None)
    columns = {PROMPT_AXIS, *expansion.ask.couplings}
    having: dict[Mistake, dict[int, None]] = {}
    for place, mistakes in wrong.items():
        for mistake in mistakes:
            having.setdefault(mistake, {})[0 if index is None else place[index]] = None
    alike = [each for each, at in having.items() if each.where not in columns and len(at) == len(rows)]
    return [*alike, *rows.mistakes({each: at for each, at in having.items() if each not in alike})]


def expand_places(
    ask: Ask, catalogue: Catalogue, standing: Collection[Place] = ()
) -> tuple[Expansion, dict[Place, Sequence[Mistake]]]:
    """The requests of an ask at all places but those that are `standing`, and the mistakes of those that the
    catalogue's models do not take. No seed is drawn.

    Raises:
        UsageError: there are too many combinations.
    """
    axes = ask.axes()
    places = places_of(ask, axes)
    model_of = cache(catalogue.runnable)
    requests: list[PlannedRequest] = []
    wrong: dict[Place, Sequence[Mistake]] = {}
    for coordinates in places:
        if coordinates in standing:
            continue
        try:
            requests.append(_planned(ask, model_of, axes, coordinates))
        except InvalidRequestError as error:
            wrong[coordinates] = error.mistakes
    return Expansion(ask, axes, tuple(requests)), wrong


def drawing_notes(expansion: Expansion) -> list[str]:
    """What a user should know of how an expansion's seeds and places were drawn."""
    ask, axes, notes = expansion.ask, expansion.axes, []
    if ask.sample:
        whole = math.prod(len(axis) for axis in axes if axis.name != REPLICATE_AXIS)
        each = f", each with its {ask.replicates} replicates" if ask.replicates > 1 else ""
        notes.append(
            f"a sample of {ask.sample:,} of {whole:,} places, drawn by sample_seed={ask.sample_seed}{each}"
        )
    if ask.draws and any(len(axes[index]) > 1 for index in wording_axes(ask, axes)):
        if ask.pair_seeds:
            notes.append(
                "every prompt has the same drawn seeds; pair_seeds=False (--no-pair-seeds) draws for each"
            )
        else:
            notes.append("each prompt has drawn seeds of its own")
    return notes


def _planned(
    ask: Ask, model_of: Callable[[str], Model], axes: Sequence[Axis[object]], coordinates: Place
) -> PlannedRequest:
    places = with_members(ask, {axis.name: place for axis, place in zip(axes, coordinates, strict=True)})
    coupled = ask.couplings
    repeat, replicate = places.get(REPEAT_AXIS, 0), 1 + places.get(REPLICATE_AXIS, 0)
    params = {key: values[places.get(key, 0)] for key, values in ask.params.items()}
    if ask.requests:
        given = ask.requests[places.get(REQUEST_AXIS, 0)]
        model_id, prompt, references = given.model, given.prompt, given.references
        replicate += given.replicate - 1
        params = {**shared_names(given.params), **params}
    else:
        model_id = ask.models[places.get(MODEL_AXIS, 0)]
        prompt = wording(ask, places)
        sets = tuple(ask.references.values()) or ((),)
        references = sets[places.get(REFERENCES_AXIS, 0)]
    model = model_of(model_id)
    params = {key: value for key, value in params.items() if value is not None or key not in coupled}
    draws = ask.draws and (SEED_KEY not in params or SEED_KEY not in coupled)
    drawn = ask.drawn if ask.pair_seeds else ask.drawn_by_prompt.get(wording_key(prompt), ())
    if drawn and SEED_KEY not in params and seed_param(model) is not None:
        params[SEED_KEY] = drawn[repeat]
    for key in ask.left_out.get(model_id, ()):
        if key not in places:
            del params[key]
    request = build_request(model, prompt, params, references, replicate=replicate)
    seeded = request.seed is not None
    if not seeded and ask.repeat > 1 and ask.replicates > 1:
        message = (
            f"{model.id} is asked without a seed, where repeat and replicates are one thing; leave one out"
        )
        raise InvalidRequestError([Mistake("repeat", message)])
    # Without a seed, only its number says which of the earlier pictures is meant.
    numbered = ask.replicates > 1 or request.replicate > 1
    return PlannedRequest(
        request,
        coordinates,
        copy=0 if seeded else repeat,
        reusable=(seeded or numbered) and not draws,
    )


def _stepped(ask: Ask, models: Sequence[Model]) -> Ask:
    """The ask with computed numbers on the steps of their params, so that 0.1 + 0.2 is called 0.3."""
    params = dict(ask.params)
    for key, values in ask.params.items():
        if (param := shared_param(key, models)) is not None:
            params[key] = tuple(on_step(param, value) for value in values)
    return replace(ask, params=params)


def _check_names(ask: Ask, models: Sequence[Model]) -> None:
    """The prompt's axes may be called anything but what a request is made of."""
    keys = {shared_name(key) for model in models for key in model.param_keys}
    taken = {*keys, *ask.params, MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, REPLICATE_AXIS}
    wrong = [axis.name for axis in ask.prompt.axes if axis.name in taken]
    if wrong:
        raise UsageError(
            [Mistake(name, "an axis of the prompt cannot bear this name; rename it") for name in wrong]
        )
