"""What a generation costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rivya_nb.contract.catalogue import Model

CHARACTERS = 1000
"""Characters of speech for which a metered model takes its base credits."""


def price(model: Model, prompt: str, params: Mapping[str, Any]) -> int:
    """The credits of one request, reserved and then charged; `params` include the model's defaults.

    Where the record has a fixed price, it is that one. A metered model costs its base credits at least: the
    documentation does not say what it counts. The sandbox counts the seconds that are asked for, in lengths of the
    default one, or else the characters of the prompt; each begun part costs the base credits.
    """
    base = model.base_credits or 0
    if model.has_fixed_price:
        return base
    param = model.param("duration_seconds")
    if param is not None and isinstance(param.default, (int, float)):
        return base * max(1, math.ceil(float(params[param.key]) / param.default))
    return base * max(1, math.ceil(len(prompt) / CHARACTERS))
