"""Names of the notebook's variables, as Python itself spells them."""

from __future__ import annotations

import keyword
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


def notebook_object(name: str, namespace: Mapping[str, object], where: str) -> object:
    """The object that the notebook calls `name`.

    Raises:
        UsageError: there is none; `where` is what it was wanted for.
    """
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
