"""Reads the arguments of the public functions, and checks what no type checker has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from types import NoneType
from typing import TypeAlias, TypeVar

from rivya_nb.contract.params import plain_value
from rivya_nb.contract.request import Request
from rivya_nb.contract.text import short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.files import user_path
from rivya_nb.planning.names import notebook_variables
from rivya_nb.planning.prompt import PromptTemplate, parse_prompt
from rivya_nb.planning.prompt_tables import PromptTable, prompt_table
from rivya_nb.planning.table_files import is_table_name
from rivya_nb.planning.tables import is_table
from rivya_nb.session.job import Job

V = TypeVar("V")

Prompt: TypeAlias = "str | os.PathLike[str] | Request | Job | Iterable[object] | None"
"""What is asked for: a text, a request or a job as it is, or several of them; or a table of prompts."""


def check_whole_number(name: str, value: object, least: int, *, optional: bool = False) -> None:
    """Raise UsageError if an argument is not a whole number, or is less than `least`."""
    value = plain_value(value)
    if optional and value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError([Mistake(name, f"{short_repr(value)} is not a whole number from {least} on")])


def check_switch(name: str, value: object, *, optional: bool = False) -> None:
    """Raise UsageError if an argument is neither True nor False."""
    if not isinstance(value, (bool, NoneType) if optional else bool):
        raise UsageError([Mistake(name, f"{short_repr(value)} is neither True nor False")])


def check_column(prompt_column: object) -> None:
    """Raise UsageError if this is no name of a column."""
    if not isinstance(prompt_column, (str, NoneType)):
        raise UsageError(
            [Mistake("prompt_column", f"{short_repr(prompt_column)} is no name of a column, which is a text")]
        )


def check_table(prompts: object, prompt_column: str | None, templates: bool | None) -> None:
    """Raise UsageError if something is said about a table, and there is none."""
    if prompts is None and (prompt_column is not None or templates is not None):
        where = "templates" if prompt_column is None else "prompt_column"
        raise UsageError(
            [Mistake(where, "it is about a table of prompts, and there is none; give prompts=…")]
        )


def check_asked(body: object) -> None:
    """Raise UsageError if what is asked for, and is no text and no table, is no request and holds none either."""
    holds = isinstance(body, Iterable) and not isinstance(body, (bytes, bytearray, Set, Mapping))
    if not (holds or isinstance(body, (Request, Job))):
        message = f"{short_repr(body)} is no prompt; give a text, a list of texts or of dicts, or a DataFrame"
        raise UsageError([Mistake("prompt", message)])


def body_and_table(
    prompt: Prompt, prompts: object
) -> tuple[str | Request | Job | Iterable[object] | None, object]:
    """The prompt as far as it is written in the call, and the table of prompts, if there is one."""
    if prompt is None and prompts is None:
        raise UsageError([Mistake("prompt", "there is none; give a text, or a table of them as prompts=…")])
    if isinstance(prompt, str):
        if prompts is None and is_table_name(prompt) and user_path(prompt.strip()).is_file():
            shown = short_repr(prompt.strip())
            message = (
                f"{shown} is the name of a file; prompts={shown} reads it, and prompts=[{shown}] asks for it"
            )
            raise UsageError([Mistake("prompt", message)])
        return prompt, prompts
    if not isinstance(prompt, os.PathLike) and not is_table(prompt):
        return prompt, prompts
    if prompts is not None:
        raise UsageError(
            [Mistake("prompts", "there are two tables; give the text with {prompt} as the prompt")]
        )
    return None, prompt


def template_of(
    body: object, prompts: object, prompt_column: str | None, templates: bool | None
) -> tuple[PromptTemplate, PromptTable | None]:
    """The template of a prompt, and the table whose rows it has a place for, if there is one."""
    names = notebook_variables().keys()
    if prompts is None:
        return parse_prompt(str(body), variables=False, names=names), None
    table = prompt_table(prompts, prompt_column, templates, names)
    if body is None:
        return table.template, table
    return parse_prompt(str(body), variables=False, names=names, rows=table.axis), table


def merged(params: Mapping[str, V] | None, more: Mapping[str, V]) -> dict[str, V]:
    """The params that were given in `params=` and those that were given by themselves."""
    twice = sorted(set(params or {}) & set(more))
    if twice:
        raise UsageError([Mistake(key, "it is given twice, in params= and by itself") for key in twice])
    return {**(params or {}), **more}
