"""The commands of `rivya-nb` that ask a service: `work`, `run` and `drift`."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from rivya_nb.errors import NotConnectedError
from rivya_nb.sandbox.flags import positive

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

LEFT = 3
"""The exit code of `run` if some results are missing, and of `work` if a limit or the service was the reason to
leave something deferred."""

DIFFERS, CANNOT_SAY = 4, 3
"""The exit codes of `drift` if the service has changed, and if too little is known to say so."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add these commands to the parser's."""
    _add_work(commands)
    _add_run(commands)
    _add_drift(commands)


def _add_work(commands: _SubParsersAction[ArgumentParser]) -> None:
    work = commands.add_parser(
        "work",
        help="send the runs that were deferred with plan.defer() or --defer",
        description="Sends the runs that were deferred with plan.defer() or --defer, and collects their results "
        "into the store. The service, the key and the store are those that a notebook would have (RIVYA_BASE_URL, "
        "RIVYA_API_KEY or the keyring, RIVYA_STORE). Several workers share the work. SIGTERM or Ctrl+C: what was "
        "sent is collected, and the rest stays deferred; a second one ends at once.",
        epilog="Exit codes: 0 after that, or when idle; 1 where it cannot work; "
        f"{LEFT} with --until-idle where a limit, the balance or a refusal left something deferred; 130 or 143 "
        "after a second Ctrl+C or SIGTERM.",
    )
    work.add_argument("--parallel", type=positive, metavar="JOBS", help="at most so many requests at a time")
    work.add_argument(
        "--for-all",
        action="store_true",
        help="also send what other users of the store deferred, with this worker's key; by default, only what its "
        "own user (JUPYTERHUB_USER, else the login) deferred",
    )
    work.add_argument("--until-idle", action="store_true", help="end when nothing deferred is left to do")
    work.add_argument(
        "--max-credits", type=positive, metavar="CREDITS", help="what this worker may spend in all"
    )
    work.set_defaults(command=_work)


class _EndedAtOnceError(BaseException):
    """A second signal came."""

    def __init__(self, number: int) -> None:
        self.number = number


def _work(options: argparse.Namespace) -> int:
    from rivya_nb.current import connect
    from rivya_nb.session.showing.terminal import WorkLog
    from rivya_nb.session.worker import Worker

    session = connect(max_credits=options.max_credits, max_parallel=options.parallel)
    log = WorkLog(sys.stdout)
    worker = Worker(session, log.tell, log.show, for_all=options.for_all)

    def end(number: int, _frame: object) -> None:
        if worker.is_draining:
            signal.signal(number, signal.SIG_DFL)
            raise _EndedAtOnceError(number)
        worker.drain()

    try:
        if not session.has_key:
            raise NotConnectedError(
                f"There is no key for {session.service} ({session.key_source}); set RIVYA_API_KEY, or run "
                "`%rivya connect --remember` in a notebook, which keeps one in the keyring."
            )
        session.connection.require_key()
        session.prepare()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        log.tell(f"Working for {session.service}, store {session.store.place}: {worker.whose}")
        return 0 if worker.work(until_idle=options.until_idle) else LEFT
    except _EndedAtOnceError as ended:
        return 128 + ended.number
    finally:
        log.end()
        session.close()


def _add_run(commands: _SubParsersAction[ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        help="ask for what stands in a study file, and wait for its results",
        description="Plans a study file, as plan.to_toml() writes it, says what it costs, and asks for its "
        "results. The service, the key and the store are those that a notebook would have: the results are in "
        "its history, and what the history has costs nothing. Ctrl+C: what was sent goes on at the service.",
        epilog="Exit codes: 0 all results are there (or nothing was to be sent); 1 nothing could be asked, or no "
        f"result came; {LEFT} some results are missing; 130 after Ctrl+C.",
    )
    run.add_argument("file", metavar="FILE", help="the study file")
    run.add_argument("--dry-run", action="store_true", help="show what it costs; send nothing")
    run.add_argument("--defer", action="store_true", help="keep it for `rivya-nb work`; send nothing now")
    run.add_argument("--fresh", action="store_true", help="ask anew also for what the history has")
    run.add_argument("--max-credits", type=positive, metavar="CREDITS", help="what it may cost; default: 500")
    run.add_argument("--parallel", type=positive, metavar="JOBS", help="at most so many requests at a time")
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from rivya_nb.calls import read_plan
    from rivya_nb.current import connect

    with closing(connect()):
        plan = read_plan(
            options.file,
            max_credits=options.max_credits,
            max_parallel=options.parallel,
            fresh=options.fresh,
        )
        if options.dry_run:
            print(plan._repr_mimebundle_()["text/plain"])
            return 0
        print(f"{options.file}: {plan.summary}", flush=True)
        run = plan.defer() if options.defer else plan.run().wait()
        print(f"Run {run.id}: {run.line()}")
        return 0 if options.defer or all(job.record.pictures for job in run.jobs) else LEFT


def _add_drift(commands: _SubParsersAction[ArgumentParser]) -> None:
    drift = commands.add_parser(
        "drift",
        help="ask the requests of a canary anew, and say whether the service has changed",
        description="Buys the results of a canary anew, which rv.drift(name, run) has pinned in a notebook, and "
        "says in one sentence whether the service differs from then by more than its noise floor. The service, "
        "the key and the store are those that a notebook would have. Interrupted, it goes on when it is called "
        "again within a day.",
        epilog=f"Exit codes: 0 no difference was seen; {DIFFERS} the service differs; {CANNOT_SAY} too little is "
        "known to say so; 1 where nothing could be asked.",
    )
    drift.add_argument("name", metavar="NAME", help="the name under which the requests were pinned")
    drift.add_argument(
        "--max-credits",
        type=positive,
        metavar="CREDITS",
        help="what it may cost; default: the limit with which it was pinned",
    )
    drift.set_defaults(command=_drift)


def _drift(options: argparse.Namespace) -> int:
    from rivya_nb.current import connect
    from rivya_nb.session.drifting import ask_canary

    with closing(connect()) as session:
        asked = ask_canary(session, options.name, max_credits=options.max_credits)
        for run in asked.runs:
            # Nobody watches a schedule's progress.
            session.work_loop.wait(run.finished())
            run.checked()
        print(asked.sentence)
    return {True: DIFFERS, False: 0, None: CANNOT_SAY}[asked.differs]
