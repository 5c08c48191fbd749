"""The page about errors: nothing that can go wrong is missing from it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import rivya_nb as rv
from rivya_nb import errors
from rivya_nb.contract.catalogue import DEFAULT_MODEL, bundled
from rivya_nb.contract.request import build_request
from rivya_nb.planning.line import parse_line
from rivya_nb.store.places import read_place

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

sys.path.insert(0, str(ROOT / "tools"))
from messages import MISTAKE, messages  # noqa: E402 - a tool, not a package


@pytest.fixture(scope="module")
def known() -> dict[str, list[str]]:
    return messages()


def _model(**params: object) -> object:
    return build_request(bundled().runnable(DEFAULT_MODEL), "A bottle", params)


PROVOKED: dict[str, tuple[Callable[[], object], type[rv.RivyaError]]] = {
    "a param out of range": (lambda: _model(seed=-1), rv.InvalidRequestError),
    "an unknown param": (lambda: _model(sed=1), rv.InvalidRequestError),
    "an unknown model": (lambda: bundled().runnable("wan-9"), rv.InvalidRequestError),
    "an unknown flag": (lambda: parse_line("--repaet 2"), rv.UsageError),
    "a password in an address": (lambda: read_place("postgresql://ada:secret@db.lab/rivya"), rv.UsageError),
    "a key that cannot be one": (lambda: rv.RivyaClient("a key", "https://rivya.ai"), rv.NotConnectedError),
    "an address that is not safe": (lambda: rv.RivyaClient("a", "http://rivya.ai"), rv.NotConnectedError),
}


@pytest.mark.parametrize("what", PROVOKED)
def test_a_message_that_really_comes_is_in_the_index(what: str, known: dict[str, list[str]]) -> None:
    provoke, kind = PROVOKED[what]
    with pytest.raises(kind) as caught:
        provoke()
    [mistake] = getattr(caught.value, "mistakes", [caught.value])
    patterns = [_pattern(each) for each in (*known[kind.__name__], *known[MISTAKE])]
    assert any(re.fullmatch(pattern, str(mistake), re.DOTALL) for pattern in patterns), str(mistake)


def _pattern(message: str) -> str:
    """What the message looks like with its values; one that is little more than them says nothing here."""
    fixed = [re.escape(part) for part in message.split("…")]
    return ".*".join(fixed) if max(map(len, fixed)) >= 12 else "$^"


def test_the_index_has_what_every_error_of_the_package_is_raised_with(known: dict[str, list[str]]) -> None:
    assert sum(map(len, known.values())) > 500
    # The service's refusals have the service's words.
    own = {name for name, kind in _errors().items() if not issubclass(kind, errors.ApiError)}
    assert own - known.keys() == set()


def test_every_error_has_its_place_on_the_page() -> None:
    missing = [name for name in _errors() if not re.search(rf"^##+ {name}$", PAGE, re.MULTILINE)]
    assert missing == ["RivyaError"], "their base is told above all of them"
    unnamed = [code for code in errors.API_ERRORS if f"\n`{code}`:" not in PAGE]
    assert unnamed == []


def _errors() -> dict[str, type[BaseException]]:
    """The errors that users meet, by name."""
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, BaseException) and not name.startswith("_")
    }
