"""The settings of a sandbox on a command line and in the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from rivya_nb.sandbox import latency
from rivya_nb.sandbox.config import SandboxConfig

_ENVIRONMENT = "RIVYA_SANDBOX_"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings that users choose; most can also be set in the environment."""
    defaults = SandboxConfig()
    _setting(
        parser,
        "latency",
        _latency,
        defaults.latency,
        "seconds that a task takes, or a range such as 8..20, in which 90 %% of the tasks end (lognormal)",
    )
    _setting(parser, "credits", int, defaults.credits, "credits of a fresh account")
    _setting(
        parser,
        "max-in-flight",
        positive,
        None,
        "tasks of a key that may be unfinished at a time; default: any",
    )
    _setting(parser, "calls-per-second", positive, None, "calls a second that a key may make; default: any")
    parser.add_argument(
        "--no-retry-after", action="store_true", help="answer 429 without the header Retry-After"
    )


def config(options: argparse.Namespace) -> SandboxConfig:
    """The settings that were parsed with `add_flags`."""
    return SandboxConfig(
        latency=options.latency,
        credits=options.credits,
        max_in_flight=options.max_in_flight,
        rate_limit=options.calls_per_second,
        send_retry_after=not options.no_retry_after,
    )


def _setting(
    parser: argparse.ArgumentParser, name: str, read: Callable[[str], object], default: object, text: str
) -> None:
    variable = _ENVIRONMENT + name.replace("-", "_").upper()
    if default is not None:
        text = f"{text}; default: {default}"
    parser.add_argument(
        f"--{name}",
        type=read,
        default=os.environ.get(variable, default),
        help=f"{text}; also {variable}",
        metavar=name.rpartition("-")[2].upper(),
    )


def _latency(text: str) -> latency.Latency:
    try:
        return latency.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """A whole number from 1 on, as an argument's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
