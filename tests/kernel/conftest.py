"""A service for kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
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
