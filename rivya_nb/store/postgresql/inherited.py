"""Keeps the connections of this process from processes that are forked from it.

A forked process has the same sockets. If it ended a connection, or if it lived longer than its parent, the server
would take the parent for dead, or for alive. So the sockets are closed there, and nothing is said to the server.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import psycopg

_OPEN: WeakSet[psycopg.Connection[Any]] = WeakSet()


def keep_from_children(connection: psycopg.Connection[Any]) -> None:
    """Close this connection's socket in every process that is forked from now on."""
    _OPEN.add(connection)


def _let_go() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for connection in list(_OPEN):
        # One that is closed has no socket.
        with suppress(psycopg.Error):
            # Its number stays in use: whatever the connection does at its end, it must not meet another file.
            os.dup2(nothing, connection.pgconn.socket, inheritable=False)
    os.close(nothing)
    _OPEN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
