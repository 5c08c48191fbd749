"""What was written for the user: paths as before, which a notebook shows with a link that opens them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from IPython.core.getipython import get_ipython

from rivya_nb.contract.text import count, file_size, printable
from rivya_nb.errors import PictureError
from rivya_nb.media.suffixes import named_medium
from rivya_nb.views.words import noun

if TYPE_CHECKING:
    from IPython.lib.pretty import RepresentationPrinter

    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.views.thumbnails import Thumbnail

    _Path = Path
else:
    # Before Python 3.12, only the path of a system can be a base.
    _Path = type(Path())

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".tiff")
_MOST_SHOWN = 24
_LARGE, _SMALL = (480, 480), (192, 192)
_LARGE_BYTES, _SMALL_BYTES = 60_000, 6000
"""Pixels and bytes, before base64, of the one picture that was written, and of each of many."""


class WrittenFile(_Path):
    """The absolute path of a file that was written. A notebook shows what it is, with a link that opens it.

    `note` says what was left out.
    """

    note = ""

    def with_segments(self, *segments: str | os.PathLike[str]) -> Path:
        """What is made from this path is a plain one."""
        return Path(*segments)

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        small = [_thumbnail(self, _LARGE, _LARGE_BYTES)] if self.suffix.lower() in _PICTURES else []
        try:
            facts = file_size(self.stat().st_size) + (f"; {self.note}" if self.note else "")
        except OSError:
            facts = "it is not there any more"
        return _bundle(self, facts, [(self, small[0])] if small and small[0] else [], [])


class SavedPictures(list[Path]):
    """The absolute paths of pictures that were saved in a `folder`. A notebook shows them, with links.

    `lists` are the files beside them that tell of all of them, and `note` says what was left out.
    """

    def __init__(
        self, paths: Iterable[Path], folder: Path, lists: Sequence[Path] = (), note: str = ""
    ) -> None:
        super().__init__(map(WrittenFile, paths))
        self.folder = folder
        self.lists = tuple(lists)
        self.note = note

    @property
    def _facts(self) -> str:
        if self.note and not self:
            # The pictures are in one file, of which the note tells.
            return self.note
        rest = len(self) - _MOST_SHOWN
        number = count(len(self), noun({named_medium(path.name) or "image" for path in self}))
        facts = f"{number}{f', {rest:,} of them not shown here' if rest > 0 else ''}"
        return facts + (f"; {self.note}" if self.note else "")

    def _repr_pretty_(self, printer: RepresentationPrinter, _cycle: bool) -> None:
        # IPython has a text of its own for lists, which goes before that of the bundle.
        printer.text(_text(self.folder, self._facts, self.lists))

    def _repr_mimebundle_(self, **_: object) -> Bundle:
        shown = [(path, _thumbnail(path, _SMALL, _SMALL_BYTES)) for path in self[:_MOST_SHOWN]]
        return _bundle(self.folder, self._facts, shown, self.lists)


def _bundle(
    target: Path, facts: str, pictures: Sequence[tuple[Path, Thumbnail | None]], lists: Sequence[Path]
) -> Bundle:
    from rivya_nb.views.run_html import environment

    html = environment().get_template("written.html").render(
        target=target,
        facts=facts,
        pictures=pictures,
        lists=lists,
        link=link_to,
        told=printable,
    )  # fmt: skip
    return {"text/html": html, "text/plain": _text(target, facts, lists)}


def _text(target: Path, facts: str, lists: Sequence[Path]) -> str:
    return "\n".join(map(printable, [f"{target} ({facts})", *map(str, lists)]))


def _thumbnail(path: Path, box: tuple[int, int], most_bytes: int) -> Thumbnail | None:
    from rivya_nb.views.thumbnails import thumbnail

    try:
        return thumbnail(path, box=box, max_bytes=most_bytes)
    except PictureError:
        return None


def link_to(path: Path) -> str:
    """The address of a file in a notebook's page; empty where Jupyter serves no such file.

    Links are relative to the notebook. JupyterLab opens no folder by a link, and the server gives nothing that is
    hidden or outside of its own folder.
    """
    start = os.path.realpath(_notebook_folder())
    root, target = os.path.realpath(_server_root() or start), os.path.realpath(path)
    try:
        below = Path(os.path.relpath(target, root)).parts
        way = os.path.relpath(target, start)
    except ValueError:
        # Two drives have no way from one to the other.
        return ""
    if Path(target).is_dir() or any(part.startswith(".") for part in below):
        return ""
    return quote(way.replace(os.sep, "/"), errors="surrogateescape")


def _notebook_folder() -> str:
    """The folder that the kernel was started in, which is the notebook's; a cell may have left it since."""
    namespace = getattr(get_ipython(), "user_ns", {})
    visited = namespace.get("_dh")
    return str(visited[0]) if visited else str(Path.cwd())


def _server_root() -> str | None:
    """The folder of the Jupyter server that started this kernel; None where it is not known."""
    try:
        from jupyter_core.paths import jupyter_runtime_dir

        name = f"jpserver-{int(os.environ['JPY_PARENT_PID'])}.json"
        told = json.loads((Path(jupyter_runtime_dir()) / name).read_text(encoding="utf-8"))
        return str(told["root_dir"])
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        return None
