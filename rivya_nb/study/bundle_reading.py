"""Reads the text of a bundle. It came from elsewhere: every part is checked before anything of it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from rivya_nb.contract.media import MEDIA, medium_of
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import printable
from rivya_nb.errors import UsageError
from rivya_nb.media.formats import EXTENSIONS
from rivya_nb.media.frames import known_frames
from rivya_nb.media.walking import LONGEST as LONGEST_FILE
from rivya_nb.store.measurements import Subject
from rivya_nb.store.records import (
    HIGHEST_RATING,
    AxisRecord,
    CellRecord,
    JobRecord,
    Marks,
    PictureRecord,
    RunRecord,
)
from rivya_nb.store.vote_records import (
    LONGEST,
    OUTCOMES,
    Judgements,
    RankingPair,
    RankingRecord,
    RaterRecord,
    VoteRecord,
)
from rivya_nb.study.bundle import FORMAT, STATUSES, SUCCEEDED, VERSION, MeasureNumbers, Study
from rivya_nb.study.bundle_values import (
    by_key,
    read_each,
    read_known,
    read_matching,
    read_number,
    read_one_of,
    read_table,
    read_text,
    read_time,
    read_whole,
    wrong,
)
from rivya_nb.study.ranking.ballots import checked_rater
from rivya_nb.study.reading import GivenReference, GivenTable, Sources, read_study
from rivya_nb.study.study_file import LARGEST

LARGEST_FILE = 2_000_000_000
"""Bytes of a picture, a video, a sound or a reference."""

_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SERVICE = re.compile(r"[^\s@]{1,300}")
_LONGEST = 200_000
_NAME = 1000
_MOST = 1_000_000
_LARGEST = 2**53


def read_bundle(data: bytes) -> Study:
    """The study in the text of a bundle. Identities and seeds are worked out anew from the requests.

    Raises:
        UsageError: it is none, of a newer form, or a part of it is not what it should be.
    """
    try:
        record = json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise wrong("study.json", f"this is no JSON of a bundle: {printable(str(error), 100)}") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise wrong("study.json", 'this is no bundle of rivya_nb; export(…, format="bundle") makes one')
    version = read_whole("version", record.get("version"), 1)
    if version > VERSION:
        raise wrong(
            "version", f"{version} is newer than this rivya_nb, which reads {VERSION}; upgrade rivya-nb"
        )
    jobs = by_key("jobs", read_each("jobs", record.get("jobs", []), _job), lambda job: job.id)
    references = {each.sha256: each for job in jobs.values() for each in job.references}
    contents = {picture.sha256 for job in jobs.values() for picture in job.pictures}
    identities = {job.identity for job in jobs.values()}

    def run(where: str, given: object) -> RunRecord:
        return _run(where, given, jobs, references)

    def measure(where: str, given: object) -> MeasureNumbers:
        return _measure(where, given, contents, {"", *contents, *identities})

    return Study(
        jobs=list(jobs.values()),
        runs=read_each("runs", record.get("runs", []), run),
        marks={
            read_known("marks", job_id, jobs): _marks(f"marks.{job_id}", each)
            for job_id, each in read_table("marks", record.get("marks", {})).items()
        },
        measures=read_each("measures", record.get("measures", []), measure),
        judged=_judged(record, jobs),
    )


def _job(where: str, given: object) -> JobRecord:
    job = read_table(where, given)
    params: dict[str, Any] = {}
    for key, value in read_table(f"{where}.params", job.get("params")).items():
        read_text(f"{where}.params", key, _NAME)
        params[key] = (
            read_text(f"{where}.params.{key}", value, _LONGEST)
            if isinstance(value, str)
            else read_number(f"{where}.params.{key}", value, -_LARGEST, _LARGEST)
        )
    pictures = tuple(read_each(f"{where}.pictures", job.get("pictures", []), _picture))
    request = Request(
        read_text(f"{where}.model", job.get("model"), _NAME),
        read_text(f"{where}.prompt", job.get("prompt"), _LONGEST),
        params,
        tuple(read_each(f"{where}.references", job.get("references", []), _reference)),
        replicate=read_whole(f"{where}.replicate", job.get("replicate", 1), 1),
    )
    status = read_one_of(f"{where}.status", job.get("status"), STATUSES)
    if pictures and status != SUCCEEDED:
        raise wrong(f"{where}.status", f"a job with pictures cannot be {status}")
    error = job.get("error")
    code, message = error if isinstance(error, list) and len(error) == 2 else (None, None)
    submitted, finished, deleted = (
        None if job.get(name) is None else read_time(f"{where}.{name}", job[name])
        for name in ("submitted_at", "finished_at", "deleted_at")
    )
    return JobRecord(
        id=read_matching(f"{where}.id", job.get("id"), _ID),
        service=read_matching(f"{where}.service", job.get("service"), _SERVICE),
        model=request.model,
        prompt=request.prompt,
        params=request.params,
        references=request.references,
        identity=request.identity,
        seed=request.seed,
        price=None if job.get("price") is None else read_whole(f"{where}.price", job["price"], 0),
        status=status,
        created_at=read_time(f"{where}.created_at", job.get("created_at")),
        error_code=None if code is None else read_text(f"{where}.error", code, _NAME),
        error_message=None if message is None else read_text(f"{where}.error", message, _LONGEST),
        pictures=pictures,
        replicate=request.replicate,
        makes=medium_of(read_one_of(f"{where}.makes", job.get("makes", "image"), MEDIA)),
        submitted_at=submitted,
        finished_at=finished,
        deleted_at=deleted,
    )


def _picture(where: str, given: object) -> PictureRecord:
    picture = read_table(where, given)
    duration = picture.get("duration")
    return PictureRecord(
        read_matching(f"{where}.sha256", picture.get("sha256"), _SHA256),
        read_one_of(f"{where}.mime_type", picture.get("mime_type"), EXTENSIONS),
        read_whole(f"{where}.width", picture.get("width"), 0, _MOST),
        read_whole(f"{where}.height", picture.get("height"), 0, _MOST),
        read_whole(f"{where}.size", picture.get("size"), 1, LARGEST_FILE),
        None if duration is None else read_number(f"{where}.duration", duration, 0, LONGEST_FILE),
    )


def _reference(where: str, given: object) -> Reference:
    reference = read_table(where, given)
    url = read_text(f"{where}.url", reference.get("url", ""), _LONGEST)
    if url and not url.startswith("https://"):
        raise wrong(f"{where}.url", "it is no https address")
    name = read_text(f"{where}.name", reference.get("name"), _NAME)
    duration = reference.get("duration")
    return Reference(
        read_matching(f"{where}.sha256", reference.get("sha256"), _SHA256),
        read_text(f"{where}.kind", reference.get("kind"), _NAME),
        "" if url else read_one_of(f"{where}.mime_type", reference.get("mime_type"), EXTENSIONS),
        # A name is no path.
        re.split(r"[/\\]", name)[-1] or "reference",
        0 if url else read_whole(f"{where}.size", reference.get("size"), 1, LARGEST_FILE),
        url=url,
        duration=None if duration is None else read_number(f"{where}.duration", duration, 0, LONGEST_FILE),
    )


def _run(
    where: str, given: object, jobs: Mapping[str, JobRecord], references: Mapping[str, Reference]
) -> RunRecord:
    run = read_table(where, given)
    axes = tuple(read_each(f"{where}.axes", run.get("axes", []), _axis))

    def cell(place: str, given: object) -> CellRecord:
        if not isinstance(given, list) or len(given) != 2:
            raise wrong(place, "it is no job with its place")
        job_id, coordinates = given
        if not isinstance(coordinates, list) or len(coordinates) != len(axes):
            raise wrong(place, f"its place is none on {len(axes)} axes")
        at = [
            read_whole(place, each, 0, len(axis.labels) - 1)
            for each, axis in zip(coordinates, axes, strict=True)
        ]
        return CellRecord(read_known(place, job_id, jobs), tuple(at), reused=True)

    cells = tuple(read_each(f"{where}.cells", run.get("cells"), cell))
    if not cells:
        raise wrong(f"{where}.cells", "a run needs a picture or a request")
    name = run.get("name")
    return RunRecord(
        0,
        None if name is None else read_text(f"{where}.name", name, _NAME),
        read_matching(f"{where}.service", run.get("service"), _SERVICE),
        read_time(f"{where}.created_at", run.get("created_at")),
        axes,
        cells,
        _ask(f"{where}.study", run.get("study"), references),
    )


def _ask(where: str, given: object, references: Mapping[str, Reference]) -> str | None:
    """What was asked, in the form of a store; a study file names references of the bundle by their content."""
    if given is None:
        return None

    def reference(named: GivenReference, _: Sequence[str]) -> Reference:
        if named.url is not None:
            known = [each for each in references.values() if each.url == named.url]
        else:
            known = [each for each in [references.get(named.sha256 or "")] if each is not None]
        if not known:
            raise UsageError("the bundle does not have this reference")
        return known[0]

    def table(_: GivenTable) -> NoReturn:
        raise UsageError("a bundle has its rows in itself")

    try:
        study = read_study(read_text(where, given, LARGEST), Sources(reference, table))
    except UsageError as error:
        raise wrong(where, str(error)) from None
    return study.ask.to_json()


def _axis(where: str, given: object) -> AxisRecord:
    axis = read_table(where, given)
    labels = tuple(
        read_each(f"{where}.labels", axis.get("labels"), lambda at, each: read_text(at, each, _LONGEST))
    )

    def facts(at: str, given: object) -> dict[str, str]:
        return {
            read_text(at, name, _NAME): read_text(f"{at}.{name}", text, _LONGEST)
            for name, text in read_table(at, given).items()
        }

    found = tuple(read_each(f"{where}.facts", axis.get("facts", []), facts))
    if found and len(found) != len(labels):
        raise wrong(f"{where}.facts", "there are not as many as labels")
    return AxisRecord(read_text(f"{where}.name", axis.get("name"), _NAME), labels, found)


def _marks(where: str, given: object) -> Marks:
    marks = read_table(where, given)
    switches = [marks.get(name, False) for name in ("favourite", "hidden")]
    if not all(isinstance(each, bool) for each in switches):
        raise wrong(where, "favourite and hidden are true or false")
    tags = read_each(f"{where}.tags", marks.get("tags", []), lambda at, each: read_text(at, each, _NAME))
    return Marks(
        rating=read_whole(f"{where}.rating", marks.get("rating", 0), 0, HIGHEST_RATING),
        favourite=switches[0],
        hidden=switches[1],
        note=read_text(f"{where}.note", marks.get("note", ""), _LONGEST),
        tags=tuple(sorted({tag for each in tags if (tag := " ".join(each.split()))})),
        excluded=read_text(f"{where}.excluded", marks.get("excluded", ""), _LONGEST),
    )


def _measure(where: str, given: object, contents: Collection[str], beside: Collection[str]) -> MeasureNumbers:
    measure = read_table(where, given)

    def number(at: str, given: object) -> tuple[Subject, dict[str, float]]:
        if not isinstance(given, list) or len(given) not in (3, 4):
            raise wrong(at, "it is no number of a picture")
        frames = "" if len(given) == 3 else given[3]
        if frames != "" and not (isinstance(frames, str) and known_frames(frames)):
            raise wrong(at, "it names no frames of a video")
        subject = Subject(read_known(at, given[0], contents), read_known(at, given[1], beside), frames)
        numbers = {
            read_text(at, part, _NAME): float(read_number(f"{at}.{part}", value))
            for part, value in read_table(at, given[2]).items()
        }
        return subject, numbers

    name, version, source = (
        read_text(f"{where}.{key}", measure.get(key), _NAME) for key in ("name", "version", "source")
    )
    return MeasureNumbers(
        name, version, source, tuple(read_each(f"{where}.numbers", measure.get("numbers"), number))
    )


def _judged(record: Mapping[str, object], jobs: Collection[str]) -> Judgements:
    rankings = by_key(
        "rankings", read_each("rankings", record.get("rankings", []), _ranking), lambda each: each.id
    )

    def rater(where: str, given: object) -> RaterRecord:
        told = read_table(where, given)
        ranking = read_known(f"{where}.ranking", told.get("ranking"), rankings)
        name, origin = (read_text(f"{where}.{key}", told.get(key), 64) for key in ("name", "origin"))
        return RaterRecord(ranking, checked_rater(name), origin)

    raters = by_key(
        "raters", read_each("raters", record.get("raters", []), rater), lambda each: (each.ranking, each.name)
    )

    def vote(where: str, given: object) -> VoteRecord:
        told = read_table(where, given)
        ranking = rankings[read_known(f"{where}.ranking", told.get("ranking"), rankings)]
        pair = read_whole(f"{where}.pair", told.get("pair"), 0, len(ranking.pairs) - 1)
        pairs = ranking.pairs[pair]
        one, other = (read_known(where, told.get(side), jobs) for side in ("one", "other"))
        name = read_text(f"{where}.rater", told.get("rater"), 64)
        if (one, other) != (pairs.one, pairs.other) or (ranking.id, name) not in raters:
            raise wrong(where, "it is of another pair, or of a rater that is not named")
        flipped = told.get("flipped")
        if not isinstance(flipped, bool):
            raise wrong(f"{where}.flipped", "it is neither true nor false")
        return VoteRecord(
            ranking.id,
            pair,
            one,
            other,
            read_one_of(where, told.get("outcome"), OUTCOMES),
            name,
            read_time(f"{where}.at", told.get("at")),
            float(read_number(f"{where}.seconds", told.get("seconds"), 0.0, LONGEST)),
            flipped,
        )

    votes = by_key(
        "votes",
        read_each("votes", record.get("votes", []), vote),
        lambda each: (each.ranking, each.pair, each.rater),
    )
    return Judgements(tuple(rankings.values()), tuple(raters.values()), tuple(votes.values()))


def _ranking(where: str, given: object) -> RankingRecord:
    told = read_table(where, given)
    jobs = tuple(read_each(f"{where}.jobs", told.get("jobs"), lambda at, each: read_matching(at, each, _ID)))

    known = frozenset(jobs)

    def pair(at: str, given: object) -> RankingPair:
        each = read_table(at, given)
        stage = read_whole(f"{at}.stage", each.get("stage", 0), 0)
        one, other = (read_known(at, each.get(side), known) for side in ("one", "other"))
        if one == other:
            raise wrong(at, "a pair has two pictures")
        return RankingPair(one, other, stage)

    return RankingRecord(
        read_matching(f"{where}.id", told.get("id"), _ID),
        tuple(read_each(f"{where}.by", told.get("by"), lambda at, each: read_text(at, each, _NAME))),
        read_time(f"{where}.created_at", told.get("created_at")),
        jobs,
        tuple(read_each(f"{where}.pairs", told.get("pairs"), pair)),
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
