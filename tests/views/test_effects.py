"""What is shown of effects: bars with intervals that read right without styles, in both themes and on paper."""

from __future__ import annotations

import re

from rivya_nb.views.effects import (
    EffectBar,
    EffectsView,
    effects_html,
    effects_text,
    percent_words,
    power_html,
)
from views.reading import read

BARS = (
    EffectBar("the very same request", 0.06, 0.04, 0.09, "6 % [4, 9] noise floor", "floor"),
    EffectBar("seed", 0.41, 0.30, 0.52, "41 % [30, 52]", "clear"),
    EffectBar(
        "seed × light", 0.07, 0.02, 0.14, "7 % [2, 14], size not clearly above the noise floor", "unclear"
    ),
)


def effects(**changed: object) -> EffectsView:
    parts = {
        "of": "structure",
        "subject": "288 pictures · 12 prompts",
        "statistic": "share of the variance",
        "bars": BARS,
        "floor": 0.09,
        "lines": (("light: candle − morning", "+0.11 [0.06, 0.17], d = 0.9, paired over 72"),),
        "summary": "What moves structure: the very same request 6 % [4, 9] noise floor, seed 41 % [30, 52].",
        "foot": "They say nothing of quality.",
        "notes": ("12 prompts are fewer than 30",),
    }
    return EffectsView(**{**parts, **changed})  # type: ignore[arg-type]


def test_each_share_has_its_bar_its_whiskers_and_its_words() -> None:
    page = read(effects_html(effects()))
    rows = [row for row in page.all("tr") if row.text]
    assert [row.text.split()[0] for row in rows] == ["the", "seed", "seed"]
    assert "41 % [30, 52]" in rows[1].text
    bars = [div for div in page.all("div") if "#" in div.style.get("border-top", "")]
    # The widest is the end of the longest whisker.
    assert [bar.style["width"] for bar in bars] == ["11.54%", "78.85%", "13.46%"]
    assert [bar.style["border-top"].split()[-1] for bar in bars] == ["#a6a6a6", "#3b8ad8", "#9cbcdb"]
    whiskers = [div for div in page.all("div") if "border-left" in div.style]
    assert [(each.style["left"], each.style["width"]) for each in whiskers] == [
        ("7.69%", "9.62%"),
        ("57.69%", "42.31%"),
        ("3.85%", "23.07%"),
    ]


def test_the_plot_is_said_in_words_for_who_does_not_see_it() -> None:
    (table,) = read(effects_html(effects())).all("table")
    assert table.attributes["title"] == table.attributes["aria-label"] == effects().summary


def test_it_uses_only_what_untrusted_notebooks_dark_themes_and_paper_keep() -> None:
    shown = effects_html(effects())
    for lost in ("<style", "<svg", "var(", "<script", "aspect-ratio"):
        assert lost not in shown
    # Whiskers have the colour of the page's text; bars are borders, since paper shows no backgrounds.
    assert re.search(r"border-left:2px solid;", shown)
    assert "color:#000" not in shown


def test_no_interval_draws_no_whiskers_and_no_floor_no_band() -> None:
    bars = [EffectBar("seed", 0.5, None, None, "50 % p = 0.01", "clear")]
    page = read(effects_html(effects(bars=bars, floor=None)))
    assert not [div for div in page.all("div") if "border-left" in div.style]
    assert not [div for div in page.all("div") if "background" in div.style]


def test_hostile_names_stay_text() -> None:
    bad = "<img src=x onerror=alert(1)>"
    bars = [EffectBar(bad, 0.5, None, None, "50 %", "clear")]
    shown = effects_html(effects(of=bad, bars=bars, lines=((bad, bad),), summary=f'"{bad}', notes=(bad,)))
    assert "<img" not in shown


def test_the_text_says_the_same() -> None:
    text = effects_text(effects())
    for part in ("What moves structure", "41 % [30, 52]", "light: candle − morning: +0.11", "fewer than 30"):
        assert part in text


def test_power_is_a_sentence_and_a_table() -> None:
    page = read(power_html(["To tell …: 4,800 credits."], [{"prompts": 20, "seeds": 10, "credits": 4800}]))
    assert "4,800 credits" in page.text
    assert [cell.text for cell in page.all("td")] == ["20", "10", "4,800"]


def test_percent() -> None:
    assert percent_words(0.414, 0.3, 0.52) == "41 % [30, 52]"
    assert percent_words(0.414) == "41 %"
