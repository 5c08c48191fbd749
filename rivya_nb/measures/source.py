"""The source of a function, and the version that it makes of a measure."""

from __future__ import annotations

import ast
import dis
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

_DIGITS = 16
"""Hex digits of a version: enough to tell any number of versions of one measure apart."""

_PLAIN = (int, float, complex, str, bytes, bool, type(None))

_STORES = frozenset({"STORE_GLOBAL", "STORE_DEREF"})
_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})


@dataclass(frozen=True, eq=False)
class Source:
    """A function with its source text, from `def` on.

    `version` covers that text, the plain values that the function uses from outside (numbers, texts, and tuples
    of them), the defaults of its arguments where they are plain, and in the same way the functions of its own
    module that it calls. A value that the function itself assigns is not covered, nor are packages and objects.
    """

    function: FunctionType
    text: str

    @property
    def text_hash(self) -> str:
        return _hash(self.text)

    @property
    def version(self) -> str:
        return _hash("\0".join(_covered(self.function, self.text, set())))


def read_source(function: Callable[..., object]) -> Source | None:
    """The source of a plain function; None where it has none that can be read, as one of C, or is an object."""
    if not isinstance(function, FunctionType):
        return None
    text = _text_of(function.__code__)
    return None if text is None else Source(function, text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _text_of(code: CodeType) -> str | None:
    # Codes that differ in a comment only are equal, and the files of cells are named after their content.
    return _read(code, code.co_filename)


# Kept from the first time on: a module's file may be edited later, and its functions stay what they were.
@lru_cache(maxsize=1024)
def _read(code: CodeType, _file: str) -> str | None:
    """The lines of a function, without decorators; None if there are none, or they may be of several functions."""
    try:
        text = textwrap.dedent(inspect.getsource(code))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    first = tree.body[0] if tree.body else None
    if not isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    return "".join(text.splitlines(keepends=True)[first.lineno - 1 :]).rstrip()


def _covered(function: FunctionType, text: str, seen: set[CodeType]) -> Iterator[str]:
    seen.add(function.__code__)
    yield text
    for number, default in enumerate(function.__defaults__ or ()):
        yield from _value(f"default {number}", default)
    for name, default in sorted((function.__kwdefaults__ or {}).items()):
        yield from _value(f"default {name}", default)
    for name, value in sorted(_outside(function).items()):
        yield from _value(name, value)
        # What wraps a function says so by `__wrapped__`, as a measure does.
        inner = inspect.unwrap(value) if callable(value) else value
        is_ours = isinstance(inner, FunctionType) and inner.__module__ == function.__module__
        if is_ours and inner.__code__ not in seen and (its := _text_of(inner.__code__)) is not None:
            yield from _covered(inner, its, seen)


def _value(name: str, value: object) -> Iterator[str]:
    if _is_plain(value):
        yield f"{name}={value!r}"


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def _outside(function: FunctionType) -> dict[str, Any]:
    """The values that a function uses and does not assign: of its module, and of the functions around it."""
    used, assigned = set[str](), set[str]()
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            if step.opname in _LOADS:
                used.add(step.argval)
            elif step.opname in _STORES:
                assigned.add(step.argval)
    found = {name: function.__globals__[name] for name in used if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # it has no value yet
            continue
    return {name: value for name, value in found.items() if name not in assigned}


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
