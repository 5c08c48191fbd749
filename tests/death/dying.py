"""A process that asks for pictures and is killed on the way."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

import rivya_nb as rv
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.store.asking import Asking
from rivya_nb.store.claims import Claims
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.store import Store
from rivya_nb.store.uploads import UploadBook

WRITES = (
    (Asking, ("add_run",)),
    (Store, ("update_job", "finish_job")),
    (UploadBook, ("add",)),
    (Claims, ("claim", "begin_submit", "release")),
    (ContentFiles, ("put", "adopt")),
)


def mortal(nth: int | None, when: str) -> Callable[[], int]:
    """Make this process die at the nth write; the return value counts the writes so far."""
    count = 0
    # Several threads write at the same time: each of them has to see its own number.
    turn = threading.Lock()

    def wrapped(write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            with turn:
                count += 1
                mine = count == nth
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = write(*args, **kwargs)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for owner, names in WRITES:
        for name in names:
            setattr(owner, name, wrapped(getattr(owner, name)))
    return lambda: count


def ask(url: str, store: str, prompt: str) -> rv.Run:
    """One run of two pictures with a reference, in a store of its own."""
    reference = Path(store).with_suffix(".png")
    Image.new("RGB", (16, 16), "teal").save(reference)
    rv.connect(DEFAULT_KEY, url, store=store)
    # The smallest pictures that there are with a reference.
    plan = rv.plan(prompt, model="qwen-image", repeat=2, references=reference, image_size="square")
    return plan.run().wait(60)


def die(url: str, store: str, prompt: str, nth: int | None, when: str) -> int:
    """Die by SIGKILL before or after the nth write; without one, finish and count the writes to the store."""
    writes = mortal(nth, when)
    ask(url, store, prompt)
    return writes()
