"""How what was asked with a table, or coupled, is asked for again."""

from __future__ import annotations

import pytest

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.planning.ask import Ask, Coupling, TableSource
from rivya_nb.planning.line import parse_line
from rivya_nb.planning.prompt import PromptAxis, prompt_of
from rivya_nb.views.repeat import ask_cell

WORDINGS = tuple(f"a fox, number {number}" for number in range(100))
ROWS = PromptAxis("prompt", WORDINGS)
COUPLED = Coupling("prompt", ("prompt", "resolution"), WORDINGS, tuple({"id": text} for text in WORDINGS))


def cell(*parts: str | PromptAxis, **given: object) -> str | None:
    ask = Ask(prompt_of(parts or (ROWS,)), (DEFAULT_MODEL,), **given)  # type: ignore[arg-type]
    return ask_cell(ask, lambda reference: reference.name)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (TableSource("bench.csv"), "--prompts bench.csv"),
        (TableSource("my bench.csv", "text"), '--prompts "my bench.csv" --prompt-column text'),
        (TableSource("bench.csv", templates=True), "--prompts bench.csv --templates on"),
        (TableSource("bench.csv", templates=False), "--prompts bench.csv --templates off"),
    ],
)
def test_a_hundred_rows_are_asked_by_their_file(table: TableSource, words: str) -> None:
    params = {"resolution": ("1K",) * 100, "seed": (1, 2)}
    asked = cell(params=params, coupled=(COUPLED,), table=table)
    assert asked == f"%rivya generate {words} seed=1,2"
    line = parse_line(asked.removeprefix("%rivya generate"), has_body=False)
    assert (line.prompt_column or "prompt", line.templates) == (table.column, table.templates)
    assert cell(ROWS, ", studio light", table=table) == f"%%rivya {words}\n{{prompt}}, studio light"


def test_rows_that_no_file_has_are_in_no_cell() -> None:
    assert cell(params={"resolution": ("1K",) * 100}, coupled=(COUPLED,)) is None


def test_seeds_that_were_drawn_for_some_rows_are_in_no_file() -> None:
    coupled = Coupling("prompt", ("prompt", "seed"), WORDINGS)
    seeds = (7, *(None,) * 99)
    assert cell(params={"seed": seeds}, drawn=(8,), coupled=(coupled,), table=TableSource("a.csv")) is None


def test_what_is_coupled_stands_on_the_line() -> None:
    asked = cell(
        "a fox",
        params={"seed": (1, 1, 2), "resolution": ("1K", "2K", "2K")},
        coupled=(Coupling("seed, resolution", ("seed", "resolution"), ("1, 1K", "1, 2K", "2, 2K")),),
    )
    assert asked == "%%rivya seed=1,1,2 resolution=1K,2K,2K --coupled seed,resolution\na fox"
    assert parse_line("--coupled seed,resolution seed=1,1,2").coupled == (("seed", "resolution"),)
