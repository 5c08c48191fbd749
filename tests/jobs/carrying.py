"""Pictures that carry texts, as image generators leave them in their files."""

from __future__ import annotations

import io

from PIL import Image, PngImagePlugin


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    target = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(target, "PNG", pnginfo=info)
    return target.getvalue()


def with_exif(kind: str, tags: dict[int, str], comment: bytes = b"") -> bytes:
    exif = Image.Exif()
    for tag, text in tags.items():
        exif[tag] = text
    if comment:
        exif.get_ifd(0x8769)[0x9286] = comment
    target = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(target, kind, exif=exif)
    return target.getvalue()
