"""Every error message of the package, as its source has it: what the documentation's index of them is made of.

    python tools/messages.py

A message is what an error or a `Mistake` is made with; `…` stands for what is put in when that happens.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TypeAlias

PACKAGE = Path(__file__).parent.parent / "rivya_nb"

MISTAKE = "Mistake"
"""Where the messages stand that are checked in one place, and raised in another."""

_PLACE = "…"
_LEAST_LETTERS = 9
"""A message with fewer letters of its own cannot be looked up."""
_DEPTH = 3

_Names: TypeAlias = "Mapping[str, list[ast.expr]]"
_Calls: TypeAlias = "Mapping[str, list[ast.Call]]"


def messages(package: Path = PACKAGE) -> dict[str, list[str]]:
    """The messages of each error class, and of `MISTAKE`, sorted."""
    trees = {
        ".".join(file.relative_to(package.parent).with_suffix("").parts): ast.parse(
            file.read_text(encoding="utf-8")
        )
        for file in sorted(package.rglob("*.py"))
    }
    nodes = {module: list(ast.walk(tree)) for module, tree in trees.items()}
    classes = {MISTAKE} | _error_classes(nodes.values())
    constants = {name: value for tree in trees.values() for name, value in _meanings(tree.body).items()}
    calls = {module: _calls(each) for module, each in nodes.items()}
    importers: defaultdict[str, list[str]] = defaultdict(list)
    for module, each in nodes.items():
        for imported in {node.module for node in each if isinstance(node, ast.ImportFrom)}:
            importers[imported or ""].append(module)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module, tree in trees.items():
        reaching = [calls[other] for other in (module, *importers[module])]
        for name, text in _in_tree(tree, nodes[module], reaching, classes, constants):
            found[name].add(text)
    return {name: sorted(found[name], key=str.casefold) for name in sorted(found)}


def _calls(nodes: Iterable[ast.AST]) -> _Calls:
    """The calls in a module, by the name of the function or method."""
    calls: defaultdict[str, list[ast.Call]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Call):
            calls[_name(node)].append(node)
    return calls


def _error_classes(modules: Iterable[Iterable[ast.AST]]) -> set[str]:
    """The names of the package's own error classes."""
    defined = (node.name for nodes in modules for node in nodes if isinstance(node, ast.ClassDef))
    return {name for name in defined if name.endswith("Error") and not hasattr(builtins, name)}


def _in_tree(
    tree: ast.Module,
    nodes: Sequence[ast.AST],
    reaching: Iterable[_Calls],
    classes: set[str],
    constants: _Names,
) -> Iterator[tuple[str, str]]:
    """The messages of one module. The calls that reach its functions are its own, and those of the modules that
    import it."""
    if not any(_called(node) in classes for node in nodes):
        return
    everywhere = {
        **constants,
        **_meanings([*(n for n in nodes if isinstance(n, ast.FunctionDef)), *tree.body]),
    }
    names_at: dict[ast.AST, _Names] = {}
    # Of functions within functions the inner ones come last.
    for function in nodes:
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            within = list(ast.walk(function))
            if any(_called(node) in classes for node in within):
                calls = [call for each in reaching for call in each.get(function.name, ())]
                names = {**everywhere, **_passed(function, calls), **_meanings(within)}
                names_at |= dict.fromkeys(within, names)
    said: set[ast.AST] = set()
    for node in nodes:
        if (name := _called(node)) in classes:
            mistakes = [part for part in ast.walk(node) if _called(part) == MISTAKE and part not in said]
            for call in mistakes or ([] if name == MISTAKE else [node]):
                said.add(call)
                yield from ((name, text) for text in _said(call, names_at.get(node, everywhere)))


def _meanings(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What simple names are given, and functions return."""
    meanings: defaultdict[str, list[ast.expr]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            meanings[node.targets[0].id].append(node.value)
        elif isinstance(node, ast.FunctionDef):
            returned = (part.value for part in ast.walk(node) if isinstance(part, ast.Return))
            meanings[node.name] += [value for value in returned if value is not None]
    return meanings


def _passed(
    function: ast.FunctionDef | ast.AsyncFunctionDef, calls: Iterable[ast.Call]
) -> dict[str, list[ast.expr]]:
    """What the parameters of a function are given by these calls of it."""
    names = [each.arg for each in function.args.args if each.arg not in ("self", "cls")]
    passed: defaultdict[str, list[ast.expr]] = defaultdict(list)
    for call in calls:
        for name, value in zip(names, call.args, strict=False):
            passed[name].append(value)
        for keyword in call.keywords:
            passed[keyword.arg or ""].append(keyword.value)
    return passed


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _name(node: ast.expr) -> str:
    """The name of a variable, of a called function or of a called method."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.id if isinstance(node, ast.Name) else _called(node)


def _said(call: ast.AST, names: _Names) -> Iterator[str]:
    """The messages that one call may make, a `Mistake`'s with its place."""
    arguments = call.args if isinstance(call, ast.Call) else []
    where = ""
    if _called(call) == MISTAKE:
        where, arguments = _only(_texts(arguments[0], names)), arguments[1:]
    for text in _texts(arguments[0], names) if arguments else []:
        if sum(map(str.isalpha, text)) >= _LEAST_LETTERS:
            whole = f"{where}: {text}" if where else text
            yield re.sub(f"{_PLACE}+", _PLACE, " ".join(whole.split()))


def _texts(node: ast.expr, names: _Names, depth: int = 0) -> list[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant):
        return [str(node.value)] if isinstance(node.value, str) else [_PLACE]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, names, depth), *_texts(node.orelse, names, depth)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [a + b for a, b in product(_texts(node.left, names, depth), _texts(node.right, names, depth))]
    if isinstance(node, ast.JoinedStr):
        return ["".join(_only(_texts(part, names, depth)) for part in node.values)]
    if isinstance(node, ast.FormattedValue):
        return _texts(node.value, names, depth)
    if depth < _DEPTH and (name := _name(node)) in names:
        return list(dict.fromkeys(text for value in names[name] for text in _texts(value, names, depth + 1)))
    return [_PLACE]


def _only(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else _PLACE


if __name__ == "__main__":
    for error, texts in messages().items():
        print("", error, *texts, sep="\n  ")
