"""What TAB and Shift+TAB show of a function that takes any model's params."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.params import takes_words

F = TypeVar("F", bound=Callable[..., Any])


def shows_params(function: F) -> F:
    """Let the function's signature name the params of the default model, each with what it takes and its default.

    Editors read `ModelParams` instead, which has those of all models.
    """
    whole = signature(function)
    *named, others = whole.parameters.values()
    given = {param.name for param in named}
    params = [
        Parameter(param.key, Parameter.KEYWORD_ONLY, default=param.default, annotation=takes_words(param))
        for param in bundled()[DEFAULT_MODEL].params
        if param.key not in given
    ]
    others = others.replace(annotation=f"params of other models than {DEFAULT_MODEL}")
    function.__signature__ = whole.replace(parameters=[*named, *params, others])  # type: ignore[attr-defined]
    return function
