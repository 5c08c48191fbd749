"""What makes the processes of tests quick: pytest's own, and all that they start.

A task is polled as soon as the small pictures of a test's sandbox are there, and a call is repeated soon: nobody
here has to be spared. Tests of how long users wait take the fixture `documented_times`.

A process of tests makes hundreds of stores: the statements that make their tables are written once, and those that
ask and change them are compiled once.

Sandboxes in processes of their own draw pictures and videos with an eighth of the width and height: what these
show matters to few tests, and drawing, decoding and shrinking them is most of what such processes would do.
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

SECONDS = {
    "rivya_nb.api.retry": {"first": 0.1, "longest": 1.0},
    "rivya_nb.jobs.pacing": {"FIRST": 0.1, "SECOND": 0.2, "LONGEST": 0.5},
    "rivya_nb.jobs.following": {"FOLLOW_INTERVAL": 0.1},
}
"""Times of the client that are shorter here; of its calls, those of a `RetryPolicy` without any."""

documented: dict[str, dict[str, float]] = {}
"""What they are for users, in the modules that were imported."""


def set_seconds(module: Any, seconds: dict[str, float]) -> dict[str, float]:
    """Give a module other times; what they were before."""
    if module.__name__ != "rivya_nb.api.retry":
        before = {name: getattr(module, name) for name in seconds}
        vars(module).update(seconds)
        return before
    make = module.RetryPolicy.__init__
    defaults = dict(zip(module.RetryPolicy.__slots__, make.__defaults__, strict=True))
    make.__defaults__ = tuple((defaults | seconds).values())
    return {name: defaults[name] for name in seconds}


def hurry(module: ModuleType) -> None:
    documented[module.__name__] = set_seconds(module, SECONDS[module.__name__])


def shrink(module: Any) -> None:
    for name in ("pixel_size", "video_size"):
        setattr(module, name, smaller(getattr(module, name)))


def smaller(size: Callable[[Any], tuple[int, int]]) -> Callable[[Any], tuple[int, ...]]:
    return lambda params: tuple(length // SHRINK for length in size(params))


def remember_tables(schema: Any) -> None:
    create = schema.create
    known: dict[int, list[str]] = {}

    def remembering(connection: Any) -> None:
        from sqlalchemy import event

        if connection.dialect.name != "sqlite":
            create(connection)
            return
        # Further modules have tables of their own.
        tables = len(schema.metadata.tables)
        if tables in known:
            for statement in known[tables]:
                connection.connection.execute(statement)
            return
        made: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.lstrip().startswith("CREATE"):
                made.append(statement)

        event.listen(connection.engine, "before_cursor_execute", note)
        create(connection)
        event.remove(connection.engine, "before_cursor_execute", note)
        known[tables] = made

    schema.create = remembering


compiled: dict[type, Any] = {}
"""What is compiled, by the dialect."""


def remember_statements(module: Any) -> None:
    make = module.create_engine

    def sharing(*args: Any, **kwargs: Any) -> Any:
        engine = make(*args, **kwargs)
        # It is kept under the dialect, of which each engine has one of its own that is the same.
        kind: Any = type(engine.dialect)
        kind.__hash__ = lambda one: hash(type(one))
        kind.__eq__ = lambda one, other: type(one) is type(other)
        engine._compiled_cache = compiled.setdefault(kind, engine._compiled_cache)
        return engine

    module.create_engine = sharing


class Changed(MetaPathFinder):
    """Finds some modules, and changes them once they are there."""

    def __init__(self) -> None:
        self.changes = {
            **dict.fromkeys(SECONDS, hurry),
            "rivya_nb.store.schema": remember_tables,
            "rivya_nb.store.sqlite_database": remember_statements,
            "rivya_nb.store.postgresql.database": remember_statements,
        }
        if any("rivya_nb.sandbox" in word for word in sys.orig_argv):
            self.changes["rivya_nb.sandbox.sizes"] = shrink

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.changes:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            self.changes[name](module)

        spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


def install() -> None:
    if not any(isinstance(finder, Changed) for finder in sys.meta_path):
        sys.meta_path.insert(0, Changed())
