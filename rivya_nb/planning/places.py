"""The places of what is asked, as indices into the values of its axes, and the prompt at each of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, product

from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import REPLICATE_AXIS, WORDING_AXES, Ask, Axis
from rivya_nb.planning.sampling import sample_places

MOST_REQUESTS = 100_000
"""Requests in one plan. More is a mistake, whatever they cost."""

Place = tuple[int, ...]
"""Coordinates in a grid: an index into the values of each axis."""


def check_repeat(repeat: int, name: str = "repeat") -> None:
    """UsageError where no plan takes so many, before each of them gets a seed or a label."""
    if repeat > MOST_REQUESTS:
        raise UsageError([Mistake(name, f"{repeat:,} are too many; a plan takes {MOST_REQUESTS:,} at most")])


def places_of(ask: Ask, axes: Sequence[Axis[object]]) -> Iterable[Place]:
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


def wording(ask: Ask, places: Mapping[str, int]) -> str:
    """The prompt at a place, given as an index for each axis' name."""
    return ask.prompt.render(defaultdict(int, places))


def with_members(ask: Ask, places: Mapping[str, int]) -> dict[str, int]:
    """A place, given as an index for each axis' name, with that of each member of a coupled axis."""
    members = {member: places.get(each.axis, 0) for member, each in ask.couplings.items()}
    return {**places, **members}


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
        wording(ask, with_members(ask, dict(zip((axis.name for axis in own), place, strict=True))))
        for place in places
    )
