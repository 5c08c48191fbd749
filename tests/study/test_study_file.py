"""What was asked, as a study file and back, and what is told of a file that cannot be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_nb.contract.catalogue import DEFAULT_MODEL
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import SEED_KEY, Request
from rivya_nb.errors import UsageError
from rivya_nb.planning.ask import Ask, Coupling, TableSource
from rivya_nb.planning.prompt import PromptAxis, parse_prompt, prompt_of
from rivya_nb.planning.prompt_tables import PromptTable
from rivya_nb.planning.table_roles import row_labels
from rivya_nb.study.reading import GivenReference, GivenTable, Sources, read_study
from rivya_nb.study.study_file import ordered, study_text
from rivya_nb.study.wording import joined

CAT = Reference("aa" * 32, "image", "image/png", "cat.png", 9)
DOG = Reference("bb" * 32, "image", "image/png", "pets/dog.png", 9)
LINK = Reference("cc" * 32, "image", "", "x.png", 0, url="https://example.com/x.png")
KNOWN = {each.sha256: each for each in (CAT, DOG)}


def take(given: GivenReference, models: Sequence[str]) -> Reference:
    return LINK if given.url else KNOWN[given.sha256 or ""]


def no_table(given: GivenTable) -> PromptTable:
    raise UsageError(f"there is no table {given.prompts}")


SOURCES = Sources(take, no_table)


def written(ask: Ask, name: str | None = None) -> str:
    return study_text(ask, name, lambda reference: reference.name)


def read(text: str) -> Ask:
    return read_study(text, SOURCES).ask


def plain(ask: Ask) -> Ask:
    """The ask as far as a file tells it: seeds that were drawn are written down, and axes are ordered by name."""
    among_params = SEED_KEY in ask.params and SEED_KEY not in ask.couplings
    return replace(
        ask,
        prompt=prompt_of(joined(ask.prompt.parts)),
        drawn=() if among_params else ask.drawn,
        order=tuple(ordered(ask)),
    )


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(UsageError) as caught:
        read(text)
    return {mistake.where: mistake.message for mistake in caught.value.mistakes}


STUDY = f"""
[study]
version = 1
name = "bottles"
model = "{DEFAULT_MODEL}"
prompt = "A bottle in {{light}} light, {{dawn|dusk}}"
order = ["light", "seed"]

[axes]
light = ["soft", "hard"]

[params]
seed = "1..4"
aspect_ratio = ["1:1", "16:9"]
negative_prompt = "none"
"""


def test_a_study_is_written_by_hand() -> None:
    study = read_study(STUDY, SOURCES)
    assert study.name == "bottles"
    axes = {axis.name: axis.labels for axis in study.ask.axes()}
    assert axes == {
        "light": ("soft", "hard"),
        "seed": ("1", "2", "3", "4"),
        "aspect_ratio": ("1:1", "16:9"),
        "prompt": ("dawn", "dusk"),
    }
    assert list(axes)[:2] == ["light", "seed"]
    assert study.ask.params["negative_prompt"] == (None,)
    assert study.ask.prompt.render({"light": 1, "prompt": 0}) == "A bottle in hard light, dawn"


def test_a_study_file_is_for_people() -> None:
    """The wording can be edited where it stands, and a list of seeds is short."""
    template = parse_prompt("A bottle in {light=soft|hard} light", variables=False)
    ask = Ask(template, (DEFAULT_MODEL,), {"seed": tuple(range(1, 101)), "resolution": ("1K",)})
    text = written(ask, "bottles")
    assert text.partition("\n\n")[2] == (
        '[study]\nversion = 1\nname = "bottles"\n'
        f'model = "{DEFAULT_MODEL}"\nprompt = "A bottle in {{light=soft|hard}} light"\n\n'
        '[params]\nseed = "1..100"\nresolution = "1K"\n'
    )
    assert read(text.replace("bottle", "glass")).prompt.render({"light": 0}) == "A glass in soft light"


WILD = ["none", "NONE", "1..4", "{light}", "{{x}}", "{a|b}", '"""', "__x__", "<lora:x:1>"]
OPTIONS = [*"abcdefg", "a|b", "{x}", " c", "d\n"]

