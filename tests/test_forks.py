"""Processes forked from one that uses the session: what is open stays with the parent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandboxes import running_sandbox
from variants import variants

from rivya_nb.sandbox import DEFAULT_KEY
from rivya_nb.sandbox.config import SandboxConfig

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

OPEN = """\
import gc, multiprocessing, os, sys
import rivya_nb as rv
from rivya_nb.store.store import Store

key, url, folder = sys.argv[1:]
session = rv.connect(key, url, store=folder)
"""

FORK = """
run = rv.generate("A bottle", seed={seed})

def child():
    {child}

if {way!r} == "fork":
    if os.fork() == 0:
        child()
        sys.exit(0)
    os.wait()
else:
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
other = Store.open(session.store.folder)
print("owner", other.owner.is_alive(session.store.owner.id))
other.close()
print("run", run.wait(60).credits, rv.history()[0].path.exists())
"""

TIDY = "session.store.close()\n    gc.collect()"

CHILDREN = {
    "exits": ("pass", "fork"),
    "fails": ("raise ValueError('of the child')", "fork"),
    "tidies up": (TIDY, "fork"),
    "forks itself": ("os.fork() or sys.exit(0)\n    os.wait()", "fork"),
    "is a Process": (TIDY, "multiprocessing"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_sandbox(SandboxConfig(latency=0.3, credits=1000)) as url:
        yield url


def test_a_child_that_ends_takes_nothing_from_its_parent(url: str, tmp_path: Path) -> None:
    script = OPEN
    for seed, (what, (child, way)) in enumerate(CHILDREN.items(), 1):
        script += f"print({what!r})\n" + FORK.format(seed=seed, child=child, way=way)
    out, err = _run(script, url, tmp_path)
    assert out == "".join(f"{what}\nowner True\nrun 12 True\n" for what in CHILDREN), err
    assert "rivya_nb:" not in err


def test_a_child_that_uses_the_session_is_told_to_connect_and_can(url: str, tmp_path: Path) -> None:
    child = """
    for use in (lambda: rv.generate("A cup", seed=2), session.balance, rv.history):
        try:
            len(use())
        except rv.RivyaError as error:
            print("forked" in str(error), "onnect" in str(error))
    rv.connect(key, url, store=folder)
    print("child", rv.generate("A cup", seed=2).wait(60).credits)
    rv.generate("A jug", seed=3)
    sys.stdout.flush()
    """
    out, err = _run(OPEN + FORK.format(seed=1, child=child, way="fork"), url, tmp_path)
    assert out == "True True\n" * 3 + "child 12\nowner True\nrun 12 True\n"
    # What the child began itself is its own to tell.
    assert err.count("rivya_nb: run ") == 1


FORK_IN_IMPORT = """
import os, sys, threading, time
from importlib.abc import MetaPathFinder

begun = threading.Event()

class Slow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            begun.set()
            time.sleep(0.3)

sys.meta_path.insert(0, Slow())
# Since Python 3.13 the interpreter itself may have read a file with that codec.
if {module!r} in sys.modules:
    begun.set()
import rivya_nb as rv
key, url, folder = sys.argv[1:]
rv.connect(key, url, store=folder)
run = rv.generate("A bottle", seed=1)
begun.wait()
if os.fork() == 0:
    rv.connect(key, url, store=folder)
    print("child", rv.generate("A cup", seed=2).wait(60).credits)
    sys.exit(0)
os.wait()
print("run", run.wait(60).credits)
"""


@pytest.mark.parametrize(
    "module",
    variants(
        (
            "httpx._models",
            "httpcore._async",
            "anyio._core._tasks",
            "encodings.idna",
            "encodings.utf_8_sig",
            "PIL.Image",
            "PIL.PngImagePlugin",
            "PIL.ImageOps",
        ),
        lambda module: module in ("httpx._models", "anyio._core._tasks", "encodings.idna", "PIL.Image"),
    ),
)
def test_a_child_that_is_forked_while_something_is_imported_is_whole(
    url: str, tmp_path: Path, module: str
) -> None:
    out, err = _run(FORK_IN_IMPORT.format(module=module), url, tmp_path)
    assert out == "child 12\nrun 12\n", err


FORK_IN_TRANSACTION = """
import os, sys, threading, time
from pathlib import Path
from rivya_nb.store import sqlite_database as database
from rivya_nb.store.store import Store
database.BUSY_SECONDS = {patience}
store, folder = Store.open(Path(sys.argv[3])), Path(sys.argv[3])
begun = threading.Event()
def write():
    with store.database.writing():
        begun.set()
        time.sleep(0.3)
def fork():
    if os.fork() == 0:
        try:
            print("opened", Store.open(folder).unfinished(), flush=True)
        except Exception as error:
            print(type(error).__name__, "spawn" in str(error), flush=True)
        os._exit(0)
    os.wait()
{fork}
store.unfinished()
"""


def test_a_child_that_is_forked_while_another_thread_writes_can_open_the_store(tmp_path: Path) -> None:
    fork = "thread = threading.Thread(target=write); thread.start(); begun.wait(); fork(); thread.join()"
    out, err = _run(FORK_IN_TRANSACTION.format(fork=fork, patience=60), "", tmp_path)
    assert (out, err) == ("opened []\n", "")


def test_a_child_that_is_forked_within_a_transaction_is_told_at_once(tmp_path: Path) -> None:
    fork = "with store.database.writing(): fork()"
    out, err = _run(FORK_IN_TRANSACTION.format(fork=fork, patience=0.5), "", tmp_path)
    assert (out, err) == ("StoreError True\n", "")


def test_a_child_that_lives_on_does_not_keep_its_parents_sandbox(tmp_path: Path) -> None:
    script = """
import os, signal, socket, sys, time
from pathlib import Path
from rivya_nb import sandbox
lease = sandbox.join(Path(sys.argv[3]), latency=0)
child = os.fork()
if child == 0:
    signal.pause()
lease.close()
end = time.monotonic() + 60
try:
    while time.monotonic() < end:
        socket.create_connection(("127.0.0.1", int(lease.url.rpartition(":")[2])), 1).close()
        time.sleep(0.02)
except OSError:
    print("gone")
os.kill(child, signal.SIGKILL)
"""
    out, _ = _run(script, "", tmp_path)
    assert out == "gone\n"


def test_a_child_that_exits_leaves_its_parent_the_font(tmp_path: Path) -> None:
    script = """
import os, sys
from rivya_nb.views import lettering
folder = lettering._folder()
if os.fork() == 0:
    sys.exit(0)
os.wait()
print((folder / "font.ttf").exists(), folder)
"""
    out, _ = _run(script, "", tmp_path)
    there, folder = out.split()
    assert there == "True"
    assert not Path(folder).exists()


def _run(script: str, url: str, folder: Path) -> tuple[str, str]:
    """What a process says that runs the script with a key, an address and a folder as its arguments."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, DEFAULT_KEY, url, str(folder)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
