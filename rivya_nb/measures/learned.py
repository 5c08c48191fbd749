"""Measures by trained models, of packages that are imported on use (the extra `learned`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_nb.contract.text import did_you_mean, printable, short_repr
from rivya_nb.errors import Mistake, UsageError
from rivya_nb.measures.bundled import BUNDLED
from rivya_nb.measures.definition import Measure, require_modules
from rivya_nb.measures.registry import register

if TYPE_CHECKING:
    from PIL.Image import Image

    from rivya_nb.contract.request import Request

WEIGHT = 2.5
"""What CLIPScore multiplies the cosine with, so that the numbers fill most of 0 to 1."""

_OF_SETS = ("fid", "inception_score")
"""Metrics of pyiqa that measure a folder of pictures, by a part of their names."""

_HASHED = 1 << 20


def clip_score(
    model: str = "ViT-B-32", pretrained: str = "laion2b_s34b_b79k", *, device: str | None = None
) -> Measure:
    """The measure `clip_score`: how well a picture fits its prompt, by a CLIP model of open_clip.

    It is 2.5 × max(cos, 0) of the embeddings of the picture and of the prompt as it was sent: 0 is unrelated, most
    numbers are below 1. Words beyond the model's context (77 tokens for most) do not count. Numbers of different
    models do not compare. `model` and `pretrained` are names of `open_clip.list_pretrained()`, or `pretrained` is
    the file of a checkpoint; open_clip downloads weights on the first use. `device` is torch's; a GPU if there is
    one.

    Hessel, J. et al. (2021). CLIPScore: a reference-free evaluation metric for image captioning. EMNLP. There, a
    caption begins with "A photo depicts"; here, a prompt stays as it is.
    """
    weights = Path(pretrained)
    version = f"{model} {_hash_of(weights) if weights.is_file() else pretrained}"

    def scored(images: Sequence[Image], requests: Sequence[Request]) -> list[float]:
        torch = import_module("torch")
        network, preprocess, tokenizer, place = _clip(model, pretrained, device)
        with torch.inference_mode():
            pixels = torch.stack([preprocess(image) for image in images]).to(place)
            tokens = tokenizer([request.prompt for request in requests]).to(place)
            pictures = network.encode_image(pixels, normalize=True)
            words = network.encode_text(tokens, normalize=True)
            alike = (pictures * words).sum(dim=-1).clamp(min=0)
        return [WEIGHT * number for number in alike.tolist()]

    def require() -> None:
        require_modules("learned", "open_clip", "torch")
        _loaded(f"{model}, {pretrained}", lambda: _clip(model, pretrained, device))

    return register(
        Measure(
            name="clip_score",
            function=scored,
            kind="batch",
            higher_is="better",
            takes_request=True,
            about=f"How well the picture fits its prompt: CLIPScore by {model}, {weights.name}.",
            unit="0 to 2.5",
            require=require,
            given_version=version,
        )
    )


def iqa(metric: str, *, device: str | None = None) -> Measure:
    """A measure by a metric of pyiqa, under the metric's name: `rv.iqa("lpips")` makes `lpips`.

    What pyiqa calls full reference, as LPIPS and DISTS, compares each two pictures that share every value but one,
    and needs pictures of one size; what it calls no reference, as MUSIQ and NIQE, measures each picture. The names
    are those of `pyiqa.list_models()`; one that is also a bundled measure gets `pyiqa_` before it. pyiqa downloads
    weights on the first use. `device` is torch's; a GPU if there is one.

    Raises:
        UsageError: pyiqa is not installed, or has no such metric of pictures.
    """
    require_modules("learned", "pyiqa", "torch")
    known: Mapping[str, Mapping[str, Any]] = import_module("pyiqa.default_model_configs").DEFAULT_CONFIGS
    ours = [name for name in known if not any(part in name for part in _OF_SETS)]
    if metric not in ours:
        hint = did_you_mean(metric, ours) if isinstance(metric, str) else ""
        what = f"pyiqa has no metric of pictures {short_repr(metric)}; pyiqa.list_models() has all{hint}"
        raise UsageError([Mistake("iqa", what)])

    def compared(one: Image, other: Image) -> float:
        if one.size != other.size:
            sizes = " and ".join(f"{width} × {height}" for width, height in (one.size, other.size))
            raise ValueError(f"{metric} needs pictures of one size, and these have {sizes}")
        return _by_pyiqa(metric, device, one, other)

    def measured(images: Sequence[Image]) -> list[float]:
        # One by one: pictures of a batch may have different sizes.
        return [_by_pyiqa(metric, device, image) for image in images]

    is_pair = known[metric]["metric_mode"] == "FR"
    name = metric.replace("+", "_plus").replace(".", "_")
    return register(
        Measure(
            name=f"pyiqa_{name}" if name in BUNDLED else name,
            function=compared if is_pair else measured,
            kind="pair" if is_pair else "batch",
            higher_is="worse" if known[metric].get("lower_better", False) else "better",
            about=f"{metric} of pyiqa.",
            require=lambda: _loaded(metric, lambda: _iqa(metric, device)),
            given_version=f"pyiqa {metadata.version('pyiqa')}",
        )
    )


@lru_cache(maxsize=1)
def _clip(model: str, pretrained: str, device: str | None) -> tuple[Any, Any, Any, str]:
    """The network, what prepares pictures and prompts for it, and the device on which it is."""
    open_clip, place = import_module("open_clip"), _device(device)
    network, _, preprocess = open_clip.create_model_and_transforms(model, pretrained=pretrained, device=place)
    network.eval()
    return network, preprocess, open_clip.get_tokenizer(model), place


@lru_cache(maxsize=2)
def _iqa(metric: str, device: str | None) -> Any:
    return import_module("pyiqa").create_metric(metric, device=import_module("torch").device(_device(device)))


def _by_pyiqa(metric: str, device: str | None, *images: Image) -> float:
    import numpy as np

    torch, network = import_module("torch"), _iqa(metric, device)
    pixels = [torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255 for image in images]
    with torch.inference_mode():
        return float(network(*pixels).item())


def _device(wanted: str | None) -> str:
    return wanted or ("cuda" if import_module("torch").cuda.is_available() else "cpu")


def _loaded(what: str, load: Callable[[], object]) -> None:
    """Load a model before anything is measured, so that trouble is told once.

    Raises:
        UsageError: it cannot be loaded; the message has the reason.
    """
    try:
        load()
    except Exception as error:
        # Packages raise errors of any kind where weights cannot be downloaded or do not fit.
        why = printable(f"{type(error).__name__}: {error}", 200)
        raise UsageError([Mistake("measure", f"the model {what} cannot be loaded ({why})")]) from error


def _hash_of(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(_HASHED):
            digest.update(part)
    return digest.hexdigest()[:16]
