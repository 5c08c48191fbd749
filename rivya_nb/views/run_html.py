"""A run as static HTML that can be read wherever a notebook is opened.

An untrusted notebook removes `<style>`, CSS variables, ids and ARIA attributes: so all content is in a table
with plain inline styles, in the page's own text colour, and the `<style>` block is only decoration.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from rivya_nb.contract.text import count, listing, printable
from rivya_nb.views.cells import draw
from rivya_nb.views.geometry import GAP, measure
from rivya_nb.views.headline import headline
from rivya_nb.views.prompts import told_prompts
from rivya_nb.views.run_view import RunView, progress_line, tally
from rivya_nb.views.words import joined, lost_words, noun_of, unseen_kind

if TYPE_CHECKING:
    from jinja2 import Environment

_FEW = 6
"""Places of a run that can be seen at once: with more, the progress line of a working run stays in sight."""
_MOST_NOTES = 4
"""References whose changes are listed one by one; more are counted."""
_NOTE_LENGTH = 200


def prepare() -> None:
    """Import and compile what a run is drawn with, which takes a tenth of a second: call it off the event loop."""
    for name in ("run.html", "grid.html", "prompts.html"):
        environment().get_template(name)


def render_run(view: RunView) -> str:
    """The HTML of a run, finished or not: the prompt, the progress, the grid, and what to do next."""
    sums = tally(view)
    geometry = measure(view.layout)
    template = environment().get_template("run.html")
    return template.render(
        headline=headline(view),
        progress=progress_line(view),
        percent=100 * sums.ended // sums.total if view.live and sums.total else None,
        is_long=view.live and len(view.layout.cells) > _FEW,
        layout=view.layout,
        pages=draw(
            view.layout,
            geometry if view.grows else geometry.kept_small(),
            view.thumbnails,
            view.now,
            view.lost,
            view.marks,
            view.origins,
            figures=view.figures,
            players=view.players,
        ),
        gap=GAP,
        left_out=left_out(view),
        notes=_notes(view),
        notice=view.notice,
        hints=view.hints,
        prompts=told_prompts(view.prompts),
    )


def _notes(view: RunView) -> list[str]:
    notes = [printable(note, _NOTE_LENGTH) for note in view.notes]
    rest = len(notes) - _MOST_NOTES
    return notes if rest <= 0 else [*notes[:_MOST_NOTES], f"and {count(rest, 'more reference')}"]


def left_out(view: RunView) -> str:
    """Which pictures an output does not show; empty if all are shown."""
    pictures = {cell.key: cell.picture for cell in view.layout.cells}
    missing = [key for key, small in view.thumbnails.items() if small is None and key not in view.lost]
    kinds = [kind for key in missing if (kind := unseen_kind(pictures.get(key)))]
    return joined([lost_words(view.lost), _unseen(kinds), _kept_small(len(missing) - len(kinds), view)])


def _unseen(kinds: Sequence[str]) -> str:
    if not kinds:
        return ""
    names = listing(sorted(set(kinds)))
    return f"{count(len(kinds), 'picture')} ({names}) cannot be shown here; the originals are in the store"


def _kept_small(missing: int, view: RunView) -> str:
    if not missing:
        return ""
    named = count(missing, noun_of(view.jobs.values()))
    if view.trouble:
        return f"{named} of {len(view.thumbnails)} not shown now: {view.trouble}"
    return (
        f"{named} of {len(view.thumbnails)} not shown, to keep this page small; "
        "the originals are in the store"
    )


@cache
def environment() -> Environment:
    """The templates of this package. All values are escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    def breakable(text: str) -> Markup:
        return escape(text).replace("_", Markup("_<wbr>"))

    folder = resources.files("rivya_nb.views") / "templates"
    made = Environment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["breakable"] = breakable
    return made
