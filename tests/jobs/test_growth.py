"""An ask that grows: whatever is added, what is there stays where it is and as it was."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.references import Reference
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import Ask, read_ask
from rivya_nb.planning.expansion import Expansion, expand, expand_places
from rivya_nb.planning.growth import Growth, labelled
from rivya_nb.planning.places import Place
from rivya_nb.planning.prompt import parse_prompt

CAT = Reference("aa", "image", "image/png", "cat.png", 1)
AXES = {
    "seed": st.lists(st.integers(1, 9) | st.none(), min_size=1, max_size=3, unique=True),
    "aspect_ratio": st.lists(st.sampled_from(["1:1", "16:9", None]), min_size=1, unique=True),
    "resolution": st.lists(st.sampled_from(["1K", "2K"]), min_size=1, unique=True),
}
PROMPTS = ("A sky", "A {dawn|dusk} sky", "{light=dawn|dusk} {a|b} {light}")
MODELS = (DEFAULT_MODEL, "nano-banana", "google-imagen4")
asks = st.builds(
    Ask,
    st.sampled_from(PROMPTS).map(lambda text: parse_prompt(text, variables=False)),
    st.sampled_from([(DEFAULT_MODEL,), MODELS[:2], MODELS[::2], MODELS]),
    st.fixed_dictionaries({}, optional={key: values.map(tuple) for key, values in AXES.items()}),
    st.sampled_from([{}, {"": (CAT,)}]),
    st.integers(1, 3),
    st.permutations(["seed", "model", "repeat", "aspect_ratio", "resolution", "light", "prompt"]).map(tuple),
)
additions = st.fixed_dictionaries(
    {},
    optional={
        **AXES,
        "light": st.just(["noon"]),
        "prompt": st.just(["noon", "night"]),
        "model": st.just([MODELS[1]]),
        "references": st.just([("none", ()), ("cat", (CAT,))]),
    },
)


def at_places(expansion: Expansion) -> dict[Place, object]:
    return {item.coordinates: item.request for item in expansion.requests}


@settings(max_examples=60)
@example(
    ask=Ask(parse_prompt("A sky", variables=False), (DEFAULT_MODEL,), {"seed": (None,)}),
    wanted={"model": ["nano-banana"], "seed": [1]},
    more=1,
)
@given(ask=asks, wanted=additions, more=st.integers(0, 2))
def test_what_is_there_keeps_its_place_and_what_it_asked(
    ask: Ask, wanted: dict[str, list[Any]], more: int
) -> None:
    numbers = count(100)

    def draw(low: int, high: int) -> int:
        return next(numbers)

    try:
        made = expand(ask, bundled(), draw)
    except ValueError:
        return
    stored = read_ask(made.ask.to_json())
    assert stored is not None
    again, wrong = expand_places(stored, bundled())
    assert (at_places(again), wrong) == (at_places(made), {})
    growth = Growth(stored, {axis.name: axis.labels for axis in made.axes}, bundled(), 1)
    try:
        for name, values in wanted.items():
            growth.add(name, dict(values) if name == "references" else labelled(values))
        if more:
            growth.repeat(more, draw)
    except UsageError:
        return
    larger, wrong = expand_places(growth.ask, bundled())
    zeros = (0,) * (len(larger.axes) - len(made.axes))
    there = at_places(larger)
    for place, request in at_places(made).items():
        refused = wrong.get(place + zeros)
        assert refused is not None or there[place + zeros] == request
    for axis in made.axes:
        (same,) = (each for each in larger.labelled(growth.labels).axes if each.name == axis.name)
        assert same.labels[: len(axis.labels)] == axis.labels
        assert len(same.labels) == len(same)
    assert len(set(growth.ask.drawn)) == len(growth.ask.drawn)
