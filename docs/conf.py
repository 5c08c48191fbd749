"""How the documentation is built: `sphinx-build -W -j auto docs build/site`.

Pages are notebooks in Markdown (MyST). What stands in a `{code-cell}` is executed while the site is built, against
the sandbox and in a new store for each page; the notebooks of `notebooks/` are executed the same way. Nothing is
fetched: where names of other projects are, their inventories in `inventories/` say.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NewType

from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.execute import direct
from sphinx.ext import napoleon
from traitlets.config import Config

import rivya_nb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "rivya_nb"
author = "The rivya_nb maintainers"
project_copyright = "The rivya_nb maintainers"
version = release = rivya_nb.__version__

# Names that stand for several types. They are shown by name, and described where they are.
TYPE_ALIASES = (
    "rivya_nb.arguments.Prompt",
    "rivya_nb.planning.moments.Moment",
    "rivya_nb.planning.question.Choice",
    "rivya_nb.session.showing.effects.Of",
    "rivya_nb.session.showing.measures.Wanted",
)

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
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
# A widget needs a kernel: what it shows without one stands above it, as in a saved notebook.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
add_module_names = False
python_maximum_signature_line_length = 88
nitpicky = True
# A block of psql has commands of its own between those of SQL.
suppress_warnings = ["misc.highlighting_failure"]
nitpick_ignore_regex = [
    # Types that are not public, behind what is for tools.
    ("py:class", r"rivya_nb\.(api\.wire|jobs|media|planning|session|store|study|views|widgets)\..*"),
    # Those of projects without an inventory here, and what they call differently.
    ("py:class", r"(IPython|matplotlib|typing_extensions)\..*|concurrent\.futures\._base\.Future"),
]

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
html_logo = html_favicon = "_static/grid.svg"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_search_scorer = str(HERE / "search_scores.js")
html_show_sourcelink = html_copy_source = False
html_theme_options = {
    "logo": {"text": "rivya_nb", "alt_text": "rivya_nb"},
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
import os, shutil, sys, tempfile
from pathlib import Path
sys.path.insert(0, {quick!r})
import hurried
hurried.install()
sys.path.remove({quick!r})
home = tempfile.mkdtemp(prefix="home-", dir={folder!r})
for table in Path.cwd().glob("*.csv"):
    shutil.copy(table, home)
os.makedirs(f"{{home}}/.local/share")
os.environ.update(HOME=home, RIVYA_STORE=f"{{home}}/.local/share/rivya_nb")
os.chdir(home)
"""


def _prepare_kernels(folder: Path) -> None:
    """Kernels that are started from here use the sandbox, and wait no longer than those of the tests do: what is
    said of a repeated call is the same sooner. Each is at home in a folder of its own, with the tables that stand
    beside its page: so it has a store of its own, and leaves nothing here."""
    for name in [name for name in os.environ if name.startswith(("RIVYA_", "XDG_DATA"))]:
        del os.environ[name]
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    each = _EACH_KERNEL.format(folder=str(folder), quick=str(ROOT / "tests" / "quick_processes"))
    (startup / "home.py").write_text(each, encoding="utf-8")
    os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    os.environ.update(
        IPYTHONDIR=str(folder / "ipython"),
        RIVYA_BASE_URL="sandbox",
        RIVYA_SANDBOX_LATENCY="0",
        # Times of the pages are the same wherever they are built.
        TZ="UTC",
    )

    def execute(*args: Any, **options: Any) -> Any:
        """As before, but over sockets in the file system: another process may take a port meanwhile."""
        file = Path(tempfile.mkdtemp(prefix="k", dir=folder), "k.json")
        manager = {"transport": "ipc", "connection_file": str(file)}
        options |= {"config": Config(KernelManager=manager), "store_widget_state": False}
        return single_nb_execution(*args, **options)

    if sys.platform == "linux":
        direct.single_nb_execution = execute


def _take_notebooks(app: Sphinx) -> None:
    """The notebooks stand beside the pages while the site is built."""
    shutil.copytree(ROOT / "notebooks", HERE / "notebooks", dirs_exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rivya-site-"))
    _prepare_kernels(folder)
    homes = re.compile(re.escape(str(folder)) + r"/home-\w+")

    def show_a_home(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _: object) -> None:
        """Pages name the home of a user, and not a folder of the machine that has built them."""
        if "body" in context:
            context["body"] = homes.sub("/home/ada", context["body"])

    app.connect("html-page-context", show_a_home)
    app.connect("build-finished", lambda *_: shutil.rmtree(folder, ignore_errors=True))


def _import_types() -> None:
    """Import what modules import for type checkers alone, so that types in signatures are known and become links.

    When all modules are there, none of these imports runs in a circle any more.
    """
    for name in rivya_nb.__all__:
        getattr(rivya_nb, name)
    for function in (rivya_nb.generate, rivya_nb.plan):
        # What it says to TAB of the default model's params is no Python.
        del function.__signature__
    done: set[str] = set()
    while new := [name for name in sys.modules if name.startswith("rivya_nb.") and name not in done]:
        for name in new:
            done.add(name)
            module = sys.modules[name]
            if module.__file__ is None:
                continue
            for statement in ast.parse(Path(module.__file__).read_bytes()).body:
                if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
                    block = ast.Module(statement.body, type_ignores=[])
                    exec(compile(block, module.__file__, "exec"), module.__dict__)  # noqa: S102 - our own code
    _name_aliases([sys.modules[name] for name in done])


def _name_aliases(modules: Iterable[ModuleType]) -> None:
    """Put a type of that name in the place of each alias: a signature would spell it out, or show it as a text."""
    for full_name in TYPE_ALIASES:
        home, _, name = full_name.rpartition(".")
        stand_in = NewType(name, object)
        stand_in.__module__ = home
        for module in modules:
            if hasattr(module, name):
                setattr(module, name, stand_in)


_MADE_BY_USERS = ("Error", "Request", "RivyaClient", "RetryPolicy", "Mistake", "Key")


def _sign(
    _app: Sphinx,
    what: str,
    name: str,
    _obj: object,
    _options: object,
    signature: str | None,
    gives: str | None,
) -> tuple[str, str | None] | None:
    """No signature for classes whose objects are given by calls: nobody makes them."""
    if what == "class" and not name.endswith(_MADE_BY_USERS):
        return "", gives
    # A default that has no form in Python.
    return (re.sub(r"<[^<>]+>", "...", signature), gives) if signature else None


def _read_docstring(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Turn sections (`Raises:`) into fields. The extension of Napoleon would do it, but not for properties: there
    it takes the words before a colon for a type."""
    kind = "method" if what in ("attribute", "data", "property") else what
    lines[:] = napoleon.GoogleDocstring(lines, napoleon.Config(), app, kind, name, obj, options).lines()


def setup(app: Sphinx) -> None:
    _import_types()
    app.connect("builder-inited", _take_notebooks)
    app.connect("autodoc-process-signature", _sign)
    app.connect("autodoc-process-docstring", _read_docstring)
