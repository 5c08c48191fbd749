"""What is sent for each documented call, and how its answer is read."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from api.scripted import KEY, answer, client_of, closed_port, conversation, scripted
from rivya_nb.api.client import RivyaClient, generation_body
from rivya_nb.api.records import Task, UploadedFile
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.errors import NotConnectedError, UnexpectedResponseError, UsageError

TASK = {
    "id": "task_1",
    "status": "queued",
    "model": "wan-2-7-image-pro",
    "reserved_credits": 12,
    "final_credits": 0,
    "created_at": "2026-05-11T00:00:00.000Z",
    "updated_at": "2026-05-11T00:00:00.000Z",
    "result": None,
    "error": None,
}
REQUEST = Request("wan-2-7-image-pro", "a café at dawn 🌅", {"seed": 7, "watermark": "false"})
CAT = Reference("00" * 32, "image", "image/png", "cat.png", 4)


def retrieve(body: object) -> Task:
    async def main() -> Task:
        async with scripted(answer(200, body)) as service, client_of(service) as client:
            return await client.generations.retrieve("task_1")

    return asyncio.run(main())


def test_a_request_is_submitted_with_its_key_and_the_documented_body() -> None:
    async def main() -> None:
        async with scripted(answer(200, TASK)) as service, client_of(service) as client:
            task = await client.generations.create(
                REQUEST, idempotency_key="job-1", client_request_id="trace-1"
            )
        [sent] = service.received
        assert (sent.method, sent.path) == ("POST", "/api/v1/generations")
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert sent.headers["idempotency-key"] == "job-1"
        assert sent.headers["content-type"] == "application/json"
        assert json.loads(sent.body) == {
            "model": "wan-2-7-image-pro",
            "prompt": "a café at dawn 🌅",
            "params": {"seed": 7, "watermark": "false"},
            "client_request_id": "trace-1",
        }
        assert (task.id, task.status, task.reserved_credits) == ("task_1", "queued", 12)

    asyncio.run(main())


def test_a_submit_without_a_key_of_the_callers_gets_one_of_its_own() -> None:
    async def main() -> None:
        async with scripted(answer(200, TASK)) as service, client_of(service) as client:
            await client.generations.create(REQUEST)
            await client.generations.create(REQUEST)
        first, second = (sent.headers["idempotency-key"] for sent in service.received)
        assert len(first) == 36
        assert first != second

    asyncio.run(main())


def test_a_stored_body_is_sent_byte_for_byte() -> None:
    body = b'{ "model": "m",  "prompt":"\xc3\xa9" }\n'

    async def main() -> None:
        async with scripted(answer(200, TASK)) as service, client_of(service) as client:
            await client.generations.create(body, idempotency_key="job-1")
        assert service.received[0].body == body

    asyncio.run(main())


def test_uploaded_references_travel_in_the_params() -> None:
    item = UploadedFile("file_1", "https://files.example/1", duration_token="tok").media_item(CAT)
    request = Request("m", "p", {}, (CAT,))
    assert json.loads(generation_body(request, [item], "t"))["params"] == {
        "referenceMediaItems": [
            {
                "url": "https://files.example/1",
                "kind": "image",
                "name": "cat.png",
                "mimeType": "image/png",
                "durationToken": "tok",
            }
        ]
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"request": Request("m", "p", {}, (CAT,))}, "references"),
        ({"request": b"{}", "client_request_id": "x"}, "bytes"),
        ({"request": REQUEST, "idempotency_key": "two\nlines"}, "idempotency_key"),
        ({"request": REQUEST, "client_request_id": "x" * 129}, "client_request_id"),
    ],
)
def test_wrong_arguments_of_a_submit_send_nothing(arguments: dict[str, Any], named: str) -> None:
    async def main() -> None:
        async with scripted(answer(200, TASK)) as service, client_of(service) as client:
            with pytest.raises(UsageError, match=named):
                await client.generations.create(**arguments)
        assert service.connections == 0

    asyncio.run(main())


def test_a_finished_task_lists_each_url_once_and_unknown_fields_do_no_harm() -> None:
    result = {"primary_url": "https://p/1", "urls": ["https://p/1", "https://p/2", None], "x": 1}
    task = retrieve({**TASK, "status": "succeeded", "result": result, "new": {"a": 1}})
    assert task.finished
    assert task.urls == ("https://p/1", "https://p/2")


def test_a_failed_task_tells_why() -> None:
    error = {"code": "generation_failed", "message": "no luck"}
    task = retrieve({**TASK, "status": "failed", "error": error})
    assert (task.finished, task.error_code, task.error_message) == (True, "generation_failed", "no luck")


def test_the_short_task_object_and_an_unknown_status_are_read() -> None:
    task = retrieve({"id": "task_1", "status": "dreaming"})
    assert (task.status, task.finished, task.final_credits) == ("dreaming", False, None)


def test_an_id_with_slashes_stays_one_segment_of_the_path() -> None:
    async def main() -> None:
        async with scripted(answer(200, TASK)) as service, client_of(service) as client:
            await client.generations.retrieve("../credits?x=é")
        assert service.received[0].path == "/api/v1/generations/..%2Fcredits%3Fx%3D%C3%A9"

    asyncio.run(main())


@pytest.mark.parametrize("body", [[], {"status": "queued"}, "task", {"id": 5}])
def test_json_of_another_shape_is_told_with_what_came(body: object) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"generations\.retrieve: the answer has no task"):
        retrieve(body)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_file_is_uploaded_as_a_form_under_its_own_name(tmp_path: Path, streamed: bool) -> None:
    path = tmp_path / "stored-under-a-hash"
    path.write_bytes(b"\x89PNG" + b"x" * 300_000)

    async def main() -> UploadedFile:
        file = {"file_id": "file_1", "url": "https://files.example/1", "expires_at": "2026-06-01"}
        async with scripted(answer(200, file)) as service, client_of(service) as client:
            uploaded = await client.files.upload(
                path if streamed else path.read_bytes(),
                kind="image",
                model="m",
                mime_type="image/png",
                name='cat "1".png',
                client_request_id="job-1",
            )
        [sent] = service.received
        assert sent.path == "/api/v1/files"
        assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert path.read_bytes() in sent.body
        for part in (b'name="kind"\r\n\r\nimage', b'name="model"\r\n\r\nm', b"\r\n\r\njob-1"):
            assert part in sent.body
        assert b'filename="cat %221%22.png"\r\nContent-Type: image/png' in sent.body
        return uploaded

    assert asyncio.run(main()) == UploadedFile("file_1", "https://files.example/1", expires_at="2026-06-01")


def test_a_missing_file_is_a_message_and_nothing_is_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted(answer(200, {})) as service, client_of(service) as client:
            with pytest.raises(UsageError, match=r"gone\.png: cannot be read: No such file"):
                await client.files.upload(
                    tmp_path / "gone.png", kind="image", model="m", mime_type="image/png", name="gone.png"
                )
        assert service.connections == 0

    asyncio.run(main())


def test_the_balance_is_read() -> None:
    async def main() -> int:
        async with scripted(answer(200, {"current_credits": 123})) as service, client_of(service) as client:
            return (await client.credits.retrieve()).current_credits

    assert asyncio.run(main()) == 123


def test_odd_entries_do_not_break_the_list_of_models_and_it_needs_no_key() -> None:
    entries = [{"id": "m", "category": "hologram", "base_credits": "?"}, {"name": "no id"}, 7]

    async def main() -> None:
        async with scripted(answer(200, {"object": "list", "data": entries})) as service:
            async with RivyaClient("", service.origin) as client:
                [model] = await client.models.list()
            async with client_of(service) as client:
                await client.models.list()
        assert (model.id, model.display_name, model.category, model.base_credits) == (
            "m",
            "m",
            "hologram",
            None,
        )
        assert model.raw == entries[0]
        assert all("authorization" not in sent.headers for sent in service.received)

    asyncio.run(main())


def test_a_call_that_needs_a_key_says_so_and_sends_nothing() -> None:
    async def main() -> None:
        async with scripted(answer(200, {})) as service, RivyaClient("", service.origin) as client:
            with pytest.raises(NotConnectedError, match="RIVYA_API_KEY"):
                await client.credits.retrieve()
        assert service.connections == 0

    asyncio.run(main())


def test_one_client_serves_one_event_loop_after_another() -> None:
    port = closed_port()
    client = RivyaClient(KEY, f"http://127.0.0.1:{port}")

    async def main() -> int:
        async with scripted(answer(200, {"current_credits": 5}), port=port):
            return (await client.credits.retrieve()).current_credits

    assert [asyncio.run(main()), asyncio.run(main())] == [5, 5]


def test_polls_that_are_seconds_apart_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock() + passed[0])

    async def main() -> tuple[int, int]:
        async with scripted(conversation(TASK)) as service, client_of(service) as client:
            for _ in range(3):
                await asyncio.gather(*(client.generations.retrieve("task_1") for _ in range(4)))
                passed[0] += 10
            return len(service.received), service.connections

    received, connections = asyncio.run(main())
    assert received == 12
    assert connections <= 4


def test_the_environment_is_read_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("RIVYA_BASE_URL", "http://localhost:8123/")
    client = RivyaClient()
    assert client.origin == "http://localhost:8123"
    assert client.has_key
    assert not RivyaClient("").has_key
    monkeypatch.delenv("RIVYA_BASE_URL")
    assert RivyaClient().origin == "https://rivya.ai"


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("http://rivya.ai", "https is needed"),
        ("http://127.0.0.1.example.com", "https is needed"),
        ("ftp://rivya.ai", "is not an http"),
        ("sandbox", "is not an http"),
        ("https://rivya.ai/api/v1", "more than an origin"),
        ("https://rivya.ai:port", "cannot be read"),
        ("https://me:secret@rivya.ai", "user name"),
    ],
)
def test_an_address_that_a_key_must_not_go_to_is_refused(base_url: str, said: str) -> None:
    with pytest.raises(NotConnectedError, match=said) as caught:
        RivyaClient(KEY, base_url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"])
def test_plain_http_is_fine_on_this_machine(base_url: str) -> None:
    assert RivyaClient(KEY, base_url).origin == base_url
