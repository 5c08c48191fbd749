"""The magics in real kernels, against the sandbox over a real socket."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.proxy import POLL, Fault, Proxy, changed, proxy_to
from kernels import NEWEST, SINCE_SUBSHELLS, VERSIONS, Kernel, write_notebook

from rivya_nb.sandbox.keys import DEFAULT_KEY

CELL = "%%rivya seed=1..2 aspect_ratio=1:1,16:9 resolution=1K --out bottles\nA glass bottle, {subject}"


@pytest.fixture
def ready(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
) -> Callable[..., Kernel]:
    """`ready(version, latency)`: a kernel of the test's own, which finds a sandbox of its own, with the extension
    loaded; a second one finds the same."""
    service = functools.cache(served)

    def started(version: str = NEWEST, latency: float = 0) -> Kernel:
        kernel = start_kernel(version, service(latency))
        kernel.ok("%load_ext rivya_nb\nsubject = 'frosted'")
        return kernel

    return started


def pictures(look: dict[str, str]) -> int:
    return len(re.findall(r'<img [^>]*src="data:image/', look["text/html"]))


def shown(request: object) -> dict[str, str]:
    """What the cell shows in the end."""
    return request.displays[-1]["data"]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cell_shows_its_grid_and_binds_its_run(lent: Callable[..., Kernel], version: str) -> None:
    kernel = lent(version)
    asked = kernel.run(CELL)
    assert asked.status == "ok", asked.traceback
    look = shown(asked)
    assert pictures(look) == 4
    for label in ("seed: 1", "seed: 2", "16:9", "A glass bottle, frosted"):
        assert label in html.unescape(look["text/html"])
    assert asked.result is None, "the run stands there already"
    kernel.ok("assert bottles.credits == 48 and [job.status for job in bottles] == ['succeeded'] * 4")
    kernel.ok("assert bottles[1].image.size[0] > bottles[1].image.size[1]")


ASKED = ("%%rivya seed=1..2 resolution=1K\nA {}", "r = rivya_nb.generate('A {}', seed=[3, 4]).wait()")


@pytest.mark.parametrize("version", VERSIONS)
def test_where_nothing_is_updated_in_place_the_end_is_printed_once(
    lent: Callable[..., Kernel], version: str
) -> None:
    kernel = lent(version)
    kernel.ok("import rivya_nb")

    def displayed(code: str, *, by_page: bool) -> list[str]:
        (cell,) = kernel.finish(kernel.send(code, allow_stdin=True, by_page=by_page))
        assert cell.status == "ok"
        messages = [each["content"] for each in cell.outputs if each["msg_type"] == "display_data"]
        return [each["data"]["text/plain"] for each in messages]

    for asked in ASKED:
        *_, start, end = displayed(asked.format("cup"), by_page=False)
        assert "of 2 done" in start
        assert "in a console" in start
        assert "2 pictures · 24 credits" in end
        (whole,) = displayed(asked.format("cup"), by_page=False)
        assert "from the history" in whole
        (first,) = displayed(asked.format("jug"), by_page=True)
        assert "of 2 done" in first


@pytest.mark.parametrize("version", VERSIONS)
def test_cells_queued_behind_a_waiting_one_all_run(lent: Callable[..., Kernel], version: str) -> None:
    kernel = lent(version, latency=1)
    cells = kernel.run_all(
        ["order = ['a']", CELL, "order.append(bottles[0].status)", "order.append('b')", "order"]
    )
    assert [cell.status for cell in cells] == ["ok"] * 5
    assert cells[-1].result == "['a', 'succeeded', 'b']"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupt_ends_the_wait_and_says_how_to_go_on(ready: Callable[..., Kernel], version: str) -> None:
    # They are queued for a tenth of it: long enough to be seen on any machine.
    kernel = ready(version, latency=600)
    waiting = kernel.send("%%rivya seed=1..20 resolution=1K --parallel 16 --out many\nA bottle")
    behind = kernel.send("never = True")
    kernel.until(
        lambda: any("queued" in look["data"]["text/plain"] for look in waiting.displays), "jobs are submitted"
    )
    kernel.until(lambda: "16 queued" in shown(waiting)["text/plain"], "all places are taken")
    kernel.interrupt()
    kernel.finish(waiting, behind)
    assert waiting.status == "error"
    assert behind.status == "aborted"
    assert len(waiting.traceback) == 1
    for words in (
        "16 submitted go on (192 credits)",
        "4 not sent are held back (48 credits)",
        "%rivya wait 1",
    ):
        assert words in waiting.error
    kernel.ok("many.stop()")
    kernel.ok("assert sorted({job.status for job in many}) in (['planned', 'queued'], ['queued', 'stopped'])")


SLOW = """
import threading
goes_on = threading.Event()
class Slow:
    def tolist(self):
        print("planning")
        goes_on.wait()
        return [1]
