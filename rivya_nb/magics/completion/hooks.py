"""Hooks completion and inspection into IPython, and takes them out again.

Completion is a matcher of IPython's completer (API v2), which gets the whole cell and the cursor. Inspection has
no such hook: IPython gets only the name under the cursor. So the kernel's own method is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from rivya_nb.magics.awaiting import MAGIC

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

IDENTIFIER = "rivya_nb"
"""The matcher's name, also for IPython's option `IPCompleter.disable_matchers`."""

_FIRST = 1000
"""A priority before IPython's own matchers, which are not asked where this one answers."""

_LONGEST_NOTE = 48

_UNBROKEN = str.maketrans({" ": "\u2007", "-": "\u2011"})
"""Blanks and hyphens at which no line ends: JupyterLab breaks a note wherever it can, over the lines below.
A terminal marks the usual no-break space with a colour, so this is the figure space."""

_MARK = "_rivya_inspects"


class _Nothing(list[SimpleCompletion]):
    """No completions. IPython lets a matcher suppress the others only where it has a length."""

    def __len__(self) -> int:
        return 1


def install(shell: InteractiveShell) -> None:
    """Complete and inspect the magics of `shell`; calling it again changes nothing."""
    remove(shell)

    def complete(context: CompletionContext) -> dict[str, Any]:
        if MAGIC not in context.full_text:
            return {"completions": []}
        from rivya_nb.magics.completion.asking import offers_at

        found = offers_at(shell, context.full_text, context.cursor_line, context.cursor_position)
        if found is None:
            return {"completions": []}
        completions = [SimpleCompletion(offer.text, type=_unbroken(offer.note)) for offer in found.offers]
        return {
            "completions": completions or _Nothing(),
            "matched_fragment": found.typed,
            "suppress": True,
            "ordered": True,
        }

    if (matchers := _matchers(shell)) is not None:
        matchers.append(context_matcher(priority=_FIRST, identifier=IDENTIFIER)(complete))
    kernel: Any = getattr(shell, "kernel", None)
    if (own := getattr(kernel, "do_inspect", None)) is not None:
        kernel.do_inspect = _inspecting(shell, own)


def remove(shell: InteractiveShell) -> None:
    """Undo `install`, also if it was done before this module was reloaded."""
    if (matchers := _matchers(shell)) is not None:
        matchers[:] = [each for each in matchers if getattr(each, "matcher_identifier", "") != IDENTIFIER]
    kernel: Any = getattr(shell, "kernel", None)
    if hasattr(getattr(kernel, "__dict__", {}).get("do_inspect"), _MARK):
        del kernel.do_inspect


def _unbroken(note: str) -> str:
    """A note on one line."""
    from rivya_nb.contract.text import printable

    return printable(note, _LONGEST_NOTE).translate(_UNBROKEN)


def _matchers(shell: InteractiveShell) -> list[Any] | None:
    """The matchers that users and extensions added; None if the shell completes in another way."""
    return getattr(getattr(shell, "Completer", None), "custom_matchers", None)


def _inspecting(shell: InteractiveShell, own: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel's `do_inspect`, which looks into the text of the magics first."""

    def do_inspect(code: str, cursor_pos: int, detail_level: int = 0, *more: Any, **named: Any) -> Any:
        if MAGIC in code:
            from rivya_nb.magics.completion.asking import inspection_at

            found = inspection_at(shell, code, cursor_pos, detail_level)
            if found is not None:
                return {"status": "ok", "data": found, "metadata": {}, "found": bool(found)}
        return own(code, cursor_pos, detail_level, *more, **named)

    setattr(do_inspect, _MARK, True)
    return do_inspect
