"""How a `%%rivya` cell may begin, and prompts from elsewhere, in real kernels."""

from __future__ import annotations

from collections.abc import Callable

from kernels import Kernel


def test_comments_may_stand_above_a_cell_and_a_cell_without_a_body_says_where_the_prompt_goes(
    lent: Callable[..., Kernel],
) -> None:
    kernel = lent()
    kernel.ok("%load_ext rivya_nb\n%load_ext rivya_nb\nsubject, x = 'fox', 1.5")
    kernel.ok(
        "#@title Foxes\n\n# in snow\n%%rivya seed=1 resolution=1K --dry-run --out plan\nA {subject} in snow"
    )
    kernel.ok("assert [each.prompt for each in plan.requests] == ['A fox in snow']")
    # In a terminal, Enter goes on to the prompt, and an empty line below it ends the cell.
    for begun in ("%%rivya seed=1", "# in snow\n%%rivya seed=1", "%%rivya seed=1\nA fox"):
        kernel.ok(f"assert get_ipython().check_complete({begun!r})[0] == 'incomplete'")
    for written in (
        "%%rivya seed=1\nA fox\n\n",
        "# in snow\n%%rivya seed=1\nA fox\n\n",
        "%%rivya --help\n\n",
    ):
        kernel.ok(f"assert get_ipython().check_complete({written!r})[0] == 'complete'")
    asked = kernel.run('%%rivya "a fox in snow" seed=1')
    assert "prompt: it goes below the line, as in\n    %%rivya seed=1\n    a fox in snow" in asked.error
    pasted = kernel.run('%%rivya\nA cat {x:.2f}, style: {"mood": "warm|cold"}')
    assert "2 mistakes" in pasted.error
    assert "Nothing was sent" in pasted.error
    in_python = kernel.run("import rivya_nb as rv\nrv.generate('A {subject} in snow')")
    assert 'f"…{subject}…"' in in_python.error
    assert kernel.run("x = 1\n%%rivya\na fox").status == "error"
    kernel.ok("%unload_ext rivya_nb\nhooks = get_ipython().input_transformers_cleanup")
    kernel.ok("assert not [hook for hook in hooks if 'rivya' in hook.__module__]")
