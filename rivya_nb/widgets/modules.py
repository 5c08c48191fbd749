"""Joins several JavaScript files to one ES module for a widget, without a build step.

A widget's front end reaches the page as one text that cannot import other files. Each file is an ES module,
which editors, linters and `node --check` understand; here the import and export lines are removed, and the
rest is concatenated. Only few forms of these lines are allowed. Any other is refused when the package is
imported, not on a user's page.
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
    """The module `entry` together with all that it imports, each file once and after those that it needs.

    A file says `import { one, another } from "./file.js";` on one line, and puts `export` before a top-level
    `const`, `class` or `function`; only `entry` may `export default {`. A top-level name, exported or not,
    must be unique among all files of a module: the page refuses it otherwise.

    Raises:
        ValueError: a file has another form of import or export, or imports a name that is not exported.
        FileNotFoundError: an imported file does not exist.
    """
    texts: list[str] = []
    _add(entry.resolve(), {}, texts)
    return "\n".join(texts)


def _add(path: Path, exported: dict[Path, set[str]], texts: list[str]) -> set[str]:
    """Append the imported files and then the file itself, unless it was added before; returns the exported
    names."""
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
