"""A run of many jobs at a glance: its sums, a map of all places, why pictures are missing, and some of them.

Its size depends little on the number of jobs: a run of a hundred thousand is drawn in less than a megabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.store.records import Marks
from rivya_nb.views.cells import draw
from rivya_nb.views.geometry import GAP, measure
from rivya_nb.views.headline import Headline
from rivya_nb.views.layout import Layout
from rivya_nb.views.prompts import prompt_lines, told_prompts
from rivya_nb.views.run_view import Hint
from rivya_nb.views.status_map import GROUPS, StatusMap, swatch
from rivya_nb.views.thumbnails import Thumbnail
from rivya_nb.views.words import SIGNS, joined

MOST_REASONS = 12
"""Reasons that are told; more are counted."""

MOST_EXAMPLES = 4
"""Places that are named for each reason."""

_REASON_LENGTH = 160
_TITLE_LENGTH = 1000


class Trouble(NamedTuple):
    """Why `number` jobs in a state have no picture, with some of their places."""

    state: str
    reason: str
    number: int
    places: Sequence[str]

    @property
    def words(self) -> str:
        where = listing(self.places)
        rest = self.number - len(self.places)
        more = f" and {rest:,} more" if rest else ""
        return joined([f"{self.number:,} {self.state}", printable(self.reason, _REASON_LENGTH), where + more])


class AxisWords(NamedTuple):
    """An axis: its name, some of its `number` values, and the side of the grid that it makes."""

    name: str
    values: str
    number: int
    side: str

    @property
    def words(self) -> str:
        return f"{self.name}: {self.values} ({self.number:,}, {self.side})"


@dataclass(frozen=True)
class Overview:
    """What is known of all jobs together. `states` has the number of jobs by state, `percent` is None in a run
    that has ended; `laid_out` says in words how the map is laid out. `reasons` is the number of all reasons.
    `prompts` are told as a whole to whoever opens them.
    """

    headline: Headline
    progress: str
    states: Mapping[str, int] = field(default_factory=dict)
    map: StatusMap | None = None
    laid_out: str = ""
    axes: Sequence[AxisWords] = ()
    percent: int | None = None
    notice: str = ""
    troubles: Sequence[Trouble] = ()
    reasons: int = 0
    notes: Sequence[str] = ()
    hints: Sequence[Hint] = ()
    prompts: Sequence[str] = ()

    @property
    def more_reasons(self) -> str:
        rest = self.reasons - len(self.troubles)
        return f"and {count(rest, 'more reason')}" if rest else ""


@dataclass(frozen=True)
class Strip:
    """Some pictures of the run in a row that wraps, under a `title`."""

    title: str
    layout: Layout
    now: float
    thumbnails: Mapping[str, Thumbnail | None] = field(default_factory=dict)
    lost: Mapping[str, object] = field(default_factory=dict)
    marks: Mapping[str, Marks] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    hints: Sequence[Hint] = ()


class _Entry(NamedTuple):
    """One drawing of the map's legend."""

    swatch: StatusMap
    words: str


def _legend(states: Mapping[str, int]) -> list[_Entry]:
    entries = []
    for drawing, members in GROUPS:
        words = [f"{SIGNS[each]} {states[each]:,} {each}" for each in members if states.get(each)]
        if words:
            entries.append(_Entry(swatch(drawing), ", ".join(words)))
    return entries


def overview_html(view: Overview) -> str:
    """The overview as static HTML."""
    from rivya_nb.views.run_html import environment

    legend = _legend(view.states)
    told = ", ".join(entry.words for entry in legend)
    return environment().get_template("overview.html").render(
        view=view,
        title=printable(view.headline.full_prompt, _TITLE_LENGTH),
        legend=legend,
        alt=f"Map of all jobs: {told}",
        prompts=told_prompts(view.prompts),
        axes=[(axis.name, axis.side, f"{axis.number:,}", axis.values) for axis in view.axes],
    )  # fmt: skip


def overview_text(view: Overview) -> str:
    """The overview as plain text."""
    lines = [view.headline.prompt, f"  {view.headline.facts}", f"  {view.progress}"]
    if view.notice:
        lines.append(f"  {printable(view.notice, 300)}")
    lines += [f"  {axis.words}" for axis in view.axes]
    lines += prompt_lines(view.prompts)
    lines += [f"  {trouble.words}" for trouble in view.troubles]
    lines += [f"  {words}" for words in (view.more_reasons, *view.notes) if words]
    lines += [f"  {hint.code}  {hint.text}".rstrip() for hint in view.hints]
    return "\n".join(lines)


def strip_html(strip: Strip) -> str:
    """The pictures as static HTML; empty if there are none."""
    from rivya_nb.views.run_html import environment

    if not strip.layout.cells:
        return ""
    layout = strip.layout
    return environment().get_template("strip.html").render(
        strip=strip,
        pages=draw(
            layout,
            measure(layout),
            strip.thumbnails,
            strip.now,
            strip.lost,
            strip.marks,
            strip.origins,
        ),
        gap=GAP,
    )  # fmt: skip
