"""What a prompt's braces mean."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.errors import UsageError
from rivya_nb.planning.braces import escaped
from rivya_nb.planning.doubts import kept_text
from rivya_nb.planning.prompt import PromptTemplate, parse_prompt

BRACES = st.text(alphabet="{}|=ab ._1\n[]", max_size=30)


def rendered(template: PromptTemplate) -> list[str]:
    """The prompt in every combination of its axes."""
    axes = template.axes
    indices = product(*(range(len(axis.options)) for axis in axes))
    return [template.render({axis.name: at for axis, at in zip(axes, ats, strict=True)}) for ats in indices]


def axes_of(text: str, **namespace: object) -> dict[str, tuple[str, ...]]:
    template = parse_prompt(text, variables=True).bind(namespace)
    return {axis.name: axis.options for axis in template.axes}


def prompts_of(text: str, **namespace: object) -> list[str]:
    return rendered(parse_prompt(text, variables=True).bind(namespace))


def messages_of(text: str, **namespace: object) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parse_prompt(text, variables=True).bind(namespace)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_designs_cell_asks_for_a_subject_in_two_lights() -> None:
    text = "A {subject} on a soft studio background, {light=dawn|dusk} light"
    assert prompts_of(text, subject="cat") == [
        "A cat on a soft studio background, dawn light",
        "A cat on a soft studio background, dusk light",
    ]
    assert axes_of(text, subject="cat") == {"light": ("dawn", "dusk")}


def test_axes_without_a_name_are_prompt_prompt2_and_so_on() -> None:
    assert axes_of("{a|b} {x|y} {light=u|v}") == {
        "prompt": ("a", "b"),
        "prompt2": ("x", "y"),
        "light": ("u", "v"),
    }


def test_an_axis_without_a_name_leaves_names_in_use_alone() -> None:
    assert axes_of("{a|b} {prompt}", prompt=["x", "y"]) == {"prompt2": ("a", "b"), "prompt": ("x", "y")}


def test_a_named_axis_can_be_used_again_before_and_after() -> None:
    assert prompts_of("{light}, {light=dawn|dusk}, {light}") == ["dawn, dawn, dawn", "dusk, dusk, dusk"]


def test_an_axis_shadows_the_variable_of_its_name() -> None:
    assert prompts_of("{light=dawn|dusk} {light}", light="noon") == ["dawn dawn", "dusk dusk"]


def test_the_same_axis_written_twice_is_one_and_different_ones_are_a_mistake() -> None:
    assert axes_of("{l=a|b} {l=a|b}") == {"l": ("a", "b")}
    assert "given twice" in messages_of("{l=a|b} {l=a|c}")[0]


def test_options_are_taken_as_written() -> None:
    assert prompts_of("a {red |}hat") == ["a red hat", "a hat"]


def test_an_option_given_twice_is_a_mistake() -> None:
    assert "'red' twice" in messages_of("{red|blue| red}")[0]


def test_a_named_axis_may_be_down_to_one_option() -> None:
    assert prompts_of("{light=dawn} sky") == ["dawn sky"]


@pytest.mark.parametrize("text", ["{light=}", "{light=|}"])
def test_a_named_axis_without_an_option_is_a_mistake(text: str) -> None:
    assert "no option" in messages_of(text)[0]


def test_a_name_of_two_words_is_a_mistake_and_prompt_keeps_an_equals_sign() -> None:
    assert "'my light' in {my light=a|b} cannot name an axis" in messages_of("{my light=a|b}")[0]
    assert axes_of("{prompt=1 + 1 = 2|b}") == {"prompt": ("1 + 1 = 2", "b")}


def test_options_within_options_are_laid_out_in_one_axis() -> None:
    assert prompts_of("a {{{x}}}", x="b") == ["a {b}"]
    assert axes_of("{a {red|blue} {hat|cap}|{nothing|no {who}}}", who="one") == {
        "prompt": ("a red hat", "a red cap", "a blue hat", "a blue cap", "nothing", "no one")
    }


def test_options_that_become_the_same_are_asked_once() -> None:
    assert axes_of("{a {who}|a cat|a dog}", who="cat") == {"prompt": ("a cat", "a dog")}


@pytest.mark.parametrize("text", ["{a|{n=b|c}}", "{n=b|c} {a|{n}}", "{a|x {n=b}}"])
def test_a_named_axis_within_another_is_a_mistake(text: str) -> None:
    assert "within another axis" in messages_of(text)[0]


def test_a_list_within_an_option_is_a_mistake() -> None:
    assert "{who} is a list" in messages_of("{a|{who}}", who=["x", "y"])[0]


def test_nesting_that_begins_with_a_literal_brace_is_a_mistake() -> None:
    assert "literal brace" in messages_of("{{a|b} c|d}")[0]
    assert "literal brace" in messages_of("{{{a}}|b}")[0]
    assert axes_of("{ {a|b} c|d}") == {"prompt": (" a c", " b c", "d")}


def test_too_many_options_are_a_mistake_at_once() -> None:
    assert "more than 10,000 options" in messages_of("{x|" + "{a|b}" * 60 + "}")[0]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{ "json": 1 }',
        '{"a": {"b": {}}}',
        "{1}",
        "{ ",
        "} {",
        "a }",
        "{|}",
        "{x==1}",
        "{class}",
        "{a b}",
        "{a, b}",
        "}{",
    ],
)
def test_other_braces_stay_as_they_are(text: str) -> None:
    assert prompts_of(text) == [text]


def test_doubled_braces_are_braces_also_around_and_within_axes() -> None:
    assert prompts_of("{{a|b}}") == ["{a|b}"]
    assert prompts_of("{{{a|b}}}") == ["{a}", "{b}"]
    assert prompts_of("{x|{{y|z}}}") == ["x", "{y|z}"]


def test_without_variables_a_name_stays_as_it_is_unless_an_axis_has_it() -> None:
    template = parse_prompt("{subject} {l=a|b} {l} {xs[0]} { who }", variables=False)
    assert rendered(template) == ["{subject} a a {xs[0]} { who }", "{subject} b b {xs[0]} { who }"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("cat", "cat"), (3, "3"), (0.5, "0.5"), (True, "True"), (np.int64(3), "3"), (np.float64(0.5), "0.5")],
)
def test_text_and_numbers_are_inserted(value: object, text: str) -> None:
    assert prompts_of("a {x}.", x=value) == [f"a {text}."]


@pytest.mark.parametrize(
    "values",
    [["1", "2", "1"], ("1", "2"), range(1, 3), np.array([1, 2]), pd.Series(["1", "2"])],
    ids=lambda values: type(values).__name__,
)
def test_a_list_is_an_axis_named_after_its_variable(values: object) -> None:
    assert axes_of("a {pet}", pet=values) == {"pet": ("1", "2")}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "None"),
        ({}, "type dict"),
        (print, "type builtin_function_or_method"),
        (np, "type module"),
        (b"x", "type bytes"),
        (pd.DataFrame({"a": [1]}), "type DataFrame"),
        (np.zeros((2, 2)), "2 dimensions"),
        (["a", None], "a list with None"),
        ([["a"]], "a list with a value of type list"),
        ([], "empty list"),
        (range(10**30), "more than 10,000 values"),
    ],
)
def test_what_is_no_text_is_refused_by_its_type(value: object, kind: str) -> None:
    assert kind in messages_of("{x}", x=value)[0]


def test_all_names_that_are_wrong_are_told_at_once_with_the_nearest() -> None:
    assert messages_of("{subjct} {y} {z}", subject="cat", z=None, _x=1) == [
        "prompt: {subjct} is no variable of this notebook; did you mean 'subject'?",
        "prompt: {y} is no variable of this notebook; braces that belong to the text are written {{ and }}",
        "prompt: {z} is None; a prompt takes text and numbers",
    ]


@pytest.mark.parametrize("text", ["{cat.name}", "{xs[0]}", "{a.b[1].c}"])
def test_more_than_a_plain_name_is_a_mistake(text: str) -> None:
    assert "more than a plain name" in messages_of(text)[0]


def test_thai_names_are_found_as_python_stores_them() -> None:
    namespace: dict[str, object] = {}
    exec("น้ำ = 'water'", namespace)
    assert rendered(parse_prompt("{น้ำ}", variables=True).bind(namespace)) == ["water"]


def test_rendering_before_binding_is_refused() -> None:
    with pytest.raises(ValueError, match="subject"):
        parse_prompt("{subject}", variables=True).render({})


@given(st.text().filter(lambda text: not set(text) & {"{", "}"}))
def test_text_without_braces_renders_to_itself(text: str) -> None:
    # The forms of other tools have their ends doubled where they are text.
    assert prompts_of(kept_text(text)) == [text]


@given(st.text() | BRACES)
def test_text_with_its_braces_doubled_renders_to_itself(text: str) -> None:
    assert prompts_of(escaped(text)) == [text]


@given(st.text() | BRACES, BRACES)
def test_what_was_inserted_is_never_parsed_again(value: str, other: str) -> None:
    assert prompts_of("<{x}>", x=value) == [f"<{value}>"]
    assert prompts_of("{x}{y=a|b}", x=value) == [f"{value}a", f"{value}b"]
    different = list(dict.fromkeys([value, other]))
    assert axes_of("{x}", x=different) == {"x": tuple(different)}


@given(st.lists(st.text(alphabet="xyz {}", min_size=1), min_size=2, unique_by=str.strip))
def test_options_with_doubled_braces_pairs_come_back_as_written(options: list[str]) -> None:
    plain = [option.replace("{", "").replace("}", "") + str(at) for at, option in enumerate(options)]
    paired = [f"{{{{{option}}}}}" for option in plain]
    assert prompts_of("{axis=" + "|".join(paired) + "}") == [f"{{{option}}}" for option in plain]


@given(BRACES, st.booleans())
def test_any_text_is_parsed_or_is_a_mistake(text: str, variables: bool) -> None:
    try:
        template = parse_prompt(text, variables=variables).bind({"a": "A", "b": ["1", "2"]})
    except UsageError:
        return
    assert len(set(rendered(template))) >= 1
    assert all(len(set(axis.options)) == len(axis.options) for axis in template.axes)


@given(st.text(alphabet='{}":, 12[]', max_size=40))
def test_braces_that_hold_neither_a_bar_nor_a_name_are_kept_when_they_are_single(text: str) -> None:
    if "{{" in text or "}}" in text:
        return
    assert prompts_of(text) == [text]


@pytest.mark.parametrize("opening", ["{a|", "{a b", "{n="])
def test_braces_in_great_depth_are_a_mistake(opening: str) -> None:
    assert "braces deep" in messages_of(opening * 5000 + "}" * 5000)[0]


def test_a_long_prompt_of_braces_is_read_in_no_time() -> None:
    assert rendered(parse_prompt("{ " * 50_000, variables=True)) == ["{ " * 50_000]
