"""A grid: the pictures of some jobs laid out by two axes. What each cell shows is read when it is shown."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.results.looks import Bundle, bundle, look_at, path_finder, records, thumbnails
from rivya_nb.views.headline import headline
from rivya_nb.views.layout import arrange
from rivya_nb.views.run_view import Hint

if TYPE_CHECKING:
    from rivya_nb.results.job import Job
    from rivya_nb.store.files import ContentFiles
    from rivya_nb.store.records import RunRecord


class Grid:
    """Labelled rows and columns of pictures; in a notebook it shows itself as static HTML."""

    def __init__(
        self,
        run: RunRecord,
        jobs: Mapping[str, Job],
        files: ContentFiles,
        *,
        rows: str | None = None,
        cols: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._run = run
        self._jobs = jobs
        self._files = files
        self._rows = rows
        self._cols = cols
        self._hints = tuple(Hint("", note) for note in notes)
        self._layout = arrange(run, records(jobs), rows=rows, cols=cols)

    def save(self, path: str | os.PathLike[str], *, cell: int = 512) -> Path:
        """Write the grid as one picture, a contact sheet; its absolute path.

        The suffix decides the format: `.png`, `.jpg`, `.jpeg` or `.webp`. `cell` is the height of a picture
        in pixels.

        Raises:
            UsageError: another suffix, or a sheet larger than the format can hold.
        """
        from rivya_nb.views.contact_sheet import save_grid

        target = Path(path).expanduser().absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        layout = arrange(self._run, records(self._jobs), rows=self._rows, cols=self._cols, every=True)
        head = headline(look_at(self._run, self._jobs, layout, {}))
        save_grid(
            layout,
            path_finder(self._files),
            target,
            cell=cell,
            caption=head.full_prompt,
            details=head.facts,
        )
        return target

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        small = thumbnails(self._layout, self._files)
        return bundle(look_at(self._run, self._jobs, self._layout, small, hints=self._hints), self._files)

    def __repr__(self) -> str:
        axes = " × ".join(f"{len(axis.labels)} {axis.name}" for axis in self._run.axes)
        return f"<Grid of {len(self._jobs)} jobs{': ' + axes if axes else ''}>"
