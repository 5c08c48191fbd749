"""On the path of a test's processes: what makes them quick.

Sandboxes that they start draw pictures and videos with an eighth of the width and height: what these show matters
to few tests, and drawing them, decoding them and shrinking them again is most of what such processes would do.
`sandboxes.running_sandbox` does the same within the test's own process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

SHRINK = int(os.environ.get("SHRINK_PICTURES", "8"))

# nbformat and JupyterLab import jsonschema, and that imports a grammar of addresses if it is there, which takes
# two seconds of a processor and checks nothing of notebooks.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


def smaller(size: Callable[[Any], tuple[int, int]]) -> Callable[[Any], tuple[int, ...]]:
    return lambda params: tuple(length // SHRINK for length in size(params))


class SmallPictures(MetaPathFinder):
    """Finds the sizes of a sandbox's pictures and videos, and divides them."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "rivya_nb.sandbox.sizes":
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_and_shrink(module: Any) -> None:
            load(module)
            for name in ("pixel_size", "video_size"):
                setattr(module, name, smaller(getattr(module, name)))

        spec.loader.exec_module = load_and_shrink  # type: ignore[method-assign]
        return spec


if any("rivya_nb.sandbox" in word for word in sys.orig_argv):
    sys.meta_path.insert(0, SmallPictures())
