"""The sandbox refuses whatever the documentation does not allow, and accepts what it does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from PIL import Image
from sandboxes import INSTANT, MODEL, bearer, code, sandbox_client, submit, upload

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

REFUSED = (400, "validation_failed")


def encoded(picture_format: str, size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 40, 40)).save(buffer, picture_format)
    return buffer.getvalue()


def padded(size: int) -> bytes:
    """A PNG of exactly that many bytes."""
    return encoded("PNG").ljust(size, b"\0")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with sandbox_client(replace(INSTANT, credits=10**6)) as client:
        yield client


@pytest.fixture(scope="module")
def media_url(client: httpx.Client) -> str:
    url: str = upload(client, encoded("PNG")).json()["url"]
    return url


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"seed": 0},
        {"seed": 2147483647},
        {"seed": 7.0},
        {"watermark": "false", "resolution": "1K", "aspect_ratio": "1:8"},
    ],
)
def test_documented_params_are_accepted(client: httpx.Client, params: dict[str, Any]) -> None:
    assert submit(client, **params).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        {"seed": "7"},
        {"seed": True},
        {"seed": None},
        {"seed": -1},
        {"seed": 2147483648},
        {"seed": 10**400},
        {"seed": 1.5},
        {"seed": 2147483646.5},
        {"seed": [1]},
        {"watermark": False},
        {"watermark": "no"},
        {"resolution": 1},
        {"resolution": "1k"},
        {"aspect_ratio": "16x9"},
        {"aspect_ratio": None},
        {"aspectRatio": "1:1"},
        {"steps": 3},
    ],
)
def test_anything_else_in_params_is_refused_by_name(client: httpx.Client, params: dict[str, Any]) -> None:
    refused = submit(client, **params)
    assert code(refused) == REFUSED
    assert f"params.{next(iter(params))}" in refused.json()["error"]["message"]


def test_every_mistake_is_named_at_once(client: httpx.Client) -> None:
    message = submit(client, " ", seed="x", bogus=1).json()["error"]["message"]
    assert all(part in message for part in ("prompt", "params.seed", "params.bogus"))


@pytest.mark.parametrize("guidance", [1, 2.5, 7.3, 10])
def test_a_step_of_a_tenth_is_met(client: httpx.Client, guidance: float) -> None:
    body = {"model": "seedream-3-0", "prompt": "x", "params": {"guidance_scale": guidance}}
    assert client.post("/api/v1/generations", json=body).status_code == 200


@pytest.mark.parametrize("guidance", [0.9, 10.1, 2.55, "2.5"])
def test_what_misses_the_step_or_the_range_is_refused(client: httpx.Client, guidance: float) -> None:
    body = {"model": "seedream-3-0", "prompt": "x", "params": {"guidance_scale": guidance}}
    assert code(client.post("/api/v1/generations", json=body)) == REFUSED


def test_a_seed_that_is_text_has_to_be_text(client: httpx.Client) -> None:
    for seed, status in (("7", 200), (7, 400)):
        body = {"model": "google-imagen4", "prompt": "x", "params": {"seed": seed}}
        assert client.post("/api/v1/generations", json=body).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "x"},
        {"model": MODEL},
        {"model": MODEL, "prompt": ""},
        {"model": MODEL, "prompt": None},
        {"model": MODEL, "prompt": 3},
        {"model": 3, "prompt": "x"},
        {"model": MODEL, "prompt": "x", "params": []},
        {"model": MODEL, "prompt": "x", "params": None},
        {"model": MODEL, "prompt": "x", "files": []},
        {"model": MODEL, "prompt": "x", "seed": 1},
        {"model": MODEL, "prompt": "x", "client_request_id": 7},
        [],
        "text",
        None,
    ],
)
def test_a_body_of_another_shape_is_refused(client: httpx.Client, body: object) -> None:
    assert code(client.post("/api/v1/generations", json=body)) == REFUSED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"model": "wan-2-7-image-pro", "prompt": "x", "params": {"seed": NaN}}',
        b'{"model": "wan-2-7-image-pro", "prompt": "half \\ud800 of it"}',
        b'{"model": "wan-2-7-image-pro", "prompt": "x", "params": {"\\ud800": "1"}}',
        b"[" * 100_000,
    ],
)
def test_broken_bytes_are_refused_in_the_documented_shape(client: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert code(client.post("/api/v1/generations", content=content, headers=headers)) == REFUSED


@pytest.mark.parametrize(
    ("unit", "longest"), [("utf-16", "😀" * 2500), ("code-point", "😀" * 5000), ("utf-16", "x" * 5000)]
)
def test_a_prompt_is_counted_in_the_configured_unit(unit: Any, longest: str) -> None:
    with sandbox_client(replace(INSTANT, prompt_unit=unit)) as client:
        assert submit(client, longest).status_code == 200
        assert code(submit(client, longest + "x")) == REFUSED


def item(url: str, /, **changes: Any) -> dict[str, Any]:
    return {"url": url, "kind": "image", "name": "a.png", "mimeType": "image/png", **changes}


def test_references_as_documented_are_accepted_up_to_the_limit(client: httpx.Client, media_url: str) -> None:
    for count in (0, 1, 9):
        assert submit(client, referenceMediaItems=[item(media_url)] * count).status_code == 200
    assert code(submit(client, referenceMediaItems=[item(media_url)] * 10)) == REFUSED


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "video"},
        {"kind": 1},
        {"url": None},
        {"url": "https://cdn.example.com/reference-image.png"},
        {"url": "http://127.0.0.1:1/files/file_0.png"},
        {"url": "http://[broken"},
        {"mime_type": "image/png"},
        {"mimeType": 1},
        {"durationSeconds": "3"},
        {"durationToken": 3},
    ],
)
def test_malformed_references_are_refused(
    client: httpx.Client, media_url: str, changes: dict[str, Any]
) -> None:
    assert code(submit(client, referenceMediaItems=[item(media_url, **changes)])) == REFUSED


def test_references_of_another_shape_are_refused(client: httpx.Client, media_url: str) -> None:
    elsewhere = media_url.replace("127.0.0.1", "cdn.example.com")
    for value in (
        [item(elsewhere)],
        item(media_url),
        media_url,
        [media_url],
        None,
        [{"kind": "image"}],
        [{"url": media_url}],
    ):
        assert code(submit(client, referenceMediaItems=value)) == REFUSED


def test_a_model_without_references_takes_none(client: httpx.Client, media_url: str) -> None:
    body = {"model": "z-image", "prompt": "x", "params": {"referenceMediaItems": [item(media_url)]}}
    assert code(client.post("/api/v1/generations", json=body)) == REFUSED
    assert code(upload(client, encoded("PNG"), model="z-image")) == REFUSED


@pytest.mark.parametrize("picture_format", ["PNG", "JPEG", "WEBP"])
def test_a_files_signature_decides_and_not_its_name(client: httpx.Client, picture_format: str) -> None:
    answer = upload(client, encoded(picture_format), name="notes.txt")
    assert answer.status_code == 200
    assert answer.json()["mime_type"] == f"image/{picture_format.lower()}"
    assert answer.json()["name"] == "notes.txt"
    assert client.get(answer.json()["url"]).content == encoded(picture_format)


@pytest.mark.parametrize("data", [b"just text", b"", encoded("GIF"), b"RIFF\0\0\0\0WAVE"])
def test_bytes_of_another_kind_are_refused_whatever_their_name(client: httpx.Client, data: bytes) -> None:
    assert code(upload(client, data, name="picture.png")) == REFUSED


@pytest.mark.parametrize("megabyte", [10**6, 2**20])
def test_the_limit_is_the_models_where_it_is_given_and_ten_megabytes_elsewhere(megabyte: int) -> None:
    with sandbox_client(replace(INSTANT, megabyte=megabyte)) as client:
        assert upload(client, padded(20 * megabyte)).status_code == 200
        assert code(upload(client, padded(20 * megabyte + 1))) == REFUSED
        assert upload(client, padded(10 * megabyte), model="").status_code == 200
        assert code(upload(client, padded(10 * megabyte + 1), model="")) == REFUSED


@pytest.mark.parametrize("fields", [{"kind": "picture"}, {"kind": "video"}, {"client_request_id": "x" * 129}])
def test_an_uploads_fields_are_judged(client: httpx.Client, fields: dict[str, str]) -> None:
    assert code(upload(client, encoded("PNG"), **fields)) == REFUSED


def test_an_upload_without_file_or_kind_is_refused(client: httpx.Client) -> None:
    assert code(client.post("/api/v1/files", data={"kind": "image"})) == REFUSED
    assert code(client.post("/api/v1/files", files={"file": ("a.png", encoded("PNG"))})) == REFUSED


@pytest.mark.parametrize("name", ["id", "file_id"])
def test_a_files_id_stands_under_the_configured_key(name: Any) -> None:
    with sandbox_client(replace(INSTANT, file_id_key=name)) as client:
        uploaded = upload(client, encoded("PNG")).json()
        assert {"id", "file_id"} & set(uploaded) == {name}
        assert client.get(f"/api/v1/files/{uploaded[name]}").json() == uploaded


def test_files_are_their_accounts_own(client: httpx.Client) -> None:
    uploaded = upload(client, encoded("PNG")).json()
    poor = bearer(f"{DEFAULT_KEY}_poor")
    assert code(client.get(f"/api/v1/files/{uploaded['id']}", headers=poor)) == (404, "not_found")


def test_a_file_can_have_an_end() -> None:
    with sandbox_client(SandboxConfig(latency=0, file_seconds=0)) as client:
        uploaded = upload(client, encoded("PNG")).json()
        assert uploaded["expires_at"] is not None
        assert code(client.get(f"/api/v1/files/{uploaded['id']}")) == (404, "not_found")
        assert code(client.get(uploaded["url"])) == (404, "not_found")
        assert code(submit(client, referenceMediaItems=[item(uploaded["url"])])) == REFUSED
