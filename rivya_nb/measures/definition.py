"""What a measure is: a function that gives numbers for pictures, with a name and a version."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from rivya_nb.contract.text import did_you_mean, listing, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.source import Source, read_source
from rivya_nb.media.frames import MIDDLE, Frames

if TYPE_CHECKING:
    from PIL.Image import Image

Kind: TypeAlias = Literal["picture", "batch", "pair"]
"""What a measure's function takes: one picture, a list of pictures, or two pictures."""

Direction: TypeAlias = Literal["better", "worse"]

KINDS: tuple[Kind, ...] = get_args(Kind)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

_NAME = re.compile(r"[^\W\d][\w-]*")
_LONGEST = 60

_SEVERAL = frozenset({"images", "pictures", "batch"})
_REQUESTS = frozenset({"request", "requests"})
_RIGHT = {
    "picture": "(image) or (image, request)",
    "batch": "(images) or (images, requests)",
    "pair": "(one, other)",
}
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, eq=False)
class Measure:
    """A function that gives numbers for pictures; calling the measure calls it.

    `kind` is what it takes: a "picture", a "batch" (a list of pictures, for which it gives a list of as many
    results), or a "pair". With `takes_request` it gets the request of each picture, too. `higher_is` says what a
    high number means: "better", "worse", or None if neither. `about` describes the number in one line, `unit`
    is its unit and range.

    Of a pair, `prepare` makes what is compared, once for each picture: the function then gets two of these.
    `require` raises UsageError if a package is missing. A bundled one does not change the picture it gets.

    Of a video it gets its `frames` as pictures, and the number is their mean; a pair gets the same frame of both.
    """

    name: str
    function: Callable[..., object]
    kind: Kind
    higher_is: Direction | None = None
    takes_request: bool = False
    about: str = ""
    unit: str = ""
    prepare: Callable[[Image], object] | None = None
    require: Callable[[], None] | None = None
    is_bundled: bool = False
    source: Source | None = field(default=None, repr=False)
    given_version: str | None = None
    frames: Frames = MIDDLE

    def of(self, frames: Frames) -> Measure:
        """The same measure, of these frames of videos."""
        return replace(self, frames=frames)

    @property
    def version(self) -> str:
        """The version that was given; otherwise a hash of the function's source, and of what `Source` adds to it,
        as they are now."""
        if self.given_version is not None:
            return self.given_version
        return cast(Source, self.source).version

    @property
    def source_hash(self) -> str:
        """A hash of the function's source text alone; empty if it has none."""
        return "" if self.source is None else self.source.text_hash

    @property
    def __wrapped__(self) -> Callable[..., object]:
        return self.function

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.function(*arguments, **keywords)

    def __repr__(self) -> str:
        means = f", higher is {self.higher_is}" if self.higher_is else ""
        return f"<Measure {self.name} of a {self.kind}, version {self.version}{means}>"


def define(
    function: Callable[..., object],
    *,
    name: str | None = None,
    version: object = None,
    higher_is: str | None = None,
    of: str | None = None,
) -> Measure:
    """The measure that a function makes.

    Raises:
        UsageError: what was given is wrong, or it is not clear what the function takes; with every mistake.
    """
    if not callable(function):
        raise UsageError(
            [Mistake("measure", f"{short_repr(function)} is no function; put @rv.measure above a `def`")]
        )
    mistakes: list[Mistake] = []
    name = _name(function, name, mistakes)
    for where, value, known in (("higher_is", higher_is, DIRECTIONS), ("of", of, KINDS)):
        if value is not None and value not in known:
            hint = did_you_mean(value, known) if isinstance(value, str) else ""
            mistakes.append(
                Mistake(where, f"{short_repr(value)} is not one of {listing(known)} or None{hint}")
            )
    given = None if version is None else _version(version, mistakes)
    source = read_source(function)
    if source is None and version is None:
        mistakes.append(
            Mistake("version", f'the source of {name} cannot be read, so give it a version: version="1"')
        )
    if _is_async(function):
        mistakes.append(Mistake(name, "it is an async function; a measure is a plain `def`"))
    kind, takes_request = _taken(function, name, of if of in KINDS else None, mistakes)
    if mistakes:
        raise UsageError(mistakes)
    about = (inspect.getdoc(function) or "").partition("\n")[0] if source is not None else ""
    return Measure(
        name=name,
        function=function,
        kind=kind,
        higher_is=cast("Direction | None", higher_is),
        takes_request=takes_request,
        about=about,
        source=source,
        given_version=given,
    )


