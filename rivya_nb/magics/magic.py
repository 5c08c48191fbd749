"""The magics `%%rivya` and `%rivya`. Nothing heavy is imported before a magic is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.magic import no_var_expand

from rivya_nb.errors import InvalidRequestError, RivyaError, UsageError, WaitInterruptedError
from rivya_nb.jobs.work_loop import TICK
from rivya_nb.magics import awaiting, opening
from rivya_nb.magics.completion import hooks
from rivya_nb.printing import print_any_sign

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from rivya_nb.planning.line import Line
    from rivya_nb.session.plan import Plan
    from rivya_nb.session.run import Run
    from rivya_nb.session.session import Session
    from rivya_nb.store.persisting import Listener

T = TypeVar("T")


class RivyaMagics:
    """The magics of this extension, and the two that replace them in a cell that can be awaited."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    @no_var_expand
    def ask(self, line: str, cell: str) -> object:
        """Ask for pictures, videos or sounds. The cell's body is the prompt.

            %%rivya seed=1..4 aspect_ratio=1:1,16:9 resolution=1K --out bottles
            A glass bottle on a soft studio background, {light=dawn|dusk} light

        Everything is checked before anything is sent; a mistake costs nothing. The cell waits for its
        results, which appear in place. Interrupting the kernel ends the waiting and holds back what is not
        submitted yet; what was submitted goes on.

        Params are written key=value, as the model names them (%rivya models NAME lists them):

            seed=7                    one value
            seed=1..4                 a range; 0..100:10 is one with a step
            aspect_ratio=1:1,16:9     several values
            seed=none                 not sent: the service chooses
            negative_prompt="a, b"    a quoted value is one value
            seed={seeds}              the notebook's variable itself

        Several values make an axis. The first axis written is the grid's rows, the second its columns; more
        axes make more grids. Where no seed is given, one is drawn and told.

        In the prompt:

            {subject}                 the notebook's variable; a list is an axis named after it
            {dawn|dusk}               an axis; {light=dawn|dusk} is one called light
            {{ }}                     braces

        Flags:

            --prompts FILE            a table of prompts (CSV, TSV, JSONL, text), or {name} for an object
            --prompt-column COLUMN    the column of the wordings, prompt if not given
            --templates on|off        expand {dawn|dusk} in a row, or send it as it stands
            --coupled NAME,NAME       these take their values together, as one axis
            --model ID[,ID]           the model, wan-2-7-image-pro by default; several are an axis
            --ref FILE                a reference file, or {name} for an object; repeat it for more
            --shrink-refs             encode those anew that are too large or of another format
            --out NAME                the variable that holds the run, bound before the wait
            --name TEXT               what the run is called in the history
            --rows AXIS --cols AXIS   which axes are the grid's rows and columns
            --repeat COUNT            that many seeds are drawn
            --replicates COUNT        ask the very same that many times, its seed included
            --no-pair-seeds           draw the seeds anew for each prompt
            --sample COUNT            ask only so many places of the product, an even part for each prompt
            --sample-seed NUMBER      which ones; the same number draws the same ones (0 if not given)
            --max-credits CREDITS     the limit of what the new results may cost (500 if not given)
            --parallel JOBS           work on at most so many requests of this cell at a time
            --dry-run                 show the requests and their price; send nothing
            --background              return at once; %rivya wait waits later
            --defer                   keep it for `rivya-nb work`, a process of its own; send nothing now
            --fresh                   ask anew also for what the history has

        With --prompts, {prompt} stands for a row's wording, and one row is one value of the axis prompt. Columns
        that are params of the model belong to their row; all others are facts that are not sent. Without a body,
        it is %rivya generate --prompts FILE.

        A result that was asked for before, with the same seed, comes from the history at no cost. Nothing does
        where no seed is sent, by models that have none or with seed=none: each time the cell is run, it asks and
        pays anew, and the plan (--dry-run) says so beside its price. --replicates 2 numbers the results, and what
        has a number is paid once. A drawn seed is another one each time, too, until it is written into the cell.
        """
        parsed, session = self._read(line, cell)
        plan = self._plan(parsed, session, cell)
        found, run = self._show(parsed, plan, _go(parsed, plan))
        return found if run is None else run.wait()

    @no_var_expand
    def command(self, line: str) -> object:
        """The session: %rivya alone tells its state, %rivya help lists the commands."""
        if (asked := _asked(line)) is not None:
            return self.ask(asked, "")
        shown, runs = _command(line)
        failures = []
        for run in runs:
            try:
                run.wait()
            except RivyaError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return shown

    @no_var_expand
    def ask_awaited(self, line: str, cell: str) -> Coroutine[Any, Any, object]:
        """What `%%rivya` becomes where its cell can be awaited."""
        return self._ask_and_join(line, cell)

    @no_var_expand
    def command_awaited(self, line: str) -> Coroutine[Any, Any, object]:
        """What `%rivya` with a command that waits becomes where its cell can be awaited."""
        if (asked := _asked(line)) is not None:
            return self._ask_and_join(asked, "")
        return _command_and_join(line)

    async def _ask_and_join(self, line: str, cell: str) -> object:
        from rivya_nb.session.showing.waiting import WaitLine
        from rivya_nb.store.persisting import heard_by

        with heard_by(WaitLine().show) as listener:
            # Opening a store waits for others. Planning reads, decodes and hashes references. Both would block the
            # kernel's own loop.
            with awaiting.interruptible(lambda: "Interrupted while it was planned: nothing was sent."):
                parsed, session = await _aside(partial(self._read, line, cell))
                plan = await _aside(partial(self._plan, parsed, session, cell))
            # So does writing a run down.
            started, is_interrupted = await _finished(partial(_go, parsed, plan), listener)
        found, run = self._show(parsed, plan, started)
        if run is not None and is_interrupted:
            raise WaitInterruptedError(run.give_up_waiting())
        return found if run is None else await _join(run)

    def _read(self, line: str, cell: str) -> tuple[Line, Session]:
        """The parsed line, and the current session."""
        from rivya_nb.current import current_session
        from rivya_nb.magics.cell import check_prompt
        from rivya_nb.planning.line import parse_line

        try:
            return parse_line(line, has_body=bool(cell.strip())), current_session()
        except UsageError as error:
            mistakes = check_prompt(cell, self._shell.user_ns) if cell.strip() else []
            raise InvalidRequestError([*error.mistakes, *mistakes]) from None

    def _plan(self, parsed: Line, session: Session, cell: str) -> Plan:
        from rivya_nb.magics.cell import plan_cell

        plan = plan_cell(session, parsed, cell, self._shell.user_ns)
        session.prepare()
        return plan

    def _show(self, parsed: Line, plan: Plan, run: Run | None) -> tuple[Plan | Run, Run | None]:
        """The cell's value, and the run to wait for, which has started and is shown here; None without one."""
        if run is None:
            return self._bound(parsed.out, plan), None
        self._bound(parsed.out, run).show(variable=parsed.out)
        return run, None if parsed.background or parsed.defer else run

    def _bound(self, name: str | None, value: T) -> T:
        if name is not None:
            from rivya_nb.session.showing.live import tell

            try:
                self._shell.push({name: value})
            except Exception as error:
                # The run has started already, and a shell may raise any error here.
                tell(f"the variable {name} cannot be bound here ({type(error).__name__}: {error}).")
        return value


