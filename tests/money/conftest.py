"""A store of the test's own, a session with a sandbox of its own, and further kernels on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.api.key import Key
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.service import reach
from rivya_nb.session.session import Session
from rivya_nb.store.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def connect(folder: Path) -> Iterator[Callable[..., rv.Session]]:
    """`connect(config, …)`: a session with a sandbox of its own, as one kernel has it."""
    with ExitStack() as stack:

        def connected(config: SandboxConfig, **more: int) -> rv.Session:
            url = stack.enter_context(running_sandbox(config))
            return stack.enter_context(closing(rv.connect(DEFAULT_KEY, url, store=folder, **more)))

        yield connected


@pytest.fixture
def other_kernel(folder: Path) -> Iterator[Callable[..., Session]]:
    """`other_kernel(session)`: another session on the same store and service, with an owner of its own."""
    with ExitStack() as stack:

        def joined(session: rv.Session, key: str = DEFAULT_KEY) -> Session:
            store = stack.enter_context(closing(Store.open(folder)))
            service = reach(Key(key), session.address, folder)
            return stack.enter_context(closing(Session(service, LiveRecords(store, WorkLoop.find()))))

        yield joined
