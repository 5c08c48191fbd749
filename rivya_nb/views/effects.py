"""What moves the pictures, as bars with intervals, which also read right in untrusted notebooks, themes and print.

Bars are thick borders, since browsers print no backgrounds, and whiskers have the page's own text colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rivya_nb.contract.text import printable
from rivya_nb.views.models import text_table

Tone = Literal["floor", "clear", "unclear"]

_COLOURS: dict[Tone, str] = {"floor": "#a6a6a6", "clear": "#3b8ad8", "unclear": "#9cbcdb"}


@dataclass(frozen=True)
class EffectBar:
    """A row: its share with the ends of its interval (parts of 1), and both in words."""

    name: str
    share: float
    low: float | None
    high: float | None
    words: str
    tone: Tone

    @property
    def colour(self) -> str:
        return _COLOURS[self.tone]


@dataclass(frozen=True)
class EffectsView:
    """`floor` is the upper end of the noise, None where it is not known. `lines` are sentences with their heads,
    and `summary` says the plot in words."""

    of: str
    subject: str
    statistic: str
    bars: Sequence[EffectBar]
    floor: float | None
    lines: Sequence[tuple[str, str]]
    summary: str
    foot: str
    notes: Sequence[str] = ()


def effects_html(view: EffectsView) -> str:
    """The view as static HTML."""
    from rivya_nb.views.run_html import environment

    most = max([view.floor or 0, *(bar.high or bar.share for bar in view.bars)], default=1.0) or 1.0
    return environment().get_template("effects.html").render(
        view=view, bars=[_drawn(bar, most) for bar in view.bars], floor=_percent(view.floor, most)
    )  # fmt: skip


def effects_text(view: EffectsView) -> str:
    """The view as plain text."""
    rows = [(printable(bar.name), bar.words) for bar in view.bars]
    lines = [f"{printable(head)}: {text}" for head, text in view.lines]
    title = [f"What moves {printable(view.of)}", view.subject]
    return "\n".join(
        [*title, *text_table(("only this differs", "share"), rows), *lines, view.foot, *view.notes]
    )


def power_html(sentences: Sequence[str], sizes: Sequence[Mapping[str, int]]) -> str:
    """Sentences, and below them a table of sizes, as static HTML."""
    from rivya_nb.views.run_html import environment

    return environment().get_template("power.html").render(sentences=sentences, sizes=sizes)


def power_text(sentences: Sequence[str], sizes: Sequence[Mapping[str, int]]) -> str:
    """The same as plain text."""
    rows = [tuple(f"{number:,}" for number in size.values()) for size in sizes]
    return "\n".join([*sentences, *(text_table(tuple(sizes[0]), rows) if sizes else ())])


def percent_words(share: float, low: float | None = None, high: float | None = None) -> str:
    """`41 % [30, 52]`."""
    words = f"{100 * share:.0f} %"
    return words if low is None or high is None else f"{words} [{100 * low:.0f}, {100 * high:.0f}]"


def _drawn(bar: EffectBar, most: float) -> dict[str, object]:
    """Where a bar and its whiskers stand, in percent of the widest."""
    low, high = _percent(bar.low, most), _percent(bar.high, most)
    return {
        "bar": bar,
        "width": _percent(bar.share, most),
        "low": low,
        "span": None if low is None or high is None else round(high - low, 2),
    }


def _percent(share: float | None, most: float) -> float | None:
    return None if share is None else round(100 * min(1.0, share / most), 2)
