"""What in a prompt may mean something else than it would here: code, formulas, and the forms of other tools.

A prompt is pasted from anywhere. What is doubtful is refused with both ways to write it, and neither split into an
axis nor sent as it stands.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rivya_nb.errors import shortened

FULL_WIDTH = str.maketrans("｛｝｜＝：", "{}|=:")
"""The signs of an axis as a keyboard for Chinese or Japanese types them."""

_QUOTE = re.compile(r"[\"`“”„‟]|(?<!\w)['‘](?=\S)")
_CODE = re.compile(r"[;\\<>=＝]|\$(?=[^\W\d])|^\s*%|\w\*\w|&&|\(\)")
_TYPES = frozenset(
    {
        "None",
        "null",
        "undefined",
        "void",
        "any",
        "unknown",
        "string",
        "str",
        "number",
        "int",
        "integer",
        "float",
    }
    | {"bool", "boolean"}
)
_LINE_END = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_COUNT = re.compile(r"\s*~?(?:\d+(?:-\d*)?|-\d+)?\$\$(?:[^|$]*\$\$)?")
_SAMPLER = re.compile(r"\s*[@~!](?=[^\s|])")
_WEIGHT = re.compile(r"\s*(?:\d+(?:\.\d*)?|\.\d+)::")
_OPERATOR = re.compile(r"[-+*/%().\[\]]")
_FIELD = re.compile(r"\s*([^\W\d]\w*)\s*(?:![rsa](?::.*)?|:[-+<>=^ ,.0-9]*[bcdeEfFgGnosxX%])\s*")
_FOREIGN_PREFIX = re.compile(
    r"\(\)(?=\s*$)|\\(?:[A-Za-z]+\*?(?:\[[^\[\]]*\])?)?$|\w?\^$|(?<![^\W_])[A-Za-z)\]]_$|\$$"
)
_BEHIND = 60
_WORDS = r"\s*[^\W\d_][\w'-]+(?: [\w'-]+)*\s*"
_LISTED = re.compile(rf"{_WORDS}(?:[,/;、，]{_WORDS})+")
_UNCLOSED = re.compile(r"\{(?:[^{}|\n]|\{[^{}\n]{0,100}\}){1,200}\|")
_UNOPENED = re.compile(r"\|[^{}\n]{0,200}\}")
_NAME = re.compile(r"[^\W\d]\w*")
_LONGEST_FIELD = 2000
_MOST_COLONS = 8


@dataclass(frozen=True)
class Doubt:
    """Text that is refused if one of `names` is a variable of the notebook or an axis."""

    names: frozenset[str]
    message: str


def why_no_axis(options: Sequence[str]) -> str | None:
    """Why these options, without what stands in further braces, do not look like an axis; None if they do."""
    if any(map(_QUOTE.search, options)):
        return "has quotes"
    if any(":" in option or "：" in option for option in options):
        return "has a colon"
    if any(map(_LINE_END.search, options)):
        return "has several lines"
    if any(map(_CODE.search, options)) or all(option.strip() in _TYPES for option in options):
        return "looks like code"
    if any("｜" in option for option in options):
        return "has a full-width bar"
    if "" in options[1:-1]:
        return "has a double bar"
    if any(
        option.count(opened) != option.count(closed) for option in options for opened, closed in ("()", "[]")
    ):
        return "has a bar within brackets"
    return None


def has_torn_quotes(options: Sequence[str]) -> bool:
    """True if a bar stands within quotes."""
    return any(option.count('"') % 2 or option.count("“") != option.count("”") for option in options)


def of_another_tool(options: Sequence[str]) -> tuple[str, list[str]] | None:
    """What options mean in another tool, and the options without its marks; None if they bear no such mark."""
    if counted := _COUNT.match(options[0]):
        return "takes several options at once", [options[0][counted.end() :], *options[1:]]
    if any(map(_WEIGHT.match, options)):
        return "gives options a weight", [_WEIGHT.sub("", option, count=1) for option in options]
    if sampled := _SAMPLER.match(options[0]):
        return "has the sign of a sampler", [options[0][sampled.end() :], *options[1:]]
    return None


def foreign_prefix(text: str, at: int) -> str:
    r"""What before a brace at `at` makes it another tool's: `$` and, of LaTeX, `\frac`, `\`, `x_` and `x^`."""
    match = _FOREIGN_PREFIX.search(text[max(0, at - _BEHIND) : at])
    return match[0] if match else ""


