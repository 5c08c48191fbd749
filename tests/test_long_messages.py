"""No message grows with what it tells of: a value, a name, a service's answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from typing import Any

import pytest

import rivya_nb as rv
from rivya_nb.control_panel.form_state import FormState, plan_form
from rivya_nb.errors import Mistake, RivyaError, UsageError, shortened
from rivya_nb.magics.cell import check_prompt, plan_cell
from rivya_nb.magics.command import parse_command
from rivya_nb.magics.commands import COMMANDS, READERS
from rivya_nb.planning.line import FLAGS, parse_line
from rivya_nb.session.showing.models import ModelList

LONGEST = 4_000
MUCH = 12_000

VALUES = {
    "data url": f"data:image/png;base64,{'A' * MUCH}",
    "word": "a" * MUCH,
    "number": "9" * MUCH,
    "list": "1," * (MUCH // 5) + "x",
    "address": f"https://example.com/{'a' * MUCH}",
    "http": f"http://user:{'a' * MUCH}@example.com/a.png",
    "path": "/" + "a/" * (MUCH // 2),
    "blanks": ("a" * 99 + " ") * (MUCH // 100),
    "braces": "{" * (MUCH // 4) + "a|b" + "}" * (MUCH // 4),
    "axis": '{"' + "a|" * (MUCH // 4) + '"}',
    "bar": f"{{a:|{'b' * MUCH}}}",
    "name": f"{{{'a' * MUCH}}}",
    "field": f"{{x:{'a' * MUCH}}}",
    "quote": f'"{"a" * MUCH}',
    "wildcard": f"__{'a' * MUCH}__",
    "nul": "\0" * MUCH,
    "half": "\ud800" * (MUCH // 4),
    "ranges": "1..2.5.." * (MUCH // 9),
}

NAMESPACE: dict[str, object] = {"x": 1}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rv.Session]:
    folder = tmp_path_factory.mktemp("store")
    # Nothing listens there, and nothing is sent.
    with closing(rv.connect("rvya_sk_" + "0" * 16, "http://127.0.0.1:9", store=folder)) as connected:
        yield connected


def cell(line: str, body: str = "a cat") -> Callable[[rv.Session], object]:
    def act(session: rv.Session) -> object:
        try:
            parsed = parse_line(line)
        except UsageError:
            check_prompt(body, NAMESPACE)
            raise
        return plan_cell(session, parsed, body, NAMESPACE)

    return act


def command(line: str) -> Callable[[rv.Session], object]:
    def act(_: rv.Session) -> object:
        parsed = parse_command(line, COMMANDS, READERS)
        assert parsed.name is not None
        return COMMANDS[parsed.name].act(parsed.arguments)

    return act


def form(**parts: Any) -> Callable[[rv.Session], object]:
    return lambda session: plan_form(session, FormState(**{"prompt": "a cat", **parts}), NAMESPACE)


def python(*args: Any, **kwargs: Any) -> Callable[[rv.Session], object]:
    return lambda _: rv.plan(*(args or ("a cat",)), **kwargs)


def history(name: str, value: Any) -> Callable[[rv.Session], object]:
    return lambda _: rv.history(**{name: value})


def entries(value: str) -> Iterator[tuple[str, Callable[[rv.Session], object]]]:
    """Everything that takes a value."""
    for flag in FLAGS:
        yield f"%%rivya {flag.name}", cell(f"{flag.name} {value}")
        yield f"%%rivya {flag.name}=", cell(f"{flag.name}={value}")
        yield f'%%rivya {flag.name}=""', cell(f'{flag.name}="{value}"')
    for key in ("seed", "resolution", "aspect_ratio", "nonsense", "model"):
        yield f"%%rivya {key}=", cell(f"{key}={value}")
        yield f'%%rivya {key}=""', cell(f'{key}="{value}"')
        yield f"rv.plan({key}=)", python(**{key: value})
        yield f"rv.plan({key}=[])", python(**{key: [value, "b"]})
        yield f"panel {key}", form(params={key: value})
        yield f"panel {key}, several", form(params={key: value}, several=frozenset({key}))
    for written in (
        f"{value}=1",
        f"--{value}",
        f"--{value}=1",
        f"—{value}",
        value,
        f"{value} = 1",
        f"seed = {value}",
    ):
        yield f"%%rivya {written[:9]}…", cell(written)
    yield "body", cell("", value)
    yield "body axis", cell("", f"A {{{value}|b}} {{c={value}}} {{{value}=a|b}}")
    yield "body twice", cell("", f"A {{c=a|{value}}} {{c=b|{value}}} {{d={value}|{value}}}")
    yield "python prompt", python(value)
    yield "python key", python(params={value: 1})
    yield "python label", python(references={value: [value], "b": [3]})
    yield "python name", python(name=value, seed="b")
    yield "python ceiling", python(max_parallel=value)
    yield "python repeat", python(repeat=value)
    yield "python limit", python(max_credits=value)
    yield "panel prompt", form(prompt=value)
    yield "panel model", form(models=(value,))
    yield "panel name", form(name=value, params={"seed": "b"})
    yield "panel key", form(params={value: "1"})
    for name in (*COMMANDS, ""):
        yield f"%rivya {name}", command(f"{name} {value}")
        yield f"%rivya {name} --", command(f"{name} --{value}")
        yield f"%rivya {name} twice", command(f'{name} "{value}" {value}')
    for option in (
        "--category",
        "--parallel",
        "--max-credits",
        "--tag",
        "--since",
        "--run",
        "--rating",
        "--model",
        "--page",
    ):
        for name in ("models", "connect", "retry", "resume", "history"):
            yield f"%rivya {name} {option}", command(f"{name} {option} {value}")
    for name in (
        "prompt",
        "model",
        "seed",
        "rating",
        "starred",
        "tag",
        "run",
        "since",
        "until",
        "hidden",
        "nonsense",
    ):
        yield f"rv.history({name}=)", history(name, value)
    yield "rv.recall", lambda _: rv.recall(value)
    given: Any = value
    yield "rv.runs", lambda _: rv.runs(given)
    yield "rv.panel", lambda _: rv.panel(value)
    yield "rv.connect", lambda _: rv.connect(base_url=value)
    yield "rv.connect store", lambda _: rv.connect(store=value)


def told(act: Callable[[rv.Session], object], session: rv.Session) -> str:
    """All that a user is told: what is printed, an error, and a value without pictures as text."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            found = act(session)
            # A list of models shows what the catalogue has, and nothing that was given.
            text = "" if found is None or isinstance(found, ModelList) else repr(found)
    except (RivyaError, TypeError) as error:
        text = str(error)
        mistakes = getattr(error, "mistakes", ())
        assert all(len(str(mistake)) <= LONGEST for mistake in mistakes)
    return printed.getvalue() + text


