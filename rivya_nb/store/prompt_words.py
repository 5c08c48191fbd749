"""The words that a prompt is searched for, as a user writes them.

```
fox snow        both, anywhere and in any order     fox OR wolf     either; fox|wolf is the same
-cartoon        not this one                        "red fox"       exactly this text, also -, OR and | in it
```
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<without>(?:(?<![^\s|])-(?=[^\s|-]))?)"""
    r"""(?:"(?P<phrase>[^"]+)"(?=[\s|]|\Z)|(?P<word>[^\s|]+))|(?P<bar>\|)"""
)


@dataclass(frozen=True)
class Sought:
    """A text that a prompt has to contain, or must not contain (`without`)."""

    text: str
    without: bool = False

    @property
    def written(self) -> str:
        """The text as `read_sought` reads it again."""
        needs_quotes = re.search(r"[\s|]", self.text) or self.text.startswith("-") or self.text == "OR"
        text = f'"{self.text}"' if needs_quotes else self.text
        return f"-{text}" if self.without else text


def read_sought(written: str) -> list[tuple[Sought, ...]]:
    """What is sought: of each entry, at least one text has to fit."""
    found: list[tuple[Sought, ...]] = []
    either = False
    tokens = list(_TOKEN.finditer(written))
    for at, match in enumerate(tokens):
        # At an end, OR is a word like any other.
        if match["bar"] or (match["word"] == "OR" and 0 < at < len(tokens) - 1):
            either = bool(found)
            continue
        sought = Sought(match["phrase"] or match["word"], bool(match["without"]))
        if either:
            found[-1] += (sought,)
        else:
            found.append((sought,))
        either = False
    return found


def wanted(written: str) -> list[tuple[Sought, ...]]:
    """What has to be there."""
    return [any_of for any_of in read_sought(written) if not _may_lack(any_of)]


def unwanted(written: str) -> str:
    """The rest of what is sought, as `read_sought` reads it: what must not be there, or may be."""
    rest = (any_of for any_of in read_sought(written) if _may_lack(any_of))
    return " ".join(" | ".join(each.written for each in any_of) for any_of in rest)


def _may_lack(any_of: tuple[Sought, ...]) -> bool:
    return any(each.without for each in any_of)