def _name(function: Callable[..., object], given: str | None, mistakes: list[Mistake]) -> str:
    """The name of a measure: the given one, else its function's."""
    inner = _inner(function)
    name = getattr(inner, "__name__", type(inner).__name__) if given is None else given
    if isinstance(name, str) and _NAME.fullmatch(name) and len(name) <= _LONGEST:
        return name
    what = "a function without a name" if name == "<lambda>" else f"{short_repr(name)} is no name"
    mistakes.append(
        Mistake("name", f'{what}; it takes letters, digits, _ and -, as in @rv.measure(name="sharp_edges")')
    )
    return "measure"


def _inner(function: Callable[..., object]) -> Callable[..., object]:
    while isinstance(function, partial):
        function = function.func
    return function


def _version(version: object, mistakes: list[Mistake]) -> str:
    text = str(version) if isinstance(version, (str, int, float)) and not isinstance(version, bool) else ""
    if not text.strip() or len(text) > _LONGEST:
        mistakes.append(
            Mistake("version", f'{short_repr(version)} is no version; it takes a short text, as version="1"')
        )
    return text.strip()


def _is_async(function: Callable[..., object]) -> bool:
    function = _inner(function)
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def _taken(
    function: Callable[..., object], name: str, of: str | None, mistakes: list[Mistake]
) -> tuple[Kind, bool]:
    """What a function takes, by `of` or by the names of its arguments, and whether it takes the request."""
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        # A function of C tells nothing of itself.
        return cast(Kind, of or "picture"), False
    plain = [each for each in arguments if each.kind in _POSITIONAL]
    needed = [each.name for each in plain if each.default is inspect.Parameter.empty]
    names = needed + [each.name for each in plain if each.name in _REQUESTS and each.name not in needed]
    extra = [
        each.name
        for each in arguments
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.default is inspect.Parameter.empty
    ]
    kind = cast("Kind | None", of) or _by_names(names)
    fitting = (2,) if kind == "pair" else (1, 2)
    has_rest = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in arguments)
    if has_rest and not names and not extra and of is not None:
        return cast(Kind, of), False
    if extra or kind is None or len(names) not in fitting:
        mistakes.append(Mistake(name, _unclear(names + extra, of)))
        return "picture", False
    return kind, kind != "pair" and len(names) == 2


def _by_names(names: Sequence[str]) -> Kind | None:
    if not names:
        return None
    if len(names) == 1 or names[1] in _REQUESTS:
        return "batch" if names[0] in _SEVERAL or names[-1] == "requests" else "picture"
    return "pair" if names[1] == "other" else None


def _unclear(names: Sequence[str], of: str | None) -> str:
    taken = f"it takes ({', '.join(names)})"
    if of is not None:
        return f"{taken}, and a measure of a {of} takes {_RIGHT[of]}"
    free = 'with @rv.measure(of="pair") the names are free'
    right = "; ".join(f"of a {kind} {_RIGHT[kind]}" for kind in KINDS)
    return f"{taken}, and it is not clear what that is. A measure takes {right}; {free}"


def require_modules(extra: str, *modules: str) -> None:
    """Check that these can be imported, of an extra of this package.

    Raises:
        UsageError: one of them cannot.
    """
    for name in modules:
        try:
            import_module(name)
        except ImportError as error:
            raise UsageError(
                f"This measure needs {name.partition('.')[0]}, which is not installed here: "
                f"pip install 'rivya-nb[{extra}]'"
            ) from error
