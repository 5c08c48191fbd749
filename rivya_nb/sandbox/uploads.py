"""The files that clients upload, and the check of the references to them.

A video or audio file comes with a token that stands for its measured duration: whoever refers to the file has to
give it back.
"""

from __future__ import annotations

import math
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from rivya_nb.contract.catalogue import Model
from rivya_nb.media.facts import read_facts
from rivya_nb.media.formats import EXTENSIONS
from rivya_nb.sandbox import tasks, validation
from rivya_nb.sandbox.config import LOOPBACK_HOSTS, SandboxConfig
from rivya_nb.sandbox.faults import Fault
from rivya_nb.sandbox.keys import KeyGrant
from rivya_nb.sandbox.schemas import PublicApiFile
from rivya_nb.sandbox.task_database import StoredFile, TaskDatabase

_ROUNDED = 0.1
"""By how many seconds a `durationSeconds` may differ from what was measured: clients round."""


class Uploads:
    """The uploaded files of a sandbox; their bytes are in `folder`."""

    def __init__(self, config: SandboxConfig, folder: Path, database: TaskDatabase) -> None:
        self._config = config
        self._folder = folder
        self._database = database
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, key: KeyGrant, content: BinaryIO, name: str, kind: str, model: Model | None) -> StoredFile:
        """Keep a file, if the model, or else the service, accepts its type, its size and its duration."""
        rule = validation.upload_rule(model, kind)
        if rule is None:
            raise Fault("validation_failed", f"{model.id if model else ''} takes no files of kind {kind}.")
        file_id = f"file_{secrets.token_hex(12)}"
        path = self.path(file_id)
        with path.open("wb") as kept:
            shutil.copyfileobj(content, kept)
        facts, size = read_facts(path), path.stat().st_size
        wrong = next(validation.upload_problems(rule, facts, size, self._config), None)
        if wrong is not None or facts is None:
            path.unlink()
            raise Fault("validation_failed", wrong or "")
        file = StoredFile(
            id=file_id,
            account=key.account,
            kind=kind,
            name=name[:255],
            mime_type=facts.mime_type,
            size=size,
            created_at=time.time(),
            seconds=facts.duration,
            token=None if facts.duration is None else f"dur_{secrets.token_urlsafe(18)}",
        )
        self._database.add_file(file)
        return file

    def file(self, file_id: str, key: KeyGrant | None = None) -> StoredFile:
        """An uploaded file that has not expired; if a key is given, of its account."""
        file = self._database.file(file_id)
        expired = file is not None and time.time() > self._expiry(file)
        if file is None or expired or (key is not None and file.account != key.account):
            raise Fault("not_found", "There is no such file.")
        return file

    def public(self, file: StoredFile, origin: str) -> PublicApiFile:
        expiry = self._expiry(file)
        token = {} if file.token is None else {"duration_token": file.token}
        return PublicApiFile.model_validate(
            {
                self._config.file_id_key: file.id,
                "url": f"{origin}/files/{file.id}{EXTENSIONS[file.mime_type]}",
                "kind": file.kind,
                "name": file.name,
                "mime_type": file.mime_type,
                "size": file.size,
                "created_at": tasks.timestamp(file.created_at),
                "expires_at": None if math.isinf(expiry) else tasks.timestamp(expiry),
                **token,
            }
        )

    def path(self, file_id: str) -> Path:
        return self._folder / file_id

    def references(self, key: KeyGrant, params: Mapping[str, Any], wrong: list[str]) -> list[str]:
        """The ids of the files that a request refers to; what is wrong with a reference is added to `wrong`."""
        found = []
        for index, item in enumerate(validation.media_items(params)):
            if self._config.url_input and item["url"].startswith("https://"):
                continue
            name = f"params.referenceMediaItems[{index}]"
            try:
                file = self.file(_uploaded_id(item["url"]), key)
            except Fault:
                wrong.append(f"{name}.url is not a file that was uploaded to this service")
                continue
            wrong += self._mismatches(file, name, item)
            found.append(file.id)
        return found

    def _mismatches(self, file: StoredFile, name: str, item: Mapping[str, Any]) -> Iterator[str]:
        if item["kind"] != file.kind:
            yield f"{name}.kind is {item['kind']}, and the file is of kind {file.kind}"
        token, seconds = item.get("durationToken"), item.get("durationSeconds")
        if file.token is not None and token is None and self._config.token_required:
            yield f"{name}.durationToken is required for kind {file.kind}"
        if token is not None and token != file.token:
            yield f"{name}.durationToken is not the token of this file"
        elif token is not None and time.time() > file.created_at + self._token_seconds:
            yield f"{name}.durationToken has expired; upload the file again"
        if seconds is not None and (file.seconds is None or not abs(seconds - file.seconds) <= _ROUNDED):
            yield f"{name}.durationSeconds is not the duration of this file"

    @property
    def _token_seconds(self) -> float:
        return math.inf if self._config.token_seconds is None else self._config.token_seconds

    def _expiry(self, file: StoredFile) -> float:
        lifetime = self._config.file_seconds
        return math.inf if lifetime is None else file.created_at + lifetime


def _uploaded_id(url: str) -> str:
    """The file id in one of our own urls, of any port: after a restart the sandbox has another one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    own = parts.hostname in LOOPBACK_HOSTS and parts.path.startswith("/files/")
    return parts.path.removeprefix("/files/").partition(".")[0] if own else ""
