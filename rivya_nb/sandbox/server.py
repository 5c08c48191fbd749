"""The server process: the app under uvicorn, and how long it lives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import uvicorn

from rivya_nb.files import replace_file
from rivya_nb.sandbox.app import create_app
from rivya_nb.sandbox.config import LOOPBACK_HOSTS, SandboxConfig

UNCLAIMED_SECONDS = 15.0
"""Seconds that a server with leases waits for the first one."""

GRACE_SECONDS = 1.5
"""Seconds that it stays after the last one, so that a restarted kernel finds it again."""


def serve(
    config: SandboxConfig,
    host: str = "127.0.0.1",
    port: int = 0,
    folder: Path | None = None,
    *,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until Ctrl-C; `on_ready` is called with the url. Without a folder the state is temporary.

    Raises:
        ValueError: the host is not this machine's loopback.
        OSError: the port is taken.
    """
    if host not in LOOPBACK_HOSTS:
        raise ValueError(f"the sandbox serves this machine only: {' or '.join(LOOPBACK_HOSTS)}, not {host}")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rivya-sandbox-")))
        listener = stack.enter_context(_listen(port))
        server = build(config, folder)
        if on_ready is not None:
            on_ready(f"http://{host}:{listener.getsockname()[1]}")
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def serve_leases(config: SandboxConfig, folder: Path, lease_id: str) -> None:
    """Serve as long as there is a lease; `folder/server.json` has the address."""
    asyncio.run(_serve_leases(config, folder, lease_id))


def build(config: SandboxConfig, folder: Path) -> uvicorn.Server:
    """A server for the sandbox that is not running yet."""
    settings = uvicorn.Config(
        create_app(config, folder),
        lifespan="on",
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        # As services do; otherwise a poll after 5 s would meet a connection that is just being closed.
        timeout_keep_alive=75,
    )
    return uvicorn.Server(settings)


async def _serve_leases(config: SandboxConfig, folder: Path, lease_id: str) -> None:
    server = build(config, folder)

    def stop() -> None:
        server.should_exit = True

    leases = _Leases(lease_id, stop)
    with _listen(0) as listener:
        lease_port = await leases.open()
        announcement = {
            "url": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "lease_port": lease_port,
            "id": lease_id,
            "pid": os.getpid(),
        }
        partial = folder / f"server-{lease_id}.part"
        partial.write_text(json.dumps(announcement), encoding="utf-8")
        replace_file(folder / "server.json", partial)
        await server.serve(sockets=[listener])


class _Leases:
    """The processes that need the server: each holds a TCP connection, which the system closes when it ends.

    A holder gets a greeting with the server's id. A process without a greeting has no lease, so a server that
    has decided to stop cannot be joined.
    """

    def __init__(self, lease_id: str, on_unused: Callable[[], None]) -> None:
        self._greeting = f"{lease_id}\n".encode()
        self._on_unused = on_unused
        self._held = 0
        self._closed = False

    async def open(self) -> int:
        """Listen on a free port, which is returned."""
        self._server = await asyncio.start_server(self._hold, "127.0.0.1", 0)
        self._expire_after(UNCLAIMED_SECONDS)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            writer.close()
            return
        self._held += 1
        self._expiry.cancel()
        try:
            with contextlib.suppress(OSError):
                writer.write(self._greeting)
                while await reader.read(64):
                    pass
        finally:
            writer.close()
            self._held -= 1
            if self._held == 0:
                self._expire_after(GRACE_SECONDS)

    def _expire_after(self, seconds: float) -> None:
        self._expiry = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._closed = True
        self._server.close()
        self._on_unused()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
