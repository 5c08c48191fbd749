"""A folder of pictures, videos and sounds with a `metadata.jsonl`, as Hugging Face's `datasets` loads it
(`imagefolder`, `videofolder`, `audiofolder`)."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rivya_nb.contract.media import WORDS, Medium
from rivya_nb.errors import Mistake, UsageError, WaitInterruptedError
from rivya_nb.files import user_path
from rivya_nb.store.files import write_whole
from rivya_nb.store.records import PictureRecord
from rivya_nb.store.trouble import ANOTHER_PLACE, disk_trouble
from rivya_nb.study.places import PicturedPlace
from rivya_nb.study.rows import FILE_NAME, Row

METADATA = "metadata.jsonl"

_FOLDERS: Mapping[Medium, str] = {medium: f"{word}s" for medium, word in WORDS.items()}
# Named by content alone: `datasets` makes splits of names with words such as *test* or *dev*.
_OURS = re.compile(rf"(?:{'|'.join(_FOLDERS.values())})/[0-9a-f]{{64}}\.[a-z0-9]+")
_OTHERS = ("metadata.csv", "metadata.parquet")


def write_imagefolder(
    folder: str | os.PathLike[str],
    places: Sequence[PicturedPlace],
    rows: Sequence[Row],
    original_of: Callable[[PictureRecord], Path],
    tell: Callable[[int, int], None],
    stop: threading.Event,
) -> tuple[list[Path], Path]:
    """Copy the originals, byte for byte, into `folder` (made if absent) and write a row for each of them; the
    pictures' absolute paths, each once, and that of the metadata.

    Each file is written whole, and the metadata last. An earlier export in the folder is replaced, its pictures
    included; other files stay. `tell` is told how many of how many are done. Once `stop` is set it ends soon,
    with what was copied, and without metadata.

    Raises:
        UsageError: the folder has metadata of another origin.
        StoreError: the folder cannot be written.
        WaitInterruptedError: `stop` was set.
    """
    target = user_path(folder)
    earlier = _earlier(target)
    with disk_trouble(target, ANOTHER_PLACE):
        for medium in {place.picture.medium for place in places}:
            (target / _FOLDERS[medium]).mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    lines = []
    for number, (place, row) in enumerate(zip(places, rows, strict=True), 1):
        if stop.is_set():
            raise WaitInterruptedError("The export was stopped.")
        sha256, original = place.picture.sha256, original_of(place.picture)
        if sha256 not in names:
            names[sha256] = f"{_FOLDERS[place.picture.medium]}/{sha256}{original.suffix}"
            _copy(original, target / names[sha256])
        tell(number, len(places))
        lines.append(json.dumps({FILE_NAME: names[sha256], **row}, ensure_ascii=False, allow_nan=False))
    write_whole(target / METADATA, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
    for name in earlier - set(names.values()):
        with suppress(OSError):
            (target / name).unlink()
    return [target / name for name in names.values()], target / METADATA


def _copy(original: Path, copy: Path) -> None:
    # The name says what is in it; a copy that was cut off from outside is made again.
    with suppress(OSError):
        if copy.stat().st_size == original.stat().st_size:
            return
    write_whole(copy, original)


def _earlier(folder: Path) -> set[str]:
    """The pictures that an earlier export has named in this folder.

    Raises:
        UsageError: there is metadata that no export of ours has written.
    """
    for name in _OTHERS:
        if (folder / name).exists():
            raise _wrong(folder, name)
    try:
        text = (folder / METADATA).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except (OSError, ValueError):
        raise _wrong(folder, METADATA) from None
    try:
        names = {str(json.loads(line)[FILE_NAME]) for line in text.split("\n") if line}
    except (ValueError, KeyError, TypeError):
        raise _wrong(folder, METADATA) from None
    if not all(map(_OURS.fullmatch, names)):
        raise _wrong(folder, METADATA)
    return names


def _wrong(folder: Path, name: str) -> UsageError:
    message = f"this folder has a {name} that is not of an earlier export; name another folder"
    return UsageError([Mistake(str(folder), message)])
