"""What a variable inspector could see of objects: their repr, and everything within them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

OPENED = ("rivya_nb", "httpx", "httpcore", "h11")
"""Packages whose objects are opened; of everything else the repr is all that is looked at."""


def look(*roots: object) -> tuple[list[str], int]:
    """The texts of all that can be reached through attributes, slots and containers; and how many objects
    of rivya_nb's own were among it."""
    texts: list[str] = []
    seen: dict[int, object] = {}
    own = 0
    todo = list(roots)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        texts.append(repr(thing))
        own += type(thing).__module__.startswith("rivya_nb")
        todo += _inside(thing)
    return texts, own


def _inside(thing: object) -> Iterator[object]:
    if isinstance(thing, (Mapping, WeakKeyDictionary)):
        yield from list(thing.keys())
        yield from list(thing.values())
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from thing
    elif type(thing).__module__.partition(".")[0] in OPENED:
        yield from list(getattr(thing, "__dict__", {}).values())
        for kind in type(thing).__mro__:
            names = getattr(kind, "__slots__", ())
            for name in [names] if isinstance(names, str) else names:
                yield getattr(thing, name, None)