texts = st.sampled_from(WILD) | st.text("ab {}|=\"'\\\n\r\t\0$:#\u2028é🦊_0..1none", max_size=12)
names = st.sampled_from(["light", "prompt", "prompt2", "subject", "สี", "x"])
options = st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=7, unique=True).map(tuple)
axes = st.builds(PromptAxis, names, options)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
values = st.none() | st.booleans() | numbers | texts
several = st.lists(values, min_size=1, max_size=5, unique_by=lambda value: str(value).strip().casefold())
keys = st.sampled_from(["seed", "resolution", "a.b", "é", "n p", "", "none"])
models = st.sampled_from([DEFAULT_MODEL, "b", "a model"])
pictures = st.lists(st.sampled_from([CAT, DOG, LINK]), max_size=2).map(tuple)
single = st.builds(Request, st.just("m"), texts, st.dictionaries(keys, values, max_size=2), pictures)


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    by_name = {axis.name: axis for axis in draw(st.lists(axes, max_size=3))}
    parts: list[Any] = draw(st.lists(texts | st.sampled_from([*by_name.values()] or ["."]), max_size=6))
    params = draw(st.dictionaries(keys, several.map(tuple), max_size=4))
    asked = draw(st.lists(models, min_size=1, unique=True))
    left_out = st.lists(st.sampled_from([*params] or ["-"]), unique=True).map(tuple)
    return Ask(
        prompt=prompt_of(parts),
        models=tuple(asked),
        params=params,
        references=draw(st.dictionaries(texts, pictures, max_size=3)),
        repeat=draw(st.integers(1, 5)),
        order=tuple(draw(st.lists(st.sampled_from([*params, *by_name, "model", "repeat", "gone"])))),
        drawn=tuple(draw(st.lists(st.integers(0, 9) | st.just("7"), max_size=3))),
        left_out=draw(st.dictionaries(st.sampled_from(asked), left_out, max_size=1)) if params else {},
        table=draw(st.sampled_from([None, TableSource("a b.csv"), TableSource("b.tsv", "text", False)])),
        replicates=draw(st.integers(1, 3)),
        sample=draw(st.integers(0, 3)),
        sample_seed=draw(st.integers(0, 3)),
    )


@st.composite
def tables(draw: st.DrawFn) -> Ask:
    """The ask of a table, as `tabled.py` makes it: its columns are coupled to its wordings."""
    count = draw(st.integers(1, 6))

    def column(cells: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(cells, min_size=count, max_size=count)))

    wordings = column(texts)
    params = {key: column(values) for key in draw(st.lists(keys.filter(bool), max_size=3, unique=True))}
    asked = column(models) if draw(st.booleans()) else (DEFAULT_MODEL,)
    references = {str(at): draw(pictures) for at in range(count)} if draw(st.booleans()) else {}
    facts = column(st.dictionaries(texts, texts, max_size=2)) if draw(st.booleans()) else ()
    members = [
        "prompt",
        *params,
        *(["model"] if len(asked) > 1 else []),
        *(["references"] if references else []),
    ]
    labels = row_labels(wordings, params, facts) if draw(st.booleans()) else column(texts)
    return Ask(
        prompt=prompt_of([draw(texts), PromptAxis("prompt", wordings), draw(texts)]),
        models=asked,
        params={**params, "extra": (1, 2)},
        references=references,
        coupled=(Coupling("prompt", tuple(members), labels, facts),),
        drawn=(3, 4) if draw(st.booleans()) else (),
    )


@given(asks() | tables())
def test_an_ask_comes_back_from_its_study_file(ask: Ask) -> None:
    ask = plain(ask)
    again = read(written(ask))
    assert again.prompt.parts == ask.prompt.parts
    assert replace(again, prompt=ask.prompt) == ask
    kinds = [{key: list(map(type, each)) for key, each in one.params.items()} for one in (again, ask)]
    assert kinds[0] == kinds[1]
    assert written(again) == written(ask), "nothing changes when it is written again"


@given(st.lists(single, min_size=2, max_size=3))
def test_requests_as_they_are_come_back(requests: list[Request]) -> None:
    assert read(written(Ask(requests=tuple(requests)))).requests == tuple(requests)


def test_every_part_of_an_ask_is_in_the_file() -> None:
    """A part that is new has to be written, or a study would be another one when it is read again."""
    known = {"prompt", "models", "params", "references", "repeat", "order", "drawn", "left_out", "requests"}
    known |= {"coupled", "table", "replicates", "sample", "sample_seed", "pair_seeds", "drawn_by_prompt"}
    assert known >= set(Ask.__dataclass_fields__)


