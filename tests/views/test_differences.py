"""What is shown of a grid's differences."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_nb.measures.metric import Difference
from rivya_nb.measures.pairs import SAME, by_axis, by_place, choose_pairs
from rivya_nb.store.records import JobRecord, RunRecord
from rivya_nb.views.differences import DifferencesView, differences_html, differences_text
from rivya_nb.views.layout import arrange
from views.making import HOSTILE, bottles, make_job, make_run
from views.reading import Element, read

STATES = ("succeeded",) * 11 + ("failed",)


def differences(
    run: RunRecord, jobs: Mapping[str, JobRecord], moving: Mapping[str, float], notes: tuple[str, ...] = ()
) -> DifferencesView:
    """A run's differences, as if each axis moved the pictures as much as is said."""
    layout = arrange(run, jobs)
    places = [cell.place for cell in layout.cells if cell.picture]
    names = [axis.name for axis in run.axes]
    found = {
        pair: Difference(moving[names[pair.axis]], 20 * moving[names[pair.axis]])
        for pair in choose_pairs(places, len(names))
    }
    return DifferencesView(by_axis(names, places, found), by_place(found), layout, notes)


def shaded(page: Element) -> list[str]:
    return [cell.text for cell in page.all("td") if "rgba(128,128,128,0.25)" in cell.style.get("border", "")]


def test_each_axis_has_a_histogram_and_its_median_in_words() -> None:
    view = differences(*bottles(STATES), {"seed": 0.62, "aspect_ratio": 0.1})
    page = read(differences_html(view))
    rows = [row.text for row in page.all("tr") if "0.62 (" in row.text or "0.10 (" in row.text]
    assert rows[0].split() == ["seed", "0.62", "(0.62–0.62)", "12.4", "(12.4–12.4)", "15"]
    assert rows[1].replace("_ ", "_").split()[1:] == ["0.10", "(0.10–0.10)", "2.0", "(2.0–2.0)", "10"]
    titles = [table.attributes["title"] for table in page.all("table") if "title" in table.attributes]
    assert titles[0] == "structure: 0.62 (0.62–0.62), all 0.62–0.62"
    assert len(titles) == 4
    assert "Differences of 11 pictures" in page.text


def test_each_picture_has_its_number_and_a_missing_one_a_dash() -> None:
    view = differences(*bottles(STATES), {"seed": 0.4, "aspect_ratio": 0.4})
    numbers = shaded(read(differences_html(view)))
    assert numbers == ["0.40"] * 11 + ["–"] + ["8.0"] * 11 + ["–"]


def test_the_numbers_of_each_kind_stand_below_each_other_where_there_is_no_room_beside() -> None:
    page = read(differences_html(differences(*bottles(STATES), {"seed": 0.4, "aspect_ratio": 0.4})))
    blocks = [div for div in page.all("div") if div.style.get("display") == "inline-block"]
    assert [div.text.split()[0] for div in blocks] == ["structure", "colour"]
    assert all(div.style["overflow-x"] == "auto" for div in blocks)


def test_a_picture_that_stands_apart_is_orange_and_one_like_the_others_is_not() -> None:
    run, jobs = make_run({"seed": "12345"}, [make_job(name) for name in "abcde"])
    odd = {
        pair: Difference(0.9 if (3,) in (pair.one, pair.other) else 0.3, 0)
        for pair in choose_pairs([cell.coordinates for cell in run.cells], 1)
    }
    view = DifferencesView((), by_place(odd), arrange(run, jobs))
    backgrounds = {
        cell.text: cell.style["background"]
        for cell in read(differences_html(view)).all("td")
        if cell.text in ("0.30", "0.90")
    }
    assert backgrounds == {"0.30": "rgba(50,130,230,0.0)", "0.90": "rgba(230,130,20,0.55)"}


def test_only_what_an_untrusted_notebook_keeps_carries_the_meaning() -> None:
    page = read(differences_html(differences(*bottles(STATES), {"seed": 0.4, "aspect_ratio": 0.2})))
    assert {element.tag for element in page.all()} <= {
        "div", "table", "thead", "tbody", "tr", "th", "td", "b", "bdi", "span", "wbr",
    }  # fmt: skip
    for element in page.all():
        assert "var(" not in element.attributes.get("style", "")


def test_a_single_axis_wraps_and_further_axes_make_pages() -> None:
    seeds = make_run({"seed": "123"}, [make_job(name) for name in "abc"])
    assert shaded(read(differences_html(differences(*seeds, {"seed": 0.3})))) == ["0.30"] * 3 + ["6.0"] * 3
    axes = {"seed": "12", "aspect_ratio": ("1:1", "16:9"), "light": ("dawn", "dusk")}
    jobs = [make_job(f"job{number}") for number in range(8)]
    page = read(differences_html(differences(*make_run(axes, jobs), dict.fromkeys(axes, 0.2))))
    assert [page.text.count(words) for words in ("light: dawn", "light: dusk")] == [1, 1]
    assert len(shaded(page)) == 16


