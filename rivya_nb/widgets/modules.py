"""One ES module out of several files, for widgets: without a build step, without anything to install.

A widget's front end reaches the page as one text, from which no other file can be imported. So each file is an
ES module of its own, which editors, linters and `node --check` understand as it is, and here the lines that tie
the files together are taken out and the rest is put in one row. What may stand in those lines is little, and
anything else is refused when the package is imported, not found out on somebody's page.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(
    r'^import \{ (?P<names>\w+(?:, \w+)*) \} from "(?P<path>\.{1,2}/[\w./]+\.js)";\n', re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=(?:const|class|function|async function) (?P<name>\w+))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b(?! default \{).*$", re.MULTILINE)


def joined(entry: Path) -> str:
    """The module that `entry` is together with all it imports, each file once and behind what it needs.

    A file says `import { one, another } from "./file.js";` on one line, and puts `export` before a top-level
    `const`, `class` or `function`; only `entry` may `export default {`. Top-level names, exported or not, are
    each used once in all the files of a module: the page refuses it otherwise.

    Raises:
        ValueError: a file ties itself to another one in any other way, or imports what is not exported.
        FileNotFoundError: an imported file is not there.
    """
    texts: list[str] = []
    _add(entry.resolve(), {}, texts)
    return "\n".join(texts)


def _add(path: Path, exported: dict[Path, set[str]], texts: list[str]) -> set[str]:
    """Append what a file imports and then the file itself, unless it is there; gives the names it exports."""
    if path in exported:
        return exported[path]
    text = path.read_text(encoding="utf-8")
    exported[path] = {found["name"] for found in _EXPORT.finditer(text)}
    for found in _IMPORT.finditer(text):
        missing = set(found["names"].split(", ")) - _add(
            (path.parent / found["path"]).resolve(), exported, texts
        )
        if missing:
            raise ValueError(
                f"{path.name} imports {', '.join(sorted(missing))}; {found['path']} has no such export"
            )
    text = _EXPORT.sub("", _IMPORT.sub("", text))
    for left in _LEFT.finditer(text):
        raise ValueError(f"{path.name} cannot be joined with others because of: {left[0]}")
    texts.append(text)
    return exported[path]
