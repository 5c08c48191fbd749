"""Expanding what is asked into requests: pure, and nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import cast

from rivya_nb.contract.catalogue import Model, Param
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request, build_request
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, Ask, Axis, combinations

MOST_REQUESTS = 10_000
"""Requests in one plan. More is a mistake, whatever they cost."""

LARGEST_SEED = 2**31 - 1
"""Where a record gives no upper bound of the seed."""

DrawSeed = Callable[[int, int], int]
"""Draws a whole number between two bounds, both included (`random.randint`)."""


@dataclass(frozen=True)
class PlannedRequest:
    """A request and its place on the axes.

    `copy` tells requests apart that are identical on purpose: repeats of a model without seeds.
    `reusable` says whether an earlier job of an identical request may stand for it: only where the user
    wrote the seed down.
    """

    request: Request
    coordinates: tuple[int, ...]
    copy: int = 0
    reusable: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Equal for twins, which share one job."""
        return self.request.identity, self.copy


@dataclass(frozen=True)
class Expansion:
    """What an ask expands to: axes by name and labels, and the requests in grid order."""

    axes: tuple[Axis[object], ...]
    requests: tuple[PlannedRequest, ...]
    drawn_seeds: tuple[int, ...] = ()

    def written_down(self) -> Expansion:
        """The same, with drawn seeds standing as if the user had written them."""
        requests = tuple(replace(item, reusable=item.request.seed is not None) for item in self.requests)
        return replace(self, requests=requests)

    def asked_anew(self) -> Expansion:
        """The same, with no earlier job standing for any of the requests."""
        return replace(self, requests=tuple(replace(item, reusable=False) for item in self.requests))

    def without(self, places: Collection[tuple[int, ...]]) -> Expansion:
        """The same, less the requests at these coordinates."""
        rest = tuple(item for item in self.requests if item.coordinates not in places)
        return replace(self, requests=rest)


def expand(ask: Ask, draw_seed: DrawSeed) -> Expansion:
    """All requests of an ask, valid, or all of its mistakes.

    Where no seed is given and a model has one, seeds are drawn once for the whole plan, `repeat` of them.

    Raises:
        InvalidRequestError: with each mistake of each combination, once.
        UsageError: axes clash, or there are too many combinations.
    """
    check_repeat(ask.repeat)
    ask, drawn = _draw_seeds(ask, draw_seed)
    axes = ask.axes()
    count = math.prod(len(axis) for axis in axes)
    if count > MOST_REQUESTS:
        raise UsageError(f"{count:,} requests are too many for one plan; {MOST_REQUESTS:,} are allowed.")
    requests: list[PlannedRequest] = []
    mistakes: dict[Mistake, None] = {}
    for coordinates, values in combinations(axes):
        try:
            requests.append(_request(ask, axes, coordinates, values, drawn))
        except InvalidRequestError as error:
            mistakes.update(dict.fromkeys(error.mistakes))
    if mistakes:
        raise InvalidRequestError(list(mistakes))
    return Expansion(axes, tuple(requests), drawn)


def _request(
    ask: Ask,
    axes: tuple[Axis[object], ...],
    coordinates: tuple[int, ...],
    values: dict[str, object],
    drawn: tuple[int, ...],
) -> PlannedRequest:
    model = cast(Model, values.get(MODEL_AXIS, ask.models[0]))
    params = {key: values.get(key, given[0]) for key, given in ask.params.items()}
    places = {axis.name: place for axis, place in zip(axes, coordinates, strict=True)}
    if drawn and seed_param(model) is None:
        params.pop(SEED_KEY, None)
    elif drawn and SEED_KEY not in params:
        params[SEED_KEY] = drawn[places[REPEAT_AXIS]]
    prompt = ask.prompt.render({axis.name: places.get(axis.name, 0) for axis in ask.prompt.axes})
    label = tuple(ask.references)[places.get(REFERENCES_AXIS, 0)] if ask.references else None
    references: tuple[Reference, ...] = () if label is None else ask.references[label]
    request = build_request(model, prompt, params, references)
    repeats = places.get(REPEAT_AXIS, 0)
    return PlannedRequest(
        request,
        coordinates,
        copy=repeats if request.seed is None else 0,
        reusable=request.seed is not None and not drawn,
    )


def _draw_seeds(ask: Ask, draw_seed: DrawSeed) -> tuple[Ask, tuple[int, ...]]:
    """The ask with its seeds drawn where nothing was said about them, and the seeds that were drawn."""
    if SEED_KEY in ask.params:
        if ask.repeat > 1 and any(seed is not None for seed in ask.params[SEED_KEY]):
            raise UsageError(
                [Mistake("repeat", "it draws seeds, and seeds are given too; leave one of them out")]
            )
        return ask, ()
    seeded = [model for model in ask.models if seed_param(model) is not None]
    if not seeded:
        return ask, ()
    seeds = draw_seeds(seeded, ask.repeat, draw_seed)
    if len(seeded) < len(ask.models) and ask.repeat > 1:
        # No seed is the seedless models' own: the axis counts, and each seeded picture says its seed.
        return ask, seeds
    # The seeds stand where --repeat was written.
    order = tuple(SEED_KEY if name == REPEAT_AXIS else name for name in ask.order)
    return replace(ask, params={**ask.params, SEED_KEY: seeds}, repeat=1, order=order), seeds


def check_repeat(repeat: int) -> None:
    """UsageError where no plan takes so many, before each of them gets a seed or a label."""
    if repeat > MOST_REQUESTS:
        raise UsageError(
            [Mistake("repeat", f"{repeat:,} are too many; a plan takes {MOST_REQUESTS:,} at most")]
        )


def draw_seeds(
    models: Iterable[Model], count: int, draw_seed: DrawSeed, taken: Collection[object] = ()
) -> tuple[int, ...]:
    """So many different seeds that every model takes, none of which is `taken`.

    Raises:
        UsageError: there are not so many.
    """
    # One draw for the whole plan: every model has to take what is drawn.
    bounds = [_bounds(param) for model in models if (param := seed_param(model)) is not None]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if high - low + 1 - len(taken) < count:
        raise UsageError([Mistake("repeat", f"there are only {max(0, high - low + 1)} different seeds")])
    seeds: dict[int, None] = {}
    while len(seeds) < count:
        seed = draw_seed(low, high)
        if seed not in taken:
            seeds[seed] = None
    return tuple(seeds)


def seed_param(model: Model) -> Param | None:
    """The model's seed, if it is one that can be drawn and not one of a few choices."""
    param = model.param(SEED_KEY)
    return None if param is None or param.options else param


def _bounds(seed: Param) -> tuple[int, int]:
    low = 0 if seed.minimum is None else int(seed.minimum)
    return low, LARGEST_SEED if seed.maximum is None else int(seed.maximum)
