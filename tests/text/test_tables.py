"""Tables of prompts from Python: lists, dicts and DataFrames, and what their columns are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy
import pandas
import pytest

from rivya_nb.contract.catalogue import bundled
from rivya_nb.errors import UsageError
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.table_roles import RolesOfColumns, columns_note, coupling_of, roles_of
from rivya_nb.planning.tables import is_table

MODELS = bundled()
MODEL = MODELS["wan-2-7-image-pro"]


def roles(table: PromptTable, *taken: str) -> RolesOfColumns:
    return roles_of(table, [MODEL], MODELS, taken)


def test_each_kind_of_table_gives_the_same() -> None:
    import polars
    import pyarrow

    assert prompt_table(polars.Series(["a", "b"])).wordings == ("a", "b")
    rows = [{"prompt": "a fox", "seed": 7, "kind": "x"}, {"prompt": "an owl", "kind": None}]
    frame = pandas.DataFrame({"prompt": ["a fox", "an owl"], "seed": [7, None], "kind": ["x", numpy.nan]})
    tables = [
        rows,
        tuple(rows),
        frame,
        frame.convert_dtypes(),
        polars.DataFrame({"prompt": ["a fox", "an owl"], "seed": [7.0, float("nan")], "kind": ["x", None]}),
        pyarrow.table({"prompt": ["a fox", "an owl"], "seed": [7, None], "kind": ["x", None]}),
    ]
    for given in tables:
        assert is_table(given)
        table = prompt_table(given)
        assert (table.wordings, table.columns) == (
            ("a fox", "an owl"),
            {"seed": (7, None), "kind": ("x", None)},
        )


@pytest.mark.parametrize("given", [["a", "b"], numpy.array(["a", "b"]), pandas.Series(["a", "b"])], ids=type)
def test_texts_alone_are_a_table(given: object) -> None:
    assert is_table(given)
    table = prompt_table(given)
    assert (table.wordings, table.columns) == (("a", "b"), {})
    assert coupling_of(table, roles(table)) == ()
    assert columns_note(table, roles(table)) == ""


@pytest.mark.parametrize(
    "given", ["a fox", 7, None, [7], numpy.array([1, 2]), b"x", {"prompt": "a"}], ids=str
)
def test_other_things_are_none(given: object) -> None:
    assert not is_table(given)


def test_neither_pandas_nor_polars_is_imported_for_a_table() -> None:
    import subprocess

    code = (
        "import sys; from rivya_nb.planning.prompt_tables import prompt_table; prompt_table([{'prompt': 'a'}]);"
        "assert not {'pandas', 'polars', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_columns_are_params_files_or_facts(tmp_path: Path) -> None:
    (tmp_path / "bench.csv").write_text(
        "prompt,seed,resolution,references,size,style,when\n"
        "a fox,7,1K,pictures/fox.png;owl.png,large,,2026-01-01\n"
        "an owl,,,,,,\n"
    )
    table = prompt_table(tmp_path / "bench.csv")
    found = roles(table)
    assert found.params == {"seed": (7, None), "resolution": ("1K", None)}
    assert found.references == ((tmp_path / "pictures/fox.png", tmp_path / "owl.png"), ())
    assert found.facts == ({"size": "large", "when": "2026-01-01"}, {})
    assert columns_note(table, found) == (
        "bench.csv: 2 rows; prompts: prompt; params: seed, resolution; files: references; "
        "facts (not sent): size, when; empty: style"
    )
    (coupling,) = coupling_of(table, found)
    assert coupling.members == ("prompt", "seed", "resolution", "references")


def test_a_model_of_a_row_decides_what_its_columns_mean() -> None:
    table = prompt_table(
        [
            {"prompt": "a", "model": "gpt-image-1-5", "quality": "low"},
            {"prompt": "b", "seed": "5"},
            {"prompt": "c", "model": "no-such"},
        ]
    )
    found = roles(table)
    assert found.models == ("gpt-image-1-5", MODEL.id, MODEL.id)
    assert found.params == {"quality": ("low", None, None), "seed": (None, 5, None)}
    assert "row 3: 'no-such'" in str(found.wrong[0])


def test_facts_are_texts_as_one_would_write_them() -> None:
    frame = pandas.DataFrame(
        {"prompt": ["a", "b"], "id": [1.0, numpy.nan], "fine": [True, False], "weight": [0.5, 2]}
    )
    assert roles(prompt_table(frame)).facts == (
        {"id": "1", "fine": "true", "weight": "0.5"},
        {"fine": "false", "weight": "2"},
    )


def test_half_of_a_character_is_refused_also_in_a_fact() -> None:
    (wrong,) = roles(prompt_table([{"prompt": "a"}, {"prompt": "b", "note\n<b>": "\ud800"}])).wrong
    assert str(wrong).startswith("note <b>: row 2: it holds half of a character")


def test_cells_are_read_as_params_are_written() -> None:
    table = prompt_table(
        [{"prompt": "a", "seed": " 7 ", "watermark": "TRUE"}, {"prompt": "b", "seed": "none"}]
    )
    assert roles(table).params == {"seed": (7, None), "watermark": ("true", None)}


@pytest.mark.parametrize("cell", ["1..4", "1,2", [1, 2], range(3)], ids=str)
def test_a_cell_holds_one_value(cell: object) -> None:
    (wrong,) = roles(prompt_table([{"prompt": "a"}, {"prompt": "b", "seed": cell}])).wrong
    assert str(wrong).startswith("seed: row 2: ")
    assert "write a row for each" in str(wrong)


def test_a_column_that_is_given_by_itself_too_is_refused() -> None:
    table = prompt_table([{"prompt": "a", "seed": 1, "model": MODEL.id, "references": "https://a.b/c.png"}])
    for name in ("seed", "model", "references"):
        (wrong,) = roles(table, name).wrong
        assert str(wrong) == (
            f"{name}: it is a column of the table, and given by itself too; leave one of them out"
        )


def test_references_are_taken_only_below_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    paths = ["../secret.png", "link.png", str(tmp_path / "secret.png"), "a/../../secret.png", "a/../b.png"]
    (folder / "bench.csv").write_text("prompt,references\n" + "".join(f"p{path},{path}\n" for path in paths))
    wrong = roles(prompt_table(folder / "bench.csv")).wrong
    assert [str(each).split("'")[0] for each in wrong] == [
        f"references: line {line}: " for line in range(2, 2 + len(paths))
    ]
    assert all("is not below the table's folder" in str(each) for each in wrong)


def test_a_template_in_a_row_is_refused_with_both_ways_out_and_taken_by_either() -> None:
    rows = [{"prompt": "a {red|blue} fox", "id": 1}, {"prompt": "an owl", "id": 2}]
    table = prompt_table(rows)
    (wrong,) = table.wrong
    assert str(wrong).startswith("prompt: row 1: it holds {a|b}")
    assert "--templates on (templates=True)" in str(wrong)
    assert "--templates off (templates=False)" in str(wrong)
    assert prompt_table(rows, templates=False).wordings == ("a {red|blue} fox", "an owl")
    expanded = prompt_table(rows, templates=True)
    assert (expanded.wordings, expanded.columns) == (("a red fox", "a blue fox", "an owl"), {"id": (1, 1, 2)})


@pytest.mark.parametrize("text", ["{{a}} fox", "{json: 1}", "a {subject}", "{}"])
def test_braces_that_are_no_template_are_sent_as_they_stand(text: str) -> None:
    assert prompt_table([text]).wordings == (text,)


def test_mistakes_in_wordings_name_every_row() -> None:
    frame = pandas.DataFrame({"prompt": ["a", "", None, " ", "b", 7, True]})
    empty, strange = map(str, prompt_table(frame).wrong)
    assert empty.startswith("prompt: rows 2-4: it is empty")
    assert strange == "prompt: row 7: a value of type bool is no text"


def test_rows_that_are_the_same_are_one_place() -> None:
    rows = [("a fox", 7), ("an owl", 7), ("a fox ", 7), ("a fox", 8), ("a fox", 7)]
    table = prompt_table([{"prompt": prompt, "seed": seed} for prompt, seed in rows])
    assert table.wordings == ("a fox", "an owl", "a fox")
    assert table.notes == ("rows that repeat an earlier one count once: rows 3, 5",)


def test_wordings_that_are_the_same_have_labels_of_their_own() -> None:
    table = prompt_table(
        [
            {"prompt": "a fox", "seed": 7, "id": "x"},
            {"prompt": "a fox", "seed": 8, "id": "y"},
            {"prompt": "a fox", "seed": 8, "id": "z"},
            {"prompt": "an owl", "seed": 7},
        ]
    )
    (coupling,) = coupling_of(table, roles(table))
    assert coupling.labels == (
        "a fox (seed 7, id x)",
        "a fox (seed 8, id y)",
        "a fox (seed 8, id z)",
        "an owl",
    )


def test_two_columns_of_a_frame_with_one_name_are_refused() -> None:
    frame = pandas.DataFrame([["a", 1, 2]], columns=["prompt", "seed", "seed"])
    with pytest.raises(UsageError, match="seed: two columns of the table have this name"):
        prompt_table(frame)


def test_a_table_is_never_larger_than_an_axis() -> None:
    with pytest.raises(UsageError, match="the table has 100,000 rows, and 10,000 are allowed"):
        prompt_table(["a"] * 100_000)
    with pytest.raises(UsageError, match="12,000 rows"):
        prompt_table([f"{n} {{a|b}}" for n in range(6000)], templates=True)
