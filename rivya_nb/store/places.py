"""Where a store is: a folder of this machine, or a database on a server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True)
class ServerAddress:
    """The address of a PostgreSQL database, without secrets."""

    database: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        at = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"postgresql://{at}{self.host}{port}/{self.database}"


StorePlace: TypeAlias = Path | ServerAddress


def local_folder(address: ServerAddress) -> Path:
    """The folder on this machine for what is kept of a store on a server."""
    from platformdirs import user_cache_path

    return (
        user_cache_path("rivya_nb", appauthor=False) / hashlib.sha256(str(address).encode()).hexdigest()[:16]
    )
