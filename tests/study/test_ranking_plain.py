"""Pictures for a judge hold their pixels and nothing else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from rivya_nb.errors import PictureError
from rivya_nb.study.ranking.plain import plain_picture

SECRET = b"made by the secret model"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_only_the_pixels_are_left(tmp_path: Path, kind: str, mode: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    path = tmp_path / "original"
    colour = (200, 30, 60, 128)[: len(mode)]
    picture = Image.new(
        "RGB" if kind == "JPEG" else mode, (3000, 1500), colour[:3] if kind == "JPEG" else colour
    )
    more = {"comment": SECRET} if kind == "JPEG" else {}
    picture.save(path, kind, exif=exif, icc_profile=profile, **more)
    assert SECRET in path.read_bytes() or kind == "PNG"
    mime, data = plain_picture(path, (1024, 1024))
    image = Image.open(BytesIO(data))
    assert image.size == (1024, 512)
    assert Image.MIME[image.format or ""] == mime
    assert not {"exif", "icc_profile", "comment", "xmp"} & set(image.info)
    assert SECRET not in data
    pixel = image.convert(picture.mode).getpixel((500, 200))
    assert isinstance(pixel, tuple)
    assert all(abs(one - other) < 8 for one, other in zip(pixel, picture.getpixel((0, 0)), strict=True))


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(b"no picture")
    with pytest.raises(PictureError, match="the picture original cannot be read"):
        plain_picture(path, (100, 100))
