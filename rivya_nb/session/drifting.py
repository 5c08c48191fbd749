"""Canaries: how their requests are pinned, and asked anew on each occasion.

The pictures of an occasion have replicate numbers of their own, which count from its time in seconds since the
epoch. So whoever asks the same occasion asks for the same pictures, and nobody ever takes those of another one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rivya_nb.contract.params import plain_value
from rivya_nb.contract.text import check_whole, did_you_mean, listing, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.metric import require
from rivya_nb.media.frames import require_frames
from rivya_nb.session.showing.drift import Canaries, Drift
from rivya_nb.store.canaries import CanaryRecord, OccasionRecord
from rivya_nb.study.drift import enough_replicates
from rivya_nb.views.words import moment_words

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.store.records import JobRecord

RESUMES_WITHIN = 24 * 3600.0
"""Seconds in which an interrupted occasion goes on. Later, its pictures would not be of its date."""

MOST_REPLICATES = 100

_LONGEST_NAME = 100
_MOST_NAMES = 10


def list_canaries(session: Session) -> Canaries:
    """All canaries of the session's store."""
    return Canaries(session.live_records)


def ask_canary(
    session: Session,
    name: str,
    run: Run | int | str | None = None,
    *,
    replicates: int | None = None,
    max_credits: int | None = None,
) -> Drift:
    """Pin a run's requests under a name, or ask those that are pinned anew; see `rv.drift`.

    What it sends has started: `runs` of what this gives are to be waited for.

    Raises:
        UsageError, CreditLimitError, NotConnectedError: nothing was sent.
    """
    _check_name(name)
    _check_replicates(replicates)
    # Pictures that nobody can compare are not bought.
    session.work_loop.aside(require)
    canary = session.store.canaries.get(name)
    run_id = None if run is None else session.run(run).id
    if canary is None:
        if run_id is None:
            raise _unknown(session, name)
        canary = _canary(session, name, run_id, replicates, max_credits)
        plan = _plan(session, canary, canary.occasions[0].at, max_credits)
        plan.check()
        kept = session.store.canaries.pin(canary)
        if kept is canary:
            return _drift(session, canary, [_start(session, canary, canary.occasions[0].at, plan)])
        canary = kept
    _check_service(session, canary)
    if run_id is not None:
        _check_same(canary, run_id, replicates)
    elif replicates is not None:
        raise UsageError([Mistake("replicates", f"canary {_shown(name)} is pinned with {canary.replicates}")])
    return _go_on(session, canary, max_credits, anew=run_id is None)


def _go_on(session: Session, canary: CanaryRecord, max_credits: int | None, *, anew: bool) -> Drift:
    """Finish the newest occasion if it was interrupted, or else, if `anew`, begin another one."""
    newest = canary.occasions[-1]
    collected: list[Run] = []
    if not _is_complete(session, newest):
        if time.time() - newest.at < RESUMES_WITHIN:
            return _drift(session, canary, [_resume(session, canary, newest, max_credits)])
        if newest.run_id is not None:
            collected.append(session.resume(newest.run_id))
    if not anew:
        return _drift(session, canary, collected)
    at = max(int(time.time()), newest.at + canary.replicates)
    plan = _plan(session, canary, at, max_credits)
    plan.check()
    later = session.store.canaries.begin(canary, at)
    if later.occasions[-1].at != at:
        # Another process was faster: its occasion is this one, too.
        return _go_on(session, later, max_credits, anew=False)
    return _drift(session, later, [*collected, _start(session, later, at, plan)])


def _drift(session: Session, canary: CanaryRecord, runs: Sequence[Run]) -> Drift:
    return Drift(session.live_records, canary.name, runs)


def _plan(session: Session, canary: CanaryRecord, at: int, max_credits: int | None) -> Plan:
    """The requests of an occasion: each cell's replicates one after the other."""
    jobs = session.store.jobs(canary.cells).values()
    requests = [
        replace(job.request, replicate=at + number) for job in jobs for number in range(canary.replicates)
    ]
    limit = canary.max_credits if max_credits is None else max_credits
    name = f"{canary.name}, {moment_words(at)}"
    return session.plan_requests(requests, name=name, max_credits=limit, fresh=False)


