"""Terminals: IPython's, jupyter console, and plain scripts, each on a pseudo-terminal as a person has it."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pexpect

from tests.browser.harness import write_notebook
from tools.front_ends import cells
from tools.front_ends.browser import SECONDS, chromium, decoded, new_page
from tools.front_ends.environments import Environment
from tools.front_ends.notebooks import INTERRUPTED, Tried
from tools.front_ends.results import NONE, Outcome, screenshots

CODES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-B]|[=>78cDEHM])|\x08|\x00")
REPORT = 'bottles.report("report.html")'


def _heeds_interrupts() -> None:
    """What a shell starts in the background ignores Ctrl+C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A program on a terminal: what is typed, and what it says, without its colours."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        terminal = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "LANG": "C.UTF-8"}
        self.child = pexpect.spawn(
            command[0], list(command[1:]), cwd=str(folder), env={**env, **terminal},
            dimensions=(60, 160), encoding="utf-8", timeout=SECONDS, preexec_fn=_heeds_interrupts,
        )  # fmt: skip
        self.said = ""

    def read(self) -> None:
        """Take in what it says, for at most a tenth of a second."""
        with suppress(pexpect.TIMEOUT):
            self.said += CODES.sub("", self.child.read_nonblocking(65536, timeout=0.1))

    def until(self, pattern: str, since: int = 0, seconds: float = SECONDS) -> str:
        """Wait until it has said what fits the pattern, and give all that it said since."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.said[since:], re.DOTALL):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {pattern!r}; it said {self.said[since:][-300:]!r}")
            try:
                self.read()
            except pexpect.EOF:
                assert re.search(pattern, self.said[since:], re.DOTALL), (
                    f"it ended: {self.said[since:][-300:]!r}"
                )
        return self.said[since:]


class Prompt(Terminal):
    """A terminal with numbered inputs."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        super().__init__(command, folder, env)
        self.until(r"In \[1\]: ")

    def start(self, source: str) -> int:
        """Type an input and have it executed. Gives where the answer begins."""
        for line in source.splitlines():
            since = len(self.said)
            self.child.send(line + "\r")
            self.until(re.escape(line[-12:]), since)
        if source.startswith("%%"):
            # Two empty lines end a cell of several lines.
            self.child.send("\r\r")
        return since

    def ended(self, since: int, seconds: float = SECONDS) -> str:
        """Wait for the next prompt, and give what was said before it."""
        next_one = max(map(int, re.findall(r"In \[(\d+)\]: ", self.said[:since]))) + 1
        return self.until(rf"In \[{next_one}\]: ", since, seconds)

    def run(self, source: str, seconds: float = SECONDS) -> str:
        return self.ended(self.start(source), seconds)


@contextmanager
def kept(key: str, terminal: Terminal) -> Iterator[None]:
    """End it with the block, and keep what it said."""
    try:
        yield
    finally:
        terminal.child.close(force=True)
        (screenshots() / f"{key}.txt").write_text(terminal.said, encoding="utf-8")


