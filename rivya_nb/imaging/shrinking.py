"""Makes small pictures of decoded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivya_nb.imaging.modes import FIRST_SIDEWAYS, eight_bits, orientation, turned

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile

Box = tuple[int, int]
"""Width and height in pixels."""

GAP = 1.0
"""Pixels are averaged as far as a whole factor goes, and interpolated for the rest. Interpolating from two times
the size, as Pillow does by default, takes five times as long."""


def stored_box(image: ImageFile, box: Box) -> Box:
    """The box for a picture as it is stored, if it has to fit into `box` when it is upright."""
    return box if orientation(image) < FIRST_SIDEWAYS else box[::-1]


def shrunk(image: ImageFile, box: Box) -> Picture:
    """A decoded picture, upright and shrunk into `box`, as RGB or RGBA, in memory of its own. The decoded
    picture must not be used afterwards."""
    turn, fitting = orientation(image), stored_box(image, box)
    # Converted before it is shrunk: palette colours cannot be averaged.
    colours = eight_bits(image)
    if colours is not image:
        image.close()
    # Turned after it is shrunk, so that no large picture is copied.
    colours.thumbnail(fitting, reducing_gap=GAP)
    return turned(colours.convert("RGBA" if colours.mode == "RGBA" else "RGB"), turn)
