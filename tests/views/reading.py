"""HTML as a test reads it: a tree of elements, without a word about how it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = ("img", "wbr", "br", "meta", "hr", "col")


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text within, style sheets excepted, with single spaces."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag != "style":
                yield from child._texts()
                # Words of neighbouring cells and lines are words of their own.
                yield "" if child.tag in ("wbr", "bdi", "b", "span", "code") else " "

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Every element within, of that tag and with these attributes, in the order of the page."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in ("", child.tag) and attributes.items() <= child.attributes.items():
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    @property
    def style(self) -> dict[str, str]:
        """The inline style, by property."""
        declarations = self.attributes.get("style", "").split(";")
        pairs = [declaration.partition(":") for declaration in declarations if declaration.strip()]
        return {name.strip(): value.strip() for name, _, value in pairs}


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of <{tag}> stands twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"<{closed.tag}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Element:
    """The page as a tree; fails where tags are not closed in order."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert len(builder.open) == 1, f"<{builder.open[-1].tag}> is never closed"
    return builder.open[0]


def wrapping(tree: Element) -> list[Element]:
    """The places of rows that wrap."""
    return [cell for cell in tree.all("td") if cell.style.get("display") == "inline-block"]
