"""A `%%rivya` cell as IPython takes it: with comments above its line, and without a body.

IPython knows a cell magic on a cell's first line only, and refuses an empty body before the magic sees it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rivya_nb.magics.awaiting import MAGIC

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_OPENS = re.compile(rf"%%{MAGIC}(?=\s|$)")
_MARK = "_rivya_opens_cells"


def install(shell: InteractiveShell) -> None:
    """Let `shell` take such cells; calling it again changes nothing."""
    remove(shell)
    getattr(shell, "input_transformers_cleanup", []).append(opened)


def remove(shell: InteractiveShell) -> None:
    """Undo `install`, also if it was done before this module was reloaded."""
    hooks = getattr(shell, "input_transformers_cleanup", [])
    hooks[:] = [hook for hook in hooks if not getattr(hook, _MARK, False)]


def opened(lines: list[str]) -> list[str]:
    """The lines of a cell, beginning with its `%%rivya` where only comments stand above it."""
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None or not _OPENS.match(lines[first]):
        return lines
    line, body = lines[first].rstrip("\r\n"), lines[first + 1 :]
    return [f"{line}\n", *(body or ["\n"])]


setattr(opened, _MARK, True)
