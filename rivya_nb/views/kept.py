"""What stays of a widget in a notebook that has no kernel, or has become a page."""

from __future__ import annotations

from rivya_nb.views.run_html import environment
from rivya_nb.views.run_view import Hint


def kept_html(line: Hint, pictures: str) -> str:
    """A line that says how the widget is opened, above the HTML of its pictures. Where the notebook is trusted, it
    hides what Jupyter says in the place of the widget that is gone."""
    return environment().get_template("kept.html").render(line=line, pictures=pictures)
