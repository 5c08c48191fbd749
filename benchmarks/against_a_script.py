"""The script that a user would write, and this package, beside each other: pictures of one prompt.

    python benchmarks/against_a_script.py [--jobs 64] [--latency 8..20] [--max-in-flight 20] [--learned]
    python benchmarks/against_a_script.py --jobs 10000 --latency 0.1 --one-picture

Both work in a cell of a real kernel, each in one of its own with a sandbox of its own, whose tasks take the same
times and whose pictures are drawn beforehand. Then both do it again and are killed when half of the pictures
are there, and a second kernel goes on. The sandbox counts the calls. The ideal is what a client would need that
knows the service: the slowest task, or, where tasks at a time are limited, all work by that limit and half of
the longest task. With `--learned`, the package has made 32 other pictures before, so it knows how long tasks
take. The figures are for one machine at one time: compare the ratios. Linux only, because of the memory.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat

from rivya_nb.sandbox import DEFAULT_KEY, flags
from rivya_nb.sandbox.config import SandboxConfig

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from kernels import NEWEST, Request, started  # noqa: E402
from service import GENERATIONS, Service, load  # noqa: E402

PROMPT = "A glass bottle on a soft studio background"
MODEL = "wan-2-7-image-pro"
MOST_SECONDS = 4 * 3600.0
FOR_LEARNING = 32
KILLED_AT_MOST = 64
"""Jobs of the run that is killed: what happens to one job happens to all."""

SETUP = f"""
import sys, time, json
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
from watch import Watch
watch = Watch()
"""
SCRIPT_SETUP = """
import the_script
from IPython.display import HTML
"""
SCRIPT = """
bodies = {{
    f"{{seed:05}}": {{
        "model": {model!r}, "prompt": {prompt!r}, "params": {{"seed": seed, "resolution": {resolution!r}}}
    }}
    for seed in range(1, {jobs} + 1)
}}
Path("pictures").mkdir(exist_ok=True)
await the_script.fetch({url!r}, {key!r}, bodies, Path("pictures"))
"""
SCRIPT_GRID = "grid = HTML(the_script.grid(Path('pictures')))"
PACKAGE_SETUP = """
import rivya_nb as rv
%load_ext rivya_nb
rv.connect({key!r}, {url!r}, store="store")
"""
PACKAGE = """
run = rv.generate({prompt!r}, model={model!r}, seed=range({first}, {first} + {jobs}), resolution={resolution!r},
                  max_credits=10**9)
