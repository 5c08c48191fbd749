"""What the lines of the magics mean."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.errors import UsageError
from rivya_nb.magics.command import Command, parse_command
from rivya_nb.planning.line import FLAGS, Line, parse_line
from rivya_nb.planning.names import notebook_object
from rivya_nb.planning.words import ObjectName, Text

COMMANDS = ("connect", "sandbox", "models", "credits", "history", "runs", "wait", "stop", "retry", "resume")
LINES = st.text() | st.text(alphabet="ab=- ,.\"'{}—“”", max_size=40)
FLAG_WORDS = st.lists(
    st.sampled_from([flag.name for flag in FLAGS] + ["=", "x", "seed=1", "1,", "{a}", '"', "a=", "=5", "-5"])
)


def messages_of(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parse_line(text)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_designs_line() -> None:
    line = parse_line("seed=1..4 aspect_ratio=1:1,16:9 --model wan-2-7-image-pro --ref cat.png --out cats")
    assert line == Line(
        params=(("seed", Text("1..4")), ("aspect_ratio", Text("1:1,16:9"))),
        model=Text("wan-2-7-image-pro"),
        refs=(Text("cat.png"),),
        out="cats",
        order=("seed", "aspect_ratio", "model", "references"),
    )


def test_every_flag() -> None:
    line = parse_line(
        "--rows seed --cols=light --repeat 4 --max-credits 0 --parallel 8 --name 'my cats' --dry-run --background "
        "--fresh --defer --replicates 3 --sample 50 --sample-seed 0 --no-pair-seeds"
    )
    assert (line.replicates, line.sample, line.sample_seed, line.pair_seeds) == (3, 50, 0, False)
    assert (line.rows, line.cols, line.repeat, line.max_credits) == ("seed", "light", 4, 0)
    assert line.parallel == 8
    assert (line.name, line.dry_run, line.background, line.fresh) == ("my cats", True, True, True)
    assert line.defer


def test_an_empty_line_is_all_defaults() -> None:
    assert parse_line("  ") == Line()


def test_objects_of_the_notebook_are_taken_by_name() -> None:
    line = parse_line("seed={seeds} --ref {img} --ref={ other } --model {models}")
    assert line.params == (("seed", ObjectName("seeds")),)
    assert line.refs == (ObjectName("img"), ObjectName("other"))
    assert line.model == ObjectName("models")


def test_one_of_what_a_variable_holds_is_named_by_its_number() -> None:
    assert parse_line("--ref {run[0]} --ref { run [ -1 ] }").refs == (
        ObjectName("run[0]"),
        ObjectName("run[-1]"),
    )
    there = {"run": ["first", "last"], "number": 7}
    assert [notebook_object(name, there, "--ref") for name in ("run[0]", "run[-1]")] == ["first", "last"]
    for name, message in (
        ("run[2]", r"--ref: \{run\[2\]\} is not there \(IndexError: list index out of range\)"),
        ("number[0]", r"--ref: \{number\[0\]\} is not there \(TypeError"),
        ("runs[0]", "did you mean 'run'"),
    ):
        with pytest.raises(UsageError, match=message):
            notebook_object(name, there, "--ref")


def test_the_order_in_which_axes_were_written_is_kept() -> None:
    assert parse_line("--repeat 2 b=1 --ref x a=2 --model m --ref y").order == (
        "repeat",
        "b",
        "references",
        "a",
        "model",
    )


@pytest.mark.parametrize(
    "path", [r"C:\new\table.png", r"\\server\share\a.png", r"C:\it's\a.png", "~/ข้าว.png"]
)
def test_paths_survive(path: str) -> None:
    assert parse_line(f"--ref {path}").refs == (Text(path),)
    assert parse_line(f'--ref "{path}"').refs == (Text(path, quoted=True),)


@pytest.mark.parametrize(
    "address", ["https://example.org/cat.png?size=1&seed=2", "data:image/png;base64,iVBORw==", "C:\\a=b.png"]
)
@pytest.mark.parametrize("between", [" ", "="])
def test_an_address_with_an_equals_sign_is_no_param(address: str, between: str) -> None:
    line = parse_line(f"--ref{between}{address} seed=1")
    assert line.refs == (Text(address),)
    assert [key for key, _ in line.params] == ["seed"]


def test_a_part_of_a_path_may_be_quoted() -> None:
    line = parse_line(r'--ref C:\"My Pictures"\new.png')
    assert line.refs == (Text(r"C:\My Pictures\new.png", quoted=True),)


@pytest.mark.parametrize("text", ["x=don't", 'x="don\'t"', "x='don''t'"])
def test_apostrophes(text: str) -> None:
    assert [value.text for _, value in parse_line(text).params if isinstance(value, Text)] == ["don't"]


def test_quoted_braces_and_empty_texts_are_text() -> None:
    assert parse_line('x="{a|b}" y=""').params == (("x", Text("{a|b}", True)), ("y", Text("", True)))


def test_a_negative_number_is_a_value() -> None:
    assert parse_line("seed=-1,-5").params == (("seed", Text("-1,-5")),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--dryrun", "--dryrun: no such flag; did you mean '--dry-run'?"),
        ("--back", "--back: no such flag; did you mean '--background'?"),
        ("--mod wan", "--mod: no such flag; did you mean '--model'?"),
        ("-m wan", "-m: no such flag; did you mean '--model' or '--max-credits'?"),
        ("--out", "--out: has no value"),
        ("--out --fresh", "--out: has no value"),
        ("--out seed=1", "--out: has no value"),
        ("--out= cats", "--out: no spaces around =; write --out=cats"),
        ("--out = cats", "--out: no spaces around =; write --out cats"),
        ("--dry-run=yes", "--dry-run: takes no value"),
        ("--fresh --fresh", "--fresh: given twice"),
        ("--out a --out b", "--out: given twice"),
        ("seed=1 seed=2", "seed: given twice; several values are written seed=1,2"),
        ("seed =1", "seed: no spaces around =; write seed=1"),
        ("seed= 1", "seed: no spaces around =; write seed=1"),
        ("seed = 1", "seed: no spaces around =; write seed=1"),
        ("seed=1, 2", "seed: a space ends a value; write seed=1,2"),
        ("seed=1 ,2, 3", "seed: a space ends a value; write seed=1,2,3"),
        ("seed=1 .. 4", "seed: a space ends a value; write seed=1..4"),
        ("--ref a.png, b.png", "--ref: a space ends a value; repeat --ref"),
        ("seed=", "seed: has no value; none means “not sent”"),
        ("model=wan", "model: this is a flag, and written --model ID"),
        ("dry_run=true", "dry_run: this is a flag, and written --dry-run"),
        ("—model wan", "—model: flags begin with two plain hyphens; write --model"),
        ("-out cats", "-out: flags begin with two plain hyphens; write --out"),
        ("--out class", "--out: 'class' cannot name a variable; use letters, digits and _"),
        ("--out 2cats", "--out: '2cats' cannot name a variable; use letters, digits and _"),
        ("--repeat 0", "--repeat: '0' is not a whole number from 1 on"),
        ("--replicates 0", "--replicates: '0' is not a whole number from 1 on"),
        ("--sample 0", "--sample: '0' is not a whole number from 1 on"),
        ("--sample-seed -1", "--sample-seed: '-1' is not a whole number from 0 on"),
        ("--repeat 1.5", "--repeat: '1.5' is not a whole number from 1 on"),
        ("--max-credits -5", "--max-credits: '-5' is not a whole number from 0 on"),
        ("--parallel 0", "--parallel: '0' is not a whole number from 1 on"),
        ("--repeat {n}", "--repeat: takes no variable; write --repeat COUNT"),
        ("--name ''", "--name: has no value"),
        ("--rows seed --cols seed", "--cols: 'seed' makes the rows already; name another axis"),
        ('--name "my cats', '--name: "my cats has a quote that is not closed'),
        (
            r'--name "my \"own\" cats"',
            r'--name: "my \"own\" cats" has \" in it; a quote within quotes is written twice: "a ""b"" c"',
        ),
        ("--name “my cats”", '--name: “my has typographic quotes; use plain ones: "…"'),
        ("x={a[b]}", "x: {a[b]} is not the plain name of a variable; give the object a name first"),
        ("x={a.b}", "x: {a.b} is not the plain name of a variable; give the object a name first"),
        (
            "x={f(1, 4)}",
            "x: {f(1, 4)} is not the plain name of a variable; give the object a name first",
        ),
        (
            "--ref {folder}/a",
            "--ref: {folder}/a: a variable stands alone, as in {name}; quote the value to mean braces",
        ),
        ('x="a","b"', 'x: "a","b": quotes make one value; for several, give a variable that holds a list'),
    ],
)
def test_one_mistake_is_one_message(text: str, message: str) -> None:
    assert messages_of(text) == [message]


def test_a_prompt_on_the_line_is_sent_to_the_body() -> None:
    (message,) = messages_of("a cat on a mat seed=1")
    assert message.startswith("a cat on a mat: ")
    assert "a prompt belongs in the cell's body" in message


def test_an_unknown_flag_says_how_params_are_written_and_which_flags_there_are() -> None:
    (message,) = messages_of("--seed 5")
    assert "a param is written seed=value" in message
    assert all(flag.name in message for flag in FLAGS)


def test_all_mistakes_of_a_line_are_told_at_once() -> None:
    wheres = [message.split(":")[0] for message in messages_of("cat --dryrun a=1, 2 --out 1 --repeat x b=")]
    assert wheres == ["cat", "--dryrun", "a", "b", "--out", "--repeat"]


@pytest.mark.parametrize(
    "text",
    [
        "--api-key hunter2",
        "--api-key=hunter2",
        "--api_key hunter2",
        "--apiKey hunter2",
        "--key hunter2",
        "--token hunter2",
        "—api-key hunter2",
        "api_key=hunter2",
        "api_key = hunter2",
        "key =hunter2",
        "RIVYA_API_KEY=hunter2",
        "api_key hunter2",
        "--name rvya_sk_hunter2",
        "rvya_sk_hunter2",
        'x="RVYA_SK_hunter2" --repeat hunter2',
    ],
)
def test_a_key_is_refused_and_never_repeated(text: str) -> None:
    for parse in (parse_line, lambda text: parse_command(f"connect {text}", COMMANDS)):
        with pytest.raises(UsageError, match="a key is never an argument of a magic") as caught:
            parse(text)
        assert "hunter2" not in str(caught.value)


def test_the_words_api_key_in_a_quoted_value_are_no_key() -> None:
    assert parse_line('--name "api key"').name == "api key"


def test_the_value_of_a_flag_nobody_knows_is_not_repeated() -> None:
    assert "hunter2" not in str(messages_of("--api-kye hunter2 --fresh"))


@given(LINES | FLAG_WORDS.map(" ".join))
def test_any_line_is_read_or_is_a_mistake(text: str) -> None:
    with suppress(UsageError):
        assert isinstance(parse_line(text), Line)


@given(st.text(), st.sampled_from("\"'"))
def test_any_text_can_be_quoted(text: str, quote: str) -> None:
    quoted = quote + text.replace(quote, quote * 2) + quote
    if "rvya_sk_" not in text.casefold():
        line = parse_line(f"x={quoted} --ref {quoted}")
        assert line.params == (("x", Text(text, quoted=True)),)
        assert line.refs == (Text(text, quoted=True),)


@given(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.from_regex(r"[\w\\/.:'+-]{1,12}", fullmatch=True))
def test_any_plain_value_is_kept_as_written(key: str, value: str) -> None:
    if value.startswith("'"):
        return
    try:
        line = parse_line(f"{key}={value} --fresh")
    except UsageError:
        assert f"--{key.replace('_', '-')}" in {flag.name for flag in FLAGS} or "key" in key or key == "token"
    else:
        assert line.params == ((key, Text(value)),)


def test_commands_take_plain_arguments() -> None:
    assert parse_command("", COMMANDS) == Command(None)
    assert parse_command(" wait 41 ", COMMANDS) == Command("wait", ("41",))
    assert parse_command(r'connect --store "C:\my store"', COMMANDS) == Command(
        "connect", ("--store", r"C:\my store")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wiat 41", "%rivya: 'wiat' is no command; did you mean 'wait'?"),
        ("xyz", f"%rivya: 'xyz' is no command; it has {', '.join(COMMANDS)}"),
        (
            "seed=1",
            "%rivya: this is for the session; params belong to a %%rivya cell, above its prompt",
        ),
        ("wait {run}", "wait: {run} is a variable, and a command takes plain text"),
        ('wait "41', 'wait: "41 has a quote that is not closed'),
    ],
)
def test_a_command_that_is_wrong_is_a_mistake(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command(text, COMMANDS)
    assert [str(mistake) for mistake in caught.value.mistakes] == [message]


@given(LINES)
def test_any_command_is_read_or_is_a_mistake(text: str) -> None:
    with suppress(UsageError):
        assert parse_command(text, COMMANDS).name in (None, *COMMANDS)


def test_what_is_about_a_table_needs_one() -> None:
    line = parse_line("--prompts bench.csv --prompt-column text --templates off --coupled a,b --coupled c,d")
    assert (line.prompts, line.prompt_column, line.templates) == (Text("bench.csv"), "text", False)
    assert line.coupled == (("a", "b"), ("c", "d"))
    with pytest.raises(UsageError) as error:
        parse_line("--prompt-column text --templates maybe")
    told = str(error.value)
    assert told.count("it is about a table of prompts; give --prompts FILE too") == 2
    assert "--templates: 'maybe' is neither on nor off" in told
