"""Real kernels for tests: an ipykernel of a chosen version, spoken to as a frontend does.

A test takes the fixture `kernel` (once for each version that behaves in a way of its own) or
`kernel_newest`; `started(version, folder, cache)` gives one anywhere else. `executed` runs a whole notebook.

All kernels here are spoken to over sockets in the file system. Jupyter chooses TCP ports before the kernel binds
them, and any other process may take one in between.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from filelock import FileLock
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from packaging.requirements import Requirement
from packaging.version import Version
from traitlets.config import Config

import rivya_nb

if TYPE_CHECKING:
    from nbformat import NotebookNode

NEWEST = "newest"
VERSIONS = ("6.29.5", pytest.param("7.1.0", marks=pytest.mark.thorough), NEWEST)
"""Those that behave in a way of their own. The one between the ends is run with `--thorough`."""
SINCE_SUBSHELLS = ("7.1.0", NEWEST)
NEW_ENOUGH = ">=7.3"
"""What is called the newest: the environment's own ipykernel if it is one of these, else what is installed.
7.3 is the last one for Python 3.10."""

TIMEOUT = 60.0
"""Seconds to wait for anything at all; a busy machine is slow, a hanging kernel never ends."""

Message = dict[str, Any]


@dataclass
class Request:
    """A message that was sent, and all that came back with it as parent. `typed` answers its prompts."""

    id: str
    typed: str | None = None
    prompts: list[Message] = field(default_factory=list)
    reply: Message | None = None
    replied_at: float = 0.0
    outputs: list[Message] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.reply is not None and self.idle

    @property
    def idle(self) -> bool:
        return any(content["execution_state"] == "idle" for content in self._contents("status"))

    @property
    def status(self) -> str:
        """`ok`, `error` or `aborted`."""
        assert self.reply is not None, "not finished"
        return str(self.reply["content"]["status"])

    @property
    def error(self) -> str:
        """The error as `Name: value`, or an empty text."""
        return "".join(f"{content['ename']}: {content['evalue']}" for content in self._contents("error"))

    @property
    def traceback(self) -> list[str]:
        return [line for content in self._contents("error") for line in content["traceback"]]

    @property
    def stdout(self) -> str:
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        return self._stream("stderr")

    @property
    def displays(self) -> list[Message]:
        """The content of all display_data and update_display_data, in order."""
        return self._contents("display_data", "update_display_data")

    @property
    def result(self) -> str | None:
        """The plain text of the cell's value."""
        values = self._contents("execute_result")
        return str(values[0]["data"]["text/plain"]) if values else None

    def _stream(self, name: str) -> str:
        return "".join(content["text"] for content in self._contents("stream") if content["name"] == name)

    def _contents(self, *types: str) -> list[Message]:
        return [message["content"] for message in self.outputs if message["msg_type"] in types]


