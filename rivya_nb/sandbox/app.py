"""The sandbox over HTTP: the documented endpoints, and no others.

The key is checked before the body is read, every refusal has the documented shape, and the OpenAPI document
is made from the same declarations that answer.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, File, Form, Header, Request, Security, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from rivya_nb._version import __version__
from rivya_nb.sandbox.backend import Backend
from rivya_nb.sandbox.config import LOOPBACK_HOSTS, SandboxConfig
from rivya_nb.sandbox.faults import HTTP_STATUS, Fault
from rivya_nb.sandbox.keys import KeyGrant
from rivya_nb.sandbox.schemas import (
    Credits,
    ErrorBody,
    ErrorEnvelope,
    GenerationBody,
    GenerationTask,
    ModelList,
    PublicApiFile,
)
from rivya_nb.sandbox.task_results import MIME_TYPES, TaskResults

_bearer = HTTPBearer(auto_error=False, description="An API key, `rvya_sk_…`")
_KEY_CODES = (
    "api_key_missing",
    "api_key_invalid",
    "api_key_revoked",
    "api_key_expired",
    "api_scope_denied",
    "rate_limited",
)
"""The refusals of every call that needs a key."""


class _DocumentedAPI(FastAPI):
    """A FastAPI app whose OpenAPI document has the sandbox's refusals instead of the framework's."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for operation in (one for path in document["paths"].values() for one in path.values()):
                operation["responses"].pop("422", None)
                if (unpaid := operation["responses"].pop("402", None)) is not None:
                    status = self.state.backend.config.insufficient_credits_status
                    operation["responses"][str(status)] = unpaid
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
            self.openapi_schema = document
        return self.openapi_schema


def create_app(config: SandboxConfig, folder: Path) -> FastAPI:
    """The sandbox as an ASGI app that keeps its state in `folder`, which is created if necessary."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = Backend(config, folder)
    results = TaskResults(backend, folder)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        results.close()
        backend.close()

    app = _DocumentedAPI(
        lifespan=lifespan,
        title="Rivya Public API (sandbox)",
        version=__version__,
        description="The documented contract of the Rivya Public API v1 on this machine; results are drawn.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # As they are: an included router's are made anew for each app, which takes longer than its first answers.
        routes=[*_api.routes, *_downloads.routes],
    )
    app.state.backend = backend
    app.state.results = results
    # A page in the user's browser must not reach the sandbox under another host name.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_HOSTS))
    app.add_exception_handler(Fault, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)
    return app


class _GatedRoute(APIRoute):
    """A route that checks the key before it reads the body; its scope is the declared one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        scopes = [scope for needed in self.dependencies for scope in getattr(needed, "scopes", None) or ()]
        scope = scopes[0] if scopes else None

        async def gated(request: Request) -> Response:
            authorization = request.headers.get("authorization")
            request.state.key = _backend(request).admit(authorization, scope)
            return await handler(request)

        return gated


def _refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation for its document; every call may be refused because the service is
    switched off."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, "public_api_disabled"):
        response = found.setdefault(HTTP_STATUS[code], {"model": ErrorEnvelope, "description": ""})
        response["description"] += f", `{code}`" if response["description"] else f"`{code}`"
        if code == "rate_limited":
            response["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds; may be absent."}
            }
    return found


_api = APIRouter(prefix="/api/v1", route_class=_GatedRoute)
_downloads = APIRouter(include_in_schema=False)


def _needs(scope: str) -> list[Any]:
    return [Security(_bearer, scopes=[scope])]


@_api.get("/models", responses=_refusals())
def list_models(request: Request) -> ModelList:
    """The catalogue; public."""
    return _backend(request).models()


@_api.get("/credits", dependencies=_needs("credits:read"), responses=_refusals(*_KEY_CODES))
async def retrieve_credits(request: Request) -> Credits:
    """The balance: the credits that are neither spent nor reserved."""
    return _backend(request).credits(_key(request))


