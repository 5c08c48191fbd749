"""Expanding what is asked into requests: pure, and nothing is sent."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, product

from rivya_nb.contract.catalogue import Catalogue, Model, Param
from rivya_nb.contract.request import SEED_KEY, Request, build_request
from rivya_nb.errors import InvalidRequestError, Mistake, UsageError
from rivya_nb.planning.ask import (
    MODEL_AXIS,
    PROMPT_AXIS,
    REFERENCES_AXIS,
    REPEAT_AXIS,
    REPLICATE_AXIS,
    REQUEST_AXIS,
    WORDING_AXES,
    Ask,
    Axis,
    wording_key,
)
from rivya_nb.planning.sampling import sample_places
from rivya_nb.planning.tables import Rows

MOST_REQUESTS = 100_000
"""Requests in one plan. More is a mistake, whatever they cost."""

LARGEST_SEED = 2**31 - 1
"""Where a record gives no upper bound of the seed."""

DrawSeed = Callable[[int, int], int]
"""Draws a whole number between two bounds, both included (`random.randint`)."""

Place = tuple[int, ...]
"""Coordinates in a grid: an index into the values of each axis."""


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
    models = [catalogue.image_model(model) for model in dict.fromkeys(ask.models)]
    _check_names(ask, models)
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
    places = _places(ask, axes)
    model_of = cache(catalogue.image_model)
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


def _places(ask: Ask, axes: Sequence[Axis[object]]) -> Iterable[Place]:
    """The coordinates of all that is asked, in grid order; of a sample, every replicate of its places.

    Raises:
        UsageError: they are too many, or a sample is larger than the product.
    """
    if not ask.sample:
        _check_count(math.prod(map(len, axes)))
        # The last axis runs fastest.
        return product(*(range(len(axis)) for axis in axes))
    # In the order of their names: what is drawn is the same in whatever order the axes are written.
    drawn = sorted(axes, key=lambda axis: axis.name)
    drawn = [axis for axis in drawn if axis.name != REPLICATE_AXIS]
    sizes = [len(axis) for axis in drawn]
    if ask.sample > (whole := math.prod(sizes)):
        raise UsageError(
            [Mistake("sample", f"{ask.sample:,} are more than there are: the product has {whole:,} places")]
        )
    _check_count(ask.sample * ask.replicates)
    names = [axis.name for axis in drawn]
    places = sample_places(sizes, wording_axes(ask, drawn), ask.sample, ask.sample_seed)
    indices = (dict(zip(names, place, strict=True)) for place in places)
    every = (
        product(*((at[axis.name],) if axis.name in at else range(len(axis)) for axis in axes))
        for at in indices
    )
    return sorted(chain.from_iterable(every))


def _check_count(count: int) -> None:
    if count > MOST_REQUESTS:
        raise UsageError(f"{count:,} requests are too many for one plan; {MOST_REQUESTS:,} are allowed.")


def wording_axes(ask: Ask, axes: Sequence[Axis[object]]) -> list[int]:
    """The indices of the axes whose places differ in their prompt."""
    own = [axis.name for axis in ask.prompt.axes]
    names = {*WORDING_AXES, *own, *(ask.couplings[name].axis for name in own if name in ask.couplings)}
    return [index for index, axis in enumerate(axes) if axis.name in names]


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
    places = _with_members(ask, {axis.name: place for axis, place in zip(axes, coordinates, strict=True)})
    coupled = ask.couplings
    repeat, replicate = places.get(REPEAT_AXIS, 0), 1 + places.get(REPLICATE_AXIS, 0)
    params = {key: values[places.get(key, 0)] for key, values in ask.params.items()}
    if ask.requests:
        given = ask.requests[places.get(REQUEST_AXIS, 0)]
        model_id, prompt, references = given.model, given.prompt, given.references
        replicate += given.replicate - 1
        params = {**given.params, **params}
    else:
        model_id = ask.models[places.get(MODEL_AXIS, 0)]
        prompt = _wording(ask, places)
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


def _wording(ask: Ask, places: Mapping[str, int]) -> str:
    """The prompt at a place, given as an index for each axis' name."""
    return ask.prompt.render(defaultdict(int, places))


def _with_members(ask: Ask, places: Mapping[str, int]) -> dict[str, int]:
    """A place, given as an index for each axis' name, with that of each member of a coupled axis."""
    members = {member: places.get(each.axis, 0) for member, each in ask.couplings.items()}
    return {**places, **members}


def _check_names(ask: Ask, models: Sequence[Model]) -> None:
    """The prompt's axes may be called anything but what a request is made of."""
    keys = {key for model in models for key in model.param_keys}
    taken = {*keys, *ask.params, MODEL_AXIS, REFERENCES_AXIS, REPEAT_AXIS, REPLICATE_AXIS}
    wrong = [axis.name for axis in ask.prompt.axes if axis.name in taken]
    if wrong:
        raise UsageError(
            [Mistake(name, "an axis of the prompt cannot bear this name; rename it") for name in wrong]
        )


