"""A form written down as cells, and what a kernel makes of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from PIL import Image

import rivya_nb as rv
from rivya_nb.contract.catalogue import DEFAULT_MODEL, Param, bundled, common_params
from rivya_nb.contract.references import Reference
from rivya_nb.control_panel.form_cell import form_cells
from rivya_nb.control_panel.form_state import FormState, escaped, is_free_text, plan_form
from rivya_nb.control_panel.origins import Origins
from rivya_nb.magics.cell import plan_cell
from rivya_nb.planning.line import parse_line
from rivya_nb.session.plan import Plan

NAMESPACE: dict[str, object] = {
    "subject": "cat",
    "subjects": ["cat", "dog"],
    "size": "1K",
    "sizes": ["1K", "2K"],
    "seeds": range(3),
}

MODELS = [
    (DEFAULT_MODEL,),
    (DEFAULT_MODEL, "seedream-3-0"),
    (DEFAULT_MODEL, "gpt-image-2"),
    ("ideogram-v3",),
    ("google-imagen4", "google-imagen4-fast"),
    ("flux-kontext-pro",),
    ("flux-kontext-pro", "flux-kontext-max"),
    ("z-image",),
]


class Kernel:
    """Takes cells as IPython does, and plans what the magic is asked."""

    def __init__(self, session: rv.Session, variables: Mapping[str, object]) -> None:
        self.variables = {**variables, "get_ipython": lambda: self}
        self.plans: list[Plan] = []
        self._session = session

    def run(self, cells: Sequence[str]) -> Plan:
        for cell in cells:
            exec(TransformerManager().transform_cell(cell), self.variables)
        (plan,) = self.plans
        return plan

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        assert name == "rivya"
        self.plans.append(plan_cell(self._session, parse_line(line), cell, self.variables))


def told(plan: Plan) -> dict[str, Any]:
    """All that two plans of the same have in common; seeds that were drawn are told by their place."""
    drawn = {str(seed): f"drawn {place}" for place, seed in enumerate(plan.expansion.ask.drawn)}
    layout = plan.layout()
    return {
        "axes": [
            (axis.name, [drawn.get(label, label) if axis.name == "seed" else label for label in axis.labels])
            for axis in plan.expansion.axes
        ],
        "requests": [
            (
                item.coordinates,
                item.copy,
                item.reusable,
                item.request.model,
                item.request.prompt,
                {key: drawn.get(str(value), value) if key == "seed" else value for key, value in
                 item.request.params.items()},
                [reference.sha256 for reference in item.request.references],
                None if drawn else item.request.identity,
            )
            for item in plan.expansion.requests
        ],
        "jobs": (len(plan.draft.new), len(plan.draft.idle), len(plan.draft.reused)),
        "layout": (layout.row_axis, layout.column_axis),
        "run": (plan.name, plan.max_credits, plan.fresh),
    }  # fmt: skip


def cells_of(session: rv.Session, state: FormState) -> list[str]:
    """The form's cells, which ask for just what the form does."""
    plan = plan_form(session, state, NAMESPACE)
    cells = form_cells(session, state, [axis.name for axis in plan.expansion.axes])
    assert told(Kernel(session, NAMESPACE).run(cells)) == told(plan)
    return cells


# What people write

signs = st.text(st.sampled_from("ab ,.;\"'{}\\%|=-\n\r\t\u2028\u202e\x00é猫>~"), max_size=12)
free_text = signs | st.text(max_size=12) | st.sampled_from(
    ["none", "dogs, cars", "{subject}", "rivya_nb", 'a "b" c', "--fresh", "seed=1", "1..3", "C:\\new\\", "%%x"]
)  # fmt: skip
pieces = st.one_of(
    free_text.map(escaped),
    st.sampled_from(
        ["\n", ">>> b\n", "\n... c", "In [1]: ", "{dawn|dusk}", "{light=soft|hard}", "{subject}", "{subjects}"]
    ),
)  # fmt: skip


@st.composite
def values_of(draw: st.DrawFn, param: Param) -> tuple[str, bool]:
    """What may be written for a param, and whether it is several."""
    if is_free_text(param):
        lines = draw(st.lists(free_text, min_size=1, max_size=3))
        return "\n".join(lines), draw(st.booleans())
    if param.key == "seed":
        return draw(st.sampled_from(["7", "1..3", "1, 5", "none", "none,7", "{seeds}", "{ seeds }"])), False
    if param.options is not None:
        chosen = draw(st.lists(st.sampled_from(param.options), min_size=1, max_size=3, unique=True))
        variables = ["{size}", "{ sizes }"] if set(param.options) >= {"1K", "2K"} else []
        one = st.tuples(st.sampled_from([chosen[0], *variables]), st.just(False))
        several = st.tuples(st.sampled_from([", ".join(chosen), ",".join([*chosen, "none"])]), st.just(True))
        return draw(one | several)
    low, high = int(param.minimum or 0), int(param.maximum or 9)
    return draw(st.sampled_from([(str(low), False), (f"{low}..{high}", True), (f"{high} , none", True)]))


