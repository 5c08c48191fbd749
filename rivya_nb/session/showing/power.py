"""How large a study has to be, and what it costs; shows itself as static HTML."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import count, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.planning.ask import PROMPT_AXIS, REPLICATE_AXIS
from rivya_nb.session.showing.effect_words import size_words
from rivya_nb.session.showing.effects import Of
from rivya_nb.session.showing.finding_effects import Study, find_numbers
from rivya_nb.session.showing.progress import with_progress
from rivya_nb.session.showing.tables import table

if TYPE_CHECKING:
    from pandas import DataFrame

    from rivya_nb.planning.expansion import Expansion
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.study.computing import Progress
    from rivya_nb.study.effects.numbers import Numbers
    from rivya_nb.study.effects.power import Size, Spread

_MOST_ROWS = 6


class Power:
    """The sizes of a study that would show a difference in 8 of 10 cases.

    `sizes` are these, the cheapest first, each a `Size`. `power` is the part of studies of the plan's own size
    that would show it, and `smallest` the difference that those show in 8 of 10 cases; both are None for a plan of
    fewer than 3 prompts.
    """

    def __init__(
        self, of: str, axis: str, difference: float, spread: Spread, planned: PlannedSize, pilot: int
    ) -> None:
        from rivya_nb.study.effects.power import sizes

        self.of, self.axis, self.difference, self.spread = of, axis, difference, spread
        found = sizes(
            spread,
            difference,
            cells=planned.cells,
            pairs=planned.pairs,
            price=planned.price,
            seeded=planned.seeded,
        )
        self.sizes: tuple[Size, ...] = tuple(sorted(found, key=lambda size: (size.credits, size.pictures)))
        self._planned, self._pilot = planned, pilot
        pairs = planned.seeds * planned.pairs
        is_study = planned.prompts > 2
        self.power = spread.power(difference, planned.prompts, pairs) if is_study else None
        self.smallest = spread.smallest(planned.prompts, pairs) if is_study else None

    @property
    def best(self) -> Size | None:
        """The cheapest size; None if none is large enough."""
        return self.sizes[0] if self.sizes else None

    def to_pandas(self) -> DataFrame:
        """One row for each size: prompts, seeds, pictures, credits.

        Raises:
            UsageError: pandas is not installed.
        """
        return table(self._rows(self.sizes))

    def _rows(self, found: Sequence[Size]) -> list[dict[str, Any]]:
        return [
            {
                "prompts": each.prompts,
                "seeds": each.seeds * self._planned.compared,
                "pictures": each.pictures,
                "credits": round(each.credits),
            }
            for each in found
        ]

    @property
    def _sentences(self) -> list[str]:
        wanted = f"a difference of {self.difference:g} in {self.of} between two values of {self.axis}"
        if self.best is None:
            first = f"To tell {wanted} in 8 of 10 studies takes more than 2,000 prompts."
        else:
            size = _size_words(self.best, self._planned)
            first = f"To tell {wanted} in 8 of 10 studies: {size}."
        found = [first]
        if self.power is not None and self.smallest is not None:
            seeds = self._planned.seeds * self._planned.compared
            own = f"{count(self._planned.prompts, 'prompt')} × {count(seeds, 'seed')}"
            found.append(
                f"This plan ({own}) would show it in {10 * self.power:.1f} of 10, and differences from "
                f"{size_words(self.smallest)} on in 8 of 10."
            )
        found.append(
            f"From the variances in a pilot of {count(self._pilot, 'prompt')}, which are uncertain themselves. A "
            "study of this size that shows nothing is no proof that there is nothing."
        )
        return found

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        from rivya_nb.views.effects import power_html

        return {
            "text/html": power_html(self._sentences, self._rows(self.sizes[:_MOST_ROWS])),
            "text/plain": repr(self),
        }

    def __repr__(self) -> str:
        from rivya_nb.views.effects import power_text

        return power_text(self._sentences, self._rows(self.sizes[:_MOST_ROWS]))


class PlannedSize:
    """What a plan has of everything, the axis of the difference being `axis`.

    A prompt with a seed has `cells` pictures at a `price` in credits each, and gives `pairs` pairs of two values.
    `seeded` is False if its models take no seeds. Where two seeds are compared, more seeds give no more pairs:
    `seeds` is 1 and `compared` 2, and else `compared` is 1. `noun` is the word for one of what it makes.
    """

    def __init__(self, expansion: Expansion, axis: str, noun: str) -> None:
        from rivya_nb.study.effects.observations import CHANCE

        axes = {each.name: len(each) for each in expansion.axes}
        requests = [item.request for item in expansion.requests]
        self.noun = noun
        self.prompts = axes.pop(PROMPT_AXIS, 1)
        self.replicates = axes.pop(REPLICATE_AXIS, 1)
        self.seeds = max([axes.pop(name, 1) for name in CHANCE])
        self.seeded = self.seeds > 1 or any(request.seed is not None for request in requests)
        self.compared = 1
        if axis in CHANCE:
            self.seeds, self.seeded, self.compared = 1, False, 2
        self.price = sum(request.base_credits or 0 for request in requests) / len(requests)
        values = axes.pop(axis, 2)
        self.pairs = prod(axes.values())
        self.cells = values * self.pairs * self.replicates


def find_power(
    study: Study, of: Of, difference: float, axis: str | None, expansion: Expansion, noun: str
) -> Power:
    """Compute it off the loop, with the progress of what has to be measured; `noun` is the word for one of what
    the plan makes.

    Raises:
        UsageError: as `Plan.power`.
        WaitInterruptedError: the kernel was interrupted; what was measured by then is kept.
    """
    is_number = isinstance(difference, (int, float)) and not isinstance(difference, bool)
    if not is_number or not 0 < difference < inf:
        told = f"{short_repr(difference)} is no size; give a number above 0, in the units of the measure"
        raise UsageError([Mistake("difference", told)])
    if not expansion.requests:
        raise UsageError("The plan has no requests, so it has no price: plan at least one.")
    name, counted, work = find_numbers(study, of)

    def computed(progress: Progress, stop: threading.Event) -> Power:
        from rivya_nb.study.effects.numbers import Numbers
        from rivya_nb.study.effects.power import spread_of

        _, numbers = work(progress, stop)
        if not isinstance(numbers, Numbers):
            raise UsageError(
                [Mistake("of", "power is for measures and distances; votes have no size in advance")]
            )
        chosen = _axis(numbers, axis)
        planned = PlannedSize(expansion, chosen, noun)
        spread = spread_of(numbers, numbers.seen.axis(chosen), planned.replicates)
        if spread is None:
            raise UsageError(
                f"The pilot is too small: of {chosen} it needs two values with the same two seeds, for two "
                "prompts at least. Run more of it first."
            )
        return Power(name, chosen, float(difference), spread, planned, len(numbers.seen.prompt_labels))

    return with_progress(name, counted, computed)


def _axis(numbers: Numbers, axis: str | None) -> str:
    seen = numbers.seen
    if axis is not None:
        seen.axis(axis)
        return axis
    chosen = [name for name, chance in zip(seen.axes, seen.is_chance, strict=True) if not chance]
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        told = f"the pilot varies only {listing(seen.axes)}; say which axis with axis={seen.axes[0]!r}"
    else:
        told = f"the pilot varies {listing(chosen)}; say between whose values with axis={chosen[0]!r}"
    raise UsageError([Mistake("axis", told)])


def _size_words(size: Size, planned: PlannedSize) -> str:
    """`20 prompts × 10 seeds, 400 pictures, 4,800 credits`."""
    made = f"{count(size.pictures, planned.noun)}, {round(size.credits):,} credits"
    return f"{count(size.prompts, 'prompt')} × {count(size.seeds * planned.compared, 'seed')}, {made}"