@_api.post(
    "/generations",
    dependencies=_needs("generations:create"),
    responses=_refusals(
        *_KEY_CODES, "validation_failed", "insufficient_credits", "not_found", "idempotency_conflict"
    ),
    response_model_exclude_unset=True,
)
async def create_generation(
    request: Request, body: GenerationBody, idempotency_key: Annotated[str | None, Header()] = None
) -> GenerationTask:
    """Submit a generation; its credits are reserved."""
    backend, asked_at = _backend(request), time.time()
    task = backend.submit(_key(request), body, idempotency_key)
    _results(request).prepare(task)
    # A new task has only begun, however long a busy machine takes for this answer.
    return backend.public_task(task, _origin(request), max(asked_at, task.created_at))


@_api.get(
    "/generations/{task_id}",
    dependencies=_needs("generations:read"),
    responses=_refusals(*_KEY_CODES, "not_found"),
    response_model_exclude_unset=True,
)
async def retrieve_generation(request: Request, task_id: str) -> GenerationTask:
    """The current state of a task."""
    backend = _backend(request)
    return backend.public_task(backend.task(_key(request), task_id), _origin(request), time.time())


@_api.post(
    "/files",
    dependencies=_needs("files:create"),
    responses=_refusals(*_KEY_CODES, "validation_failed", "not_found"),
    response_model_exclude_unset=True,
)
def upload_file(
    request: Request,
    file: Annotated[UploadFile, File()],
    kind: Annotated[Literal["image", "video", "audio"], Form()],
    model: Annotated[str | None, Form()] = None,
    client_request_id: Annotated[str | None, Form(max_length=128)] = None,  # noqa: ARG001 - only its length is ruled
) -> PublicApiFile:
    """Keep a reference file; if `model` is given, its limits apply."""
    backend = _backend(request)
    stored = backend.upload(_key(request), file.file, file.filename or "", kind, model)
    return backend.files.public(stored, _origin(request))


@_api.get(
    "/files/{file_id}",
    dependencies=_needs("files:read"),
    responses=_refusals(*_KEY_CODES, "not_found"),
    response_model_exclude_unset=True,
)
def retrieve_file(request: Request, file_id: str) -> PublicApiFile:
    """The record of an uploaded file."""
    backend = _backend(request)
    return backend.files.public(backend.files.file(file_id, _key(request)), _origin(request))


@_downloads.get("/pictures/{task_id}/{number}.{extension}")
async def download_result(request: Request, task_id: str, number: str, extension: str) -> FileResponse:
    backend: Backend = _backend(request)
    task = backend.finished_task(task_id)
    numbers = {str(n): n for n in range(1, backend.result_count(task) + 1)}
    if number not in numbers or extension != backend.result_format(task):
        raise Fault("not_found", "There is no such result.")
    return FileResponse(
        await _results(request).result(task, numbers[number]), media_type=MIME_TYPES[extension]
    )


@_downloads.get("/files/{file_id}.{_extension}")
def download_file(request: Request, file_id: str) -> FileResponse:
    files = _backend(request).files
    file = files.file(file_id)
    return FileResponse(files.path(file.id), media_type=file.mime_type)


def _backend(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


def _results(request: Request) -> TaskResults:
    results: TaskResults = request.app.state.results
    return results


def _key(request: Request) -> KeyGrant:
    key: KeyGrant = request.state.key
    return key


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    error = ErrorBody(
        code=code,
        # The request may contain half characters, which an answer cannot.
        message=message.encode("utf-8", "replace").decode(),
        requestId=f"req_{secrets.token_hex(8)}",
    )
    return JSONResponse(ErrorEnvelope(error=error).model_dump(), status_code=status, headers=headers)


async def _on_fault(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, Fault)  # noqa: S101 - handlers are registered by type
    status = HTTP_STATUS[fault.code]
    if fault.code == "insufficient_credits":
        status = _backend(request).config.insufficient_credits_status
    headers = None if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return _refusal(status, fault.code, fault.message, headers)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _refusal(400, "validation_failed", "; ".join(_complaints(error.errors())))


async def _on_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    # No code is documented for an unknown path or method: to a client, both do not exist.
    code = "not_found" if error.status_code in (404, 405) else "validation_failed"
    return _refusal(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _on_crash(_request: Request, error: Exception) -> JSONResponse:
    return _refusal(500, "internal_error", f"The sandbox itself is broken: {type(error).__name__}")


def _complaints(errors: Iterable[Any]) -> Iterable[str]:
    for error in errors:
        where = ".".join(str(part) for part in error["loc"] if part != "body")
        yield f"{where}: {error['msg']}" if where else str(error["msg"])
