"""Measures as a user asks for them: of runs, histories and grids, as a table, and as an order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from store.filling import done

import rivya_nb as rv
from history.conftest import Fill, add_run, picture
from rivya_nb.errors import UsageError, WaitInterruptedError
from rivya_nb.jobs.work_loop import WorkLoop
from rivya_nb.measures import registry


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_defined", {})


@pytest.fixture
def palette() -> Any:
    @rv.measure(version="1", higher_is="worse")
    def palette(image: Image.Image) -> dict[str, float]:
        """How red and how blue it is."""
        red, _, blue = image.getpixel((0, 0))  # type: ignore[misc]
        if red == 9:
            raise ValueError("nine <b>")
        return {"red": red, "blue": blue}

    return palette


def html_of(shown: Any) -> str:
    return str(shown._repr_mimebundle_()["text/html"])


def test_a_run_is_measured_and_shows_each_number_with_its_histogram(fill: Fill, palette: Any) -> None:
    found = fill([1, 100, 200]).measure("brightness", palette)
    text = repr(found)
    assert "brightness, palette: 3 pictures of run 1" in text
    assert "palette.red 100 (50.5 to 150) 1 to 200 3" in " ".join(text.split())
    html = html_of(found)
    assert "palette.<wbr>red" in html or "palette.red" in html
    assert "How red and how blue it is." in html
    assert "higher is worse" in html
    assert "background:rgb(230,130,20)" in html


def test_what_fails_is_told_with_the_reason_and_the_rest_is_shown(fill: Fill, palette: Any) -> None:
    found = fill([1, 9, 200]).measure(palette)
    assert "palette: 1 of 3 failed: ValueError: nine <b> (line " in repr(found)
    assert "nine &lt;b&gt;" in html_of(found)
    table = found.to_pandas()
    assert table["palette.red"].isna().tolist() == [False, True, False]
    assert "ValueError: nine" in table["failed"][1]
    assert table["seed"].tolist() == ["1", "9", "200"]


def test_a_measure_of_pairs_compares_neighbours(fill: Fill) -> None:
    found = fill([1, 100, 200]).measure("ciede2000", "ssim")
    assert "ciede2000  seed" in repr(found)
    table = found.to_pandas()
    assert table[["axis", "one", "other"]].to_numpy().tolist() == [
        ["seed", "1", "100"],
        ["seed", "1", "200"],
        ["seed", "100", "200"],
    ]
    assert (table["ciede2000"] > 0).all()
    with pytest.raises(UsageError, match="share every value but one"):
        fill([1]).measure("ssim")


def test_what_cannot_be_measured_is_told(fill: Fill, palette: Any) -> None:
    run = fill([1, 2])
    for wrong, told in (
        ((), "name one or several of palette, brightness"),
        (("ssim", "brightness"), "ask for them one after the other"),
        (("palette.green",), "palette has no part 'green'"),
        ((3,), "3 is no function"),
    ):
        with pytest.raises(UsageError, match=told):
            run.measure(*wrong)
    run.hide()
    for job in run:
        job.exclude("blurred")
    with pytest.raises(UsageError, match="all of these are excluded"):
        run.measure("brightness")


def test_excluded_pictures_are_left_out_and_told(fill: Fill) -> None:
    run = fill([1, 100, 200])
    run[0].exclude("hand cut off")
    found = run.measure("brightness")
    assert "2 pictures of run 1" in repr(found)
    assert "1 excluded picture left out" in repr(found)
    assert len(run.measure("ciede2000").to_pandas()) == 1


def test_each_picture_of_an_excluded_request_is_counted(session: rv.Session) -> None:
    several = done(params={"seed": 1}, pictures=tuple(picture(session, at) for at in (1, 2, 4)))
    failed = done(params={"seed": 2}, status="failed", pictures=())
    whole = done(params={"seed": 3}, pictures=(picture(session, 3),))
    run = session.run(add_run(session, [1, 2, 3], [several, failed, whole]))
    run[:2].exclude("blurred")
    assert "3 excluded pictures left out" in repr(run.measure("brightness"))


def test_a_store_that_may_only_be_read_is_measured_and_keeps_nothing(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fill([1, 100])
    monkeypatch.setattr(run._store.database, "obstacle", "the folder is write-protected")
    found = run.measure("brightness")
    assert found.to_pandas()["brightness"].notna().all()
    assert "the store may only be read: these numbers are not kept" in repr(found)
    assert "brightness" not in run.to_pandas()


def test_a_grid_shows_one_number_on_each_picture(fill: Fill, palette: Any) -> None:
    run = fill([1, 100, 200])
    grid = run.grid(measure="palette.red")
    shown = grid._repr_mimebundle_()
    assert 'title="palette.red 100"' in shown["text/html"]
    assert "palette.red 200" in shown["text/plain"]
    assert "blue is below the median of all (100), orange above" in shown["text/plain"]
    with pytest.raises(UsageError, match=r"one number; choose one of palette\.blue, palette\.red"):
        run.grid(measure=palette)
    assert "palette" not in run.grid()._repr_mimebundle_()["text/plain"]


def test_numbers_are_columns_of_runs_and_histories_of_the_version_of_now(fill: Fill, palette: Any) -> None:
    run = fill([1, 100])
    assert "brightness" not in run.to_pandas()
    run.measure("brightness")
    run[:1].measure(palette)
    table = rv.history(sort="oldest").to_pandas()
    assert table["palette.red"].tolist()[0] == 1
    assert table["palette.red"].isna().tolist() == [False, True]
    assert table["brightness"].notna().all()
    rv.measure(name="palette", version="2")(lambda image: 5)
    assert not [name for name in run.to_pandas() if name.startswith("palette")]
    registry._defined.clear()
    assert "palette.red" in run.to_pandas()


def seeds(history: Any) -> list[Any]:
    return [job.seed for job in history]


def test_the_history_is_sorted_by_a_measure_the_best_first(fill: Fill, palette: Any) -> None:
    fill([5, 1, 200, 9]).measure("brightness", palette)
    fill([7, 3])
    history = rv.history(sort="brightness")
    assert seeds(history) == [200, 9, 5, 1, 3, 7]
    assert seeds(history[1:5]) == [9, 5, 1, 3]
    assert seeds(history[5:]) == [7]
    # What is worse where it is higher begins with the lowest; one failed.
    assert seeds(rv.history(sort="palette.red")) == [1, 5, 200, 3, 7, 9]
    shown = history._repr_mimebundle_()["text/plain"]
    assert "history: sorted by brightness: 1–6 of 6" in shown
    assert "seed: 200 · brightness 0.2" in shown
    assert '.measure("brightness")  measures those that have no number yet' in shown
    assert history._asked.call == "rv.history(sort='brightness')"


def test_an_order_that_there_is_not_is_told(fill: Fill, palette: Any) -> None:
    fill([1, 2]).measure(palette, "brightness")
    for sort, told in (
        ("brightnes", "did you mean 'brightness'"),
        ("palette", r"palette gives 2 numbers; choose one: palette\.blue, palette\.red"),
        ("palette.green", "palette has no part 'green'"),
        ("brightness.red", "it gives one number"),
        ("ssim", "'ssim' is no order"),
    ):
        with pytest.raises(UsageError, match=told):
            rv.history(sort=sort)


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, seen = fill(list(range(40))), list[int]()
    in_the_middle, go_on = threading.Event(), threading.Event()

    @rv.measure(version="1")
    def mine(image: Image.Image) -> int:
        seen.append(1)
        if len(seen) >= 3:
            in_the_middle.set()
            assert go_on.wait(60)
        return len(seen)

    def interrupted(_: WorkLoop, work: Callable[[], object]) -> object:
        # As the kernel does it: the work goes on in its thread, and the cell ends.
        threads.append(threading.Thread(target=work))
        threads[0].start()
        assert in_the_middle.wait(60)
        raise KeyboardInterrupt

    threads: list[threading.Thread] = []
    with monkeypatch.context() as patched:
        patched.setattr(WorkLoop, "aside", interrupted)
        with pytest.raises(
            WaitInterruptedError, match=r"of 40 pictures are done and kept; the same call goes on"
        ):
            run.measure(mine)
    go_on.set()
    threads[0].join(60)
    before = len(seen)
    assert len(run.measure(mine).to_pandas()) == 40
    assert len(seen) == 40
    assert before < 40
