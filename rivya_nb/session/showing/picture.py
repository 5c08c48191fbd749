"""A job as the value of a cell: its pictures and what is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.views.players import make_player
from rivya_nb.views.thumbnails import thumbnail
from rivya_nb.views.words import joined

if TYPE_CHECKING:
    from rivya_nb.session.job import Job
    from rivya_nb.session.showing.looks import Bundle
    from rivya_nb.store.store import Store

_BOX = (512, 512)
_BUDGET = 120_000
"""Pixels of each picture, and bytes of all of them, before base64."""


def picture_bundle(job: Job, store: Store) -> Bundle:
    """The job as display data: static HTML, and plain text."""
    from rivya_nb.views.picture import PictureView, picture_html, picture_text

    record, small, players, troubles = job.record, [], [], []
    files = store.files
    for picture in record.pictures:
        path = files.path(picture.sha256, picture.mime_type)
        try:
            share = _BUDGET // max(2, len(record.pictures))
            load, shelf = files.thumbnails.load, files.thumbnails
            small.append(thumbnail(path, box=_BOX, max_bytes=share, load=load, shelf=shelf))
            players.append(make_player(picture.medium, path, shelf))
        except PictureError as error:
            is_there = files.has(picture.sha256, picture.mime_type)
            troubles.append(str(error) if is_there else f"the file {path.name} is gone from the store")
    view = PictureView(
        record,
        job.params,
        job.marks,
        store.runs.ids_of([job.id])[job.id],
        small,
        players,
        joined(dict.fromkeys(troubles)),
        names_users=store.users.are_several,
    )
    return {"text/html": picture_html(view), "text/plain": picture_text(view, repr(job))}
