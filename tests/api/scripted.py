"""A service that misbehaves to order: each call gets the next action of a script, over a real socket."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from listening import listening

from rivya_nb.api.caps import Cap
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.results import ResultFetcher
from rivya_nb.api.retry import RetryNotice, RetryPolicy
from rivya_nb.contract.media import Medium

KEY = "rvya_sk_test-" + "not-a-real-key"
"""Long enough to be searched for, and with a dash, so that nobody takes it for a real one."""

IMPATIENT = RetryPolicy(attempts=3, budget=30.0, first=0.01, longest=0.02)
"""The real rules at a pace for tests."""

PATIENT = 20.0
"""Seconds for a step of a call where nothing stalls: a busy machine is not taken for a bad network."""

SHORT = 0.3
"""The same where only that ends a call."""


@dataclass
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


Action = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Scripted"], Awaitable[None]]

STALLING: set[Action] = set()
"""The actions after which a client has to give up by itself."""


def stalling(action: Action) -> Action:
    STALLING.add(action)
    return action


@dataclass
class Scripted:
    """What the server does next, and what it has received. The last action is repeated for ever."""

    actions: list[Action]
    origin: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    stop: Callable[[], None] = lambda: None
    """Listen no more; what is connected stays so."""

    @property
    def step(self) -> float:
        """Seconds that a step of its clients' calls may take."""
        return PATIENT if STALLING.isdisjoint(self.actions) else SHORT

    def next_action(self) -> Action:
        return self.actions.pop(0) if len(self.actions) > 1 else self.actions[0]


def raw(data: bytes) -> Action:
    """Read the request, send these bytes, and close."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        service.received.append(await read_request(reader))
        writer.write(data)
        await writer.drain()

    return act


def answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Action:
    """A whole HTTP answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Length": str(len(content)), "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return raw(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content)


def conversation(body: object) -> Action:
    """The same answer to every request of a connection, which is kept open."""
    content = json.dumps(body).encode()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        while True:
            service.received.append(await read_request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
            await writer.drain()

    return act


def after(seconds: float, action: Action) -> Action:
    """An action that the service takes its time for."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        await asyncio.sleep(seconds)
        await action(reader, writer, service)

    return act


def refusal(status: int, code: str, headers: Mapping[str, str] | None = None) -> Action:
    """An error of the API, in the documented shape."""
    return answer(status, {"error": {"code": code, "message": "so it is", "requestId": "req_7"}}, headers)


def reset(*, after_reading: bool) -> Action:
    """Drop the connection hard, before the request is read or after."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        if after_reading:
            service.received.append(await read_request(reader))
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return act


def silence() -> Action:
    """Read the request and never answer."""

    @stalling
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        service.received.append(await read_request(reader))
        service.called.set()
        await reader.read()

    return act


ENDLESS_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nX-Padding:"


def dripping(*, interval: float, start: bytes = ENDLESS_BODY) -> Action:
    """An answer without an end: `start`, and then a byte at a time, each within any timeout for a single read."""

    @stalling
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        service.received.append(await read_request(reader))
        writer.write(start)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(interval)

    return act


async def read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, path, headers, body)


@asynccontextmanager
async def scripted(*actions: Action, port: int = 0) -> AsyncIterator[Scripted]:
    """A running server and its script, on a free port where none is given."""
    service = Scripted(list(actions))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.connections += 1
        try:
            await service.next_action()(reader, writer, service)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with listening(serve, port) as server:
        service.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        service.stop = server.close
        yield service


def client_of(service: Scripted, notices: list[RetryNotice] | None = None) -> RivyaClient:
    """An impatient client of a scripted service."""
    listen = None if notices is None else notices.append
    return RivyaClient(KEY, service.origin, timeout=service.step, retries=IMPATIENT, on_wait=listen)


def fetcher_of(service: Scripted, *, max_bytes: int = 1_000_000) -> ResultFetcher:
    """An impatient fetcher of a scripted service's results."""
    return ResultFetcher(service.origin, cap_of=capped(max_bytes), timeout=service.step, retries=IMPATIENT)


def capped(max_bytes: int, max_seconds: float = math.inf) -> Callable[[Medium], Cap]:
    """The same cap for each medium."""
    return lambda medium: Cap(medium, max_bytes, max_seconds)


def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
