"""On the path of a test's processes, where Python imports it first."""

from __future__ import annotations

import sys

import hurried

hurried.install()

# nbformat and JupyterLab import jsonschema, and that imports a grammar of addresses if it is there, which takes
# two seconds of a processor and checks nothing of notebooks.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
