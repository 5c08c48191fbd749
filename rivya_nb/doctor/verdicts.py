"""What a check finds, and how checks are run: all at once, each in a thread of its own, for a limited time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rivya_nb.errors import RivyaError

OK, NOTE, WRONG = "ok", "note", "WRONG"
"""The marks of a line: as it should be; to be known, and no fault; to be mended."""


_PACKAGES = {"PIL": "pillow"}
"""What pip calls a module that bears another name."""


class Verdict(NamedTuple):
    """A line: its mark, and its words, which say how to mend what is wrong."""

    mark: str
    words: str


Verdicts: TypeAlias = Iterable[Verdict]


class Check(NamedTuple):
    """What is looked at, and the function that does it within so many seconds.

    The function may leave an error of this package to be the verdict, and a missing module as well.
    """

    subject: str
    look: Callable[[], Verdicts]
    seconds: float = 15.0


def ok(words: str) -> Verdict:
    return Verdict(OK, words)


def note(words: str) -> Verdict:
    return Verdict(NOTE, words)


def wrong(words: str) -> Verdict:
    return Verdict(WRONG, words)


def examined(checks: Sequence[Check]) -> Iterator[tuple[str, list[Verdict]]]:
    """The subject of each check with its verdicts, in the order of the checks and as soon as they are known."""
    running = [_Running(check) for check in checks]
    for each in running:
        yield each.check.subject, each.verdicts()


class _Running:
    """A check at work. Its thread does not keep the process alive: what hangs is left behind."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._found: list[Verdict] = []
        self._deadline = time.monotonic() + check.seconds
        self._thread = threading.Thread(target=self._work, name=f"rivya-doctor-{check.subject}", daemon=True)
        self._thread.start()

    def verdicts(self) -> list[Verdict]:
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        found = [*self._found]
        if self._thread.is_alive():
            found.append(
                wrong(f"no answer within {self.check.seconds:g} s; this was not looked at any further")
            )
        return found

    def _work(self) -> None:
        try:
            for verdict in self.check.look():
                self._found.append(verdict)
        except RivyaError as error:
            self._found.append(wrong(" ".join(str(error).split())))
        except ImportError as error:
            missing = (error.name or str(error)).partition(".")[0]
            package = _PACKAGES.get(missing, missing)
            self._found.append(wrong(f"{missing} cannot be imported: pip install {package}"))
        except Exception as error:
            self._found.append(wrong(f"it could not be looked at ({type(error).__name__}: {error})"))
