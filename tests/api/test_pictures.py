"""Fetching pictures: what is accepted, what is refused and in which words, and that nothing half is left."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import random
from pathlib import Path
from urllib.parse import quote

import pytest
from imaging.samples import BOMBS, FILM, HEIC, SIZE, WHOLE, with_chunks
from media.samples import SAMPLES, sample
from PIL import Image, ImageFile

from api.scripted import (
    IMPATIENT,
    KEY,
    PATIENT,
    Action,
    Scripted,
    answer,
    capped,
    fetcher_of,
    raw,
    reset,
    scripted,
    silence,
)
from rivya_nb.api.address import is_public, literal
from rivya_nb.api.caps import Cap
from rivya_nb.api.hosts import check_target
from rivya_nb.api.results import FetchedFile, ResultFetcher
from rivya_nb.contract.media import Medium
from rivya_nb.errors import PictureError


def encoded(kind: str, size: tuple[int, int] = (48, 32), **options: object) -> bytes:
    noise = random.Random(1).randbytes(size[0] * size[1] * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", size, noise).save(out, kind, **options)
    return out.getvalue()


PNG = encoded("PNG")
OK = answer(200, PNG, {"Content-Type": "image/png"})
PAGE = answer(200, b"<!doctype html><p>sign in")
CUT = answer(200, PNG[:-40])


def fetch(folder: Path, *actions: Action, max_bytes: int = 1_000_000) -> tuple[FetchedFile, Scripted]:
    async def main() -> tuple[FetchedFile, Scripted]:
        async with scripted(*actions) as service:
            fetcher = fetcher_of(service, max_bytes=max_bytes)
            try:
                return await fetcher.fetch(f"{service.origin}/p/1.png?signature=s3cret", folder), service
            finally:
                await fetcher.aclose()

    return asyncio.run(main())


def refused(folder: Path, *actions: Action, max_bytes: int = 1_000_000) -> str:
    """The message of a fetch that fails; nothing of it stays, and nothing in it gives the address away."""
    with pytest.raises(PictureError) as caught:
        fetch(folder, *actions, max_bytes=max_bytes)
    assert list(folder.iterdir()) == []
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_a_whole_picture_is_kept_byte_for_byte(tmp_path: Path, kind: str, mime: str) -> None:
    data = encoded(kind)
    picture, service = fetch(tmp_path, answer(200, data, {"Content-Type": "text/plain"}))
    assert picture.path.read_bytes() == data
    assert picture.path.parent == tmp_path
    assert picture.inspected.sha256 == hashlib.sha256(data).hexdigest()
    assert (picture.inspected.mime_type, picture.inspected.width, picture.inspected.height) == (
        f"image/{mime}",
        48,
        32,
    )
    assert picture.inspected.size == len(data)
    assert service.received[0].path == "/p/1.png?signature=s3cret"


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_picture_of_any_format_is_kept_with_its_size(tmp_path: Path, name: str) -> None:
    picture, _ = fetch(tmp_path, answer(200, WHOLE[name]))
    assert picture.path.read_bytes() == WHOLE[name]
    assert picture.inspected.mime_type.startswith("image/")
    with Image.open(io.BytesIO(WHOLE[name])) as image:
        assert (picture.inspected.width, picture.inspected.height) == image.size


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (HEIC, "image/heic"),
        (b"\xff\x0a" + bytes(50), "image/jxl"),
        (b"\x76\x2f\x31\x01" + bytes(50), "image/x-exr"),
        (
            b'<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="http://www.w3.org/2000/svg"></svg>',
            "image/svg+xml",
        ),
    ],
)
def test_a_picture_that_cannot_be_decoded_here_is_kept_all_the_same(
    tmp_path: Path, data: bytes, mime_type: str
) -> None:
    picture, _ = fetch(tmp_path, answer(200, data))
    assert picture.path.read_bytes() == data
    assert (picture.inspected.mime_type, picture.inspected.width, picture.inspected.height) == (
        mime_type,
        0,
        0,
    )


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_text_beside_the_pixels_costs_no_picture(tmp_path: Path, name: str) -> None:
    data = with_chunks(BOMBS[name])
    picture, _ = fetch(tmp_path, answer(200, data), max_bytes=10_000_000)
    assert picture.path.read_bytes() == data
    assert (picture.inspected.width, picture.inspected.height) == SIZE


def test_a_motion_photo_is_kept_with_its_film(tmp_path: Path) -> None:
    data = encoded("JPEG") + FILM
    assert fetch(tmp_path, answer(200, data))[0].path.read_bytes() == data


@pytest.mark.parametrize("url", ["/p/1.png", "p/1.png", "//{host}/p/1.png"])
def test_a_relative_address_is_the_services(tmp_path: Path, url: str) -> None:
    async def main() -> None:
        async with scripted(OK) as service:
            fetcher = fetcher_of(service)
            given = url.format(host=service.origin.partition("//")[2])
            if given.startswith("//"):
                # Its scheme is the service's own.
                assert service.origin.startswith("http:")
            await fetcher.fetch(given, tmp_path)
            await fetcher.aclose()
            assert service.received[0].path == "/p/1.png"

    asyncio.run(main())


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "DATA:;charset=utf-8;BASE64," + base64.urlsafe_b64encode(PNG).decode().rstrip("="),
        "data:," + quote(PNG),
    ],
    ids=["base64", "for addresses", "percent"],
)
def test_a_data_address_is_the_picture(tmp_path: Path, url: str) -> None:
    async def main() -> FetchedFile:
        return await ResultFetcher("https://rivya.ai").fetch(url, tmp_path)

    assert asyncio.run(main()).path.read_bytes() == PNG


def test_a_long_data_address_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    really = base64.b64decode

    def noting(letters: bytes, validate: bool) -> bytes:
        read.append(len(letters))
        return really(letters, validate=validate)

    picture = encoded("PNG", (1200, 800)) + b"\0"
    monkeypatch.setattr(base64, "b64decode", noting)
    url = "data:image/png;base64," + base64.b64encode(picture).decode().rstrip("=")
    found = asyncio.run(ResultFetcher("https://rivya.ai").fetch(url, tmp_path))
    assert found.path.read_bytes() == picture
    # Python does nothing else while a piece is decoded.
    assert max(read) < 1 << 20 < sum(read)


@pytest.mark.parametrize("behind", ["A" * 4, "A" * 600_000, "=" * 4])
def test_a_data_address_that_goes_on_behind_its_padding_is_damaged(tmp_path: Path, behind: str) -> None:
    url = "data:image/png;base64," + "AAAA" * 200_000 + "AA==" + behind
    with pytest.raises(PictureError, match="damaged"):
        asyncio.run(ResultFetcher("https://rivya.ai").fetch(url, tmp_path))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("data:image/png;base64", "not a whole data URL"),
        ("data:image/png;base64,a", "damaged|Nothing came"),
        ("data:text/html,<p>sign in", "A web page"),
        ("data:image/png;base64," + "A" * 2000, "more than 0.001 MB"),
        ("data:image/png;base64," + base64.b64encode(PNG[:-20]).decode()[:1000], "cut short"),
        ("  ", "not a web address"),
    ],
)
def test_a_data_address_that_is_no_picture_is_told(tmp_path: Path, url: str, said: str) -> None:
    async def main() -> None:
        with pytest.raises(PictureError, match=said):
            await ResultFetcher("https://rivya.ai", cap_of=capped(1000)).fetch(url, tmp_path)

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_not_sent_to_a_pictures_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIVYA_API_KEY", KEY)
    _, service = fetch(tmp_path, OK)
    assert KEY not in repr(service.received)
    assert "authorization" not in service.received[0].headers


def test_a_compressed_transfer_gives_the_picture_itself(tmp_path: Path) -> None:
    picture, _ = fetch(tmp_path, answer(200, gzip.compress(PNG), {"Content-Encoding": "gzip"}))
    assert picture.path.read_bytes() == PNG


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("missing", [1, 5, 16, 400])
@pytest.mark.parametrize("lenient", [False, True], ids=["", "LOAD_TRUNCATED_IMAGES"])
def test_a_picture_that_is_cut_short_is_refused(
    tmp_path: Path, kind: str, missing: int, lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    assert f"The {kind} is " in refused(tmp_path, answer(200, encoded(kind)[:-missing]))


def test_a_preview_inside_a_jpeg_does_not_make_up_for_its_missing_end(tmp_path: Path) -> None:
    exif = b"Exif\x00\x00" + encoded("JPEG", (16, 16))
    assert "cut short" in refused(tmp_path, answer(200, encoded("JPEG", exif=exif)[:-2]))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!doctype html><p>sign in", "A web page (HTML)"),
        (b"", "Nothing came"),
        (b'{"error": {}}', "JSON came"),
        (b"ftypmp42" + bytes(40), "a PNG, JPEG or WebP was expected"),
        (b"\x89PNG\r\n\x1a\n" + b"IEND\xaeB`\x82", "The PNG is damaged"),
    ],
)
def test_what_is_no_picture_is_told_as_what_it_is(tmp_path: Path, body: bytes, said: str) -> None:
    assert said in refused(tmp_path, answer(200, body, {"Content-Type": "image/png"}))


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("1", (14_000, 13_000)).save(out, "PNG")
    assert "178,956,970" in refused(tmp_path, answer(200, out.getvalue()))


@pytest.mark.parametrize("told", [True, False])
def test_a_picture_with_too_many_bytes_is_refused(tmp_path: Path, told: bool) -> None:
    head = f"Content-Length: {len(PNG)}\r\n" if told else "Connection: close\r\n"
    page = raw(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + PNG)
    assert "more than 0.001 MB" in refused(tmp_path, page, max_bytes=1000)


def test_a_compressed_flood_is_refused(tmp_path: Path) -> None:
    flood = gzip.compress(bytes(5_000_000))
    assert "more than 1 MB" in refused(tmp_path, answer(200, flood, {"Content-Encoding": "gzip"}))


@pytest.mark.parametrize(("status", "said"), [(403, "access denied"), (404, "not found"), (410, "gone")])
def test_a_picture_that_is_not_given_out_is_asked_for_once(tmp_path: Path, status: int, said: str) -> None:
    assert f"answered {status}, {said}" in refused(tmp_path, answer(status, b"<Error/>"), OK)


@pytest.mark.parametrize(
    "fault",
    [
        reset(after_reading=False),
        reset(after_reading=True),
        silence(),
        answer(503, b"busy"),
        answer(429, b"busy", {"Retry-After": "0"}),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + PNG[:50]),
        CUT,
        PAGE,
        answer(200, b""),
        answer(200, PNG[:60] + bytes(200) + PNG[260:]),
        answer(200, gzip.compress(PNG)[:-20], {"Content-Encoding": "gzip"}),
    ],
    ids=[
        "reset unread",
        "reset",
        "silence",
        "503",
        "429",
        "cut off",
        "cut",
        "HTML",
        "nothing",
        "damaged",
        "cut gzip",
    ],
)
def test_a_passing_fault_is_repeated(tmp_path: Path, fault: Action) -> None:
    picture, service = fetch(tmp_path, fault, fault, OK)
    assert picture.path.read_bytes() == PNG
    assert service.connections == IMPATIENT.attempts
    assert list(tmp_path.iterdir()) == [picture.path]


def test_a_picture_that_never_comes_whole_is_asked_for_as_often_as_any_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted(PAGE, CUT) as service:
            fetcher = fetcher_of(service)
            with pytest.raises(PictureError, match="The PNG is cut short after"):
                await fetcher.fetch(f"{service.origin}/1.png", tmp_path)
            await fetcher.aclose()
            assert len(service.received) == IMPATIENT.attempts

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_get_better_is_asked_for_once(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("1", (14_000, 13_000)).save(out, "PNG")
    for body, said in ((out.getvalue(), "pixels"), (bytes(2_000_000), "more than 1 MB")):
        assert said in refused(tmp_path, answer(200, body), OK)


def test_a_lasting_fault_is_a_message(tmp_path: Path) -> None:
    assert "could not be fetched" in refused(tmp_path, silence())


def test_a_redirect_on_this_machine_is_followed_for_a_service_on_it(tmp_path: Path) -> None:
    picture, service = fetch(tmp_path, answer(302, b"", {"Location": "/elsewhere.png"}), OK)
    assert picture.inspected.size == len(PNG)
    assert [sent.path for sent in service.received][1] == "/elsewhere.png"


def test_endless_redirects_end(tmp_path: Path) -> None:
    assert "redirects more than 3 times" in refused(tmp_path, answer(302, b"", {"Location": "/again"}))


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://10.0.0.1/x", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
        ("http://example.com/x.png", "https is needed"),
        ("file:///etc/passwd", "not a web address"),
        ("http://[::1/", "could not be fetched"),
    ],
)
def test_a_redirect_to_where_no_picture_may_come_from_is_refused(
    tmp_path: Path, location: str, said: str
) -> None:
    assert said in refused(tmp_path, answer(302, b"", {"Location": location}))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/1.png",
        "https://127.0.0.1:{port}/1.png",
        "https://localhost:{port}/1.png",
        "https://[::1]:{port}/1.png",
        "https://0.0.0.0:{port}/1.png",
        "https://user@127.0.0.1:{port}/1.png",
        "https:///1.png",
        "https://exa mple.com/1.png",
        "//127.0.0.1/1.png",
        "",
    ],
)
def test_a_service_elsewhere_cannot_point_at_this_machine(tmp_path: Path, url: str) -> None:
    async def main() -> None:
        async with scripted(OK) as service:
            fetcher = ResultFetcher("https://rivya.ai", timeout=0.3, retries=IMPATIENT)
            port = service.origin.rpartition(":")[2]
            with pytest.raises(PictureError):
                await fetcher.fetch(url.format(port=port), tmp_path)
            await fetcher.aclose()
            assert service.connections == 0

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700:4700::1111", True),
        ("64:ff9b::101:101", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:a00:1::", False),
        ("64:ff9b:1::a00:1", False),
        ("::ffff:0:10.0.0.1", False),
        ("::a00:1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fd00::1", False),
    ],
)
def test_an_address_is_private_in_whatever_disguise(text: str, public: bool) -> None:
    address = literal(text)
    assert address is not None
    assert is_public(address) is public


def test_what_was_checked_is_what_is_connected_to() -> None:
    target = asyncio.run(check_target("https://1.1.1.1/a%20b?c=d#e", loopback=False, proxies=False))
    assert target.url_at(target.addresses[0]) == "https://1.1.1.1:443/a%20b?c=d"
    assert target.named == "1.1.1.1"


def test_a_folder_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No picture can be written to"):
        fetch(tmp_path / "gone", OK)


def test_a_cancelled_download_leaves_no_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with scripted(silence()) as service:
            fetcher = ResultFetcher(service.origin)
            task = asyncio.create_task(fetcher.fetch(f"{service.origin}/1.png", tmp_path))
            await service.called.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await fetcher.aclose()

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


FILM_HEAD = sample("fast.mp4")[:4200]
FOUR_GB = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n" + FILM_HEAD)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_video_or_sound_is_kept_byte_for_byte(tmp_path: Path, name: str) -> None:
    data, known = sample(name), SAMPLES[name]
    # Neither the name in the address nor what the server says decides.
    got, _ = fetch(tmp_path, answer(200, data, {"Content-Type": "image/png"}))
    found = got.inspected
    assert got.path.read_bytes() == data
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert (found.medium, found.mime_type, found.size) == (known.medium, known.mime_type, len(data))
    assert (found.width, found.height) == known.size
    assert found.duration == pytest.approx(known.duration, abs=0.01)


@pytest.mark.parametrize("name", ["film.mp4", "film.webm", "sound.mp3", "sound.wav", "sound.ogg"])
def test_a_video_or_sound_that_is_cut_is_fetched_again(tmp_path: Path, name: str) -> None:
    data = sample(name)
    got, service = fetch(tmp_path, answer(200, data[:-9]), answer(200, data))
    assert got.path.read_bytes() == data
    assert len(service.received) == 2
    got.path.unlink()
    assert "is cut short after" in refused(tmp_path, answer(200, data[:-9]))


def test_a_film_of_four_gigabytes_is_refused_by_what_its_head_says(tmp_path: Path) -> None:
    async def main() -> int:
        async with scripted(FOUR_GB) as service:
            fetcher = ResultFetcher(service.origin, timeout=PATIENT, retries=IMPATIENT)
            with pytest.raises(
                PictureError, match=r"The video has more than 1,000 MB; RIVYA_MAX_VIDEO_MB raises"
            ):
                await fetcher.fetch(service.origin, tmp_path, expected="video")
            await fetcher.aclose()
            return len(service.received)

    assert asyncio.run(main()) == 1
    assert list(tmp_path.iterdir()) == []


def test_each_medium_has_a_cap_of_its_own(tmp_path: Path) -> None:
    def cap_of(medium: Medium) -> Cap:
        return Cap(medium, {"image": 1_000, "video": 6_000, "audio": 3_000}[medium])

    async def main(data: bytes, head: bytes = b"") -> FetchedFile:
        async with scripted(
            raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n" + data)
        ) as service:
            fetcher = ResultFetcher(service.origin, cap_of=cap_of, timeout=PATIENT, retries=IMPATIENT)
            return await fetcher.fetch(service.origin, tmp_path)

    film = sample("film.mp4")
    for head in (b"", b"Content-Length: %d\r\n" % len(film)):
        # A picture was expected.
        assert asyncio.run(main(film, head)).inspected.medium == "video"
    with pytest.raises(PictureError, match=r"The sound has more than 0\.003 MB"):
        asyncio.run(main(sample("sound.wav")))
    with pytest.raises(PictureError, match=r"The video has more than 0\.006 MB"):
        asyncio.run(main(film + bytes(5_000)))


def test_a_film_that_is_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = answer(200, sample("film.mp4"))

    async def main() -> FetchedFile:
        async with scripted(page) as service:
            return await ResultFetcher(service.origin, timeout=PATIENT).fetch(service.origin, tmp_path)

    monkeypatch.setenv("RIVYA_MAX_VIDEO_SECONDS", "0.4")
    with pytest.raises(
        PictureError, match=r"The video is longer than 0\.4 s; RIVYA_MAX_VIDEO_SECONDS raises"
    ):
        asyncio.run(main())
    monkeypatch.setenv("RIVYA_MAX_VIDEO_SECONDS", "a minute")
    with pytest.raises(
        PictureError, match="RIVYA_MAX_VIDEO_SECONDS is 'a minute'; it is a number such as 3600"
    ):
        asyncio.run(main())
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("RIVYA_MAX_VIDEO_SECONDS", "0.5")
    assert asyncio.run(main()).inspected.duration == 0.5


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (answer(200, b"A text that is called clip.mp4"), "that is known here; an MP4 or WebM was expected"),
        (answer(404, b""), "answered 404, not found, where a video was expected"),
        (silence(), "The video could not be fetched: "),
    ],
)
def test_what_was_expected_is_named(tmp_path: Path, page: Action, said: str) -> None:
    async def main() -> None:
        async with scripted(page) as service:
            await fetcher_of(service).fetch(service.origin, tmp_path, expected="video")

    with pytest.raises(PictureError, match=said):
        asyncio.run(main())
