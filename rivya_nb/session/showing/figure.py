"""A grid as a figure of a paper, by matplotlib, which is only imported where somebody wants one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.session.showing.looks import path_finder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rivya_nb.store.store import Store
    from rivya_nb.views.layout import Layout

_SMALLEST, _LARGEST = 4, 24
"""Points of letters."""


def grid_figure(
    layout: Layout,
    values: Mapping[str, Sequence[str]],
    store: Store,
    *,
    width: float,
    page: int | None,
    font: str,
    font_size: float,
) -> Figure:
    """The layout as a figure; `values` are those of each axis. This decodes pictures.

    Raises:
        UsageError: as `Grid.figure` says.
    """
    try:
        from rivya_nb.views.figure import NARROWEST, WIDEST, Lettered, draw_figure
    except ImportError:
        raise UsageError(
            "A figure needs matplotlib, which is not installed here: pip install 'rivya-nb[figure]'. "
            'grid.save("sheet.pdf") writes the grid without it.'
        ) from None
    mistakes = [
        Mistake(name, f"{short_repr(value)} is no number of {unit} from {low:g} to {high:g}")
        for name, value, unit, low, high in (
            ("width", width, "inches", NARROWEST, WIDEST),
            ("font_size", font_size, "points", _SMALLEST, _LARGEST),
        )
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high
    ]
    if not isinstance(font, str) or not font.strip():
        mistakes.append(Mistake("font", f'{short_repr(font)} is no family of fonts; give a name, as "serif"'))
    if mistakes:
        raise UsageError(mistakes)
    marks = store.marks.of([cell.job.id for cell in layout.cells])
    return draw_figure(
        layout,
        values,
        path_of=path_finder(store.files),
        load=store.files.thumbnails.load,
        excluded={job_id: each.excluded for job_id, each in marks.items() if each.excluded},
        width=float(width),
        page=page,
        letters=Lettered(font, float(font_size)),
    )
