"""Servers of asyncio that leave nothing open, at whatever moment they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any


async def let_in(listeners: Iterable[Any]) -> None:
    """Accept nobody any more, and serve who was accepted.

    Who was accepted in this turn of the loop is a connection three turns later. asyncio would lose it, still open,
    in a server that is closed by then.
    """
    for listener in listeners:
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(3):
        await asyncio.sleep(0)


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None],
    port: int = 0,
    **options: Any,
) -> AsyncIterator[asyncio.Server]:
    """A server of this machine until the block ends, on a free port where none is given."""
    async with await asyncio.start_server(serve, "127.0.0.1", port, **options) as server:
        try:
            yield server
        finally:
            await let_in(server.sockets)
