"""How much lighter or darker a task's pictures are than the scene of their request: settings with a known truth.

A study is only as good as its statistics, and these can be checked where the truth is known: noise between tasks
of the very same request, an effect of one param, and a drift of the whole service.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rivya_nb.contract.catalogue import bundled


@dataclass(frozen=True, slots=True)
class Effect:
    """Pictures of a task whose param `key` has this `value` are lighter by `light`."""

    key: str
    value: str
    light: float

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.light:g}"


@dataclass(frozen=True, slots=True)
class Light:
    """All are shares of the way from black to white, which every channel of every pixel is moved by; what would
    leave it is cut off.

    `noise` is the standard deviation between tasks of the same request, `drift` is for all pictures. The pictures
    of one task share one draw.
    """

    noise: float = 0.0
    effects: tuple[Effect, ...] = ()
    drift: float = 0.0

    def of_task(self, params: Mapping[str, Any], request: str, number: int) -> float:
        """The light of one task's pictures: the same in every sandbox for the same request and number.

        `params` include the model's defaults; `request` is any text that is the same for the same request;
        `number` tells its tasks apart, from 0 on.
        """
        known = sum(each.light for each in self.effects if str(params.get(each.key)) == each.value)
        chance = random.Random(f"light {number} {request}".encode("utf-8", "replace"))  # noqa: S311 - a picture
        return self.drift + known + self.noise * chance.gauss(0, 1)


def parse_noise(text: str) -> float:
    """A number from 0 to 1.

    Raises:
        ValueError: it is none.
    """
    return _number(text, 0)


def parse_drift(text: str) -> float:
    """A number from -1 to 1.

    Raises:
        ValueError: it is none.
    """
    return _number(text, -1)


def parse_effects(text: str) -> tuple[Effect, ...]:
    """`seed=7:0.1`, or several of these with commas between them; an empty text is none.

    Raises:
        ValueError: an effect is not written so, or no model has that param.
    """
    return tuple(_effect(each.strip()) for each in text.split(",") if each.strip())


def _effect(text: str) -> Effect:
    condition, _, light = text.rpartition(":")
    key, _, value = (part.strip() for part in condition.partition("="))
    if not key or not value:
        raise ValueError(
            f"{text!r} is no effect such as seed=7:0.1 (a param, its value and a change of light)"
        )
    if not any(param.key == key for model in bundled().values() for param in model.params):
        raise ValueError(f"{text!r} names the param {key!r}, which no model has; try seed=7:0.1")
    return Effect(key, value, _number(light, -1))


def _number(text: str, least: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= 1:
        raise ValueError(f"{text!r} is not a number from {least} to 1")
    return number
