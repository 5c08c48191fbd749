"""The page of the cell has every flag, in an example that is executed with the site, and every command."""

from __future__ import annotations

import re
from pathlib import Path

from rivya_nb.magics.commands import COMMANDS
from rivya_nb.planning.line import FLAGS

PAGE = (Path(__file__).parent.parent / "docs" / "cell.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_flag_has_a_heading_and_an_example() -> None:
    headings = " ".join(re.findall(r"^### (.*)$", PAGE, re.MULTILINE))
    asked = " ".join(
        line
        for example in EXAMPLES
        for line in example.splitlines()
        if line.startswith(("%%rivya ", "%rivya "))
    )
    assert [flag.name for flag in FLAGS if f"`{flag.name}`" not in headings] == []
    assert [flag.name for flag in FLAGS if flag.name not in asked.split()] == []


def test_every_command_is_told() -> None:
    assert [name for name in COMMANDS if f"| `%rivya {name}` |" not in PAGE] == []
