"""A 429 is an instruction to wait: it ends no call, whatever the call is, and proves nothing of a submit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api.scripted import (
    IMPATIENT,
    KEY,
    PATIENT,
    Action,
    after,
    answer,
    fetcher_of,
    refusal,
    reset,
    scripted,
)
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.records import Task
from rivya_nb.api.retry import RetryNotice, RetryPolicy, pause
from rivya_nb.errors import RateLimitedError, TransportError

BODY = b'{"model": "m", "prompt": "p", "params": {}}'
TASK = answer(200, {"id": "task_1", "status": "queued"})
LIMIT = refusal(429, "rate_limited")
DAY = 24 * 3600.0
CALLS: dict[str, tuple[Callable[[RivyaClient], Awaitable[Any]], Action]] = {
    "submit": (lambda client: client.generations.create(BODY), TASK),
    "poll": (lambda client: client.generations.retrieve("task_1"), TASK),
    "balance": (lambda client: client.credits.retrieve(), answer(200, {"current_credits": 5})),
    "models": (lambda client: client.models.list(), answer(200, {"data": []})),
    "upload": (
        lambda client: client.files.upload(b"x", kind="image", model="m", mime_type="image/png", name="x"),
        answer(200, {"url": "https://rivya.ai/f/1"}),
    ),
}


def outcome(
    *actions: Action,
    call: Callable[[RivyaClient], Awaitable[Any]] = CALLS["submit"][0],
    policy: RetryPolicy = IMPATIENT,
    told: Callable[[RetryNotice], object] | None = None,
) -> tuple[Any, list[RetryNotice]]:
    """What came of a call, an error included, and the waits that were announced."""
    notices: list[RetryNotice] = []

    def on_wait(notice: RetryNotice) -> None:
        notices.append(notice)
        if told is not None:
            told(notice)

    async def main() -> Any:
        async with scripted(*actions) as service:
            client = RivyaClient(KEY, service.origin, timeout=PATIENT, retries=policy, on_wait=on_wait)
            async with client:
                try:
                    return await call(client)
                except (TransportError, RateLimitedError) as error:
                    return error

    return asyncio.run(main()), notices


@pytest.mark.parametrize("name", CALLS)
def test_a_rate_limit_uses_up_no_attempts(name: str) -> None:
    call, done = CALLS[name]
    result, notices = outcome(*[LIMIT] * 12, done, call=call)
    assert not isinstance(result, Exception)
    assert [notice.reason for notice in notices] == ["rate limited"] * 12


def test_a_picture_waits_for_a_rate_limit_too(tmp_path: Path) -> None:
    data = BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    page = answer(429, b"<h1>Slow down</h1>")

    async def main() -> int:
        async with scripted(*[page] * 7, answer(200, data.getvalue())) as service:
            fetcher = fetcher_of(service)
            fetched = await fetcher.fetch(f"{service.origin}/picture", tmp_path)
            await fetcher.aclose()
            return fetched.inspected.width

    assert asyncio.run(main()) == 8


def test_other_failures_count_from_limit_to_limit() -> None:
    lost = reset(after_reading=True)
    result, _ = outcome(LIMIT, lost, LIMIT, LIMIT, lost, LIMIT, TASK)
    assert isinstance(result, Task)
    result, notices = outcome(LIMIT, lost, LIMIT, lost, LIMIT, lost, TASK)
    assert isinstance(result, TransportError)
    assert len(notices) == 5


def test_the_budget_does_not_count_what_a_rate_limit_asks_for() -> None:
    policy = replace(IMPATIENT, budget=1.1)
    limits = [refusal(429, "rate_limited", {"Retry-After": "0.4"})] * 3
    result, _ = outcome(*limits, reset(after_reading=True), TASK, policy=policy)
    assert isinstance(result, Task)


def test_the_budget_does_not_count_how_long_a_rate_limit_takes_to_come() -> None:
    policy = replace(IMPATIENT, budget=1.1)
    late = after(0.3, LIMIT)
    for script in ([late] * 4, [late] * 4 + [reset(after_reading=True)]):
        result, _ = outcome(*script, TASK, policy=policy)
        assert isinstance(result, Task)


def test_a_rate_limit_is_waited_for_however_long_it_asks() -> None:
    policy = replace(IMPATIENT, longest_retry_after=0.1)
    asked = {"Retry-After": "0.3"}
    result, [notice] = outcome(refusal(429, "rate_limited", asked), TASK, policy=policy)
    assert isinstance(result, Task)
    assert notice.seconds >= 0.3


def test_a_caller_who_waits_by_itself_is_told_at_once() -> None:
    policy = replace(IMPATIENT, ends_at_limit=True)
    result, notices = outcome(refusal(429, "rate_limited", {"Retry-After": "600"}), TASK, policy=policy)
    assert isinstance(result, RateLimitedError)
    assert (result.retry_after, notices) == (600, [])


def test_a_limit_after_an_attempt_without_an_answer_proves_nothing() -> None:
    policy = replace(IMPATIENT, ends_at_limit=True)
    result, _ = outcome(reset(after_reading=True), *[LIMIT] * 5, TASK, policy=policy)
    assert isinstance(result, Task)


@pytest.mark.parametrize("doubt_first", [True, False])
def test_a_key_is_remembered_from_the_first_attempt_without_an_answer(
    doubt_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time
    lost = reset(after_reading=True)

    def tomorrow(notice: RetryNotice) -> None:
        if notice.reason == "rate limited":
            monkeypatch.setattr("time.time", lambda: clock() + DAY + 60)

    script = (lost, LIMIT, TASK) if doubt_first else (LIMIT, lost, TASK)
    result, _ = outcome(*script, told=tomorrow)
    assert isinstance(result, TransportError if doubt_first else Task)


def test_a_repetition_ends_with_the_time_that_the_caller_gives() -> None:
    lost = reset(after_reading=True)
    for until, kind in ((time.time() - 1, TransportError), (time.time() + DAY, Task)):
        result, _ = outcome(
            lost, TASK, call=lambda client, until=until: client.generations.create(BODY, repeat_until=until)
        )
        assert isinstance(result, kind)


def test_the_pause_of_a_limit_that_lasts_for_days_stays_bounded() -> None:
    error = RateLimitedError("slow down", code="rate_limited", http_status=429)
    for failures in (1, 5, 5_000, 10**7):
        assert 0 < pause(IMPATIENT, error, failures) <= IMPATIENT.longest
