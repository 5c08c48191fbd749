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
    getattr(shell, "input_transformers_cleanup", []).extend((opened, with_body))


def remove(shell: InteractiveShell) -> None:
    """Undo `install`, also if it was done before this module was reloaded."""
    hooks = getattr(shell, "input_transformers_cleanup", [])
    hooks[:] = [hook for hook in hooks if not getattr(hook, _MARK, False)]


def opened(lines: list[str]) -> list[str]:
    """The lines of a cell, beginning with its `%%rivya` where only comments stand above it."""
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None or not _OPENS.match(lines[first]):
        return lines
    return lines[first:]


def with_body(lines: list[str]) -> list[str]:
    """The lines of a cell, with an empty body below a `%%rivya` that has none."""
    if len(lines) != 1 or not _OPENS.match(lines[0]):
        return lines
    return [lines[0].rstrip("\r\n") + "\n", "\n"]


# What has side effects is left out where IPython asks whether a cell is complete: in a terminal, Enter behind the
# line would otherwise execute the cell before its prompt is written.
for hook, mark in ((opened, _MARK), (with_body, _MARK), (with_body, "has_side_effects")):
    setattr(hook, mark, True)
