"""A share, a difference and their intervals in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.views.effects import EffectBar, percent_words

if TYPE_CHECKING:
    from rivya_nb.study.effects.contrasts import Contrast
    from rivya_nb.study.effects.shares import Share

ALPHA = 0.05
"""A p-value up to this is taken for more than chance."""

_UNTESTED = "not tested"
_CHANCE = "may be chance"
NOT_ABOVE = "size not clearly above the noise floor"
BELOW = "size below the noise floor"


def effect_bar(share: Share, floor: Share | None, limit: float | None) -> EffectBar:
    low, high = share.interval or (None, None)
    is_noise = not share.axes
    words = percent_words(share.share, low, high)
    if share.chance is not None:
        words += f" {chance_words(share.chance)}"
    if is_noise and floor is not None:
        words += " noise floor"
    verdict = "" if is_noise else verdict_of(share, floor, limit)
    return EffectBar(
        share.name,
        share.share,
        low,
        high,
        f"{words}, {verdict}" if verdict else words,
        "floor" if is_noise else "unclear" if verdict else "clear",
    )


def verdict_of(share: Share, floor: Share | None, limit: float | None) -> str:
    """Whether chance alone may give a row, and else whether it is smaller than the noise floor: two questions."""
    if share.interval is None and share.chance is None:
        return _UNTESTED
    # Where both are there, the test is the one that holds for few prompts.
    reaches_zero = share.interval is not None and share.interval.low <= 0
    if reaches_zero if share.chance is None else share.chance > ALPHA:
        return _CHANCE
    if floor is None or limit is None:
        return ""
    low, high = share.interval or (share.share, share.share)
    if floor.interval is not None and share.interval is not None and high < floor.interval.low:
        return BELOW
    return NOT_ABOVE if low <= limit else ""


def chance_words(chance: float) -> str:
    return "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}".rstrip("0") if chance < 1 else "p = 1"


def short_words(each: Contrast) -> str:
    """`+0.14 [0.08, 0.21]`, with as many digits as its size asks for."""
    ends = each.interval or ()
    form = _form([each.difference, *ends])
    words = f"{each.difference:+{form}}".replace("-", "−")
    return f"{words} [{', '.join(f'{end:{form}}'.replace('-', '−') for end in ends)}]" if ends else words


def _form(numbers: Sequence[float]) -> str:
    """How numbers are written that stand together; those of unusual size with a power of ten."""
    largest = max(map(abs, numbers))
    if largest == 0 or not 0.001 <= largest < 1e6:
        return ".2g"
    return f".{next((digits for digits, size in ((0, 100), (1, 10), (2, 0.1), (3, 0.01)) if largest >= size), 4)}f"


def size_words(number: float) -> str:
    return f"{number:{_form([number])}}"


def contrast_words(each: Contrast) -> str:
    parts = [short_words(each)]
    if each.d is not None:
        parts.append(f"d = {each.d:.1f}".replace("-", "−"))
    if each.chance is not None:
        parts.append(chance_words(each.chance))
    return ", ".join([*parts, f"paired over {each.pairs:,}"])


def few_words(prompts: int, has_interval: bool) -> str:
    from rivya_nb.study.effects.intervals import ENOUGH

    given = (
        "an interval may be a little too narrow, so a permutation test (p, corrected by Holm) stands beside it"
        if has_interval
        else "an interval would be too narrow, so there is a permutation test instead (p, corrected by Holm; of "
        "single axes only)"
    )
    few = "One prompt is" if prompts == 1 else f"{prompts} prompts are"
    return f"{few} fewer than {ENOUGH}: {given}."
