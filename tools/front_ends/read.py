"""Front ends that were not run: what their sources and documents say, and what a stand-in of a part showed."""

from __future__ import annotations

from tools.front_ends.results import Outcome

READ_WORKS = Outcome("works", run=False)
UNTRIED = Outcome("untried")
# `update_display_data` finds an output by its display id (`cellExecutionMessageHandler.ts`); the state of widgets
# is neither saved nor loaded (`rendererComms.ts`).
VSCODE = {
    "cell": READ_WORKS,
    "live grid": READ_WORKS,
    "interrupt": UNTRIED,
    "Run All": UNTRIED,
    "wait": UNTRIED,
    "panel": Outcome("but", "vscode", run=False),
    "viewer": Outcome("but", "vscode", run=False),
    "completion": UNTRIED,
    "saved and converted": Outcome("but", "vscode", run=False),
}
# That an output names the manager of widgets is tested with a stand-in of Colab's `google.colab.output`.
COLAB = dict.fromkeys(VSCODE, UNTRIED) | {
    "panel": Outcome("but", "colab", run=False),
    "viewer": Outcome("but", "colab", run=False),
}
# docs/ipywidgets-in-deepnote.md of deepnote/deepnote.
DEEPNOTE = dict.fromkeys(VSCODE, UNTRIED) | {
    "panel": Outcome("no", "deepnote", run=False),
    "viewer": Outcome("no", "deepnote", run=False),
}
READ = {
    "vscode": ("VS Code", "vscode-jupyter of July 2026, read", VSCODE),
    "colab": ("Google Colab", "colabtools, read; a stand-in", COLAB),
    "deepnote": ("Deepnote", "its documents of August 2026, read", DEEPNOTE),
}
"""By key: a title, what was read, and the outcomes."""
