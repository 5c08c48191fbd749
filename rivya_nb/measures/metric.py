"""How different two pictures look: two numbers of scikit-image, after both were brought to one frame.

Whatever its shape, a picture is stretched to a square of 64 × 64 pixels: nothing of it is cut off, and its corners
stay corners. Between pictures of different shapes the stretching therefore counts too: the same bottle, drawn
for a wide frame, is a narrow one in the square. What is transparent counts as white.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rivya_nb.errors import UsageError
from rivya_nb.imaging.modes import eight_bits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

FRAME = 64
"""Pixels of a side of the square in which structure is compared: what is where, and no texture."""

GRAIN = 32
"""Pixels of a side of the square in which colour is compared."""

_LIGHTEST = 100.0
"""CIE L* of white."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How different two pictures look; 0 and 0 for the same picture, and the same in either order.

    `structure` is 1 − SSIM of the lightness (CIE L*, windows of 7 × 7 of 64 × 64 pixels): 0 where light and dark
    are distributed alike, about 1 where one picture tells nothing of the other, up to 2 where one is the
    other's negative. `colour` is the mean CIEDE2000 of 32 × 32 places: 0 where each place has the same colour,
    about 1 where the eye just tells them apart, 100 between black and white.

    Neither knows what is shown: a bottle that moves aside differs as much as one that becomes a vase. They are
    not a measure of quality, of likeness of style, or of how well a prompt was followed.
    """

    structure: float
    colour: float


NONE = Difference(0.0, 0.0)


class Sample(NamedTuple):
    """A picture in the common frame: its lightness, and its colours in CIE L*a*b*."""

    lightness: NDArray[np.float64]
    colours: NDArray[np.float64]


def require() -> None:
    """See that scikit-image is there, which is imported here: up to 2 s, off the event loop.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import skimage.color
        import skimage.metrics  # noqa: F401 - to see that it can be
    except ImportError as error:
        raise UsageError(
            "Measuring pictures needs scikit-image, which is not installed here: "
            "pip install 'rivya-nb[analysis]'"
        ) from error


def sample(image: Image.Image) -> Sample:
    """The picture in the common frame; it may have any size, shape and mode."""
    import numpy as np
    from PIL import Image
    from skimage.color import rgb2lab

    image = eight_bits(image)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    square = image.convert("RGB").resize((FRAME, FRAME), Image.Resampling.BICUBIC)
    coarse = square.resize((GRAIN, GRAIN), Image.Resampling.BOX)
    return Sample(rgb2lab(np.asarray(square))[..., 0], rgb2lab(np.asarray(coarse)))


def compare(one: Sample, other: Sample) -> Difference:
    """How different two pictures look."""
    from skimage.color import deltaE_ciede2000
    from skimage.metrics import structural_similarity

    alike = structural_similarity(one.lightness, other.lightness, data_range=_LIGHTEST)
    colour = deltaE_ciede2000(one.colours, other.colours).mean()
    # The last bit of a float would make the same picture differ from itself.
    return Difference(max(0.0, round(1.0 - float(alike), 6)), round(float(colour), 6))
