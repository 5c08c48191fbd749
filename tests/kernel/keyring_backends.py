"""Keyrings for tests, chosen by `PYTHON_KEYRING_BACKEND`: one that works, and some that do not."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

FILE = "KEYRING_FILE"
"""Names the file that `Working` keeps its entries in."""

NEVER_CHOSEN = -1
"""Below that of the backend that stands for none: whatever is defined here is no keyring of the other tests."""


class Working(KeyringBackend):
    priority = NEVER_CHOSEN  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep(self._entries() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self._entries()
        if entries.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        self._keep(entries)

    def _entries(self) -> dict[str, str]:
        path = Path(os.environ[FILE])
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def _keep(self, entries: dict[str, str]) -> None:
        Path(os.environ[FILE]).write_text(json.dumps(entries))


class Locked(KeyringBackend):
    """Refuses, and repeats what it was given, as an unlucky backend might."""

    priority = NEVER_CHOSEN  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the collection is locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"cannot store {password}")


class Hanging(Locked):
    """Waits for somebody to unlock it in a window that nobody sees."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None
