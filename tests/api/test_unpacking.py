"""Packed answers: one layer, unpacked in small steps; the rest is refused unread. Pictures and the API alike."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.scripted import Action, Scripted, answer, client_of, fetcher_of, scripted
from rivya_nb.api.answers import MAX_JSON
from rivya_nb.errors import PictureError, RivyaError, TransportError

FLOOD = bytes(100_000_000)
BALANCE = json.dumps({"current_credits": 7, "padding": "x" * 300_000}).encode()

Ask = Callable[[Scripted, Path], Awaitable[object]]


async def ask_picture(service: Scripted, folder: Path) -> object:
    fetcher = fetcher_of(service)
    try:
        return await fetcher.fetch(f"{service.origin}/1.png", folder)
    finally:
        await fetcher.aclose()


async def ask_models(service: Scripted, _: Path) -> object:
    client = client_of(service)
    try:
        return await client.models.list()
    finally:
        await client.aclose()


async def ask_balance(service: Scripted, _: Path) -> object:
    client = client_of(service)
    try:
        return (await client.credits.retrieve()).current_credits
    finally:
        await client.aclose()


ASKS = [ask_picture, ask_models, ask_balance]


def asked(ask: Ask, folder: Path, action: Action) -> object:
    async def main() -> object:
        async with scripted(action) as service:
            return await ask(service, folder)

    return asyncio.run(main())


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Fails where more bytes than these are held at one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def deflated(data: bytes, *, bare: bool) -> bytes:
    packer = zlib.compressobj(wbits=-15 if bare else 15)
    return packer.compress(data) + packer.flush()


@pytest.fixture(scope="module")
def once() -> bytes:
    return gzip.compress(FLOOD)


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    "named",
    [
        "gzip, gzip",
        "gzip,deflate",
        "GZIP , x-gzip",
        "identity, gzip, gzip",
        "br",
        "zstd",
        "gzip, br",
        "compress",
    ],
)
def test_what_is_packed_more_than_once_or_unknown_is_not_read(
    tmp_path: Path, ask: Ask, named: str, once: bytes
) -> None:
    with at_most(20_000_000), pytest.raises(RivyaError, match="which was not read"):
        asked(ask, tmp_path, answer(200, gzip.compress(once, 9), {"Content-Encoding": named}))
    assert list(tmp_path.iterdir()) == []


def test_two_headers_are_two_layers(tmp_path: Path, once: bytes) -> None:
    packed = gzip.compress(once, 9)
    twice = answer(200, packed, {"Content-Encoding": "gzip", "content-encoding": "gzip"})
    with pytest.raises(TransportError, match="packed as gzip, gzip"):
        asked(ask_balance, tmp_path, twice)


def test_a_flood_is_counted_while_it_is_unpacked(tmp_path: Path, once: bytes) -> None:
    flood = answer(200, once, {"Content-Encoding": "gzip"})
    with at_most(8_000_000), pytest.raises(PictureError, match="more than 1 MB"):
        asked(ask_picture, tmp_path, flood)
    with at_most(3 * MAX_JSON), pytest.raises(TransportError, match="more than 16 MB"):
        asked(ask_models, tmp_path, flood)


@pytest.mark.parametrize(
    ("named", "body"),
    [
        ("gzip", gzip.compress(BALANCE)),
        ("x-gzip", gzip.compress(BALANCE)),
        ("GZip", gzip.compress(BALANCE)),
        ("identity, gzip", gzip.compress(BALANCE)),
        ("deflate", deflated(BALANCE, bare=False)),
        ("deflate", deflated(BALANCE, bare=True)),
        ("gzip", gzip.compress(BALANCE) + b"and more"),
        ("identity", BALANCE),
        ("aws-chunked", BALANCE),
        ("", BALANCE),
    ],
)
def test_one_layer_is_taken_off(tmp_path: Path, named: str, body: bytes) -> None:
    assert asked(ask_balance, tmp_path, answer(200, body, {"Content-Encoding": named})) == 7


@pytest.mark.parametrize(
    ("named", "body"),
    [
        ("gzip", gzip.compress(BALANCE)[:-5]),
        ("gzip", BALANCE),
        ("deflate", deflated(BALANCE, bare=False)[:50]),
        ("deflate", b"x" + BALANCE),
    ],
)
def test_what_is_cut_or_not_packed_is_no_answer(tmp_path: Path, named: str, body: bytes) -> None:
    with pytest.raises(TransportError, match="cannot be unpacked"):
        asked(ask_balance, tmp_path, answer(200, body, {"Content-Encoding": named}))


def test_only_what_can_be_unpacked_is_asked_for(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with scripted(answer(200, BALANCE)) as service:
            await ask_balance(service, tmp_path)
            with pytest.raises(PictureError):
                await ask_picture(service, tmp_path)
            return [sent.headers["accept-encoding"] for sent in service.received[:2]]

    assert asyncio.run(main()) == ["gzip, deflate", "identity"]
