"""The sandbox's OpenAPI document, held against what the sandbox does over a real socket."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from sandboxes import MODEL, bearer, running_sandbox, submit

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.faults import HTTP_STATUS
from rivya_nb.sandbox.keys import DEFAULT_KEY, KEYS, KeyGrant

if TYPE_CHECKING:
    from schemathesis import APIOperation, BaseSchema, Case, Response
    from schemathesis.checks import CheckContext

EXAMPLES = 12
"""Requests of each kind to each operation; all of them together take about 5 seconds of a processor."""

OPERATIONS = (
    "GET /api/v1/models",
    "GET /api/v1/credits",
    "POST /api/v1/generations",
    "GET /api/v1/generations/{task_id}",
    "POST /api/v1/files",
    "GET /api/v1/files/{file_id}",
)
DOCUMENT = "/api/v1/openapi.json"

UNRULED = ("POST /api/v1/generations", "POST /api/v1/files")
"""What a model takes stands in its record and not in the document: what fits the latter may be refused."""

quietly = settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_sandbox(SandboxConfig(latency=0, credits=10**9)) as address:
        yield address


@cache
def schema_of(url: str) -> BaseSchema:
    import schemathesis

    return schemathesis.openapi.from_url(url + DOCUMENT)


def operation_of(url: str, label: str) -> APIOperation:
    return next(found.ok() for found in schema_of(url).get_all_operations() if found.ok().label == label)


def code_fits_status(_context: CheckContext, response: Response, _case: Case) -> bool | None:
    """A refusal has a documented code, under the status that is documented for it."""
    if response.status_code >= 400:
        code = response.json()["error"]["code"]
        assert HTTP_STATUS[code] == response.status_code, code
    return None


def judge(case: Case, *, key: str = DEFAULT_KEY) -> Response:
    """Send it; every check that schemathesis has for a single call, and our own."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    left_out = [positive_data_acceptance] if case.operation.label in UNRULED else []
    # A service that is switched off answers 503 by its contract, and not because it is broken.
    left_out += [not_a_server_error] if KEYS.get(key, KeyGrant()).refusal == "public_api_disabled" else []
    return case.call_and_validate(
        headers=bearer(key), additional_checks=[code_fits_status], excluded_checks=left_out
    )


def test_the_document_has_every_operation_and_no_other(url: str) -> None:
    assert {found.ok().label for found in schema_of(url).get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_fits_the_document_is_answered_as_it_says(url: str, label: str) -> None:
    operation = operation_of(url, label)

    @quietly
    @given(operation.as_strategy())
    def check(case: Case) -> None:
        judge(case)

    check()


@pytest.mark.parametrize("label", OPERATIONS[1:])
def test_what_does_not_fit_the_document_is_refused_as_it_says(url: str, label: str) -> None:
    from schemathesis import GenerationMode

    operation = operation_of(url, label)

    @quietly
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def check(case: Case) -> None:
        judge(case)

    check()


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("key", [*KEYS, "rvya_sk_of_nobody"])
def test_what_a_key_provokes_is_in_the_document(url: str, label: str, key: str) -> None:
    operation = operation_of(url, label)
    path = {name: "absent" for name in ("task_id", "file_id") if name in label}
    body = {"model": MODEL, "prompt": "A bottle", "params": {"seed": 1}}
    more = {"body": body} if label == "POST /api/v1/generations" else {}
    if label == "POST /api/v1/files":
        more = {"body": {"file": b"no picture", "kind": "image"}, "media_type": "multipart/form-data"}
    judge(operation.Case(path_parameters=path, **more), key=key)


@pytest.mark.parametrize("prompt", ["A bottle", "A bottle, sandbox:fail"])
@pytest.mark.parametrize("full", [True, False], ids=["full", "short"])
def test_tasks_and_files_that_are_there_look_as_in_the_document(full: bool, prompt: str) -> None:
    config = SandboxConfig(latency=0, full_response=full, file_seconds=None if full else 60)
    with running_sandbox(config) as url, httpx.Client(base_url=url, headers=bearer(DEFAULT_KEY)) as client:
        out = io.BytesIO()
        Image.new("RGB", (300, 300), "teal").save(out, "PNG")
        sent = operation_of(url, "POST /api/v1/files").Case(
            body={"file": out.getvalue(), "kind": "image", "model": MODEL}, media_type="multipart/form-data"
        )
        file = judge(sent)
        found = {
            "GET /api/v1/generations/{task_id}": {"task_id": submit(client, prompt).json()["id"]},
            "GET /api/v1/files/{file_id}": {"file_id": file.json()["id"]},
        }
        there = [judge(operation_of(url, label).Case(path_parameters=path)) for label, path in found.items()]
        assert [answer.status_code for answer in (file, *there)] == [200] * 3


@pytest.mark.parametrize("status", [402, 403])
def test_the_document_follows_the_configured_status_of_an_empty_purse(status: int) -> None:
    config = SandboxConfig(latency=0, insufficient_credits_status=status)
    with running_sandbox(config) as url:
        operation = operation_of(url, "POST /api/v1/generations")
        case = operation.Case(body={"model": MODEL, "prompt": "A bottle"}, media_type="application/json")
        answer = case.call_and_validate(headers=bearer(f"{DEFAULT_KEY}_poor"))
        assert answer.status_code == status
