"""The command line: `rivya-nb demo`, `lab`, `sandbox`, `run`, `work`, `drift`, `doctor`, and those of the store.

No command but `run`, `work`, `drift` and `doctor` needs a key or a network: the pictures come from the sandbox
on this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb import limit_commands, store_commands
from rivya_nb._version import __version__
from rivya_nb.doctor import command as doctor_command
from rivya_nb.errors import RivyaError
from rivya_nb.files import print_any_sign
from rivya_nb.sandbox import flags

if TYPE_CHECKING:
    from rivya_nb.demo import DemoResult

FIRST_NOTEBOOK = "01_first_seeds.ipynb"
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
UNREAD = 141
"""The exit code where nobody reads the output any more: that of a program which the signal SIGPIPE has ended."""
LEFT = 3
"""The exit code of `run` if some results are missing, and of `work` if a limit or the service was the reason to
leave something deferred."""

DIFFERS, CANNOT_SAY = 4, 3
"""The exit codes of `drift` if the service has changed, and if too little is known to say so."""

_SANDBOX_PARTS = ("fastapi", "uvicorn", "python_multipart")
_DEMO_PARTS = (*_SANDBOX_PARTS, "nbclient", "nbformat", "ipykernel")
_LAB_PARTS = (*_SANDBOX_PARTS, "jupyterlab")


class CommandError(RivyaError):
    """A command cannot run on this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 if all went well, 1 after a message on stderr.

    It ends without a word when whoever reads what it says has gone, as `head` does after some lines.
    """
    print_any_sign()
    try:
        try:
            return _done(argv)
        finally:
            # What is left in the buffer would be written when nobody catches the error any more.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _leave_unread()
        return UNREAD


def _leave_unread() -> None:
    """Let nothing more be written to where nobody reads: Python does that once more when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _done(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    # The words after `--` are arguments of JupyterLab.
    cut = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:cut])
    options.rest = words[cut + 1 :]
    try:
        code: int = options.command(options)
    except RivyaError as error:
        print(f"rivya-nb: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrivya-nb: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rivya-nb",
        description="A notebook workbench for image generation with the Rivya API, tried out on the sandbox: "
        "no key, no network, drawn pictures. It also sends what notebooks deferred, and backs up the history.",
    )
    parser.add_argument("--version", action="version", version=f"rivya-nb {__version__}")
    commands = parser.add_subparsers(
        required=True,
        metavar="demo | lab | sandbox | run | work | drift | doctor | backup | check | move | limits",
    )

    demo = commands.add_parser(
        "demo",
        help="execute the first notebook and leave its pictures, grid and report in a folder",
        description=f"Executes {FIRST_NOTEBOOK} in a real kernel against the sandbox.",
    )
    demo.add_argument("--folder", type=Path, default=Path("rivya-demo"), help="default: %(default)s")
    demo.set_defaults(command=_demo)

    lab = commands.add_parser(
        "lab",
        help="open JupyterLab on copies of the notebooks, with the sandbox configured",
        description="Copies the notebooks to a folder, keeps those that are already there, and opens JupyterLab.",
        usage="rivya-nb lab [-h] [--folder FOLDER] [-- JUPYTER_ARGUMENT ...]",
    )
    lab.add_argument("--folder", type=Path, default=Path("rivya-lab"), help="default: %(default)s")
    lab.set_defaults(command=_lab)

    sandbox = commands.add_parser(
        "sandbox",
        help="run the sandbox alone, for any client, until Ctrl-C",
        description="Runs the documented API on a loopback port, with drawn pictures.",
    )
    sandbox.add_argument("--port", type=int, default=8765, help="0: any free one; default: %(default)s")
    sandbox.add_argument(
        "--folder", type=Path, help="where tasks, credits and pictures are kept; default: a temporary folder"
    )
    flags.add_flags(sandbox)
    sandbox.set_defaults(command=_sandbox)

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
    work.add_argument(
        "--parallel", type=flags.positive, metavar="JOBS", help="at most so many requests at a time"
    )
    work.add_argument(
        "--for-all",
        action="store_true",
        help="also send what other users of the store deferred, with this worker's key; by default, only what its "
        "own user (JUPYTERHUB_USER, else the login) deferred",
    )
    work.add_argument("--until-idle", action="store_true", help="end when nothing deferred is left to do")
    work.add_argument(
        "--max-credits", type=flags.positive, metavar="CREDITS", help="what this worker may spend in all"
    )
    work.set_defaults(command=_work)

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
    run.add_argument(
        "--max-credits", type=flags.positive, metavar="CREDITS", help="what it may cost; default: 500"
    )
    run.add_argument(
        "--parallel", type=flags.positive, metavar="JOBS", help="at most so many requests at a time"
    )
    run.set_defaults(command=_run)

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
        type=flags.positive,
        metavar="CREDITS",
        help="what it may cost; default: the limit with which it was pinned",
    )
    drift.set_defaults(command=_drift)

    doctor_command.add_to(commands)
    store_commands.add_to(commands)
    limit_commands.add_to(commands)
    return parser


