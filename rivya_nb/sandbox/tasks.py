"""A task's life as a function of the clock: everything is decided when the task is made.

No process has to run for a task to continue, so a restart loses nothing: the status is computed when it is
asked for.

Words in a prompt decide how it ends:

- `sandbox:fail` makes the task fail with `generation_failed`;
- `sandbox:fail(seed=3)` only if the task has that param, `sandbox:fail(seed=3, aspect_ratio=16:9)` only
  if it has both: one failing cell of a grid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from rivya_nb.contract.params import REFERENCES_KEY

QUEUED_SHARE = 0.1
"""The part of a task's time in which it is queued."""

FAILURE_MESSAGE = "The generation failed, as the prompt asked the sandbox to. No credits were charged."

_FAIL = re.compile(r"sandbox:fail(?:\(([^)]*)\))?")


@dataclass(frozen=True, slots=True)
class Task:
    """One accepted generation. Times in seconds since the epoch, `price` in credits.

    `params` are those that were sent; `drawn_seed` is the service's own, for a request without a seed.
    `references` are ids of uploaded files; `light` is what its pictures are lighter by, as a share of white.
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
    light: float

    @property
    def request(self) -> str:
        """What was asked for, as text that is the same for the same model, prompt and params. References are
        left out: their urls differ with every upload."""
        params = {key: value for key, value in self.params.items() if key != REFERENCES_KEY}
        return json.dumps([self.model, self.prompt, params], sort_keys=True)

    def status(self, now: float) -> str:
        """One of the documented statuses, at the time `now`."""
        if now >= self.finished_at:
            return "failed" if self.fails else "succeeded"
        return "queued" if now < self._processing_at else "processing"

    def updated_at(self, now: float) -> float:
        """When the status at the time `now` began."""
        if now >= self.finished_at:
            return self.finished_at
        return self.created_at if now < self._processing_at else self._processing_at

    @property
    def _processing_at(self) -> float:
        return self.created_at + QUEUED_SHARE * (self.finished_at - self.created_at)


def must_fail(prompt: str, params: Mapping[str, Any]) -> bool:
    """True if the prompt makes a task with these params fail; `params` include the model's defaults."""
    return any(_holds(match.group(1) or "", params) for match in _FAIL.finditer(prompt))


def without_test_words(prompt: str) -> str:
    """The prompt for the drawing: the words for the sandbox do not change the picture."""
    return " ".join(_FAIL.sub(" ", prompt).split())


def timestamp(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds, as in the documentation's examples."""
    text = datetime.fromtimestamp(moment, tz=timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _holds(conditions: str, params: Mapping[str, Any]) -> bool:
    pairs = (condition.partition("=") for condition in conditions.split(",") if condition.strip())
    return all(str(params.get(key.strip())) == value.strip() for key, _, value in pairs)
