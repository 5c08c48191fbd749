"""Calls the functions of measures: what they give for pictures and frames, or why it is no number."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from rivya_nb.contract.text import printable
from rivya_nb.measures.definition import Measure
from rivya_nb.measures.numbers import NoNumberError, read_numbers, read_several

if TYPE_CHECKING:
    from PIL.Image import Image

    from rivya_nb.contract.request import Request

Call: TypeAlias = Callable[[], object]
"""A call of a measure's function, with what it looks at."""

Single: TypeAlias = "dict[str, float] | str"
"""The numbers of one picture or frame, or why there are none."""

Result: TypeAlias = "list[dict[str, float]] | str"
"""The numbers of a picture, or of each frame of a video; or why there are none."""

_REASON_LENGTH = 200

_calling = threading.local()
"""Whether a measure's function runs in this thread."""


def is_measuring() -> bool:
    """Whether this is called by a measure's function."""
    return getattr(_calling, "now", False)


def calls_of(measure: Measure, images: Sequence[Image], request: Request | None) -> Iterator[Call]:
    """A call for each of these pictures."""
    for image in images:
        # A function may change its picture; the bundled ones do not.
        its = image if measure.is_bundled else image.copy()
        yield partial(measure.function, *([its, request] if measure.takes_request else [its]))


def calls_of_pair(measure: Measure, ones: Sequence[Any], others: Sequence[Any]) -> Iterator[Call]:
    """A call for the same frame of two videos, and so on; a picture is compared with each frame of a video."""
    for at in range(max(len(ones), len(others))):
        pair = [each[at % len(each)] for each in (ones, others)]
        yield partial(measure.function, *(pair if measure.prepare else [each.copy() for each in pair]))


def outcome(measure: Measure, calls: Iterable[Call]) -> Result:
    """The numbers that a function gives, or why there are none."""
    try:
        with _as_measure():
            return _checked([read_numbers(call()) for call in calls])
    except (Exception, SystemExit) as error:
        return _reason(measure, error)


def _checked(numbers: list[dict[str, float]]) -> list[dict[str, float]]:
    """The same. NoNumberError if the frames of a video have different parts."""
    if any(each.keys() != numbers[0].keys() for each in numbers):
        raise NoNumberError("it gave other parts for other frames of a video")
    return numbers


def of_batch(measure: Measure, loaded: Sequence[tuple[Image, Request | None]]) -> list[Single]:
    """The numbers of a batch; where the function fails for all, it is called for each picture alone."""
    images = [image.copy() for image, _ in loaded]
    requests = [request for _, request in loaded]
    try:
        with _as_measure():
            given = measure.function(*([images, requests] if measure.takes_request else [images]))
            # A generator runs here, too.
            several = read_several(given, len(loaded))
    except (Exception, SystemExit) as error:
        if len(loaded) > 1 and not isinstance(error, NoNumberError):
            return [single for each in loaded for single in of_batch(measure, [each])]
        return [_reason(measure, error)] * len(loaded)
    outcomes = [outcome(measure, [partial(lambda each: each, each)]) for each in several]
    return [each if isinstance(each, str) else each[0] for each in outcomes]


def together_of(several: Sequence[Single]) -> Result:
    """The numbers of a video's frames together: one that fails counts for all."""
    reasons = [each for each in several if isinstance(each, str)]
    try:
        return reasons[0] if reasons else _checked([each for each in several if not isinstance(each, str)])
    except NoNumberError as error:
        return str(error)


@contextmanager
def _as_measure() -> Iterator[None]:
    _calling.now = True
    try:
        yield
    finally:
        _calling.now = False


def _reason(measure: Measure, error: BaseException) -> str:
    """An error of a function in one line, with the line of its source where it happened."""
    if isinstance(error, NoNumberError):
        return str(error)
    code = getattr(measure.function, "__code__", None)
    steps = traceback.extract_tb(error.__traceback__)
    lines = [step.lineno for step in steps if code is not None and step.filename == code.co_filename]
    where = f" (line {lines[-1]})" if lines else ""
    try:
        said = str(error)
    except Exception:  # its text is a function of somebody else, too
        said = ""
    return printable(f"{type(error).__name__}: {said}".rstrip(": "), _REASON_LENGTH) + where
