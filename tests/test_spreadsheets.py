"""CSV files, whose texts no spreadsheet runs."""

from __future__ import annotations

import csv
import io

import pytest

from rivya_nb.spreadsheets import csv_bytes, harmless


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1+1",
        "-",
        "+",
        "--3",
        "-3 ",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", [-3, -0.5, None, True, "-3", "+1.5", "-1e-7", "a = b", "'quoted'", "", " =1", "ภาพ"]
)
def test_numbers_and_other_texts_stay_as_they_are(value: object) -> None:
    assert harmless(value) == value


def test_names_of_columns_and_cells_are_escaped_and_read_back_by_a_csv_reader() -> None:
    data = csv_bytes(["=name", "seed"], [['a,\n"b"', -3], [None, "@x"]])
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows == [["'=name", "seed"], ['a,\n"b"', "-3"], ["", "'@x"]]
