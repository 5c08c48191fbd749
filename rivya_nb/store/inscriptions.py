"""The texts in a picture's file: ours, and those of the common web UIs. Pure, and bounded.

| written by | PNG text chunk | JPEG and WebP |
|---|---|---|
| this tool | `rivya_nb`, `parameters` | EXIF maker's note, user's comment |
| A1111, Forge, Fooocus, SwarmUI | `parameters` | EXIF user's comment |
| ComfyUI | `prompt` | EXIF make, model or description: `prompt:{…}` |
| InvokeAI | `invokeai_metadata`, before that `sd-metadata`, before that `Dream` | |
| NovelAI | `Comment`, with the prompt in `Description` | EXIF user's comment |
| Draw Things | XMP: `exif:UserComment` | EXIF user's comment |
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice

from rivya_nb.contract.references import sniff
from rivya_nb.imaging.containers import (
    EXIF,
    LARGEST_TEXT,
    TEXT_CHUNKS,
    Bytes,
    Part,
    jpeg_segments,
    png_chunks,
    png_key,
    png_text,
    webp_chunks,
)
from rivya_nb.store.exif import (
    DESCRIPTION,
    MAKE,
    MAKER_NOTE,
    MODEL,
    USER_COMMENT,
    read_comment,
    read_tags,
)
from rivya_nb.store.stamping import MARK, OURS, PARAMETERS

COMFY = "prompt"
WORKFLOW = "workflow"
INVOKE = ("invokeai_metadata", "sd-metadata")
DREAM = "Dream"
NOVEL_COMMENT, NOVEL_PROMPT = "Comment", "Description"

_WANTED = (OURS, PARAMETERS, COMFY, WORKFLOW, *INVOKE, DREAM, NOVEL_COMMENT, NOVEL_PROMPT)
_XMP = "XML:com.adobe.xmp"
_XMP_COMMENT = re.compile(r"<exif:UserComment>.{0,200}?<rdf:li[^>]{0,60}>([^<]*)</rdf:li>", re.DOTALL)
_MOST_PARTS = 10_000
"""The most parts of a file that are read."""


def read_inscriptions(data: Bytes) -> dict[str, str]:
    """The texts by their PNG keyword, for all formats; if a keyword occurs several times, the first counts."""
    parts: Iterator[Part]
    exif: list[bytes] = []
    found: dict[str, str] = {}
    mime_type = sniff(data[:12])
    if mime_type == "image/png":
        for chunk in islice(png_chunks(data), _MOST_PARTS):
            key = png_key(data, chunk).decode("latin-1") if chunk.kind in TEXT_CHUNKS else ""
            if key in _WANTED and key not in found:
                found[key] = _decoded(png_text(data, chunk)[:LARGEST_TEXT])
            elif key == _XMP and (
                comment := _XMP_COMMENT.search(_decoded(png_text(data, chunk)[:LARGEST_TEXT]))
            ):
                found.setdefault(PARAMETERS, html.unescape(comment[1]))
            elif chunk.kind == b"eXIf":
                exif.append(data[chunk.content : min(chunk.content_end, chunk.content + LARGEST_TEXT)])
    elif mime_type == "image/jpeg":
        parts = islice(jpeg_segments(data), _MOST_PARTS)
        exif += [data[part.content : part.end] for part in parts if part.kind == b"\xe1"]
        exif = [content for content in exif if content.startswith(EXIF)]
    elif mime_type == "image/webp":
        parts = islice(webp_chunks(data), _MOST_PARTS)
        exif += [
            data[part.content : min(part.content_end, part.content + LARGEST_TEXT)]
            for part in parts
            if part.kind == b"EXIF"
        ]
    for content in exif[:1]:
        found = {**_in_exif(content.removeprefix(EXIF)), **found}
    return {key: text for key, text in found.items() if text}


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        # The standard's encoding of plain text chunks; many programs write UTF-8 instead.
        return text.decode("latin-1")


def _in_exif(data: bytes) -> dict[str, str]:
    tags = read_tags(data)
    found = {PARAMETERS: read_comment(tags.get(USER_COMMENT, b""))}
    note = tags.get(MAKER_NOTE, b"")
    if note.startswith(MARK):
        found[OURS] = note[len(MARK) :].decode("utf-8", "replace")
    for tag in (MAKE, MODEL, DESCRIPTION):
        key, _, text = tags.get(tag, b"").partition(b":")
        if key.lower() == COMFY.encode():
            found[COMFY] = text.rstrip(b"\0").decode("utf-8", "replace")
    return found
