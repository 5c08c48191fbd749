"""`%rivya history …`: the same questions from a line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

import rivya_nb as rv
from rivya_nb.magics.command import parse_command
from rivya_nb.magics.commands import COMMANDS, READERS
from rivya_nb.planning.question import history_question

if TYPE_CHECKING:
    from .conftest import Fill


def act(line: str) -> Any:
    command = parse_command(line, COMMANDS, READERS)
    assert command.name is not None
    return COMMANDS[command.name].act(command.arguments)


def seeds(line: str) -> list[object]:
    return [job.seed for job in act(line)]


def mistakes(line: str) -> list[str]:
    with pytest.raises(rv.UsageError) as caught:
        act(line)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_words_params_and_flags(fill: Fill) -> None:
    run = fill([1, 2, 3], "A glass bottle, dawn", aspect_ratio="16:9", created_at=1e9)
    fill([9], "A clay pot", created_at=time.time(), name="two pots")
    run[0].rate(4).tag("soft light", "keep").favourite()
    run[1].tag("keep").hide()
    assert seeds("history") == [9, 3, 1]
    assert seeds("history bottle DAWN") == seeds('history "bottle, dawn"') == [3, 1]
    assert seeds("history bottle seed=3 aspect_ratio=16:9 --model wan-2-7-image-pro") == [3]
    assert seeds("history --rating 4") == seeds("history --favourite") == [1]
    assert seeds('history --tag keep --tag "soft light"') == [1]
    assert seeds("history --tag=keep --hidden") == [2, 1]
    run[2].exclude("blurred")
    assert seeds("history --excluded yes") == [3]
    assert seeds("history --excluded no") == [9, 1]
    assert seeds("history --run 2") == seeds('history --run "two pots"') == [9]
    assert seeds("history --run 1,2 --since 2001-09-08") == [9, 3, 1]
    assert seeds("history --since 2001-09-08 --until 2001-09-10") == [3, 1]
    assert seeds("history --until 1d") == [3, 1]


def test_all_mistakes_of_a_line_are_told_at_once_as_the_line_writes_them(session: rv.Session) -> None:
    told = mistakes(
        "history bottle rating=4 --ratng 4 --tag a,b seed=1...4 --since soon --run x --page 0 --favorite"
    )
    where = ["rating", "--ratng", "--favorite", "seed", "--tag", "--page", "--run", "--since"]
    assert [mistake.partition(":")[0] for mistake in told] == where
    assert "written --rating" in told[0]
    assert "did you mean '--rating'?" in told[1]
    assert "did you mean '--favourite'?" in told[2]
    assert mistakes("history --excluded perhaps") == ["--excluded: 'perhaps' is neither yes nor no"]
    assert "as in --fact category=animals" in mistakes("history --fact category")[0]
    assert mistakes("history --fact a=b --fact a=c")[0].startswith("--fact: a is given twice")
    assert mistakes("history --rating 7") == ["--rating: 7 is no rating; it takes 0 to 5"]
    assert "variable" in mistakes("history {words}")[0]
    assert "no spaces around =" in mistakes("history seed = 4")[0]


def test_the_line_says_what_python_says(fill: Fill) -> None:
    fill([1, 2, 3], "A red fox", aspect_ratio="16:9")[0].rate(2)
    fill([9], "A grey wolf, cartoon", model="seedream-4-0", aspect_ratio="1:1")
    assert seeds("history fox OR wolf -cartoon") == seeds("history fox|wolf -cartoon") == [3, 2, 1]
    assert seeds('history "red fox"') == seeds("history 'red fox'") == [3, 2, 1]
    assert seeds('history "fox red"') == seeds('history -"red fox" -cartoon') == []
    assert seeds("history seed=2..9") == [9, 3, 2]
    assert seeds("history seed=1,2..3") == seeds("history aspect_ratio=16:9,3:4") == [3, 2, 1]
    assert seeds("history --model seedream-4-0,qwen-image") == [9]
    assert seeds("history --sort rating") == [1, 9, 3, 2]
    assert seeds("history --sort seed --picture-width 30..40 --picture-height 24") == [1, 2, 3, 9]
    assert mistakes("history --sort best")[0].startswith("--sort: ")
    assert mistakes("history --picture-width wide")[0].startswith("--picture-width: ")
    assert "write --rating" in mistakes("history -rating 4")[0]


@pytest.mark.parametrize(
    "written",
    [
        '"fox"|bird -cartoon seed=1..100:3 --sort seed',
        '-"red cup" --model wan-2-7-image-pro,qwen-image seed=1,2,3 --picture-width 30..40',
    ],
)
def test_the_line_of_the_next_page_finds_the_same(fill: Fill, written: str) -> None:
    fill(range(100), "A fox and a bird")
    fill([1, 2, 3] * 10, "A fox and a bird")
    hint = act(f"history {written}")._repr_mimebundle_()["text/plain"].splitlines()[-1]
    line, told, _ = hint.strip().partition("  shows the next")
    assert told
    bare = written.replace('"fox"', "fox")
    assert line == f"%rivya history {bare} --page 2"
    assert seeds(line.removeprefix("%rivya ")) == seeds(f"history {written}")[24:48]


def test_pages_are_told_as_lines_that_work(fill: Fill) -> None:
    fill(range(60), 'A "glass" bottle --soft', aspect_ratio="16:9")[59].tag("soft, light")
    rv.history()[:].tag("soft, light")
    first = act('history "--soft" "bottle" aspect_ratio=16:9 --tag "soft, light" --since 9999w')
    hint = first._repr_mimebundle_()["text/plain"].splitlines()[-1].strip()
    line, told, _ = hint.partition("  shows the next 24")
    assert told
    assert (
        line == '%rivya history "--soft" bottle aspect_ratio=16:9 --tag "soft, light" --since 9999w --page 2'
    )
    assert seeds(line.removeprefix("%rivya ")) == list(range(35, 11, -1))
    assert "there are pages 1 to 3" in mistakes("history --page 4")[0]


def test_undo_and_help(fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    fill([1]).favourite()
    act("undo")
    act("undo")
    assert capsys.readouterr().out == "Undone: favourite of 1 picture.\nThere is nothing to undo.\n"
    act("help")
    said = capsys.readouterr().out
    for word in ("--rating", "--since", "--page", "%rivya undo"):
        assert word in said


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"category": "wild animals"}, 'category="wild animals"'),
        ({"note": "a, b"}, 'note="a, b"'),
        ({"note": "1..4"}, 'note="1..4"'),
        ({"id": ["1", "2"]}, "id=1,2"),
        ({"id": range(1, 5)}, "id=1..4"),
        ({"my note": 'say "x"'}, '"my note=say ""x"""'),
    ],
)
@pytest.mark.usefixtures("session")
def test_facts_are_written_as_the_line_reads_them(facts: dict[str, Any], words: str) -> None:
    asked = history_question({"facts": facts}, ())
    assert asked.line == f"%rivya history --fact {words}"
    assert act(f"history --fact {words}")._asked.question == asked.question