seeds = Slow()
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_an_interrupt_ends_the_planning_at_once(lent: Callable[..., Kernel], version: str) -> None:
    kernel = lent(version)
    kernel.ok(SLOW)
    asking = kernel.send("%%rivya seed={seeds}\nA bottle")
    kernel.until(lambda: "planning" in asking.stdout, "it is planned")
    kernel.interrupt()
    kernel.finish(asking)
    kernel.ok("goes_on.set()")
    assert asking.error == "WaitInterruptedError: Interrupted while it was planned: nothing was sent."
    assert len(asking.traceback) == 1


def test_a_run_in_the_background_can_be_waited_for_later(lent: Callable[..., Kernel]) -> None:
    kernel = lent(latency=2)
    # Nothing lies between the first two: a busy machine may need seconds to ask for the second one.
    asked, looked, waited = kernel.run_all(
        [
            "%%rivya seed=5 resolution=1K --background --out later\nA bottle",
            "later[0].record.is_final",
            "%rivya wait 1",
        ]
    )
    assert pictures(asked.displays[0]["data"]) == 0
    assert looked.result == "False"
    assert pictures(shown(waited)) == 1
    kernel.ok("assert later[0].status == 'succeeded'")


LOOK = "status, run = run[0].status, None\nstatus"

WAITS = {
    "under time": "%%time\n%%rivya seed=1 resolution=1K --out run\nA bottle",
    "under capture": "%%capture\n%%rivya seed=2 resolution=1K --out run\nA bottle",
    "in a function": (
        "def ask():\n"
        "    return get_ipython().run_cell_magic('rivya', 'seed=3 resolution=1K', 'A bottle')\n"
        "run = ask()"
    ),
    "run.wait()": "import rivya_nb as rv\nrun = rv.generate('A bottle', seed=4, resolution='1K').wait()",
    "await run": "run = await rv.generate('A bottle', seed=5, resolution='1K')",
    "in a notebook that is run": "%run asking.ipynb",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wait_works_wherever_the_magic_is_called(
    lent: Callable[..., Kernel], tmp_path: Path, version: str
) -> None:
    write_notebook(tmp_path / "asking.ipynb", "%%rivya seed=6 resolution=1K --out run\nA bottle")
    kernel = lent(version, latency=0.3)
    # All cells are queued at once, each wait with the one behind it that looks at what it left.
    cells = kernel.run_all(["run = None", *(cell for code in WAITS.values() for cell in (code, LOOK))], 200)
    for where, asked, looked in zip(WAITS, cells[1::2], cells[2::2], strict=True):
        assert (asked.status, looked.status) == ("ok", "ok"), f"{where}: {asked.traceback}"
        assert looked.result == "'succeeded'", where


BUTTON = """
import rivya_nb as rv
from ipywidgets import Button
clicked = []
button = Button()
button.on_click(lambda _: clicked.append(rv.generate("A clicked bottle", seed=9, resolution="1K")))
button.comm.comm_id
"""


@pytest.mark.parametrize("version", SINCE_SUBSHELLS)
def test_a_button_pressed_over_a_subshell_while_a_run_is_going_works(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel], version: str
) -> None:
    environment = served(latency=0.1)
    with proxy_to(environment["RIVYA_BASE_URL"]) as proxy:
        # No picture comes before it may.
        proxy.inject(Fault(POLL, changed(lambda task: {**task, "status": "processing", "result": None})))
        kernel = start_kernel(version, {**environment, "RIVYA_BASE_URL": proxy.url})
        kernel.ok("%load_ext rivya_nb")
        press_while_a_cell_waits(kernel, proxy)


