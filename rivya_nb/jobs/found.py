"""Reads a request from the texts of a picture: prompt, seed, size, model and params, as far as they are
there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rivya_nb.contract.lenient import number_of
from rivya_nb.contract.references import Reference
from rivya_nb.contract.request import LAST_REPLICATE
from rivya_nb.contract.text import short_repr
from rivya_nb.jobs.graph import is_graph, read_graph
from rivya_nb.jobs.infotext import read_infotext
from rivya_nb.jobs.settings import read_dream, read_settings
from rivya_nb.jobs.telling import Found, UnreadError, as_text, read_object
from rivya_nb.store.inscriptions import COMFY, DREAM, INVOKE, NOVEL_COMMENT, NOVEL_PROMPT, WORKFLOW
from rivya_nb.store.stamping import OURS, PARAMETERS


def find_request(texts: Mapping[str, str]) -> Found | None:
    """The request in the texts of a picture, from the most complete text; None if there are none.

    If no text has a whole prompt, the prompt is empty, and the notes say why.
    """
    reasons: list[str] = []
    for read in _readings(texts):
        try:
            return read()
        except UnreadError as error:
            reasons.append(str(error))
    return Found("", "", notes=tuple(dict.fromkeys(reasons))) if reasons else None


def _readings(texts: Mapping[str, str]) -> Iterator[Callable[[], Found]]:
    ours = read_object(texts.get(OURS, ""))
    if ours is not None and (found := read_ours(ours)) and found.prompt.strip():
        yield lambda: found
    for key in INVOKE:
        if text := texts.get(key, ""):
            yield partial(_read_json, text, "InvokeAI")
    if text := texts.get(DREAM, ""):
        yield partial(read_dream, text)
    if text := texts.get(PARAMETERS, ""):
        yield partial(_read_json, text, "the web UI") if _is_json(text) else partial(read_infotext, text)
    if text := texts.get(COMFY, ""):
        yield partial(_read_json, text, "ComfyUI")
    if (text := texts.get(NOVEL_COMMENT, "")) and _is_json(text):
        yield partial(_read_json, text, "NovelAI", texts.get(NOVEL_PROMPT))
    if texts.get(WORKFLOW, "") and COMFY not in texts:
        yield _refuse_workflow


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _read_json(text: str, teller: str, prompt: str | None = None) -> Found:
    told = read_object(text)
    if told is None:
        raise UnreadError(f"the text {short_repr(text)} is not the JSON that {teller} writes")
    inner = told.get("prompt")
    for graph in (told, inner, read_object(inner) if isinstance(inner, str) else None):
        if isinstance(graph, dict) and is_graph(graph):
            return read_graph(graph)
    return read_settings(told if prompt is None else {"prompt": prompt, **told}, teller)


def _refuse_workflow() -> Found:
    raise UnreadError("it has only the editor's form of ComfyUI's workflow, not the graph that was run")


def read_ours(told: Mapping[str, object]) -> Found | None:
    """A request that this package wrote, inside a picture or beside it."""
    prompt, params, job = told.get("prompt"), told.get("params"), told.get("job")
    if told.get("tool") != OURS or not isinstance(prompt, str):
        return None
    listed, number = told.get("references"), told.get("replicate")
    references = [_reference(each) for each in listed] if isinstance(listed, list) else []
    return Found(
        teller=OURS,
        prompt=prompt,
        model=as_text(told.get("model")),
        params={key: value for key, value in params.items() if value is not None}
        if isinstance(params, dict)
        else {},
        references=tuple(each for each in references if each is not None),
        job=as_text(job),
        rest=("references",) if None in references else (),
        replicate=number if isinstance(number, int) and 1 <= number <= LAST_REPLICATE else 1,
    )


def _reference(told: object) -> Reference | None:
    if not isinstance(told, dict):
        return None
    name, sha256, kind = (as_text(told.get(key)) for key in ("name", "sha256", "kind"))
    size = told.get("size")
    # The hash becomes a file name in the store: nothing else may be in it.
    if sha256 is None or re.fullmatch(r"[0-9a-f]{64}", sha256) is None:
        return None
    return Reference(
        sha256=sha256,
        kind=kind or "image",
        mime_type=as_text(told.get("mime_type")) or "",
        name=name or sha256[:12],
        size=size if isinstance(size, int) else 0,
        duration=number_of(told.get("duration")),
    )
