"""Tables of prompts that were dropped on a panel: files of the store's folder, by their content."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from rivya_nb.contract.text import printable
from rivya_nb.planning.prompt_tables import prompt_table
from rivya_nb.store.files import write_whole
from rivya_nb.store.trouble import disk_trouble

_NAME_LENGTH = 80
_DEVICE = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever its ending."""


def keep_table(store: Path, name: str, data: bytes) -> str:
    """Write a table's file, and give its path; the mistakes in its rows are left to the plan.

    Raises:
        UsageError: it is no table that can be read.
        StoreError: it cannot be written.
    """
    plain = "".join("_" if char in '/\\:*?"<>|' else char for char in printable(Path(name).name))
    plain = _DEVICE.sub(r"\g<0>_", plain[-_NAME_LENGTH:])
    path = store / "tables" / hashlib.sha256(data).hexdigest()[:16] / plain
    with disk_trouble(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    prompt_table(path)
    return str(path)
