"""The control panel in a real kernel: a line opens it, and what stood in it is there when it is opened again."""

from __future__ import annotations

from collections.abc import Callable

from kernels import NEWEST, Kernel, Request

WIDGET = "application/vnd.jupyter.widget-view+json"

COLAB = """import rivya_nb as rv, sys, types
output = types.ModuleType("google.colab.output")
output._widgets = types.SimpleNamespace(_installed_url=None)
output.enable_custom_widget_manager = lambda: vars(output._widgets).update(
    _installed_url="https://colab.example/manager.js"
)
sys.modules["google.colab.output"] = output"""
"""What of Colab's own module a widget meets."""


def value(request: Request) -> dict[str, object]:
    """What a cell shows of its value, by MIME type."""
    (shown,) = [each["content"]["data"] for each in request.outputs if each["msg_type"] == "execute_result"]
    data: dict[str, object] = shown
    return data


def test_a_line_shows_the_panel_and_its_state_is_there_again(
    served: Callable[..., dict[str, str]], start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel(NEWEST, served())
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

    # Colab has widgets of others in its page only where an output names their manager.
    kernel.ok(COLAB)
    shown = kernel.ok("rv.panel('third')").outputs
    (told,) = [each["content"]["metadata"] for each in shown if each["msg_type"] == "execute_result"]
    assert told == {WIDGET: {"colab": {"custom_widget_manager": {"url": "https://colab.example/manager.js"}}}}

    assert "takes one argument at most" in kernel.run("%rivya panel a b").error
