"""The measures by name: those that were defined in this process, and the bundled ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from rivya_nb.contract.text import did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.bundled import BUNDLED
from rivya_nb.measures.definition import Direction, Kind, Measure, define

RESERVED = frozenset({"newest", "oldest", "rating", "seed", "structure", "colour", "votes"})
"""Words that mean something else where the name of a measure may stand."""

_defined: dict[str, Measure] = {}


def register(measure: Measure) -> Measure:
    """Make a measure known by its name, instead of an earlier one.

    Raises:
        UsageError: the name is that of a bundled measure, or means something else.
    """
    if measure.name in BUNDLED or measure.name in RESERVED:
        why = "is the name of a bundled measure" if measure.name in BUNDLED else "means something else"
        raise UsageError(
            [Mistake("name", f'{measure.name!r} {why}; choose another, as name="my_{measure.name}"')]
        )
    _defined[measure.name] = measure
    return measure


@overload
def measure(function: Callable[..., object], /) -> Measure: ...
@overload
def measure(
    *,
    name: str | None = None,
    version: str | int | float | None = None,
    higher_is: Direction | None = None,
    of: Kind | None = None,
) -> Callable[[Callable[..., object]], Measure]: ...
def measure(
    function: Callable[..., object] | None = None,
    /,
    *,
    name: str | None = None,
    version: str | int | float | None = None,
    higher_is: Direction | None = None,
    of: Kind | None = None,
) -> Measure | Callable[[Callable[..., object]], Measure]:
    """Make a function a measure: `run.measure("its_name")` calls it for each picture, and keeps the numbers::

        @rv.measure(higher_is="better")
        def red(image):
            return np.asarray(image)[..., 0].mean() / 255

    The function takes `(image)` or `(image, request)`; as a batch `(images)` or `(images, requests)`, which are
    lists; or a pair, `(one, other)`. `of="picture"`, `"batch"` or `"pair"` says it where the names are others.
    An image is a `PIL.Image` in RGB, upright, with white below what is transparent; it may be changed. A request
    has `model`, `prompt`, `params` and `seed`.

    Of a video it gets the frames that are asked for as images, one after the other, a batch many at once, and a
    pair the same frame of both; the number of a video is their mean.

    It gives a number, or a dict of numbers by the names of its parts; of a batch, a list with one of these for
    each picture. True counts as 1. Whatever else it gives, NaN included, or an error, is a failure of that picture
    alone. It is called in worker threads, several at once, but one batch after the other.

    Numbers are kept in the store by picture, name and `version`, and not computed again. Without a version, it is
    a hash of the function's source from its `def` on, of plain values that it uses from outside (numbers and
    texts), and of functions of the same module that it calls. A model that it uses, and other packages, are not
    part of that: give a version, and change it with them. `name` is the function's own name if not given.
    `higher_is` says what a high number means: "better", "worse", or None. A measure that is defined again under
    its name takes the place of the earlier one.

    Raises:
        UsageError: with every mistake, also where the name is that of a bundled measure.
    """
    if function is None:
        return lambda function: register(
            define(function, name=name, version=version, higher_is=higher_is, of=of)
        )
    return register(define(function))


def find_measure(wanted: str | Measure | Callable[..., object]) -> Measure:
    """A measure by its name; a measure is itself, and a plain function becomes one.

    Raises:
        UsageError: there is none of this name; the message lists those that there are.
    """
    if isinstance(wanted, Measure):
        return wanted
    if not isinstance(wanted, str):
        return register(define(wanted))
    found = known_measures()
    if wanted not in found:
        yours = f"defined here: {listing(sorted(_defined))}; " if _defined else ""
        hint = did_you_mean(wanted, found)
        raise UsageError(
            [
                Mistake(
                    "measure",
                    f"there is no measure {short_repr(wanted)}; {yours}bundled: {listing(BUNDLED)}; @rv.measure "
                    f'above a function, rv.clip_score() and rv.iqa("lpips") make others{hint}',
                )
            ]
        )
    return found[wanted]


def find_part(wanted: str | Measure | Callable[..., object]) -> tuple[Measure, str | None]:
    """A measure, and the part of it that is named behind a point, as in `"palette.hue"`; None if none is.

    Raises:
        UsageError: as `find_measure`.
    """
    if isinstance(wanted, str) and wanted not in known_measures() and "." in wanted:
        name, _, part = wanted.partition(".")
        return find_measure(name), part
    return find_measure(wanted), None


def known_measures() -> dict[str, Measure]:
    """All measures by name, the bundled ones last."""
    return {**_defined, **BUNDLED}
