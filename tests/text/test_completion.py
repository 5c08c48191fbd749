"""What TAB offers in a cell's text. ‸ stands for the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rivya_nb.contract.catalogue import bundled, common_params
from rivya_nb.magics.commands import COMMANDS
from rivya_nb.magics.completion.asking import inspection_at, offers_at
from rivya_nb.magics.magic import RivyaMagics
from rivya_nb.planning.line import FLAGS


@dataclass
class Shell:
    """What completion asks of IPython: the notebook's variables, and the help of the magic."""

    user_ns: dict[str, object] = field(default_factory=dict)
    user_ns_hidden: dict[str, object] = field(default_factory=dict)

    def find_cell_magic(self, _: str) -> Callable[..., object]:
        return RivyaMagics.ask


Tab = Callable[..., list[str] | None]


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Tab:
    """`tab(text, **variables)`: what the cell's text may become, best first; None where IPython is left alone."""
    monkeypatch.setattr("rivya_nb.magics.completion.asking.open_session", lambda: None)

    def pressed(text: str, **variables: object) -> list[str] | None:
        before, after = text.split("‸")
        shell: Any = Shell(variables)
        found = offers_at(shell, before + after, before.count("\n"), len(before.rpartition("\n")[2]))
        if found is None:
            return None
        assert before.endswith(found.typed)
        kept = before[: len(before) - len(found.typed)]
        return [kept + offer.text + after for offer in found.offers]

    return pressed


KEYS = [f"%%rivya {param.key}=" for param in bundled()["wan-2-7-image-pro"].params]


def test_a_line_begins_with_the_params_of_its_model_and_then_the_flags(tab: Tab) -> None:
    assert tab("%%rivya ‸") == [*KEYS, *(f"%%rivya {flag.name}" for flag in FLAGS)]


def test_what_is_given_is_not_offered_again(tab: Tab) -> None:
    found = tab("%%rivya seed=1 --out a --ref b.png ‸ --dry-run\nA fox") or []
    words = [line.split()[-2] for line in (each.partition("\n")[0] for each in found)]
    assert not {"seed=", "--out", "--dry-run"} & set(words)
    assert "--ref" in words


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("%%rivya se‸", ["%%rivya seed="]),
        ("%%rivya SE‸", ["%%rivya seed="]),
        ("%%rivya ratio‸", ["%%rivya aspect_ratio="]),
        ("%%rivya --dr‸", ["%%rivya --dry-run"]),
        ("%%rivya se‸ --out a", ["%%rivya seed= --out a"]),
        # What follows the cursor in the word stays.
        ("%%rivya se‸=4", ["%%rivya seed=4"]),
        ("%%rivya as‸ratio=1:1", ["%%rivya aspect_ratio=1:1"]),
        ("%%rivya --d‸run", ["%%rivya --dry-run"]),
        ("%%rivya --mo‸del wan-2-7-image-pro", []),
        ("%%rivya ‸seed=4", []),
        # A comment, other magics and blanks may stand above.
        ("\n# first\n#@title A\n  %%rivya resol‸\nA fox", ["\n# first\n#@title A\n  %%rivya resolution=\nA fox"]),
        ("%%time\n%%rivya resol‸\nA fox", ["%%time\n%%rivya resolution=\nA fox"]),
        # Values.
        ("%%rivya resolution=‸", ["%%rivya resolution=2K", "%%rivya resolution=1K", "%%rivya resolution=none"]),
        ("%%rivya resolution=1‸", ["%%rivya resolution=1K"]),
        ("%%rivya resolution=1K,‸", ["%%rivya resolution=1K,2K", "%%rivya resolution=1K,none"]),
        ("%%rivya resolution=‸,1K", ["%%rivya resolution=2K,1K", "%%rivya resolution=none,1K"]),
        ("%%rivya resolution=1K,none,‸ seed=1", ["%%rivya resolution=1K,none,2K seed=1"]),
        ('%%rivya resolution="‸', ['%%rivya resolution="2K"', '%%rivya resolution="1K"']),
        ('%%rivya resolution="1‸" seed=2', ['%%rivya resolution="1K" seed=2']),
        ("%%rivya resolution=1K resolution=‸", []),
        ("%%rivya no_such=‸", []),
        ("%%rivya seed=‸", ["%%rivya seed=1..4", "%%rivya seed=7", "%%rivya seed=none"]),
        ("%%rivya seed=3,‸", ["%%rivya seed=3,7", "%%rivya seed=3,none"]),
        # Nothing fits in the place of free texts and numbers.
        ("%%rivya --out ‸", []),
        ("%%rivya --out=‸", []),
        ("%%rivya --name im‸", []),
        ("%%rivya --max-credits ‸", []),
        ("%%rivya --repeat ‸", []),
        ("%%rivya --no-such-flag=‸", []),
        # The body is prose, but for its braces.
        ("%%rivya\nimport o‸", []),
        ("%%rivya\n%rivya ru‸", []),
        ("%%rivya\nA {{sub‸", []),
        ("%%rivya\nA {red|bl‸}", []),
        # Line magics, wherever they are.
        ("x = 1\n  %rivya wa‸\ny = 2", ["x = 1\n  %rivya wait\ny = 2"]),
        ("runs = %rivya ru‸", ["runs = %rivya runs"]),
        ("%rivya help ‸", []),
        ("%rivya no_such ‸", []),
        ("%rivya connect --f‸", ["%rivya connect --forget"]),
        ("%rivya connect --remember --‸", ["%rivya connect --remember --parallel"]),
        ("%rivya resume --uns‸", ["%rivya resume --unsent"]),
        ("%rivya resume --max-credits ‸", []),
        ("%rivya models --category vi‸", ["%rivya models --category video"]),
        ("%rivya models flux-2-p‸", ["%rivya models flux-2-pro"]),
        ("%rivya history --rating 4‸", ["%rivya history --rating 4"]),
        ("%rivya history fox --run ‸", []),
        ("%rivya history --rows model --cols mod‸", ["%rivya history --rows model --cols mode"]),
        ("%rivya history --rows resol‸", ["%rivya history --rows resolution"]),
        ("%rivya sandbox ‸", ["%rivya sandbox words"]),
        ("%rivya history --rating=3‸", ["%rivya history --rating=3"]),
        ("%rivya history resol‸", ["%rivya history resolution="]),
        ("%rivya wait ‸", []),
    ],
)  # fmt: skip
def test_only_what_fits_is_offered(tab: Tab, text: str, becomes: list[str]) -> None:
    assert tab(text) == becomes


