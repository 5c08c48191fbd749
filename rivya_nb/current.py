"""The current session, and the stores that this process has open."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from rivya_nb.api.key import Key
from rivya_nb.errors import StoreError, WaitInterruptedError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.session.ceiling import ceiling_of_environment, checked_ceiling
from rivya_nb.session.live_records import LiveRecords
from rivya_nb.session.service import canonical_name, reach
from rivya_nb.session.session import Session
from rivya_nb.session.showing.live import tell
from rivya_nb.session.showing.waiting import WaitLine
from rivya_nb.store.environment import pictures_address, store_place
from rivya_nb.store.persisting import turn
from rivya_nb.store.places import StorePlace
from rivya_nb.store.records import COLLECTABLE, SENT, UNSENT
from rivya_nb.store.renaming import rename_services
from rivya_nb.store.store import Store

_lock = threading.RLock()
_current: Session | None = None
_live_records: dict[StorePlace, LiveRecords] = {}
_of_parent: list[LiveRecords] = []


def connect(
    api_key: str | Key | None = None,
    base_url: str | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    max_credits: int | None = None,
    max_parallel: int | None = None,
) -> Session:
    """Connect to a service and make that the current session.

    Arguments that are not given come from `RIVYA_API_KEY`, `RIVYA_BASE_URL`, `RIVYA_STORE` and
    `RIVYA_MAX_PARALLEL`, and the address of the pictures from `RIVYA_PICTURES`, such as `s3://bucket/prefix`; the
    key may also come from the keyring, if `%rivya connect --remember` stored one for the address.
    `base_url="sandbox"` starts or joins the embedded service. `store` is a folder, made if absent, or the address
    of a database without a password (`postgresql://db.lab/rivya`); by default it is one folder per user. If the
    store was moved or deleted while it was open, an empty one is made only if `store` names it. `max_credits`
    limits what the session's plans may cost together, in credits. `max_parallel` is how many jobs are worked on at
    a time at most (256 if not given): how many the service takes is found out.

    Raises:
        UsageError: `store` can be neither a path nor such an address, or has a password in it; or `max_parallel`
            is not a whole number from 1 on.
        NotConnectedError: the address is not usable, or the sandbox cannot be started.
        StoreError: the folder cannot be used, or its store was moved or deleted while it was open.
    """
    global _current
    key = api_key if isinstance(api_key, Key) else Key(api_key)
    del api_key  # a traceback that shows this frame's names must not show the key
    ceiling = ceiling_of_environment() if max_parallel is None else checked_ceiling(max_parallel)
    place = store_place(store)
    with _connecting():
        live_records = _open_live_records(place, begins_anew=bool(store))
        service = reach(key, base_url, live_records.store.workspace)
        with suppress(StoreError):  # what can only be read keeps its names
            rename_services(live_records.store.database, canonical_name)
        # The loop of any other session is gone, or belongs to the process that this one was forked from.
        if _current is not None and _current.work_loop is live_records.work_loop and not _current.working():
            _current.work_loop.start(_current.aclose())
        left = [] if _current is None else [_current.live_records]
        _current = Session(service, live_records, max_credits=max_credits, max_parallel=ceiling)
        for known in (*_live_records.values(), *left):
            known.session = _current
        return _current


def current_session() -> Session:
    """The current session; if there is none yet, this connects by the environment."""
    with _connecting():
        return _current or connect()


def _connecting() -> AbstractContextManager[None]:
    words = "Another call of this kernel is still connecting; this waits until that is done."
    return turn(_lock, words, WaitLine().show)


def open_session() -> Session | None:
    """The current session, if there is one yet."""
    return _current


def _open_live_records(place: StorePlace, *, begins_anew: bool) -> LiveRecords:
    """The live records of a place: one object for each place, until its loop is gone (a kernel has one loop
    for its life), or the store is no longer the one that was opened.

    An empty store in the place of a lost one would buy everything again: it is only made where it
    `begins_anew`; else this raises StoreError.
    """
    work_loop = WorkLoop.find()
    known = _live_records.get(place)
    if known is not None and not known.store.database.is_in_place():
        if not (begins_anew or Store.is_in(place)):
            known.store.database.check_in_place()
        known.store.close()
        known = None
    if known is None or known.work_loop is not work_loop:
        store = _open_store(place) if known is None else known.store
        known = _live_records[place] = LiveRecords(store, work_loop)
    return known


def _open_store(place: StorePlace) -> Store:
    store = Store.open(place, pictures_address(place), WaitLine().show)
    if store.database.note is not None:
        tell(f"{place}: {store.database.note}.")
    return store


def _begin_anew() -> None:
    """After a fork: leave everything that is open to the parent process, and neither use nor close it here."""
    global _lock
    _lock = threading.RLock()
    # Kept: SQLite forbids to close a connection anywhere but in the process that opened it.
    _of_parent.extend(_live_records.values())
    _live_records.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _say_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Where an interrupt ends a script, its line alone says what goes on, as it does in a cell."""
    if isinstance(error, WaitInterruptedError):
        print(f"{kind.__name__}: {error}", file=sys.stderr)
    else:
        _other_hook(kind, error, traceback)


_other_hook, sys.excepthook = sys.excepthook, _say_uncaught


@atexit.register
def _say_goodbye() -> None:
    """At exit: tell which runs are unfinished, so that nothing paid for is forgotten."""
    for live_records in _live_records.values():
        for run in live_records.touched():
            sent = sum(job.status in SENT for job in run.jobs)
            deferred = sum(job.record.is_deferred for job in run.jobs)
            unsent = sum(job.status in UNSENT for job in run.jobs) - deferred
            doubtful = sum(job.status in COLLECTABLE for job in run.jobs)
            if doubtful:
                tell(
                    f"run {run.id}: {doubtful} may be paid for without a {run.noun}; "
                    f"rv.resume({run.id}) asks for it"
                )
            if sent:
                tell(f"run {run.id} is not finished; rv.resume({run.id}) collects {sent} of its {run.noun}s")
            if unsent:
                tell(f"run {run.id}: {unsent} not sent; rv.resume({run.id}, unsent=True) sends what is left")
            if deferred:
                tell(f"run {run.id}: {deferred} deferred; `rivya-nb work` sends them")
        live_records.store.close()
