"""The seeds of an ask, drawn where nothing was said about them; without any, repeats are replicates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from rivya_nb.contract.catalogue import Model, Param
from rivya_nb.contract.request import SEED_KEY
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import REPEAT_AXIS, REPLICATE_AXIS, Ask, wording_key
from rivya_nb.planning.places import wordings

LARGEST_SEED = 2**31 - 1
"""Where a record gives no upper bound of the seed."""

DrawSeed = Callable[[int, int], int]
"""Draws a whole number between two bounds, both included (`random.randint`)."""


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
    # A negative one is a service's word for "any".
    low = max(0, int(seed.minimum or 0))
    return low, LARGEST_SEED if seed.maximum is None else int(seed.maximum)
