"""The client against the embedded service: the documented way once, and every documented code."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from PIL import Image
from sandboxes import INSTANT, running_sandbox

from api.scripted import IMPATIENT, answer, scripted
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.records import Task
from rivya_nb.api.results import ResultFetcher
from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request, build_request
from rivya_nb.errors import API_ERRORS, ApiError
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

Use = Callable[[RivyaClient], Awaitable[object]]


def request(*references: Reference, seed: int = 7) -> Request:
    model = bundled().runnable(DEFAULT_MODEL)
    return build_request(model, "A glass bottle", {"seed": seed}, references)


def small_png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "teal").save(out, "PNG")
    return out.getvalue()


def using(use: Use, config: SandboxConfig = INSTANT, key: str = DEFAULT_KEY) -> object:
    async def main(url: str) -> object:
        async with RivyaClient(key, url, retries=IMPATIENT) as client:
            return await use(client)

    with running_sandbox(config) as url:
        return asyncio.run(main(url))


async def finished(client: RivyaClient, task: Task) -> Task:
    for _ in range(200):
        if task.finished:
            return task
        await asyncio.sleep(0.02)
        task = await client.generations.retrieve(task.id)
    raise AssertionError(f"{task} did not end")


@pytest.mark.parametrize(
    "config",
    [
        replace(INSTANT, latency=0.2),
        replace(INSTANT, latency=0.2, full_response=False, file_id_key="file_id"),
    ],
    ids=["as documented", "where the documentation is open"],
)
def test_from_a_reference_to_a_picture_and_its_price(config: SandboxConfig, tmp_path: Path) -> None:
    data = small_png()

    async def use(client: RivyaClient) -> None:
        before = (await client.credits.retrieve()).current_credits
        cat = Reference("00" * 32, "image", "image/png", "cat.png", len(data))
        uploaded = await client.files.upload(
            data, kind="image", model=DEFAULT_MODEL, mime_type="image/png", name="cat.png"
        )
        assert uploaded.id is not None
        assert (await client.files.retrieve(uploaded.id)).url == uploaded.url

        task = await client.generations.create(request(cat), references=[uploaded.media_item(cat)])
        assert not task.finished
        task = await finished(client, task)
        assert task.status == "succeeded"
        assert (await client.credits.retrieve()).current_credits < before

        fetcher = ResultFetcher(client.origin)
        picture = await fetcher.fetch(task.urls[0], tmp_path)
        await fetcher.aclose()
        assert picture.path.stat().st_size == picture.inspected.size
        # An eighth of what was asked for: see `quick_processes`.
        assert (picture.inspected.width, picture.inspected.height) == (256, 256)

    using(use, config)


def test_a_repeated_submit_makes_one_task_and_costs_once() -> None:
    async def use(client: RivyaClient) -> None:
        before = (await client.credits.retrieve()).current_credits
        create = client.generations.create
        first, second = [await create(request(), idempotency_key="job-1") for _ in range(2)]
        assert first.id == second.id
        assert (await client.credits.retrieve()).current_credits == before - (first.reserved_credits or 0)

    using(use)


def test_the_live_list_of_models_and_the_description_are_read() -> None:
    async def use(client: RivyaClient) -> None:
        models = {model.id: model for model in await client.models.list()}
        assert models[DEFAULT_MODEL].base_credits == bundled()[DEFAULT_MODEL].base_credits
        assert "/api/v1/generations" in (await client.openapi.retrieve())["paths"]

    using(use)


async def _submit(client: RivyaClient) -> object:
    return await client.generations.create(request())


async def _submit_nonsense(client: RivyaClient) -> object:
    return await client.generations.create(b'{"model": "wan-2-7-image-pro", "prompt": ""}')


async def _submit_without_waiting(client: RivyaClient) -> object:
    return await client.generations.create(request(), retries=replace(client.retries, ends_at_limit=True))


async def _ask_for_nothing(client: RivyaClient) -> object:
    return await client.generations.retrieve("task_of_nobody")


async def _reuse_a_key(client: RivyaClient) -> object:
    await client.generations.create(request(seed=1), idempotency_key="job-1")
    return await client.generations.create(request(seed=2), idempotency_key="job-1")


async def _ask_through_a_proxy_that_takes_the_key(client: RivyaClient) -> object:
    async with httpx.AsyncClient(base_url=client.origin) as without:
        refused = await without.get("/api/v1/credits")
    page = answer(refused.status_code, refused.content)
    async with scripted(page) as proxy, RivyaClient(DEFAULT_KEY, proxy.origin) as behind:
        return await behind.credits.retrieve()


IN_A_TASK = "generation_failed"
"""The only code that comes in a task and not as a refusal."""

REFUSALS = (
    ("api_key_missing", _ask_through_a_proxy_that_takes_the_key, DEFAULT_KEY),
    ("api_key_invalid", _submit, "of-nobody"),
    ("api_key_revoked", _submit, f"{DEFAULT_KEY}_revoked"),
    ("api_key_expired", _submit, f"{DEFAULT_KEY}_expired"),
    ("api_scope_denied", _submit, f"{DEFAULT_KEY}_readonly"),
    ("insufficient_credits", _submit, f"{DEFAULT_KEY}_poor"),
    ("rate_limited", _submit_without_waiting, f"{DEFAULT_KEY}_limited"),
    ("public_api_disabled", _submit, f"{DEFAULT_KEY}_disabled"),
    ("validation_failed", _submit_nonsense, DEFAULT_KEY),
    ("not_found", _ask_for_nothing, DEFAULT_KEY),
    ("idempotency_conflict", _reuse_a_key, DEFAULT_KEY),
)


@pytest.mark.parametrize(("code", "use", "key"), REFUSALS)
def test_every_documented_refusal_is_an_error_of_its_own(code: str, use: Use, key: str) -> None:
    with pytest.raises(API_ERRORS[code]) as caught:
        using(use, replace(INSTANT, send_retry_after=False), key)
    assert isinstance(caught.value, ApiError)
    assert caught.value.code == code
    assert caught.value.request_id is not None
    assert caught.value.request_id in str(caught.value)


def test_a_failed_task_has_its_documented_code_and_costs_nothing() -> None:
    async def use(client: RivyaClient) -> None:
        before = (await client.credits.retrieve()).current_credits
        model = bundled().runnable(DEFAULT_MODEL)
        asked = build_request(model, "A bottle, sandbox:fail", {"seed": 7}, ())
        task = await finished(client, await client.generations.create(asked))
        assert (task.status, task.error_code, task.urls) == ("failed", IN_A_TASK, ())
        assert task.error_message
        assert task.final_credits == 0
        assert (await client.credits.retrieve()).current_credits == before

    using(use)


def test_no_documented_code_was_left_out() -> None:
    assert {code for code, _, _ in REFUSALS} | {IN_A_TASK} == set(API_ERRORS)