def _start(session: Session, canary: CanaryRecord, at: int, plan: Plan) -> Run:
    run = plan.run()
    session.store.canaries.ran(canary, at, run.id)
    return run


def _resume(session: Session, canary: CanaryRecord, occasion: OccasionRecord, max_credits: int | None) -> Run:
    """Go on with an occasion: what was sent is collected, and what was not is sent."""
    if occasion.run_id is None:
        return _start(session, canary, occasion.at, _plan(session, canary, occasion.at, max_credits))
    limit = canary.max_credits if max_credits is None else max_credits
    return session.resume(occasion.run_id, unsent=True, max_credits=limit)


def _is_complete(session: Session, occasion: OccasionRecord) -> bool:
    """Whether nothing more comes of an occasion: every picture is there, was deleted, or failed."""
    if occasion.run_id is None:
        return False
    run = session.store.runs.get(occasion.run_id)
    jobs = session.store.jobs([cell.job_id for cell in run.cells])
    current = [jobs[cell.job_id] for cell in run.current(jobs)]
    return all(job.pictures or job.deleted_at is not None or job.status == "failed" for job in current)


def _canary(
    session: Session, name: str, run_id: int, replicates: int | None, max_credits: int | None
) -> CanaryRecord:
    """A canary of a run's pictures, which is not kept yet."""
    cells = _cells(session, run_id)
    now = time.time()
    return CanaryRecord(
        name,
        run_id,
        tuple(job.id for job in cells),
        replicates or enough_replicates(len(cells)),
        max_credits,
        now,
        (OccasionRecord(int(now)),),
    )


def _cells(session: Session, run_id: int) -> list[JobRecord]:
    """A job for each request of a run that has a picture.

    Raises:
        UsageError: there is none.
    """
    run = session.spending.own_run(run_id)
    jobs = session.store.jobs([cell.job_id for cell in run.cells])
    current = [jobs[cell.job_id] for cell in run.current(jobs)]
    pictured = {
        replace(job.request, replicate=1).identity: job
        for job in reversed(current)
        if job.pictures and job.pictures[0].medium != "audio"
    }
    if any(job.pictures[0].medium == "video" for job in pictured.values()):
        # Frames that nobody can read are not bought.
        require_frames()
    if not pictured:
        raise UsageError(
            [
                Mistake(
                    "run",
                    f"run {run_id} has no picture or video to compare with; wait for it first",
                )
            ]
        )
    return list(reversed(pictured.values()))


def _unknown(session: Session, name: str) -> UsageError:
    names = [canary.name for canary in session.store.canaries.all()]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    known = (
        f"this store has {listing(map(_shown, names[:_MOST_NAMES]))}{more}"
        if names
        else "this store has none"
    )
    return UsageError(
        f"There is no canary {_shown(name)}; {known}{did_you_mean(name, names) or '.'} "
        f"rv.drift({name!r}, run, max_credits=…) pins the requests of a run under this name."
    )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        told = f"{short_repr(name)} is no name; a text of 1 to {_LONGEST_NAME} characters is one"
        raise UsageError([Mistake("name", told)])
    check_whole("name", name)


def _check_replicates(replicates: object) -> None:
    value = plain_value(replicates)
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= MOST_REPLICATES:
        told = f"{short_repr(value)} is not a whole number from 2 to {MOST_REPLICATES}"
        raise UsageError([Mistake("replicates", told)])


def _check_service(session: Session, canary: CanaryRecord) -> None:
    service = session.store.runs.get(canary.run_id).service
    if service != session.service:
        raise UsageError(
            f"Canary {_shown(canary.name)} watches {service}, and this session is connected to {session.service}."
        )


def _check_same(canary: CanaryRecord, run_id: int, replicates: int | None) -> None:
    name = _shown(canary.name)
    if run_id != canary.run_id:
        raise UsageError(
            [
                Mistake(
                    "name",
                    f"canary {name} has pinned run {canary.run_id}, and its occasions are compared with one "
                    f"another; give run {run_id} another name, or ask {name} anew without a run",
                )
            ]
        )
    if replicates not in (None, canary.replicates):
        raise UsageError(
            [Mistake("replicates", f"canary {name} is pinned with {canary.replicates}; give another name")]
        )


def _shown(name: str) -> str:
    return repr(printable(name, _LONGEST_NAME))
