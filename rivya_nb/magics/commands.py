"""The commands of `%rivya`: each is a function of its arguments."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from IPython.core.getipython import get_ipython

from rivya_nb.api.key import KEY_VARIABLE, Key
from rivya_nb.contract.text import listing, printable, short_repr
from rivya_nb.errors import Mistake, NotConnectedError, RivyaError, UsageError, shortened
from rivya_nb.magics import history, measures, models, study
from rivya_nb.magics.command import MOST_DIGITS, run_meant, take_flags
from rivya_nb.magics.current import current_session

if TYPE_CHECKING:
    from typing import TypeAlias

    from rivya_nb.control_panel.panel import Panel
    from rivya_nb.session.grid import Grid
    from rivya_nb.session.history import History, Selection
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.runs import RunsPage
    from rivya_nb.session.session import Session
    from rivya_nb.session.showing.drift import Canaries, Drift
    from rivya_nb.session.showing.measures import Measurements
    from rivya_nb.session.showing.models import ModelList, ModelSheet
    from rivya_nb.store.records import Spent

    Outcome: TypeAlias = (
        list[Run]
        | History
        | Measurements
        | Selection
        | Grid
        | RunsPage
        | ModelList
        | ModelSheet
        | Panel
        | Drift
        | Canaries
        | Run
        | Plan
        | None
    )
    """Runs to wait for, something to show, or nothing."""

_HELP_WIDTH = 90
"""A notebook on half a screen has room for so many characters."""

_PROMPT = "Rivya API key (it is not shown): "

_LIMIT = "--max-credits"
_CEILING = "--parallel"

Arguments = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A command: how its arguments are written, what it does, and the function that does it."""

    usage: str
    help: str
    act: Callable[[Arguments], Outcome]


def say_state(_: Arguments = ()) -> None:
    """Print what the session is connected to, and what it is doing."""
    from rivya_nb.contract.service import SANDBOX

    session = current_session()
    where = f" at {session.address}" if session.service == SANDBOX else ""
    print(f"Service   {session.service}{where}")
    print(f"Key       {session.key_source}")
    if session.key_advice:
        print(f"          {session.key_advice}")
    print(f"Store     {session.store.describe()}")
    print(f"Spent     {_spent(session.store.spent(session.service), f'credits on {session.service} so far')}")
    for run in session.working():
        print(f"Run {run.id:<5} {run.line()}")
    print("%rivya help lists the commands")


def _connect(arguments: Arguments) -> None:
    from rivya_nb.current import connect

    words, flags = take_flags("connect", arguments, ["--remember", "--forget"], [_CEILING])
    _expect("connect", words, 0)
    ceiling = _number("connect", flags, _CEILING, "jobs from 1 on", least=1)
    if {"--remember", "--forget"} <= flags.keys():
        raise UsageError("--remember and --forget cannot both be meant.")
    session = connect(max_parallel=ceiling)
    if "--forget" in flags:
        there = session.forget_key()
        print(f"The keyring {'has no key any more' if there else 'had no key'} for {session.service}")
        connect(max_parallel=ceiling)
    elif not session.has_key:
        session = connect(_ask_for_key(session), max_parallel=ceiling)
    if "--remember" in flags:
        session.remember_key()
        print(f"The keyring now has the key for {session.service}")
    say_state()


def _ask_for_key(session: Session) -> Key:
    """Ask the user for the key; what is typed is not shown.

    Raises:
        NotConnectedError: there is nobody to ask, or nothing was typed.
    """
    in_kernel = getattr(get_ipython(), "kernel", None) is not None
    try:
        # Without a terminal, getpass would read from a pipe and show what it reads. A kernel asks its frontend,
        # and raises an error if no frontend can ask.
        key = Key(getpass.getpass(_PROMPT)) if in_kernel or sys.stdin.isatty() else None
    except Exception:
        key = None
    if key is None:
        todo = f"Set {KEY_VARIABLE} before the kernel starts" if session.key_advice else session.key_source
        raise NotConnectedError(f"There is no key for {session.service}, and nobody to ask for one. {todo}.")
    if not key:
        raise NotConnectedError(f"No key was typed; {session.service} is connected without one.")
    return key


