"""The page for a laboratory: its own blocks, in its own order, on a real server and an S3 of the test's own.

Only the names of both are led to this machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from buckets import KEYS, Buckets
from kernels import NEWEST, Kernel
from servers import PostgresqlServer, postgresql_server, programs, unused_port
from traitlets.config import Config

from rivya_nb.store.picture_cache import DEFAULT_GB
from rivya_nb.store.postgresql.connecting import _COUNT, _IDLE, _INTERVAL
from rivya_nb.store.postgresql.database import CONNECTIONS
from rivya_nb.store.postgresql.examination import OLDEST
from rivya_nb.store.tombstones import PATIENCE

PAGE = (Path(__file__).parent.parent / "docs" / "laboratory.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)

_RULES = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
_COMMAND = f"#!{sys.executable}\nfrom rivya_nb.cli import main\nraise SystemExit(main())\n"


class Reader:
    """Does what the page says, as a reader would: the administrator of the server and of the hub, and ada."""

    def __init__(
        self, server: PostgresqlServer, buckets: Buckets, home: Path, start: Callable[..., Kernel]
    ) -> None:
        self._server, self._buckets = server, buckets
        self._home = home
        self._start = start
        self._kernel: Kernel | None = None
        binaries = programs()
        assert binaries is not None
        (home / "bin").mkdir(parents=True)
        command = home / "bin" / "rivya-nb"
        command.write_text(_COMMAND)
        command.chmod(0o755)
        self.said: list[str] = []
        self.environment = {
            # The names of the page lead here.
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(server.port),
            "AWS_ENDPOINT_URL": buckets.url,
            **KEYS,
            "RIVYA_BASE_URL": "sandbox",
            "RIVYA_SANDBOX_LATENCY": "0",
            "JUPYTERHUB_USER": "ada",
            "HOME": str(home),
            "PATH": os.pathsep.join([str(command.parent), str(binaries), os.environ["PATH"]]),
        }

    def read(self, language: str, block: str) -> None:
        getattr(self, f"_{language}")(block)

    def _sql(self, block: str) -> None:
        self._run(
            ["psql", "-h", self._server.folder, "-U", "postgres", "-v", "ON_ERROR_STOP=1"],
            block,
            PGHOSTADDR="",
        )

    # The same, with commands of psql, which no lexer of SQL takes.
    _psql = _sql

    def _text(self, block: str) -> None:
        file = self._home / ".pgpass"
        file.write_text(block + "\n")
        file.chmod(0o600)

    def _json(self, block: str) -> None:
        """From now on the service asks for rights, and the reader has those of the page."""
        self.environment |= self._buckets.keys_of_user(json.loads(block))

    def _python(self, block: str) -> None:
        config = Config()
        exec(block, {"c": config})
        spawner = SimpleNamespace(user=SimpleNamespace(name="ada"))
        given = config.Spawner.environment.items()
        self.environment |= {name: each(spawner) if callable(each) else each for name, each in given}

    def _ipython(self, block: str) -> None:
        if self._kernel is None:
            self._kernel = self._start(NEWEST, self.environment)
        self.said.append(self._kernel.ok(block).stdout)

    def _bash(self, block: str) -> None:
        if "rivya-nb move" in block and self._kernel is not None:
            self._kernel.shut_down()
        self.said.append(self._run(["bash", "-e", "-c", block]))

    def _run(self, command: list[object], given: str = "", **more: str) -> str:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("RIVYA_", "PG", "XDG_"))
        }
        done = subprocess.run([str(each) for each in command], env={**kept, **self.environment, **more},
                              input=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd=self._home, timeout=120, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


def test_the_page_has_the_numbers_of_the_code() -> None:
    for said in (
        f"PostgreSQL server, {OLDEST // 10000} or newer",
        f"each kernel has up to {('', 'one', 'two', 'three')[CONNECTIONS + 1]} connections",
        f"asks every {_INTERVAL} seconds",
        f"keeps up to {DEFAULT_GB:g} GB",
    ):
        assert said in " ".join(PAGE.split())
    assert _IDLE + _INTERVAL * _COUNT <= 30, "within half a minute"
    assert PATIENCE == 3600, "an hour later at the earliest"


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server that asks everybody from outside for a password."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgresql_server(port=unused_port(), listen="127.0.0.1") as running:
        (running.folder / "data" / "pg_hba.conf").write_text(_RULES)
        with running.connect() as admin:
            admin.execute("SELECT pg_reload_conf()")
        yield running


def test_the_page_leads_from_nothing_to_a_restored_backup(
    server: PostgresqlServer,
    buckets: Buckets,
    start_kernel: Callable[..., Kernel],
    tmp_path: Path,
) -> None:
    for name in ("lab-rivya", "lab-copy"):
        buckets.make(name)
    reader = Reader(server, buckets, tmp_path / "home", start_kernel)
    try:
        for language, block in BLOCKS:
            reader.read(language, block)
    finally:
        buckets.ask_for_no_rights()
    said = "\n".join(reader.said)
    assert "Store     postgresql://db.lab/rivya (new, empty)" in said
    assert "the whole store  a month" in said
    assert "ada              a week" in said
    assert said.count("all is as it should be.") == 2

    # The pictures are in the bucket alone, and what is restored reads its copy of them.
    names = buckets.names("lab-rivya")
    assert sum(name.startswith("pictures/") for name in names) == 3
    for name in names:
        data = buckets.store("lab-rivya").get(name).bytes()
        buckets.store("lab-copy").put(name, bytes(data))
        buckets.store("lab-rivya").delete(name)
    here = reader.environment | {
        "RIVYA_STORE": "postgresql://db.lab/restored",
        "XDG_CACHE_HOME": str(tmp_path / "new"),
    }
    del here["RIVYA_PICTURES"]
    later = start_kernel(NEWEST, here)
    later.ok("import rivya_nb as rv\nassert sorted(job.seed for job in rv.history(by='ada')) == [1, 2, 3]")
    later.ok("rv.history()[0].image.load()")
    visitor = start_kernel(NEWEST, here | {"PGUSER": "visitor", "PGPASSWORD": "the-password-of-visitors"})
    visitor.ok("import rivya_nb as rv\nassert len(rv.history()) == 3; rv.history()[0].image.load()")
    assert "visitor has no right to write to it" in visitor.run("rv.history()[0].rate(3)").error
