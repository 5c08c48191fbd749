"""The demo: it executes the first notebook in a real kernel on the sandbox, and shows the progress on the
terminal.

It imports packages of the extra `lab`; the command line checks before that they are installed.
"""

from __future__ import annotations

import asyncio
import atexit
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import nbformat
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import ValidationError
from nbformat.reader import NotJSONError

from rivya_nb.errors import RivyaError, shortened
from rivya_nb.session.showing.terminal import write_over, writes_over
from rivya_nb.store.store import Store

if TYPE_CHECKING:
    from nbformat import NotebookNode

CELL_SECONDS = 300
"""The seconds that one cell may take."""

_LONGEST_STEP = 100
"""The most characters of a cell that its step shows."""

_INTERRUPTIONS = ("KeyboardInterrupt", "WaitInterruptedError")
_INTERRUPTED = (
    "The notebook was interrupted, or its kernel ended. The requests are kept; "
    "run the demo again to continue."
)

_PROGRESS = re.compile(r"^ *((\d+ of \d+ done(?: · \d+ [a-z]{4,})*).*)$", re.MULTILINE)
"""The progress line of a run's live display; its second group are the counts, without the time."""


class DemoError(RivyaError):
    """The demo's notebook could not be executed to its end."""


@dataclass(frozen=True)
class DemoResult:
    """The executed notebook, and the sums of its runs.

    `new_jobs` were sent to the service, for `credits`; all other pictures came from the history.
    """

    notebook: Path
    seeds: tuple[object, ...]
    pictures: int
    new_jobs: int
    credits: int


class Progress:
    """Prints one line for each step; on a terminal that can do it the line is updated in place."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._in_place = writes_over(out)
        self._counts = ""
        self._started = 0.0

    def begin(self, number: str, step: str) -> None:
        self._number, self._step = number, step
        self._started = time.monotonic()
        self._write(f"{number}  {step}")

    def say_next(self, step: str) -> None:
        """Begin another part of the current step."""
        self.begin(self._number, step)

    def say(self, counts: str, line: str) -> None:
        """Show the progress of the current step: `line`, which begins with the `counts` of its jobs."""
        if self._in_place or counts != self._counts:
            self._write(f"{self._number}  {line}")
        self._counts = counts

    def end(self) -> None:
        if self._in_place:
            self._write(f"{self._number}  {time.monotonic() - self._started:4.1f} s  {self._step}")
            print(file=self._out)

    def _write(self, text: str) -> None:
        if self._in_place:
            write_over(text, self._out)
        else:
            print(text, file=self._out, flush=True)


class _ThisInterpreter(KernelSpecManager):
    """Starts the kernel in the Python that runs the demo, independent of the installed kernels."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        # On the terminal, newer kernels warn that their loopback connection is not encrypted, and those that are
        # interrupted tell of connections that are closed. What goes wrong in a cell comes as its output.
        command = make_ipkernel_cmd(extra_arguments=["--log-level=CRITICAL"])
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


