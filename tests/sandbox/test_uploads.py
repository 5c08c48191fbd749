"""Video and audio files: kept by their signature, measured, and referred to with their token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sandboxes import INSTANT, code, sandbox_client, upload

from .recorded import matroska, mp3, mp4, ogg, wav

CLIP = "sandbox-clip"
REFUSED = (400, "validation_failed")
FILES = {
    "video/mp4": mp4(2),
    "video/quicktime": mp4(2, brand=b"qt  "),
    "video/webm": matroska(2),
    "video/x-matroska": matroska(2, doc_type=b"matroska"),
    "audio/mp4": mp4(2, handler=b"soun"),
    "audio/wav": wav(2),
    "audio/mpeg": mp3(2),
    "audio/ogg": ogg(2),
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with sandbox_client(replace(INSTANT, credits=10**6)) as client:
        yield client


def kept(client: httpx.Client, data: bytes, kind: str, model: str = CLIP) -> dict[str, Any]:
    answer = upload(client, data, kind=kind, model=model)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ask(client: httpx.Client, *items: dict[str, Any]) -> httpx.Response:
    body = {"model": CLIP, "prompt": "A cup", "params": {"seed": 1, "referenceMediaItems": list(items)}}
    return client.post("/api/v1/generations", json=body)


def item(file: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "url": file["url"],
        "kind": file["kind"],
        "durationToken": file["duration_token"],
        "durationSeconds": 2,
    } | changes


@pytest.mark.parametrize("mime_type", FILES)
def test_a_recording_is_kept_by_its_signature_and_gets_a_token(client: httpx.Client, mime_type: str) -> None:
    file = kept(client, FILES[mime_type], mime_type.partition("/")[0])
    assert file["mime_type"] == mime_type
    assert file["duration_token"]
    assert client.get(f"/api/v1/files/{file['id']}").json() == file
    there = client.get(file["url"])
    assert (there.content, there.headers["content-type"]) == (FILES[mime_type], mime_type)
    assert ask(client, item(file)).status_code == 200


def test_an_image_has_no_token(client: httpx.Client) -> None:
    assert "duration_token" not in kept(client, b"\x89PNG\r\n\x1a\n", "image")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"just text", "video"),
        (b"just text", "audio"),
        (wav(1), "video"),
        (mp4(1), "audio"),
        (mp4(1, handler=b"soun"), "video"),
        (matroska(1, track=2), "video"),
        (mp4(1), "image"),
        (mp4(1)[:60], "video"),
        (mp4(0), "video"),
        (matroska(1)[:20], "video"),
        (b"\x1aE\xdf\xa3", "video"),
        (b"RIFF\0\0\0\0WAVE", "audio"),
        (b"ID3", "audio"),
    ],
    ids=[f"{number}" for number in range(13)],
)
def test_what_is_not_of_the_kind_or_has_no_duration_is_refused(
    client: httpx.Client, data: bytes, kind: str
) -> None:
    assert code(upload(client, data, name="clip.mp4", kind=kind, model=CLIP)) == REFUSED


@pytest.mark.parametrize(
    ("model", "data", "kind", "accepted"),
    [
        (CLIP, mp4(10), "video", True),
        (CLIP, matroska(10.0004), "video", True),
        (CLIP, mp4(10.042), "video", False),
        (CLIP, mp4(0.4), "video", False),
        ("sandbox-tune", wav(30), "audio", True),
        ("sandbox-tune", wav(30.1), "audio", False),
        ("sandbox-tune", mp4(2), "video", False),
        ("happyhorse-1-0", mp4(600), "video", True),
        ("happyhorse-1-0", matroska(2), "video", False),
        ("happyhorse-1-0", wav(2), "audio", False),
        ("wan-2-6", matroska(2, doc_type=b"matroska"), "video", True),
        ("wan-2-6", mp4(2) + bytes(10_000_000), "video", False),
        ("", mp4(600), "video", True),
        ("", wav(2), "audio", True),
    ],
    ids=[f"{number}" for number in range(14)],
)
def test_the_models_limits_are_applied(
    client: httpx.Client, model: str, data: bytes, kind: str, accepted: bool
) -> None:
    answer = upload(client, data, kind=kind, model=model)
    if accepted:
        assert answer.status_code == 200, answer.text
    else:
        assert code(answer) == REFUSED


def test_a_reference_needs_the_token_of_its_own_file(client: httpx.Client) -> None:
    file, other = kept(client, mp4(2), "video"), kept(client, mp4(2), "video")
    without = item(file)
    del without["durationToken"]
    for wrong in (
        without,
        item(file, durationToken=""),
        item(file, durationToken="dur_of_nothing"),
        item(file, durationToken=other["duration_token"]),
        item(file, durationSeconds=2.5),
        item(file, durationSeconds=-2),
        item(file, kind="audio"),
        item(file, kind="image"),
    ):
        refused = ask(client, wrong)
        assert code(refused) == REFUSED, wrong
        assert "params.referenceMediaItems[0]." in refused.json()["error"]["message"]
    named = ask(client, item(other), without).json()["error"]["message"]
    assert named == "params.referenceMediaItems[1].durationToken is required for kind video"
    assert ask(
        client, {"url": file["url"], "kind": "video", "durationToken": file["duration_token"]}
    ).is_success


def test_an_image_goes_without_a_duration(client: httpx.Client) -> None:
    file = kept(client, b"\x89PNG\r\n\x1a\n", "image")
    plain = {"url": file["url"], "kind": "image"}
    assert ask(client, plain).is_success
    assert code(ask(client, plain | {"durationToken": "dur_x"})) == REFUSED
    assert code(ask(client, plain | {"durationSeconds": 1})) == REFUSED


def test_a_token_can_have_an_end_before_its_file() -> None:
    with sandbox_client(replace(INSTANT, token_seconds=0)) as client:
        file = kept(client, mp4(2), "video")
        refused = ask(client, item(file))
        assert code(refused) == REFUSED
        assert "durationToken has expired" in refused.json()["error"]["message"]
        assert client.get(f"/api/v1/files/{file['id']}").json() == file


def test_a_service_may_do_without_tokens() -> None:
    with sandbox_client(replace(INSTANT, token_required=False)) as client:
        file = kept(client, wav(2), "audio")
        assert ask(client, {"url": file["url"], "kind": "audio"}).is_success
        assert code(ask(client, item(file, durationToken="dur_x"))) == REFUSED


def test_the_sandboxs_own_models_say_so(client: httpx.Client) -> None:
    listed = {model["id"]: model for model in client.get("/api/v1/models").json()["data"]}
    assert [key for key in listed if key.startswith("sandbox-")] == [CLIP, "sandbox-tune"]
    for key in (CLIP, "sandbox-tune"):
        assert "sandbox's own" in " ".join(listed[key]["notices"])
        assert listed[key]["api_status"] == "available"
    limits = listed[CLIP]["reference_media"]["per_kind"]["video"]
    assert (limits["min_duration_seconds"], limits["max_duration_seconds"]) == (0.5, 10)
