"""The provenance of a saved picture: request, seed, model, task and time, written into the copy itself.

```python
stamp(original, folder / "bottle.png", Provenance(job, job.pictures[0]))
```
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from rivya_nb._version import __version__
from rivya_nb.contract.catalogue import MEGABYTE
from rivya_nb.contract.references import Reference
from rivya_nb.store.files import write_whole
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.stamping import OURS, CannotStampError, stamped
from rivya_nb.store.trouble import disk_trouble

LARGEST = 50 * MEGABYTE
"""Bytes; a larger file is copied unchanged, with its provenance beside it."""

_FORMAT = 1
WEB_UI_NAMES = {"seed": "Seed", "guidance_scale": "CFG scale"}
"""The web UIs' names for params with the same meaning."""


class Provenance(NamedTuple):
    """The provenance of one of a job's pictures, as its saved copy tells it.

    References have their file's name and hash, never a path.
    """

    job: JobRecord
    picture: PictureRecord

    @property
    def parameters(self) -> str:
        """The text that the common web UIs read: the prompt, then `Seed: 7, Size: 1024x768, Model: …`."""
        params = self.job.shared_params
        negative = params.pop("negative_prompt", None)
        known = {WEB_UI_NAMES[key]: params.pop(key) for key in WEB_UI_NAMES if key in params}
        size = {"Size": f"{self.picture.width}x{self.picture.height}"} if self.picture.width else {}
        number = {"Replicate": self.job.replicate} if self.job.replicate > 1 else {}
        facts = {**known, **number, **size, "Model": self.job.model, **params}
        line = ", ".join(f"{name}: {_quoted(str(value))}" for name, value in facts.items())
        negatives = [] if negative is None else [f"Negative prompt: {negative}"]
        return "\n".join([self.job.prompt, *negatives, f"{line}, Version: {OURS} {__version__}"])

    def to_json(self, indent: int | None = None) -> str:
        """All facts, in the form that `recall` reads."""
        created = self.job.finished_at or self.job.created_at
        told = {
            "tool": OURS,
            "version": __version__,
            "format": _FORMAT,
            "service": self.job.service,
            "model": self.job.model,
            "prompt": self.job.prompt,
            "params": dict(self.job.params),
            "references": [_told(reference) for reference in self.job.references],
            "seed": self.job.seed,
            "replicate": self.job.replicate,
            "job": self.job.id,
            "task_id": self.job.task_id,
            "created": datetime.fromtimestamp(created, timezone.utc).isoformat(timespec="seconds"),
            "picture": {
                "sha256": self.picture.sha256,
                "width": self.picture.width or None,
                "height": self.picture.height or None,
                **({} if self.picture.duration is None else {"duration": self.picture.duration}),
            },
        }
        return json.dumps(told, ensure_ascii=False, indent=indent)


def _told(reference: Reference) -> dict[str, object]:
    told: dict[str, object] = {"name": reference.name, "sha256": reference.sha256, "kind": reference.kind}
    if reference.duration is not None:
        told["duration"] = reference.duration
    return told if reference.url else {**told, "mime_type": reference.mime_type, "size": reference.size}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if set(',:\n"') & set(value) else value


class Stamped(NamedTuple):
    """A saved copy. `sidecar` is the JSON file beside it, None if the provenance is inside; `reason` says why
    not."""

    path: Path
    sidecar: Path | None = None
    reason: str = ""


def sidecar_of(picture: Path) -> Path:
    """The path of the JSON beside a picture: `bottle.png.json`."""
    return picture.with_name(f"{picture.name}.json")


def stamp(source: Path, target: Path, provenance: Provenance) -> Stamped:
    """Copy a picture with its provenance inside, or beside it if the file takes no text; the pixels stay the
    same.

    A file at `target` is replaced, as a whole or not at all. Slow (it reads and writes files of up to 50 MB):
    call it off the event loop.

    Raises:
        StoreError: the original cannot be read, or the copy cannot be written.
    """
    with disk_trouble(source):
        is_large = source.stat().st_size > LARGEST
        data = b"" if is_large else source.read_bytes()
    try:
        if is_large:
            raise CannotStampError(f"it is larger than {LARGEST / MEGABYTE:g} MB")
        copy = stamped(data, provenance.parameters, provenance.to_json())
    except CannotStampError as error:
        write_whole(target, source if is_large else data)
        sidecar = sidecar_of(target)
        write_whole(sidecar, provenance.to_json(indent=1).encode("utf-8", "replace"))
        return Stamped(target, sidecar, str(error))
    write_whole(target, copy)
    return Stamped(target)
