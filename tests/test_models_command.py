"""`%rivya models`: a table that can be filtered, and the page of one model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL, Model, bundled
from rivya_nb.contract.live_models import merge
from rivya_nb.jobs.model_listing import RETRIES
from rivya_nb.magics.models import show_models
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.session.showing.models import ModelList, ModelSheet
from rivya_nb.views.models import model_row, price_words, state_words, text_table

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[rv.Session]:
    with running_sandbox() as gone:
        pass
    with closing(rv.connect(DEFAULT_KEY, gone, store=tmp_path / "store")) as session:
        yield session


def table(*arguments: str) -> ModelList:
    shown = show_models(arguments)
    assert isinstance(shown, ModelList)
    return shown


def sheet(*arguments: str) -> str:
    shown = show_models(arguments)
    assert isinstance(shown, ModelSheet)
    return repr(shown)


def ids(shown: ModelList) -> list[str]:
    return [model.id for model in shown]


def live(**entry: object) -> Model:
    return merge(bundled(), [{"id": "new", "category": "image", **entry}], 1.0)["new"]


def test_all_models_are_listed_and_those_that_can_be_run_come_first_by_what_they_make(
    offline: rv.Session,
) -> None:
    shown = table()
    assert set(ids(shown)) == set(bundled())
    usable = [model.category for model in shown if model.can_run]
    assert list(dict.fromkeys(usable)) == ["image", "video", "audio"]
    assert [model.category for model in shown][: len(usable)] == usable
    lines = repr(shown).splitlines()
    assert len(lines) == len(shown) + 2
    assert lines[0].split()[:3] == ["model", "makes", "name"]
    assert "rv.models(refresh=True)" in lines[-1]


def test_words_are_looked_for_in_ids_and_names_and_all_must_occur(offline: rv.Session) -> None:
    assert ids(table("WAN", "2.7")) == ["wan-2-7-image", "wan-2-7-image-pro", "wan-2-7-video"]
    assert ids(table("wan", "2.7", "video")) == ["wan-2-7-video"]


@pytest.mark.parametrize("flags", [("--category", "video"), ("--category=Video",)])
def test_a_category_narrows_the_table(offline: rv.Session, flags: tuple[str, ...]) -> None:
    assert ids(table("wan", *flags)) == ["wan-2-6", "wan-2-5-video", "wan-2-7-video"]
    assert ids(rv.models("wan", category="Video")) == ids(table("wan", *flags))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wannn",), "did you mean 'wan-2-6'"),
        (("--category", "vidoe"), "did you mean 'video'"),
        (("--category",), "needs a category"),
        (("--refrehs",), "did you mean '--refresh'"),
        (("wan", "--category", "audio"), "none has 'wan'"),
    ],
)
def test_what_fits_nothing_says_what_would(
    offline: rv.Session, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(rv.UsageError, match=message):
        show_models(arguments)


def test_the_page_of_a_model_has_params_ranges_prices_and_rules(offline: rv.Session) -> None:
    text = sheet(DEFAULT_MODEL)
    for words in (
        "Wan 2.7 Image Pro",
        "12 credits a request",
        "prompts up to 5,000 characters",
        "1:1, 16:9, 4:3, 21:9",
        "a whole number from 0 to 2147483647",
        "9 images · at most 20 MB each, jpeg, png, webp",
        "bundled with this package",
    ):
        assert words in text
    assert "not known" not in text


def test_the_page_says_what_is_not_known_and_what_a_model_makes(offline: rv.Session) -> None:
    assert "how many references it takes" in sheet("seedream-4-5")
    assert "makes audio · ready · from 3 credits, metered" in sheet("elevenlabs-sound-effect-v2")
    assert "9 images, or 1 video and 5 images · image: at most 10 MB each" in sheet("happyhorse-1-0")


def test_a_refresh_without_a_network_soon_shows_what_there_is_and_how_old_it_is(offline: rv.Session) -> None:
    entry = {"id": "new", "category": "image", "display_name": "From yesterday's list"}
    offline.store.models.keep(offline.service, [entry], time.time() - 86_400)
    started = time.monotonic()
    text = repr(table("list", "--refresh"))
    assert time.monotonic() - started < RETRIES.budget
    assert "the list could not be fetched: " in text
    assert "cannot be reached" in text
    assert "From yesterday's list" in text
    assert f"the list of {offline.service}, fetched 1 d ago" in text


def test_a_refresh_says_since_when_the_list_holds(tmp_path: Path) -> None:
    with (
        running_sandbox() as url,
        closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")),
    ):
        assert "fetched 0 s ago" in sheet("wan-2-6", "--refresh")
        assert "makes video · coming soon · partly known" in sheet("wan-2-7-video")


@pytest.mark.parametrize(
    ("entry", "price", "state"),
    [
        ({"base_credits": 1, "billing_type": "FIXED"}, "1 credit", "ready · partly known"),
        ({"base_credits": 2, "billing_type": "TOKEN_BASED"}, "from 2 credits, by tokens", "ready"),
        ({"base_credits": None, "billing_type": "METERED"}, "not fixed, metered", "ready"),
        ({"base_credits": None}, "price not known", "ready"),
        ({"base_credits": 2, "billing_type": "PER_MOON_PHASE"}, "from 2 credits, per moon phase", "ready"),
        ({"api_status": "studio_only"}, "price not known", "studio only"),
        (
            {"api_status": "coming_soon", "category": "chat"},
            "price not known",
            "not for this tool · coming soon",
        ),
        (
            {"api_status": "asleep", "category": None},
            "price not known",
            "not for this tool · asleep",
        ),
    ],
)
def test_whatever_the_service_lists_is_shown_as_what_it_is(
    entry: dict[str, object], price: str, state: str
) -> None:
    model = live(**entry)
    assert price_words(model) == price
    assert state_words(model).startswith(state)


def test_what_the_service_calls_its_models_is_escaped(offline: rv.Session) -> None:
    model = live(display_name=HOSTILE, params=[{"key": HOSTILE, "options": [HOSTILE]}], base_credits=1)
    catalogue = merge(bundled(), [{"id": "new"}], 1.0)
    for shown in (ModelList([model], catalogue, "s"), ModelSheet(model, catalogue, "s")):
        html = shown._repr_mimebundle_()["text/html"]
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    rows = [("画像", "x"), ("แสงเช้า", "x"), ("👩🏽‍🔬", "x"), ("plain", "x")]
    lines = text_table(("model", "name"), rows)
    assert lines == ["model   name", "画像    x", "แสงเช้า  x", "👩🏽‍🔬      x", "plain   x"]


def test_every_row_has_a_cell_for_each_heading() -> None:
    assert {len(model_row(model)) for model in bundled().values()} == {7}


def test_a_plan_says_what_was_not_read_of_a_model(offline: rv.Session) -> None:
    offline.store.models.keep(offline.service, [{"id": DEFAULT_MODEL, "params": "odd"}], 1.0)
    text = rv.plan("A bottle", seed=1)._repr_mimebundle_()["text/plain"]
    assert "wan-2-7-image-pro: its params could not be read; the bundled ones are used" in text
