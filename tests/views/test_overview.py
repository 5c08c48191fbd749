"""A large run at a glance, as HTML and as text."""

from __future__ import annotations

from rivya_nb.views.headline import Headline, headline
from rivya_nb.views.layout import arrange, row_of, thinned
from rivya_nb.views.overview import Overview, Strip, Trouble, overview_html, overview_text, strip_html
from rivya_nb.views.run_view import Hint
from rivya_nb.views.status_map import StatusMap
from views.making import HOSTILE, STARTED, make_job, make_run, make_view

MAP = StatusMap("data:image/png;base64,AAAA", 600, 600)


def an_overview(**changes: object) -> Overview:
    values: dict[str, object] = {
        "headline": Headline("A bottle", "A bottle", "wan-2-7-image-pro · run 41"),
        "progress": "9,900 of 10,000 pictures",
        "states": {"succeeded": 9900, "failed": 90, "processing": 10},
        "map": MAP,
        "laid_out": "down: seed 1 … 100 (100)",
    }
    return Overview(**{**values, **changes})  # type: ignore[arg-type]


def test_the_map_says_its_numbers_where_it_is_not_seen() -> None:
    html = overview_html(an_overview())
    assert 'alt="Map of all jobs: ✓ 9,900 succeeded, ✕ 90 failed, ◔ 10 processing"' in html
    for words in ("✓ 9,900 succeeded", "✕ 90 failed", "◔ 10 processing", "down: seed 1 … 100 (100)"):
        assert words in html


def test_a_reason_is_told_once_with_its_number_and_some_places() -> None:
    trouble = Trouble("failed", "generation_failed: no", 90, ["seed 1", "seed 2"])
    view = an_overview(troubles=[trouble], reasons=3)
    words = "90 failed · generation_failed: no · seed 1, seed 2 and 88 more"
    for told in (overview_html(view), overview_text(view)):
        assert words in told
        assert "and 2 more reasons" in told


def test_what_others_wrote_is_text() -> None:
    view = an_overview(
        headline=Headline(HOSTILE, HOSTILE * 1000, HOSTILE),
        notice=HOSTILE,
        troubles=[Trouble("failed", HOSTILE, 1, [HOSTILE])],
        notes=[HOSTILE],
        hints=[Hint(HOSTILE, HOSTILE)],
        laid_out=HOSTILE,
    )
    html = overview_html(view)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert len(html) < 20_000


def test_a_strip_shows_pictures_with_their_places_and_none_is_nothing() -> None:
    run, jobs = make_run({"seed": ["7", "8"]}, [make_job("a"), make_job("b")])
    layout = row_of(run.axes, [(cell.coordinates, jobs[cell.job_id]) for cell in run.cells])
    html = strip_html(Strip("pictures 1–2 of 2", layout, STARTED))
    assert "pictures 1–2 of 2" in html
    assert "seed: 7" in html
    assert "seed: 8" in html
    assert strip_html(Strip("", row_of(run.axes, []), STARTED)) == ""


def test_a_grid_of_many_is_thinned_evenly_and_says_so() -> None:
    axes = {"seed": [str(seed) for seed in range(100)], "light": [str(light) for light in range(50)]}
    run, jobs = make_run(axes, [make_job(f"j{number}") for number in range(5000)])
    made, words = thinned(arrange(run, jobs))
    assert len(made.cells) <= 200
    assert [label.text for label in made.column_labels] == [f"light: {light}" for light in range(0, 50, 7)]
    assert made.row_labels[0].text == "seed: 0"
    assert made.row_labels[-1].text == "seed: 99"
    assert made.cells[-1].place == (99, 49)
    assert words == "a sample: 25 of 100 rows, 8 of 50 columns"


def test_a_long_row_and_many_pages_are_thinned_too() -> None:
    run, jobs = make_run(
        {"seed": [str(seed) for seed in range(3000)]}, [make_job(f"j{n}") for n in range(3000)]
    )
    made, words = thinned(arrange(run, jobs))
    assert [made.cells[0].place, made.cells[-1].place] == [(0,), (2999,)]
    assert words == "a sample: 200 of 3,000 pictures"
    paged = {"a": ["x", "y"], "b": ["x", "y"], "c": [str(number) for number in range(100)]}
    run, jobs = make_run(paged, [make_job(f"j{n}") for n in range(400)])
    made, words = thinned(arrange(run, jobs))
    assert [page.caption for page in made.pages] == ["c: 0", "c: 49", "c: 99"]
    assert words == "a sample: 3 of 100 pages"


def test_what_fits_is_not_thinned() -> None:
    run, jobs = make_run(
        {"seed": [str(seed) for seed in range(200)]}, [make_job(f"j{n}") for n in range(200)]
    )
    layout = arrange(run, jobs)
    assert thinned(layout) == (layout, "")


def test_a_prompt_of_many_options_shows_the_first_and_the_last() -> None:
    from rivya_nb.planning.ask import Ask
    from rivya_nb.planning.prompt import parse_prompt

    options = "|".join(f"sort {number}" for number in range(100))
    ask = Ask(parse_prompt(f"A {{{options}}} bottle", variables=False), ("wan-2-7-image-pro",))
    run, jobs = make_run({}, [make_job("a")], [()], ask=ask.to_json())
    head = headline(make_view(run, jobs))
    assert "|sort 9|…|sort 99} bottle" in head.prompt
    assert options in head.full_prompt
