"""Questions to the history. Importing this file does not import the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rivya_nb.contract.params import ParamValue

Asked: TypeAlias = ParamValue | bool | range | tuple[ParamValue | bool, ...]
"""What a value is asked for: itself, one of several, or a whole number within a range."""

ORDERS = ("rating", "seed")
"""What pictures can be ordered by, beside the time: the highest rating first, the lowest seed first. What is equal
stands in the order of the time, and what has none comes last."""


@dataclass(frozen=True, slots=True)
class MeasureOrder:
    """An order by a number of a measure, the highest first unless `lowest_first`: by its `part` in this `version`,
    or in the one that was first used last. Of a job with several pictures, the first one counts."""

    name: str
    part: str = ""
    version: str | None = None
    lowest_first: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the history: jobs with pictures that fit everything given.

    `prompt` is what `read_sought` reads, in any case, also within words; `model` is one or several of which it is
    one. `params` are compared with those that were sent, or with the documented defaults; 7 and "7" are the same.
    `rating` is the lowest one; all `tags` must be set; `runs` are ids of which the job is in one; all `facts` are
    those of one place, in one of these runs. `since` and `until` are seconds since the epoch, both included, of
    the time when the job was asked for; one of the users `asked_by` asked for it. One of its pictures has the
    `width` and `height` in pixels. Hidden pictures are left out unless `hidden`. `excluded` is True for those that
    count in no figure, False for those that count, None for both. `order` is one of `ORDERS`, or by a measure, or
    None for the time alone.
    """

    service: str | None = None
    model: str | tuple[str, ...] | None = None
    seed: Asked | None = None
    prompt: str | None = None
    params: Mapping[str, Asked] = field(default_factory=dict, hash=False)
    rating: int | None = None
    favourite: bool = False
    tags: tuple[str, ...] = ()
    runs: tuple[int, ...] = ()
    since: float | None = None
    until: float | None = None
    width: Asked | None = None
    height: Asked | None = None
    facts: Mapping[str, Asked] = field(default_factory=dict, hash=False)
    asked_by: tuple[str, ...] | None = None
    hidden: bool = False
    excluded: bool | None = None
    order: str | MeasureOrder | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How many jobs there are: `number`, or more than that where it is not exact."""

    number: int
    is_exact: bool = True

    @property
    def words(self) -> str:
        """`2,314`, or `more than 10,000`."""
        return f"{self.number:,}" if self.is_exact else f"more than {self.number:,}"
