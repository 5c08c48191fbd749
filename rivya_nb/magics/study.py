"""`%rivya study FILE`: plans a study file and runs it, with the flags that a cell has for its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.magics.command import take_flags
from rivya_nb.magics.current import current_session
from rivya_nb.planning.names import python_name

if TYPE_CHECKING:
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run

USAGE = "FILE [--dry-run | --background | --defer] [--fresh] [--max-credits C] [--parallel JOBS] [--out NAME]"
HELP = "ask for what stands in a study file; with --dry-run, show its price and send nothing"

_SWITCHES = ("--dry-run", "--background", "--defer", "--fresh")
_VALUED = ("--max-credits", "--parallel", "--out")
_MOST_DIGITS = 15


def ask_study(arguments: tuple[str, ...]) -> list[Run] | Run | Plan:
    """The run of a study file to wait for; the plan for a dry run, the run itself where nobody waits."""
    from rivya_nb.session.study_files import read_plan

    words, flags = take_flags("study", arguments, _SWITCHES, _VALUED)
    if len(words) != 1:
        raise UsageError([Mistake("study", "name one study file, as in %rivya study study.toml")])
    name = _variable(flags.get("--out"))
    plan = read_plan(
        current_session(),
        words[0],
        max_credits=_whole(flags, "--max-credits", 0),
        max_parallel=_whole(flags, "--parallel", 1),
        fresh="--fresh" in flags,
    )
    if "--dry-run" in flags:
        _bind(name, plan)
        return plan
    run = plan.defer() if "--defer" in flags else plan.run()
    _bind(name, run)
    if "--defer" in flags or "--background" in flags:
        run.show(variable=name)
        return run
    return [run]


def _bind(name: str | None, value: object) -> None:
    shell: Any = get_ipython()
    if name is not None and shell is not None:
        shell.push({name: value})


def _variable(text: str | None) -> str | None:
    name = None if text is None else python_name(text)
    if text is not None and name is None:
        message = f"{short_repr(text)} cannot name a variable; use letters, digits and _"
        raise UsageError([Mistake("--out", message)])
    return name


def _whole(flags: dict[str, str], flag: str, least: int) -> int | None:
    text = flags.get(flag)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < least:
        raise UsageError([Mistake(flag, f"{short_repr(text)} is not a whole number from {least} on")])
    return int(text)
