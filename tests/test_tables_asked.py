"""Tables of prompts from plan to picture, against the sandbox: places, prices, growth and facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from sandboxes import running_sandbox

import rivya_nb as rv
from rivya_nb.planning.ask import read_ask
from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY
from rivya_nb.study.places import pictured_places

TIMEOUT = 60
ANIMALS = [
    {"prompt": "a fox", "category": "animals", "status": "wild"},
    {"prompt": "a cake", "category": "food"},
    {"prompt": "an owl", "category": "animals"},
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_sandbox(SandboxConfig(latency=0, credits=100_000)) as address:
        yield address


@pytest.fixture
def session(url: str, tmp_path: Path) -> Iterator[rv.Session]:
    with closing(rv.connect(DEFAULT_KEY, url, store=tmp_path / "store")) as connected:
        yield connected


def refused(*arguments: object, **options: object) -> str:
    with pytest.raises(rv.RivyaError) as error:
        rv.plan(*arguments, **options)  # type: ignore[arg-type]
    return str(error.value)


def axes(plan: rv.Plan) -> dict[str, tuple[str, ...]]:
    return {axis.name: axis.labels for axis in plan.draft.axes}


def made(rows: object, **options: object) -> rv.Run:
    return rv.generate(rows, resolution="1K", **options).wait(TIMEOUT)  # type: ignore[arg-type]


@pytest.mark.usefixtures("session")
def test_a_table_is_one_axis_beside_the_others() -> None:
    plan = rv.plan(["a fox", "an owl"], seed=range(8))
    assert (len(plan), plan.credits) == (16, 192)
    assert axes(plan) == {"prompt": ("a fox", "an owl"), "seed": tuple(map(str, range(8)))}


@pytest.mark.usefixtures("session")
def test_each_row_has_params_of_its_own_and_an_empty_seed_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "bench.csv"
    path.write_text("prompt,seed,model,aspect_ratio,size\na fox,7,,16:9,large\nan owl,,google-imagen4,,\n")
    plan = rv.plan(prompts=path)
    fox, owl = plan.requests
    assert (fox.model, dict(fox.params)) == ("wan-2-7-image-pro", {"seed": 7, "aspect_ratio": "16:9"})
    assert (owl.model, list(owl.params)) == ("google-imagen4", ["seed"])
    assert isinstance(owl.seed, str), "this model keeps its seed as text"
    look = plan._repr_mimebundle_()
    told = "bench.csv: 2 rows; prompts: prompt; params: seed, aspect_ratio, model; facts (not sent): size"
    assert told in look["text/plain"]
    assert told in look["text/html"]
    assert plan.seeds_to_keep == (), "a column keeps its seeds by itself"


@pytest.mark.usefixtures("session")
def test_a_body_has_the_wording_of_a_row_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "bench.txt").write_text("a fox\nan {owl}\n")
    plan = rv.plan("{prompt}, {dawn|dusk}", prompts=tmp_path / "bench.txt")
    assert [request.prompt for request in plan.requests] == [
        "a fox, dawn",
        "a fox, dusk",
        "an {owl}, dawn",
        "an {owl}, dusk",
    ], "what is put in is never parsed"
    assert axes(plan) == {"prompt": ("a fox", "an {owl}"), "prompt2": ("dawn", "dusk")}
    assert "it has no {prompt}" in refused("studio light", prompts=["a fox"])
    assert "given twice" in refused("{prompt=a|b}", prompts=["a fox"])


@pytest.mark.usefixtures("session")
def test_all_mistakes_of_a_table_are_told_at_once_with_their_rows() -> None:
    rows = [
        {"prompt": "a fox", "seed": "1..4"},
        {"prompt": ""},
        {"prompt": "x" * 6000, "seed": "many"},
        {"prompt": "y" * 6000, "references": "../key.png"},
        {"prompt": "an {a|b}", "aspect_ratio": "9"},
        {"prompt": "an owl", "seed": 7.0},
    ]
    told = refused(rows, resolution="9K")
    for each in (
        "seed: row 1: '1..4' is more than one value",
        "prompt: row 2: it is empty",
        "prompt: rows 3-4: 6,000 characters are too many; wan-2-7-image-pro takes 5,000",
        "seed: row 3: 'many' is not a number",
        "references: row 4: '../key.png' is not below the current folder",
        "prompt: row 5: it holds {a|b}",
        "aspect_ratio: row 5: '9' is not an option",
        "  resolution: '9K' is not an option",
        "Nothing was sent and nothing was spent.",
    ):
        assert each in told


@pytest.mark.usefixtures("session")
def test_what_is_no_table_is_told_and_not_guessed() -> None:
    np, pl = pytest.importorskip("numpy"), pytest.importorskip("polars")
    assert "A ndarray is neither a prompt nor" in refused(np.array([["a fox", "an owl"]]))
    assert ".collect()" in refused(pl.LazyFrame({"prompt": ["a fox"]}))
    assert ".collect()" in refused(prompts=pl.LazyFrame({"prompt": ["a fox"]}))
    assert "give a list" in refused(text for text in ["a fox"])
    for no_prompt in ({"prompt": ["a fox"]}, {"a fox"}, b"a fox", 3):
        assert " is no prompt; give a text, a list of texts" in refused(no_prompt)
        assert " is no prompt; give a text, a list of texts" in refused(no_prompt, seed=1)
    assert "Several prompts go into a list" in refused((text for text in ["a fox"]), seed=1)
    assert "row 1: it is empty" in refused([None, "a fox"])
    assert "templates: 'off' is neither" in refused(["a {fox|owl}"], templates="off")
    assert "prompt_column: 5 is" in refused(["a fox"], prompt_column=5)


@pytest.mark.usefixtures("session")
def test_a_file_is_never_taken_for_a_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bench.csv").write_text("prompt\na fox\n")
    assert "prompts='bench.csv' reads it" in refused("bench.csv")
    assert [each.prompt for each in rv.plan(Path("bench.csv")).requests] == ["a fox"]
    assert "there is none; give a text" in refused()
    assert "there are two tables" in refused(["a"], prompts=["b"])
    assert "prompt_column: it is about a table" in refused("a fox", prompt_column="text")


@pytest.mark.usefixtures("session")
def test_references_of_rows_are_sent_with_them(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        Image.new("RGB", (64, 64), name).save(tmp_path / f"{name}.png")
    (tmp_path / "bench.csv").write_text("prompt,references\na,red.png; blue.png\nb,red.png\nc,\n")
    plan = rv.plan(prompts=tmp_path / "bench.csv")
    assert [[each.name for each in request.references] for request in plan.requests] == [
        ["red.png", "blue.png"],
        ["red.png"],
        [],
    ]
    (tmp_path / "bench.csv").write_text("prompt,references\na,red.png\nb,green.png\n")
    assert "green.png: line 3: there is no such file" in refused(prompts=tmp_path / "bench.csv")


@pytest.mark.usefixtures("session")
def test_params_are_coupled_outside_a_table_too() -> None:
    plan = rv.plan(
        "a fox",
        seed=[1, 1, 2],
        resolution=["1K", "2K", "2K"],
        aspect_ratio=["1:1", "16:9"],
        coupled=("seed", "resolution"),
    )
    assert axes(plan) == {"seed, resolution": ("1, 1K", "1, 2K", "2, 2K"), "aspect_ratio": ("1:1", "16:9")}
    assert [(each.seed, each.params["resolution"]) for each in plan.requests[::2]] == [
        (1, "1K"),
        (1, "2K"),
        (2, "2K"),
    ]
    by_prompt = rv.plan("a {fox|owl}", seed=[1, 2], coupled=("prompt", "seed"))
    assert axes(by_prompt) == {"prompt": ("fox", "owl")}
    assert "seed has 3 values, resolution has 2 values" in refused(
        "a fox", seed=[1, 2, 3], resolution=["1K", "2K"], coupled=("seed", "resolution")
    )
    assert "'resolutoin' is not given; did you mean 'resolution'?" in refused(
        "a fox", seed=[1, 2], resolution=["1K", "2K"], coupled=("seed", "resolutoin")
    )
    assert "seed belongs to the axis prompt already" in refused(
        [{"prompt": "a", "seed": 1}], resolution=["1K"], coupled=("seed", "resolution")
    )
    assert "alone cannot be coupled" in refused("a fox", seed=[1, 2], coupled="seed")
    again = refused("A fox", seed=[1, 1], aspect_ratio=["1:1", "1:1"], coupled=("seed", "aspect_ratio"))
    assert "coupled: 1, 1:1 stands there 2 times" in again


def test_duplicated_rows_are_paid_for_once_and_told(session: rv.Session) -> None:
    rows = [*ANIMALS, ANIMALS[0], {**ANIMALS[0], "status": "tame"}]
    plan = rv.plan(rows, seed=5)
    assert (len(plan), plan.credits) == (4, 36), "one place more for another fact, and no picture more"
    assert "rows that repeat an earlier one count once: row 4" in repr(plan.notes)
    run = made(rows, seed=5)
    assert len(run.jobs) == 3
    stored = read_ask(session.store.runs.get(run.id).ask)
    assert stored is not None
    assert stored.coupled[0].labels == ("a fox (status wild)", "a cake", "an owl", "a fox (status tame)")


def test_a_table_runs_grows_and_is_filled(session: rv.Session) -> None:
    run = made(ANIMALS, repeat=2)
    wider = run.extend(seed=[5]).run().wait(TIMEOUT)
    assert (wider.credits, len(wider)) == (36, 9)
    assert wider.record.axes[0].facts[0] == {"category": "animals", "status": "wild"}
    told = "in run 1 the values of prompt belong together, row by row; plan the larger table"
    with pytest.raises(rv.UsageError, match=told):
        run.extend(prompt=["a wolf"])
    grid = wider.grid(rows="category")
    wider[0].delete(confirm=True)
    filled = grid.fill()
    assert filled.credits == 12
    filled.run().wait(TIMEOUT)
    assert all(cell.picture for cell in grid.layout.cells)
    assert len(rv.history(facts={"category": "animals"})) == 6
    assert rv.plan(ANIMALS, seed=[5], resolution="1K").credits == 0, "asked again, it costs nothing"


def test_extending_by_a_coupled_param_is_refused(session: rv.Session) -> None:
    run = made([{"prompt": "a fox", "seed": 1}, {"prompt": "an owl", "seed": 2}])
    for wanted in ({"seed": [3]}, {"repeat": 1}):
        with pytest.raises(rv.UsageError, match="the values of prompt, seed belong together"):
            run.extend(**wanted)  # type: ignore[arg-type]
    assert run.extend(aspect_ratio=["16:9"]).credits == 24
    drawn = made([{"prompt": "a fox", "kind": "x"}, {"prompt": "an owl"}], repeat=2, sample=2)
    for name, values in (("prompt", ["a hen"]), ("aspect_ratio", ["1:1", "16:9"])):
        with pytest.raises(rv.UsageError, match="costs nothing where the drawn seeds are written down"):
            drawn.extend(params={name: values})


@pytest.mark.usefixtures("session")
def test_a_list_of_texts_grows_by_texts() -> None:
    assert made(["a fox", "an owl"], seed=1).extend(prompt=["a wolf"]).credits == 12


def test_only_drawn_seeds_are_asked_anew(session: rv.Session) -> None:
    rows = [{"prompt": "a fox", "seed": 7}, {"prompt": "an owl", "seed": None}]
    made(rows)
    assert rv.plan(rows, resolution="1K").credits == 12, "the written seed is in the history"


def test_facts_belong_to_the_place_in_a_run(session: rv.Session) -> None:
    made(ANIMALS, seed=[1, 2])
    second = made([{"prompt": "a fox", "category": "pets"}, {"prompt": "a wolf", "category": "pets"}], seed=1)
    assert second.credits == 12, "the fox is in both runs"
    found = {
        "animals": rv.history(facts={"category": "animals"}),
        "pets": rv.history(facts={"category": "pets"}),
        "pets of run 1": rv.history(facts={"category": "pets"}, run=1),
        "either": rv.history(facts={"category": ["animals", "pets"]}),
        "of one place": rv.history(facts={"category": "pets", "status": "wild"}),
        "with a seed": rv.history(facts={"category": "animals"}, seed=2),
    }
    assert {name: len(each) for name, each in found.items()} == {
        "animals": 4,
        "pets": 2,
        "pets of run 1": 0,
        "either": 5,
        "of one place": 0,
        "with a seed": 2,
    }
    assert {name: len(each.jobs) for name, each in found.items()} == {k: len(v) for k, v in found.items()}
    assert rv.history(facts={"category": "pets"}).to_pandas()["category"].tolist() == ["pets", "pets"]
    assert set(rv.history(run=1).to_pandas()["category"]) == {"animals", "food"}
    nothing = rv.history(facts={"catgory": "pets"})._repr_mimebundle_()["text/plain"]
    assert "No result has the fact catgory pets; did you mean 'category'?" in nothing
    with pytest.raises(rv.UsageError, match="is no dict of columns to values"):
        rv.history(facts=["pets"])  # type: ignore[arg-type]


def test_every_kind_of_collection_knows_the_facts_of_its_places(session: rv.Session) -> None:
    run = made(ANIMALS, seed=[1, 2])
    for pictures in (run, rv.history(run=run), rv.history()):
        kept = pictures._kept()
        places = pictured_places(kept._laid_out(None, None), {job.id: job.record for job in kept.jobs})
        assert {(place.job.prompt, place.facts["category"]) for place in places} == {
            ("a fox", "animals"),
            ("a cake", "food"),
            ("an owl", "animals"),
        }


def test_grids_are_laid_out_by_a_fact(session: rv.Session) -> None:
    run = made(ANIMALS, seed=[1, 2])
    for pictures in (run, rv.history(run=run)):
        layout = pictures.grid(rows="category", cols="seed").layout
        assert [label.text for label in layout.row_labels] == ["category: animals", "category: food"]
        assert [page.caption for page in layout.pages] == ["prompt number: 1", "prompt number: 2"]
        assert len(layout.cells) == 6, "no picture is hidden behind another"
    grid = rv.history().grid(rows="category", cols="seed")
    assert [label.text for label in grid.layout.row_labels] == ["category: animals", "category: food"]
    with pytest.raises(rv.UsageError, match="did you mean 'category'"):
        run.grid(rows="categry")


def test_facts_leave_with_the_pictures(session: rv.Session, tmp_path: Path) -> None:
    run = made(ANIMALS, seed=1)
    frame = run.to_pandas()
    assert frame["category"].tolist() == ["animals", "food", "animals"]
    assert frame["fact_status"].tolist()[0] == "wild"
    assert set(frame["status"]) == {"succeeded"}
    run.save(tmp_path / "out")
    told = json.loads((tmp_path / "out/run-1.json").read_text())
    assert told["jobs"][0]["facts"] == {"category": "animals", "status": "wild"}
    lines = (tmp_path / "out/run-1.csv").read_text("utf-8-sig").splitlines()
    assert lines[0].endswith(",category,status")
    assert lines[1].endswith(",animals,wild")


def test_a_deferred_table_is_kept_as_it_is(session: rv.Session) -> None:
    rv.plan(ANIMALS, seed=1).defer()
    record = session.store.runs.get(1)
    assert [each["category"] for each in record.axes[0].facts] == ["animals", "food", "animals"]
