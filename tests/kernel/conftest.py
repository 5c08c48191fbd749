"""A service for kernels, and kernels that tests lend each other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from kernels import NEWEST, Kernel, started
from sandboxes import running_sandbox

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY


@pytest.fixture
def served() -> Iterator[Callable[..., dict[str, str]]]:
    """`served(latency=0, …)`: the environment of kernels that find a sandbox of the test's own, and a store.

    It runs in this process: to start one for it, as the address `sandbox` does, takes longer than most tests.
    """
    with ExitStack() as stack:

        def environment(latency: float = 0, **more: Any) -> dict[str, str]:
            url = stack.enter_context(running_sandbox(SandboxConfig(latency=latency, **more)))
            return {"RIVYA_BASE_URL": url, "RIVYA_API_KEY": DEFAULT_KEY, "RIVYA_STORE": "store"}

        yield environment


@pytest.fixture(scope="package")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Kernel]]:
    """`running(version)`: the one kernel of that version that tests of this folder lend each other."""
    cache = request.config.cache.mkdir("kernels")
    with ExitStack() as stack:
        yield functools.cache(
            lambda version: stack.enter_context(started(version, tmp_path_factory.mktemp("kernel"), cache))
        )


@pytest.fixture
def lent(running: Callable[[str], Kernel], tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """`lent(version, latency, …)`: a kernel without variables, in the test's folder, with a service and a store.

    A test that leaves something going starts a kernel of its own.
    """
    with ExitStack() as stack:

        def prepared(version: str = NEWEST, latency: float = 0, **more: Any) -> Kernel:
            url = stack.enter_context(running_sandbox(SandboxConfig(latency=latency, **more)))
            kernel = running(version)
            kernel.ok("%reset -f")
            kernel.ok(f"%cd -q {tmp_path}\n%load_ext rivya_nb\nsubject = 'frosted'")
            kernel.ok(
                f"import rivya_nb\nrivya_nb.connect({DEFAULT_KEY!r}, {url!r}, store='store')\ndel rivya_nb"
            )
            return kernel

        yield prepared