def press_while_a_cell_waits(kernel: Kernel, proxy: Proxy) -> None:
    comm = (kernel.ok(BUTTON).result or "").strip("'")
    pressing, watching = kernel.create_subshell(), kernel.create_subshell()
    waiting = kernel.send("%%rivya seed=1 resolution=1K --out first\nA bottle")
    kernel.until(
        lambda: any(re.search("queued|processing", look["data"]["text/plain"]) for look in waiting.displays),
        "it is going",
    )
    kernel.comm_send(comm, {"method": "custom", "content": {"event": "click"}}, pressing)

    def clicks() -> str | None:
        return kernel.finish(kernel.send("len(clicked)", subshell=watching))[0].result

    kernel.until(lambda: clicks() == "1", "the click is handled")
    assert not waiting.done, "the click did not have to wait for the cell"
    proxy.heal()
    kernel.finish(waiting)
    assert waiting.status == "ok"
    kernel.ok("clicked[0].wait()\nassert clicked[0][0].status == first[0].status == 'succeeded'")


def test_the_history_is_there_after_a_restart(ready: Callable[..., Kernel]) -> None:
    first = ready()
    first.ok(CELL)
    second = ready()
    again = second.ok(CELL)
    assert "0 credits (4 from the history at no cost)" in shown(again)["text/plain"]
    seeds = second.ok("import rivya_nb as rv\n[job.seed for job in rv.history(aspect_ratio='16:9')]")
    assert seeds.result == "[2, 1]"
    grid = second.ok("rv.runs(1).grid(rows='aspect_ratio', cols='seed')")
    assert grid.outputs[-2]["content"]["data"]["text/html"].count("data:image/") == 4


def test_a_failed_task_says_why_in_its_cell_and_the_others_are_there(
    lent: Callable[..., Kernel],
) -> None:
    kernel = lent()
    asked = kernel.ok("%%rivya seed=1..16 resolution=1K --out run\nA bottle sandbox:fail(seed=7)")
    look = shown(asked)
    assert pictures(look) == 15
    assert "generation" in look["text/html"]
    assert "15 of 16 pictures" in look["text/plain"]
    assert "%rivya retry 1" in look["text/plain"]
    kernel.ok("assert run.credits == 15 * 12")


MISTAKES = {
    "an unknown param": ("%%rivya sed=1\nA bottle", "did you mean 'seed'?"),
    "a value outside its options": ("%%rivya aspect_ratio=16x9\nA bottle", "did you mean '16:9'?"),
    "a seed below 0": ("%%rivya seed=-1\nA bottle", "-1 is below 0"),
    "a seed above the highest": ("%%rivya seed=2147483648\nA bottle", "2147483648 is above 2147483647"),
    "a fractional seed": ("%%rivya seed=1.5\nA bottle", "1.5 is not a whole number"),
    "an empty prompt": ("%%rivya seed=1\n   \n", "it goes below the line"),
    "a prompt that is too long": ("%%rivya seed=1\n" + "x" * 5001, "5,001 characters are too many"),
    "a missing reference": ("%%rivya seed=1 --ref missing.png\nA bottle", "there is no such file"),
    "ten references": ("%%rivya seed=1" + " --ref dot.png" * 10 + "\nA bottle", "10 are too many"),
    "text named .png": ("%%rivya seed=1 --ref text.png\nA bottle", "not a picture but text"),
    "an unknown variable": ("%%rivya seed=1\nA {subjct}", "did you mean 'subject'?"),
    "a plan that is too expensive": ("%%rivya seed=1..1000\nA bottle", "the limit is 500"),
    "an unknown flag": ("%%rivya seed=1 --dryrun\nA bottle", "--dry-run"),
    "a run that is not there": ("%rivya wait 7", "There is no run 7"),
    "rows that are no axis": ("%%rivya seed=1..2 --rows sead\nA bottle", "did you mean 'seed'?"),
}


