"""What the sandbox does, apart from HTTP: it checks keys and requests, and keeps credits, tasks and files."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from rivya_nb.contract.catalogue import Model, bundled
from rivya_nb.contract.references import SNIFF_BYTES, sniff
from rivya_nb.sandbox import tasks, validation
from rivya_nb.sandbox.config import LOOPBACK_HOSTS, SandboxConfig
from rivya_nb.sandbox.faults import Fault
from rivya_nb.sandbox.keys import KEYS, PENNILESS_ACCOUNTS, KeyGrant
from rivya_nb.sandbox.latency import task_seconds
from rivya_nb.sandbox.model_list import is_available, model_list
from rivya_nb.sandbox.schemas import (
    Credits,
    GenerationBody,
    GenerationTask,
    ModelList,
    PublicApiFile,
    TaskFailure,
    TaskResult,
)
from rivya_nb.sandbox.task_database import (
    BusyError,
    ConflictError,
    Idempotency,
    NotEnoughError,
    StoredFile,
    TaskDatabase,
)
from rivya_nb.sandbox.tasks import Task

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_COUNT_KEY = "max_images"
_KEY_REFUSALS = {
    "api_key_revoked": "This API key was revoked.",
    "api_key_expired": "This API key has expired.",
    "rate_limited": "Too many requests with this key.",
    "public_api_disabled": "The public API is switched off for now.",
}


class Backend:
    """One sandbox: its configuration and its data in `folder`. Times are those of the wall clock."""

    def __init__(self, config: SandboxConfig, folder: Path) -> None:
        self.config = config
        self.uploads = folder / "files"
        self.uploads.mkdir(parents=True, exist_ok=True)
        self._database = TaskDatabase(folder / "sandbox.sqlite")
        self._catalogue = bundled()
        self._calls: dict[str, deque[float]] = {}

    def close(self) -> None:
        self._database.close()

    def admit(self, authorization: str | None, scope: str | None) -> KeyGrant | None:
        """The key of a call that needs `scope`; None for a public call.

        Raises:
            Fault: the call is refused.
        """
        if self.config.disabled:
            raise Fault("public_api_disabled", _KEY_REFUSALS["public_api_disabled"])
        if scope is None:
            return None
        scheme, _, name = (authorization or "").strip().partition(" ")
        if not scheme:
            raise Fault("api_key_missing", "An API key is required: Authorization: Bearer rvya_sk_…")
        key = KEYS.get(name.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Fault("api_key_invalid", "This API key is not known.")
        if key.refusal == "rate_limited":
            raise self._too_many(1.0)
        if key.refusal is not None:
            raise Fault(key.refusal, _KEY_REFUSALS[key.refusal])
        self._count_call(name.strip())
        if scope not in key.scopes:
            raise Fault("api_scope_denied", f"This API key lacks the scope {scope}.")
        return key

    def models(self) -> ModelList:
        return model_list(self._catalogue, url_input=self.config.url_input)

    def credits(self, key: KeyGrant) -> Credits:
        spent = self._database.spent(key.account, time.time())
        return Credits(current_credits=self._granted(key) - spent)

    def submit(self, key: KeyGrant, body: GenerationBody, idempotency_key: str | None) -> Task:
        """Accept a generation and reserve its credits; the same key and body give the same task."""
        model = self._model(body.model)
        wrong = validation.problems(model, body.prompt, body.params, self.config)
        references = [] if wrong else self._references(key, body.params, wrong)
        if wrong:
            raise Fault("validation_failed", "; ".join(wrong))
        now = time.time()
        task = Task(
            id=f"task_{secrets.token_hex(12)}",
            account=key.account,
            model=model.id,
            prompt=body.prompt,
            params=body.params,
            references=tuple(references),
            drawn_seed=secrets.randbelow(2**31),
            price=model.base_credits or 0,
            fails=tasks.must_fail(body.prompt, self.with_defaults(model, body.params)),
            created_at=now,
            finished_at=now,
            light=0.0,
        )
        number = self._database.times_asked(task)
        seconds = task_seconds(self.config.latency, task.request, number)
        light = self.config.light.of_task(self.params_of(task), task.request, number)
        task = replace(task, finished_at=now + seconds, light=light)
        return self._keep(key, task, body, idempotency_key)

    def task(self, key: KeyGrant, task_id: str) -> Task:
        task = self._database.task(task_id)
        if task is None or task.account != key.account:
            raise Fault("not_found", "There is no such task.")
        return task

    def finished_task(self, task_id: str) -> Task:
        """A task whose pictures can be fetched."""
        task, now = self._database.task(task_id), time.time()
        lifetime = math.inf if self.config.picture_seconds is None else self.config.picture_seconds
        if task is None or task.status(now) != "succeeded" or now > task.finished_at + lifetime:
            raise Fault("not_found", "There is no such picture.")
        return task

    def upload(self, key: KeyGrant, content: BinaryIO, name: str, kind: str, model: str | None) -> StoredFile:
        """Keep a file, if the model, or else the service, accepts its type and size."""
        limits = validation.upload_limits(self._model(model) if model else None, kind, self.config)
        if limits is None:
            raise Fault("validation_failed", f"{model} takes no files of kind {kind}.")
        if kind != "image":
            raise Fault("validation_failed", "The sandbox keeps images only.")
        data = content.read()
        most, types = limits
        mime_type = sniff(data[:SNIFF_BYTES])
        if mime_type is None or mime_type not in types:
            raise Fault("validation_failed", f"The file's signature is none of {', '.join(types)}.")
        if len(data) > most:
            raise Fault("validation_failed", f"The file has {len(data)} bytes; the maximum is {most}.")
        file = StoredFile(
            id=f"file_{secrets.token_hex(12)}",
            account=key.account,
            kind=kind,
            name=name[:255],
            mime_type=mime_type,
            size=len(data),
            created_at=time.time(),
        )
        self.upload_path(file).write_bytes(data)
        self._database.add_file(file)
        return file

    def file(self, file_id: str, key: KeyGrant | None = None) -> StoredFile:
        """An uploaded file that has not expired; if a key is given, of its account."""
        file = self._database.file(file_id)
        expired = file is not None and time.time() > self._expiry(file)
        if file is None or expired or (key is not None and file.account != key.account):
            raise Fault("not_found", "There is no such file.")
        return file

    def public_file(self, file: StoredFile, origin: str) -> PublicApiFile:
        expiry = self._expiry(file)
        return PublicApiFile(
            **{self.config.file_id_key: file.id},
            url=f"{origin}/files/{file.id}.{_EXTENSIONS[file.mime_type]}",
            kind="image",
            name=file.name,
            mime_type=file.mime_type,
            size=file.size,
            created_at=tasks.timestamp(file.created_at),
            expires_at=None if math.isinf(expiry) else tasks.timestamp(expiry),
        )

    def upload_path(self, file: StoredFile) -> Path:
        return self.uploads / file.id

    def params_of(self, task: Task) -> dict[str, Any]:
        """The params with which a task is drawn, the model's defaults included."""
        return self.with_defaults(self._catalogue[task.model], task.params)

    @staticmethod
    def with_defaults(model: Model, params: Mapping[str, Any]) -> dict[str, Any]:
        return {p.key: p.default for p in model.params if p.default is not None} | dict(params)

    def picture_count(self, task: Task) -> int:
        return int(self.params_of(task).get(_COUNT_KEY, 1))

    def picture_format(self, task: Task) -> str:
        """`png` or `jpg`, which is also the url's extension."""
        params = self.params_of(task)
        named = params.get("output_format", params.get("outputFormat", "png"))
        return "png" if named == "png" else "jpg"

    def _model(self, model_id: str) -> Model:
        model = self._catalogue.get(model_id)
        if model is None:
            raise Fault("not_found", f"There is no model {model_id!r}.")
        if not is_available(model):
            raise Fault(
                "validation_failed", f"The model {model_id} is not available: the sandbox only draws."
            )
        return model

    def _references(self, key: KeyGrant, params: Mapping[str, Any], wrong: list[str]) -> list[str]:
        """The ids of the files that a request refers to; a mistake for an unknown one is added to `wrong`."""
        found = []
        for index, item in enumerate(validation.media_items(params)):
            if self.config.url_input and item["url"].startswith("https://"):
                continue
            file_id = _uploaded_id(item["url"])
            try:
                found.append(self.file(file_id, key).id)
            except Fault:
                wrong.append(
                    f"params.referenceMediaItems[{index}].url is not a file that was uploaded to this service"
                )
        return found

    def _keep(self, key: KeyGrant, task: Task, body: GenerationBody, idempotency_key: str | None) -> Task:
        idempotency = None
        if idempotency_key:
            text = json.dumps(body.model_dump(), sort_keys=True)
            digest = hashlib.sha256(text.encode()).hexdigest()
            since = task.created_at - self.config.idempotency_seconds
            idempotency = Idempotency(idempotency_key, digest, since)
        try:
            most = self.config.max_in_flight
            return self._database.submit(task, self._granted(key), most, idempotency)
        except ConflictError:
            raise Fault(
                "idempotency_conflict", "This Idempotency-Key came with another body before."
            ) from None
        except BusyError as error:
            text = f"This key may have {self.config.max_in_flight} unfinished tasks at a time."
            raise self._too_many(error.free_at - task.created_at, text) from None
        except NotEnoughError as error:
            text = f"{task.price} credits are needed, {error.left} are left."
            raise Fault("insufficient_credits", text) from None

    def public_task(self, task: Task, origin: str) -> GenerationTask:
        """The current state of the task; `origin` begins its pictures' urls."""
        now = time.time()
        status = task.status(now)
        times: dict[str, Any] = {}
        if self.config.full_response:
            times = {
                "final_credits": task.price if status == "succeeded" else 0,
                "created_at": tasks.timestamp(task.created_at),
                "updated_at": tasks.timestamp(task.updated_at(now)),
            }
        return GenerationTask.model_validate(
            {
                "id": task.id,
                "status": status,
                "model": task.model,
                "reserved_credits": task.price,
                **times,
                "result": self._result(task, origin) if status == "succeeded" else None,
                "error": TaskFailure(code="generation_failed", message=tasks.FAILURE_MESSAGE)
                if status == "failed"
                else None,
            }
        )

    def _result(self, task: Task, origin: str) -> TaskResult:
        extension = self.picture_format(task)
        count = self.picture_count(task)
        urls = [f"{origin}/pictures/{task.id}/{number}.{extension}" for number in range(1, count + 1)]
        return TaskResult(primary_url=urls[0], urls=urls)

    def _granted(self, key: KeyGrant) -> int:
        return 0 if key.account in PENNILESS_ACCOUNTS else self.config.credits

    def _expiry(self, file: StoredFile) -> float:
        lifetime = self.config.file_seconds
        return math.inf if lifetime is None else file.created_at + lifetime

    def _count_call(self, name: str) -> None:
        if self.config.rate_limit is None:
            return
        now = time.monotonic()
        calls = self._calls.setdefault(name, deque())
        while calls and calls[0] <= now - self.config.rate_window:
            calls.popleft()
        if len(calls) >= self.config.rate_limit:
            raise self._too_many(calls[0] + self.config.rate_window - now)
        calls.append(now)

    def _too_many(self, wait: float, message: str = _KEY_REFUSALS["rate_limited"]) -> Fault:
        # Whole seconds, at least one: the header has no fractions.
        after = max(1, math.ceil(wait)) if self.config.send_retry_after else None
        return Fault("rate_limited", message, retry_after=after)


def _uploaded_id(url: str) -> str:
    """The file id in one of our own urls, of any port: after a restart the sandbox has another one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    own = parts.hostname in LOOPBACK_HOSTS and parts.path.startswith("/files/")
    return parts.path.removeprefix("/files/").partition(".")[0] if own else ""