def test_axes_that_move_nothing_are_drawn_as_zero() -> None:
    view = differences(*bottles(STATES), {"seed": 0.0, "aspect_ratio": 0.0})
    assert set(shaded(read(differences_html(view)))) == {"0.00", "0.0", "–"}


def test_names_and_labels_of_others_are_text() -> None:
    run, jobs = make_run({HOSTILE: (HOSTILE, "b")}, [make_job("a", prompt=HOSTILE), make_job("b")])
    view = differences(run, jobs, {HOSTILE: 0.5})
    page = read(differences_html(view))
    assert page.all("script") == page.all("img") == []
    assert "\u202e" not in differences_text(view)


def test_as_text_it_has_the_medians_and_what_they_are() -> None:
    view = differences(*bottles(STATES), {"seed": 0.62, "aspect_ratio": 0.1}, ("1 place left out",))
    lines = differences_text(view).splitlines()
    assert lines[0] == "Differences of 11 pictures: median (middle half)"
    assert lines[2].split() == ["seed", "0.62", "(0.62–0.62)", "12.4", "(12.4–12.4)", "15"]
    assert lines[-1] == "1 place left out"


def test_a_drawn_sample_says_so() -> None:
    seeds = [str(number) for number in range(40)]
    jobs = [make_job(f"job{number}") for number in range(40)]
    view = differences(*make_run({"seed": seeds}, jobs), {"seed": 0.3})
    assert "300 drawn of 780" in differences_text(view)
    assert "300 drawn of 780" in read(differences_html(view)).text


# The noise floor


def noisy(moving: Mapping[str, float], floor: float) -> DifferencesView:
    """Two seeds in two shapes, each twice, as if each axis moved the pictures as much as is said."""
    names = ["seed", "aspect_ratio", "replicate"]
    jobs = [make_job(f"job{number}") for number in range(8)]
    run, known = make_run({"seed": "12", "aspect_ratio": ("1:1", "16:9"), "replicate": "12"}, jobs)
    layout = arrange(run, known)
    places = [cell.place for cell in layout.cells]
    requests = {place: str(place[:2]) for place in places}
    found = {
        pair: Difference(size, 20 * size)
        for pair in choose_pairs(places, 3, requests=requests)
        if (size := floor if pair.axis == SAME else moving[names[pair.axis]]) is not None
    }
    return DifferencesView(by_axis(names, places, found, requests), by_place(found), layout)


def test_the_very_same_request_comes_first_and_what_lies_below_it_is_said() -> None:
    view = noisy({"seed": 0.62, "aspect_ratio": 0.1}, 0.12)
    lines = differences_text(view).splitlines()
    assert lines[2].startswith("the very same request")
    assert lines[2].split()[4:] == ["0.12", "(0.12–0.12)", "2.4", "(2.4–2.4)", "4"]
    assert "mostly within the noise" not in lines[3], "the seed is"
    assert lines[4].startswith("aspect_ratio")
    assert lines[4].count("mostly within the noise") == 2
    assert "19 of 20 differences between pictures of the very same request lie within it" in "\n".join(lines)
    page = read(differences_html(view))
    assert page.text.count("mostly within the noise") == 2
    assert "Grey is the noise floor" in page.text
    assert not any("replicate" in heading.text for heading in page.all("th", scope="row"))


def test_the_floor_is_a_grey_band_in_every_row() -> None:
    page = read(differences_html(noisy({"seed": 0.62, "aspect_ratio": 0.1}, 0.12)))
    strips = [table for table in page.all("table") if "structure: " in table.attributes.get("title", "")]
    widths = [
        sum(
            int(cell.style["width"].removesuffix("px"))
            for cell in strip.all("td")
            if cell.style["background"] != "transparent"
        )
        for strip in strips
    ]
    # The scale ends at 1, so 0.12 is an eighth of 200 pixels; a median of 0.62 has a mark of its own.
    assert widths == [25, 30, 25]
    columns = {
        bar.style["background"]
        for strip in strips[2:]
        for bar in strip.all("div")
        if bar.style["background"].startswith("rgba(50,130,230")
    }
    assert not columns, "what lies within the noise is not drawn as an effect"


def test_without_replicates_it_says_that_the_noise_is_not_known() -> None:
    view = differences(*bottles(STATES), {"seed": 0.62, "aspect_ratio": 0.1})
    assert "extend(replicates=1), asks each once more" in differences_text(view)
    assert "extend(replicates=1), asks each once more" in read(differences_html(view)).text
    assert "Grey is" not in differences_text(view)


def test_pictures_that_are_repeated_exactly_leave_no_band() -> None:
    view = noisy({"seed": 0.5, "aspect_ratio": 0.0}, 0.0)
    assert "rgba(128,128,128,0.25)" not in "".join(
        cell.style.get("background", "") for cell in read(differences_html(view)).all("td")
    )
    assert view.verdict("structure", view.axes[2]) == "mostly within the noise"