def _go(parsed: Line, plan: Plan) -> Run | None:
    """The run of a plan, started or left to workers; None for a dry run."""
    if parsed.dry_run:
        return None
    return plan.defer() if parsed.defer else plan.run()


def _asked(line: str) -> str | None:
    """What stands behind `generate`, which is the line of a cell without a body; None for another command."""
    name, _, rest = line.strip().partition(" ")
    return rest if name == "generate" else None


def _command(line: str) -> tuple[object, list[Run]]:
    """What the line shows, and the runs to wait for."""
    from rivya_nb.magics.command import parse_command
    from rivya_nb.magics.commands import COMMANDS, READERS, say_state
    from rivya_nb.session.showing.drift import Drift

    command = parse_command(line, COMMANDS, READERS)
    if command.name is None:
        say_state()
        return None, []
    outcome = COMMANDS[command.name].act(command.arguments)
    if isinstance(outcome, Drift):
        return outcome, outcome.runs
    if not isinstance(outcome, list):
        return outcome, []
    return (outcome[0] if len(outcome) == 1 else None), outcome


def _begun(act: Callable[[], T]) -> asyncio.Future[T]:
    """What `act` will give, on another thread."""
    # Not as a task: an interrupt that ends one ends the loop too, which is the kernel.
    return asyncio.get_running_loop().run_in_executor(None, copy_context().run, act)


async def _aside(act: Callable[[], T]) -> T:
    """What `act` gives, on another thread. An interrupt ends the wait for it."""
    going = _begun(act)
    try:
        while not going.done():
            await asyncio.wait([going], timeout=TICK)
        return going.result()
    finally:
        going.cancel()


async def _finished(act: Callable[[], T], listener: Listener) -> tuple[T, bool]:
    """What `act` gives, on another thread, and whether the cell was interrupted meanwhile. It is not cut short,
    but where it waits: what it sends may cost."""
    going = _begun(act)
    while not going.done():
        try:
            await asyncio.wait([going], timeout=TICK)
        except asyncio.CancelledError:
            listener.has_given_up = True
    return going.result(), listener.has_given_up


async def _command_and_join(line: str) -> object:
    from rivya_nb.session.showing.waiting import WaitLine
    from rivya_nb.store.persisting import heard_by

    with heard_by(WaitLine().show) as listener:
        (shown, runs), is_interrupted = await _finished(partial(_command, line), listener)
    failures = []
    for run in runs:
        run.show()
    if is_interrupted:
        raise WaitInterruptedError(" ".join(run.give_up_waiting() for run in runs) or "Interrupted.")
    for run in runs:
        try:
            await _join(run)
        except RivyaError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return shown


async def _join(run: Run) -> Run:
    with awaiting.interruptible(run.give_up_waiting):
        await run.work_loop.join(run.finished())
    return run.checked()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext rivya_nb` does: add the magics with their completion, and let the shell await the cells that
    open with one."""
    magics = RivyaMagics(shell)
    # IPython's own annotation of this method takes the shell for its first argument.
    add: Any = shell.register_magic_function
    for kind, name, function in (
        ("cell", awaiting.MAGIC, magics.ask),
        ("line", awaiting.MAGIC, magics.command),
        ("cell", awaiting.AWAITED_MAGIC, magics.ask_awaited),
        ("line", awaiting.AWAITED_MAGIC, magics.command_awaited),
    ):
        add(function, magic_kind=kind, magic_name=name)
    print_any_sign()
    awaiting.install(shell)
    opening.install(shell)
    hooks.install(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """What `%unload_ext rivya_nb` does: take the magics out again."""
    awaiting.remove(shell)
    opening.remove(shell)
    hooks.remove(shell)
    for kind in ("line", "cell"):
        for name in (awaiting.MAGIC, awaiting.AWAITED_MAGIC):
            shell.magics_manager.magics[kind].pop(name, None)
