"""What makes a function a measure: its name, its version, what it takes, and what it is told where it is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import rivya_nb as rv
from rivya_nb.errors import UsageError
from rivya_nb.measures import registry
from rivya_nb.measures.registry import find_measure, find_part

Made = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_defined", {})


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """`written(source)`: a module of that source, each time another one."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def write(source: str) -> ModuleType:
        name = f"written_{len(names)}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(f"import rivya_nb as rv\n{source}", encoding="utf-8")
        return __import__(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_a_bare_function_becomes_a_measure_of_its_name() -> None:
    @rv.measure
    def red(image: Any) -> float:
        """How red it is."""
        return float(image)

    assert (red.name, red.kind, red.takes_request, red.about) == ("red", "picture", False, "How red it is.")
    assert find_measure("red") is red
    assert red(3) == 3


@pytest.mark.parametrize(
    ("function", "kind", "takes_request"),
    [
        (lambda image: 1, "picture", False),
        (lambda picture, request: 1, "picture", True),
        (lambda x, threshold=0.5: 1, "picture", False),
        (lambda image, request=None: 1, "picture", True),
        (lambda images: [1], "batch", False),
        (lambda pictures, requests: [1], "batch", True),
        (lambda one, other: 1, "pair", False),
    ],
)
def test_the_names_of_its_arguments_say_what_it_takes(function: Any, kind: str, takes_request: bool) -> None:
    made = rv.measure(name="made", version="1")(function)
    assert (made.kind, made.takes_request) == (kind, takes_request)


def test_what_it_takes_can_be_said() -> None:
    assert rv.measure(name="a", version="1", of="pair")(lambda x, y: 1).kind == "pair"
    assert rv.measure(name="b", version="1", of="batch")(lambda x: [1]).kind == "batch"
    with pytest.raises(UsageError, match=r"takes \(x\), and a measure of a pair takes \(one, other\)"):
        rv.measure(name="c", version="1", of="pair")(lambda x: 1)


@pytest.mark.parametrize("function", [lambda: 1, lambda a, b: 1, lambda image, *, k: 1, lambda a, b, c: 1])
def test_what_is_not_clear_is_refused_with_all_ways_to_write_it(function: Any) -> None:
    with pytest.raises(UsageError, match="not clear what that is") as told:
        rv.measure(name="made", version="1")(function)
    assert '@rv.measure(of="pair")' in str(told.value)


def test_all_mistakes_of_a_definition_are_told_together() -> None:
    with pytest.raises(UsageError) as told:
        rv.measure(higher_is="beter", of="pictures")(lambda image: 1)  # type: ignore[call-overload]
    message = str(told.value)
    assert "a function without a name" in message
    assert "did you mean 'better'?" in message
    assert "did you mean 'picture'?" in message
    assert 'give it a version: version="1"' in message


def test_names_that_mean_something_else_are_refused() -> None:
    for name, why in (("sharpness", "bundled"), ("structure", "means something else")):
        with pytest.raises(UsageError, match=f"{why}.*my_{name}"):
            rv.measure(name=name, version="1")(lambda image: 1)


def test_an_async_function_is_refused() -> None:
    with pytest.raises(UsageError, match="async function"):

        @rv.measure
        async def slow(image: Any) -> float:
            return 1.0

    async def powered(image: Any, power: float) -> float:
        return power

    with pytest.raises(UsageError, match="async function"):
        rv.measure(version="1")(partial(powered, power=2.0))


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    rv.measure(name="mine", version="1")(lambda image: 1)
    with pytest.raises(
        UsageError, match=r"defined here: mine; bundled: brightness.*did you mean 'sharpness'\?"
    ):
        find_measure("sharpnes")
    assert find_part("mine.hue") == (find_measure("mine"), "hue")


SOURCE = """
LIMIT = {limit}
def helper(image):
    return {helper}
@rv.measure{options}
def mine(image):
    {comment}
    return sum(value > LIMIT for value in [helper(image)])
"""


def version(written: Made, **parts: str) -> str:
    known = {"limit": "1", "helper": "image", "options": "", "comment": "# as it was"}
    found: str = written(SOURCE.format(**{**known, **parts})).mine.version
    return found


def test_the_version_is_a_hash_of_the_source_and_of_the_plain_values_and_functions_it_uses(
    written: Made,
) -> None:
    first = version(written)
    assert first == version(written)
    assert first == version(written, options='(higher_is="worse")')
    others = {
        version(written, limit="2"),
        version(written, helper="image + 1"),
        version(written, comment="# as it is now"),
    }
    assert len({first, *others}) == 4


def test_a_value_that_changes_later_makes_another_version(written: Made) -> None:
    module = written(SOURCE.format(limit="1", helper="image", options="", comment="pass"))
    before = module.mine.version
    module.LIMIT = 5
    assert module.mine.version != before


def test_a_counter_of_the_function_itself_makes_no_other_version(written: Made) -> None:
    module = written(
        "calls = 0\n@rv.measure\ndef mine(image):\n    global calls\n    calls += 1\n    return 1\n"
    )
    before = module.mine.version
    module.mine(None)
    assert (module.calls, module.mine.version) == (1, before)


def test_closures_and_defaults_count(written: Made) -> None:
    source = """
def made(limit, power={power}):
    @rv.measure
    def mine(image, power=power):
        return image > limit
    return mine
"""
    module = written(source.format(power=1))
    assert module.made(1).version == module.made(1).version
    assert len({module.made(1).version, module.made(2).version, module.made(1, 2).version}) == 3


def test_a_given_version_is_taken_as_it_is() -> None:
    assert rv.measure(name="mine", version=2)(lambda image: 1).version == "2"
    for wrong in ("", "x" * 100, True):
        with pytest.raises(UsageError, match="is no version"):
            rv.measure(name="mine", version=wrong)(lambda image: 1)
