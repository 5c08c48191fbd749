"""The provenance of a saved picture: request, seed, model, task and time, written into the copy itself.

```python
stamp(original, folder / "bottle.png", provenance_of(job, job.pictures[0]))
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from rivya_nb._version import __version__
from rivya_nb.contract.catalogue import MEGABYTE
from rivya_nb.contract.params import ParamValue
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


@dataclass(frozen=True)
class Provenance:
    """The provenance of a picture; `created` in epoch seconds, width and height in pixels, 0 if not known.

    `sha256` in hex is that of the original. References have their file's name and hash, never a path.
    """

    model: str
    prompt: str
    params: Mapping[str, ParamValue] = field(hash=False)
    references: tuple[Reference, ...]
    service: str
    job: str
    task_id: str | None
    created: float
    sha256: str
    width: int
    height: int

    @property
    def parameters(self) -> str:
        """The text that the common web UIs read: the prompt, then `Seed: 7, Size: 1024x768, Model: …`."""
        params = dict(self.params)
        negative = params.pop("negative_prompt", None)
        known = {WEB_UI_NAMES[key]: params.pop(key) for key in WEB_UI_NAMES if key in params}
        size = {"Size": f"{self.width}x{self.height}"} if self.width else {}
        facts = {**known, **size, "Model": self.model, **params}
        line = ", ".join(f"{name}: {_quoted(str(value))}" for name, value in facts.items())
        negatives = [] if negative is None else [f"Negative prompt: {negative}"]
        return "\n".join([self.prompt, *negatives, f"{line}, Version: {OURS} {__version__}"])

    def to_json(self, indent: int | None = None) -> str:
        """All facts, in the form that `recall` reads."""
        told = {
            "tool": OURS,
            "version": __version__,
            "format": _FORMAT,
            "service": self.service,
            "model": self.model,
            "prompt": self.prompt,
            "params": dict(self.params),
            "references": [_told(reference) for reference in self.references],
            "seed": self.params.get("seed"),
            "job": self.job,
            "task_id": self.task_id,
            "created": datetime.fromtimestamp(self.created, timezone.utc).isoformat(timespec="seconds"),
            "picture": {
                "sha256": self.sha256,
                "width": self.width or None,
                "height": self.height or None,
            },
        }
        return json.dumps(told, ensure_ascii=False, indent=indent)


def _told(reference: Reference) -> dict[str, object]:
    told: dict[str, object] = {"name": reference.name, "sha256": reference.sha256, "kind": reference.kind}
    return told if reference.url else {**told, "mime_type": reference.mime_type, "size": reference.size}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if set(',:\n"') & set(value) else value


def provenance_of(job: JobRecord, picture: PictureRecord) -> Provenance:
    """The provenance of one of a job's pictures."""
    return Provenance(
        model=job.model,
        prompt=job.prompt,
        params=dict(job.params),
        references=job.references,
        service=job.service,
        job=job.id,
        task_id=job.task_id,
        created=job.finished_at or job.created_at,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
    )


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
