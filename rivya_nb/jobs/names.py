"""Names of the notebook's variables, as Python itself spells them."""

from __future__ import annotations

import keyword
import unicodedata


def python_name(text: str) -> str | None:
    """The variable that `text` names, or None where it cannot name one.

    Python stores identifiers in NFKC form: a Thai name with a sara am is looked up under other characters
    than those that were typed.
    """
    if not text.isidentifier():
        return None
    name = unicodedata.normalize("NFKC", text)
    return None if keyword.iskeyword(name) else name
