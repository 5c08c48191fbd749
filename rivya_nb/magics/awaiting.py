"""Turns a cell that begins with `%%rivya` into an awaited cell, so that the kernel's loop goes on meanwhile.

IPython has no asynchronous magics, but it runs a cell with an `await` in it on the kernel's loop. So the
call that a cell's magic has become is rewritten into an awaited call of a second magic, `AWAITED_MAGIC`,
which returns a coroutine. Where that is not possible the call stays as it is, and the plain magic waits
the nested way.
"""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rivya_nb.errors import WaitInterruptedError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MAGIC = "rivya"
"""The magic that a user writes; it blocks while it waits."""

AWAITED_MAGIC = "_rivya_awaited"
"""The cell and line magic that replaces `MAGIC` in a cell that can be awaited.

It gets what `MAGIC` would get and returns a coroutine, so it needs the same decorators."""

WAITING_COMMANDS = frozenset({"wait", "resume", "retry", "study", "drift", "generate"})
"""The commands of the line magic that wait."""

_MARK = "_rivya_awaits_cells"
_CALLS = ("run_cell_magic", "run_line_magic")
_SYNCHRONOUS = frozenset({*_CALLS, "run_cell", "_run_cell"})


def install(shell: InteractiveShell) -> None:
    """Await the cells of `shell` that open with `MAGIC`; calling it again changes nothing."""
    remove(shell)

    def await_opening_magic(lines: list[str]) -> list[str]:
        awaited = _awaited("".join(lines))
        return lines if awaited is None or not _can_await(shell) else awaited

    setattr(await_opening_magic, _MARK, True)
    if (hooks := _hooks(shell)) is not None:
        hooks.append(await_opening_magic)


def remove(shell: InteractiveShell) -> None:
    """Undo `install`, also if it was done before this module was reloaded."""
    if (hooks := _hooks(shell)) is not None:
        hooks[:] = [hook for hook in hooks if not getattr(hook, _MARK, False)]


def _hooks(shell: InteractiveShell) -> list[Callable[[list[str]], list[str]]] | None:
    """The list of the shell's input transformers; None if the shell has none (then all cells block)."""
    return getattr(shell, "input_transformers_post", None)


@contextmanager
def interruptible(describe: Callable[[], str]) -> Iterator[None]:
    """Turn an interrupt of a wait, awaited or blocking, into a WaitInterruptedError with a short message.

    ipykernel ends an awaited cell with CancelledError and a blocking one with KeyboardInterrupt. `describe`
    is called once the wait has ended, may act on it (hold back what is not sent), and gives the message.
    """
    try:
        yield
    except WaitInterruptedError:
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise WaitInterruptedError(describe()) from None


def _awaited(cell: str) -> list[str] | None:
    """What awaits the only statement of `cell`, transformed by IPython; None if it is no call that waits."""
    if not any(f"get_ipython().{call}({MAGIC!r}, " in cell for call in _CALLS):
        return None
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError):
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return None
    call = body[0].value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    arguments = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if ast.unparse(call) != _call(call.func.attr, arguments) or not _waits(call.func.attr, arguments):
        return None
    return [f"await {_call(call.func.attr, [AWAITED_MAGIC, *arguments[1:]])}\n"]


def _call(name: str, arguments: Sequence[object]) -> str:
    """The call as IPython writes it."""
    return f"get_ipython().{name}({', '.join(map(repr, arguments))})"


def _waits(name: str, arguments: Sequence[object]) -> bool:
    """Whether the call is one of `MAGIC` that may wait."""
    if name == "run_cell_magic" and len(arguments) == 3:
        # IPython itself refuses an empty body, and would name the magic that the user does not know.
        return arguments[0] == MAGIC and arguments[2] != ""
    if name == "run_line_magic" and len(arguments) == 2:
        words = str(arguments[1]).split()
        return arguments[0] == MAGIC and bool(words) and words[0] in WAITING_COMMANDS
    return False


def _can_await(shell: InteractiveShell) -> bool:
    """Whether the cell now being transformed will be awaited on a running asyncio loop."""
    if getattr(shell, "kernel", None) is None or getattr(shell, "trio_runner", None) is not None:
        return False
    try:
        if not shell.autoawait or shell.loop_runner is not shell.loop_runner_map["asyncio"][0]:
            return False
        asyncio.get_running_loop()
    except (AttributeError, LookupError, TypeError, RuntimeError):
        # No loop is running, or this is another kind of kernel.
        return False
    return _opens_execution(sys._getframe(1))


def _opens_execution(frame: FrameType | None) -> bool:
    """Whether the kernel itself asked for the transformation, in order to execute the cell.

    `%%time`, `%%capture`, `%run` and calls of `run_cell` transform cells as well, to run them at once
    and without a loop: an `await` in these is an error, or does nothing at all.
    """
    while frame is not None:
        name = frame.f_code.co_name
        if name == "do_execute":
            return True
        if name in _SYNCHRONOUS:
            return False
        frame = frame.f_back
    return False
