"""For any test: the order of all of them, which are slow, the option `--no-skips` for machines on which every test
has to run, a folder for screenshots, and real kernels.

Each worker imports all test files: what takes long to import (nbformat alone 1.5 s) is imported where it is used.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hurried
import pytest
from buckets import Buckets, running_buckets
from hypothesis import settings
from kernels import kernel, kernel_newest, start_kernel
from servers import PostgresqlServer, postgresql_server, programs
from xdist.scheduler import LoadScopeScheduling

__all__ = ["kernel", "kernel_newest", "start_kernel"]

hurried.install()

# The tests are hundreds of thousands of objects, none of which goes before all are there: looking through them
# again and again would be a fifth of what it takes to find them.
gc.disable()

# These tests start some hundreds of Python processes. Where nothing that was compiled is kept, each of them
# compiles all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
QUICK = str(Path(__file__).parent / "quick_processes")
if QUICK not in os.environ.get("PYTHONPATH", ""):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [QUICK, os.environ.get("PYTHONPATH")]))

# Processes with a home of their own find what others have parsed: TAB reads all names that Python itself has, and
# figures look for all fonts.
os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))

# Each test opens stores, and each store waits for its disk. What is written here ends with the tests, so that it
# may as well be in memory: a third of their time is saved.
MEMORY = Path("/dev/shm")
ENOUGH = 4_000_000_000
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="rivya-", dir=MEMORY)
    # A database server of the tests is another user's.
    Path(tempfile.tempdir).chmod(0o755)
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)

# How long an example takes is the machine's affair. Each run draws examples of its own: what 50 of them do not
# find today, others find tomorrow.
settings.register_profile("rivya", deadline=None, max_examples=50)
# The same examples each time, so that a change is judged by what it changes; at a desk, they are drawn anew.
settings.register_profile("repeatable", settings.get_profile("rivya"), derandomize=True)
settings.register_profile("few", settings.get_profile("repeatable"), max_examples=10)
settings.load_profile("rivya")

TOGETHER = (
    "panel in browsers", "browser", "lent kernels", "test_cli", "test_site", "test_openapi",
    "test_waiting_cells", "test_interrupts", "test_threads", "test_other_front_ends",
)  # fmt: skip
"""Tests that share something costly, which each process would start for itself: each of these stays in one."""

LENT = (
    "test_magic",
    "test_completion",
    "test_displays",
    "test_drift",
    "test_history",
    "test_measures",
    "test_opening_cells",
    "test_table_cells",
)
"""Of the tests in kernels, those that lend each other one."""

LONG = ("death", "test_mixtures", "kernel", "test_notebooks", "test_readme", "test_laboratory_page")
"""Tests that take long or wait much, the longest first."""

PROCESSES = (
    "test_process",
    "test_forks",
    "test_store_processes",
    "test_store_backup",
    "test_store_read_only",
    "test_work",
)
"""Tests that start processes and wait for their end."""

WAITING = (
    "faults",
    "money",
    "test_balance",
    "test_troubles",
    "test_elapsed",
    "test_hostile_store",
    "test_tasks",
)
"""Tests that wait for what never comes, or for long."""

BUSY = ("test_openapi", "test_every_model", "test_run_rows")
"""Tests that take much of a processor."""

SLOW = (*TOGETHER, *LONG, *PROCESSES, *WAITING, *BUSY)
"""What `-m "not slow"` leaves out."""


THOROUGH = (
    "test_awkward_texts",
    "test_bucket_files",
    "test_checking",
    "test_laboratory_page",
    "test_mounts",
    "test_moving",
    "test_poolers",
    "test_same_answers",
    "test_server_races",
    "test_server_refusals",
    "test_server_troubles",
)
"""Tests of stores on servers that take minutes together, and are run with `--thorough`."""

ON_SERVERS = (
    "test_store_runs",
    "test_store_history",
    "test_store_credit_limits",
    "test_migrations",
    "test_tombstones",
)
"""Of those that run on both databases, these always do; the others do with `--thorough`."""


def _is_left_out(config: pytest.Config, item: pytest.Item) -> bool:
    stem = item.path.stem
    # Other browser tests prove what the README's pictures show: they are for those who take them anew.
    if stem == "test_readme_pictures":
        return not config.getoption("--readme-pictures")
    is_thorough = (
        stem in THOROUGH
        or (re.search(r"\[postgresql[\]-]", item.name) is not None and stem not in ON_SERVERS)
        or item.get_closest_marker("thorough") is not None
    )
    return is_thorough and not config.getoption("--thorough")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    # Python's own 700 are passed with each answer of a service.
    gc.set_threshold(10_000)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {id(item) for item in items if _is_left_out(config, item)}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]
    for item in items:
        if _named(item.path, SLOW):
            item.add_marker(pytest.mark.slow)
    # What takes longest begins first, or all but one process would wait for it at the end.
    items.sort(key=lambda item: SLOW.index(name) if (name := _named(item.path, SLOW)) else len(SLOW))


class Together(LoadScopeScheduling):
    """Hands out slow tests one by one, and others by the file: each process would import and make anew what those
    of a file share. Some stay in one process as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        return _named(path, TOGETHER) or (nodeid if _named(path, SLOW) else str(path))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    # They are in order.
    config.option.loadscopereorder = False
    return Together(config, log)


def _named(path: Path, names: tuple[str, ...]) -> str | None:
    """The one of some folders and files that a path leads through."""
    # They take longer than all others, and are worth two browsers at work.
    if "browser" in path.parts and path.stem.startswith("test_panel"):
        return "panel in browsers"
    if "kernel" in path.parts and path.stem in LENT:
        return "lent kernels"
    places = {*path.parts, path.stem}
    return next((name for name in names if name in places), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that skips has failed")
    parser.addoption("--screenshots", type=Path, metavar="FOLDER", help="where screenshots are kept")
    parser.addoption("--site", type=Path, metavar="FOLDER", help="the documentation, built already")
    parser.addoption("--thorough", action="store_true", help="also all variants, and minutes of servers")
    parser.addoption(
        "--readme-pictures", action="store_true", help="put the README's pictures into docs/, too"
    )


@pytest.fixture(scope="module")
def documented_times() -> Iterator[None]:
    """In the tests of a file, times are as long as they are for users, and not as short as in all others."""
    modules = [importlib.import_module(name) for name in hurried.SECONDS]
    for module in modules:
        hurried.set_seconds(module, hurried.documented[module.__name__])
    yield
    for module in modules:
        hurried.set_seconds(module, hurried.SECONDS[module.__name__])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of this process' own; `new_store()` is the address of an empty store."""
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def buckets() -> Iterator[Buckets]:
    """An S3 of this process' own; `new()` is the name of an empty bucket."""
    with running_buckets() as running:
        yield running


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `--screenshots`, for pictures that a person may want to look at."""
    folder: Path = request.config.getoption("--screenshots") or tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, which --no-skips does not allow: {reason}"
