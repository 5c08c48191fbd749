"""Prompts that are pasted from elsewhere: nothing of them is split, or sent as it stands, that may mean more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.errors import UsageError
from rivya_nb.planning.braces import escaped
from rivya_nb.planning.prompt import parse_prompt

NOTEBOOK: dict[str, object] = {
    "subject": "fox",
    "x": 1.5,
    "xs": [1, 2],
    "color": "red",
    "i": 3,
    "my_subject": "fox",
}

BOTH_WAYS = re.compile(r"write (.+) for an axis, or (.+) for the text itself$", re.DOTALL)

MAYBE_AXES = [
    'Poster, style: {"mood": "warm|cold"}',
    "{ x: string | number }",
    'type A = { kind: "circle" | "square"; r: number }',
    'type A = { b: { c: "d" | "e" } }',
    "{16:9|1:1}",
    'A sign {"OPEN"|"CLOSED"}',
    "{'a'|'b'}",
    "{“a”|“b”}",
    "{`a`|b}",
    '{5" disc|cd}',
    "{a|b c {d e}}",
    '{"a": {"b": "x|y"}}',
    "@media print { a { color: blue|green } }",
    "{a\n|b}",
    "{a||b}",
    "if (a) { return b || c }",
    "{f(a|b)}",
    "{[a|b]}",
    "{%if a|b%}",
    "{ n | n > 0 }",
    r"\{ n | n in S \}",
    "{ x => y | z }",
    "{x => y | z}",
    "{x == 1 | y}",
    "function f(){return a|b}",
    "{$x|y}",
    "{n*2|3}",
    "{int | None}",
    "{a|b=c}",
    "{x=1; y=2}",
    "{a=1, b=2}",
    '{light="warm|cold"}',
    '{ a = "warm" | "cold" }',
    "${a|b}",
    "${light=dawn|dusk}",
    "{2$$red|blue|green}",
    "{2$$ and $$red|blue}",
    "{1-2$$red|blue}",
    "{3::red|1::blue}",
    "{red|0.5::blue}",
    "{@red|blue}",
    "{~red|blue}",
    "{red, blue, green} bird",
    "{dawn/dusk} light",
    "{黎明｜黄昏}",
    "{黎明、黄昏}",
    "{风格：水彩|油画}",
]

PLAIN = [
    ("{dawn|dusk}", ["dawn", "dusk"]),
    ("{light=dawn|dusk} {light}", ["dawn dawn", "dusk dusk"]),
    ("{subject} { subject }", ["fox fox"]),
    ("{{ }} {{subject}} {{a|b}}", ["{ } {subject} {a|b}"]),
    ("{time=10:30|noon}", ["10:30", "noon"]),
    ('A sign {sign="OPEN"|"CLOSED"}', ['A sign "OPEN"', 'A sign "CLOSED"']),
    ("{dog's toy|cats' toy}", ["dog's toy", "cats' toy"]),
    ("{neon (pink)|neon}", ["neon (pink)", "neon"]),
    ("{$5|$10} {#fff|#000}", ["$5 #fff", "$5 #000", "$10 #fff", "$10 #000"]),
    ("{a cat, asleep|a dog}", ["a cat, asleep", "a dog"]),
    ("{黎明|黄昏}，{subject}", ["黎明，fox", "黄昏，fox"]),
    ("(red:1.2), ((best)), [a|b], [a:b:0.5]", ["(red:1.2), ((best)), [a|b], [a:b:0.5]"]),
    ("[a-z]{2,3}(a|b){2}", ["[a-z]{2,3}(a|b){2}"]),
    ("a { margin: 0 } :{ } :}", ["a { margin: 0 } :{ } :}"]),
    ('{"mood": "{warm|cold}"}', ['{"mood": "warm"}', '{"mood": "cold"}']),
    ("____ years, ___init___, a_b__c", ["____ years, ___init___, a_b__c"]),
    ("photo_{i}", ["photo_3"]),
]


def prompts_of(text: str, *, variables: bool = True) -> list[str]:
    template = parse_prompt(text, variables=variables).bind(NOTEBOOK)
    indices: list[dict[str, int]] = [{}]
    for axis in template.axes:
        indices = [{**chosen, axis.name: at} for chosen in indices for at in range(len(axis.options))]
    return [template.render(chosen) for chosen in indices]


def messages_of(text: str, *, variables: bool = True) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parse_prompt(text, variables=variables).bind(NOTEBOOK)
    return [mistake.message for mistake in caught.value.mistakes]


@pytest.mark.parametrize("variables", [True, False])
@pytest.mark.parametrize("text", MAYBE_AXES)
def test_what_is_perhaps_no_axis_is_refused_and_both_ways_do_what_they_say(
    text: str, variables: bool
) -> None:
    (message,) = messages_of(text, variables=variables)
    ways = BOTH_WAYS.search(message)
    assert ways is not None, message
    axis, as_text = ways.groups()
    source = next(
        text[start:end]
        for start in range(len(text))
        for end in range(len(text), start, -1)
        if message.startswith(text[start:end]) and text[start] == "{" and text[end - 1] == "}"
    )
    assert prompts_of(text.replace(source, as_text), variables=variables) == [text]
    if "{options}" in axis:
        assert re.search(r" with options = \[.*\] in Python$", axis)
    else:
        written = axis.partition(" without ")[0]
        assert len(prompts_of(f"A {written}", variables=variables)) > 1


@pytest.mark.parametrize(("text", "prompts"), PLAIN)
def test_plain_forms_go_on_working(text: str, prompts: list[str]) -> None:
    assert prompts_of(text) == prompts


@pytest.mark.parametrize(
    "field",
    [
        "{x:.2f}",
        "{x:>10}",
        "{subject!r}",
        "{subject!r:>9}",
        "{subject.upper()}",
        "{len(xs)}",
        "{i+1}",
        "{i, x}",
        "{xs[-1]}",
        "{color: red; width: 10px}",
        "{', '.join(xs)}",
        "{my subject}",
    ],
)
@pytest.mark.parametrize("variables", [True, False])
def test_what_cannot_be_put_in_is_refused_where_the_notebook_has_its_name(
    field: str, variables: bool
) -> None:
    (message,) = messages_of(f"A {field} cat", variables=variables)
    assert message.startswith(field)
    doubled = f"{{{field}}}"
    assert doubled in message
    assert prompts_of(f"A {doubled} cat", variables=variables) == [f"A {field} cat"]
    # In a cell, a name with a format can be nothing else.
    if "[" not in field and not (variables and field in ("{x:.2f}", "{subject!r}", "{subject!r:>9}")):
        assert parse_prompt(f"A {field} cat", variables=variables).bind({}).render({}) == f"A {field} cat"


def test_a_format_is_refused_also_for_a_name_that_is_not_there() -> None:
    (message,) = messages_of("A {missing:.2f} cat")
    assert message.startswith("{missing:.2f} is more than a plain name")


def test_options_that_may_be_an_expression_of_the_notebooks_names_are_refused() -> None:
    (message,) = messages_of("A {i + 1|x} cat")
    assert message == (
        "{i + 1|x} may be an expression of Python; write {prompt=i + 1|x} for an axis, or {{i + 1|x}} for "
        "the text itself"
    )
    assert prompts_of("A {prompt=i + 1|x} cat") == ["A i + 1 cat", "A x cat"]
    assert prompts_of("A {semi-gloss|matt} cat") == ["A semi-gloss cat", "A matt cat"]


def test_an_axis_with_one_brace_too_many_is_refused() -> None:
    (message,) = messages_of("A {red|blue}} cat")
    assert "{red|blue}} has options and only one brace" in message


def test_a_field_of_an_axis_is_refused() -> None:
    for variables in (True, False):
        (message,) = messages_of("{light:>5} {light=dawn|dusk}", variables=variables)
        assert message.startswith("{light:>5} is more than a plain name")


def test_python_says_that_it_puts_no_variable_in() -> None:
    (message,) = messages_of("A {subject} in snow", variables=False)
    assert 'f"…{subject}…"' in message
    assert "{{subject}}" in message
    assert prompts_of("A {{subject}} in {snow}", variables=False) == ["A {subject} in {snow}"]


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("${subject}", "$"),
        (r"\frac{x}{2}", r"\frac"),
        ("x_{i}", "x_"),
        ("x^{i}", "x^"),
        (r"\text{subject}", r"\text"),
    ],
)
def test_a_name_in_another_tools_form_is_no_variable(text: str, prefix: str) -> None:
    message = messages_of(text)[0]
    name = re.findall(r"\{\w+\}", text)[0]
    assert message.startswith(f"{prefix}{name} is written as in another tool")
    assert f"{prefix}{{{name}}}" in message


@pytest.mark.parametrize(
    "text",
    ["A {subject in snow", "A subject} in snow", "A {dawn|dusk light", "A dawn|dusk} light", "{a {b|c} d|e"],
)
def test_a_lone_brace_of_a_name_or_an_axis_is_refused(text: str) -> None:
    (message,) = messages_of(text)
    assert "only one brace" in message


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        ("__animal__", "____animal____"),
        ("__colors/warm__", "____colors/warm____"),
        ("<lora:detail:0.8>", "<<lora:detail:0.8>>"),
        ("｛黎明｜黄昏｝", "｛｛黎明｜黄昏｝｝"),
        ("｛subject｝", "｛｛subject｝｝"),
    ],
)
def test_forms_of_other_tools_are_refused_and_text_where_their_ends_are_doubled(form: str, kept: str) -> None:
    for variables in (True, False):
        (message,) = messages_of(f"A {form} cat", variables=variables)
        assert message.startswith(form)
        assert f"{kept} for the text itself" in message
        assert prompts_of(f"A {kept} cat", variables=variables) == [f"A {form} cat"]


@given(st.text(alphabet="_a<>:lor{}|｛｝ $\\=", max_size=24) | st.sampled_from(["__a__", "____a____"]))
def test_any_text_that_is_escaped_is_read_as_it_was(text: str) -> None:
    for variables in (True, False):
        assert prompts_of(escaped(f"A{text}A"), variables=variables) == [f"A{text}A"]
    option = "a" + "".join(char for char in text if char not in "{|}")
    assert prompts_of(f"{{one={escaped(option)}|other}}") == [option, "other"]
