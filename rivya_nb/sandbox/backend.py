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

from rivya_nb.contract.catalogue import Catalogue, Model, bundled
from rivya_nb.contract.raw_sound import asked_raw
from rivya_nb.sandbox import tasks, validation
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.faults import Fault
from rivya_nb.sandbox.keys import KEYS, PENNILESS_ACCOUNTS, KeyGrant
from rivya_nb.sandbox.latency import task_seconds
from rivya_nb.sandbox.model_list import is_available, model_list, takes_mp4_alone
from rivya_nb.sandbox.mp4 import can_write_mp4
from rivya_nb.sandbox.own_models import OWN_MODELS
from rivya_nb.sandbox.pricing import price
from rivya_nb.sandbox.schemas import (
    Credits,
    GenerationBody,
    GenerationTask,
    ModelList,
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
from rivya_nb.sandbox.uploads import Uploads

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
        folder.mkdir(parents=True, exist_ok=True)
        self._database = TaskDatabase(folder / "sandbox.sqlite")
        self.files = Uploads(config, folder / "files", self._database)
        self._catalogue = Catalogue([*bundled().values(), *OWN_MODELS])
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
        references = [] if wrong else self.files.references(key, body.params, wrong)
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
            price=price(model, body.prompt, self.with_defaults(model, body.params)),
            fails=tasks.must_fail(body.prompt, self.with_defaults(model, body.params)),
            created_at=now,
            finished_at=now,
            light=0.0,
        )
        number = self._database.times_asked(task)
        pace = self.config.slowness(model.category)
        seconds = pace * task_seconds(self.config.latency, task.request, number)
        light = self.config.light.of_task(self.params_of(task), task.request, number)
        task = replace(task, finished_at=now + seconds, light=light)
        return self._keep(key, task, body, idempotency_key)

    def task(self, key: KeyGrant, task_id: str) -> Task:
        task = self._database.task(task_id)
        if task is None or task.account != key.account:
            raise Fault("not_found", "There is no such task.")
        return task

    def finished_task(self, task_id: str) -> Task:
        """A task whose results can be fetched."""
        task, now = self._database.task(task_id), time.time()
        lifetime = math.inf if self.config.picture_seconds is None else self.config.picture_seconds
        if task is None or task.status(now) != "succeeded" or now > task.finished_at + lifetime:
            raise Fault("not_found", "There is no such result.")
        return task

    def upload(self, key: KeyGrant, content: BinaryIO, name: str, kind: str, model: str | None) -> StoredFile:
        """Keep a file, if the model, or else the service, accepts it."""
        return self.files.keep(key, content, name, kind, self._model(model) if model else None)

    def params_of(self, task: Task) -> dict[str, Any]:
        """The params with which a task is made, the model's defaults included."""
        return self.with_defaults(self._catalogue[task.model], task.params)

    @staticmethod
    def with_defaults(model: Model, params: Mapping[str, Any]) -> dict[str, Any]:
        return {p.key: p.default for p in model.params if p.default is not None} | dict(params)

    def result_count(self, task: Task) -> int:
        return int(self.params_of(task).get(_COUNT_KEY, 1))

    def result_format(self, task: Task) -> str:
        """`png`, `jpg`, `webm`, `mp4`, `wav` or `raw`, which is also the url's extension."""
        model, params = self._catalogue[task.model], self.params_of(task)
        category = model.category
        if category == "video":
            # What a model makes may be its next reference.
            return "mp4" if takes_mp4_alone(model) and can_write_mp4() else "webm"
        if category == "audio":
            return "wav" if asked_raw(params) is None else "raw"
        named = params.get("output_format", params.get("outputFormat", "png"))
        return "png" if named == "png" else "jpg"

    def _model(self, model_id: str) -> Model:
        model = self._catalogue.get(model_id)
        if model is None:
            raise Fault("not_found", f"There is no model {model_id!r}.")
        if not is_available(model):
            raise Fault(
                "validation_failed", f"The model {model_id} is not available: its record is not complete."
            )
        return model

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

    def public_task(self, task: Task, origin: str, now: float) -> GenerationTask:
        """The task's state at the time `now`; `origin` begins its results' urls."""
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
        extension = self.result_format(task)
        count = self.result_count(task)
        urls = [f"{origin}/pictures/{task.id}/{number}.{extension}" for number in range(1, count + 1)]
        return TaskResult(primary_url=urls[0], urls=urls)

    def _granted(self, key: KeyGrant) -> int:
        return 0 if key.account in PENNILESS_ACCOUNTS else self.config.credits

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
