"""`%rivya models`: the list of models, or the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivya_nb.errors import Mistake, UsageError
from rivya_nb.magics.command import take_flags
from rivya_nb.magics.current import current_session

if TYPE_CHECKING:
    from rivya_nb.session.showing.models import ModelList, ModelSheet

USAGE = "[WORDS] [--category C] [--refresh]"


def show_models(arguments: Sequence[str]) -> ModelList | ModelSheet:
    """All models, the models with all words in their id or name, or the page of the model with this id.

    Raises:
        UsageError: a flag is wrong, or no model matches; the message offers the nearest choice.
    """
    from rivya_nb.session.showing.models import find_models

    words, flags = take_flags("models", arguments, ["--refresh"], ["--category"])
    category = flags.get("--category")
    if category == "":
        raise UsageError([Mistake("--category", "it needs a category, such as image or video")])
    session = current_session()
    return find_models(session, words, category, refresh="--refresh" in flags, where="--category")
