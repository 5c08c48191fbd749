"""A PostgreSQL server of this process' own, in a temporary folder, with an empty store for each test.

The programs of Debian's package `postgresql` are enough; nothing has to run. Where they are not installed, the
tests that need them say so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from itertools import count
from pathlib import Path

import psycopg

from rivya_nb.store.places import ServerAddress

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_TEMPLATE = "template_of_stores"

_SETTINGS = {
    # What a test needs no promise of: the machine does not fail meanwhile.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum_naptime": "60",
    "log_min_messages": "panic",
}


def programs() -> Path | None:
    """The folder of the server's programs; None where it is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = (folder for place in _PLACES for folder in Path("/").glob(place[1:]))
    return max((folder for folder in folders if (folder / "initdb").exists()), default=None)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class PostgresqlServer:
    """A server that listens on a socket file, and on `port` of `listen` if a port is given."""

    def __init__(self, folder: Path, binaries: Path, *, port: int = 5432, listen: str = "") -> None:
        self.folder = folder
        self.port = port
        self._binaries = binaries
        self._data = folder / "data"
        self._listen = listen
        self._numbers = count(1)

    def make(self) -> None:
        """Make the server's files."""
        self._run("initdb", "-D", self._data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust",
                  "--no-sync")  # fmt: skip

    def follow(self, primary: PostgresqlServer) -> None:
        """Copy another server's files, and follow it as a standby once this one is started."""
        self._run("pg_basebackup", "-D", self._data, "-h", primary.folder, "-p", primary.port, "-U", "postgres",
                  "-R", "-X", "stream", "-c", "fast", "--no-sync")  # fmt: skip

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = {
            **_SETTINGS,
            "listen_addresses": self._listen,
            "unix_socket_directories": str(self.folder),
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-l", self.folder / "log", "-o",
                  f"{options} -p {self.port}", "start")  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    @contextmanager
    def silent(self) -> Iterator[Callable[[], None]]:
        """The server does not answer meanwhile, and takes connections all the same, as where a network is cut;
        what this gives ends it earlier."""
        pids = [int((self._data / "postmaster.pid").read_text().split()[0])]

        def tell(number: int) -> None:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

        # First the one that makes others: who serves a connection that was made just now is among its children.
        tell(signal.SIGSTOP)
        pids += map(int, Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split())
        tell(signal.SIGSTOP)
        try:
            yield lambda: tell(signal.SIGCONT)
        finally:
            tell(signal.SIGCONT)

    def address(self, database: str, user: str = "postgres") -> ServerAddress:
        host = self._listen or str(self.folder)
        return ServerAddress(host=host, port=str(self.port), user=user, database=database)

    def connect(self, database: str = "postgres", user: str = "postgres") -> psycopg.Connection:
        """A connection for what no store does; each statement is a transaction."""
        return psycopg.connect(
            host=str(self.folder), port=self.port, user=user, dbname=database, autocommit=True
        )

    def new_database(self, template: str = "template0") -> ServerAddress:
        name = f"store_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def new_store(self) -> ServerAddress:
        """A database in which a store was made, which is faster than making each; its pictures have a folder."""
        address = self.new_database(self._template)
        pictures = self.pictures(address)
        (pictures / "pictures").mkdir(parents=True)
        with self.connect(address.database) as connection:
            connection.execute("INSERT INTO store_settings VALUES ('pictures', %s)", [pictures.as_uri()])
        return address

    def pictures(self, address: ServerAddress) -> Path:
        """A folder for the pictures of a store."""
        return self.folder / f"pictures of {address.database}"

    @cached_property
    def _template(self) -> str:
        # Tables are known once the modules are imported that have them.
        import rivya_nb.store.store  # noqa: F401
        from rivya_nb.store.postgresql.database import PostgresqlDatabase

        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        with closing(PostgresqlDatabase(self.address(_TEMPLATE))) as database:
            database.prepare()
        return _TEMPLATE

    def drop(self, address: ServerAddress) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {address.database} WITH (FORCE)")
        shutil.rmtree(self.pictures(address), ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        # The server refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(command, user=user, cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stdout}")


@contextmanager
def postgresql_server(
    primary: PostgresqlServer | None = None, **options: object
) -> Iterator[PostgresqlServer]:
    """A server that runs until the block ends; with a `primary`, its standby."""
    binaries = programs()
    assert binaries is not None
    # Not pytest's folder: the path of a socket is short, and another user has to reach it.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        Path(folder).chmod(0o755)
        server = PostgresqlServer(Path(folder), binaries, **options)  # type: ignore[arg-type]
        if primary is None:
            server.make()
        else:
            server.follow(primary)
        server.start()
        try:
            yield server
        finally:
            server.stop()