@pytest.mark.parametrize("kind", VALUES)
def test_no_message_is_long_whatever_is_given(
    session: rv.Session, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.current._current", session)
    long = {name: size for name, act in entries(VALUES[kind]) if (size := len(told(act, session))) > LONGEST}
    assert long == {}


def test_a_data_url_that_cannot_be_read_is_no_part_of_its_message(
    session: rv.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rivya_nb.current._current", session)
    url = f"data:image/png,{'A' * 3_000_000}"
    for act in (cell(f"--ref {url}"), python(references=url), python(references={url: url})):
        assert len(told(act, session)) < 500


def test_many_mistakes_are_counted_and_the_first_are_told() -> None:
    error = UsageError([Mistake(f"param{number}", "is wrong " * 20) for number in range(500)])
    assert len(error.mistakes) == 500
    assert str(error).startswith("500 mistakes\n  param0: is wrong")
    assert str(error).splitlines()[-1] == f"  and {500 - (len(str(error).splitlines()) - 2)} more"
    assert len(str(error)) < LONGEST


def test_a_shortened_text_keeps_its_beginning_and_its_end() -> None:
    text = shortened(f"{'a' * 100}, {'b' * 100}.png")
    assert len(text) == 60
    assert text.startswith("aaa")
    assert text.endswith("b.png")
    assert str(UsageError(f"{'x' * 9000}; write x=1")).endswith("; write x=1")
