"""Progress on terminals of every kind."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from rivya_nb.printing import print_any_sign
from rivya_nb.session.showing.terminal import WorkLog


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_written_over_and_taken_away_without_control_sequences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    screen = Terminal()
    log = WorkLog(screen)
    log.show("9 of 10 pictures are measured by now", 0.9)
    log.show("10 of 10", 1)
    first, *_ = screen.getvalue().split("10 of 10")
    assert "\x1b" not in first
    assert max(map(len, first.split("\r"))) == 39, "a longer line would wrap"
    log.end()
    assert screen.getvalue().split("\r")[-2:] == [" " * 39, ""]


def test_a_terminal_that_only_prints_gets_no_line_to_write_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Terminal()
    WorkLog(screen).show("1 of 10", 0.1)
    assert screen.getvalue() == ""


def test_what_a_terminal_has_no_sign_for_becomes_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    print_any_sign()
    print("A fox – ✓", flush=True)
    assert screen.buffer.getvalue().decode() == f"A fox ? ?{os.linesep}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("rv.WaitInterruptedError('it goes on')", ["WaitInterruptedError: it goes on"]),
        ("ValueError('a mistake')", ["Traceback (most recent call last):", "ValueError: a mistake"]),
    ],
)
def test_an_interrupt_that_ends_a_script_is_one_line(error: str, said: list[str]) -> None:
    script = f"import rivya_nb as rv; rv.connect; raise {error}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    lines = done.stderr.splitlines()
    assert [lines[0], lines[-1]] == [said[0], said[-1]]
    assert (done.returncode, len(lines) == 1) == (1, len(said) == 1)
