"""The service a session talks to: its name, where it is, and who carries the key."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import NotConnectedError

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.pictures import PictureFetcher
    from rivya_nb.sandbox.process import Lease

SANDBOX = "sandbox"
"""The name of the embedded service, whatever its port."""

KEY_VARIABLE = "RIVYA_API_KEY"


class Service:
    """An API origin and the clients that talk to it. The key is held by the client alone."""

    def __init__(self, name: str, client: RivyaClient, lease: Lease | None = None) -> None:
        self.name = name
        self.client = client
        self._lease = lease

    @cached_property
    def fetcher(self) -> PictureFetcher:
        """Fetches pictures, without the key."""
        from rivya_nb.api.pictures import PictureFetcher
        from rivya_nb.jobs.runner import tell_waiting

        return PictureFetcher(self.client.origin, on_wait=tell_waiting)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and give the sandbox up."""
        await self.client.aclose()
        await self.fetcher.aclose()
        if self._lease is not None:
            self._lease.close()

    def require_key(self) -> None:
        """Raises NotConnectedError where there is no key."""
        if not self.client.has_key:
            raise NotConnectedError(
                f"There is no key for {self.name}. Set {KEY_VARIABLE} in the environment before the kernel "
                "starts, or try everything on this machine with %rivya sandbox. Nothing was sent."
            )


def reach(api_key: str | None, base_url: str | None, folder: Path) -> Service:
    """The service that the arguments or the environment name; the sandbox is started or joined.

    Raises:
        NotConnectedError: the address is not usable, or the sandbox cannot be started.
    """
    from rivya_nb.api.address import DEFAULT_BASE_URL
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.jobs.runner import tell_waiting

    own = os.environ.get("RIVYA_BASE_URL") or DEFAULT_BASE_URL
    address = base_url or own
    if address == SANDBOX:
        from rivya_nb.sandbox.keys import DEFAULT_KEY
        from rivya_nb.sandbox.process import join

        lease = join(folder / SANDBOX)
        # The sandbox has a key of its own: a real one is never given to it.
        client = RivyaClient(DEFAULT_KEY, lease.url, on_wait=tell_waiting)
        return Service(SANDBOX, client, lease)
    # The environment's key is for the environment's address: to another one, a key is only given by hand.
    key = api_key or (os.environ.get(KEY_VARIABLE) if address in (own, DEFAULT_BASE_URL) else None)
    client = RivyaClient(key or "", address, on_wait=tell_waiting)
    return Service(client.origin, client)
