"""A task's life as a function of the clock: everything about it is decided when it is made.

Nothing has to run for a task to go on, so a restart loses nothing: whoever asks is told where it stands now.

Words in a prompt decide its end, as a payment provider's test cards do:

- `sandbox:fail` makes the task fail with `generation_failed`;
- `sandbox:fail(seed=3)` only where the task has that param, `sandbox:fail(seed=3, aspect_ratio=16:9)` only
  where it has both: one failing cell of a grid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

QUEUED_SHARE = 0.1
"""The part of a task's time that it spends queued."""

FAILURE_MESSAGE = "The generation failed, as the prompt asked the sandbox to. No credits were charged."

_FAIL = re.compile(r"sandbox:fail(?:\(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Task:
    """One accepted generation. Times in seconds since the epoch, `price` in credits.

    `params` are those that were sent; `drawn_seed` is the service's own, for a request without one.
    `references` are ids of uploaded files.
    """

    id: str
    account: str
    model: str
    prompt: str
    params: Mapping[str, Any]
    references: tuple[str, ...]
    drawn_seed: int
    price: int
    fails: bool
    created_at: float
    finished_at: float

    def status(self, now: float) -> str:
        """One of the documented statuses, at the time `now`."""
        if now >= self.finished_at:
            return "failed" if self.fails else "succeeded"
        return "queued" if now < self._processing_at else "processing"

    def updated_at(self, now: float) -> float:
        """When the status that holds at the time `now` began."""
        if now >= self.finished_at:
            return self.finished_at
        return self.created_at if now < self._processing_at else self._processing_at

    @property
    def _processing_at(self) -> float:
        return self.created_at + QUEUED_SHARE * (self.finished_at - self.created_at)


def must_fail(prompt: str, params: Mapping[str, Any]) -> bool:
    """Whether the prompt asks for a task with these params to fail; `params` with the model's defaults."""
    return any(_holds(match.group(1) or "", params) for match in _FAIL.finditer(prompt))


def without_test_words(prompt: str) -> str:
    """The prompt as it is to be drawn: the words for the sandbox change no picture."""
    return " ".join(_FAIL.sub(" ", prompt).split())


def timestamp(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds, as the documentation's examples."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _holds(conditions: str, params: Mapping[str, Any]) -> bool:
    pairs = (condition.partition("=") for condition in conditions.split(",") if condition.strip())
    return all(str(params.get(key.strip())) == value.strip() for key, _, value in pairs)