class _Execution(NotebookClient):
    """Executes a notebook, and reports each step and each change of a run's live display."""

    def __init__(self, notebook: NotebookNode, folder: Path, progress: Progress) -> None:
        manager = AsyncKernelManager(kernel_spec_manager=_ThisInterpreter())
        super().__init__(
            notebook, km=manager, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}}
        )
        self._progress = progress
        self._steps = [cell["id"] for cell in notebook.cells if cell.cell_type == "code"]
        self.count = len(self._steps)
        self.on_notebook_start = lambda **_: progress.end()
        self.on_cell_execute = self._begin
        self.on_cell_executed = lambda **_: progress.end()
        self.on_notebook_complete = lambda **_: progress.say_next("end the kernel, and save the notebook")

    def process_message(
        self, msg: dict[str, object], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        content = msg["content"]
        data = content.get("data", {}) if isinstance(content, dict) else {}
        found = _PROGRESS.search(data.get("text/plain", ""))
        if found:
            self._progress.say(counts=found[2], line=found[1])
        return super().process_message(msg, cell, cell_index)

    async def _async_poll_kernel_alive(self) -> None:
        # After Ctrl-C the connection may be gone; nothing would handle the AssertionError of this watcher.
        with suppress(AssertionError):
            await super()._async_poll_kernel_alive()

    def _begin(self, cell: NotebookNode, **_: object) -> None:
        if cell.cell_type == "code":
            number = self._steps.index(cell["id"]) + 1
            lines = [line for line in cell.source.splitlines() if line.strip()]
            is_one = lines[0].startswith("%%") or lines[0].endswith(":")
            step = lines[0] if is_one else "; ".join(lines)
            self._progress.begin(f"{number}/{self.count}", shortened(step, _LONGEST_STEP))


def run_demo(source: Path, folder: Path, environment: Mapping[str, str], out: TextIO) -> DemoResult:
    """Execute the notebook `source` in `folder`, and save it there with its outputs.

    `environment` is that of the kernel; it names the store in RIVYA_STORE.

    Raises:
        DemoError: a cell failed or took too long, or the kernel ended. The notebook is saved as far as it got.
    """
    notebook = _read(source)
    target = _free_place(folder / source.name, notebook)
    started = time.time()
    progress = Progress(out)
    execution = _Execution(notebook, folder, progress)
    progress.begin(f"0/{execution.count}", "start a kernel")
    try:
        execution.execute(env=dict(environment))
    except CellExecutionError as error:
        if error.ename in _INTERRUPTIONS:
            raise DemoError(_INTERRUPTED) from None
        raise DemoError(f"A cell failed: {error.ename}: {error.evalue}\nSee {target}") from None
    except (DeadKernelError, asyncio.CancelledError):
        # nbclient answers Ctrl-C by shutting the kernel down, which may end before its cell does, or its start.
        raise DemoError(_INTERRUPTED) from None
    except RuntimeError as error:
        # nbclient has forgotten the kernel, and would end it once more.
        atexit.unregister(execution._cleanup_kernel)
        raise DemoError(
            f"The kernel did not start ({error}). `rivya-nb doctor` looks for the reason."
        ) from None
    except CellTimeoutError:
        raise DemoError(f"A cell took more than {CELL_SECONDS} s.\nSee {target}") from None
    finally:
        _write(notebook, target)
    progress.end()
    return _result(target, Path(environment["RIVYA_STORE"]), started)


def _free_place(path: Path, notebook: NotebookNode) -> Path:
    """The path for the executed notebook: an earlier one with the same cells is replaced, an edited one is
    kept."""
    sources = [cell.source for cell in notebook.cells]
    number = 1
    place = path
    while place.exists() and _sources(place) != sources:
        number += 1
        place = path.with_stem(f"{path.stem}-{number}")
    return place


def _sources(path: Path) -> list[str] | None:
    """The cells of a notebook; None where the file is none."""
    try:
        return [cell.source for cell in _read(path).cells]
    except (NotJSONError, ValidationError, AttributeError, OSError, ValueError):
        return None


def _result(notebook: Path, folder: Path, started: float) -> DemoResult:
    store = Store.open(folder)
    try:
        runs = [run for run in store.runs.newest() if run.created_at >= started]
        cells = [cell for run in runs for cell in run.cells]
        jobs = store.jobs({cell.job_id for cell in cells})
    finally:
        store.close()
    new = {cell.job_id for cell in cells if not cell.reused}
    with_picture = [job for job in jobs.values() if job.pictures]
    return DemoResult(
        notebook=notebook,
        seeds=tuple(sorted({job.seed for job in with_picture if job.seed is not None}, key=str)),
        pictures=sum(len(job.pictures) for job in with_picture),
        new_jobs=len(new),
        credits=sum(jobs[job_id].credits for job_id in new),
    )


def _read(path: Path) -> NotebookNode:
    return cast("NotebookNode", nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]


def _write(notebook: NotebookNode, path: Path) -> None:
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
