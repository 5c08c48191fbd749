"""Keys in the operating system's keyring: one for each service, if the user stored it there.

The `keyring` package is optional, and is imported only if no key was given. Its backends may be missing,
locked, or wait for a hidden window: they are called in a thread, for a limited time.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

from rivya_nb.api.key import KEY_VARIABLE, Key
from rivya_nb.contract.text import printable
from rivya_nb.errors import KeyringError

SERVICE_NAME = "rivya_nb"
"""The name of the entries; the user name of each is the service's origin."""

PATIENCE = 30.0
"""The seconds that a keyring may take to answer, in which the user may unlock it."""

MAX_WORDS = 300
"""The most characters of a backend's message that are shown."""

T = TypeVar("T")


class NoKeyringError(KeyringError):
    """The system has no keyring that the keyring package can use."""


def look_up(origin: str) -> Key:
    """The key of a service; empty if there is none, or no keyring.

    Raises:
        KeyringError: there is a keyring, and it could not be read.
    """
    if not _is_installed():
        return Key(None)
    key = _asked(lambda keyring: Key(keyring.get_password(SERVICE_NAME, origin)))
    if not key.fits_header:
        raise KeyringError(f"The keyring's entry for {origin} is not an API key.")
    return key


def remember(origin: str, key: Key) -> None:
    """Store the key of a service, and replace an earlier one.

    Raises:
        KeyringError: there is no keyring, or it did not take the key.
    """
    _asked(
        lambda keyring: key.hand_to(lambda text: keyring.set_password(SERVICE_NAME, origin, text)),
        key=key,
    )


def forget(origin: str) -> bool:
    """Delete the key of a service; False if there was none.

    Raises:
        KeyringError: there is no keyring, or it did not delete the key.
    """

    def delete(keyring: ModuleType) -> bool:
        if keyring.get_password(SERVICE_NAME, origin) is None:
            return False
        keyring.delete_password(SERVICE_NAME, origin)
        return True

    return _asked(delete)


def _is_installed() -> bool:
    return importlib.util.find_spec("keyring") is not None


def _asked(act: Callable[[ModuleType], T], key: Key | None = None) -> T:
    if not _is_installed():
        raise KeyringError('The keyring package is not installed: pip install "rivya-nb[keyring]"')
    answers: list[T] = []
    troubles: list[KeyringError] = []

    def ask() -> None:
        try:
            import keyring

            answers.append(act(keyring))
        except BaseException as error:
            # Backends raise errors of any kind. Only their words leave this thread: their frames have the
            # key.
            if type(error).__name__ == "NoKeyringError":
                troubles.append(NoKeyringError(f"This system has no keyring; set {KEY_VARIABLE} instead."))
                return
            words = f"{type(error).__name__}: {error}".rstrip(": .")
            troubles.append(_unusable(printable((key or Key(None)).scrub(words), MAX_WORDS)))

    thread = threading.Thread(target=ask, name="rivya-keyring", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if answers:
        return answers[0]
    raise troubles[0] if troubles else _unusable(f"no answer in {PATIENCE:.0f} s")


def _unusable(why: str) -> KeyringError:
    return KeyringError(f"The keyring cannot be used: {why}.")
