"""How different two pictures look: two numbers by scikit-image, after both are brought to one size.

Every picture is stretched to a square of 64 × 64 pixels, so that nothing is cut off. Between pictures of
different shapes the stretching therefore counts, too: a bottle in a wide frame becomes narrow in the square.
Transparent pixels count as white.
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
"""The side in pixels of the square in which structure is compared: layout, not texture."""

GRAIN = 32
"""The side in pixels of the square in which colour is compared."""

_LIGHTEST = 100.0
"""CIE L* of white."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How different two pictures look: 0 and 0 for the same picture, and the same in either order.

    `structure` is 1 − SSIM of the lightness (CIE L*, windows of 7 × 7 of 64 × 64 pixels): 0 if light and dark
    are distributed alike, about 1 if the pictures are independent, up to 2 if one is the other's negative.
    `colour` is the mean CIEDE2000 of 32 × 32 places: 0 if each place has the same colour, about 1 if the eye
    just sees the difference, 100 between black and white.

    Neither number knows what a picture shows: a bottle that moves aside differs as much as one that becomes a
    vase. They do not measure quality, style, or how well a prompt was followed.
    """

    structure: float
    colour: float


NONE = Difference(0.0, 0.0)


class Sample(NamedTuple):
    """A picture in the common size: its lightness, and its colours in CIE L*a*b*."""

    lightness: NDArray[np.float64]
    colours: NDArray[np.float64]


def require() -> None:
    """Check that scikit-image is installed. The import takes up to 2 s: call it off the event loop.

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
    """The picture in the common size; it may have any size, shape and mode."""
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
    return Difference(structure(one, other), colour(one, other))


# Rounded, so that float errors do not make a picture differ from itself.


def structure(one: Sample, other: Sample) -> float:
    from skimage.metrics import structural_similarity

    alike = structural_similarity(one.lightness, other.lightness, data_range=_LIGHTEST)
    return max(0.0, round(1.0 - float(alike), 6))


def colour(one: Sample, other: Sample) -> float:
    from skimage.color import deltaE_ciede2000

    return round(float(deltaE_ciede2000(one.colours, other.colours).mean()), 6)