@st.composite
def states(draw: st.DrawFn, references: Sequence[Reference]) -> FormState:
    models = draw(st.sampled_from(MODELS))
    rules = [bundled()[model].references for model in models]
    most = min(3 if rule is None or rule.max_files is None else rule.max_files for rule in rules)
    params = draw(st.permutations(common_params([bundled()[model] for model in models])))
    written = {param.key: draw(values_of(param)) for param in params if draw(st.booleans())}
    sets = st.lists(st.sampled_from(references), max_size=most).map(tuple)
    axes = ["", "seed", "prompt", "light", "subjects", "model", "references", "repeat", "replicate", *written]
    return FormState(
        models=models,
        prompt="a" + "".join(draw(st.lists(pieces, max_size=5))),
        params={key: text for key, (text, _) in written.items()},
        several=frozenset(key for key, (_, several) in written.items() if several),
        references=tuple(draw(st.lists(sets, max_size=3))) if all(rules) else (),
        repeat=1 if "seed" in written else draw(st.sampled_from([1, 3])),
        replicates=draw(st.sampled_from([1, 1, 2])),
        name=draw(st.just("") | free_text),
        max_credits=draw(st.none() | st.integers(0, 10**12)),
        fresh=draw(st.booleans()),
        rows=draw(st.sampled_from(axes)),
        cols=draw(st.sampled_from(axes)),
    )


@pytest.fixture
def references(session: rv.Session) -> list[Reference]:
    made = []
    for color in ("red", "blue"):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8), color).save(buffer, "PNG")
        data = buffer.getvalue()
        sha256 = session.store.files.put(data, "image/png")
        made.append(Reference(sha256, "image", "image/png", "cat.png", len(data)))
    return made


@settings(suppress_health_check=list(HealthCheck), max_examples=50, deadline=None)
@given(st.data())
def test_the_cells_ask_for_just_what_the_form_does(
    session: rv.Session, references: list[Reference], data: st.DataObject
) -> None:
    state = data.draw(states(references))
    try:
        cells = cells_of(session, state)
    except rv.InvalidRequestError:
        with pytest.raises(rv.InvalidRequestError):
            plan_form(session, state, NAMESPACE)
        return
    event(f"{len(cells)} cells")


def test_what_a_line_can_say_it_says_without_ado(session: rv.Session) -> None:
    state = FormState(
        models=(DEFAULT_MODEL, "seedream-3-0"),
        prompt="a {dawn|dusk} sky\n{subject}",
        params={"seed": "1..3, 7"},
        name="two words",
        max_credits=9000,
        fresh=True,
        rows="model",
        cols="no such axis",
    )
    assert cells_of(session, state) == [
        "%%rivya seed=1..3,7 --model wan-2-7-image-pro,seedream-3-0 --rows model "
        '--name "two words" --max-credits 9000 --fresh\na {dawn|dusk} sky\n{subject}'
    ]
    repeated = replace(state, params={}, repeat=2, rows="", cols="seed", name="once", fresh=False)
    assert cells_of(session, repeated)[0].splitlines()[0] == (
        "%%rivya --model wan-2-7-image-pro,seedream-3-0 --repeat 2 --cols seed --name once --max-credits 9000"
    )
    replicated = replace(repeated, repeat=1, replicates=3, cols="replicate")
    assert "--replicates 3 --cols replicate" in cells_of(session, replicated)[0]


def test_a_param_that_holds_the_notebooks_list_is_an_axis_where_it_stands(session: rv.Session) -> None:
    state = FormState(prompt="a {dawn|dusk} sky", params={"resolution": "{ sizes }", "seed": "1..2"})
    plan = plan_form(session, state, NAMESPACE)
    assert [axis.name for axis in plan.expansion.axes] == ["resolution", "seed", "prompt"]
    assert cells_of(session, state) == ["%%rivya resolution={sizes} seed=1..2\na {dawn|dusk} sky"]


@pytest.mark.parametrize(
    ("text", "several", "word"),
    [
        ("dogs", False, "dogs"),
        (" dogs, cars ", False, '"dogs, cars"'),
        ("dogs,cars", False, "dogs,cars"),
        ('a "b"', False, '"a ""b"""'),
        ("none", False, '"none"'),
        ("{subject}", False, '"{subject}"'),
        ("dogs, 100 % wet\n", True, '"dogs, 100 % wet"'),
        ("C:\\new\\", False, "C:\\new\\"),
    ],
)
def test_free_text_is_written_so_that_it_stays_text(
    session: rv.Session, text: str, several: bool, word: str
) -> None:
    state = FormState(("ideogram-v3",), "a cat", {"negative_prompt": text})
    state = replace(state, several=frozenset({"negative_prompt"} if several else ()))
    assert cells_of(session, state) == [f"%%rivya negative_prompt={word} --model ideogram-v3\na cat"]


