"""The service a session talks to: its name, where it is, and who carries the key."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rivya_nb.errors import NotConnectedError

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.api.pictures import PictureFetcher
    from rivya_nb.sandbox.process import Lease

SANDBOX = "sandbox"
"""The name of the embedded service, whatever its port."""

DEFAULT_ADDRESS = "https://rivya.ai"

KEY_VARIABLE = "RIVYA_API_KEY"


class Service:
    """An API origin and the clients that talk to it. The key is held by the client alone."""

    def __init__(
        self, name: str, client: RivyaClient, base_url: str, *, has_key: bool, lease: Lease | None = None
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.client = client
        self.has_key = has_key
        self._lease = lease

    @cached_property
    def fetcher(self) -> PictureFetcher:
        """Fetches pictures, without the key."""
        from rivya_nb.api.pictures import PictureFetcher
        from rivya_nb.jobs.runner import tell_waiting

        return PictureFetcher(self.base_url, on_wait=tell_waiting)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and give the sandbox up."""
        await self.client.aclose()
        await self.fetcher.aclose()
        if self._lease is not None:
            self._lease.close()

    def require_key(self) -> None:
        """Raises NotConnectedError where there is no key."""
        if not self.has_key:
            raise NotConnectedError(
                f"There is no key for {self.name}. Set {KEY_VARIABLE} in the environment before the kernel "
                "starts, or try everything on this machine with %rivya sandbox. Nothing was sent."
            )


def reach(api_key: str | None, base_url: str | None, folder: Path) -> Service:
    """The service that the arguments or the environment name; the sandbox is started or joined.

    Raises:
        NotConnectedError: the address is not usable, or the sandbox cannot be started.
    """
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.jobs.runner import tell_waiting

    address = base_url or os.environ.get("RIVYA_BASE_URL") or DEFAULT_ADDRESS
    if address == SANDBOX:
        from rivya_nb.sandbox.keys import DEFAULT_KEY
        from rivya_nb.sandbox.process import join

        lease = join(folder / SANDBOX)
        # The sandbox has a key of its own: a real one is never given to it.
        client = RivyaClient(DEFAULT_KEY, lease.url, on_wait=tell_waiting)
        return Service(SANDBOX, client, lease.url, has_key=True, lease=lease)
    key = api_key or os.environ.get(KEY_VARIABLE)
    client = RivyaClient(key, address, on_wait=tell_waiting)
    parts = urlsplit(address)
    return Service(f"{parts.scheme}://{parts.netloc}", client, address, has_key=bool(key))