@pytest.mark.parametrize(
    "text",
    ["pri‸", "%%riv‸", "%%rivya‸", "%ri‸vya wait", "%%rivyax ‸", "a %rivya ‸", "# %%rivya ‸", "‸\n%%rivya\nA fox",
     "x = 1\n%%rivya ‸", "x = 7 %rivya ‸", "%%time ‸\n%%rivya\nA"],
)  # fmt: skip
def test_everything_else_is_left_to_ipython(tab: Tab, text: str) -> None:
    assert tab(text) is None


def test_every_command_and_every_model_is_offered(tab: Tab) -> None:
    assert tab("%rivya ‸") == [f"%rivya {name}" for name in COMMANDS]
    usable = {f"%%rivya --model {model.id}" for model in bundled().values() if model.can_run}
    found = tab("%%rivya --model ‸") or []
    assert found[0] == "%%rivya --model wan-2-7-image-pro"
    assert set(found) == usable
    assert tab("%%rivya --model flux-2-pro,flux-2-‸") == ["%%rivya --model flux-2-pro,flux-2-flex"]


def test_several_models_have_the_params_that_all_of_them_take(tab: Tab) -> None:
    both = ["wan-2-7-image-pro", "google-imagen4"]
    keys = {param.key for param in common_params([bundled()[each] for each in both])}
    lines = tab(f"%%rivya --model {','.join(both)} ‸") or []
    assert {line.split()[-1][:-1] for line in lines if line.endswith("=")} == keys
    assert tab("%%rivya --model {mine} seed‸", mine=both) == (
        ["%%rivya --model {mine} seed="] if "seed" in keys else []
    )
    for otherwise in ("model=flux-2-pro", "-m flux-2-pro", "-m=flux-2-pro"):
        assert tab(f"%%rivya {otherwise} aspect‸") == [f"%%rivya {otherwise} aspectRatio="]
    unknown = tab("%%rivya --model no-such-model ‸") or []
    assert unknown
    assert not any(line.endswith("=") for line in unknown)


def test_rows_and_columns_are_the_axes_written_so_far(tab: Tab) -> None:
    line = "%%rivya seed=1..4 resolution=1K aspect_ratio=1:1,16:9 --rows ‸"
    body = "A {who} in {light=dawn|dusk}, {hat|cap}"
    axes = [
        each.split("\n")[0].split()[-1]
        for each in tab(f"{line}\n{body}", who=["fox", "owl"], light="x") or []
    ]
    assert axes == ["seed", "aspect_ratio", "who", "light", "prompt"]
    assert tab("%%rivya seed=1..4 --rows seed --cols ‸\nA fox") == []
    assert tab("%%rivya --repeat 3 --rows ‸\nA fox") == ["%%rivya --repeat 3 --rows seed\nA fox"]
    assert tab("%%rivya --model {all} --rows ‸\nA {unknown", all=["flux-2-pro", "flux-2-flex"]) == [
        "%%rivya --model {all} --rows model\nA {unknown"
    ]


def test_variables_are_offered_where_they_fit(tab: Tab) -> None:
    class Hostile:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    there = {
        "subject": "fox",
        "sizes": ["1K", "2K"],
        "seeds": range(4),
        "array": np.arange(3),
        "picture": np.zeros((4, 4, 3)),
        "_hidden": "fox",
        "module": ModuleType("os"),
        "nothing": None,
        "hostile": Hostile(),
        "empty": [],
    }

    def names(text: str) -> list[str]:
        return [each.split("{")[1].split("}")[0].strip() for each in tab(text, **there) or []]

    assert names("%%rivya\nA {‸") == ["array", "seeds", "sizes", "subject"]
    assert names("%%rivya\nA { su‸ } b") == ["subject"]
    assert names("%%rivya seed={‸") == ["array", "seeds"]
    assert names("%%rivya resolution={‸}") == ["sizes"]
    assert names("%%rivya --ref {‸") == ["picture"]
    assert tab("%%rivya\nA {li‸, later {light=dawn|dusk}") == ["%%rivya\nA {light, later {light=dawn|dusk}"]