def test_what_a_line_cannot_say_has_a_name_in_a_cell_before(
    session: rv.Session, references: list[Reference]
) -> None:
    red, blue = references
    paths = [str(session.store.files.path(each.sha256, each.mime_type)) for each in references]
    state = FormState(
        prompt="a cat", params={"seed": "7"}, references=((red, blue), (blue,), ()), cols="references"
    )
    assert cells_of(session, state) == [
        f"rivya_references = {{\n    'cat.png + cat.png': {paths!r},\n    'cat.png': {paths[1:]!r},\n"
        "    'without': [],\n}",
        "%%rivya seed=7 --ref {rivya_references} --cols references\na cat",
    ]  # fmt: skip
    lines = FormState(
        ("ideogram-v3",), "a cat {rivya_negative_prompt}", {"negative_prompt": "dogs, cars\n\n rain"}
    )
    namespace = {"rivya_negative_prompt": "in a hat"}
    kernel = Kernel(session, namespace)
    cells = form_cells(session, lines)
    assert cells == [
        "rivya_negative_prompt_2 = 'dogs, cars\\n\\n rain'",
        "%%rivya negative_prompt={rivya_negative_prompt_2} --model ideogram-v3\na cat {rivya_negative_prompt}",
    ]
    assert told(kernel.run(cells)) == told(plan_form(session, lines, namespace))
    several = replace(lines, prompt="a cat", several=frozenset({"negative_prompt"}))
    assert cells_of(session, several) == [
        "rivya_negative_prompt = [\n    'dogs, cars',\n    'rain',\n]",
        "%%rivya negative_prompt={rivya_negative_prompt} --model ideogram-v3\na cat",
    ]


def test_references_are_named_as_files_of_the_store_or_by_their_address(
    session: rv.Session, references: list[Reference]
) -> None:
    address = "https://example.org/cat.png?size=large"
    web = Reference("ab" * 32, "image", "", "cat.png", 0, url=address)
    path = session.store.files.path(references[0].sha256, "image/png")
    (cell,) = form_cells(session, FormState(prompt="a cat", references=((references[0], web),)))
    line = parse_line(cell.splitlines()[0].removeprefix("%%rivya"))
    assert [str(getattr(value, "text", "")) for value in line.refs] == [str(path), address]


def test_references_are_named_by_the_file_or_the_variable_that_they_came_from(
    session: rv.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my pictures" / "cat.png"
    file.parent.mkdir()
    Image.new("RGB", (64, 64), "orange").save(file)
    namespace: dict[str, object] = {"img": Image.new("RGB", (64, 64), "teal"), "folder": file.parent}
    line = parse_line('--ref "my pictures/cat.png" --ref {img} seed=7')
    (request,) = plan_cell(session, line, "a cat", namespace).requests
    assert [reference.name for reference in request.references] == ["cat.png", "img"]
    # What is kept in the store has not forgotten it.
    state = FormState.from_json(FormState.of_request(request).as_json())
    origins = Origins(session, lambda: namespace)

    def refs(*sets: tuple[Reference, ...]) -> list[str]:
        return form_cells(session, replace(state, references=sets), origins=origins)

    one, other = request.references
    assert refs((one, other)) == ['%%rivya seed=7 --ref "my pictures/cat.png" --ref {img}\na cat']
    assert refs((one,), (other,))[0].splitlines()[1:3] == [
        "    'cat.png': ['my pictures/cat.png'],",
        "    'img': [img],",
    ]
    # Neither is the same by now.
    namespace["img"] = "another"
    Image.new("RGB", (65, 64), "orange").save(file)
    assert str(session.store.folder) in refs((one,))[0]
    assert str(session.store.folder) in refs((other,))[0]


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a cat\n>>> b", ""),
        ("In [3]: a cat", ""),
        ("a\rcat", ""),
        ("a \u202etac", ""),
        ("a cat", "two\nlines"),
    ],
)
def test_what_no_cell_would_hand_on_is_given_to_the_magic_in_python(
    session: rv.Session, prompt: str, name: str
) -> None:
    (cell,) = cells_of(session, FormState(prompt=prompt, params={"seed": "7"}, name=name))
    line = f'seed=7 --name "{name}"' if name else "seed=7"
    assert cell == f"get_ipython().run_cell_magic('rivya', {line!r}, {prompt!r})"
