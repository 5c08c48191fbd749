"""The key leaves in one header to one origin, and is nowhere else to be seen, not even in part."""

from __future__ import annotations

import asyncio
import copy
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
)
from rivya_nb.api.client import RivyaClient
from rivya_nb.errors import NotConnectedError, RivyaError

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

    async def refuse_to_read(_reader: object, _writer: object, service: Scripted) -> None:
        service.called.set()
        await asyncio.sleep(0.6)

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
