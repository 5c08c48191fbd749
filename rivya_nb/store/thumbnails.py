"""Small pictures of the originals, kept on disk: grids and contact sheets are drawn from them.

Decoding an original of 2048 × 2048 pixels takes some 200 ms, its small picture 3. They are a cache: a missing
or damaged one is made again from the original. The small picture of a video is its poster, that of a sound its
waveform; where neither can be made here, it is a card, which is drawn each time and not kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_nb.errors import PictureError
from rivya_nb.files import replace_file
from rivya_nb.imaging.decoding import decoded
from rivya_nb.imaging.encoding import encode
from rivya_nb.imaging.shrinking import GAP, Box, shrunk
from rivya_nb.media.suffixes import named_medium

if TYPE_CHECKING:
    from PIL import Image

BOX = WIDTH, HEIGHT = (1152, 512)
"""The most pixels of a small picture: the rows of a contact sheet are 512 high, and its pictures at most 2.2
times as wide."""

OUTPUT_BOX, OUTPUT_BYTES = (576, 256), 6_000
"""The most pixels and bytes of the picture that outputs with many pictures show. It is made when the picture is
delivered, so that no grid of any shape has to encode it."""

_QUALITY = 90


class Thumbnails:
    """The small pictures of one store: `thumbnails/ab/abcd…-512.jpg`, some 2 % of the originals' size.

    Beside them are the pictures of outputs, a few kB each: `abcd…-576x256-6000.webp` for grids of many pictures,
    and one for each other shape of grid.

    Every method may be called from any thread and process. They are slow for a new picture (up to 500 ms):
    call them off the event loop.
    """

    def __init__(self, folder: Path, incoming: Path) -> None:
        self.folder = folder
        self._incoming = incoming

    def prepare(self, original: Path, image: Image.Image | None = None) -> None:
        """Make the small pictures of an original, if they do not exist; errors are ignored. `image` is the picture
        in `BOX`, where it was decoded already."""
        with suppress(PictureError):
            if any(path.is_file() for path in self.shared(original)[:2]):
                return
            image = self._make(original, image)
            if self._is_card(original):
                return
            image.thumbnail(OUTPUT_BOX, reducing_gap=GAP)
            shown = encode(image, OUTPUT_BYTES)
            if shown is not None:
                self.keep(original, OUTPUT_BOX, OUTPUT_BYTES, shown.data)

    def load(self, original: Path, box: Box) -> Image.Image:
        """The picture upright and shrunk into `box` (width, height in pixels), as RGB or RGBA.

        Raises:
            PictureError: the original is gone, or cannot be read as a picture.
        """
        if self.is_lost(original):
            raise PictureError(f"the picture {original.name} cannot be read: its file is gone")
        if box[0] > WIDTH or box[1] > HEIGHT:
            self.bring(original)
            return decode(original, box)
        small = self._find(original)
        if small is not None:
            # If the cached picture is damaged, it is made again.
            with suppress(PictureError):
                return decode(small, box)
        image = self._make(original)
        self.share(original)
        image.thumbnail(box, reducing_gap=GAP)
        return image

    def kept(self, original: Path, box: Box, max_bytes: int) -> bytes | None:
        """The WebP that was kept for outputs of this size; None if there is no whole one."""
        if self.is_lost(original):
            return None
        path = self._path(original, _name(box, max_bytes), ".webp")
        if box == OUTPUT_BOX:
            self.bring(path)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        return data if len(data) == int.from_bytes(data[4:8], "little") + 8 else None

    def keep(self, original: Path, box: Box, max_bytes: int, data: bytes) -> None:
        """Keep a WebP made of an original for outputs; errors are ignored."""
        if not self._is_card(original):
            path = self._path(original, _name(box, max_bytes), ".webp")
            self._put(path, lambda part: part.write_bytes(data))

    def preview(self, original: Path) -> tuple[str, bytes] | None:
        """The MIME type and the bytes of what plays in the place of a video or sound, made if it is not kept; None
        if there is none. PictureError if the original cannot be brought to this machine."""
        if self.is_lost(original):
            return None
        medium = named_medium(original.name)
        path = self._path(original, "preview", ".webm")
        with suppress(OSError):
            return f"{medium}/webm", path.read_bytes()
        # Imported only where a video or sound is met.
        from rivya_nb.media.previews import make_preview

        self.bring(original)
        made = make_preview(original)
        if made is None or not made[0].endswith("/webm"):
            return made
        data = made[1]
        self._put(path, lambda part: part.write_bytes(data))
        return made

    def derived(self, original: Path, name: str, make: Callable[[Path], bytes]) -> bytes:
        """What `make` makes of an original: made once, and kept under this name as long as the original is. What
        `make` raises is raised; PictureError if the original is gone."""
        if self.is_lost(original):
            raise PictureError(f"{original.name} is gone")
        path = self._path(original, name, ".webm")
        with suppress(OSError):
            return path.read_bytes()
        self.bring(original)
        made = make(original)
        self._put(path, lambda part: part.write_bytes(made))
        return made

    def _is_card(self, original: Path) -> bool:
        """Whether what stands for a video or sound is a card, which a poster may replace."""
        return named_medium(original.name) in ("video", "audio") and not any(
            path.is_file() for path in self.shared(original)[:2]
        )

    def is_lost(self, original: Path) -> bool:
        """Whether an original is known to be gone."""
        return not original.is_file()

    def bring(self, path: Path) -> None:
        """Bring a file to its place on this machine, if it is elsewhere. PictureError if that fails."""

    def share(self, original: Path) -> None:
        """Let other machines have the small pictures of an original; errors are ignored."""

    def shared(self, original: Path) -> list[Path]:
        """Where the small pictures of an original are that each machine needs."""
        names = ((str(HEIGHT), ".jpg"), (str(HEIGHT), ".webp"), (_name(OUTPUT_BOX, OUTPUT_BYTES), ".webp"))
        return [self._path(original, *name) for name in names]

    def _find(self, original: Path) -> Path | None:
        for path in self.shared(original)[:2]:
            self.bring(path)
            if path.is_file():
                return path
        return None

    def _path(self, original: Path, name: str, suffix: str) -> Path:
        return self.folder / original.stem[:2] / f"{original.stem}-{name}{suffix}"

    def _make(self, original: Path, image: Image.Image | None = None) -> Image.Image:
        if image is None:
            self.bring(original)
            image, is_true = _read(original, BOX)
            if not is_true:
                return image
        opaque = image.mode == "RGB"

        def write(part: Path) -> None:
            # JPEG is decoded five times as fast as WebP, which is only needed for transparency.
            if opaque:
                image.save(part, "JPEG", quality=_QUALITY, subsampling=0)
            else:
                image.save(part, "WEBP", quality=_QUALITY, method=0)

        self._put(self._path(original, str(HEIGHT), ".jpg" if opaque else ".webp"), write)
        return image

    def _put(self, path: Path, write: Callable[[Path], object]) -> None:
        part = self._incoming / f"{uuid.uuid4().hex}.part"
        # If the disk is full or read-only, the picture in memory is used.
        with suppress(OSError):
            # The store's own folder is not created: it may have been moved, and may come back.
            for folder in (self.folder, self._incoming, path.parent):
                folder.mkdir(exist_ok=True)
            try:
                write(part)
                replace_file(path, part)
            finally:
                part.unlink(missing_ok=True)


def _name(box: Box, max_bytes: int) -> str:
    return f"{box[0]}x{box[1]}-{max_bytes}"


def decode(path: Path, box: Box) -> Image.Image:
    """A picture, upright and shrunk into `box` pixels, as RGB or RGBA; a JPEG is decoded at a fraction of its
    size. Of a video or sound, its poster.

    Raises:
        PictureError: the file cannot be read as a picture.
    """
    return _read(path, box)[0]


def _read(path: Path, box: Box) -> tuple[Image.Image, bool]:
    """The same; False if it is only a card."""
    if named_medium(path.name) in ("video", "audio"):
        # Imported only where a video or sound is met.
        from rivya_nb.media.posters import make_poster

        return make_poster(path, box)
    try:
        with decoded(path, box=box) as image:
            return shrunk(image, box), True
    except (OSError, PictureError) as error:
        raise PictureError(f"the picture {path.name} cannot be read: {error}") from error