watch.started()
await run
"""
PACKAGE_AGAIN = "run = rv.resume(unsent=True, max_credits=10**9)\nawait run"
PACKAGE_GRID = "shown = run.grid()._repr_mimebundle_()"


@dataclass(frozen=True)
class Side:
    """Cells of a notebook: `setup` is executed in each new kernel; `again` goes on after a kill."""

    setup: str
    work: str
    again: str
    grid: str
    shows_grid: bool
    """Whether the cell that waited shows the grid already."""


@dataclass(frozen=True)
class Outcome:
    watched: dict[str, Any]
    wall: float
    calls: Counter[str]
    ideal: float
    notebook: int
    grid: float


def sides(url: str, options: argparse.Namespace, jobs: int) -> dict[str, Side]:
    names = {
        "url": url, "key": DEFAULT_KEY, "jobs": jobs, "first": 1, "model": MODEL, "prompt": PROMPT,
        "resolution": options.resolution,
    }  # fmt: skip
    script, package = SCRIPT.format(**names), PACKAGE.format(**names)
    return {
        "script": Side(SETUP + SCRIPT_SETUP, script, script, SCRIPT_GRID, shows_grid=False),
        "package": Side(
            SETUP + PACKAGE_SETUP.format(**names), package, PACKAGE_AGAIN, PACKAGE_GRID, shows_grid=True
        ),
    }  # fmt: skip


def measure(name: str, service: Service, folder: Path, options: argparse.Namespace) -> Outcome:
    side = sides(service.url, options, options.jobs)[name]
    with started(NEWEST, made(folder), folder / "cache", {"PYTHONWARNINGS": "ignore"}) as kernel:
        kernel.ok(side.setup, MOST_SECONDS)
        if options.learned and name == "package":
            more = sides(service.url, options, FOR_LEARNING)[name].work.replace(
                "range(1, 1 +", "range(10**6, 10**6 +"
            )
            kernel.ok(more, MOST_SECONDS)
        before, since = service.calls(), time.time()
        kernel.ok("watch = Watch()")
        began = time.perf_counter()
        waited = kernel.ok(side.work, MOST_SECONDS)
        wall = time.perf_counter() - began
        watched = json.loads(kernel.ok("print(json.dumps(watch.end()))").stdout)
        calls = service.calls() - before
        timed = f"began = time.perf_counter()\n{side.grid}\nprint(time.perf_counter() - began)"
        grid = float(kernel.ok(timed, MOST_SECONDS).stdout)
        shown = waited if side.shows_grid else kernel.ok("display(grid)", MOST_SECONDS)
    best = ideal([seconds for seconds, _ in service.tasks(since)], options.max_in_flight)
    return Outcome(watched, wall, calls, best, notebook_bytes(shown), grid)


def notebook_bytes(request: Request) -> int:
    """What the cell adds to the saved notebook: what it showed, each display as it was in the end."""
    last: dict[str, dict[str, object]] = {}
    for number, content in enumerate(request.displays):
        last[content.get("transient", {}).get("display_id", str(number))] = content["data"]
    outputs = [nbformat.v4.new_output("display_data", data) for data in last.values()]
    cell = nbformat.v4.new_code_cell("", outputs=outputs)
    return len(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode())


def killed(name: str, service: Service, folder: Path, options: argparse.Namespace, jobs: int) -> float:
    """The credits that were spent, by those that the pictures cost, after a kill in the middle and a rerun."""
    side = sides(service.url, options, jobs)[name]
    with started(NEWEST, made(folder), folder / "cache") as kernel:
        kernel.ok(side.setup, MOST_SECONDS)
        pid = int(kernel.ok("import os; print(os.getpid())").stdout)
        kernel.send(side.work)
        kernel.until(lambda: service.calls()["downloads"] >= jobs / 2, "half are there", MOST_SECONDS)
        os.kill(pid, signal.SIGKILL)
    with started(NEWEST, folder, folder / "cache") as kernel:
        kernel.ok(side.setup, MOST_SECONDS)
        kernel.ok(side.again, MOST_SECONDS)
    prices = [price for _, price in service.tasks()]
    return sum(prices) / (jobs * prices[0])


def draw_beforehand(config: SandboxConfig, folder: Path, pictures: Path, options: argparse.Namespace) -> None:
    with (
        Service(config, folder, pictures=pictures) as service,
        httpx.Client(
            base_url=service.url, headers={"Authorization": f"Bearer {DEFAULT_KEY}"}, timeout=600
        ) as client,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):

        def draw(seed: int) -> None:
            params = {"seed": seed, "resolution": options.resolution}
            task = client.post(GENERATIONS, json={"model": MODEL, "prompt": PROMPT, "params": params}).json()
            client.get(task["result"]["primary_url"])

        list(pool.map(draw, range(1, options.jobs + 1)))


def ideal(tasks: list[float], at_once: int | None) -> float:
    """Seconds that a client needs that knows the service."""
    slowest = max(tasks)
    return slowest if at_once is None else max(slowest, sum(tasks) / at_once + slowest / 2)


def report(outcomes: dict[str, Outcome], options: argparse.Namespace) -> None:
    row("", *outcomes, *(["ratio"] if len(outcomes) > 1 else []))

    def compare(what: str, form: str, figure: Callable[[Outcome], float]) -> None:
        figures = [figure(each) for each in outcomes.values()]
        ratio = [f"{figures[1] / figures[0]:.2f}"] if len(figures) > 1 and figures[0] else []
        row(what, *(format(each, form) for each in figures), *ratio)

    jobs = options.jobs
    compare("wall, s", ".2f", lambda each: each.wall)
    compare("ideal, s", ".2f", lambda each: each.ideal)
    compare("wall / ideal", ".2f", lambda each: each.wall / each.ideal)
    compare("polls a job", ".2f", lambda each: each.calls["polls"] / jobs)
    compare("refused, % of all calls", ".1f", lambda each: 100 * each.calls["refused"] / each.calls.total())
    compare("stall of the loop at start, ms", ".0f", lambda each: 1000 * each.watched["stall at start"])
    compare("longest stall later, ms", ".0f", lambda each: 1000 * each.watched["stall"])
    compare("stalls over 20 ms", ".0f", lambda each: each.watched["stalls"])
    compare("jobs a second", ".1f", lambda each: jobs / each.wall)
    compare("jobs a second of processor", ".1f", lambda each: jobs / each.watched["processor"])
    compare("memory above start, MB", ".0f", lambda each: each.watched["memory"])
    compare("notebook, kB", ".0f", lambda each: each.notebook / 1000)
    compare("time of the grid, ms", ".0f", lambda each: 1000 * each.grid)


def row(what: str, *columns: str) -> None:
    print(f"{what:32}" + "".join(f"{column:>12}" for column in columns), flush=True)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_flags(parser)
    parser.add_argument("--jobs", type=int, default=64)
    parser.add_argument("--resolution", default="1K", choices=["1K", "2K", "4K"])
    parser.add_argument("--one-picture", action="store_true", help="a small one, the same for every task")
    parser.add_argument("--learned", action="store_true", help="the package knows how long tasks take")
    parser.add_argument("--only", choices=["script", "package"], help="measure one side")
    parser.add_argument("--where", action="store_true", help="show where the loop was seen standing still")
    parser.add_argument("--no-kill", action="store_true", help="without the run that is killed")
    parser.set_defaults(latency="8..20", credits=10**9)
    options = parser.parse_args()
    config = flags.config(options)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        pictures = None if options.one_picture else folder / "drawn"
        if pictures is not None:
            draw_beforehand(SandboxConfig(latency=0, credits=10**9), folder / "drawing", pictures, options)

        def service(part: str) -> Service:
            made = Service(config, folder / part, pictures=pictures, one_picture=options.one_picture)
            return stack.enter_context(made)

        print(load())
        names = [options.only] if options.only else ["script", "package"]
        outcomes = {side: measure(side, service(side), folder / f"{side}-kernel", options) for side in names}
        report(outcomes, options)
        if options.where:
            for side, outcome in outcomes.items():
                for place, times in outcome.watched["places"]:
                    print(f"{side}: {times:4} times in {place}")
        if not options.no_kill:
            jobs = min(options.jobs, KILLED_AT_MOST)
            spent = [
                killed(side, service(f"{side}-killed"), folder / f"{side}-killed-kernel", options, jobs)
                for side in names
            ]
            row("credits after a kill / without", *(f"{each:.2f}" for each in spent))


if __name__ == "__main__":
    main()