def _demo(options: argparse.Namespace) -> int:
    _require("demo", "lab", _DEMO_PARTS)
    folder = _made(options.folder)
    print(f"{FIRST_NOTEBOOK} on the sandbox, in {folder}: drawn pictures, play money, no key.", flush=True)
    from rivya_nb.demo import run_demo

    result = run_demo(_notebooks() / FIRST_NOTEBOOK, folder, _environment(folder / "store"), sys.stdout)
    print(_summary(result, folder))
    return 0


_LISTS = (".csv", ".json")
"""The suffixes of what `Run.save` writes beside the pictures."""


def _summary(result: DemoResult, folder: Path) -> str:
    copies = sum(1 for path in (folder / "pictures").iterdir() if path.suffix not in _LISTS)
    seeds = ", ".join(str(seed) for seed in result.seeds)
    rows = [
        (result.notebook, "the notebook with its outputs"),
        (folder / "report.html", "pictures, params and prices; opens in any browser"),
        (folder / "grid.png", "the grid as one picture"),
        (folder / "pictures", f"{copies} copies, each with its request inside"),
    ]
    if not result.new_jobs:
        spent = "nothing was spent: every picture came from the history"
    else:
        spent = f"{result.credits} of the sandbox's credits spent"
    width = max(len(str(path)) for path, _ in rows)
    lines = [f"  {path!s:{width}}  {what}" for path, what in rows]
    return "\n".join(["", f"{result.pictures} pictures, seeds {seeds}; {spent}.", *lines])


def _lab(options: argparse.Namespace) -> int:
    _require("lab", "lab", _LAB_PARTS)
    folder = _made(options.folder)
    # The tables of a notebook lie beside it.
    for pattern in ("*.ipynb", "*.csv"):
        for file in sorted(_notebooks().glob(pattern)):
            if not (folder / file.name).exists():
                shutil.copyfile(file, folder / file.name)
    print(f"JupyterLab on {folder}, with the sandbox configured.", flush=True)
    if find_spec("skimage") is None:
        print("Notebooks 03 and 05 measure pictures: pip install 'rivya-nb[analysis]' for them.", flush=True)
    command = [sys.executable, "-m", "jupyterlab", str(folder / FIRST_NOTEBOOK), *options.rest]
    os.chdir(folder)
    os.execve(sys.executable, command, _environment(folder / "store"))  # noqa: S606 - our own interpreter


def _sandbox(options: argparse.Namespace) -> int:
    _require("sandbox", "sandbox", _SANDBOX_PARTS)
    from rivya_nb.sandbox.server import serve

    try:
        serve(flags.config(options), port=options.port, folder=options.folder, on_ready=_announce)
    except BrokenPipeError:
        raise
    except (OSError, OverflowError) as error:
        raise CommandError(f"The sandbox cannot use port {options.port}: {error}") from None
    return 0


def _announce(url: str) -> None:
    from rivya_nb.sandbox.keys import DEFAULT_KEY

    body = '{"model": "wan-2-7-image-pro", "prompt": "A glass bottle", "params": {"seed": 1}}'
    print(
        f"The sandbox serves {url} until Ctrl-C.\n"
        f"Its key is {DEFAULT_KEY}: public, good for this sandbox and for nothing else.\n\n"
        f"  curl {url}/api/v1/generations \\\n"
        f"    -H 'Authorization: Bearer {DEFAULT_KEY}' -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'\n\n"
        f"Its API is described at {url}/api/v1/openapi.json",
        flush=True,
    )


class _EndedAtOnceError(BaseException):
    """A second signal came."""

    def __init__(self, number: int) -> None:
        self.number = number


def _work(options: argparse.Namespace) -> int:
    from rivya_nb.calls import connect
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
            raise CommandError(
                f"There is no key for {session.service} ({session.key_source}); set RIVYA_API_KEY, or let %rivya "
                "connect --remember keep one in the keyring."
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


def _run(options: argparse.Namespace) -> int:
    from rivya_nb.calls import connect, read_plan

    session = connect()
    try:
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
    finally:
        session.close()


def _drift(options: argparse.Namespace) -> int:
    from rivya_nb.calls import connect
    from rivya_nb.session.drifting import ask_canary

    session = connect()
    try:
        asked = ask_canary(session, options.name, max_credits=options.max_credits)
        for run in asked.runs:
            # Nobody watches a schedule's progress.
            session.work_loop.wait(run.finished())
            run.checked()
        print(asked.sentence)
    finally:
        session.close()
    return {True: DIFFERS, False: 0, None: CANNOT_SAY}[asked.differs]


def _made(folder: Path) -> Path:
    """Create the folder if necessary, and return its absolute path."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The folder {folder} cannot be made: {error.strerror}.") from None
    return folder.absolute()


def _require(command: str, extra: str, modules: Sequence[str]) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise CommandError(
            f"`rivya-nb {command}` needs packages that are not installed here ({', '.join(missing)}): "
            f"pip install 'rivya-nb[{extra}]'"
        )


def _notebooks() -> Path:
    """The folder of the notebooks: in the installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _environment(store: Path) -> Mapping[str, str]:
    """This process' environment for the sandbox: without the key, and with the given store alone."""
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("RIVYA_API_KEY", "RIVYA_PICTURES")
    }
    return {**inherited, "RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": str(store)}