class Kernel:
    """A running kernel. Everything that is sent is sent at once; `finish` and `until` wait."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, folder: Path) -> None:
        self.folder = folder
        self._manager = manager
        self._client = client
        self._requests: dict[str, Request] = {}
        self._poller = zmq.Poller()
        for channel in (
            client.shell_channel,
            client.iopub_channel,
            client.control_channel,
            client.stdin_channel,
        ):
            self._poller.register(channel.socket, zmq.POLLIN)

    def send(
        self,
        code: str,
        *,
        stop_on_error: bool = True,
        allow_stdin: bool = False,
        subshell: str | None = None,
        by_page: bool = False,
    ) -> Request:
        """Queue a cell, as a frontend does. `allow_stdin=False` means that no human sits there. Where one does, it
        is a console, or a page in a browser, whose messages have random ids."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": stop_on_error,
        }
        return self._send("execute_request", content, subshell, id=os.urandom(16).hex() if by_page else None)

    def run(self, code: str, timeout: float = TIMEOUT) -> Request:
        """Execute a cell, whatever comes of it."""
        return self.finish(self.send(code), timeout=timeout)[0]

    def ok(self, code: str, timeout: float = TIMEOUT) -> Request:
        """Execute a cell that has to succeed."""
        request = self.run(code, timeout)
        assert request.status == "ok", "\n".join(request.traceback)
        return request

    def type_in(self, code: str, typed: str) -> Request:
        """Execute a cell before which somebody sits, who types the same text whenever asked."""
        request = self.send(code, allow_stdin=True)
        request.typed = typed
        return self.finish(request)[0]

    def run_all(self, codes: Sequence[str], timeout: float = TIMEOUT) -> list[Request]:
        """Queue all cells at once, as *Run All* does, and wait until each has been answered."""
        return self.finish(*[self.send(code) for code in codes], timeout=timeout)

    def finish(self, *requests: Request, timeout: float = TIMEOUT) -> list[Request]:
        self.until(lambda: all(request.done for request in requests), "all cells are answered", timeout)
        return list(requests)

    def until(self, condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
        """Take in messages until `condition` holds; AssertionError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"waited {timeout:g} s in vain until {what}\n{self._log()}"
            assert self._manager.is_alive(), f"the kernel has died\n{self._log()}"
            self._receive(0.1)

    def tab(self, text: str) -> dict[str, str]:
        """What TAB offers at the ‸ in a cell: what the cell's text becomes, each with the note beside it."""
        code, at = _at_cursor(text)
        reply = self._asked("complete_request", {"code": code, "cursor_pos": at})
        # The blanks and hyphens of a note are others, at which no line ends.
        kinds = [
            each["type"].replace("\u2007", " ").replace("\u2011", "-")
            for each in reply["metadata"]["_jupyter_types_experimental"]
        ]
        start, end = reply["cursor_start"], reply["cursor_end"]
        return {
            code[:start] + match + code[end:]: kind
            for match, kind in zip(reply["matches"], kinds, strict=True)
        }

    def inspect(self, text: str) -> str | None:
        """What Shift+TAB shows at the ‸ in a cell, as plain text; None where it finds nothing."""
        code, at = _at_cursor(text)
        reply = self._asked("inspect_request", {"code": code, "cursor_pos": at, "detail_level": 0})
        return str(reply["data"]["text/plain"]) if reply["found"] else None

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def shut_down(self) -> None:
        """End it, as closing a notebook does."""
        self._manager.shutdown_kernel()

    def create_subshell(self) -> str:
        request = self._send("create_subshell_request", {}, None, control=True)
        self.until(lambda: request.reply is not None, "the subshell is there")
        assert request.reply is not None
        return str(request.reply["content"]["subshell_id"])

    def comm_open(self, target: str, data: Message | None = None, subshell: str | None = None) -> str:
        """Open a comm as a widget's view does; gives its id."""
        comm = os.urandom(16).hex()
        content = {"comm_id": comm, "target_name": target, "data": data or {}}
        opened = self._send("comm_open", content, subshell)
        self.until(lambda: opened.idle, "the comm is open")
        return comm

    def comm_send(self, comm: str, data: Message, subshell: str | None = None) -> Request:
        """A message like that of a pressed button. Nothing replies to it; wait for what it brings about."""
        return self._send("comm_msg", {"comm_id": comm, "data": data}, subshell)

    def _asked(self, kind: str, content: Message) -> Message:
        """The content of the reply to a request."""
        request = self._send(kind, content, None)
        self.until(lambda: request.done, "the request is answered")
        assert request.reply is not None
        answer: Message = request.reply["content"]
        return answer

    def _send(
        self,
        kind: str,
        content: Message,
        subshell: str | None,
        *,
        control: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> Request:
        message = self._client.session.msg(kind, content)
        if id is not None:
            message["header"]["msg_id"] = message["msg_id"] = id
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        request = Request(message["header"]["msg_id"])
        self._requests[request.id] = request
        (self._client.control_channel if control else self._client.shell_channel).send(message)
        return request

    def _receive(self, timeout: float) -> None:
        ready = dict(self._poller.poll(timeout * 1000))
        if self._client.stdin_channel.socket in ready:
            self._answer(self._client.stdin_channel.get_msg(timeout=0))
        for channel in (self._client.iopub_channel, self._client.shell_channel, self._client.control_channel):
            if channel.socket not in ready:
                continue
            message = channel.get_msg(timeout=0)
            request = self._requests.get(message["parent_header"].get("msg_id", ""))
            if request is None:
                continue
            if channel is self._client.iopub_channel:
                request.outputs.append(message)
            else:
                request.reply = message
                request.replied_at = time.monotonic()

    def _answer(self, message: Message) -> None:
        request = self._requests[message["parent_header"]["msg_id"]]
        request.prompts.append(message["content"])
        assert request.typed is not None, "nobody was to be asked"
        self._client.input(request.typed)

    def _log(self) -> str:
        return (self.folder / "kernel.log").read_text(errors="replace")[-4000:]


def _at_cursor(text: str) -> tuple[str, int]:
    """A cell's text without the ‸ that stands for the cursor, and where the cursor is."""
    before, after = text.split("‸")
    return before + after, len(before)


@contextmanager
def connection_file() -> Iterator[str]:
    """Where a kernel's connection file may be, with its sockets beside it.

    Not in the test's own folder: the path of a socket has room for about 100 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        yield str(Path(folder, "kernel.json"))


def executed(
    notebook: NotebookNode,
    folder: Path,
    env: Mapping[str, str],
    *,
    timeout: float,
    allow_errors: bool = False,
) -> NotebookNode:
    """The notebook, with the outputs of a run in `folder`; each cell has `timeout` seconds."""
    # The environments of other Pythons, where only quick tests run, do without it.
    from nbclient import NotebookClient

    with connection_file() as file:
        NotebookClient(
            notebook, kernel_name="python3", allow_errors=allow_errors, timeout=timeout,
            extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(folder)}},
            config=Config(KernelManager={"transport": "ipc", "connection_file": file}),
        ).execute(env=env)  # fmt: skip
    return notebook


def write_notebook(path: Path, source: str) -> None:
    """Write a notebook of one code cell, without importing nbformat, which takes longer than most tests."""
    code = {
        "cell_type": "code",
        "id": "one",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [code]}
    path.write_text(json.dumps(notebook), encoding="utf-8")


@contextmanager
def started(version: str, folder: Path, cache: Path, env: dict[str, str] | None = None) -> Iterator[Kernel]:
    """A kernel with ipykernel `version` that works in `folder`, with a home and settings of its own in it.

    `cache` keeps installed versions; `env` is added to the kernel's environment. The test's own folder and
    this rivya_nb can be imported there.
    """
    home = folder / "home"
    spec = home / "kernels" / "tested"
    spec.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kind = {"argv": command, "display_name": "tested", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kind))
    with ExitStack() as stack:
        log = stack.enter_context((folder / "kernel.log").open("ab"))
        manager = KernelManager(
            kernel_name="tested",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(spec.parent)], ensure_native_kernel=False),
            transport="ipc",
            connection_file=stack.enter_context(connection_file()),
        )
        manager.start_kernel(
            cwd=str(folder),
            env={**_environment(home, _installed(version, cache)), **(env or {})},
            stdout=log,
            stderr=log,
        )
        client = manager.client()
        try:
            client.start_channels()
            client.wait_for_ready(timeout=TIMEOUT)
            yield Kernel(manager, client, folder)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def _environment(home: Path, ipykernel: Path | None) -> dict[str, str]:
    foreign = ("JUPYTER", "IPYTHON", "RIVYA_", "XDG_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    tests = Path(__file__).parent
    # The kernels of a benchmark wait as those of users do.
    quick = tests / "quick_processes" if "hurried" in sys.modules else None
    paths = [ipykernel, quick, tests / "kernel", Path(rivya_nb.__file__).parents[1]]
    return {
        **kept,
        "HOME": str(home),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path is not None),
    }


def _installed(version: str, cache: Path) -> Path | None:
    """The folder that holds ipykernel `version`, installed if need be; None for the environment's own."""
    if version == NEWEST:
        own = importlib.metadata.version("ipykernel")
        if Requirement(f"ipykernel{NEW_ENOUGH}").specifier.contains(own):
            return None
        wanted = f"ipykernel{NEW_ENOUGH}"
    else:
        wanted = f"ipykernel=={version}"
    target = cache / f"ipykernel-{version}-py{sys.version_info[0]}.{sys.version_info[1]}"
    cache.mkdir(parents=True, exist_ok=True)
    # Several processes want it at the same time: one installs, and the others wait for it.
    with FileLock(f"{target}.lock"):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                made = Path(folder) / "made"
                _install(made, [wanted])
                _install(made, _missing(made))
                made.rename(target)
    return target


def _install(target: Path, wanted: list[str]) -> None:
    if not wanted:
        return
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    # An environment that uv has made has no pip.
    if find_spec("pip") is None:
        command = ["uv", "pip", "install", "--python", sys.executable]
        if shutil.which("uv") is None:
            pytest.fail(f"the tests need {' '.join(wanted)}: install pip here, or uv", pytrace=False)
    options = ["--quiet", "--no-deps", "--target", str(target)]
    done = subprocess.run([*command, *options, *wanted], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(wanted)} could not be installed:\n{done.stderr}", pytrace=False)


def _missing(target: Path) -> list[str]:
    """What the ipykernel in `target` requires and this environment does not have."""
    missing = []
    (ipykernel,) = importlib.metadata.distributions(path=[str(target)])
    for line in ipykernel.requires or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            present = Version(importlib.metadata.version(requirement.name))
        except importlib.metadata.PackageNotFoundError:
            missing.append(str(requirement))
            continue
        if not requirement.specifier.contains(present, prereleases=True):
            missing.append(str(requirement))
    return missing


@pytest.fixture
def start_kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """`start_kernel(version, env=None)`: as many kernels as a test needs, ended with it."""
    cache = request.config.cache.mkdir("kernels")
    with ExitStack() as stack:
        yield lambda version, env=None: stack.enter_context(started(version, tmp_path, cache, env))


@pytest.fixture(params=VERSIONS)
def kernel(request: pytest.FixtureRequest, start_kernel: Callable[..., Kernel]) -> Kernel:
    """A fresh kernel, once with each version of ipykernel that behaves in a way of its own."""
    return start_kernel(request.param)


@pytest.fixture
def kernel_newest(start_kernel: Callable[..., Kernel]) -> Kernel:
    """A fresh kernel with the newest ipykernel."""
    return start_kernel(NEWEST)
