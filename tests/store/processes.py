"""Functions run in processes of their own, as other kernels on the same store."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from rivya_nb.store.places import StorePlace

PATIENCE = 60.0
PRELOADED = ("pytest", "sqlalchemy.dialects.sqlite", "rivya_nb.store.store")
TESTS = Path(__file__).parents[1]
Start = Callable[[Callable[..., None], StorePlace], tuple[BaseProcess, "Connection[Any, Any]"]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a function in a process of its own; gives the process and a pipe to it.

    It is a fork of one that has imported everything and done nothing yet, which costs a twentieth of a new one.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with pytest.MonkeyPatch.context() as patch:
        # The only path that a forkserver of every Python looks at.
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (TESTS, TESTS / "quick_processes"))))
        forkserver.ensure_running()
    begun: list[tuple[BaseProcess, Connection[Any, Any]]] = []

    def start(target: Callable[..., None], place: StorePlace) -> tuple[BaseProcess, Connection[Any, Any]]:
        here, there = context.Pipe()
        process = context.Process(target=target, args=(place, there))
        process.start()
        there.close()
        begun.append((process, here))
        return process, here

    yield start
    for process, pipe in begun:
        process.kill()
        process.join()
        process.close()
        pipe.close()


def told(pipe: Connection[Any, Any]) -> Any:
    assert pipe.poll(PATIENCE), "the other process says nothing"
    return pipe.recv()
