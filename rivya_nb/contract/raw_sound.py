"""The output formats of sound that has no head: bare samples, of which only the request says what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rivya_nb.contract.ideas import same_idea

_NAME = re.compile(r"(pcm|ulaw|alaw)_(\d{4,6})")


class RawSound(NamedTuple):
    """Bare samples: `coding` is `pcm`, `ulaw` or `alaw`, `rate` in samples a second."""

    coding: str
    rate: int

    @property
    def width(self) -> int:
        """The bytes of a sample."""
        return 2 if self.coding == "pcm" else 1


def asked_raw(params: Mapping[str, object]) -> RawSound | None:
    """What a request's output format asks for, if such a file has no head."""
    key = same_idea("output_format", tuple(params))
    found = None if key is None else _NAME.fullmatch(str(params[key]))
    return None if found is None else RawSound(found[1], int(found[2]))