def with_seeds(ask: Ask, models: Sequence[Model], draw_seed: DrawSeed) -> Ask:
    """The ask with its seeds drawn where nothing was said about them."""
    seeded = [model for model in models if seed_param(model) is not None]
    given = SEED_KEY in ask.params and not _lacks_seeds(ask)
    if not ask.pair_seeds and (given or not seeded):
        reason = "seeds are given" if given else "none of the models has one"
        raise UsageError(
            [Mistake("pair_seeds", f"it is about seeds that are drawn, and {reason}; leave it out")]
        )
    if SEED_KEY in ask.params:
        if ask.repeat > 1 and any(seed is not None for seed in ask.params[SEED_KEY]):
            raise UsageError(
                [
                    Mistake(
                        "repeat",
                        "it draws seeds, and seeds are given too; leave one of them out, or ask for the very same "
                        "again with replicates",
                    )
                ]
            )
        if not _lacks_seeds(ask):
            return ask
    if not seeded:
        return _numbered(ask)
    if not ask.pair_seeds:
        return with_seeds_by_prompt(ask, seeded, draw_seed)
    seeds = draw_seeds(seeded, ask.repeat, draw_seed)
    if len(seeded) < len(models) or SEED_KEY in ask.params:
        # No seed is the seedless models' own: the axis counts, and each seeded picture says its seed.
        return replace(ask, drawn=seeds)
    # The seeds stand where --repeat was written.
    order = tuple(SEED_KEY if name == REPEAT_AXIS else name for name in ask.order)
    return replace(ask, params={**ask.params, SEED_KEY: seeds}, repeat=1, order=order, drawn=seeds)


def _lacks_seeds(ask: Ask) -> bool:
    """Whether some rows of a table have a seed, and others have none."""
    return SEED_KEY in ask.couplings and None in ask.params[SEED_KEY]


def _numbered(ask: Ask) -> Ask:
    """The ask of models without seeds: with nothing to draw, repeats are replicates."""
    if ask.repeat == 1 or not ask.models:
        return ask
    if ask.replicates > 1:
        raise UsageError(
            [Mistake("repeat", "without a seed, it is the same as replicates; leave one of them out")]
        )
    order = tuple(
        REPLICATE_AXIS if name == REPEAT_AXIS else name for name in ask.order if name != REPLICATE_AXIS
    )
    return replace(ask, repeat=1, replicates=ask.repeat, order=order)


def with_seeds_by_prompt(ask: Ask, models: Sequence[Model], draw_seed: DrawSeed) -> Ask:
    """The ask with a drawn seed for each prompt and repeat; those that it has stay.

    Raises:
        UsageError: there are not so many seeds.
    """
    drawn = dict(ask.drawn_by_prompt)
    for prompt in wordings(ask):
        seeds = drawn.get(key := wording_key(prompt), ())
        if len(seeds) < ask.repeat:
            taken = [int(str(seed)) for seed in seeds]
            drawn[key] = (*seeds, *draw_seeds(models, ask.repeat - len(seeds), draw_seed, taken))
    return replace(ask, drawn_by_prompt=drawn)


def wordings(ask: Ask) -> Iterable[str]:
    """The prompt at every place of the axes that change it.

    Raises:
        UsageError: there are too many.
    """
    axes = ask.axes()
    own = [axes[index] for index in wording_axes(ask, axes)]
    if (number := math.prod(map(len, own))) > MOST_REQUESTS:
        raise UsageError(f"{number:,} prompts are too many for one plan; {MOST_REQUESTS:,} are allowed.")
    places = product(*(range(len(axis)) for axis in own))
    return (
        _wording(ask, _with_members(ask, dict(zip((axis.name for axis in own), place, strict=True))))
        for place in places
    )


def check_repeat(repeat: int, name: str = "repeat") -> None:
    """UsageError where no plan takes so many, before each of them gets a seed or a label."""
    if repeat > MOST_REQUESTS:
        raise UsageError([Mistake(name, f"{repeat:,} are too many; a plan takes {MOST_REQUESTS:,} at most")])


def draw_seeds(
    models: Iterable[Model], count: int, draw_seed: DrawSeed, taken: Collection[int] = ()
) -> tuple[int, ...]:
    """So many different seeds that every model takes, none of which is `taken`.

    Raises:
        UsageError: there are not so many.
    """
    # One draw for the whole plan: every model has to take what is drawn.
    bounds = [_bounds(param) for model in models if (param := seed_param(model)) is not None]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    free = high - low + 1 - sum(low <= seed <= high for seed in taken)
    if free < count:
        raise UsageError(
            [Mistake("repeat", f"there are only {max(0, free)} {'more' if taken else 'different'} seeds")]
        )
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
