"""Printing where an encoding may lack signs."""

from __future__ import annotations

import io
import sys


def print_any_sign() -> None:
    """Let a terminal, or a file, whose encoding lacks a sign get a question mark for it, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
