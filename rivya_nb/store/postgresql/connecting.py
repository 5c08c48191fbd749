"""How this machine connects to a database server, and how it learns that it cannot be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import StoreError
from rivya_nb.store.places import ServerAddress

if TYPE_CHECKING:
    import psycopg

PATIENCE = 5
"""Seconds to wait for a server's answer to a new connection; PGCONNECT_TIMEOUT or the address may say another."""

_IDLE, _INTERVAL, _COUNT = 10, 5, 3
"""Seconds without a word before the other side is asked whether it is there, between two questions, and how many
questions go without an answer before it is gone."""

_UNANSWERED = 20_000
"""Milliseconds in which what was sent has to arrive. The system looks at it when it asks."""

_SESSION = f"""
    SELECT set_config('tcp_keepalives_idle', '{_IDLE}', false),
        set_config('tcp_keepalives_interval', '{_INTERVAL}', false),
        set_config('tcp_keepalives_count', '{_COUNT}', false),
        set_config('tcp_user_timeout', '{_UNANSWERED}', false),
        set_config('idle_session_timeout', '0', false),
        set_config('idle_in_transaction_session_timeout', '0', false),
        set_config('extra_float_digits', '1', false)
"""

_DURABLE = """
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""


def parameters(address: ServerAddress) -> dict[str, str]:
    """The keywords of a connection, as libpq has them. Libpq finds the password by itself.

    The encoding is said, since PGCLIENTENCODING may be one that lacks most characters.
    """
    patience = {} if os.environ.get("PGCONNECT_TIMEOUT") else {"connect_timeout": str(PATIENCE)}
    ours = {"application_name": "rivya_nb", "client_encoding": "utf8", **patience}
    alive = {
        "keepalives": "1",
        "keepalives_idle": str(_IDLE),
        "keepalives_interval": str(_INTERVAL),
        "keepalives_count": str(_COUNT),
        "tcp_user_timeout": str(_UNANSWERED),
    }
    return {**ours, **alive, **address.parameters}


def set_up(connection: psycopg.Connection[Any]) -> None:
    """Let the server notice within half a minute that this machine is gone; its own default is hours.

    And what it says to be stored must be on its disk: a submit that it forgets would be sent anew.
    """
    connection.execute(_SESSION)
    connection.execute(_DURABLE)


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
