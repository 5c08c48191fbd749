"""Words for states, times and sums, so that every view uses the same."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.ideas import shape, shared_names
from rivya_nb.contract.media import WORDS, Medium
from rivya_nb.contract.service import SANDBOX
from rivya_nb.contract.text import count, listing, printable
from rivya_nb.media.formats import format_name
from rivya_nb.media.suffixes import named_medium
from rivya_nb.media.words import SOUND_RATIO, length_words

if TYPE_CHECKING:
    from rivya_nb.store.records import JobRecord, Marks, PictureRecord

SIGNS: dict[str, str] = {
    "planned": "◌",
    "deferred": "◷",
    "uploading": "↑",
    "submitting": "→",
    "queued": "○",
    "processing": "◔",
    "downloading": "↓",
    "succeeded": "✓",
    "failed": "✕",
    "undelivered": "!",
    "unknown": "?",
    "stopped": "–",
    "deleted": "∅",
}
"""A sign for each state, so that colour is never the only difference."""

RATED, FAVOURITE, EXCLUDED = "★", "♥", "⊘"
"""The signs of marks; widgets have the same (`widgets/marks.js`)."""

NOTHING_TO_STOP = "Nothing is left to stop"

SENT_GOES_ON = "what was sent goes on"
"""What was sent cannot be recalled, and is paid for."""


def seconds(value: float) -> str:
    """A duration in words: `31 s`, `2 min 5 s`, `1 h 10 min`, `3 d`; negative values count as 0."""
    whole = max(0, round(value))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    if whole < 86_400:
        hours, rest = divmod(whole, 3600)
        return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"
    return f"{whole // 86_400} d"


def made_by(job: JobRecord) -> Medium:
    """What a job has made, else what its model makes."""
    return job.pictures[0].medium if job.pictures else job.makes


def noun(media: Collection[Medium]) -> str:
    """The word for one of these: `picture`, `video`, `sound`, and `result` where they differ."""
    return "result" if len(media) > 1 else WORDS[next(iter(media), "image")]


def noun_of(jobs: Iterable[JobRecord]) -> str:
    """The word for one of what these jobs make."""
    return noun({made_by(job) for job in jobs})


def noun_of_files(files: Iterable[PictureRecord]) -> str:
    """The word for one of these files."""
    return noun({each.medium for each in files})


def moving_words(picture: PictureRecord) -> str:
    """What a result is, where it is no picture: `video 0:05`; empty for pictures."""
    if picture.medium == "image":
        return ""
    return f"{WORDS[picture.medium]} {length_words(picture.duration)}".strip()


def file_words(picture: PictureRecord) -> str:
    """What a result's file is: `1024 × 1024 PNG`, `1280 × 720 0:05 MP4`, `0:13 MP3`."""
    size = f"{picture.width} × {picture.height}" if picture.width else ""
    words = (size, length_words(picture.duration), printable(format_name(picture.mime_type)))
    return " ".join(filter(None, words))


def moment_words(moment: float) -> str:
    """When something was, in local time: `2026-11-23 14:05`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def origin_words(job: JobRecord, runs: Sequence[int], *, names_users: bool = False) -> str:
    """When a job was asked for, its runs, and perhaps by whom: `2026-11-23 14:05 · run 41 · by ada`."""
    few = ", ".join(map(str, runs[:_MOST_RUNS]))
    more = f" and {len(runs) - _MOST_RUNS} more" if len(runs) > _MOST_RUNS else ""
    told = f"{'run' if len(runs) == 1 else 'runs'} {few}{more}" if runs else ""
    return joined([moment_words(job.created_at), told, by_words(job.asked_by) if names_users else ""])


def by_words(user: str) -> str:
    """Who asked: `by ada`; empty where that is not known."""
    return f"by {printable(user, _USER_LENGTH)}" if user else ""


_MOST_RUNS = 3
_USER_LENGTH = 40


def about(value: float) -> str:
    """An estimate in words: in steps of 5 s below a minute, then in whole minutes."""
    if value < 10:
        return f"about {max(1, round(value))} s"
    if value < 57.5:
        return f"about {5 * round(value / 5)} s"
    return f"about {max(1, round(value / 60))} min"


PLAY_CREDIT = "play credit"
"""The word for a credit of the sandbox, where it must not be taken for money."""


def credit_count(number: int, *, about: bool, credit: str = "credit") -> str:
    """A cost: `12 credits`, or `about 12 credits` if the service did not say it and it is the documented
    price."""
    if about:
        return f"about {count(number, credit)}" if number else f"{credit}s not known"
    return count(number, credit)


def cost(job: JobRecord) -> str:
    return credit_count(job.credits, about=job.costs_about)


def named_cost(job: JobRecord) -> str:
    """The same, for readers who do not know the service: the sandbox's credits are said to be play credits."""
    credit = PLAY_CREDIT if job.service == SANDBOX else "credit"
    return credit_count(job.credits, about=job.costs_about, credit=credit)


TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates. The marks that Arabic and Hebrew text needs are not among them."""


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, on one line: `31 s · 132 credits`."""
    return " · ".join(part for part in parts if part)


def reason(job: JobRecord) -> str:
    """Why a job has no picture, in the service's words: `generation_failed: the model refused`."""
    return printable(": ".join(part for part in (job.error_code, job.error_message) if part))


