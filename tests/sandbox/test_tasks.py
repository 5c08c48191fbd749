"""A task from submission to picture: its object, its pace, its price, and what a restart leaves of it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sandboxes import INSTANT, MODEL, code, sandbox_client, submit, until, upload

from rivya_nb.sandbox.config import SandboxConfig


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with sandbox_client(replace(INSTANT, credits=10**6), shrink=1) as client:
        yield client


def retrieve(client: httpx.Client, task_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/generations/{task_id}")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def credits_of(client: httpx.Client) -> int:
    left: int = client.get("/api/v1/credits").json()["current_credits"]
    return left


def fetched(client: httpx.Client, task: dict[str, Any]) -> Image.Image:
    # Without the key; a busy machine draws slowly.
    answer = httpx.get(task["result"]["primary_url"], timeout=60)
    assert answer.status_code == 200
    image = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == f"image/{(image.format or '').lower()}"
    return image


def test_the_answer_to_a_submit_is_queued_however_soon_the_task_ends() -> None:
    with sandbox_client(SandboxConfig(latency=1e-4)) as client:
        task = submit(client, key="once", seed=1).json()
        assert task["status"] == "queued"
        assert until(lambda: retrieve(client, task["id"])["status"] == "succeeded")
        again = submit(client, key="once", seed=1).json()
        assert (again["id"], again["status"]) == (task["id"], "succeeded")


def test_a_task_has_the_documented_object_at_every_stage() -> None:
    with sandbox_client(SandboxConfig(latency=4.0)) as client:
        task = submit(client, seed=1).json()
        assert list(task) == [
            "id", "status", "model", "reserved_credits", "final_credits", "created_at", "updated_at",
            "result", "error",
        ]  # fmt: skip
        assert re.fullmatch(r"task_\w+", task["id"])
        assert (task["status"], task["result"], task["error"]) == ("queued", None, None)
        assert (task["reserved_credits"], task["final_credits"]) == (12, 0)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", task["created_at"])
        seen = ["queued"]

        def is_done() -> bool:
            seen.append(retrieve(client, task["id"])["status"])
            return seen[-1] == "succeeded"

        assert until(is_done)
        assert list(dict.fromkeys(seen)) == ["queued", "processing", "succeeded"]
        done = retrieve(client, task["id"])
        assert done["final_credits"] == 12
        assert done["result"]["urls"] == [done["result"]["primary_url"]]
        assert done["created_at"] == task["created_at"] < done["updated_at"]
        assert retrieve(client, task["id"]) == done


def test_a_picture_cannot_be_had_before_its_task_is_done() -> None:
    with sandbox_client(SandboxConfig(latency=60)) as client:
        task = submit(client).json()
        assert code(client.get(f"/pictures/{task['id']}/1.png")) == (404, "not_found")


def test_the_shorter_object_of_one_documentation_page_can_be_had() -> None:
    with sandbox_client(replace(INSTANT, full_response=False)) as client:
        task = submit(client).json()
        assert set(task) == {"id", "status", "model", "reserved_credits", "result", "error"}
        assert set(retrieve(client, task["id"])) == set(task)


def test_a_word_in_the_prompt_makes_a_task_fail_and_gives_its_credits_back() -> None:
    with sandbox_client(SandboxConfig(latency=0.5, credits=1000)) as client:
        task = submit(client, "A bottle sandbox:fail").json()
        assert credits_of(client) == 988
        assert until(lambda: retrieve(client, task["id"])["status"] == "failed")
        failed = retrieve(client, task["id"])
        assert failed["result"] is None
        assert failed["error"]["code"] == "generation_failed"
        assert failed["error"]["message"]
        assert failed["final_credits"] == 0
        assert credits_of(client) == 1000


def test_one_cell_of_a_grid_can_be_made_to_fail(client: httpx.Client) -> None:
    prompt = "A bottle sandbox:fail(seed=3, aspect_ratio=16:9)"
    ends = {
        (seed, ratio): submit(client, prompt, seed=seed, aspect_ratio=ratio).json()["status"]
        for seed in range(1, 5)
        for ratio in ("1:1", "16:9", "4:3", "3:4")
    }
    assert [cell for cell, end in ends.items() if end == "failed"] == [(3, "16:9")]
    assert list(ends.values()).count("succeeded") == 15


def test_a_default_that_was_not_sent_counts_for_failing(client: httpx.Client) -> None:
    assert submit(client, "x sandbox:fail(resolution=2K)").json()["status"] == "failed"
    assert submit(client, "x sandbox:fail(resolution=2K)", resolution="1K").json()["status"] == "succeeded"


def test_the_same_key_and_body_are_one_task_and_billed_once(client: httpx.Client) -> None:
    before = credits_of(client)
    first = submit(client, key="once", seed=5).json()
    assert submit(client, key="once", seed=5).json() == first
    assert before - credits_of(client) == 12
    assert submit(client, key="another", seed=5).json()["id"] != first["id"]


def test_the_same_key_with_another_body_conflicts(client: httpx.Client) -> None:
    submit(client, key="mine", seed=5)
    before = credits_of(client)
    assert code(submit(client, key="mine", seed=6)) == (409, "idempotency_conflict")
    assert credits_of(client) == before


def test_sixteen_at_once_with_one_key_are_one_task(client: httpx.Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: submit(client, key="race", seed=1).json()["id"], range(16)))
    assert len(set(answers)) == 1


def test_a_key_is_forgotten_after_its_time() -> None:
    with sandbox_client(replace(INSTANT, idempotency_seconds=0)) as client:
        assert submit(client, key="k").json()["id"] != submit(client, key="k").json()["id"]


def test_a_refused_request_uses_no_key_up(client: httpx.Client) -> None:
    assert submit(client, key="retry", seed=-1).status_code == 400
    assert submit(client, key="retry", seed=1).status_code == 200


def test_the_balance_never_falls_below_nothing_when_many_ask_at_once() -> None:
    with sandbox_client(replace(INSTANT, credits=60)) as client, ThreadPoolExecutor(12) as pool:
        answers = [answer.status_code for answer in pool.map(lambda _: submit(client), range(12))]
        assert (answers.count(200), answers.count(402)) == (5, 7)
        assert credits_of(client) == 0


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    config = SandboxConfig(latency=1.0, credits=1000)
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    with sandbox_client(config, tmp_path) as client:
        file = upload(client, picture.getvalue()).json()
        item = {"url": file["url"], "kind": "image"}
        task = submit(client, key="kept", seed=1, referenceMediaItems=[item]).json()
        failing = submit(client, "x sandbox:fail").json()
    with sandbox_client(config, tmp_path) as client:
        assert submit(client, key="kept", seed=1, referenceMediaItems=[item]).json()["id"] == task["id"]
        assert until(lambda: retrieve(client, failing["id"])["status"] == "failed")
        assert credits_of(client) == 988
        assert fetched(client, retrieve(client, task["id"])).size == (256, 256)
        assert client.get(f"/api/v1/files/{file['id']}").json()["name"] == file["name"]
        assert submit(client, seed=2, referenceMediaItems=[item]).status_code == 200


def test_a_pictures_url_can_have_an_end() -> None:
    with sandbox_client(SandboxConfig(latency=0, picture_seconds=0)) as client:
        url = submit(client).json()["result"]["primary_url"]
        assert code(client.get(url)) == (404, "not_found")


def test_a_picture_has_the_size_that_was_asked_for_and_needs_no_key(client: httpx.Client) -> None:
    task = submit(client, seed=1, resolution="1K", aspect_ratio="16:9").json()
    assert fetched(client, task).size == (1360, 768)


def test_no_seed_gives_another_picture_each_time_that_stays_the_same(client: httpx.Client) -> None:
    tasks = [submit(client, resolution="1K").json() for _ in range(2)]
    first, second = (fetched(client, task).tobytes() for task in tasks)
    assert first != second
    assert fetched(client, tasks[0]).tobytes() == first


def test_the_same_request_is_drawn_once(tmp_path: Path) -> None:
    with sandbox_client(INSTANT, tmp_path) as client:
        first, again, other = (submit(client, seed=seed).json() for seed in (1, 1, 2))
        drawn = [httpx.get(task["result"]["primary_url"]).content for task in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_several_pictures_come_where_the_model_has_them(client: httpx.Client) -> None:
    body = {"model": "seedream-4-0", "prompt": "x", "params": {"max_images": 3}}
    result = client.post("/api/v1/generations", json=body).json()["result"]
    assert len(set(result["urls"])) == 3
    assert result["urls"][0] == result["primary_url"]
    pictures = {httpx.get(url).content for url in result["urls"]}
    assert len(pictures) == 3
    assert code(client.get(result["primary_url"].replace("/1.", "/4."))) == (404, "not_found")


@pytest.mark.parametrize(
    ("model", "params", "expected"),
    [
        (MODEL, {"resolution": "1K"}, "PNG"),
        ("nano-banana", {}, "PNG"),
        ("nano-banana", {"output_format": "jpeg"}, "JPEG"),
        ("flux-kontext-pro", {}, "JPEG"),
        ("flux-kontext-pro", {"outputFormat": "png"}, "PNG"),
    ],
)
def test_a_picture_has_the_format_that_was_asked_for(
    client: httpx.Client, model: str, params: dict[str, str], expected: str
) -> None:
    body = {"model": model, "prompt": "x", "params": params}
    assert fetched(client, client.post("/api/v1/generations", json=body).json()).format == expected


def test_every_image_model_of_the_catalogue_draws(client: httpx.Client) -> None:
    models = client.get("/api/v1/models").json()
    assert models["object"] == "list"
    for model in models["data"]:
        if model["category"] == "image":
            answer = client.post("/api/v1/generations", json={"model": model["id"], "prompt": "a bottle"})
            assert answer.json()["status"] == "succeeded"
            assert answer.json()["reserved_credits"] == model["base_credits"]


def test_the_openapi_document_has_real_schemas(client: httpx.Client) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/v1/models", "/api/v1/generations", "/api/v1/generations/{task_id}",
        "/api/v1/files", "/api/v1/files/{file_id}", "/api/v1/credits",
    }  # fmt: skip
    create = document["paths"]["/api/v1/generations"]["post"]
    assert create["security"]
    assert "security" not in document["paths"]["/api/v1/models"]["get"]
    schemas = document["components"]["schemas"]
    assert schemas["GenerationBody"]["additionalProperties"] is False
    assert schemas["GenerationBody"]["required"] == ["model"]
    assert {"ErrorEnvelope", "GenerationTask", "PublicApiFile", "Credits", "ModelList"} <= set(schemas)
    assert "422" not in json.dumps(create["responses"])


def test_polls_are_answered_while_pictures_are_drawn(client: httpx.Client) -> None:
    tasks = [submit(client, seed=seed).json() for seed in range(4)]
    polls = 0
    with ThreadPoolExecutor(4) as pool:
        drawing = [pool.submit(fetched, client, task) for task in tasks]
        while not all(job.done() for job in drawing):
            retrieve(client, tasks[0]["id"])
            polls += 1
        assert all(job.result().size == (2048, 2048) for job in drawing)
    # Were they drawn on the event loop, there would be an answer between two pictures at best.
    assert polls > 2 * len(tasks)
