"""The control panel in a real kernel: a line opens it, and what stood in it is there when it is opened again."""

from __future__ import annotations

from collections.abc import Callable

from kernels import NEWEST, Kernel, Request

WIDGET = "application/vnd.jupyter.widget-view+json"


def value(request: Request) -> dict[str, object]:
    """What a cell shows of its value, by MIME type."""
    (shown,) = [each["content"]["data"] for each in request.outputs if each["msg_type"] == "execute_result"]
    data: dict[str, object] = shown
    return data


def test_a_line_shows_the_panel_and_its_state_is_there_again(start_kernel: Callable[..., Kernel]) -> None:
    env = {"RIVYA_BASE_URL": "sandbox", "RIVYA_STORE": "store", "RIVYA_SANDBOX_LATENCY": "0"}
    kernel = start_kernel(NEWEST, env)
    kernel.ok("%load_ext rivya_nb")
    shown = value(kernel.ok("panel = %rivya panel\npanel"))
    assert WIDGET in shown
    # What is read where there are no widgets, as in a notebook on the web.
    assert str(shown["text/plain"]).startswith("The control panel needs Jupyter widgets.")

    kernel.ok("panel.model.put(type(panel.model.form)(prompt='A lamp')); panel.close()")
    assert WIDGET in value(kernel.ok("%rivya panel"))
    assert kernel.ok("_.model.form.prompt").result == "'A lamp'"
    kernel.ok("other = %rivya panel other")
    assert kernel.ok("other.model.form.prompt").result == "''"

    assert "takes one argument at most" in kernel.run("%rivya panel a b").error
