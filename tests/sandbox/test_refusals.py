"""Every documented error code, provoked over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from sandboxes import INSTANT, MODEL, bearer, code, sandbox_client, submit, upload

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY, KEYS


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with sandbox_client(replace(INSTANT, credits=10**6)) as client:
        yield client


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, "api_key_missing"),
        ("", "api_key_missing"),
        ("Bearer", "api_key_invalid"),
        ("Bearer rvya_sk_other", "api_key_invalid"),
        (f"Basic {DEFAULT_KEY}", "api_key_invalid"),
        (f"Bearer {DEFAULT_KEY}_revoked", "api_key_revoked"),
        (f"Bearer {DEFAULT_KEY}_expired", "api_key_expired"),
    ],
)
def test_a_key_that_does_not_open_is_401_on_every_endpoint(
    client: httpx.Client, authorization: str | None, expected: str
) -> None:
    endpoints = [
        ("GET", "/credits"), ("POST", "/generations"), ("GET", "/generations/task_1"),
        ("POST", "/files"), ("GET", "/files/file_1"),
    ]  # fmt: skip
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(base_url=client.base_url, headers=headers) as stranger:
        for method, path in endpoints:
            assert code(stranger.request(method, f"/api/v1{path}", content=b"{broken")) == (401, expected)


def test_the_catalogue_and_the_openapi_document_need_no_key(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as stranger:
        assert stranger.get("/api/v1/models").status_code == 200
        assert stranger.get("/api/v1/openapi.json").status_code == 200


def test_a_key_without_the_scope_is_denied_that_and_nothing_else(client: httpx.Client) -> None:
    readonly = bearer(f"{DEFAULT_KEY}_readonly")
    body = {"model": MODEL, "prompt": "x"}
    denied = client.post("/api/v1/generations", json=body, headers=readonly)
    assert code(denied) == (403, "api_scope_denied")
    assert "generations:create" in denied.json()["error"]["message"]
    task = submit(client).json()["id"]
    assert client.get(f"/api/v1/generations/{task}", headers=readonly).status_code == 200
    assert client.get("/api/v1/credits", headers=readonly).status_code == 200
    older = bearer(f"{DEFAULT_KEY}_nofiles")
    assert code(client.get("/api/v1/files/file_1", headers=older)) == (403, "api_scope_denied")


@pytest.mark.parametrize("status", [402, 400])
def test_credits_that_do_not_suffice_are_refused_and_nothing_is_reserved(status: int) -> None:
    with sandbox_client(replace(INSTANT, credits=30, insufficient_credits_status=status)) as client:
        assert [submit(client).status_code for _ in range(2)] == [200, 200]
        assert code(submit(client)) == (status, "insufficient_credits")
        assert client.get("/api/v1/credits").json() == {"current_credits": 6}


def test_the_poor_key_has_no_credits_and_sees_nobody_elses_tasks(client: httpx.Client) -> None:
    poor = bearer(f"{DEFAULT_KEY}_poor")
    assert client.get("/api/v1/credits", headers=poor).json() == {"current_credits": 0}
    body = {"model": MODEL, "prompt": "x"}
    refused = client.post("/api/v1/generations", json=body, headers=poor)
    assert code(refused) == (402, "insufficient_credits")
    task = submit(client).json()["id"]
    assert code(client.get(f"/api/v1/generations/{task}", headers=poor)) == (404, "not_found")


@pytest.mark.parametrize("path", ["generations/task_0", "files/file_0", "elsewhere"])
def test_what_is_not_there_is_not_found(client: httpx.Client, path: str) -> None:
    assert code(client.get(f"/api/v1/{path}")) == (404, "not_found")


@pytest.mark.parametrize(
    "path", ["/pictures/task_0/1.png", "/files/file_0.png", "/pictures/../sandbox.sqlite"]
)
def test_urls_that_nobody_handed_out_lead_nowhere(client: httpx.Client, path: str) -> None:
    assert code(client.get(path)) == (404, "not_found")


def test_a_method_that_does_not_exist_answers_in_the_documented_shape(client: httpx.Client) -> None:
    assert code(client.delete("/api/v1/generations/task_0")) == (405, "not_found")


def test_a_model_that_does_not_exist_is_not_found(client: httpx.Client) -> None:
    body = {"model": "wan-9", "prompt": "x"}
    assert code(client.post("/api/v1/generations", json=body)) == (404, "not_found")
    assert code(upload(client, b"\x89PNG\r\n\x1a\n", model="wan-9")) == (404, "not_found")


def test_a_video_model_of_which_too_little_is_known_is_announced_but_refused(client: httpx.Client) -> None:
    listed = {model["id"]: model for model in client.get("/api/v1/models").json()["data"]}
    assert listed["hailuo-pro"]["api_status"] == "coming_soon"
    refused = client.post("/api/v1/generations", json={"model": "hailuo-pro", "prompt": "x"})
    assert code(refused) == (400, "validation_failed")


@pytest.mark.parametrize("told", [True, False])
def test_too_many_calls_are_limited_with_or_without_retry_after(told: bool) -> None:
    config = SandboxConfig(latency=0, rate_limit=2, rate_window=30, send_retry_after=told)
    with sandbox_client(config) as client:
        assert [client.get("/api/v1/credits").status_code for _ in range(2)] == [200, 200]
        limited = client.get("/api/v1/credits")
        assert code(limited) == (429, "rate_limited")
        assert ("retry-after" in limited.headers) is told
        if told:
            assert 1 <= int(limited.headers["retry-after"]) <= 30
        other = client.get("/api/v1/credits", headers=bearer(f"{DEFAULT_KEY}_readonly"))
        assert other.status_code == 200


def test_the_limit_ends_with_its_window() -> None:
    with sandbox_client(SandboxConfig(latency=0, rate_limit=1, rate_window=0.2)) as client:
        answers = [client.get("/api/v1/credits").status_code]
        while answers[-1] != 200 or len(answers) < 3:
            answers.append(client.get("/api/v1/credits").status_code)
            assert len(answers) < 5000
        assert set(answers) == {200, 429}


def test_a_disabled_service_refuses_everybody() -> None:
    with sandbox_client(SandboxConfig(disabled=True)) as client:
        for path in ("models", "credits"):
            assert code(client.get(f"/api/v1/{path}")) == (503, "public_api_disabled")


@pytest.mark.parametrize(
    ("key", "expected"), [("limited", (429, "rate_limited")), ("disabled", (503, "public_api_disabled"))]
)
def test_keys_provoke_what_else_takes_a_configuration(
    client: httpx.Client, key: str, expected: tuple[int, str]
) -> None:
    assert code(client.get("/api/v1/credits", headers=bearer(f"{DEFAULT_KEY}_{key}"))) == expected


def test_no_test_key_looks_like_a_real_one() -> None:
    assert not [key for key in KEYS if max(map(len, key.removeprefix("rvya_sk_").split("_"))) >= 16]


def test_a_page_under_another_host_name_is_turned_away(client: httpx.Client) -> None:
    assert client.get("/api/v1/models", headers={"Host": "evil.example"}).status_code == 400
