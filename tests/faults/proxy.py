"""A bad network: a proxy before a service, over real sockets, that spoils the calls it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from listening import let_in

if TYPE_CHECKING:
    from rivya_nb import Job

ALWAYS = 1_000_000


@dataclass(frozen=True)
class Kind:
    """Calls of one method whose paths fit a pattern."""

    method: str
    path: str

    def fits(self, method: str, path: str) -> bool:
        return method == self.method and re.match(self.path, path) is not None


BALANCE = Kind("GET", "/api/v1/credits")
SUBMIT = Kind("POST", "/api/v1/generations")
POLL = Kind("GET", "/api/v1/generations/")
UPLOAD = Kind("POST", "/api/v1/files")
PICTURE = Kind("GET", "/pictures/")


@dataclass
class Answer:
    """What the service said."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Exchange:
    """One call under way; its head was read, and its body not yet."""

    proxy: Proxy
    method: str
    path: str
    head: bytes
    headers: Mapping[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def forward(self) -> Answer:
        """Let the service have it; the whole answer."""
        body = await self.reader.readexactly(int(self.headers.get("content-length", "0")))
        reader, writer = await asyncio.open_connection(*self.proxy.upstream)
        try:
            head = re.sub(rb"(?im)^connection:[^\r]*\r\n", b"", self.head)
            writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
            content = await reader.read()
        finally:
            writer.close()
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(int(first.split(" ")[1]), headers, content)

    async def send(self, answer: Answer, *, length: int | None = None) -> None:
        """Give the client an answer; its Content-Length says `length`, where that is given."""
        kept = {"connection", "content-length", "transfer-encoding"}
        headers = {name: value for name, value in answer.headers.items() if name not in kept}
        headers |= {
            "content-length": str(len(answer.body) if length is None else length),
            "connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"HTTP/1.1 {answer.status} Whatever\r\n{lines}\r\n".encode("latin-1") + answer.body)
        await self.writer.drain()

    def reset(self) -> None:
        """Drop the connection hard."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def stall(self) -> None:
        """Say nothing until the client is gone."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass


Spoil = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """A fault that a test is run with, under its name."""

    name: str
    spoil: Spoil


def named(case: Case) -> str:
    return case.name


C = TypeVar("C", bound=Case)


_TASK = re.compile("/(?:generations|pictures)/([^/]+)")


class Each(Generic[C]):
    """Spoils the calls about each job of a run in a way of its own, the first `times` of them.

    Jobs get the cases in the order in which they are first asked for.
    """

    def __init__(self, cases: Iterable[C], times: int = ALWAYS) -> None:
        self._left = iter(cases)
        self._times = times
        self._cases: dict[str, C] = {}
        self._struck: Counter[str] = Counter()

    async def __call__(self, exchange: Exchange) -> None:
        about = exchange.headers.get("idempotency-key") or _TASK.findall(exchange.path)[0]
        if about not in self._cases:
            self._cases[about] = next(self._left)
        self._struck[about] += 1
        await (self._cases[about].spoil if self._struck[about] <= self._times else pass_on)(exchange)

    def of(self, job: Job) -> C:
        """The case that has struck a job."""
        return self._cases[job.id if job.id in self._cases else job.task_id or ""]


@dataclass
class Fault:
    """Spoils calls of a kind: from the `first` on (counted from 1) as many as `times`."""

    kind: Kind
    spoil: Spoil
    first: int = 1
    times: int = ALWAYS
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if not self.kind.fits(method, path):
            return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


@dataclass
class Proxy:
    """The way to `upstream`, in a thread of its own; `keys` are the idempotency keys of all submits."""

    upstream: tuple[str, int]
    choose: Callable[[Exchange], Spoil | None] | None = None
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _queue: list[socket.socket] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def inject(self, *faults: Fault) -> None:
        self.faults += faults

    def heal(self) -> None:
        """Let everything through from now on."""
        self.choose = None
        self.faults.clear()
        self.on_loop(self.listen())

    def on_loop(self, work: Awaitable[None]) -> None:
        async def do() -> None:
            await work

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(60)

    async def listen(self) -> None:
        """Take connections (again)."""
        self._unclog()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 16)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse every new connection; those that there are go on."""
        if (server := self._server) is not None:
            await let_in(server.sockets)
            server.close()
            self._server = None

    async def clog(self) -> None:
        """Let nobody in, and say nothing to those who knock: no connection is refused, and none is made."""
        await self.refuse()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._queue = [listener]
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self._queue.append(waiting)

    def _unclog(self) -> None:
        while self._queue:
            self._queue.pop().close()

    async def refuse_for(self, seconds: float) -> None:
        await self.refuse()
        self._later(seconds)

    def _later(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: self._tasks.add(loop.create_task(self.listen())))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._exchange(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        exchange = Exchange(self, method, path, head, headers, reader, writer)
        self.calls.append(f"{method} {path}")
        if "idempotency-key" in headers:
            self.keys.append(headers["idempotency-key"])
        struck = [fault.spoil for fault in tuple(self.faults) if fault.strikes(method, path)]
        spoil = struck[0] if struck else self.choose(exchange) if self.choose else None
        await (spoil or pass_on)(exchange)

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            self.on_loop(self.listen())
            yield self
        finally:
            self.on_loop(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(60)
            self._loop.close()

    async def _end(self) -> None:
        await self.refuse()
        self._unclog()
        # All there are: a connection that has only just come in is served by no task of ours yet.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # What was closed in one turn of the loop is gone in the next.
        for _ in range(2):
            await asyncio.sleep(0)


@contextlib.contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A running proxy before a service at this url."""
    parts = urlsplit(url)
    with Proxy((parts.hostname or "", parts.port or 0)).running() as proxy:
        yield proxy


# What can go wrong with a call. "lost" means that the service has acted, and its answer did not arrive.

HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"


async def pass_on(exchange: Exchange) -> None:
    answer = await exchange.forward()
    told = answer.headers.get("content-length") if exchange.method == "HEAD" else None
    await exchange.send(answer, length=None if told is None else int(told))


async def reset(exchange: Exchange) -> None:
    """Before its body was read."""
    exchange.reset()


async def reset_lost(exchange: Exchange) -> None:
    await exchange.forward()
    exchange.reset()


async def stall(exchange: Exchange) -> None:
    """Read, never passed on, never answered."""
    await exchange.stall()


async def stall_unread(exchange: Exchange) -> None:
    """The body is not even read: who sends a large one cannot get rid of it."""
    exchange.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(30)


async def stall_lost(exchange: Exchange) -> None:
    await exchange.forward()
    await exchange.stall()


def answers(
    status: int, body: bytes | object = HTML, headers: Mapping[str, str] | None = None, *, lost: bool = False
) -> Spoil:
    """Answer in the service's place."""

    async def spoil(exchange: Exchange) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if lost:
            await exchange.forward()
        elif exchange.method == "POST":
            await exchange.reader.readexactly(int(exchange.headers.get("content-length", "0")))
        await exchange.send(Answer(status, dict(headers or {}), content))

    return spoil


def refuses(status: int, code: str, headers: Mapping[str, str] | None = None) -> Spoil:
    """An error in the documented shape, which the service did not mean."""
    body = {"error": {"code": code, "message": "so it is", "requestId": "req_7"}}
    return answers(status, body, headers)


async def cut(exchange: Exchange) -> None:
    """Half of the answer, whose head promised all of it."""
    answer = await exchange.forward()
    half = Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    await exchange.send(half, length=len(answer.body))


async def cut_short(exchange: Exchange) -> None:
    """Half of the answer, whose head promised just that."""
    answer = await exchange.forward()
    await exchange.send(Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2]))


