"""A refusal is one by its status line, also where its body is cut, damaged, or packed in an unknown way."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct

import pytest

from api.scripted import (
    Action,
    Scripted,
    answer,
    client_of,
    raw,
    read_request,
    refusal,
    scripted,
    stalling,
)
from rivya_nb.api.records import Task
from rivya_nb.api.retry import RetryNotice
from rivya_nb.errors import ApiError, RivyaError, TransportError

BODY = b'{"model": "m", "prompt": "p", "params": {}}'
TASK = answer(200, {"id": "task_1", "status": "queued"})
REASON = json.dumps({"error": {"code": "", "message": "not you, said the service"}}).encode()


def head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode()


def reset_after_the_head(status: int) -> Action:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        service.received.append(await read_request(reader))
        writer.write(head(status, "Content-Length: 300"))
        await writer.drain()
        await asyncio.sleep(0.05)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return act


def stalled(status: int) -> Action:
    @stalling
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Scripted) -> None:
        service.received.append(await read_request(reader))
        writer.write(head(status, "Content-Length: 300") + b"{")
        await reader.read()

    return act


def packed(status: int, encoding: str, body: bytes) -> Action:
    return answer(status, body, {"Content-Encoding": encoding})


def unread(status: int) -> dict[str, Action]:
    return {
        "cut": raw(head(status, "Content-Length: 300") + b'{"error": {"co'),
        "cut chunk": raw(head(status, "Transfer-Encoding: chunked") + b"20\r\n{"),
        "reset": reset_after_the_head(status),
        "stalled": stalled(status),
        "brotli": packed(status, "br", b"\x0b\x02\x80{}\x03"),
        "packed twice": packed(status, "gzip, gzip", gzip.compress(gzip.compress(REASON))),
        "no gzip": packed(status, "gzip", REASON),
        "cut gzip": packed(status, "gzip", gzip.compress(REASON)[:-6]),
    }


def submitted(*actions: Action) -> tuple[Task | RivyaError, list[RetryNotice], int]:
    """What came of a submit, the waits, and how many requests the service received."""
    notices: list[RetryNotice] = []

    async def main() -> tuple[Task | RivyaError, list[RetryNotice], int]:
        async with scripted(*actions) as service:
            client = client_of(service, notices)
            async with client:
                try:
                    result: Task | RivyaError = await client.generations.create(BODY)
                except RivyaError as error:
                    result = error
            return result, notices, len(service.received)

    return asyncio.run(main())


@pytest.mark.parametrize("shape", unread(429))
def test_a_rate_limit_is_waited_for_whatever_becomes_of_its_body(shape: str) -> None:
    limit = unread(429)[shape]
    result, notices, _ = submitted(limit, limit, limit, limit, TASK)
    assert isinstance(result, Task)
    assert [notice.reason for notice in notices] == ["rate limited"] * 4


@pytest.mark.parametrize("shape", unread(403))
@pytest.mark.parametrize("status", [400, 402, 403, 422])
def test_a_refusal_is_one_whatever_becomes_of_its_body(status: int, shape: str) -> None:
    result, notices, received = submitted(unread(status)[shape])
    assert isinstance(result, ApiError)
    assert (result.http_status, notices, received) == (status, [], 1)


def test_what_could_be_read_of_a_reason_is_told() -> None:
    result, _, _ = submitted(packed(403, "gzip", gzip.compress(REASON)[:-6]))
    assert "not you, said the service" in str(result)


@pytest.mark.parametrize("shape", unread(408))
@pytest.mark.parametrize("status", [200, 408, 499, 502])
def test_other_answers_that_cannot_be_read_prove_nothing(status: int, shape: str) -> None:
    result, _, _ = submitted(unread(status)[shape])
    assert isinstance(result, TransportError)


@pytest.mark.parametrize("status", [400, 403, 429, 503])
def test_a_documented_rate_limit_is_waited_for_whatever_its_status(status: int) -> None:
    limit = refusal(status, "rate_limited")
    result, notices, _ = submitted(*[limit] * 5, TASK)
    assert isinstance(result, Task)
    assert [notice.reason for notice in notices] == ["rate limited"] * 5
