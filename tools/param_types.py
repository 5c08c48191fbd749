"""Makes the types of the documented models' params, which type checkers and editors read.

Run it again where `rivya_nb/contract/models.json` is changed; a test holds the file to that:

    python tools/param_types.py
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import rivya_nb
from rivya_nb.contract.catalogue import Param, bundled

TARGET = Path(rivya_nb.__file__).parent / "contract" / "param_types.py"

HEAD = '''\
"""The params of the documented models, for type checkers and editors. Made by tools/param_types.py.

Every model's params stand here together: whether the asked one takes a param, and a value, is checked when it is
planned. What is missing here (`model`, which is an argument's name, or a param of a newer service) is given as
`params={…}`. Any text is taken where options are listed, since options differ between models; an editor offers
those that are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar


class Array(Protocol):
    """Numpy's arrays and numbers, and the columns of a DataFrame of pandas."""

    def tolist(self) -> Any: ...


T = TypeVar("T")

Values: TypeAlias = T | Sequence[T | None] | Array | None
"""One value, or several, which are an axis. None is not sent."""

Number: TypeAlias = int | float
Text: TypeAlias = str | int | float | bool
"""What is sent as text. Numbers are written out, and a bool becomes `true` or `false`."""


class ModelParams(TypedDict, total=False):
    """The params of all documented models, by the names that the service has for them."""

'''


ARGUMENTS = ("model",)
"""Params that are also names of arguments of `generate`."""

WIDTH = 110
SHOWN = 3
"""How many of the models that have a param are named."""


def text() -> str:
    """The whole module."""
    having: dict[str, dict[str, Param]] = {}
    for model in bundled().values():
        for param in model.params:
            if param.key not in ARGUMENTS:
                having.setdefault(param.key, {})[model.id] = param
    return HEAD + "".join(_field(key, having[key]) for key in sorted(having, key=str.casefold))


def _field(key: str, having: Mapping[str, Param]) -> str:
    """A param, which these models have."""
    options = list(dict.fromkeys(option for param in having.values() for option in param.options or ()))
    kind = "Number" if all(param.type == "number" for param in having.values()) else "Text"
    line = f"    {key}: Values[{f'{kind} | Literal[{_listed(options)}]' if options else kind}]\n"
    if len(line) > WIDTH + 1:
        lines = "".join(f"            {json.dumps(option)},\n" for option in options)
        line = f"    {key}: Values[\n        {kind}\n        | Literal[\n{lines}        ]\n    ]\n"
    first, more = [*having][:SHOWN], len(having) - SHOWN
    models = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    return f'{line}    """Of {models}."""\n'


def _listed(options: Iterable[str]) -> str:
    return ", ".join(map(json.dumps, options))


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
