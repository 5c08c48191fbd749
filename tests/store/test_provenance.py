"""Saved copies that say where they came from, with every pixel as the service delivered it."""

from __future__ import annotations

import contextlib
import io
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from rivya_nb.contract.references import Reference
from rivya_nb.imaging.containers import jpeg_segments, png_chunks, webp_chunks
from rivya_nb.store.exif import MAKER_NOTE, USER_COMMENT, read_comment
from rivya_nb.store.provenance import Provenance, sidecar_of, stamp
from rivya_nb.store.records import JobRecord, PictureRecord
from rivya_nb.store.stamping import MARK, CannotStampError, stamped

CAT = Reference("ab" * 32, "image", "image/png", "cat.png", 900)
JOB = JobRecord(
    id="0f" * 16,
    service="sandbox",
    model="wan-2-7-image-pro",
    prompt="A glass bottle, แสงเช้า\nsoft light",
    params={"seed": 7, "aspect_ratio": "16:9"},
    references=(CAT,),
    identity="",
    seed=7,
    price=12,
    status="succeeded",
    created_at=1_799_999_990.0,
    task_id="task_1",
    finished_at=1_800_000_000.0,
)
BOTTLE = Provenance(JOB, PictureRecord("cd" * 32, "image/png", 20, 10, 900))
KINDS = ("PNG", "JPEG", "WEBP")
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><kept/></x:xmpmeta>"


def drawn(kind: str, mode: str = "RGB", **options: object) -> bytes:
    noise = Image.frombytes("L", (20, 10), random.Random(1).randbytes(200))
    image = noise.convert(mode)
    if mode == "RGBA":
        image.putalpha(noise)
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def exif_of(data: bytes) -> dict[int, object]:
    with Image.open(io.BytesIO(data)) as image:
        return dict(image.getexif().get_ifd(0x8769))


def texts(data: bytes) -> tuple[str, str]:
    """What Pillow, and so whoever builds on it, finds: the web UIs' text and our JSON."""
    with Image.open(io.BytesIO(data)) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            return str(image.info["parameters"]), str(image.info["rivya_nb"])
    tags = exif_of(data)
    comment, note = tags[USER_COMMENT], tags[MAKER_NOTE]
    assert isinstance(comment, bytes)
    assert isinstance(note, bytes)
    return read_comment(comment), note.removeprefix(MARK).decode()


def pixels(data: bytes) -> tuple[str, bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.tobytes()


def picture_data(data: bytes) -> list[bytes]:
    """The encoded picture itself: what must be the same to the byte."""
    if data.startswith(b"\x89PNG"):
        return [data[part.start : part.end] for part in png_chunks(data) if part.kind == b"IDAT"]
    if data.startswith(b"\xff\xd8"):
        *tables, scan = (part for part in jpeg_segments(data))
        return [*(data[part.start : part.end] for part in tables if part.kind[0] < 0xE0), data[scan.start :]]
    return [data[part.start : part.end] for part in webp_chunks(data) if part.kind[:3] in (b"VP8", b"ALP")][
        -1:
    ]


def signed(kind: str) -> bytes:
    data = drawn(kind)
    if kind == "PNG":
        return data[:33] + (4).to_bytes(4, "big") + b"caBXsign" + bytes(4) + data[33:]
    if kind == "JPEG":
        content = b"JP\0\1\0\0\0\1\0\0\0\x20jumb" + bytes(16)
        return data[:2] + b"\xff\xeb" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]
    body = data[8:] + b"C2PA" + (4).to_bytes(4, "little") + b"sign"
    return b"RIFF" + len(body).to_bytes(4, "little") + body


OPTIONS = {
    "PNG": [{}, {"mode": "RGBA"}, {"mode": "P"}, {"mode": "L"}, {"icc_profile": b"profile"}],
    "JPEG": [{}, {"mode": "L"}, {"progressive": True}, {"icc_profile": b"profile"}, {"xmp": XMP}],
    "WEBP": [{}, {"lossless": True}, {"mode": "RGBA"}, {"mode": "RGBA", "lossless": True}, {"xmp": XMP}],
}


