"""TAB and Shift+TAB in real kernels. ‸ stands for the cursor."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from kernels import VERSIONS, Kernel
from sandboxes import running_sandbox

from rivya_nb.sandbox.config import SandboxConfig
from rivya_nb.sandbox.keys import DEFAULT_KEY

HEAVY = "sorted({'httpx', 'PIL', 'ipywidgets', 'sqlalchemy', 'jinja2'} & set(sys.modules))"


@pytest.mark.parametrize("version", VERSIONS)
def test_tab_and_shift_tab_answer_as_long_as_the_extension_is_loaded(
    start_kernel: Callable[..., Kernel], version: str
) -> None:
    kernel = start_kernel(version)
    plain = kernel.tab("%%rivya se‸"), kernel.inspect("x = 1\n%rivya wa‸it")
    kernel.ok("%load_ext rivya_nb\nimport sys\nsubject, seeds = 'frosted', [1, 2]")

    # Nothing heavy stands between the first TAB and its answer.
    assert kernel.tab("%%rivya se‸\nA fox") == {"%%rivya seed=\nA fox": "a whole number from 0 to 2147483647"}
    assert kernel.tab("%%rivya --model wan-2-7-image-p‸") == {
        "%%rivya --model wan-2-7-image-pro": "image · 12 credits · ready"
    }
    assert kernel.tab("x = 1\n%rivya wa‸") == {
        "x = 1\n%rivya wait": "wait for a run, or for all that are going on"
    }
    assert kernel.run(HEAVY).result == "[]"

    # Best first, in the order of the model's page.
    ratios = list(kernel.tab("%%rivya aspect_ratio=‸"))
    assert ratios[:3] == [f"%%rivya aspect_ratio={each}" for each in ("1:1", "16:9", "4:3")]
    # Where nothing fits there is nothing, of Python either.
    for nothing in ("%%rivya --out ‸", "%%rivya\nimport o‸", "%rivya help ‸", "%%rivya\nA {{su‸"):
        assert kernel.tab(nothing) == {}
    assert kernel.tab("%%rivya\nA {‸} bottle") == {
        "%%rivya\nA {seeds} bottle": "list of 2",
        "%%rivya\nA {subject} bottle": "text",
    }
    assert "print" in kernel.tab("pri‸")

    for text in ("%%riv‸ya seed=1\nA fox", "%%rivya seed=1 ‸\nA fox"):
        assert "The cell's body is the prompt." in (kernel.inspect(text) or "")
    record = kernel.inspect("%%rivya resol‸ution=2K seed=1\nA fox") or ""
    assert "1K, 2K" in record
    assert "wan-2-7-image-pro" in record
    assert "a run" in (kernel.inspect("x = 1\n%rivya wa‸it") or "")
    assert "frosted" in (kernel.inspect("%%rivya\nA {sub‸ject}") or "")
    assert kernel.inspect("%%rivya\nPlease pri‸nt it") is None
    assert "object" in (kernel.inspect("pri‸nt") or "")

    kernel.ok("%reload_ext rivya_nb\n%unload_ext rivya_nb")
    assert (kernel.tab("%%rivya se‸"), kernel.inspect("x = 1\n%rivya wa‸it")) == plain


def test_runs_and_tags_are_offered_once_a_session_is_open(kernel_newest: Kernel) -> None:
    kernel = kernel_newest
    kernel.ok("%load_ext rivya_nb")
    places = {
        "%rivya wait ‸": {"%rivya wait 2": "two bottles: 1 picture", "%rivya wait 1": "bottles: 1 picture"},
        "%rivya history --tag ‸": {'%rivya history --tag "very good"': "tag"},
        "%rivya history --run 1‸": {"%rivya history --run 1": "bottles: 1 picture"},
    }
    for text in places:
        assert kernel.tab(text) == {}
    with running_sandbox(SandboxConfig(latency=0)) as url:
        kernel.ok(f"import rivya_nb\nrivya_nb.connect({DEFAULT_KEY!r}, {url!r}, store='store')")
        kernel.ok("%%rivya seed=1 --name bottles --out run\nA bottle")
        kernel.ok("%%rivya seed=2 --name 'two bottles'\nA bottle")
        kernel.ok("run[0].tag('very good')")
        for text, offered in places.items():
            found = kernel.tab(text)
            assert {each: found[each] for each in offered} == offered
            assert list(found)[: len(offered)] == list(offered)
        kernel.ok("rivya_nb.current.current_session().close()")


def test_python_calls_show_the_params_too(lent: Callable[..., Kernel]) -> None:
    kernel = lent()
    kernel.ok("import rivya_nb as rv")
    assert "rv.generate('A fox', aspect_ratio=" in kernel.tab("rv.generate('A fox', asp‸")
    assert "rv.plan('A fox', resolution=" in kernel.tab("rv.plan('A fox', reso‸")
    told = re.sub("\x1b\\[[0-9;]*m", "", kernel.inspect("rv.gene‸rate(") or "")
    assert "resolution: '1K, 2K' = '2K'" in told
    assert "seed: 'a whole number from 0 to 2147483647' = None" in told
