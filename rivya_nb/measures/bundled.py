"""The measures that need no model: what light, colour and detail a picture has, and how alike two pictures are.

Luma is Y' of ITU-R BT.601 as Pillow's mode L has it, from 0 (black) to 255 (white).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rivya_nb.measures import metric
from rivya_nb.measures.definition import Kind, Measure, require_modules

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

SHARPNESS_SIDE = 512
"""The longest side in pixels at which sharpness is measured, so that pictures of different sizes compare."""


def brightness(image: Picture) -> float:
    """Mean luma: 0 is black, 1 is white."""
    from PIL import ImageStat

    return ImageStat.Stat(image.convert("L")).mean[0] / 255


def contrast(image: Picture) -> float:
    """RMS contrast, the standard deviation of the luma: 0 is one grey, 0.5 is half black and half white.

    Peli, E. (1990). Contrast in complex images. Journal of the Optical Society of America A 7 (10).
    """
    from PIL import ImageStat

    return ImageStat.Stat(image.convert("L")).stddev[0] / 255


def colourfulness(image: Picture) -> float:
    """M3 of Hasler and Süsstrunk, of RGB from 0 to 255: 0 is grey, 15 slightly, 45 quite, 109 extremely colourful.

    Hasler, D. and Süsstrunk, S. (2003). Measuring colourfulness in natural images. Proc. SPIE 5007.
    """
    import numpy as np

    red, green, blue = (np.asarray(channel, np.int16).ravel() for channel in image.split())
    # Counted by their value: exact, and several times as fast as the moments of all pixels.
    red_green = np.bincount(red - green + 255, minlength=511)
    yellow_blue = np.bincount(red + green - 2 * blue + 510, minlength=1021)
    means, variances = zip(_moments(red_green, 255, 1.0), _moments(yellow_blue, 510, 0.5), strict=True)
    return float(np.sqrt(sum(variances)) + 0.3 * np.hypot(*means))


def _moments(counts: NDArray[np.intp], zero: int, step: float) -> tuple[float, float]:
    """The mean and the variance of values from `-zero * step` on, each so often."""
    import numpy as np

    values = (np.arange(len(counts)) - zero) * step
    mean = float(np.average(values, weights=counts))
    return mean, float(np.average((values - mean) ** 2, weights=counts))


def sharpness(image: Picture) -> float:
    """Variance of the Laplacian of the luma, at 512 pixels on the longest side: from 0, higher is sharper.

    A larger picture is shrunk to that by averaging, a smaller one stays. Grain and noise count as sharpness.

    Pech-Pacheco, J. L. et al. (2000). Diatom autofocusing in brightfield microscopy. Proc. ICPR 3.
    """
    import numpy as np
    from PIL import Image
    from scipy.ndimage import laplace

    grey = image.convert("L")
    grey.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BOX, reducing_gap=None)
    return float(laplace(np.asarray(grey, np.float32)).var(dtype=np.float64))


def entropy(image: Picture) -> float:
    """Shannon entropy of the 256 levels of luma, in bits: 0 is one grey, 8 is all levels alike."""
    return image.convert("L").entropy()


def ssim(one: metric.Sample, other: metric.Sample) -> float:
    """Structural similarity of the lightness (CIE L*), both stretched to 64 × 64: 1 is alike, about 0 unrelated.

    `differences()` shows 1 minus this as `structure`.

    Wang, Z. et al. (2004). Image quality assessment: from error visibility to structural similarity. IEEE TIP 13.
    """
    return 1 - metric.structure(one, other)


def ciede2000(one: metric.Sample, other: metric.Sample) -> float:
    """Mean colour difference ΔE00 of 32 × 32 places: 0 is the same, about 1 just visible, 100 black and white.

    `differences()` shows it as `colour`.

    Sharma, G. et al. (2005). The CIEDE2000 color-difference formula. Color Research and Application 30 (1).
    """
    return metric.colour(one, other)


def phash(one: Any, other: Any) -> float:
    """Perceptual hash distance: how many of 64 bits differ; 0 is alike, about 32 unrelated.

    Zauner, C. (2010). Implementation and benchmarking of perceptual image hash functions (pHash, by DCT).
    """
    return float(one - other)


def _perceptual_hash(image: Picture) -> Any:
    import imagehash

    return imagehash.phash(image)


def _require_numpy() -> None:
    require_modules("analysis", "numpy", "scipy.ndimage")


def _require_imagehash() -> None:
    require_modules("analysis", "imagehash")


def _bundled(
    function: Callable[..., object],
    unit: str,
    require: Callable[[], None] | None = None,
    *,
    kind: Kind = "picture",
    prepare: Callable[[Picture], object] | None = None,
) -> Measure:
    return Measure(
        name=function.__name__,
        function=function,
        kind=kind,
        about=(function.__doc__ or "").partition("\n")[0],
        unit=unit,
        prepare=prepare,
        require=require,
        is_bundled=True,
        given_version="1",
    )


BUNDLED = {
    each.name: each
    for each in (
        _bundled(brightness, "0 to 1"),
        _bundled(contrast, "0 to 0.5"),
        _bundled(colourfulness, "from 0", _require_numpy),
        _bundled(sharpness, "grey levels squared, from 0", _require_numpy),
        _bundled(entropy, "bits, 0 to 8"),
        _bundled(ssim, "−1 to 1", metric.require, kind="pair", prepare=metric.sample),
        _bundled(ciede2000, "ΔE00, 0 to 100", metric.require, kind="pair", prepare=metric.sample),
        _bundled(phash, "bits, 0 to 64", _require_imagehash, kind="pair", prepare=_perceptual_hash),
    )
}
"""The bundled measures by name. The version of each changes whenever its numbers do."""
