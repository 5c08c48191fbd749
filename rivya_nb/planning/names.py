"""Names of the notebook's variables, as Python itself spells them."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rivya_nb.contract.text import did_you_mean
from rivya_nb.errors import Mistake, UsageError, shortened


def python_name(text: str) -> str | None:
    """The variable that `text` names, or None where it cannot name one.

    Python stores identifiers in NFKC form: a Thai name with a sara am is looked up under other characters
    than those that were typed.
    """
    if not text.isidentifier():
        return None
    name = unicodedata.normalize("NFKC", text)
    return None if keyword.iskeyword(name) else name


_ITEM = re.compile(r"(\w+) *\[ *(-?[0-9]{1,9}) *\]")


def split_item(text: str) -> tuple[str, int | None]:
    """The name and the number of `run[0]`; any other text as it is, without a number."""
    match = _ITEM.fullmatch(text)
    return (text, None) if match is None else (match[1], int(match[2]))


def notebook_object(name: str, namespace: Mapping[str, object], where: str) -> object:
    """The object that the notebook calls `name`, which may be `run[0]`: the first of what `run` holds.

    Raises:
        UsageError: there is none; `where` is what it was wanted for.
    """
    name, item = split_item(name)
    if item is not None:
        held: Any = notebook_object(name, namespace, where)
        try:
            return held[item]
        except Exception as error:
            # Any object may stand there, and raise what it likes.
            told = f"{{{shortened(name)}[{item}]}} is not there ({type(error).__name__}: {shortened(str(error))})"
            raise UsageError([Mistake(where, told)]) from None
    if name in namespace:
        return namespace[name]
    hint = did_you_mean(name, [known for known in namespace if not known.startswith("_")])
    raise UsageError([Mistake(where, f"{{{shortened(name)}}} is no variable of this notebook{hint}")])


def notebook_variables() -> Mapping[str, object]:
    """The variables of the notebook that this process runs; none outside a notebook."""
    ipython: Any = sys.modules.get("IPython")
    # Other front ends may have any object there, and attributes that raise.
    with suppress(Exception):
        return dict(ipython.get_ipython().user_ns)
    return {}
