"""Reading tables from files: the formats, their encodings, and what is refused with its line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.text import as_sent
from rivya_nb.errors import UsageError
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.table_files import is_table_name, read_table

ROWS = "prompt,category\na fox,animals\n“an öwl”,\n"


def read(folder: Path, name: str, content: str | bytes, **options: object) -> PromptTable:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return prompt_table(path, **options)  # type: ignore[arg-type]


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(UsageError) as error:
        read(folder, name, content)
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_csv_is_read_in_each_encoding_that_says_so(tmp_path: Path, encoding: str, line_end: str) -> None:
    table = read(tmp_path, "bench.csv", ROWS.replace("\n", line_end).encode(encoding))
    assert table.wordings == ("a fox", "“an öwl”")
    assert table.columns == {"category": ("animals", None)}
    assert (table.source, table.folder) == ("bench.csv", tmp_path)
    assert table.rows.named([0, 1]) == "lines 2-3"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("semicolons.csv", "prompt;category\na fox, red;animals\n"),
        ("tabs.tsv", "prompt\tcategory\na fox, red\tanimals\n"),
        ("quoted.csv", 'prompt,category\n\n"a fox, red",animals\n\n'),
        ("index.csv", ',prompt,category,\n,"a fox, red",animals\n'),
        ("marked.jsonl", '\ufeff{"prompt": "a fox, red", "category": "animals"}\n'),
        ("lines.jsonl", '\n{"prompt": "a fox, red", "category": "animals"}\n'),
    ],
)
def test_other_ways_to_write_the_same(tmp_path: Path, name: str, content: str) -> None:
    table = read(tmp_path, name, content)
    assert (table.wordings, table.columns) == (("a fox, red",), {"category": ("animals",)})


def test_plain_text_has_a_prompt_on_each_line(tmp_path: Path) -> None:
    table = read(tmp_path, "prompts.txt", "a fox, red\n\n  an owl  \r\n")
    assert (table.wordings, table.columns) == (("a fox, red", "an owl"), {})
    assert table.rows.named([1]) == "line 3"


def test_a_text_of_several_lines_is_one_cell_and_later_lines_keep_their_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, "bench.csv", 'prompt,n\n"a fox\nat dawn",1\nan owl,2\n')
    assert table.wordings == ("a fox\nat dawn", "an owl")
    assert table.rows.named([1]) == "line 4"


def test_what_is_missing_is_not_given(tmp_path: Path) -> None:
    table = read(tmp_path, "bench.csv", "prompt,seed,size,note\na,7, ,NaN\nb,nan,,<NA>\nc\n")
    assert table.columns == {"seed": ("7", None, None)}
    assert table.empty == ("size", "note")


def test_numbers_of_json_stay_numbers(tmp_path: Path) -> None:
    lines = [{"prompt": "a", "seed": 7.0, "fine": True, "tags": ["x", "y"]}, "an owl"]
    table = read(tmp_path, "bench.jsonl", "\n".join(map(json.dumps, lines)))
    assert table.wordings == ("a", "an owl")
    assert table.columns == {"seed": (7, None), "fine": (True, None), "tags": (["x", "y"], None)}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"prompt\na fox\na caf\xe9\nan owl\nna\xefve\n", r"lines 3, 5 cannot be read as UTF-8 .*0xe9"),
        ("a.csv", "prompt\na fox\n".encode("utf-16-le"), "line 1 holds a NUL character"),
        ("a.csv", "prompt\na fox\n".encode("utf-16")[:-1], "line 2 is not UTF-16"),
        ("a.csv", "prompt,n\na,1\na fox, red,2\nb, c,3\n", r"lines 3-4: more cells than the 2 .* double quotes"),
        ("a.csv", 'prompt\n"a fox\nan owl\n', "line 2: .*; double quotes within quoted text"),
        ("a.csv", "", "it is empty; its first line names the columns"),
        ("a.csv", "prompt,seed\n", "has no row"),
        ("a.csv", "prompt,Seed,Seed\na,1,2\n", "Seed: two columns of a.csv have this name"),
        ("a.csv", "promt,seed\na,1\n", r"no column 'prompt'; it has promt, seed; did you mean 'promt'\?"),
        ("a.jsonl", '{"prompt": "a"}\n{"prompt": b}\n', "line 2 is no JSON"),
        ("a.jsonl", '{"prompt": "a"}\n7\n', "line 2: a value of type int is neither a text nor a dict"),
        ("a.txt", "\n\n", "has no row"),
        ("a.txt", "x\n" * 10_001, "a.txt has 10,001 rows, and 10,000 are allowed"),
        ("a.csv", "prompt\n" + "x\n" * 100_000, "a.csv has 100,000 rows, and 10,000 are allowed"),
        ("a.xlsx", b"PK", r"save it as CSV, or give pandas\.read_excel\('a.xlsx'\) in Python"),
        ("a.doc", b"", r"a table is a file whose name ends with \.csv, \.tsv, \.jsonl"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    import re

    assert re.search(said, refusal(tmp_path, name, content))


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    for name, said in (("a.csv", "this is a folder"), ("b.csv", "there is no such file")):
        with pytest.raises(UsageError, match=said):
            read_table(tmp_path / name)


def test_only_a_single_word_may_be_the_name_of_a_table() -> None:
    assert is_table_name("drawbench.CSV")
    assert not any(map(is_table_name, ["a fox.csv in snow.txt now", "a fox", "fox.png", ""]))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def same(cell: object) -> str:
    """A cell as it comes back: blank ones are not given."""
    text = "" if cell is None else str(cell)
    return "" if text in ("NaN", "nan", "NaT", "<NA>") or not as_sent(text) else text


@given(
    rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    dialect=st.sampled_from([(".csv", ","), (".csv", ";"), (".tsv", "\t")]),
)
def test_what_csv_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    encoding: str,
    dialect: tuple[str, str],
) -> None:
    ending, delimiter = dialect
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("prompt", "note"), *rows])
    path = tmp_path_factory.getbasetemp() / f"table{ending}"
    path.write_bytes(text.getvalue().encode(encoding))
    read = read_table(path)
    found = [dict(zip(read.columns, row, strict=True)) for row in read.rows]
    assert [(same(row.get("prompt")), same(row.get("note"))) for row in found] == [
        (same(prompt), same(note)) for prompt, note in rows
    ]