def test_every_mistake_is_one_message_and_nothing_is_sent(
    lent: Callable[..., Kernel], tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "dot.png")
    (tmp_path / "text.png").write_text("not a picture at all")
    kernel = lent()
    for what, (code, words) in MISTAKES.items():
        asked = kernel.run(code)
        assert asked.status == "error", what
        assert words in asked.error, f"{what}: {asked.error}"
        assert len(asked.traceback) == 1, what
        assert not asked.stderr, what
    kernel.ok("import rivya_nb as rv\nassert rv.runs() == []")
    kernel.ok("from rivya_nb.current import current_session\nassert current_session().balance() == 10_000")


def test_all_mistakes_of_a_cell_are_told_at_once(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    asked = kernel.run("%%rivya sed=1 aspect_ratio=16x9 --ref missing.png\n" + "x" * 5001)
    for words in ("4 mistakes", "sed:", "aspect_ratio:", "missing.png:", "prompt:"):
        assert words in asked.error


def test_without_a_key_and_without_a_sandbox_the_message_says_what_to_do(
    start_kernel: Callable[..., Kernel],
) -> None:
    kernel = start_kernel(NEWEST, {"RIVYA_STORE": "store"})
    asked = kernel.run("%load_ext rivya_nb")
    asked = kernel.run("%%rivya seed=1\nA bottle")
    assert "RIVYA_API_KEY" in asked.error
    assert "%rivya sandbox" in asked.error
    assert len(asked.traceback) == 1


def test_a_dry_run_shows_the_grid_and_the_price_and_sends_nothing(
    lent: Callable[..., Kernel],
) -> None:
    kernel = lent()
    asked = kernel.ok(CELL.replace("--out", "--dry-run --out"))
    assert "48 credits" in asked.outputs[-2]["content"]["data"]["text/html"]
    kernel.ok("import rivya_nb as rv\nassert rv.runs() == []")
    kernel.ok("assert bottles.run().wait().credits == 48")


def test_drawn_seeds_are_told_and_can_be_kept(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    asked = kernel.ok("%%rivya resolution=1K --repeat 2 --out drawn\nA bottle")
    seeds = kernel.ok("','.join(str(job.seed) for job in drawn)").result
    assert seeds is not None
    assert f"seed={seeds.strip(chr(39))}" in shown(asked)["text/plain"]


def test_unloading_takes_the_magics_away(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok("%reload_ext rivya_nb")
    kernel.ok("%unload_ext rivya_nb")
    assert "not found" in kernel.run("%rivya help").stderr


def test_the_magic_documents_itself(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    asked = kernel.ok("%%rivya?")
    assert asked.reply is not None
    text = asked.reply["content"]["payload"][0]["data"]["text/plain"]
    for words in ("seed=1..4", "--max-credits", "{dawn|dusk}", "--dry-run"):
        assert words in text


def test_models_are_a_table_of_plain_html_and_of_text(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    asked = kernel.run("%rivya models wan --category image --refresh")
    assert asked.status == "ok", asked.traceback
    look = next(
        message["content"]["data"] for message in asked.outputs if message["msg_type"] == "execute_result"
    )
    assert look["text/html"].count("<tr") == 3
    assert "<script" not in look["text/html"]
    assert re.search(r"the list of http://127\.0\.0\.1:\d+, fetched 0 s ago", look["text/plain"])
    asked = kernel.run("%rivya models wan-2-7-image-pro")
    assert asked.result is not None
    assert "at most 20 MB each" in asked.result


def test_a_run_of_several_pictures_for_one_request_shows_them_all(
    lent: Callable[..., Kernel],
) -> None:
    kernel = lent()
    asked = kernel.run("%%rivya seed=1 max_images=3 --model seedream-4-0 --out trio\nA glass bottle")
    assert asked.status == "ok", asked.traceback
    assert pictures(shown(asked)) == 3
    assert "picture 3" in shown(asked)["text/html"]
    kernel.ok("assert len(trio.images) == len(trio[0].images) == 3 and trio.credits == 6")
    kernel.ok("assert trio.report('r.html').read_text().count('data:image/') == 3")
    kernel.ok("assert len(trio.save('originals')) == 3; sheet = trio.grid().save('sheet.png', cell=100)")
    kernel.ok("from PIL import Image; assert Image.open(sheet).width > 320")


SLOW_PICTURE = """
import asyncio, threading
import numpy
loop, turned = asyncio.get_running_loop(), threading.Event()
class Slow:
    dtype = "uint8"
    def __array__(self, *_, **__):
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(60), "the loop stands still"
        return numpy.zeros((8, 8, 3), "uint8")
slow = Slow()
"""


def test_the_kernels_loop_goes_on_while_references_are_read(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok(SLOW_PICTURE)
    asked = kernel.run("%%rivya seed=1 resolution=1K --ref {slow} --out held\nA bottle")
    assert asked.status == "ok", asked.traceback
    assert pictures(shown(asked)) == 1
    kernel.ok("assert held[0].request.references[0].mime_type == 'image/png'")


def test_a_job_puts_the_cell_that_asks_for_it_below_the_executing_one(
    lent: Callable[..., Kernel],
) -> None:
    kernel = lent()
    kernel.ok("%%rivya seed=7 resolution=1K --out bottle\nA {{braced}} bottle, {subject}")
    asked = kernel.ok("bottle[0].as_cell()")
    assert asked.reply is not None
    (inserted,) = asked.reply["content"]["payload"]
    assert (inserted["source"], inserted["replace"]) == ("set_next_input", False)
    assert inserted["text"] == "%%rivya seed=7 resolution=1K\nA {{braced}} bottle, frosted"
    assert (asked.stdout, asked.result) == ("", None)
    again = kernel.ok(f"{inserted['text']}")
    assert "from the history at no cost" in shown(again)["text/html"]


def test_what_a_dead_kernel_leaves_says_how_to_get_a_fresh_view(ready: Callable[..., Kernel]) -> None:
    kernel = ready(latency=30)
    left = html.unescape(shown(kernel.ok("%%rivya seed=1 --background\nA bottle"))["text/html"])
    assert "as of 20" in left
    assert "%rivya resume 1</code>" in left


def test_a_deferred_cell_sends_nothing_and_follows_what_a_worker_does(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    asked = kernel.ok("%%rivya seed=1,2 resolution=1K --defer --out later\nA bottle")
    text = shown(asked)["text/plain"]
    assert "deferred: 2 pictures, 24 credits; `rivya-nb work` sends them" in text
    assert "rivya-nb work  sends the 2 deferred ones (24 credits)" in text
    kernel.ok("assert {job.status for job in later} == {'planned'}")
    kernel.ok(
        "import rivya_nb as rv, os, subprocess, sys\n"
        "session = rv.connect.__globals__['current_session']()\n"
        f"environ = dict(os.environ, RIVYA_API_KEY={DEFAULT_KEY!r}, RIVYA_BASE_URL=session.address, "
        "RIVYA_STORE=str(session.store.folder))\n"
        "call = 'from rivya_nb.cli import main; raise SystemExit(main())'\n"
        "command = [sys.executable, '-c', call, 'work', '--until-idle']\n"
        "subprocess.run(command, env=environ, check=True, capture_output=True)"
    )
    kernel.until(lambda: pictures(shown(asked)) == 2, "the cell shows what the worker made")


def test_a_study_file_is_asked_for_like_a_cell(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok(
        "import rivya_nb as rv\n"
        "rv.plan('A {light=dawn|dusk} bottle', seed=7, resolution='1K').to_toml('study.toml').name"
    )
    dry = kernel.ok("%rivya study study.toml --dry-run")
    assert "2 pictures · 24 credits · nothing is sent yet" in (dry.result or "") + str(dry.displays)
    asked = kernel.ok("%rivya study study.toml --out bottles --max-credits 24")
    assert pictures(shown(asked)) == 2
    kernel.ok("assert [job.status for job in bottles] == ['succeeded'] * 2")
    again = kernel.ok("%rivya study study.toml --background --out again")
    kernel.until(lambda: pictures(shown(again)) == 2, "the pictures of the history are shown")
    kernel.ok("assert again.credits == 0")
    for line, told in (
        ("%rivya study", "name one study file"),
        ("%rivya study gone.toml", "there is no such file"),
        ("%rivya study study.toml --dry", "is not a flag; did you mean '--dry-run'?"),
        ("%rivya study study.toml --max-credits many", "'many' is not a whole number"),
    ):
        wrong = kernel.run(line)
        assert wrong.status == "error"
        assert told in "\n".join(wrong.traceback)
