"""Decoding what others made: what keeps a picture from being seen, and how many are decoded at one time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from imaging.samples import BOMBS, HEIC, SIZE, WHOLE, encoded, noise, png_chunk, several, with_chunks
from rivya_nb.errors import PictureError
from rivya_nb.imaging import pixels
from rivya_nb.imaging.decoding import TooManyPixelsError, decoded, load
from rivya_nb.imaging.pixels import PixelBudget

TIMEOUT = 60


def put(folder: Path, data: bytes) -> Path:
    path = folder / "picture"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("behind", [False, True], ids=["before the pixels", "behind them"])
@pytest.mark.parametrize("name", sorted(BOMBS))
def test_what_a_png_says_beside_its_pixels_does_not_hide_them(
    tmp_path: Path, name: str, behind: bool
) -> None:
    path = put(tmp_path, with_chunks(BOMBS[name], behind=behind))
    with decoded(path) as image:
        assert image.tobytes() == noise().tobytes()
    assert load(path).tobytes() == noise().tobytes()


def test_text_of_ordinary_length_stays_with_the_picture(tmp_path: Path) -> None:
    data = with_chunks(png_chunk(b"tEXt", b"parameters\0a bottle"))
    assert load(put(tmp_path, data)).info["parameters"] == "a bottle"


def test_damaged_pixels_are_no_picture(tmp_path: Path) -> None:
    data = bytearray(with_chunks(BOMBS["zTXt"]))
    data[-200] ^= 1
    with pytest.raises(PictureError, match="The PNG is damaged"):
        load(put(tmp_path, bytes(data)))


def test_a_malformed_list_of_pictures_in_a_jpeg_is_no_matter(tmp_path: Path) -> None:
    data = bytearray(several("MPO"))
    at = data.index(b"MPF\0") + 4
    data[at : at + 40] = b"MM\0*" + bytes([0xEE] * 36)
    image = load(put(tmp_path, bytes(data)))
    assert (image.format, image.size) == ("JPEG", SIZE)


def test_an_animation_can_be_leafed_through(tmp_path: Path) -> None:
    image = load(put(tmp_path, WHOLE["animated GIF"]))
    image.seek(2)
    assert image.tell() == 2


def test_what_cannot_be_decoded_here_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        PictureError, match="a HEIC: Pillow cannot decode it here; install the package pillow-heif"
    ):
        load(put(tmp_path, HEIC))


def test_a_picture_above_the_limit_is_refused_and_one_below_decoded_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, encoded("PNG"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIZE[0] * SIZE[1] * 2 // 3)
    assert load(path).size == SIZE
    monkeypatch.setattr("rivya_nb.imaging.decoding.MAX_PIXELS", 1199)
    with pytest.raises(TooManyPixelsError, match="more than 1,199 pixels"):
        load(path)


class Gate:
    """Threads that each hold some pixels of a budget until they are let go."""

    def __init__(self, total: int) -> None:
        self.budget = PixelBudget(total)
        self.inside: list[str] = []
        self.changed = threading.Condition()
        self.threads: list[threading.Thread] = []
        self.leaves: dict[str, threading.Event] = {}

    def enter(self, name: str, count: int) -> None:
        leave = self.leaves[name] = threading.Event()

        def hold() -> None:
            with self.budget.taking(count):
                self._note(name)
                assert leave.wait(TIMEOUT)
                with self.changed:
                    self.inside.remove(name)
                    self.changed.notify_all()

        self.threads.append(threading.Thread(target=hold))
        self.threads[-1].start()

    def leave(self, name: str) -> None:
        self.leaves[name].set()

    def _note(self, name: str) -> None:
        with self.changed:
            self.inside.append(name)
            self.changed.notify_all()

    def until(self, *names: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: sorted(self.inside) == sorted(names), TIMEOUT), self.inside

    def close(self) -> None:
        for leave in self.leaves.values():
            leave.set()
        for thread in self.threads:
            thread.join(TIMEOUT)


def test_large_pictures_are_decoded_one_after_another_and_small_ones_side_by_side() -> None:
    gate = Gate(100)
    gate.enter("large", 90)
    gate.until("large")
    gate.enter("small", 5)
    gate.until("large", "small")
    gate.enter("second", 90)
    gate.leave("small")
    gate.enter("third", 300)
    gate.until("large")
    gate.leave("large")
    gate.until("second")
    gate.leave("second")
    gate.until("third")
    gate.close()


def test_what_came_first_is_not_overtaken_for_ever() -> None:
    gate = Gate(100)
    gate.enter("small", 60)
    gate.until("small")
    gate.enter("large", 100)
    with gate.budget._changed:
        assert gate.budget._changed.wait_for(lambda: len(gate.budget._waiting) == 1, TIMEOUT)
    gate.enter("late", 10)
    gate.leave("small")
    gate.until("large")
    gate.leave("large")
    gate.until("late")
    gate.close()


def test_every_picture_that_is_decoded_is_counted_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = PixelBudget(5000)
    monkeypatch.setattr("rivya_nb.imaging.decoding.BUDGET", budget)
    path = put(tmp_path, encoded("PNG"))
    with decoded(path):
        assert budget._free == 5000 - SIZE[0] * SIZE[1]
    with pytest.raises(PictureError), decoded(put(tmp_path, encoded("PNG")[:-300])):
        pass
    assert budget._free == 5000


def test_memory_is_given_back_between_large_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(pixels, "_give_back_memory", lambda: given.append(budget._free))
    budget = PixelBudget(50_000_000)
    with budget.taking(20_000_000):
        pass
    with budget.taking(1000):
        pass
    assert given == [30_000_000]
