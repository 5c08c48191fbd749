"""A session on a store that is filled with pictures of its own making; no service is asked for anything."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from servers import PostgresqlServer
from store.filling import done

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.records import AxisRecord, CellRecord, JobRecord, PictureRecord

Fill = Callable[..., rv.Run]


ON_A_SERVER = ("test_finding", "test_marks", "test_measuring", "test_several_runs", "test_users")
"""The tests in which the store finds or keeps something: they run on a server as well. The others compute with, or
show, what these have found."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "session" in metafunc.fixturenames and metafunc.definition.path.stem in ON_A_SERVER:
        metafunc.parametrize("session", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[rv.Session]:
    if getattr(request, "param", "sqlite") == "sqlite":
        with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=tmp_path / "store")) as session:
            yield session
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    address = server.new_store()
    with closing(rv.connect(DEFAULT_KEY, "http://127.0.0.1:9", store=str(address))) as session:
        yield session
    server.drop(address)


@pytest.fixture
def fill(session: rv.Session) -> Fill:
    """`fill(seeds, prompt=…, model=…, created_at=…, more params)`: a run with a picture for each seed."""

    def fill(
        seeds: range | list[int], prompt: str = "A glass bottle", name: str | None = None, **more: Any
    ) -> rv.Run:
        fields = {key: more.pop(key) for key in ("model", "created_at", "pictures") if key in more}
        jobs = []
        for seed in seeds:
            given = {"pictures": (picture(session, seed),), **fields}
            jobs.append(done(prompt, {"seed": seed, **more}, final_credits=12, **given))
        return session.run(add_run(session, seeds, jobs, name))

    return fill


def add_run(
    session: rv.Session, seeds: range | list[int], jobs: list[JobRecord], name: str | None = None
) -> int:
    axes = [AxisRecord("seed", tuple(map(str, seeds)))]
    cells = [CellRecord(job.id, (place,)) for place, job in enumerate(jobs)]
    return session.store.asking.add_run(name=name, service="sandbox", axes=axes, cells=cells, jobs=jobs).id


def picture(session: rv.Session, seed: int) -> PictureRecord:
    """A small picture that no other seed has."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (seed % 256, seed // 256, 99)).save(buffer, "PNG")
    data = buffer.getvalue()
    return PictureRecord(session.store.files.put(data, "image/png"), "image/png", 32, 24, len(data))