HEAD = "[study]\nversion = 1\n"
BODY = f'{HEAD}prompt = "a {{light}} sky"\n'


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("a = ", "", "this is not TOML"),
        ("%%rivya seed=1\nA fox", "", "this is not TOML"),
        ("", "study", "there is no [study]"),
        ('study = "x"', "study", "there is no [study]"),
        ("[study]\n", "study.version", "write version = 1"),
        ("[study]\nversion = 2\nnew = 1", "study.version", "upgrade"),
        ("[study]\nversion = true", "study.version", "version = 1"),
        (HEAD, "study.prompt", "it is missing"),
        (f"{HEAD}prompt = 7", "study.prompt", "7 is not text"),
        (f"{HEAD}promt = 'x'", "study.promt", "did you mean 'prompt'"),
        (f"{HEAD}prompt = 'x'\n[parms]\nseed = 1", "parms", "did you mean 'params'"),
        (f"{HEAD}prompt = 'x'\nmax_credits = 900", "study.max_credits", "no key, address or limit"),
        (f"{HEAD}prompt = 'x'\napi-key = 'secret'", "study.api-key", "no key, address or limit"),
        (BODY, "study.prompt", "there is nothing for {light}"),
        (f"{BODY}[axes]\nlihgt = ['a', 'b']", "study.prompt", "did you mean 'lihgt'"),
        (f"{BODY}[axes]\nlight = []", "axes.light", "empty list"),
        (f"{BODY}[axes]\nlight = ['a', 7]", "axes.light", "7 is not text"),
        (f"{BODY}[axes]\nlight = ['a', 'a']", "axes.light", "'a' is given twice"),
        (f"{BODY}[axes]\nlight = ['a']\nsubject = ['b']", "axes.subject", "write {subject} there"),
        (f"{HEAD}prompt = '{{light=a|b}}'\n[axes]\nlight = ['c']", "axes", "in the prompt, too"),
        (f"{HEAD}prompt = '{{os.environ}}'", "study.prompt", "more than a plain name"),
        (f"{HEAD}prompt = 'x'\nrepeat = 0", "study.repeat", "from 1 to 100,000"),
        (f"{HEAD}prompt = 'x'\nrepeat = 2.0", "study.repeat", "from 1 to 100,000"),
        (f"{HEAD}prompt = 'x'\nreplicates = 1000000000000", "study.replicates", "from 1 to 100,000"),
        (f"{HEAD}prompt = 'x'\nsample_seed = -1", "study.sample_seed", "from 0 on"),
        (f"{HEAD}prompt = 'x'\norder = ['sed']\n[params]\nseed = 1", "study.order", "did you mean 'seed'"),
        (f"{HEAD}prompt = 'x'\nmodel = []", "study.model", "empty list"),
        (f"{HEAD}prompt = 'x'\nmodel = 3", "study.model", "not text"),
        (f"params = 3\n{HEAD}prompt = 'x'", "params", "below [params]"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = 2020-01-01", "params.seed", "a date or time without quotes"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = inf", "params.seed", "inf is no value"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = [1, nan]", "params.seed", "nan is no value"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = [1, [2]]", "params.seed", "a list is no value"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = {{a = 1}}", "params.seed", "a table is no value"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = []", "params.seed", "empty list"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = [1, 1]", "params.seed", "1 is given twice"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = '1..99999999'", "params.seed", "too many"),
        (f"{HEAD}prompt = 'x'\n[params]\nseed = '1..4:0'", "params.seed", "above 0"),
        (f"{HEAD}prompt = 'x'\n[left_out]\nb = ['seed']", "left_out.b", "not asked"),
        (f"{HEAD}prompt = 'x'\n[references]\nfile = 'a'", "references", "[[references]]"),
        (f"{HEAD}prompt = 'x'\n[[references]]\n", "references 1", "it takes file and sha256"),
        (f"{HEAD}prompt = 'x'\n[[references]]\nfile = 3", "references 1.file", "3 is not text"),
        (f"{HEAD}prompt = 'x'\n[[references]]\nurl = 'x'\nfile = 'y'", "references 1", "url alone"),
        (f"requests = []\n{HEAD}", "requests", "empty list"),
        (f"{HEAD}prompt = 'x'\n[[requests]]\nprompt = 'y'", "study.prompt", "their own"),
    ],
    ids=lambda part: str(part)[-30:],
)  # fmt: skip
def test_a_mistake_is_told_with_its_key(text: str, where: str, told: str) -> None:
    found = mistakes(text)
    assert told in found[where], found
    assert "secret" not in str(found)


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(f"{HEAD}promt = 'x'\nrepeat = 0\n[params]\nseed = nan\n")
    assert found.keys() == {"study.promt", "study.prompt", "study.repeat", "params.seed"}


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "x = {" * 5000,
        ".".join(["a"] * 100_000) + " = 1",
        "a = " + "9" * 5000,
        'a = "\0"',
        'a = "\\ud800"',
        "[study]\nversion = 99999999999999999999",
        f"{HEAD}prompt = 'x'\n" + "".join(f"k{at} = 1\n" for at in range(20_000)),
        f"{HEAD}prompt = '{{a}}'\n[axes]\na = [" + ",".join(f"'{at}'" for at in range(20_000)) + "]",
        f"{HEAD}prompt = 'x'\n[params]\nseed = [" + ",".join(map(str, range(20_000))) + "]",
        f"{HEAD}prompt = '" + "{a|" * 5000 + "'",
    ],
    ids=range(11),
)  # fmt: skip
def test_a_hostile_file_is_told_in_a_few_words(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert len(str(caught.value)) < 4000


@given(st.binary(max_size=60), st.integers(0, len(STUDY)), st.integers(0, 20))
def test_no_damage_of_a_file_is_an_error_of_ours(bits: bytes, at: int, length: int) -> None:
    text = STUDY[:at] + bits.decode("latin-1") + STUDY[at + length :]
    try:
        ask = read(text)
    except UsageError:
        return
    assert math.prod(map(len, ask.axes())) >= 1
