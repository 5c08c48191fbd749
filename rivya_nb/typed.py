"""What to type next, as the place takes it in which a message is read."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any


def typed(line: str, python: str) -> str:
    """`%rivya LINE` where that magic is loaded; elsewhere (a script, another front end) the same in Python."""
    ipython: Any = sys.modules.get("IPython")
    # Other front ends may have any object there, and attributes that raise.
    with suppress(Exception):
        if ipython.get_ipython().find_line_magic("rivya") is not None:
            return f"%rivya {line}"
    return python
