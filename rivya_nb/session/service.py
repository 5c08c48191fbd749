"""The service that a session uses: its name, its address and the key for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.api.key import KEY_VARIABLE, Key, mistake_in_environment
from rivya_nb.contract.service import SANDBOX
from rivya_nb.errors import KeyringError, NotConnectedError, UsageError
from rivya_nb.typed import typed

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.results import ResultFetcher
    from rivya_nb.sandbox.process import Lease


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and a text that says where it came from or why there is none. The text may be advice already."""

    key: Key
    source: str
    is_advice: bool = False


class Service:
    """An API origin, the key for it, and the clients that call it.

    `name` is `sandbox` or the address, and `address` the origin where it is reached. `has_key` tells whether there
    is a key, and `key_source` in words where it came from, or why there is none.
    """

    def __init__(self, name: str, client: RivyaClient, found: FoundKey, lease: Lease | None = None) -> None:
        self.name = name
        self.address = client.origin
        self.has_key = client.has_key
        self.key_source = found.source
        self.client = client
        # What a service allows is for a key, whoever has it: kernels with the same tag share it.
        self.label = found.key.tag(name)
        self._found = found
        self._lease = lease

    @property
    def key_advice(self) -> str:
        """How to give a key; empty if there is one, or if `key_source` says it already."""
        if self.has_key or self._found.is_advice:
            return ""
        return f"Set {KEY_VARIABLE}, let {_asking()} ask for it, or use {_sandbox()}"

    def remember_key(self) -> None:
        """Keep the key in the operating system's keyring, for later sessions with the same service.

        Raises:
            KeyringError: there is no keyring, or it did not take the key.
            NotConnectedError: there is no key.
            UsageError: the service needs no key.
        """
        from rivya_nb.api import keychain

        self._refuse_sandbox()
        self.require_key()
        keychain.remember(self.address, self._found.key)

    def forget_key(self) -> bool:
        """Take the service's key out of the keyring; False where there was none. This session goes on using it.

        Raises:
            KeyringError: there is no keyring, or it did not give the key up.
            UsageError: the service needs no key.
        """
        from rivya_nb.api import keychain

        self._refuse_sandbox()
        return keychain.forget(self.address)

    def _refuse_sandbox(self) -> None:
        if self.name == SANDBOX:
            raise UsageError("The sandbox has a public key of its own; none is kept in the keyring.")

    @cached_property
    def fetcher(self) -> ResultFetcher:
        """Fetches pictures, without the key."""
        from rivya_nb.api.results import ResultFetcher
        from rivya_nb.jobs.patience import tell_waiting

        return ResultFetcher(self.client.origin, on_wait=tell_waiting)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and leave the sandbox."""
        await self.client.aclose()
        await self.fetcher.aclose()
        if self._lease is not None:
            self._lease.close()

    def require_key(self) -> None:
        """Raise NotConnectedError if there is no key, or if the environment makes calls impossible."""
        if not self.has_key:
            if self._found.is_advice:
                raise NotConnectedError(
                    f"There is no key for {self.name}: {self.key_source}. Nothing was sent."
                )
            raise NotConnectedError(
                f"There is no key for {self.name} ({self.key_source}). Set {KEY_VARIABLE} in the environment "
                f"before the kernel or the script starts, let {_asking()} ask for it, or try everything on this "
                f"machine with {_sandbox()}. Nothing was sent."
            )
        self.client.check()


def _asking() -> str:
    return typed("connect", "rv.connect(getpass.getpass())")


def _sandbox() -> str:
    return typed("sandbox", 'rv.connect(base_url="sandbox")')


def reach(given: Key, base_url: str | None, folder: Path) -> Service:
    """The service that the arguments or the environment name. The sandbox is started, or joined if it runs.

    If no key is given, the key of the environment is used for the address of the environment, otherwise the key of
    the keyring.

    Raises:
        NotConnectedError: the address is not usable, or the sandbox cannot be started.
    """
    from rivya_nb.api.address import DEFAULT_BASE_URL, service_origin
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.jobs.patience import tell_waiting

    own = os.environ.get("RIVYA_BASE_URL") or DEFAULT_BASE_URL
    address = base_url or own
    if address == SANDBOX:
        from rivya_nb.sandbox.keys import DEFAULT_KEY
        from rivya_nb.sandbox.process import join

        lease = join(folder / SANDBOX)
        # The sandbox has a key of its own: a real one is never given to it.
        found = FoundKey(Key(DEFAULT_KEY), "the sandbox's own")
        return Service(SANDBOX, RivyaClient(found.key, lease.url, on_wait=tell_waiting), found, lease)
    found = find_key(given, service_origin(address), own)
    client = RivyaClient(found.key, address, on_wait=tell_waiting)
    return Service(client.origin, client, found)


def canonical_name(service: str) -> str:
    """The name of a service, whatever the spelling of its address."""
    from rivya_nb.api.address import service_origin

    try:
        return service_origin(service)
    except NotConnectedError:
        return service


def find_key(given: Key, origin: str, own: str) -> FoundKey:
    """The key for an origin: the given one, else the environment's if it is for this origin, else the keyring's.

    The key of the environment is for the address `own`.
    """
    from rivya_nb.api import keychain
    from rivya_nb.api.address import DEFAULT_BASE_URL

    if given:
        return FoundKey(given, "given")
    key = Key(os.environ.get(KEY_VARIABLE))
    if key.mistake is not None:
        # Without a key, the store can still be read, and %rivya connect can ask for another key.
        return FoundKey(Key(None), mistake_in_environment(key.mistake).rstrip("."), is_advice=True)
    home = DEFAULT_BASE_URL if own == SANDBOX else canonical_name(own)
    if key and origin in (home, DEFAULT_BASE_URL):
        return FoundKey(key, "from the environment")
    unused = None
    if key:
        unused = (
            f"{KEY_VARIABLE} is set, but it is for {home} and is sent nowhere else; give api_key= with base_url=, "
            f"or set RIVYA_BASE_URL to {origin}"
        )
    try:
        key = keychain.look_up(origin)
    except KeyringError as error:
        key, source = Key(None), str(error).rstrip(".")
        if isinstance(error, keychain.NoKeyringError):
            source = "none given, none in the environment; this system has no keyring"
    else:
        source = "from the keyring" if key else "none given, none in the environment or the keyring"
    if key or unused is None:
        return FoundKey(key, source)
    return FoundKey(key, unused, is_advice=True)
