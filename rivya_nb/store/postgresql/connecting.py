"""How this machine connects to a database server, and how it learns that it cannot be used."""

from __future__ import annotations

import os

from rivya_nb.errors import StoreError
from rivya_nb.store.places import ServerAddress

PATIENCE = 5
"""Seconds to wait for a server's answer to a new connection; PGCONNECT_TIMEOUT or the address may say another."""


def parameters(address: ServerAddress) -> dict[str, str]:
    """The keywords of a connection, as libpq has them. Libpq finds the password by itself.

    The encoding is said, since PGCLIENTENCODING may be one that lacks most characters.
    """
    patience = {} if os.environ.get("PGCONNECT_TIMEOUT") else {"connect_timeout": str(PATIENCE)}
    ours = {"application_name": "rivya_nb", "client_encoding": "utf8", **patience}
    return {**ours, **address.parameters}


def require_driver() -> None:
    """
    Raises:
        StoreError: what a store on a server needs is not installed.
    """
    try:
        import psycopg  # noqa: F401
    except ImportError:
        problem = StoreError(
            "A store on a server needs a package that is not installed here, psycopg: "
            'pip install "rivya-nb[server]" and restart the kernel.'
        )
    else:
        return
    raise problem
