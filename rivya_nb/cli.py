"""The command line: `rivya-nb demo`, `lab`, `sandbox`, `run`, `work`, `drift`, `doctor`, and those of the store.

No command but `run`, `work`, `drift` and `doctor` needs a key or a network: the pictures come from the sandbox
on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rivya_nb import asking_commands, limit_commands, sandbox_commands, store_commands
from rivya_nb._version import __version__
from rivya_nb.doctor import command as doctor_command
from rivya_nb.errors import RivyaError
from rivya_nb.printing import print_any_sign

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
UNREAD = 141
"""The exit code where nobody reads the output any more: that of a program which the signal SIGPIPE has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 if all went well, 1 after a message on stderr.

    It ends without a word when whoever reads what it says has gone, as `head` does after some lines.
    """
    print_any_sign()
    try:
        try:
            return _done(argv)
        finally:
            # What is left in the buffer would be written when nobody catches the error any more.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _leave_unread()
        return UNREAD


def _leave_unread() -> None:
    """Let nothing more be written to where nobody reads: Python does that once more when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _done(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    # The words after `--` are arguments of JupyterLab.
    cut = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:cut])
    options.rest = words[cut + 1 :]
    try:
        code: int = options.command(options)
    except RivyaError as error:
        print(f"rivya-nb: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrivya-nb: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rivya-nb",
        description="A notebook workbench for image generation with the Rivya API, tried out on the sandbox: "
        "no key, no network, drawn pictures. It also sends what notebooks deferred, and backs up the history.",
    )
    parser.add_argument("--version", action="version", version=f"rivya-nb {__version__}")
    commands = parser.add_subparsers(
        required=True,
        metavar="demo | lab | sandbox | run | work | drift | doctor | backup | check | move | limits",
    )
    for module in (sandbox_commands, asking_commands, doctor_command, store_commands, limit_commands):
        module.add_to(commands)
    return parser