def listed(text: str) -> str | None:
    """Words between commas or slashes with bars between them; None for any other text."""
    return re.sub(r"\s*[,/;、，]\s*", "|", text.strip()) if _LISTED.fullmatch(text) else None


def lone_brace(text: str, at: int) -> tuple[bool, str | None]:
    """Whether the lone brace at `at` belongs to a torn axis, and the name beside it."""
    if text[at] == "{":
        named = _NAME.match(text, at + 1)
        return _UNCLOSED.match(text, at) is not None, named[0] if named else None
    # `{a|b}}` is torn like `{{a|b}`.
    end = at if text[at - 1 : at] == "}" else at + 1
    before = text[max(0, at - 200) : end].rpartition("{")[2]
    torn = re.search(r"\|[^{}\n|]*\}$", before)
    words = re.findall(r"(?<!\w)[^\W\d]\w*(?=\}$)", before)
    return torn is not None, words[-1] if words else None


def field_names(text: str) -> frozenset[str]:
    """The names in a field of a format string or an expression of Python (`x:.2f`, `x!r`, `f(x)`); none where it
    is neither."""
    if len(text) > _LONGEST_FIELD:
        return frozenset()
    stripped = text.strip()
    ends = [at for at, char in enumerate(stripped) if char == ":"][:_MOST_COLONS]
    for part in (stripped, *(stripped[:at] for at in ends)):
        if names := _names(re.sub(r"(?:!\w*|=)$", "", part.rstrip())):
            return names
    return frozenset()


def calculates(options: str) -> frozenset[str]:
    """The names in options that could be an expression of Python with more than names and bars (`n*2|3`)."""
    return field_names(options) if _OPERATOR.search(options) else frozenset()


def is_field(text: str) -> bool:
    """True for a name with a format or a conversion of Python: `x:.2f`, `x!r`."""
    return _FIELD.fullmatch(text) is not None


def spaced_name(text: str) -> str | None:
    """`my_subject` for `my subject`; None for any other text."""
    words = text.split()
    return "_".join(words) if 1 < len(words) < _BEHIND and all(map(str.isidentifier, words)) else None


def _names(expression: str) -> frozenset[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(expression, mode="eval")
        return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


_FORMS = (
    (
        re.compile(r"(?<!_)((?:__)+)(?=[^\W_])((?:[^\W_]|[./*-]|_(?!_))+?)((?:__)+)(?!_)"),
        "is a wildcard of another tool, and nothing is put in for it here; write {{{name}}} for a list of this "
        "notebook, or {kept} for the text itself",
    ),
    (
        re.compile(r"(<+)((?:lora|lyco|hypernet):[^<>{}|\n]*)(>+)", re.IGNORECASE),
        "loads an extra network in another tool, and does nothing here; leave it out, or write {kept} for the "
        "text itself",
    ),
    (
        re.compile(r"(｛+)([^｛｝{}\n]*[|｜][^｛｝{}\n]*|[^\W\d]\w*)(｝+)"),
        "has full-width braces; write {plain} for what is put in, or {kept} for the text itself",
    ),
)
"""What other tools read in a text, and what is said of it. Where its ends are doubled, it is text."""


def plain_text(text: str) -> tuple[str, list[str]]:
    """The text that is meant, and a message for each form of another tool in it."""
    messages: list[str] = []

    def read(match: re.Match[str], what: str) -> str:
        opening, name, closing = match.groups()
        if len(opening) != len(closing):
            return match[0]
        size = 2 if opening[0] == "_" else 1
        if len(opening) > size:
            return f"{opening[size:]}{name}{closing[size:]}"
        plain = shortened(match[0].translate(FULL_WIDTH))
        name = re.sub(r"\W+", "_", name).strip("_")
        shown = what.format(name=shortened(name), plain=plain, kept=shortened(kept_text(match[0])))
        messages.append(f"{shortened(match[0])} {shown}")
        return match[0]

    for form, what in _FORMS:
        text = form.sub(partial(read, what=what), text)
    return text, messages


def kept_text(text: str) -> str:
    """The text as it is written so that `plain_text` gives it back."""

    def keep(match: re.Match[str]) -> str:
        opening, _, closing = match.groups()
        size = 2 if opening[0] == "_" else 1
        return f"{opening[:size]}{match[0]}{closing[:size]}" if len(opening) == len(closing) else match[0]

    for form, _ in _FORMS:
        text = form.sub(keep, text)
    return text