def test_references_are_pictures_and_folders(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat.jpg", "my photo.PNG", "notes.txt", "fox.gif", ".hidden.png", "my pictures/dog.webp"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"x")
    where = "%%rivya --ref "
    assert tab(where + "‸") == [where + each for each in ("cat.jpg", '"my photo.PNG"', '"my pictures/')]
    assert tab(where + "my‸") == [where + each for each in ('"my photo.PNG"', '"my pictures/')]
    assert tab(where + '"my ph‸" seed=1') == [where + '"my photo.PNG" seed=1']
    assert tab(where + '"my pictures/‸') == [where + '"my pictures/dog.webp"']
    assert tab(where + "'my pictures/d‸ seed=1") == [where + "'my pictures/dog.webp' seed=1"]
    assert tab(where + "fox‸") == []
    assert tab("%%rivya --shrink-refs --ref fox‸") == ["%%rivya --shrink-refs --ref fox.gif"]
    assert tab(where + "nowhere/‸") == []
    assert tab("%%rivya --ref ca‸", cat="cat.jpg")[0] == "%%rivya --ref cat.jpg"  # type: ignore[index]


def test_references_are_files_of_the_kinds_that_the_models_take(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat.jpg", "clip.MP4", "clip.webm", "film.mov", "song.mp3", "notes.txt"):
        Path(name).write_bytes(b"x")
    offered = {
        "wan-2-7-image-pro": ["cat.jpg"],
        "wan-2-6": ["cat.jpg", "clip.MP4", "film.mov"],
        "sora-2": ["cat.jpg"],
        "seedance-2": [],
        "seedance-2,wan-2-6": ["cat.jpg", "clip.MP4", "film.mov"],
    }
    for models, names in offered.items():
        line = f"%%rivya --model {models} --ref "
        assert tab(line + "‸") == [line + name for name in names], models


def test_the_seed_and_a_param_called_model_are_offered_by_the_names_that_axes_have(tab: Tab) -> None:
    assert tab("%%rivya --model veo3-1-fast se‸") == ["%%rivya --model veo3-1-fast seed="]
    assert tab("%%rivya --model suno-music mod‸") == ["%%rivya --model suno-music params.model="]
    assert tab("%%rivya --model suno-music params.model=V5_‸") == [
        "%%rivya --model suno-music params.model=V5_5"
    ]


def test_every_flag_has_a_note_from_the_help(tab: Tab) -> None:
    found = offers_at(Shell(), "%%rivya ", 0, 8)  # type: ignore[arg-type]
    assert found is not None
    assert all(offer.note and not offer.note.endswith(": ") for offer in found.offers)


def test_a_flag_and_a_model_are_explained(tab: Tab) -> None:
    def shown(text: str) -> str:
        before, after = text.split("‸")
        shell: Any = Shell()
        found = inspection_at(shell, before + after, len(before), 0) or {}
        return str(found.get("text/plain", ""))

    assert "send nothing" in shown("%%rivya --dry‸-run\nA fox")
    assert "flux-2-pro" in shown("%%rivya --model flux‸-2-pro\nA fox")
    assert "credits" in shown("%%rivya --model flux‸-2-pro\nA fox")
    assert "--unsent" in shown("x = 1\n%rivya resu‸me 7")
    both = shown("%%rivya --model wan-2-7-image-pro,google-imagen4 aspect‸_ratio=1:1\nA fox")
    assert "1:8" in both


def test_tables_are_offered_where_prompts_are_asked_for(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("bench.csv", "more.jsonl", "picture.png"):
        (tmp_path / name).touch()
    rows = {"rows": ["a fox", "an owl"], "seeds": [1, 2]}
    for line in ("%%rivya --prompts", "%rivya generate --prompts"):
        assert tab(f"{line} ‸", **rows) == [
            f"{line} {each}" for each in ("bench.csv", "more.jsonl", "{rows}")
        ]
        assert tab(f"{line} be‸") == [f"{line} bench.csv"]
    assert tab("%rivya generate --templates ‸") == [
        f"%rivya generate --templates {each}" for each in ("on", "off")
    ]
    (tmp_path / "bench.csv").write_text("prompt,kind\na fox,animals\nan owl,\n")
    assert tab("%%rivya --prompts bench.csv seed=1..2 --rows ‸\n{prompt} {a|b}") == [
        f"%%rivya --prompts bench.csv seed=1..2 --rows {axis}\n{{prompt}} {{a|b}}"
        for axis in ("prompt", "seed", "prompt2")
    ]
    assert (tab("%rivya generate se‸") or [])[:1] == ["%rivya generate seed="]
