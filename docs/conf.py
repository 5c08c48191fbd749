"""How the documentation is built: `sphinx-build -W -j auto docs build/site`.

Pages are notebooks in Markdown (MyST). What stands in a `{code-cell}` is executed while the site is built, against the
sandbox and in a new store for each page; the notebooks of `notebooks/` are executed the same way. Nothing is
fetched: where names of other projects are, their inventories in `inventories/` say.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import rivya_nb

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "rivya_nb"
author = "The rivya_nb maintainers"
project_copyright = "The rivya_nb maintainers"
version = release = rivya_nb.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
# `like this` in docstrings is code.
default_role = "code"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_merge_streams = True
# A widget needs a kernel: what stands there without one is shown, as in a saved notebook.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

intersphinx_mapping = {
    name: (address, f"inventories/{name}.inv")
    for name, address in {
        "python": "https://docs.python.org/3/",
        "pillow": "https://pillow.readthedocs.io/en/stable/",
        "pandas": "https://pandas.pydata.org/pandas-docs/stable/",
    }.items()
}

html_theme = "pydata_sphinx_theme"
html_title = "rivya_nb"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": True,
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Copied is what one types, without the prompt of a terminal.
copybutton_prompt_text = "$ "

_EACH_KERNEL = """
import os, tempfile
os.environ["RIVYA_STORE"] = tempfile.mkdtemp(prefix="store-", dir={folder!r})
"""


def _prepare_kernels(folder: Path) -> None:
    """Kernels that are started from here use the sandbox, without waiting, and each has a store of its own."""
    for name in [name for name in os.environ if name.startswith("RIVYA_")]:
        del os.environ[name]
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "store.py").write_text(_EACH_KERNEL.format(folder=str(folder)), encoding="utf-8")
    os.environ.update(
        IPYTHONDIR=str(folder / "ipython"),
        RIVYA_BASE_URL="sandbox",
        RIVYA_SANDBOX_LATENCY="0",
        # Times of the pages are the same wherever they are built.
        TZ="UTC",
    )


def _take_notebooks(app: Sphinx) -> None:
    """The notebooks stand beside the pages while the site is built."""
    shutil.copytree(ROOT / "notebooks", HERE / "notebooks", dirs_exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rivya-site-"))
    _prepare_kernels(folder)
    app.connect("build-finished", lambda *_: shutil.rmtree(folder, ignore_errors=True))


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _take_notebooks)
