"""Variants of one test: some are always tried, those between them with `--thorough`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

T = TypeVar("T")


def variants(cases: Iterable[T], is_always_tried: Callable[[T], bool]) -> list[object]:
    """The parameters of a test; a tuple is several of them."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if is_always_tried(case) else pytest.mark.thorough,
        )
        for case in cases
    ]
