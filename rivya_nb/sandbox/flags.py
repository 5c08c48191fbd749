"""The settings of a sandbox on a command line and in the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from rivya_nb.sandbox import latency, light
from rivya_nb.sandbox.config import SandboxConfig

_ENVIRONMENT = "RIVYA_SANDBOX_"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the settings that users choose; most can also be set in the environment."""
    defaults = SandboxConfig()
    _setting(
        parser,
        "latency",
        _told(latency.parse),
        defaults.latency,
        "seconds that a picture takes, or a range such as 8..20, in which 90 %% of the tasks end (lognormal); a "
        f"video takes {defaults.video_slowness:g} times as long, a sound {defaults.audio_slowness:g} times",
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
    _setting(
        parser,
        "noise",
        _told(light.parse_noise),
        str(defaults.light.noise),
        "how much the light of pictures differs between tasks of the same request: a standard deviation from 0 to "
        "1, where 1 is all the way from black to white",
    )
    _setting(
        parser,
        "effect",
        _told(light.parse_effects),
        "",
        "a known effect of a param, such as seed=7:0.1: pictures of seed 7 are lighter by a tenth; several with "
        "commas between them; default: none",
    )
    _setting(
        parser,
        "drift",
        _told(light.parse_drift),
        str(defaults.light.drift),
        "how much lighter all pictures are than they were without it, from -1 to 1",
    )
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
        light=light.Light(options.noise, options.effect, options.drift),
        send_retry_after=not options.no_retry_after,
    )


def _setting(
    parser: argparse.ArgumentParser, name: str, read: Callable[[str], object], default: object, text: str
) -> None:
    variable = _ENVIRONMENT + name.replace("-", "_").upper()
    if default not in (None, ""):
        text = f"{text}; default: {default}"
    parser.add_argument(
        f"--{name}",
        type=read,
        default=os.environ.get(variable, default),
        help=f"{text}; also {variable}",
        metavar=name.partition("-")[0].upper(),
    )


def _told(parse: Callable[[str], object]) -> Callable[[str], object]:
    """An argument's type whose mistakes are told in its own words."""

    def read(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def positive(text: str) -> int:
    """A whole number from 1 on, as an argument's type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
