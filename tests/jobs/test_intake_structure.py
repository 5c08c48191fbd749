"""References are whole or cut by the same rules as results, whatever follows the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imaging.samples import BOMBS, FILM, GREYS, WHOLE, encoded, grey16, noise, steps, with_chunks
from PIL import Image, ImageFile

from rivya_nb.contract.catalogue import bundled
from rivya_nb.errors import InvalidRequestError
from rivya_nb.jobs.intake import take_references
from rivya_nb.store.files import ContentFiles

WAN = [bundled()["wan-2-7-image-pro"]]
LARGE = noise(size=(80, 60))
NAMED = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP"}


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    return ContentFiles(tmp_path)


@given(appended=st.one_of(st.binary(max_size=400), st.integers(0, len(FILM)).map(lambda end: FILM[:end])))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", NAMED)
def test_what_is_appended_to_a_reference_costs_nothing(
    files: ContentFiles, kind: str, appended: bytes
) -> None:
    data = encoded(kind, LARGE) + appended
    (reference,) = take_references([data], WAN, files)
    assert files.read(reference.sha256, reference.mime_type) == data


@given(where=st.integers(1, 10_000))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", NAMED)
def test_a_cut_reference_is_refused_whatever_pillow_would_forgive(
    files: ContentFiles, kind: str, where: int
) -> None:
    data = encoded(kind, LARGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        with pytest.raises(InvalidRequestError, match=r"cut short|damaged|not a picture"):
            take_references([data[: 16 + where % (len(data) - 16)]], WAN, files)


@pytest.mark.parametrize("name", ["GIF", "LZW TIFF", "BMP", "AVIF"])
def test_a_cut_reference_of_another_format_is_refused_too(files: ContentFiles, name: str) -> None:
    data = WHOLE[name]
    assert take_references([data], WAN, files, shrink=True)[0].mime_type in ("image/png", "image/jpeg")
    with pytest.raises(InvalidRequestError, match="is cut short after"):
        take_references([data[:-1]], WAN, files, shrink=True)


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_text_beside_the_pixels_does_not_damage_a_reference(files: ContentFiles, name: str) -> None:
    (reference,) = take_references([with_chunks(BOMBS[name])], WAN, files)
    assert reference.note == ""


def test_a_grey_of_16_bits_is_converted_with_its_brightness(files: ContentFiles, tmp_path: Path) -> None:
    with Image.open(grey16(tmp_path / "grey.png")) as image:
        image.save(tmp_path / "grey.tif")
        sources = [image, tmp_path / "grey.tif"]
        taken = take_references(sources, WAN, files, shrink=True)
    for reference in taken:
        with Image.open(files.path(reference.sha256, reference.mime_type)) as sent:
            assert sent.mode == "L"
            assert steps(sent) == GREYS
