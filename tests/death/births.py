"""Fresh processes at little cost: forks of one that has imported everything and done nothing yet."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection, forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from rivya_nb.jobs import pacing

PRELOADED = (
    "death.dying", "death.resuming", "PIL.JpegImagePlugin", "PIL.PngImagePlugin", "anyio._backends._asyncio",
    "certifi", "httpcore", "httpx", "sqlalchemy.dialects.sqlite", "rivya_nb.api.client",
    "rivya_nb.api.results", "rivya_nb.calls", "rivya_nb.jobs.runner",
    "rivya_nb.session.run", "rivya_nb.session.session", "rivya_nb.session.spending", "rivya_nb.store.store",
)  # fmt: skip
POLLS = (0.2, 0.3)
"""Seconds before the first and the second poll, which nobody here has to be spared."""

SECONDS = 120

ONE_AT_A_TIME = threading.Lock()
"""`multiprocessing` asks after all of its processes whenever it starts one: two threads that ask at the same time
take the answer from each other."""


@dataclass(frozen=True)
class Life:
    """How a process ended: its exit code as `subprocess` gives it, what its function gave, or its traceback."""

    exit_code: int | None
    given: Any
    complaint: str

    @property
    def went_well(self) -> bool:
        """Whether the function returned, and the process ended with it."""
        return self.exit_code == 0 and not self.complaint

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it: the function neither returned nor raised."""
        return self.exit_code == -signal.SIGKILL


@contextlib.contextmanager
def nursery() -> Iterator[ForkServerContext]:
    """Where `lived` may be called, from any thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with pytest.MonkeyPatch.context() as patch:
        # The only path that a forkserver of every Python looks at.
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        forkserver.ensure_running()
    yield context


def lived(context: ForkServerContext, notes: Path, function: Callable[..., Any], *arguments: Any) -> Life:
    """Call a function in a process of its own, to the end of that."""
    process = context.Process(target=_live, args=(notes, function, arguments))
    with ONE_AT_A_TIME:
        process.start()
    ended = connection.wait([process.sentinel], SECONDS)
    with ONE_AT_A_TIME:
        if not ended:
            process.kill()
        process.join()
    given, complaint = json.loads(notes.read_text()) if notes.exists() else (None, "")
    return Life(process.exitcode, given, complaint)


def _live(notes: Path, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    given, complaint = None, ""
    pacing.FIRST, pacing.SECOND = POLLS
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            given = function(*arguments)
        except Exception:
            complaint = traceback.format_exc()
    notes.write_text(json.dumps([given, complaint]))
