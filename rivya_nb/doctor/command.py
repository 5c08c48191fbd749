"""The command `rivya-nb doctor`."""

from __future__ import annotations

import argparse
import os
import time
import warnings
from typing import TYPE_CHECKING

from rivya_nb.api.key import KEY_VARIABLE, Key
from rivya_nb.contract.text import printable
from rivya_nb.doctor import front_end, installed, places, programs, service
from rivya_nb.doctor.verdicts import WRONG, Check, examined

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

CHECKS = (
    Check("Python", installed.python),
    Check("Package", installed.package),
    Check("Extras", installed.extras),
    Check("Kernel", front_end.kernel),
    Check("Widgets", front_end.widgets),
    Check("Address", service.address),
    Check("Certificates", service.certificates),
    Check("Proxies", service.proxies),
    Check("Service", service.service),
    Check("Key", service.key),
    Check("Store", places.store),
    Check("Pictures", places.pictures),
    Check("Sandbox", programs.sandbox, seconds=60),
    Check("ffmpeg", programs.ffmpeg),
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the parser's."""
    doctor = commands.add_parser(
        "doctor",
        help="look at all that a notebook needs, and say what is wrong and how to mend it",
        description="Looks at this Python, the packages, the kernel, widgets, the service and the way to it, the "
        "key, the store, the sandbox and ffmpeg, as the environment is where it is called: RIVYA_BASE_URL, "
        "RIVYA_API_KEY or the keyring, RIVYA_STORE, proxies and certificates. It costs no credits, changes "
        "nothing, and shows no secret; into a bucket it writes one small object, to see whether it can.",
        epilog="Exit codes: 0 nothing is wrong; 1 something is.",
    )
    doctor.set_defaults(command=_doctor)


def _doctor(_: argparse.Namespace) -> int:
    started = time.monotonic()
    secret = Key(os.environ.get(KEY_VARIABLE))
    faults = 0
    # What libraries warn of, such as a home that may not be written, would stand between the lines.
    warnings.simplefilter("ignore")
    for subject, verdicts in examined(CHECKS):
        for verdict in verdicts:
            faults += verdict.mark == WRONG
            words = printable(secret.scrub(verdict.words, about_keys=True))
            print(f"{verdict.mark:5}  {subject:12}  {words}", flush=True)
    took = f"after {time.monotonic() - started:.0f} s"
    print(f"\n{f'{faults} to mend' if faults else 'Nothing is wrong'}, {took}.")
    return 1 if faults else 0
