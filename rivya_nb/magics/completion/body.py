"""What fits at the cursor in the body of a `%%rivya` cell."""

from __future__ import annotations

import re

from rivya_nb.errors import UsageError
from rivya_nb.magics.completion.offers import Offer, Offers, fitting
from rivya_nb.magics.completion.variables import Namespace, fitting_variables
from rivya_nb.planning.braces import UNNAMED
from rivya_nb.planning.prompt import NO_PROMPT, PromptTemplate, is_insertable, parse_prompt

_OPEN_BRACE = re.compile(r"(?<!\{)(?:\{\{)*\{\s*(\w*)\Z")
_WORD = re.compile(r"\w*")


def body_offers(before: str, after: str, namespace: Namespace) -> Offers:
    """Behind a brace: the axes of the prompt that have a name, and the notebook's variables that fit in one."""
    brace = _OPEN_BRACE.search(before)
    if brace is None:
        return Offers("")
    rest = _WORD.match(after)
    axes = [axis for axis in read_prompt(before + after, {}).axes if not axis.name.startswith(UNNAMED)]
    offers = [Offer(axis.name, "an axis of this prompt") for axis in axes]
    offers += [Offer(name, kind) for name, kind in fitting_variables(namespace, is_insertable)]
    return fitting(brace[1], "" if rest is None else rest[0], offers)


def read_prompt(body: str, namespace: Namespace) -> PromptTemplate:
    """The prompt that is written so far, with its variables put in where that is possible."""
    try:
        template = parse_prompt(body, variables=True)
    except UsageError:
        return NO_PROMPT
    try:
        return template.bind(namespace)
    except UsageError:
        return template