def _sandbox(arguments: Arguments) -> None:
    _expect("sandbox", arguments, 1)
    if not arguments:
        from rivya_nb.contract.service import SANDBOX
        from rivya_nb.current import connect

        connect(base_url=SANDBOX)
        say_state()
    elif arguments[0] == "words":
        from rivya_nb.sandbox.words import drawable_words

        print(drawable_words())
    else:
        what = printable(arguments[0], 40)
        raise UsageError(
            [Mistake("sandbox", f"unknown word {what!r}; %rivya sandbox words lists what it draws")]
        )


def _generate(_: Arguments) -> None:
    # The magic takes it for a cell without a body before commands are read.
    raise UsageError("%rivya generate asks for results in a notebook's cell.")


def _credits(arguments: Arguments) -> None:
    from rivya_nb.store.records import Spent

    _expect("credits", arguments, 0)
    session = current_session()
    trouble: RivyaError | None = None
    try:
        print(f"Left      {session.balance():,} credits on {session.service}")
    except RivyaError as error:
        # The store knows what was spent, also when the service does not answer.
        trouble = error
    day = time.time() - 24 * 3600
    for service in dict.fromkeys((session.service, *session.store.services())):
        mine = [run.spent for run in session.touched() if run.record.service == service]
        print(f"Spent     on {service}:")
        print(f"          {_spent(sum(mine, Spent()), 'by this kernel')}")
        print(f"          {_spent(session.store.spent(service, day), 'in the last 24 hours')}")
        print(f"          {_spent(session.store.spent(service), 'from this store altogether')}")
    if trouble is not None:
        raise trouble


def _spent(spent: Spent, where: str) -> str:
    """`about 1,200 by this kernel, 12 more perhaps billed`."""
    about = "about " if spent.costs_about else ""
    perhaps = f", {spent.perhaps_billed:,} more perhaps billed" if spent.perhaps_billed else ""
    return f"{about}{spent.certain_credits:,} {where}{perhaps}"


def _undo(arguments: Arguments) -> None:
    _expect("undo", arguments, 0)
    print(current_session().undo())


def _panel(arguments: Arguments) -> Panel:
    _expect("panel", arguments, 1)
    # This imports ipywidgets, which no other command needs.
    from rivya_nb.control_panel.opening import panel

    return panel(*arguments)


def _runs(arguments: Arguments) -> RunsPage:
    _expect("runs", arguments, 1)
    page = arguments[0] if arguments else "1"
    if not page.isdecimal() or len(page) > MOST_DIGITS:
        raise UsageError([Mistake("runs", f"{short_repr(page)} is no page; pages are whole numbers")])
    return current_session().runs().page(int(page))


def _wait(arguments: Arguments) -> list[Run]:
    return _meant("wait", arguments, lambda session: session.working())


def _stop(arguments: Arguments) -> None:
    from rivya_nb.store.records import UNFINISHED
    from rivya_nb.views.words import NOTHING_TO_STOP, SENT_GOES_ON

    for run in _meant("stop", arguments, lambda session: session.touched()):
        idle = not run.stoppable
        run.stop()
        print(f"Run {run.id}: {run.line()}")
        if idle:
            sent = [SENT_GOES_ON] if any(job.status in UNFINISHED for job in run.jobs) else []
            print("; ".join([NOTHING_TO_STOP, *sent]))


def _retry(arguments: Arguments) -> list[Run]:
    session = current_session()
    ids, flags = take_flags("retry", arguments, (), [_LIMIT])
    limit = _limit("retry", flags)
    nothing = "no result of this kernel's runs has failed or is undelivered; %rivya retry RUN is for any run"
    return [session.retry(run.id, max_credits=limit) for run in _meant("retry", ids, _incomplete, nothing)]


def _incomplete(session: Session) -> list[Run]:
    """The runs of this kernel that belong to the session's service, and lack what can be asked for again."""
    return [
        run
        for run in session.touched()
        if run.record.service == session.service
        and any(job.status in ("failed", "undelivered") for job in run.jobs)
    ]


def _resume(arguments: Arguments) -> list[Run]:
    ids, flags = take_flags("resume", arguments, ["--unsent"], [_LIMIT])
    limit, unsent = _limit("resume", flags), "--unsent" in flags
    _expect("resume", ids, 1)
    if ids:
        return [current_session().resume(run_meant(ids[0]), unsent=unsent, max_credits=limit)]
    try:
        return [current_session().resume(unsent=unsent, max_credits=limit)]
    except UsageError as error:
        # Nothing to resume is normal when all cells of a notebook are run.
        print(error)
        return []


