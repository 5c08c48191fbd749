"""Uploads of references: one for each model and content, remembered until the service has lost it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rivya_nb.api.records import UploadedFile
from rivya_nb.contract.params import REFERENCES_KEY
from rivya_nb.contract.references import Reference
from rivya_nb.errors import ApiError, NotFoundError, StoreError, TransportError, ValidationFailedError
from rivya_nb.jobs.patience import stored
from rivya_nb.jobs.sources import LOST
from rivya_nb.jobs.together import together
from rivya_nb.store.records import JobRecord
from rivya_nb.store.uploads import UploadRecord

if TYPE_CHECKING:
    from rivya_nb.api.client import RivyaClient
    from rivya_nb.store.store import Store

UPLOADS_AT_ONCE = 4
"""Concurrent uploads of one session."""

SURELY_THERE = 3600.0
"""Seconds for which no service loses an upload: a task that fails within them failed for another reason."""

_NAMING_A_FILE = ("reference", "file", "url")
"""Words in lower case by which a refusal is about an upload, if nothing more certain is known."""

_TOKEN = re.compile(r"duration[\W_]*token", re.IGNORECASE)
"""How a refusal names a token of a file's duration: the file is there, and the token does not hold any more."""


class Uploads:
    """The uploads of this store's references to one service, with the key of the tag `label`. Every coroutine runs
    on the session's loop."""

    def __init__(self, service: str, label: str, client: RivyaClient, store: Store) -> None:
        self._service = service
        self._label = label
        self._client = client
        self._store = store
        self._slots = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def media_items(self, job: JobRecord) -> Sequence[Mapping[str, Any]]:
        """A job's references as its body has them, in their order; those that were not uploaded yet are
        uploaded.

        Raises:
            ApiError, TransportError: the service refused an upload, or it did not get through.
            StoreError: a reference's file is gone.
        """
        return await together(self._item(job, reference) for reference in job.references)

    async def _item(self, job: JobRecord, reference: Reference) -> Mapping[str, Any]:
        if reference.url:
            return {"url": reference.url, "kind": reference.kind}
        # For two jobs with the same reference, the second waits for the first one's upload.
        async with self._locks[job.model, reference.sha256]:
            known = await self._known(job.model, reference)
            if known is None:
                async with self._slots:
                    known = await self._upload(job, reference)
                await stored(self._store.uploads.add, known)
        return UploadedFile(known.file_id, known.url, known.duration_token).media_item(reference)

    async def _known(self, model: str, reference: Reference) -> UploadRecord | None:
        return await stored(self._store.uploads.get, self._service, model, reference.sha256, self._label)

    async def _upload(self, job: JobRecord, reference: Reference) -> UploadRecord:
        path = await asyncio.to_thread(self._store.files.local, reference.sha256, reference.mime_type)
        if not await asyncio.to_thread(path.is_file):
            raise StoreError(f"{reference.name}: {LOST}.")
        uploaded = await self._client.files.upload(
            path,
            kind=reference.kind,
            model=job.model,
            mime_type=reference.mime_type,
            name=reference.name,
            client_request_id=job.id,
        )
        return UploadRecord(
            service=self._service,
            model=job.model,
            sha256=reference.sha256,
            url=uploaded.url,
            created_at=self._store.database.now(),
            file_id=uploaded.id,
            duration_token=uploaded.duration_token,
            sent_with=self._label,
        )

    async def forget_lost(self, job: JobRecord, refusal: Exception) -> bool:
        """True if a submit was refused because the service has lost an upload in its body, or does not accept the
        token of its duration any more.

        Such an upload is forgotten here, too, so that the next job that needs it uploads it again.
        """
        if isinstance(refusal, (ValidationFailedError, NotFoundError)):
            return await self._forget_lost(job, refusal.message)
        # A newer service may have a code of its own for it.
        if type(refusal) is ApiError:
            return await self._forget_lost(job, f"{refusal.code} {refusal.message}")
        return False

    async def forget_gone(self, job: JobRecord) -> None:
        """Forget the older uploads of a task that failed, if the service has lost them: that may be why, and what
        is asked anew would fail again."""
        now = self._store.database.now()
        await self._forget_lost(job, job.error_message or "", before=now - SURELY_THERE)

    async def _forget_lost(self, job: JobRecord, message: str, before: float = math.inf) -> bool:
        """Forget the uploads in a job's body that were made before a moment and that the service has lost, which
        `message` may say; True if there are any."""
        if not job.references or not job.body:
            return False
        items = json.loads(job.body)["params"][REFERENCES_KEY]
        pairs = zip(job.references, items, strict=True)
        sent = {ref.sha256: (ref, item["url"]) for ref, item in pairs if not ref.url}
        lost = [await self._is_lost(job.model, *pair, message, before) for pair in sent.values()]
        return any(lost)

    async def _is_lost(self, model: str, reference: Reference, url: str, message: str, before: float) -> bool:
        known = await self._known(model, reference)
        if known is None or known.url != url:
            # Another job has already replaced it.
            return True
        if known.created_at >= before:
            return False
        names_token = _TOKEN.search(message) is not None
        if names_token and reference.kind == "image":
            return False
        if not names_token and not await self._is_gone(known, message):
            return False
        await stored(self._store.uploads.forget, known)
        return True

    async def _is_gone(self, upload: UploadRecord, message: str) -> bool:
        """True if the service says that the file is gone; if it does not answer, its refusal must be about a
        file."""
        if upload.file_id is not None:
            try:
                await self._client.files.retrieve(upload.file_id)
            except NotFoundError:
                return True
            except (ApiError, TransportError):
                pass
            else:
                return False
        return any(word in message.lower() for word in _NAMING_A_FILE)