@pytest.mark.parametrize(("kind", "options"), [(kind, each) for kind in KINDS for each in OPTIONS[kind]])
def test_a_copy_says_where_it_came_from_and_keeps_every_byte_of_the_picture(
    kind: str, options: dict[str, object]
) -> None:
    original = drawn(kind, **options)  # type: ignore[arg-type]
    copy = stamped(original, BOTTLE.parameters, BOTTLE.to_json())
    assert texts(copy) == (BOTTLE.parameters, BOTTLE.to_json())
    assert pixels(copy) == pixels(original)
    assert picture_data(copy) == picture_data(original)
    if kind == "WEBP":
        assert bool(copy[20] & 0x10) is (options.get("mode") == "RGBA"), (
            "readers are told of transparency here"
        )
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(copy)) as after:
        added = {"parameters", "rivya_nb", "exif", "dpi"}  # 72 dpi is what Pillow makes of EXIF without any
        assert {key: value for key, value in after.info.items() if key not in added} == before.info


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.text('a{\\"é', max_size=30),
)
def test_any_text_comes_back(kind: str, parameters: str, record: str) -> None:
    written = f"x{parameters}x"
    found = texts(stamped(drawn(kind), written, record))
    assert found == (written, record)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_service_wrote_stays(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "A description of the service's"
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0the service's own comment"
    copy = stamped(drawn(kind, exif=exif), BOTTLE.parameters, BOTTLE.to_json())
    with Image.open(io.BytesIO(copy)) as image:
        tags = image.getexif()
        assert (tags[0x010E], tags[0x0112]) == (exif[0x010E], 6)
        comment = tags.get_ifd(0x8769)[0x9286]
    assert comment == b"ASCII\0\0\0the service's own comment"
    if kind != "PNG":
        assert exif_of(copy)[MAKER_NOTE] == MARK + BOTTLE.to_json().encode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_a_copy_tells_the_latest(kind: str) -> None:
    first = stamped(drawn(kind), "earlier", "{}")
    assert texts(stamped(first, BOTTLE.parameters, BOTTLE.to_json())) == (BOTTLE.parameters, BOTTLE.to_json())


def test_another_programs_parameters_stay_in_a_png() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "the service's own")
    copy = stamped(drawn("PNG", pnginfo=info), BOTTLE.parameters, BOTTLE.to_json())
    assert texts(copy) == ("the service's own", BOTTLE.to_json())
    assert copy.count(b"parameters") == 1


def test_the_plain_text_is_what_web_uis_read() -> None:
    negative = BOTTLE._replace(job=replace(JOB, params={**JOB.params, "negative_prompt": "blur, noise"}))
    assert negative.parameters.split("\n") == [
        "A glass bottle, แสงเช้า",
        "soft light",
        "Negative prompt: blur, noise",
        'Seed: 7, Size: 20x10, Model: wan-2-7-image-pro, aspect_ratio: "16:9", Version: rivya_nb 0.1.0',
    ]


def test_references_are_told_by_name_and_content_and_no_address_is() -> None:
    linked = Reference("ef" * 32, "image", "", "dog.png", 0, url="https://example.com/dog.png?token=hush")
    told = BOTTLE._replace(job=replace(JOB, references=(CAT, linked))).to_json()
    assert [each["sha256"] for each in json.loads(told)["references"]] == ["ab" * 32, "ef" * 32]
    assert "hush" not in told


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (drawn("GIF"), "takes no text"),
        (drawn("PNG")[:60], "not built"),
        (drawn("JPEG")[:60], "not built"),
        (drawn("WEBP")[:60], "not built"),
        *((signed(kind), "signed") for kind in KINDS),
        (drawn("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), "EXIF is damaged"),
        (drawn("MPO", save_all=True, append_images=[Image.new("L", (9, 9))]), "several pictures"),
    ],
    ids=["gif", "cut png", "cut jpeg", "cut webp", "signed png", "signed jpeg", "signed webp", "exif", "mpo"],
)
def test_what_takes_no_text_is_copied_as_it_is_with_a_file_beside_it(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "original", tmp_path / "bottle.png"
    source.write_bytes(data)
    done = stamp(source, target, BOTTLE)
    assert target.read_bytes() == data
    assert reason in done.reason
    assert done.sidecar == sidecar_of(target)
    assert json.loads(done.sidecar.read_text(encoding="utf-8"))["params"] == {
        "seed": 7,
        "aspect_ratio": "16:9",
    }


def test_more_text_than_a_jpeg_takes_goes_beside_it(tmp_path: Path) -> None:
    source, target = tmp_path / "original", tmp_path / "bottle.jpg"
    source.write_bytes(drawn("JPEG"))
    done = stamp(source, target, BOTTLE._replace(job=replace(JOB, prompt="long " * 20_000)))
    assert target.read_bytes() == source.read_bytes()
    assert done.sidecar is not None


@settings(max_examples=150)
@given(st.sampled_from(KINDS), st.data())
def test_damaged_files_are_stamped_or_refused_and_nothing_else(kind: str, choice: st.DataObject) -> None:
    data = bytearray(drawn(kind, exif=Image.Exif()))
    for _ in range(choice.draw(st.integers(1, 4))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    cut = bytes(data[: choice.draw(st.integers(0, len(data)))])
    with contextlib.suppress(CannotStampError):
        assert len(stamped(cut, "a", "{}")) > len(cut)
