"""Pythons, kernels and libraries: each combination in a kernel of its own, spoken to as a notebook does."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from tools.front_ends import cells
from tools.front_ends.environments import Environment
from tools.front_ends.notebooks import INTERRUPTED, Tried
from tools.front_ends.results import Outcome

SECONDS = 180
DATA = """import numpy, pandas
grey = numpy.full((64, 64, 3), 128, "uint8")
rows = pandas.DataFrame({"prompt": ["A cup", "A fox"], "kind": ["thing", "animal"]})
asked = rv.generate("{prompt}", prompts=rows, seed=numpy.array([1, 2]), references=[grey], resolution="1K").wait()
frame = asked.to_pandas()
print(len(asked.images), len(frame), sorted(set(frame["kind"])))"""
DATA_SAID = "4 4 ['animal', 'thing']"


class Kernel:
    """A kernel, and what each cell that was sent to it has answered."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.said: dict[str, list[dict[str, Any]]] = {}

    def send(self, source: str) -> str:
        """Queue a cell, as *Run All* does."""
        request: str = self.client.execute(source, allow_stdin=False)
        self.said[request] = []
        return request

    def until(self, *requests: str, seconds: float = SECONDS, has: str = "") -> None:
        """Take in messages until the cells have ended, or one of them has shown the text."""
        deadline = time.monotonic() + seconds
        waiting = set(requests)
        while waiting:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(waiting)} cells go on")
            try:
                message = self.client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                continue
            request = message["parent_header"].get("msg_id")
            if request not in self.said:
                continue
            self.said[request].append(message)
            if message["content"].get("execution_state") == "idle":
                waiting.discard(request)
            if has and has in json.dumps(message["content"], default=str):
                return

    def text(self, request: str) -> str:
        """All that a cell has shown, its errors included."""
        return json.dumps(
            [message["content"] for message in self.said[request]], default=str, ensure_ascii=False
        )


@contextmanager
def _started(environment: Environment, folder: Path, env: Mapping[str, str]) -> Any:
    spec = folder / "kernels" / "tried"
    spec.mkdir(parents=True)
    command = [environment.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "tried", "language": "python"})
    )
    specs = KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False)
    manager = KernelManager(kernel_name="tried", kernel_spec_manager=specs)
    with (folder / "kernel.log").open("wb") as log:
        manager.start_kernel(cwd=str(folder), env=dict(env), stdout=log, stderr=log)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=SECONDS)
            yield Kernel(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """Run all cells, use numpy and pandas, and interrupt a cell."""
    tried = Tried(key)
    with _started(environment, folder, env) as kernel:
        tried.feature("Run All", lambda: _run_all(kernel))
        tried.feature("data", lambda: _data(kernel))
        tried.feature("interrupt", lambda: _interrupted(kernel))
    return tried.outcomes


def _run_all(kernel: Kernel) -> None:
    requests = [kernel.send(source) for source in cells.RUN_ALL]
    kernel.until(*requests)
    said = kernel.text(requests[-1])
    assert cells.COUNTED in said, said[-300:]
    for index, count in cells.PICTURES.items():
        shown = [
            message["content"]["data"]["text/html"].count("<img")
            for message in kernel.said[requests[index]]
            if "text/html" in message["content"].get("data", {})
        ]
        assert shown, f"cell {index} shows nothing"
        assert shown[-1] == count, f"cell {index} shows {shown[-1]} pictures at its end"


def _data(kernel: Kernel) -> None:
    request = kernel.send(DATA)
    kernel.until(request)
    assert DATA_SAID in kernel.text(request), kernel.text(request)[-300:]


def _interrupted(kernel: Kernel) -> None:
    request = kernel.send(cells.LONG)
    kernel.until(request, has="1 of 40 done")
    kernel.manager.interrupt_kernel()
    kernel.until(request, seconds=INTERRUPTED)
    said = kernel.text(request)
    assert "WaitInterruptedError" in said, said[-300:]
    assert "%rivya resume" in said
