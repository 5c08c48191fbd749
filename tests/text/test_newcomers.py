"""What newcomers write on a line, and where the messages lead them."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from rivya_nb.contract.catalogue import Model, bundled
from rivya_nb.contract.params import check_params
from rivya_nb.errors import UsageError
from rivya_nb.magics.command import parse_command
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.magics.opening import opened, with_body
from rivya_nb.planning.line import parse_line
from rivya_nb.planning.values import parse_values

WAN = bundled()["wan-2-7-image-pro"]
IMAGEN = bundled()["google-imagen4"]


def messages_of(line: str, *, has_body: bool = True) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parse_line(line, has_body=has_body)
    return [str(mistake) for mistake in caught.value.mistakes]


def call_of(cell: str) -> str:
    manager = TransformerManager()
    manager.cleanup_transforms += [opened, with_body]
    return manager.transform_cell(cell)


@pytest.mark.parametrize(
    "above", ["# a comment\n", "#@title Foxes\n", "\n# one\n\n#two\n", "#!shebang\r\n", "# %%rivya seed=2\n"]
)
def test_comments_may_stand_above_the_magic(above: str) -> None:
    assert call_of(f"{above}%%rivya seed=1\na fox\n# snow\n") == call_of("%%rivya seed=1\na fox\n# snow\n")
    assert "run_cell_magic('rivya', 'seed=1', 'a fox\\n# snow\\n')" in call_of(
        f"{above}%%rivya seed=1\na fox\n# snow"
    )


@pytest.mark.parametrize(
    "cell",
    [
        "# only a comment\n",
        "x = 1\n%%rivya\na fox\n",
        "# one\n%%time\nx = 1\n",
        "%%rivya?\n",
        "%%rivyax\na\n",
        "",
    ],
)
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert opened(cell.splitlines(keepends=True)) == cell.splitlines(keepends=True)


def test_a_cell_without_a_body_reaches_the_magic() -> None:
    for cell in ('%%rivya "a fox"', '%%rivya "a fox"\n', '# title\n%%rivya "a fox"'):
        assert call_of(cell) == "get_ipython().run_cell_magic('rivya', '\"a fox\"', '\\n')\n"


@pytest.mark.parametrize(
    ("line", "kept", "prompt"),
    [
        ('"a fox in snow"', "", "a fox in snow"),
        ("“a fox in snow” seed=1", " seed=1", "a fox in snow"),
        ("seed=1 a fox in snow", " seed=1", "a fox in snow"),
        ("a fox in snow --fresh", " --fresh", "a fox in snow"),
        ('prompt="a fox" seed=1', " seed=1", "a fox"),
        ("seed=1", " seed=1", "a red fox in snow"),
        ("", "", "a red fox in snow"),
    ],
)
def test_without_a_body_the_cell_is_shown_with_one(line: str, kept: str, prompt: str) -> None:
    assert messages_of(line, has_body=False) == [
        f"prompt: it goes below the line, as in\n    %%rivya{kept}\n    {prompt}"
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--ref my photo.png seed=1", '--ref: a space ends a value; write --ref "my photo.png"'),
        ("--ref=my photo.png", '--ref: a space ends a value; write --ref "my photo.png"'),
        ("--ref a.png b.png", "--ref: one --ref takes one file; write --ref a.png --ref b.png"),
    ],
)
def test_a_file_that_is_there_is_offered_in_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my photo.png", "a.png", "b.png"):
        (tmp_path / name).touch()
    assert messages_of(line) == [message]


@pytest.mark.parametrize(
    ("line", "way"),
    [
        ("negative_prompt=blurry hands", 'write negative_prompt="blurry hands"'),
        ("--name my cats", 'write --name "my cats"'),
        ("seed=1 \\", "\\: the line does not go on below"),
        ("--fresh \\", "\\: the line does not go on below"),
        ("seed=1..4\\", "\\: the line does not go on below"),
        ("seed: 5", "write seed=5"),
        ("seed:5", "write seed=5"),
        ("seed:=5", "write seed=5"),
        ("seed==5", "write seed=5"),
        ("prompt=a fox seed=1", "prompt: the prompt goes below the line"),
        ("--aspect-ratio 16:9", "a param is written aspect_ratio=value"),
        ("--n 4", "the number of results is written --repeat COUNT"),
        ("-n 4", "the number of results is written --repeat COUNT"),
        ("seed＝5", "write seed=5"),
        ("seed=５", "write seed=5"),
        ("seed=1，2", "write seed=1,2"),
        ("－－fresh", "write --fresh"),
        ("seed=1\u200b", "write seed=1"),
        ("\ufeffseed=1", "write seed=1"),
        ("seed=5 a fox", "a prompt belongs in the cell's body"),
    ],
)
def test_a_message_says_what_to_write(line: str, way: str) -> None:
    (message,) = messages_of(line)
    assert way in message


def test_blanks_of_other_scripts_separate_words_and_prose_keeps_its_signs() -> None:
    assert parse_line("seed=1\u00a0--fresh\u3000--defer") == parse_line("seed=1 --fresh --defer")
    assert parse_line('negative_prompt=模糊，手 x="５"').params == (
        *parse_line("negative_prompt=模糊，手").params,
        *parse_line('x="５"').params,
    )
    assert parse_line("--ref C:\\new\\").refs == parse_line("--ref C:\\new\\ seed=1").refs


@pytest.mark.parametrize("value", [-1, "-1", "random", "Random"])
@pytest.mark.parametrize("model", [WAN, IMAGEN])
def test_a_seed_that_is_drawn_elsewhere_is_left_out_here(model: Model, value: object) -> None:
    _, (mistake,) = check_params(model, {"seed": value})
    assert "leave the seed out, and one is drawn" in str(mistake)


@pytest.mark.parametrize(
    ("key", "value", "way"),
    [
        ("n", 4, "--repeat 4 in a cell, and repeat=4 in Python"),
        ("num_images", 4, "--repeat 4 in a cell"),
        ("width", 1024, "calls it 'aspect_ratio'"),
        ("size", "1024x1024", "calls it 'aspect_ratio'"),
        ("watermark", "TRUE", "did you mean 'true'"),
    ],
)
def test_a_param_of_another_tool_leads_to_the_one_here(key: str, value: object, way: str) -> None:
    _, (mistake,) = check_params(WAN, {key: value})
    assert way in str(mistake)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("[1,2]", "seed=1,2"),
        ("(1,2)", "seed=1,2"),
        ("range(4)", "seed=0..3"),
        ("range(1, 5)", "seed=1..4"),
        ("1:4", "1..4"),
    ],
)
def test_several_values_in_pythons_way_are_shown_in_the_lines_way(text: str, way: str) -> None:
    with pytest.raises(UsageError, match="write") as caught:
        parse_values(text, WAN.param("seed"))
    assert str(caught.value).endswith(f"write {way}")


@pytest.mark.parametrize("line", ['"a fox"', "“a fox”", "a fox in snow", "{subject}"])
def test_a_prompt_behind_one_percent_sign_leads_to_two(line: str) -> None:
    with pytest.raises(UsageError, match="a prompt goes below a line with %%rivya"):
        parse_command(line, COMMANDS)


def test_the_help_fits_half_a_screen_and_breaks_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    COMMANDS["help"].act(())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 90
    assert [line for line in lines if line.startswith("%rivya study FILE")]
    said = " ".join(" ".join(lines).split())
    for name, entry in COMMANDS.items():
        assert " ".join(f"%rivya {name} {entry.usage} {entry.help}".split()) in said
