"""`rv.history(…)`: what it finds, how little it reads for that, and how it shows it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from views.reading import Element, read

import rivya_nb as rv
from rivya_nb.session.history import PAGE
from rivya_nb.store.records import JobRecord

from .conftest import picture

if TYPE_CHECKING:
    from .conftest import Fill

HOSTILE = "<script>alert(1)</script>"


def seeds(pictures: Any) -> list[object]:
    return [job.seed for job in pictures]


def page_of(shown: Any) -> Element:
    return read(shown._repr_mimebundle_()["text/html"])


def text_of(shown: Any) -> str:
    return str(shown._repr_mimebundle_()["text/plain"])


def mistakes(**filters: Any) -> list[str]:
    with pytest.raises(rv.UsageError) as caught:
        rv.history(**filters)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_everything_that_is_given_must_hold(fill: Fill) -> None:
    first = fill([1, 2, 3], "A glass bottle, dawn", aspect_ratio="16:9")
    fill([2], "A clay pot", model="seedream-4-0", created_at=2000.0)
    first[1].rate(4).tag("keep", "soft light")
    first[2].favourite().tag("keep").rate(3)
    assert seeds(rv.history()) == [2, 3, 2, 1]
    assert seeds(rv.history(prompt="DAWN bottle")) == [3, 2, 1]
    assert seeds(rv.history(model="seedream-4-0")) == [2]
    assert seeds(rv.history(seed=np.int64(2), aspect_ratio="16:9")) == [2]
    assert seeds(rv.history(rating=4)) == [2]
    assert seeds(rv.history(rating=3)) == [3, 2]
    assert seeds(rv.history(favourite=True)) == [3]
    assert seeds(rv.history(tag="keep")) == [3, 2]
    assert seeds(rv.history(tag=["keep", "soft light"])) == [2]
    assert seeds(rv.history(run=first)) == seeds(rv.history(run=first.id)) == [3, 2, 1]
    assert seeds(rv.history(since=1500)) == [2]
    assert seeds(rv.history(params={"seed": 3})) == [3]
    assert seeds(rv.history(prompt=None, seed=None, aspect_ratio=None)) == [2, 3, 2, 1]


def test_either_of_several_and_none_of_some_are_found(fill: Fill) -> None:
    fill([1, 2], "A red fox in snow", aspect_ratio="1:1")
    fill([3], "A grey wolf, cartoon", aspect_ratio="16:9", model="seedream-4-0")
    fill([4], "A red polar fox, cartoon", aspect_ratio="3:4", model="qwen-image")
    for prompt, found in {
        "fox -cartoon": [2, 1],
        "fox OR wolf": [4, 3, 2, 1],
        "fox|wolf cartoon": [4, 3],
        "wolf OR -cartoon": [3, 2, 1],
        "-fox": [3],
        "-FOX -wolf": [],
        "-A": [],
        '"red fox"': [2, 1],
        '-"red fox" OR zebra': [4, 3],
        'zebra|"polar fox"': [4],
        "in OR OR": [2, 1],
        "fox or": [],
        "OR": [],
        "fox OR": [],
    }.items():
        assert seeds(rv.history(prompt=prompt)) == found, prompt
    assert seeds(rv.history(model=["seedream-4-0", "qwen-image"])) == [4, 3]
    assert seeds(rv.history(aspect_ratio=("1:1", "3:4"))) == [4, 2, 1]
    assert seeds(rv.history(seed=range(2, 4))) == seeds(rv.history(seed=np.arange(2, 4))) == [3, 2]
    assert seeds(rv.history(seed=range(4, 0, -2))) == seeds(rv.history(seed=["4", 2.0])) == [4, 2]
    assert seeds(rv.history(params={"seed": range(1, 10**12)}, aspect_ratio="16:9")) == [3]
    assert seeds(rv.history(seed=range(-5, 1))) == []
    for filters in ({"seed": []}, {"seed": range(3, 3)}, {"seed": range(501)[:501] and list(range(501))}):
        assert mistakes(**filters)[0].startswith("seed: ")


def test_a_history_is_sorted_and_paged_by_rating_and_seed(fill: Fill) -> None:
    run = fill([30, 4, 100, 7, 55])
    fill([4])
    run[1].rate(3)
    run[2].rate(5)
    run[4].rate(3)
    assert seeds(rv.history(sort="newest")) == [4, 55, 7, 100, 4, 30]
    assert seeds(rv.history(sort="oldest")) == [30, 4, 100, 7, 55, 4]
    assert seeds(rv.history(sort="rating")) == [100, 55, 4, 4, 7, 30]
    assert seeds(rv.history(sort="seed")) == [4, 4, 7, 30, 55, 100], "by number"
    assert seeds(rv.history(sort="seed", rating=3)) == [4, 55, 100]
    assert seeds(rv.history(sort="rating", seed=range(5, 60))) == [55, 7, 30]
    by_seed = rv.history(sort="seed")
    assert (by_seed[0].seed, by_seed[-2].seed, seeds(by_seed[1:3])) == (4, 55, [4, 7])
    rv.undo()
    assert seeds(rv.history(sort="rating")) == [100, 4, 4, 55, 7, 30]
    assert "history: sorted by seed" in text_of(by_seed)
    assert "history: oldest first" in text_of(rv.history(sort="oldest"))


def test_the_size_of_a_picture_is_asked_for_by_names_that_no_param_has(
    fill: Fill, session: rv.Session
) -> None:
    wide = picture(session, 1)
    fill([1], pictures=(wide,))
    fill([2], pictures=(replace(wide, width=2048, height=1152),), size="1024x1024")
    fill([3], pictures=(wide, replace(wide, width=1024, height=1024)))
    assert seeds(rv.history(picture_width=1024)) == [3]
    assert seeds(rv.history(picture_width=range(1000, 4000))) == [3, 2]
    assert seeds(rv.history(picture_width=(32, 2048), picture_height=range(1, 1153))) == [3, 2, 1]
    assert seeds(rv.history(picture_width=1024, picture_height=24)) == [], "of one picture, not of two"
    assert seeds(rv.history(size="1024x1024")) == [2]
    assert seeds(rv.history(params={"picture_width": 1024})) == [], "a param of that name would be meant"
    assert "picture_width 1000 to 3999" in text_of(rv.history(picture_width=range(1000, 4000)))


def test_a_time_can_be_said_in_many_ways(fill: Fill) -> None:
    now = datetime.now().astimezone()
    for days in (10, 3, 0):
        fill([days], created_at=(now - timedelta(days=days)).timestamp())
    day = (now - timedelta(days=3)).date()
    for since in ("7d", "1w", "168h", "10080 m", (now - timedelta(days=7)).date(), now - timedelta(days=7)):
        assert seeds(rv.history(since=since)) == [0, 3], since
    utc = (now - timedelta(days=7)).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
    assert seeds(rv.history(since=utc)) == [0, 3]
    assert seeds(rv.history(since=day.isoformat(), until=day.isoformat())) == [3], "a day counts whole"
    assert seeds(rv.history(since=day, until=day)) == [3]
    assert seeds(rv.history(until=np.datetime64(day))) == [3, 10]
    assert seeds(rv.history(until=f"{day} 00:00")) == [10]


@pytest.mark.parametrize(
    "since", ["yesterday", "7", "7days", "d7", "-7d", "2026-13-01", "2026-11-23T25:00", True, [], 1e400]
)
def test_a_time_that_is_not_understood_says_what_is(session: rv.Session, since: object) -> None:
    (mistake,) = mistakes(since=since)
    assert mistake.startswith("since: ")
    assert "7d" in mistake
    assert "2026-11-23" in mistake


def test_all_mistakes_are_told_at_once_with_what_is_right(session: rv.Session) -> None:
    told = mistakes(
        rating=6,
        favourite="yes",
        tag=[],
        run="cats",
        seed=[{}],
        prompt=7,
        since=date.max,
        until="1d",
        picture_width="wide",
        sort="best",
        ratng=4,
    )
    where = ["prompt", "seed", "ratng", "rating", "favourite", "tag", "run", "picture_width", "sort", "since"]
    assert [mistake.partition(":")[0] for mistake in told] == where
    assert "did you mean 'rating'?" in told[2]
    assert "0 to 5" in told[3]
    assert "number of pixels" in told[7]
    assert "newest, oldest, rating, seed" in told[8]
    assert "later than until" in told[9]


def test_a_part_is_read_without_the_rest(
    fill: Fill, session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(range(60))
    read_jobs: list[str] = []
    read_them = session.store.jobs

    def counting(ids: Iterable[str]) -> dict[str, JobRecord]:
        read_jobs.extend(found := list(ids))
        return read_them(found)

    monkeypatch.setattr(session.store, "jobs", counting)
    history = rv.history()
    assert len(history) == 60
    assert (history[0].seed, history[-1].seed, history[10].seed) == (59, 0, 49)
    assert len(read_jobs) == 3
    part = history[10:20]
    assert len(part) == 10
    assert len(read_jobs) == 3, "a slice reads when it is looked at"
    assert seeds(part) == list(range(49, 39, -1))
    assert (seeds(part[:2]), part[-1].seed) == ([49, 48], 40)
    assert seeds(history[-2:]) == [1, 0]
    assert seeds(history[::-25]) == [0, 25, 50]
    assert seeds(history[58:99]) == [1, 0]
    assert seeds(history[5:5]) == seeds(history[70:80]) == []
    for index in (60, -61):
        with pytest.raises(IndexError, match="there are 60"):
            history[index]


def test_places_past_every_end_are_none_and_take_no_time(fill: Fill) -> None:
    fill([1, 2])
    history = rv.history()
    for part in (history[: 10**30], history[:][: sys.maxsize], history[-(10**30) : 10**30]):
        assert seeds(part) == [2, 1]
    assert seeds(history[10**30 : 10**30 + 5]) == []
    with pytest.raises(IndexError, match="there are 2"):
        history[10**30]
    with pytest.raises(rv.UsageError, match="is no run's id"):
        rv.history(run=10**30)
    with pytest.raises(rv.UsageError, match="seed: there are no results"):
        history[2:].grid(rows="seed")


def test_a_slice_stays_and_the_history_goes_on(fill: Fill) -> None:
    fill([1, 2, 3])
    history = rv.history()
    part = history[:2]
    fill([4])
    assert seeds(part) == [3, 2]
    assert seeds(history) == [4, 3, 2, 1]


def test_nothing_is_missed_while_what_is_seen_is_hidden(fill: Fill, session: rv.Session) -> None:
    fill(range(450), pictures=(picture(session, 1),))
    seen: list[object] = []
    for job in rv.history():
        if not seen:
            rv.history()[:300].hide()
        seen.append(job.seed)
    assert seen == list(range(449, -1, -1))
    assert len(rv.history()) == 150


def test_a_part_can_do_what_a_run_can(fill: Fill, tmp_path: Path) -> None:
    run = fill(range(5), aspect_ratio="4:3")
    assert "run 1: 1–2 of 2" in text_of(run[1:3])
    for part in (rv.history()[1:3], rv.history().page(1)[1:3], run[1:3][::-1]):
        assert part.grid(rows="seed")._repr_mimebundle_()["text/html"].count("data:image/") == 2
        assert len(part.save(tmp_path / "pictures")) == 2
        assert part.report(tmp_path / "report.html").read_text().count("data:image/") == 2
        assert len(part.images) == 2
        assert list(part.to_pandas()["seed"]) == seeds(part)


def test_a_gallery_shows_a_page_and_says_how_to_see_the_next(fill: Fill) -> None:
    run = fill(range(60), aspect_ratio="16:9")
    run[-1].favourite().rate(4).tag("keep").annotate("the light!")
    shown = page_of(rv.history(prompt="bottle"))
    assert len(shown.all("img")) == PAGE == 24
    assert "history: prompt bottle" in shown.text
    assert "1–24 of 60" in shown.text
    assert "[0] seed: 59" in shown.text
    assert "♥ favourite" in shown.text
    assert "★★★★☆ 4/5" in shown.text
    assert "#keep" in shown.text
    assert "✎ the light!" in shown.text
    assert "rv.history(prompt='bottle').page(2) shows the next 24" in shown.text
    last = rv.history(prompt="bottle").page(3)
    assert seeds(last) == list(range(11, -1, -1))
    assert "49–60 of 60" in page_of(last).text
    assert "[48]  seed: 11" in text_of(last)
    assert "page(" not in text_of(last)
    assert "rv.history(prompt='bottle').page(3)  shows the next 12" in text_of(
        rv.history(prompt="bottle").page(2)
    )
    for number in (0, 4, -1, "2"):
        with pytest.raises(rv.UsageError, match="there are pages 1 to 3"):
            rv.history().page(number)  # type: ignore[arg-type]


def test_a_page_that_is_none_is_told_where_there_is_only_one(fill: Fill) -> None:
    fill([1])
    with pytest.raises(rv.UsageError, match=r"^there is no page 0; pages begin with 1, and there is 1$"):
        rv.history().page(0)


def test_differing_prompts_stand_below_their_pictures_and_are_escaped(fill: Fill) -> None:
    fill([1], HOSTILE)
    fill([2], "A clay pot")[0].tag(HOSTILE).annotate(HOSTILE)
    html = rv.history()._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert read(html).text.count("alert(1)") == 3
    assert "A clay pot" in text_of(rv.history())


@pytest.mark.parametrize(
    ("prompts", "seeds", "labels"),
    [
        (["A cup in soft light", "A cactus in soft light"], [4, 4], ["…cup…", "…cactus…"]),
        (["A red cup on a table", "A blue cup on a table"], [4, 9], ["seed: 4 · …red…", "seed: 9 · …blue…"]),
        (["A cup", "A cup at night"], [4, 4], ["…cup", "…cup at night"]),
        (
            ["A long prompt about bottles at dawn", "A long prompt about bottles at dusk", "One cup"],
            [4, 4, 4],
            ["…dawn", "…dusk", "One cup"],
        ),
        (["A cup", "A cup"], [4, 5], ["seed: 4", "seed: 5"]),
        (["A cup", "A cup"], [4, 4], ["seed: 4", "seed: 4"]),
    ],
)
def test_pictures_that_are_shown_together_are_called_what_tells_them_apart(
    fill: Fill, session: rv.Session, prompts: list[str], seeds: list[int], labels: list[str]
) -> None:
    ids = [fill([seed], prompt)[0].id for seed, prompt in zip(seeds, prompts, strict=True)]
    cells = session.pictures(ids).view()._scene["cells"]
    assert [cell["label"] for cell in cells] == labels


def test_nothing_found_says_why_and_what_can_be_asked(session: rv.Session, fill: Fill) -> None:
    assert "no results yet" in text_of(rv.history(tag="keep"))
    fill([1, 2])[0].tag("keep")
    assert "did you mean 'keep'?" in text_of(rv.history(tag="kep"))
    assert "did you mean 'wan-2-7-image-pro'?" in text_of(rv.history(model="wan-2-7-imagepro"))
    assert "this store has runs 1 to 1" in text_of(rv.history(run=42))
    assert "No result was asked for with aspect_ratio 9:16" in text_of(rv.history(aspect_ratio="9:16"))
    rv.history()[:].hide()
    assert "2 pictures would fit, but hidden" in text_of(rv.history())
    assert "picture_height, hidden, excluded, facts or any param" in text_of(rv.history(rating=5))


def test_a_file_taken_out_of_the_store_is_named_and_the_others_are_shown(fill: Fill) -> None:
    run = fill([1, 2, 3])
    gone = run[1].path
    assert gone is not None
    gone.unlink()
    for shown in (rv.history(), rv.history().grid(), run.grid(rows="seed")):
        look = shown._repr_mimebundle_()
        assert look["text/html"].count("data:image/") == 2
        assert "file gone" in look["text/html"]
        for form in ("text/html", "text/plain"):
            assert gone.name in look[form]
            assert "to keep this page small" not in look[form]
