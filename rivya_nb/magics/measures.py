"""`%rivya measure`: what measures give for the pictures of a run, or which measures there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rivya_nb.contract.text import printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.magics.command import run_meant, take_flags
from rivya_nb.magics.current import current_session

if TYPE_CHECKING:
    from rivya_nb.session.run import Run
    from rivya_nb.session.showing.measures import Measurements

USAGE = "[NAMES] [--run RUN] [--at PLACE | --frames N]"
HELP = (
    "measure the results of a run, or else of the newest; of videos the frame in the middle, at another place "
    "from 0 to 1, or the mean of several frames; without a name, the measures there are"
)

_ABOUT_LENGTH = 90

T = TypeVar("T", int, float)


def measure(arguments: tuple[str, ...]) -> Measurements | None:
    """The numbers of a run's pictures by the named measures; without a name, print which there are.

    Raises:
        UsageError: there is no such measure or run, place or number of frames.
    """
    names, flags = take_flags("measure", arguments, (), ["--run", "--at", "--frames"])
    if not names:
        print(_listed())
        return None
    at, frames = _number("--at", flags.get("--at"), float), _number("--frames", flags.get("--frames"), int)
    return _run(flags.get("--run")).measure(*names, at=at, frames=frames)


def _number(flag: str, text: str | None, kind: type[T]) -> T | None:
    """The value of a flag. UsageError if it is no number."""
    try:
        return None if text is None else kind(text)
    except ValueError:
        right = (
            "a part of the length from 0 to 1, as --at 0.5" if kind is float else "a number, as --frames 8"
        )
        raise UsageError([Mistake("measure", f"{flag} needs {right}, not {short_repr(text)}")]) from None


def _run(run: str | None) -> Run:
    session = current_session()
    if run is not None:
        return session.run(run_meant(run))
    touched = session.touched()
    newest = [] if touched else session.store.runs.newest(limit=1)
    if not touched and not newest:
        raise UsageError([Mistake("measure", "this store has no run yet; --run names one")])
    return touched[-1] if touched else session.run(newest[0].id)


def _listed() -> str:
    from rivya_nb.measures.registry import known_measures
    from rivya_nb.views.models import text_table

    rows = [
        (each.name, each.kind, each.unit or "–", printable(each.about, _ABOUT_LENGTH))
        for each in known_measures().values()
    ]
    return "\n".join(text_table(("measure", "of a", "unit", ""), rows))