def _drift(arguments: Arguments) -> Drift | Canaries:
    from rivya_nb.session.drifting import ask_canary, list_canaries

    words, flags = take_flags("drift", arguments, (), [_LIMIT])
    limit = _limit("drift", flags)
    _expect("drift", words, 1)
    if not words:
        return list_canaries(current_session())
    return ask_canary(current_session(), words[0], max_credits=limit)


def _help(arguments: Arguments) -> None:
    _expect("help", arguments, 0)
    lines = {f"%rivya {name} {entry.usage}".strip(): entry.help for name, entry in COMMANDS.items()}
    for usage, text in {**lines, "%%rivya?": "explains the cell magic"}.items():
        # A notebook breaks longer lines in the middle of a word.
        print(fill(usage, _HELP_WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False))
        print(
            fill(text, _HELP_WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False)
        )


COMMANDS: Mapping[str, Entry] = {
    "connect": Entry(
        "[--remember | --forget] [--parallel JOBS]",
        "connect by the environment; ask for a key where there is none",
        _connect,
    ),
    "sandbox": Entry(
        "[words]",
        "connect to the embedded service, on this machine and without a key, or list what it draws",
        _sandbox,
    ),
    "generate": Entry(
        "--prompts FILE [KEY=VALUE] [FLAGS]",
        "ask for the prompts of a table; everything else as in %%rivya",
        _generate,
    ),
    "models": Entry(models.USAGE, "the models as a table, or all about one", models.show_models),
    "credits": Entry("", "what is left at the service, and what was spent", _credits),
    "history": Entry(history.USAGE, history.HELP, history.show_history),
    "measure": Entry(measures.USAGE, measures.HELP, measures.measure),
    "panel": Entry("[NAME]", "open the control panel; what stands in it is kept under its name", _panel),
    "undo": Entry("", "take back the last favourite, rating, tag, note, hiding or exclusion", _undo),
    "runs": Entry("[PAGE]", "the runs of the store, newest first, as a table", _runs),
    "wait": Entry("[RUN]", "wait for a run, or for all that are going on", _wait),
    "stop": Entry("[RUN]", "give up what is not sent yet, of a run or of all", _stop),
    "retry": Entry(
        "[RUN] [--max-credits C]", "fetch undelivered results again, and ask anew for failed ones", _retry
    ),
    "resume": Entry(
        "[RUN] [--unsent] [--max-credits C]", "collect what was sent; with --unsent, send the rest", _resume
    ),
    "study": Entry(study.USAGE, study.HELP, study.ask_study),
    "drift": Entry(
        "[NAME] [--max-credits C]",
        "ask the requests of a canary anew, to see whether the service has changed; or list all canaries",
        _drift,
    ),
    "help": Entry("", "this list", _help),
}
"""The commands by name, in the order of the help."""

READERS = frozenset({"generate", "history"})
"""Commands that read the words of their line themselves."""


def _meant(
    command: str,
    arguments: Arguments,
    all_of: Callable[[Session], list[Run]],
    nothing: str = "this kernel has no run going",
) -> list[Run]:
    """The run that the argument means, or all runs of `all_of`; `nothing` says why these may be none."""
    _expect(command, arguments, 1)
    session = current_session()
    if arguments:
        return [session.run(run_meant(arguments[0]))]
    runs = all_of(session)
    if not runs:
        print(f"Nothing to {command}: {nothing}.")
    return runs


def _number(command: str, flags: Mapping[str, str], flag: str, what: str, *, least: int = 0) -> int | None:
    """The whole number that a flag gives; None if it is not given."""
    value = flags.get(flag)
    if value is None:
        return None
    if not value.isdecimal() or len(value) > MOST_DIGITS or int(value) < least:
        raise UsageError([Mistake(command, f"{flag} needs a whole number of {what}")])
    return int(value)


def _limit(command: str, flags: Mapping[str, str]) -> int | None:
    """The value of `--max-credits` in credits; None if it is not given."""
    return _number(command, flags, _LIMIT, "credits")


def _expect(command: str, arguments: Arguments, most: int) -> None:
    if len(arguments) > most:
        takes = "no argument" if most == 0 else "one argument at most"
        raise UsageError(f"%rivya {command} takes {takes}; {shortened(listing(arguments))} is too many.")
