"""Paths that a user gives: from a text to a path, and from a path to an open file."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rivya_nb.errors import Mistake, UsageError, shortened

_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Without it, opening a pipe would wait for its other end."""

_PATIENCE, _PAUSE = 2.0, 0.01
"""Seconds in which a file that is open elsewhere may be closed, and between two tries."""

_FOLDER = "a folder"
_KINDS = (
    (stat.S_ISDIR, _FOLDER),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_MADE_UP = (Path("/proc"), Path("/sys"))
"""File systems whose files are made up by the kernel."""


def user_path(given: object) -> Path:
    """The absolute path that a user gave; a leading `~` is a home folder.

    Raises:
        UsageError: it cannot be a path, or the home folder of its `~` is not known.
    """
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str):
        raise _wrong(given, f"an object of type {type(text).__name__} is not a path; give the path as text")
    if "\0" in text:
        raise _wrong(text, "there is no such file: a path cannot hold a NUL character")
    try:
        os.fsencode(text)
        return Path(text).expanduser().absolute()
    except UnicodeEncodeError:
        raise _wrong(text, "this is not a path: it holds half of a character (a lone surrogate)") from None
    except RuntimeError:
        user = text.partition("/")[0]
        message = f"there is no such file or folder: the home folder {shortened(user)} is not known here"
        raise _wrong(text, message) from None
    except FileNotFoundError:
        message = "the current folder is gone; give the absolute path"
        raise _wrong(text, message) from None


def target_file(given: str | os.PathLike[str]) -> Path:
    """The absolute path of a file to be written. An existing file may be replaced.

    Raises:
        UsageError: it cannot be a path, or it is a pipe or a device.
    """
    path = user_path(given)
    with suppress(OSError):  # then writing will fail, too, and say why
        kind = other_kind(path.stat().st_mode)
        if kind not in (None, _FOLDER):
            raise _wrong(given, f"this is {kind}, not an ordinary file; name another place")
    return path


def open_file(given: str | os.PathLike[str]) -> tuple[BinaryIO, int]:
    """An ordinary file that a user names, open for reading, and its size in bytes.

    Raises:
        UsageError: it does not exist, it is a folder, a pipe or a device, or it cannot be read.
    """
    path = user_path(given)
    try:
        # Checked before it is opened: opening some devices has an effect.
        _refuse_others(given, path.stat())
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE))  # noqa: SIM115
    except FileNotFoundError:
        written = Path(given).expanduser()
        near = "" if written.is_absolute() else f" in {Path.cwd()}"
        raise _wrong(given, f"there is no such file{near}") from None
    except OSError as error:
        raise _wrong(given, f"it cannot be read ({error.strerror or error})") from None
    try:
        status = os.fstat(file.fileno())
        _refuse_others(given, status)
    except BaseException:
        file.close()
        raise
    return file, status.st_size


def replace_file(target: Path, part: Path) -> None:
    """Let the file `part` take the place of `target`, at once.

    Windows refuses that while anybody has one of them open, as who reads it for a moment: then it is tried again
    for some seconds.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            part.replace(target)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) is None or time.monotonic() > end:
                raise
        time.sleep(_PAUSE)


def other_kind(mode: int) -> str | None:
    """The kind of a file with this mode (of `os.stat`), as *a pipe*; None for an ordinary file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def _refuse_others(given: object, status: os.stat_result) -> None:
    kind = other_kind(status.st_mode)
    if kind is not None:
        raise _wrong(given, f"this is {kind}, not an ordinary file")
    if status.st_size == 0 and _is_made_up(status):
        raise _wrong(given, "this is not an ordinary file")


def _is_made_up(status: os.stat_result) -> bool:
    """True if the kernel makes up the file's content, which has no size and may keep a reader waiting."""
    # Not Path.is_mount, which Windows lacks up to Python 3.11.
    return any(os.path.ismount(each) and each.stat().st_dev == status.st_dev for each in _MADE_UP)


def _wrong(given: object, message: str) -> UsageError:
    text = str(os.fspath(given) if isinstance(given, os.PathLike) else given)
    shown = "".join(char if char.isprintable() else "�" for char in text)
    return UsageError([Mistake(shown, message)])
