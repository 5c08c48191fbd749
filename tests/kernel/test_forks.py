"""A process that is forked in a cell: `sys.exit()` does not end it there, and its copy of the loop turns on."""

from __future__ import annotations

import ast
import os

import pytest
from kernels import Kernel

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

LOAD = """\
%load_ext waiting_extension
import asyncio, os, socket, sys
import waiting_extension as w
loop, report, heard = asyncio.get_running_loop(), os.pipe(), []
(near, far), (later, later_far) = socket.socketpair(), socket.socketpair()

async def listen():
    reader, _ = await asyncio.open_connection(sock=near)
    heard.append(await reader.read(100))

def watch_the_child():
    turns, turn, passed = [], loop._run_once, work.passed
    loop._run_once = lambda: (turns.append(1), turn())
    def tell():
        os.write(report[1], repr((work.passed - passed, heard, len(turns))).encode())
        os._exit(0)
    loop.call_later(0.4, tell)
"""

FORK = """\
work = w.Work(100)
listening = work.work_loop.start(listen())
await asyncio.sleep(0.1)
child = os.fork()
if child == 0:
    watch_the_child()
    sys.exit(0)
far.send(b"for the parent")
later_far.send(b"of the parent")
loop.add_reader(later, lambda: loop.remove_reader(later))
told = os.read(report[0], 1000)
os.waitpid(child, 0)
told.decode()
"""


def test_a_child_of_a_cell_rests_and_leaves_the_work_to_its_parent(kernel_newest: Kernel) -> None:
    kernel = kernel_newest
    kernel.ok(LOAD)
    forked = kernel.ok(FORK)
    # The child, too, says that the cell is at its end, and perhaps before the parent has a result.
    kernel.until(lambda: forked.result is not None, "the parent's result is there")
    passed, heard, turns = ast.literal_eval(ast.literal_eval(forked.result or ""))
    assert (passed, heard) == (0, [])
    # What its parent's sockets have to say does not wake it. It would have turned some thousand times.
    assert turns < 100
    kernel.ok("await asyncio.wrap_future(listening)")
    assert kernel.ok("heard").result == "[b'for the parent']"
    assert kernel.ok("w.wait(5), await asyncio.wrap_future(work.future)").result == "(5, 100)"
