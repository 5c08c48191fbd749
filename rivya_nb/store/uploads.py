"""The references that services have, so that none is uploaded twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, and_, delete, select

from rivya_nb.store.columns import put
from rivya_nb.store.database import Database
from rivya_nb.store.schema import uploads


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A reference that was uploaded to a service for a model. `created_at` in epoch seconds, `sent_with` the
    tag of the key: an account's files are not another one's."""

    service: str
    model: str
    sha256: str
    url: str
    created_at: float
    file_id: str | None = None
    duration_token: str | None = None
    sent_with: str = ""


class UploadBook:
    """The uploads of one store: at most one for each content, model, service and key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, service: str, model: str, sha256: str, sent_with: str = "") -> UploadRecord | None:
        """The upload of a reference for a model with the key of this tag, None if there is none."""
        with self._database.reading() as connection:
            statement = select(uploads).where(_is_of(service, model, sha256, sent_with))
            row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else UploadRecord(**row)

    def add(self, record: UploadRecord) -> None:
        """Store an upload, and replace an earlier one of the same content."""
        values = asdict(record)
        key = {column.name: values.pop(column.name) for column in uploads.primary_key}
        with self._database.writing() as connection:
            put(connection, uploads, key, values)

    def forget(self, record: UploadRecord) -> None:
        """Delete an upload that the service has lost; a newer one of the same content stays."""
        mine = _is_of(record.service, record.model, record.sha256, record.sent_with)
        lost = and_(mine, uploads.c.url == record.url)
        with self._database.writing() as connection:
            connection.execute(delete(uploads).where(lost))


def _is_of(service: str, model: str, sha256: str, sent_with: str) -> ColumnElement[bool]:
    return and_(
        uploads.c.service == service,
        uploads.c.model == model,
        uploads.c.sha256 == sha256,
        uploads.c.sent_with == sent_with,
    )
