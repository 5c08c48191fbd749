"""The page for a laboratory, tried from start to end: its own blocks, in its own order, on a real PostgreSQL server
and an S3 of the test's own. Only the names of both are led to this machine."""

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

    def _text(self, block: str) -> None:
        file = self._home / ".pgpass"
        file.write_text(block + "\n")
        file.chmod(0o600)

    def _json(self, block: str) -> None:
        actions = [action for each in json.loads(block)["Statement"] for action in _listed(each["Action"])]
        assert {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"} <= set(actions)

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


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("lab-rivya", "lab-copy"):
        buckets.make(name)
    reader = Reader(server, buckets, tmp_path / "home", start_kernel)
    for language, block in BLOCKS:
        reader.read(language, block)
    said = "\n".join(reader.said)
    assert "Store     postgresql://db.lab/rivya (new, empty)" in said
    assert len([name for name in buckets.names("lab-rivya") if name.startswith("pictures/")]) >= 3
