"""Several runs as one: what `run + run` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import UsageError
from rivya_nb.session.history import Selection
from rivya_nb.session.run import Run
from rivya_nb.views.layout import MOST_CELLS

if TYPE_CHECKING:
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.widgets.viewer import Viewer


class Together(Selection):
    """The pictures of several runs, run after run. A notebook shows them as one grid with the axes of all runs.

    Where runs differ otherwise, `run` is an axis too.

    Raises:
        UsageError: the runs are of different stores.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        first = runs[0]
        if any(run._live_records.store is not first._live_records.store for run in runs):
            raise UsageError("These runs are in different stores; only runs of one store make one grid.")
        self._summands = tuple(runs)
        ids = dict.fromkeys(job.id for run in runs for job in run.jobs)
        title = " + ".join(f"run {run.id}" for run in runs)
        super().__init__(first._live_records, list(ids), title, [run.id for run in runs])

    def __add__(self, other: Run | Together) -> Together:
        return together(self, other)

    def view(self) -> Viewer:
        """Open the viewer with the grid; of very many pictures, with one page at a time."""
        return super().view() if len(self) > MOST_CELLS else self.grid().view()

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        return self.grid()._repr_mimebundle_()


def together(one: Run | Together, other: Run | Together) -> Together:
    """Both as one; a run that is in both is there once.

    Raises:
        UsageError: `other` is something else.
    """
    if not isinstance(other, (Run, Together)):
        raise UsageError(
            f"Only runs make one grid with a run, and {short_repr(other)} is none; rv.runs(9) gives run 9."
        )
    parts = (part._summands if isinstance(part, Together) else (part,) for part in (one, other))
    runs = {run.id: run for part in parts for run in part}
    return Together(list(runs.values()))
