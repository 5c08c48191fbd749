"""Starts or joins the sandbox of a folder, from any number of processes.

A lease is an open TCP connection without traffic: when its holder ends in any way, the operating system
closes it, and the server ends with its last lease.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.errors import NotConnectedError

if TYPE_CHECKING:
    from rivya_nb.sandbox.latency import Latency

START_SECONDS = 60.0
"""Seconds in which a server must announce itself: one in its own, and many where the machine is busy."""

_GREETING_SECONDS = 10.0
_POLL_SECONDS = 0.02
_RUN = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
import rivya_nb
del sys.path[0]
from rivya_nb.sandbox.__main__ import main
main()
"""
"""`python -m rivya_nb.sandbox` of this very package, also if it is not installed but beside a notebook."""

_SECRETS = ("RIVYA_API_KEY", "PG", "AWS_", "AZURE_", "GOOGLE_")
"""How the names begin of what the environment has for the real service, for a database and for a bucket."""

SERVER_MODULES = ("fastapi", "uvicorn", "python_multipart")


@dataclass
class _Connection:
    """This process' only connection to the server of a folder, shared by its leases."""

    url: str
    socket: socket.socket
    leases: int = 0

    def is_alive(self) -> bool:
        """True if the server still holds its end; it sends nothing after the greeting."""
        try:
            self.socket.setblocking(False)
            return self.socket.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


_connections: dict[Path, _Connection] = {}
_guard = threading.Lock()


def _begin_anew() -> None:
    """In a forked process: close the copies of the parent's connections, which would outlive the parent."""
    global _guard
    _guard = threading.Lock()
    for connection in _connections.values():
        connection.socket.close()
    _connections.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@dataclass(frozen=True)
class Lease:
    """A claim on the running sandbox of `folder`, which serves at `url` until its last lease is closed."""

    url: str
    folder: Path
    _connection: _Connection = field(repr=False)
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def close(self) -> None:
        """Give up the claim. It may be called more than once."""
        with _guard:
            if self._released.is_set():
                return
            self._released.set()
            self._connection.leases -= 1
            if self._connection.leases == 0:
                self._connection.socket.close()
                if _connections.get(self.folder) is self._connection:
                    del _connections[self.folder]


def join(
    folder: Path,
    *,
    latency: Latency | None = None,
    credits: int | None = None,  # noqa: A002 - the service's own word
) -> Lease:
    """Join the sandbox of `folder`, or start one; all leases of a process share a connection.

    `latency` (of a task) and `credits` (of a new account) are used only if this call starts the server;
    without them the server reads RIVYA_SANDBOX_LATENCY and RIVYA_SANDBOX_CREDITS, and its other settings always
    from variables of this kind (`flags.py`). Starting it blocks for about a second.

    Raises:
        NotConnectedError: the extra `sandbox` is not installed, or the server does not start.
    """
    from filelock import FileLock

    folder = folder.expanduser().resolve()
    with _guard:
        connection = _connections.get(folder)
        # A server whose folder was deleted still runs, but cannot keep pictures.
        if connection is None or not connection.is_alive() or not _announced(folder):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                # A second process waits here, and then finds the server that the first one started.
                with FileLock(folder / "join.lock", timeout=START_SECONDS * 2):
                    connection = _connect(folder) or _start(folder, latency, credits)
            except (OSError, TimeoutError) as error:
                raise NotConnectedError(f"the sandbox's folder {folder} cannot be used: {error}") from error
            _connections[folder] = connection
        connection.leases += 1
    return Lease(connection.url, folder, connection)


def _connect(folder: Path) -> _Connection | None:
    """A connection to the announced server; None if it does not answer with the announced id."""
    announced = _announced(folder)
    try:
        url, port, lease_id = str(announced["url"]), int(announced["lease_port"]), str(announced["id"])
    except (ValueError, KeyError, TypeError):
        return None
    greeting = f"{lease_id}\n".encode()
    with contextlib.suppress(OSError):
        connection = socket.create_connection(("127.0.0.1", port), timeout=_GREETING_SECONDS)
        with contextlib.ExitStack() as closing:
            closing.enter_context(connection)
            if _received(connection, len(greeting)) == greeting:
                closing.pop_all()
                return _Connection(url, connection)
    return None


def _received(connection: socket.socket, size: int) -> bytes:
    """The next bytes; fewer where the other end closes. Windows has no MSG_WAITALL where there is a time limit."""
    data = b""
    while piece := connection.recv(size - len(data)):
        data += piece
    return data


def _start(folder: Path, latency: Latency | None, granted: int | None) -> _Connection:
    missing = [name for name in SERVER_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise NotConnectedError(
            f'the sandbox needs {", ".join(missing)}, not installed here: pip install "rivya-nb[sandbox]"'
        )
    lease_id = secrets.token_hex(8)
    command = [sys.executable, "-c", _RUN, str(Path(__file__).parents[2])]
    command += ["--folder", str(folder), "--lease", lease_id]
    command += [] if latency is None else ["--latency", str(latency)]
    command += [] if granted is None else ["--credits", str(granted)]
    process = _spawn(command, folder)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _announced(folder).get("id") == lease_id and (connection := _connect(folder)) is not None:
            # Waits for the end of the server, which must not become a zombie process.
            threading.Thread(target=process.wait, name="rivya-sandbox-reaper", daemon=True).start()
            return connection
        time.sleep(_POLL_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
    raise NotConnectedError(f"the sandbox did not start; {_log_path(folder)} says: {_last_words(folder)}")


def _spawn(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """A process that gets neither an interrupt of the kernel nor the closing of a terminal."""
    with _log_path(folder).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            command,
            # A notebook's folder may have a file with the name of a module; the sandbox's own folder has
            # none.
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
            start_new_session=os.name == "posix",
            # Windows would open a console beside the notebook.
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
            | getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def _announced(folder: Path) -> dict[str, Any]:
    """What the folder's server has announced; empty if nothing."""
    try:
        announced = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return announced if isinstance(announced, dict) else {}


def _log_path(folder: Path) -> Path:
    return folder / "sandbox.log"


def _last_words(folder: Path) -> str:
    lines = _log_path(folder).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"
