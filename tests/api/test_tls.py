"""Over TLS, which a picture's host is spoken to by address: its certificate is still judged by its name."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from listening import listening
from PIL import Image

from api.scripted import IMPATIENT, KEY, PATIENT, Received, read_request
from rivya_nb.api import http
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.results import ResultFetcher
from rivya_nb.errors import NotDeliveredError, PictureError


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[trustme.CA]:
    """A certificate authority that this machine trusts for the time of a test."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    http._certificates.cache_clear()
    yield made
    http._certificates.cache_clear()


@asynccontextmanager
async def serving(authority: trustme.CA, name: str) -> AsyncIterator[tuple[int, list[Received], list[str]]]:
    """A server with a certificate for `name`: its port, what it receives, and which names it is asked by."""
    received: list[Received] = []
    asked: list[str] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    context.sni_callback = lambda _socket, server, _context: asked.append(str(server))
    body = png()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with listening(serve, ssl=context) as server:
        yield server.sockets[0].getsockname()[1], received, asked


async def fetch(port: int, folder: Path) -> bytes:
    fetcher = ResultFetcher("http://127.0.0.1", timeout=PATIENT, retries=IMPATIENT)
    try:
        return (await fetcher.fetch(f"https://localhost:{port}/1.png", folder)).path.read_bytes()
    finally:
        await fetcher.aclose()


def test_a_pictures_host_is_asked_and_judged_by_its_name(authority: trustme.CA, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(authority, "localhost") as (port, received, asked):
            assert await fetch(port, tmp_path) == png()
            assert asked == ["localhost"]
            assert received[0].headers["host"] == f"localhost:{port}"

    asyncio.run(main())


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(authority, "elsewhere.example") as (port, received, _):
            with pytest.raises(PictureError, match="certificate"):
                await fetch(port, tmp_path)
            assert received == []

    asyncio.run(main())


def test_a_service_whose_certificate_nobody_trusts_never_sees_the_key(authority: trustme.CA) -> None:
    async def main() -> None:
        async with serving(trustme.CA(), "localhost") as (port, received, _):
            async with RivyaClient(KEY, f"https://localhost:{port}", retries=IMPATIENT) as client:
                with pytest.raises(NotDeliveredError, match="certificate"):
                    await client.credits.retrieve()
            assert received == []

    asyncio.run(main())
