from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from IPython.core.events import EventManager, available_events
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState
from rivya_nb.control_panel.model import PanelModel
from rivya_nb.control_panel.panel import Panel
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

WAIT = 60.0

ASKED = FormState(
    prompt="a glass bottle", params={"seed": "1..2", "resolution": "1K"}, several=frozenset({"seed"})
)


@pytest.fixture(scope="package")
def url() -> Iterator[str]:
    # All tests of this folder spend from one account.
    with running_sandbox(SandboxConfig(latency=0, credits=10_000)) as address:
        yield address


@pytest.fixture
def session(url: str, tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as connected:
        yield connected


def until(holds: Callable[[], object]) -> None:
    """Wait for a condition: what a panel does, it does in the background."""
    deadline = monotonic() + WAIT
    while not holds():
        assert monotonic() < deadline, "it never came to be"
        sleep(0.01)


@pytest.fixture
def opened(session: rv.Session) -> Iterator[Callable[..., Panel]]:
    with ExitStack() as stack:

        def panel(name: str = "main") -> Panel:
            made = Panel(session, name)
            stack.callback(made.close)
            return made

        yield panel


def start(panel: Panel, state: FormState) -> rv.Run:
    """Fill the form in, and press the button once it can be pressed."""
    panel.model.put(state)
    before = panel.runs[:1]
    until(lambda: not panel.generate.disabled)
    panel.generate.click()
    until(lambda: panel.runs[:1] != before)
    return panel.runs[0]


def generate(panel: Panel, state: FormState) -> rv.Run:
    """The same, and wait for the run."""
    return start(panel, state).wait(60)


@contextmanager
def busy(session: rv.Session) -> Iterator[None]:
    """The session's loop does nothing meanwhile, as in a notebook whose cell is running."""
    began, over = threading.Event(), threading.Event()

    def run() -> None:
        began.set()
        over.wait(60)

    session.work_loop.loop.call_soon_threadsafe(run)
    assert began.wait(60)
    try:
        yield
    finally:
        over.set()


def settled(session: rv.Session, model: PanelModel) -> None:
    """Wait until no click and no change of the form is left to be dealt with."""
    # The first turn of the loop makes a task of a click, and the second one begins it.
    for _ in range(2):
        with busy(session):
            pass
    until(lambda: not (model._clicks or model._is_planning))


class Shell:
    """A notebook's variables, and word of each cell that has run."""

    def __init__(self) -> None:
        self.user_ns: dict[str, object] = {}
        self.events = EventManager(self, available_events)

    def run(self, **variables: object) -> None:
        self.user_ns |= variables
        self.events.trigger("post_run_cell", None)