def state(job: JobRecord) -> str:
    """A job's status, `deferred` if a worker is to send it, or `deleted` if the user has deleted its pictures."""
    if job.deleted_at is not None and not job.pictures:
        return "deleted"
    return "deferred" if job.is_deferred and job.status == "planned" else job.status


def sign(job: JobRecord) -> str:
    return SIGNS.get(state(job), "·")


def state_word(job: JobRecord) -> str:
    """The word for a job's state; for a failed job the service's code."""
    return printable(job.error_code, 40) if job.status == "failed" and job.error_code else state(job)


def explanation(job: JobRecord) -> str:
    """What a state means to the user; empty if its word says it all."""
    if job.status == "failed":
        return job.error_message or ""
    return _MEANINGS.get(state(job), "")


_MEANINGS = {
    "undelivered": "paid, not fetched yet",
    "unknown": "perhaps billed",
    "stopped": "never sent",
    "deferred": "`rivya-nb work` sends it",
}


def marks_badge(marks: Marks) -> str:
    """The marks that fit into a picture's corner: `★★★★ ♥` for a favourite with four of five stars."""
    stars, hearts = [RATED * marks.rating] * bool(marks.rating), [FAVOURITE] * marks.favourite
    return " ".join(stars + hearts + [f"{EXCLUDED} excluded"] * bool(marks.excluded))


_REASON_LENGTH = 120


def exclusion_words(marks: Marks) -> str:
    """`excluded: hand cut off`; empty where the pictures count."""
    return f"excluded: {printable(marks.excluded, _REASON_LENGTH)}" if marks.excluded else ""


def lost_words(lost: Mapping[str, Path]) -> str:
    """The pictures whose files are gone from the store; empty if there are none."""
    if not lost:
        return ""
    names = list(dict.fromkeys(path.name for path in lost.values()))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    named = noun({named_medium(name) or "image" for name in names})
    gone = f"1 {named}'s file is" if len(names) == 1 else f"{len(names)} {named}s' files are"
    return f"{gone} gone from the store ({listing(names[:_MOST_NAMES])}{more})"


_MOST_NAMES = 2


def unseen_words(kind: str) -> str:
    """The words in the place of a picture whose format could not be decoded here."""
    return f"{kind}, cannot be shown here"


def unseen_kind(picture: PictureRecord | None) -> str:
    """The format of a picture that could not be decoded here, as `HEIC`; empty for any other, and for videos and
    sounds, which have a poster in any case."""
    if picture is None or picture.width or picture.medium != "image":
        return ""
    return printable(format_name(picture.mime_type))


def param_words(params: Mapping[str, object]) -> list[str]:
    """Params as words: `resolution 1K`; long values are shortened."""
    return [f"{key} {printable(str(value), _VALUE_LENGTH)}" for key, value in params.items()]


_VALUE_LENGTH = 40


def replicate_words(job: JobRecord) -> str:
    """`replicate 2`; empty for the first, which says nothing of there being more."""
    return f"replicate {job.replicate}" if job.replicate > 1 else ""


def common_params(jobs: Iterable[JobRecord]) -> Mapping[str, object]:
    """The params that all jobs have with the same value, as sent, by the names that axes have."""
    shared: Mapping[str, object] | None = None
    for job in jobs:
        if shared is None:
            shared = job.shared_params
        else:
            mine = job.shared_params
            shared = {key: value for key, value in shared.items() if mine.get(key, _ABSENT) == value}
    return shared or {}


_ABSENT = object()


def differences(job: JobRecord, others: Iterable[JobRecord]) -> list[str]:
    """The names of what these other jobs were asked for differently: `model`, params, `references`, `prompt`,
    `replicate`."""
    mine = _asked(job)
    names: dict[str, None] = {}
    for other in others:
        its = _asked(other)
        names.update(dict.fromkeys(key for key in {**mine, **its} if mine.get(key) != its.get(key)))
    return list(names)


def _asked(job: JobRecord) -> dict[str, object]:
    """What a job was asked for, the documented defaults included."""
    model = bundled().get(job.model)
    defaults = {} if model is None else {param.key: param.default for param in model.params}
    params = {**shared_names(defaults), **job.shared_params}
    return {
        "model": job.model,
        **params,
        "references": job.references,
        "prompt": job.prompt,
        "replicate": job.replicate,
    }


_SHAPE_KEYS = ("aspect_ratio", "aspectRatio", "image_size", "imageSize", "size")


def aspect_ratio(job: JobRecord, picture: PictureRecord | None) -> float:
    """Width over height of a job's picture: that of the picture, else of the params, else what is usual."""
    if picture is not None and picture.height > 0 and picture.width > 0:
        return picture.width / picture.height
    makes = job.makes if picture is None else picture.medium
    if makes == "audio":
        return SOUND_RATIO
    model = bundled().get(job.model)
    sent = [job.params.get(key) for key in _SHAPE_KEYS]
    defaults = [param.default for key in _SHAPE_KEYS if model is not None and (param := model.param(key))]
    shapes = (shape(str(value)) for value in (*sent, *defaults) if value is not None)
    usual = (16, 9) if makes == "video" else (1, 1)
    width, height = next((each for each in shapes if each is not None), usual)
    return width / height