def prompt_of(*command: str) -> Callable[..., dict[str, Outcome]]:
    """Drives a terminal with numbered inputs, which a command of the environment starts."""

    def drive(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
        write_notebook(folder / "all.ipynb", cells.RUN_ALL)
        tried = Tried(key)
        terminal = Prompt([environment.script(command[0]), *command[1:]], folder, env)
        with kept(key, terminal):
            for line in cells.LOAD.splitlines():
                terminal.run(line)
            tried.feature("cell", lambda: _cell(terminal))
            tried.feature("live grid", lambda: _live(terminal))
            tried.feature("wait", lambda: _waited(terminal))
            tried.feature("completion", lambda: _completed(terminal))
            tried.feature("panel", lambda: _words(terminal, "rv.panel()", "widgets"))
            tried.feature("viewer", lambda: _words(terminal, "lamps.view()", "widgets"))
            tried.feature("saved and converted", lambda: _reported(terminal, folder))
            tried.feature(
                "Run All", lambda: _said(terminal.run("%run all.ipynb", 2 * SECONDS), cells.COUNTED)
            )
            tried.feature("interrupt", lambda: _interrupted(terminal))
        return tried.outcomes

    return drive


def _said(text: str, *patterns: str) -> None:
    for pattern in patterns:
        assert re.search(pattern, text), f"it says no {pattern!r}, but {text[-300:]!r}"


def _cell(terminal: Prompt) -> Outcome:
    """The answer names every picture by what differs, and says what it cost."""
    said = terminal.run(cells.CELL)
    _said(said, cells.FOUR)
    return Outcome("but", "words")


def _live(terminal: Prompt) -> Outcome:
    """It says how far it is, or, where nothing is written over, only that it began and how it ended."""
    since = terminal.start(cells.LIVE)
    said = terminal.ended(since)
    _said(said, "0 of 4 done", cells.FOUR)
    return Outcome("but", "words" if re.search("[123] of 4 done", said) else "console")


def _waited(terminal: Prompt) -> None:
    terminal.run(cells.WAIT.splitlines()[0])
    _said(terminal.run("waited.wait()"), cells.TWO)
    terminal.run(cells.AWAIT.splitlines()[0])
    _said(terminal.run("len(awaited.images)"), "2")


def _completed(terminal: Prompt) -> None:
    """TAB puts the only name in that fits."""
    since = len(terminal.said)
    terminal.child.send("%%rivya resolu\t")
    try:
        terminal.until("resolution=", since, 15)
    finally:
        # Take the line away.
        terminal.child.send("\x15")


def _words(terminal: Prompt, source: str, word: str) -> Outcome:
    """A widget cannot be here, and what is shown says so."""
    _said(terminal.run(source), word)
    return Outcome("no", "no-widgets")


def _reported(terminal: Prompt, folder: Path) -> Outcome:
    terminal.run(REPORT)
    return report_shows(folder / "report.html", 4)


def report_shows(path: Path, count: int) -> Outcome:
    """A report is the page that is kept where no notebook is."""
    with chromium() as browser:
        page = new_page(browser)
        page.goto(path.as_uri())
        decoded(page.locator("img:not([alt=''])").filter(visible=True), count)
    return Outcome("but", "report")


def _interrupted(terminal: Prompt) -> None:
    since = terminal.start(cells.LONG)
    terminal.until("[0-9] of 40", since)
    terminal.child.send("\x03")
    said = terminal.ended(since, INTERRUPTED)
    assert "Traceback" not in said, "it ends with a traceback"
    _said(said, "WaitInterruptedError", "%rivya resume")


SCRIPT = """import rivya_nb as rv
bottles = rv.generate("A glass bottle", seed=[1, 2], aspect_ratio=["1:1", "16:9"], resolution="1K")
bottles.wait()
print(bottles)
bottles.report("report.html")
print("the end of it")
"""
LONG_SCRIPT = """import rivya_nb as rv
rv.connect(max_parallel=1)
rv.generate("A fox in snow", seed=range(101, 141), resolution="1K").wait()
"""


def script(key: str, environment: Environment, folder: Path, env: Mapping[str, str]) -> dict[str, Outcome]:
    """A plain script, run in a terminal."""
    tried = Tried(key)
    (folder / "short.py").write_text(SCRIPT)
    (folder / "long.py").write_text(LONG_SCRIPT)
    (folder / "view.py").write_text(SCRIPT + "bottles.view()\n")
    short = Terminal([environment.python, "short.py"], folder, env)
    with kept(key, short):
        tried.feature("wait", lambda: _said(short.until("the end of it"), "4 pictures"))
        tried.feature("live grid", lambda: _script_live(short))
        tried.feature("saved and converted", lambda: report_shows(folder / "report.html", 4))
    view = Terminal([environment.python, "view.py"], folder, env)
    with kept(f"{key}-view", view):
        tried.feature("viewer", lambda: _viewed(view))
    long = Terminal([environment.python, "long.py"], folder, env)
    with kept(f"{key}-interrupted", long):
        tried.feature("interrupt", lambda: _script_interrupted(long))
    return tried.outcomes | {
        "cell": NONE,
        "Run All": NONE,
        "completion": NONE,
        "panel": Outcome("no", "no-widgets"),
    }


def _script_live(terminal: Terminal) -> Outcome:
    _said(terminal.said, " of 4 done")
    return Outcome("but", "words")


def _viewed(terminal: Terminal) -> Outcome:
    """A viewer does no harm where none can be."""
    terminal.until("the end of it")
    terminal.child.expect(pexpect.EOF)
    left = CODES.sub("", terminal.child.before or "")
    assert "Exception" not in terminal.said + left, "it ends with an exception that is ignored"
    return Outcome("no", "no-widgets")


def _script_interrupted(terminal: Terminal) -> None:
    terminal.until("[0-9] of 40")
    terminal.child.send("\x03")
    terminal.until("WaitInterruptedError.*resume", seconds=INTERRUPTED)
