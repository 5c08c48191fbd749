"""The key leaves in one header to one origin, and is nowhere else to be seen, not even in part."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest

from api.scripted import (
    IMPATIENT,
    KEY,
    Action,
    Scripted,
    answer,
    client_of,
    closed_port,
    raw,
    refusal,
    reset,
    scripted,
    silence,
    stalling,
)
from rivya_nb.api.client import RivyaClient
from rivya_nb.api.key import Key
from rivya_nb.api.records import Task
from rivya_nb.errors import ApiError, NotConnectedError, RivyaError
from rivya_nb.sandbox.keys import DEFAULT_KEY

FRAGMENT = KEY[:12]
ECHO = {"error": {"code": "api_key_invalid", "message": f"no such key: {KEY}", "requestId": KEY}}
FAULTS = {
    "refused with the key repeated": answer(401, ECHO),
    "html with the key repeated": answer(500, f"<h1>{'x' * 100}{KEY}</h1>".encode()),
    "another shape with the key repeated": answer(200, {"authorization": f"Bearer {KEY}"}),
    "redirect to an address with the key": answer(302, b"", {"Location": f"https://{KEY}.example/"}),
    "insufficient": refusal(402, "insufficient_credits"),
    "reset": reset(after_reading=True),
    "silence": silence(),
    "no http": raw(b"220 smtp ready\r\n"),
}


def everything_told(error: BaseException) -> str:
    """What any traceback could show of an error: its chain, all frames, their locals."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(told.format()) + repr(error) + str(error) + repr(vars(error))
    # Their frames hold the request itself, with its headers, for any debugger to open.
    assert not [name for name in ("httpx", "httpcore", "h11") if f"/{name}/" in text]
    return text


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_no_error_no_traceback_and_no_log_shows_the_key(
    fault: Action, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="rivya_nb")

    async def main() -> RivyaError:
        async with scripted(fault) as service, client_of(service) as client:
            with pytest.raises(RivyaError) as caught:
                await client.generations.create(b"{}")
            assert service.received[0].headers["authorization"] == f"Bearer {KEY}"
            return caught.value

    error = asyncio.run(main())
    assert FRAGMENT not in everything_told(error)
    assert FRAGMENT not in caplog.text
    assert all(FRAGMENT not in repr(vars(record)) for record in caplog.records)


