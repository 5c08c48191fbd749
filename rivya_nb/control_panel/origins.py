"""What a reference is called in a cell: the file or variable that it came from, if that is still the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import InvalidRequestError, StoreError, UsageError
from rivya_nb.jobs.intake import take_references
from rivya_nb.planning.names import notebook_object
from rivya_nb.planning.words import ObjectName

if TYPE_CHECKING:
    from rivya_nb.contract.references import Reference
    from rivya_nb.session.session import Session


class Origins:
    """Finds the files and variables of references; `variables` gives the notebook's. This reads files: the first
    question about one takes a moment, and each later one none."""

    def __init__(self, session: Session, variables: Callable[[], Mapping[str, object]]) -> None:
        self._session = session
        self._variables = variables
        self._known: dict[object, str] = {}

    def of(self, reference: Reference) -> str | ObjectName:
        """A path, an address, or a variable; the path in the store where it came from none of them, or where that
        holds another picture by now."""
        if reference.url:
            return reference.url
        for said in dict.fromkeys((reference.origin, reference.name)):
            name = said[1:-1]
            if said == f"{{{name}}}" and self._holds(name, reference):
                return ObjectName(name)
            if said and self._is_file(said, reference):
                return said
        return str(self._session.store.files.path(reference.sha256, reference.mime_type))

    def _holds(self, name: str, reference: Reference) -> bool:
        try:
            value = notebook_object(name, self._variables(), "")
        except UsageError:
            return False
        return value is not None and self._content((name, id(value)), value) == reference.sha256

    def _is_file(self, said: str, reference: Reference) -> bool:
        path = Path(said).expanduser()
        try:
            stat = path.stat()
        except (OSError, ValueError):
            return False
        return self._content((path, stat.st_mtime_ns, stat.st_size), path) == reference.sha256

    def _content(self, key: object, source: object) -> str:
        """The hash of what would be sent for this source; empty where it is no picture."""
        if key not in self._known:
            try:
                (taken,) = take_references([source], [], self._session.store.files)
            except (InvalidRequestError, StoreError):
                self._known[key] = ""
            else:
                self._known[key] = taken.sha256
        return self._known[key]
