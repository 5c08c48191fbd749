"""Buckets of an S3 of this process' own, which forgets them, and a bad way to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest
from faults.proxy import Answer, Exchange, Kind, Proxy, Spoil, proxy_to

PUT, GET, HEAD = (Kind(method, "/") for method in ("PUT", "GET", "HEAD"))

KEYS = {
    "AWS_ACCESS_KEY_ID": "an-id-of-nobody",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-nobody",
    "AWS_REGION": "us-east-1",
}


@dataclass
class Buckets:
    """`url` is that of the service; each bucket is made empty."""

    url: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self) -> str:
        name = f"lab-{next(self._numbers)}"
        self.make(name)
        return name

    def make(self, name: str) -> None:
        httpx.put(f"{self.url}/{name}", timeout=60).raise_for_status()

    def keys_of_user(self, policy: object) -> dict[str, str]:
        """What a user sets who has these rights, and no others; from now on they are asked for."""
        import boto3

        iam = boto3.client(
            "iam",
            endpoint_url=self.url,
            region_name=KEYS["AWS_REGION"],
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )
        iam.create_user(UserName="lab")
        iam.put_user_policy(UserName="lab", PolicyName="pictures", PolicyDocument=json.dumps(policy))
        keys = iam.create_access_key(UserName="lab")["AccessKey"]
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").raise_for_status()
        return {
            **KEYS,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        }

    def ask_for_no_rights(self) -> None:
        httpx.post(f"{self.url}/moto-api/reset-auth", content=b"inf").raise_for_status()

    def store(self, bucket: str, prefix: str = "pictures"):  # type: ignore[no-untyped-def]
        """What is in a bucket, without the code that is tested."""
        from obstore.store import S3Store

        return S3Store(
            bucket,
            prefix=prefix,
            endpoint=self.url,
            access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region=KEYS["AWS_REGION"],
            client_options={"allow_http": True},
        )

    def names(self, bucket: str) -> list[str]:
        return sorted(
            each["path"] for page in self.store(bucket).list() for each in page if each["path"] != "writable"
        )


@contextmanager
def running_buckets() -> Iterator[Buckets]:
    moto = pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")
    pytest.importorskip("obstore", reason="obstore is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Buckets(f"http://{host}:{port}")
    finally:
        server.stop()


def environment(url: str, cache: Path) -> dict[str, str]:
    """What a user sets for an S3 at this address, with a cache of a test's own."""
    return {**KEYS, "AWS_ENDPOINT_URL": url, "XDG_CACHE_HOME": str(cache)}


@contextmanager
def bad_way(buckets: Buckets) -> Iterator[Proxy]:
    with proxy_to(buckets.url) as proxy:
        yield proxy


def says(status: int, code: str = "") -> Spoil:
    """Answer in the bucket's place."""

    async def spoil(exchange: Exchange) -> None:
        await exchange.reader.readexactly(int(exchange.headers.get("content-length", "0")))
        body = f"<Error><Code>{code}</Code><Message>a-secret-of-nobody</Message></Error>".encode()
        await exchange.send(Answer(status, {}, b"" if exchange.method == "HEAD" else body))

    return spoil


def gives(body: bytes) -> Spoil:
    """Give other bytes than the bucket has."""

    async def spoil(exchange: Exchange) -> None:
        await exchange.send(Answer(200, {"last-modified": "Sat, 28 Nov 2026 12:00:00 GMT"}, body))

    return spoil
