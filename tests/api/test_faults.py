"""What the network and the service can do to a call: what is said, what is repeated, and with which bytes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from api.scripted import (
    IMPATIENT,
    KEY,
    PATIENT,
    Action,
    Scripted,
    answer,
    client_of,
    closed_port,
    dripping,
    raw,
    refusal,
    reset,
    scripted,
    silence,
)
from rivya_nb.api.answers import MAX_JSON, parse_retry_after
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.records import Task
from rivya_nb.api.retry import RetryNotice, RetryPolicy
from rivya_nb.errors import (
    API_ERRORS,
    ApiError,
    IdempotencyConflictError,
    NotDeliveredError,
    PublicApiDisabledError,
    RivyaError,
    TransportError,
    UnexpectedResponseError,
)

BODY = b'{"model": "m", "prompt": "p", "params": {}}'
TASK = answer(200, {"id": "task_1", "status": "queued"})
HTML = answer(
    502, b"<!doctype html>\n<h1>Bad Gateway</h1>\x1b[31m" + b"x" * 5000, {"Content-Type": "text/html"}
)
CUT = raw(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\nConnection: close\r\n\r\n{"id": "task_1"')
GARBLED = answer(200, b'{"id": "task_1", "status": "qu')


def submit(*actions: Action) -> tuple[Task | RivyaError, Scripted, list[RetryNotice]]:
    """Submit once against a script: what came of it, what the service saw, the waits that were announced."""
    notices: list[RetryNotice] = []

    async def main() -> tuple[Task | RivyaError, Scripted]:
        async with scripted(*actions) as service, client_of(service, notices) as client:
            try:
                return await client.generations.create(BODY), service
            except RivyaError as error:
                return error, service

    return *asyncio.run(main()), notices


@pytest.mark.parametrize(
    "fault",
    [
        reset(after_reading=True),
        silence(),
        CUT,
        GARBLED,
        HTML,
        answer(500, {"oops": 1}),
        refusal(500, "internal"),
    ],
    ids=["reset", "silence", "cut", "garbled", "html", "json of another shape", "undocumented code"],
)
def test_an_ambiguous_submit_is_repeated_with_the_same_key_and_the_same_bytes(fault: Action) -> None:
    outcome, service, notices = submit(fault, fault, TASK)
    assert isinstance(outcome, Task)
    assert len(service.received) == 3
    assert len({sent.headers["idempotency-key"] for sent in service.received}) == 1
    assert {sent.body for sent in service.received} == {BODY}
    assert [notice.attempt for notice in notices] == [1, 2]
    assert {notice.call for notice in notices} == {"generations.create"}


@pytest.mark.parametrize(
    "fault",
    [
        reset(after_reading=True),
        silence(),
        dripping(interval=0.05),
        CUT,
        GARBLED,
        HTML,
        refusal(500, "internal"),
    ],
    ids=["reset", "silence", "dripping", "cut", "garbled", "html", "undocumented code"],
)
def test_a_submit_that_stays_ambiguous_never_claims_not_to_have_arrived(fault: Action) -> None:
    outcome, service, _ = submit(fault)
    assert isinstance(outcome, TransportError)
    assert not isinstance(outcome, NotDeliveredError)
    assert len(service.received) == IMPATIENT.attempts


def test_after_a_days_sleep_an_ambiguous_submit_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.time

    class Sleep(list[RetryNotice]):
        def append(self, notice: RetryNotice) -> None:
            super().append(notice)
            monkeypatch.setattr("time.time", lambda: clock() + 25 * 3600)

    async def sent() -> int:
        async with (
            scripted(reset(after_reading=True), TASK) as service,
            client_of(service, Sleep()) as client,
        ):
            with pytest.raises(TransportError, match="no whole answer"):
                await client.generations.create(BODY)
            return len(service.received)

    assert asyncio.run(sent()) == 1


def test_a_reset_before_the_request_was_read_is_repeated() -> None:
    outcome, service, _ = submit(reset(after_reading=False), TASK)
    assert isinstance(outcome, Task)
    assert service.connections == 2


def test_where_nobody_listens_the_request_was_not_delivered() -> None:
    notices: list[RetryNotice] = []
    origin = f"http://127.0.0.1:{closed_port()}"

    async def main() -> None:
        async with RivyaClient(KEY, origin, retries=IMPATIENT, on_wait=notices.append) as client:
            with pytest.raises(NotDeliveredError, match=f"{origin} cannot be reached"):
                await client.generations.create(BODY)

    asyncio.run(main())
    assert [notice.reason for notice in notices] == ["the service cannot be reached"] * 2


def test_an_unknown_host_was_not_delivered_to() -> None:
    async def main() -> None:
        async with RivyaClient(KEY, "https://rivya.invalid", timeout=PATIENT, retries=IMPATIENT) as client:
            with pytest.raises(NotDeliveredError):
                await client.generations.create(BODY)

    asyncio.run(main())


@pytest.mark.parametrize("last", ["refused", "unreachable"])
def test_a_refusal_after_an_ambiguous_attempt_does_not_deny_that_one(last: str) -> None:
    async def main() -> None:
        port = closed_port()
        async with scripted(
            reset(after_reading=True), refusal(409, "idempotency_conflict", {"Retry-After": "90"}), port=port
        ) as service:
            if last == "unreachable":
                service.actions[:] = [_reset_and_stop_listening(service)]
            short = replace(IMPATIENT, budget=80.0)
            async with RivyaClient(KEY, service.origin, retries=short) as client:
                with pytest.raises(TransportError, match="may have been accepted") as caught:
                    await client.generations.create(BODY)
        assert not isinstance(caught.value, NotDeliveredError)
        expected = IdempotencyConflictError if last == "refused" else NotDeliveredError
        assert isinstance(caught.value.__cause__, expected)

    asyncio.run(main())


@pytest.mark.parametrize(
    "busy",
    [refusal(409, "idempotency_conflict"), refusal(409, "still_busy"), answer(409, b"<h1>Conflict</h1>")],
    ids=["documented", "undocumented", "html"],
)
def test_a_conflict_after_an_attempt_without_an_answer_is_waited_for(busy: Action) -> None:
    outcome, service, notices = submit(reset(after_reading=True), *[busy] * 6, TASK)
    assert isinstance(outcome, Task)
    assert len(service.received) == 8 > IMPATIENT.attempts
    assert len({sent.headers["idempotency-key"] for sent in service.received}) == 1
    assert {notice.reason for notice in notices[1:]} == {"the service is busy with an earlier attempt"}


def test_a_conflict_that_was_told_is_not_forgotten_when_the_time_is_over() -> None:
    policy = replace(IMPATIENT, budget=1.5)

    async def main() -> None:
        script = [reset(after_reading=True), refusal(409, "idempotency_conflict"), silence()]
        async with (
            scripted(*script) as service,
            RivyaClient(KEY, service.origin, retries=policy) as client,
        ):
            with pytest.raises(TransportError, match=r"may have been accepted.* idempotency_conflict"):
                await client.generations.create(BODY)
            assert len(service.received) == 3

    asyncio.run(main())


def _reset_and_stop_listening(service: Scripted) -> Action:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: Scripted) -> None:
        service.stop()
        await reset(after_reading=True)(reader, writer, service)

    return act


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "api_key_missing"),
        (401, "api_key_invalid"),
        (401, "api_key_revoked"),
        (401, "api_key_expired"),
        (403, "api_scope_denied"),
        (400, "validation_failed"),
        (402, "insufficient_credits"),
        (404, "not_found"),
        (409, "idempotency_conflict"),
        (418, "never_heard_of_it"),
    ],
)
def test_what_cannot_succeed_is_asked_once_and_told_by_its_code(status: int, code: str) -> None:
    outcome, service, notices = submit(refusal(status, code))
    assert type(outcome) is API_ERRORS.get(code, ApiError)
    assert (outcome.code, outcome.http_status, outcome.request_id) == (code, status, "req_7")
    assert str(outcome) == f"{code}: so it is (request req_7)"
    assert (len(service.received), notices) == (1, [])


def test_what_may_pass_is_repeated_and_then_told_by_its_code() -> None:
    outcome, service, notices = submit(refusal(503, "public_api_disabled"))
    assert isinstance(outcome, PublicApiDisabledError)
    assert outcome.code == "public_api_disabled"
    assert len(service.received) == IMPATIENT.attempts
    assert [notice.reason for notice in notices] == ["the service is switched off for now"] * 2


def test_the_wait_is_what_retry_after_asks_for_and_is_announced_first() -> None:
    started = time.monotonic()
    outcome, _, [notice] = submit(refusal(429, "rate_limited", {"Retry-After": "1"}), TASK)
    assert isinstance(outcome, Task)
    assert 1 <= notice.seconds <= 1 + IMPATIENT.first
    assert str(notice) == "rate limited, next try in 1 s"
    assert time.monotonic() - started >= 1


def test_a_date_in_retry_after_is_waited_for_too() -> None:
    now = datetime.now(timezone.utc)
    headers = {
        "Date": format_datetime(now, usegmt=True),
        "Retry-After": format_datetime(now + timedelta(seconds=1), usegmt=True),
    }
    outcome, _, [notice] = submit(refusal(429, "rate_limited", headers), TASK)
    assert isinstance(outcome, Task)
    assert 1 <= notice.seconds <= 1 + IMPATIENT.first


@pytest.mark.parametrize("status", [408, 499])
@pytest.mark.parametrize("body", [b"too slow", b'{"error": {"code": "timeout"}}', b""])
def test_a_status_that_others_repeat_is_asked_once(status: int, body: bytes) -> None:
    outcome, service, notices = submit(answer(status, body), TASK)
    assert isinstance(outcome, UnexpectedResponseError)
    assert (len(service.received), notices) == (1, [])


@pytest.mark.parametrize("header", ["x-should-retry", "Stripe-Should-Retry"])
def test_a_header_that_the_contract_does_not_know_changes_nothing(header: str) -> None:
    outcome, service, _ = submit(refusal(400, "validation_failed", {header: "true"}), TASK)
    assert isinstance(outcome, ApiError)
    assert len(service.received) == 1
    outcome, service, _ = submit(refusal(429, "rate_limited", {header: "false"}), TASK)
    assert isinstance(outcome, Task)
    assert len(service.received) == 2


@pytest.mark.parametrize("body", [{"object": "task"}, [], "queued", {"id": 5, "status": "queued"}])
def test_whole_json_of_another_shape_is_not_asked_for_again(body: object) -> None:
    outcome, service, _ = submit(answer(200, body), TASK)
    assert isinstance(outcome, UnexpectedResponseError)
    assert len(service.received) == 1


@pytest.mark.parametrize("streamed", [True, False], ids=["from disk", "from memory"])
def test_an_upload_is_repeated_from_its_first_byte(tmp_path: Path, streamed: bool) -> None:
    data = b"\x89PNG" + bytes(range(256)) * 2000
    path = tmp_path / "reference.png"
    path.write_bytes(data)
    done = answer(200, {"id": "file_1", "url": "https://rivya.ai/f/1"})

    async def main() -> None:
        async with scripted(reset(after_reading=True), HTML, done) as service, client_of(service) as client:
            await client.files.upload(
                path if streamed else data, kind="image", model="m", mime_type="image/png", name="r.png"
            )
            assert len(service.received) == 3
            assert all(data in sent.body for sent in service.received)
            assert all("idempotency-key" not in sent.headers for sent in service.received)

    asyncio.run(main())


def test_a_proxys_page_may_say_when_to_come_back_too() -> None:
    page = answer(503, b"<h1>Busy</h1>", {"Retry-After": "1"})
    outcome, _, [notice] = submit(page, TASK)
    assert isinstance(outcome, Task)
    assert notice.seconds >= 1
    assert notice.reason == "the service failed (503)"


@pytest.mark.parametrize("asked", ["121", "86400"])
def test_a_service_that_asks_for_too_long_a_wait_is_not_waited_for(asked: str) -> None:
    async def main() -> None:
        async with scripted(refusal(503, "public_api_disabled", {"Retry-After": asked})) as service:
            client = RivyaClient(KEY, service.origin, retries=RetryPolicy(budget=1e6))
            with pytest.raises(PublicApiDisabledError) as caught:
                await asyncio.wait_for(client.generations.create(BODY), PATIENT)
            await client.aclose()
            assert caught.value.retry_after == float(asked)
            assert len(service.received) == 1

    asyncio.run(main())


def test_the_budget_ends_a_call_before_its_attempts_are_used_up() -> None:
    policy = RetryPolicy(attempts=50, budget=80.0, first=0.01)
    later = answer(502, b"", {"Retry-After": "90"})

    async def main() -> int:
        async with (
            scripted(HTML, later) as service,
            RivyaClient(KEY, service.origin, retries=policy) as client,
        ):
            with pytest.raises(UnexpectedResponseError):
                await client.credits.retrieve()
            return len(service.received)

    assert asyncio.run(main()) == 2


def test_without_retry_after_the_waits_double_up_to_a_bound() -> None:
    notices: list[RetryNotice] = []
    policy = RetryPolicy(attempts=5, first=0.02, longest=0.08)

    async def main() -> None:
        async with scripted(HTML) as service:
            client = RivyaClient(KEY, service.origin, retries=policy, on_wait=notices.append)
            with pytest.raises(UnexpectedResponseError):
                await client.credits.retrieve()
            await client.aclose()

    asyncio.run(main())
    for notice, most in zip(notices, [0.02, 0.04, 0.08, 0.08], strict=True):
        assert 0.75 * most <= notice.seconds <= most


def test_a_broken_listener_does_not_break_the_call() -> None:
    def listen(notice: RetryNotice) -> None:
        raise RuntimeError("no display")

    async def main() -> str:
        async with scripted(HTML, TASK) as service:
            client = RivyaClient(KEY, service.origin, retries=IMPATIENT, on_wait=listen)
            task = await client.generations.create(BODY)
            await client.aclose()
            return task.id

    assert asyncio.run(main()) == "task_1"


def test_a_page_of_html_is_called_one_and_shown_in_short() -> None:
    outcome, _, _ = submit(HTML)
    assert isinstance(outcome, UnexpectedResponseError)
    assert outcome.http_status == 502
    assert "502 with a page of HTML" in str(outcome)
    assert "<!doctype html> <h1>Bad Gateway" in str(outcome)
    assert "\x1b" not in str(outcome)
    assert len(str(outcome)) < 300


def test_a_wrong_address_that_answers_404_is_asked_once() -> None:
    outcome, service, _ = submit(answer(404, b"<h1>Not here</h1>"))
    assert isinstance(outcome, ApiError)
    assert str(outcome) == "the service answered 404 with a page of HTML: Not here"
    assert len(service.received) == 1


def test_a_redirect_is_not_followed_and_its_target_is_named() -> None:
    async def main() -> None:
        async with scripted(TASK) as other:
            away = answer(302, b"", {"Location": f"{other.origin}/api/v1/generations?token=x"})
            async with scripted(away) as service, client_of(service) as client:
                with pytest.raises(UnexpectedResponseError) as caught:
                    await client.generations.create(BODY)
                assert len(service.received) == 1
            assert other.connections == 0
            assert other.origin.removeprefix("http://") in str(caught.value)
            assert "token" not in str(caught.value)

    asyncio.run(main())


def test_an_endless_answer_is_cut_off() -> None:
    flood = answer(200, b" " * (MAX_JSON + 1))

    async def main() -> None:
        async with scripted(flood) as service:
            once = RetryPolicy(attempts=1)
            async with RivyaClient(KEY, service.origin, retries=once) as client:
                with pytest.raises(TransportError, match="more than 16 MB"):
                    await client.credits.retrieve()

    asyncio.run(main())


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    now = datetime(2026, 5, 11, 12, tzinfo=timezone.utc)
    later, date = format_datetime(now + timedelta(seconds=90), usegmt=True), format_datetime(now, usegmt=True)
    assert parse_retry_after("7") == 7
    assert parse_retry_after(later, date) == 90
    assert parse_retry_after(date, later) == 0
    assert [parse_retry_after(value) for value in (None, "soon", "nan", "inf", "")] == [None] * 5
    here = datetime.now(timezone.utc) + timedelta(seconds=60)
    assert parse_retry_after(format_datetime(here, usegmt=True)) == pytest.approx(60, abs=2)


def test_cancelling_a_call_ends_it_at_once() -> None:
    async def main() -> None:
        async with scripted(silence()) as service, RivyaClient(KEY, service.origin) as client:
            task = asyncio.create_task(client.credits.retrieve())
            await service.called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(service.received) == 1

    asyncio.run(main())