def test_a_stalled_upload_that_times_out_or_is_cancelled_shows_no_key(tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(os.urandom(20_000_000))
    ended = asyncio.Event()

    @stalling
    async def refuse_to_read(_reader: object, _writer: object, service: Scripted) -> None:
        service.called.set()
        await ended.wait()

    async def main() -> list[BaseException]:
        async with scripted(refuse_to_read) as service, client_of(service) as client:

            async def upload() -> None:
                await client.files.upload(big, kind="image", model="m", mime_type="image/png", name="b")

            with pytest.raises(RivyaError) as timed_out:
                await upload()
            service.called.clear()
            task = asyncio.create_task(upload())
            await service.called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            ended.set()
            return [timed_out.value, cancelled.value]

    for error in asyncio.run(main()):
        assert FRAGMENT not in everything_told(error)


def test_inspecting_a_client_shows_no_key() -> None:
    async def main() -> None:
        async with scripted(answer(200, {"current_credits": 1})) as service, client_of(service) as client:
            await client.credits.retrieve()
            seen, todo = set(), [client]
            while todo:
                thing = todo.pop()
                if id(thing) in seen or not type(thing).__module__.startswith("rivya_nb"):
                    continue
                seen.add(id(thing))
                assert FRAGMENT not in repr(thing)
                inside = vars(thing) if hasattr(thing, "__dict__") else {}
                assert FRAGMENT not in repr(inside)
                todo += inside.values()
            assert repr(client) == f"RivyaClient({service.origin!r}, key set)"
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
                pickle.dumps(client)
            assert FRAGMENT not in everything_told(caught.value)
            assert FRAGMENT not in repr(copy.copy(client))

    asyncio.run(main())


@pytest.mark.parametrize("wrong", [f"{KEY}\nX-Evil: 1", f"{KEY} {KEY}", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_fits_no_header_is_refused_without_being_shown(wrong: str) -> None:
    with pytest.raises(NotConnectedError, match="API key") as caught:
        RivyaClient(wrong)
    # This test's own frame holds the key as an argument; the client's must not.
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inner = [frame for frame in told.stack if "rivya_nb" in frame.filename]
    assert inner
    assert all(FRAGMENT not in repr(frame.locals) for frame in inner)
    assert FRAGMENT not in str(caught.value)


def test_a_base_url_that_is_refused_shows_no_key() -> None:
    with pytest.raises(NotConnectedError) as caught:
        RivyaClient(KEY, "http://rivya.ai")
    assert FRAGMENT not in everything_told(caught.value)


def test_each_call_is_logged_once_without_its_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="rivya_nb.api")

    async def main() -> None:
        async with scripted(refusal(404, "not_found")) as service, client_of(service) as client:
            with pytest.raises(RivyaError):
                await client.generations.retrieve("task_1")
        port = closed_port()
        async with RivyaClient(KEY, f"http://127.0.0.1:{port}", retries=IMPATIENT) as client:
            with pytest.raises(RivyaError):
                await client.credits.retrieve()

    asyncio.run(main())
    first, *others = [record.getMessage() for record in caplog.records if record.name == "rivya_nb.api"]
    assert first.startswith("GET /api/v1/generations/task_1 -> 404 in ")
    assert first.endswith(" ms, request req_7")
    assert len(others) == IMPATIENT.attempts
    assert all(line.startswith("GET /api/v1/credits -> NotDeliveredError in ") for line in others)


def test_a_proxy_of_the_environment_sees_nothing_of_a_service_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    balance = answer(200, {"current_credits": 1})

    async def main() -> None:
        async with scripted(balance) as proxy, scripted(balance) as service:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.setenv(name, proxy.origin)
            async with client_of(service) as client:
                await client.credits.retrieve()
            assert (proxy.connections, service.connections) == (0, 1)

    asyncio.run(main())


def test_no_cookie_of_an_answer_is_sent_back() -> None:
    async def main() -> None:
        balance = answer(200, {"current_credits": 1}, {"Set-Cookie": "track=me; Path=/"})
        async with scripted(balance) as service, client_of(service) as client:
            await client.credits.retrieve()
            await client.credits.retrieve()
            assert "cookie" not in service.received[1].headers

    asyncio.run(main())


LONG_KEY = "rvya_sk_live_" + "9QfT2mZx7Lp4Wd8k"
"""Its end is no word that a message could have for another reason."""

ESCAPED = {
    "json": "".join(f"\\u{ord(char):04x}" for char in LONG_KEY),
    "json in part": LONG_KEY.replace("_", "\\u005F"),
    "json twice": LONG_KEY.replace("_", "\\\\u005f"),
    "percent": LONG_KEY.replace("_", "%5f"),
    "percent throughout": "".join(f"%{ord(char):02X}" for char in LONG_KEY),
    "percent twice": LONG_KEY.replace("_", "%255F"),
    "html": LONG_KEY.replace("_", "&#95;"),
    "html in hex": LONG_KEY.replace("_", "&#x5F;"),
    "upper case": LONG_KEY.upper(),
    "its beginning": LONG_KEY[:14],
}
ENDS = {
    "its end": f"****{LONG_KEY[-4:]}",
    "more of its end": LONG_KEY[-9:],
    "its end in quotes": f"'{LONG_KEY[-5:]}'",
    "its end behind x": f"xxxx{LONG_KEY[-4:]}",
}
TAILS = [LONG_KEY[-4:], LONG_KEY[8:18]]


def shown_of(echo: str) -> bool:
    return any(part.casefold() in echo.casefold() for part in TAILS)


@pytest.mark.parametrize(
    ("where", "escaped"),
    [
        *itertools.product(["message", "text", "html", "code", "cut"], [*ESCAPED.values(), *ENDS.values()]),
        *itertools.product(["request id", "header"], ESCAPED.values()),
    ],
)
def test_no_spelling_of_the_key_gets_through_an_error(
    where: str, escaped: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="rivya_nb")
    words = f"the API key {escaped} is not known"
    bodies = {
        "message": f'{{"error": {{"code": "api_key_invalid", "message": "{words}"}}}}',
        "text": f'{{"detail": ["{words}"]}}',
        "html": f"<p>{words}</p>",
        "code": f'{{"error": {{"code": "key {escaped}", "message": "no"}}}}',
        "request id": f'{{"error": {{"code": "key", "message": "no", "requestId": "{escaped}"}}}}',
        "header": "{}",
        "cut": f'{{"error": {{"message": "{words}',
    }
    headers = {"X-Request-Id": f"key {escaped}"} if where == "header" else {}
    error = asyncio.run(_refused(answer(401, bodies[where].encode(), headers)))
    assert not shown_of(everything_told(error))
    assert not shown_of(caplog.text)


async def _refused(action: Action) -> RivyaError:
    async with (
        scripted(action) as service,
        RivyaClient(LONG_KEY, service.origin, retries=IMPATIENT) as client,
    ):
        with pytest.raises(RivyaError) as caught:
            await client.credits.retrieve()
        return caught.value


async def _read_task(action: Action) -> Task:
    async with (
        scripted(action) as service,
        RivyaClient(LONG_KEY, service.origin, retries=IMPATIENT) as client,
    ):
        return await client.generations.retrieve("task_1")


@pytest.mark.parametrize("escaped", [*ESCAPED.values(), *ENDS.values()])
def test_a_failed_tasks_error_shows_no_key(escaped: str) -> None:
    error = f'{{"code": "key {escaped}", "message": "the key {escaped} is used up"}}'
    body = f'{{"id": "task_1", "status": "failed {LONG_KEY}", "error": {error}}}'
    assert not shown_of(repr(asyncio.run(_read_task(answer(200, body.encode())))))


def test_ids_and_addresses_stay_as_they_are_and_other_words_too() -> None:
    end = LONG_KEY[-4:]
    task = {
        "id": f"task-{end}",
        "status": "succeeded",
        "model": f"keys {end}",
        "result": {"urls": [f"https://p.example/{LONG_KEY[-6:]}?key={end}"]},
        "error": {"message": f"keyframe{end}s and {end}s"},
    }

    read = asyncio.run(_read_task(answer(200, task)))
    assert (read.id, read.urls) == (task["id"], tuple(task["result"]["urls"]))  # type: ignore[index]
    assert read.error_message == f"keyframe{end}s and {end}s"


def test_a_request_id_that_ends_like_the_key_stays_whole() -> None:
    request_id = f"req-{LONG_KEY[-4:]}"
    body = {"error": {"code": "api_key_invalid", "message": "no such key", "requestId": request_id}}
    error = asyncio.run(_refused(answer(401, body)))
    assert isinstance(error, ApiError)
    assert error.request_id == request_id


def test_the_sandboxs_key_is_no_secret() -> None:
    words = "the key rvya_sk_sandbox_poor is not rvya_sk_sandbox, which is for the sandbox."
    assert Key(DEFAULT_KEY).scrub(words, about_keys=True) == words
    assert Key(LONG_KEY).scrub(words, about_keys=True) == words
    assert Key(DEFAULT_KEY).scrub(f"not {LONG_KEY}") == "not [key]"


HOSTILE = "\x1b[31mred\x1b[0m \u202eback\u2069 \u200fmark\nline\ud800" + "x" * 1_000_000


@pytest.mark.parametrize("where", ["refusal", "detail", "html", "task", "status", "request id", "http"])
def test_foreign_words_come_printable_and_short(where: str) -> None:
    text = json.dumps(HOSTILE)
    plain = HOSTILE.replace("\ud800", "").replace("\n", " ").encode()
    actions = {
        "refusal": answer(400, f'{{"error": {{"code": {text}, "message": {text}}}}}'.encode()),
        "detail": answer(422, f'{{"detail": [{text}, {text}]}}'.encode()),
        "html": answer(403, b"<p>" + plain),
        "task": answer(
            200, f'{{"id": "t", "status": "failed", "error": {{"code": {text}, "message": {text}}}}}'.encode()
        ),
        "status": answer(
            200, f'{{"id": "t", "status": {text}, "model": {text}, "created_at": {text}}}'.encode()
        ),
        "request id": answer(
            400, f'{{"error": {{"code": "c", "message": "m", "requestId": {text}}}}}'.encode()
        ),
        "http": raw(b"HTTP/1.1 \x1b[31m" + plain[:2000] + b"\r\n\r\n"),
    }

    async def main() -> list[str]:
        async with scripted(actions[where]) as service, client_of(service) as client:
            try:
                task = await client.generations.retrieve("t")
            except RivyaError as error:
                return [str(error)]
            return [text for text in (getattr(task, name) for name in WORDS) if text]

    told = asyncio.run(main())
    assert told
    for words in told:
        assert words.isprintable()
        assert len(words) < 800


WORDS = ("status", "model", "created_at", "error_code", "error_message")