def changed(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """The service's JSON, changed."""

    async def spoil(exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = json.dumps(change(json.loads(answer.body))).encode()
        await exchange.send(Answer(answer.status, answer.headers, body))

    return spoil


def huge(size: int, *, claimed: bool) -> Spoil:
    """A picture of so many bytes; where it is `claimed`, the head says it and none of them comes."""

    async def spoil(exchange: Exchange) -> None:
        answer = await exchange.forward()
        if claimed:
            await exchange.send(Answer(200, answer.headers, b""), length=size)
            return
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n")
        for _ in range(size >> 16):
            exchange.writer.write(answer.body[:16] + bytes((1 << 16) - 16))
            await exchange.writer.drain()

    return spoil


def redirects(location: str) -> Spoil:
    return answers(302, b"", {"location": location})


async def redirect_home(exchange: Exchange) -> None:
    """To the same address with a query."""
    await redirects(f"{exchange.path}?again")(exchange)


def down(seconds: float | None = None) -> Spoil:
    """Answer this call, and refuse connections from then on; for some seconds, where they are given."""

    async def spoil(exchange: Exchange) -> None:
        answer = await exchange.forward()
        if seconds is None:
            await exchange.proxy.refuse()
        else:
            await exchange.proxy.refuse_for(seconds)
        await exchange.send(answer)

    return spoil


async def clog(exchange: Exchange) -> None:
    """Answer this call, and take no connection from then on, without refusing any."""
    answer = await exchange.forward()
    await exchange.proxy.clog()
    await exchange.send(answer)


def meanwhile(action: Callable[[], object], then: Spoil = pass_on) -> Spoil:
    """Do something to the world before the service gets the call."""

    async def spoil(exchange: Exchange) -> None:
        await asyncio.to_thread(action)
        await then(exchange)

    return spoil


SILENT: tuple[object, ...] = (stall, stall_unread, stall_lost, clog)
"""What ends only when the client has waited long enough."""
