"""Whole or cut: decided by walking a file's parts, for files that were cut and for headers that lie."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.samples import FOLDER, SAMPLES, box, sample
from rivya_nb.media.boxes import Box, chunks_of
from rivya_nb.media.facts import read_facts
from rivya_nb.media.formats import FORMATS, HEADER_BYTES, find_kind
from rivya_nb.media.structure import walk
from rivya_nb.media.walking import Steps, Walked

DATA: Mapping[str, bytes] = {name: sample(name) for name in SAMPLES}

WHOLE = [name for name, known in SAMPLES.items() if known.whole]
# Without its tag at the end, a sound is whole all the same.
ENDING = [name for name in SAMPLES if name != "tagged.mp3"]


def walked(data: bytes, like: str) -> Walked:
    """What a walk by the format of a sample finds in other bytes."""
    kind = find_kind(DATA[like][:HEADER_BYTES])
    assert kind in FORMATS
    return walk(data, kind)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_file_is_whole_or_does_not_tell(name: str) -> None:
    assert walked(DATA[name], name).whole is SAMPLES[name].whole


@pytest.mark.parametrize("name", ENDING)
@given(cut=st.data())
@settings(max_examples=20, deadline=None)
def test_a_file_that_lacks_its_last_bytes_is_never_whole(name: str, cut: st.DataObject) -> None:
    data = DATA[name]
    assert not walked(data[: cut.draw(st.integers(1, len(data) - 1))], name).whole


@pytest.mark.parametrize("name", WHOLE)
def test_each_single_byte_counts(name: str) -> None:
    data = DATA[name]
    assert [end for end in range(len(data) - 100, len(data)) if walked(data[:end], name).whole] == []


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "piped.wav"])
def test_half_a_file_is_cut(name: str) -> None:
    # Wherever it is cut, but for the few places between two parts.
    data = DATA[name]
    found = [walked(data[:end], name).whole for end in range(len(data) // 2, len(data) // 2 + 40)]
    assert found.count(False) > 30


@pytest.mark.parametrize("more", [b"\r\n", bytes(64), b"<!-- served from the cache -->"])
@pytest.mark.parametrize("name", WHOLE)
def test_what_follows_a_file_says_nothing_against_it(name: str, more: bytes) -> None:
    # The sum that ends a FLAC says only whether it ends with these bytes.
    is_sum_lost = name.endswith(".flac") and any(more)
    assert walked(DATA[name] + more, name).whole is (None if is_sum_lost else True)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_nothing_that_is_damaged_raises(name: str, data: st.DataObject) -> None:
    spoiled = bytearray(DATA[name])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x11]))
    walked(bytes(spoiled), name)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.binary(max_size=400))
@settings(max_examples=10, deadline=None)
def test_nothing_at_all_raises(name: str, data: bytes) -> None:
    walked(data, name)
    walked(DATA[name][:40] + data, name)


KINDS = [
    *(
        b"moov",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"mvhd",
        b"tkhd",
        b"mdhd",
        b"hdlr",
        b"stsd",
        b"stts",
        b"stsc",
    ),
    *(
        b"stsz",
        b"stco",
        b"edts",
        b"elst",
        b"moof",
        b"traf",
        b"tfhd",
        b"trun",
        b"mvex",
        b"trex",
        b"sidx",
        b"udta",
    ),
]


@given(
    made=st.recursive(
        st.tuples(st.sampled_from(KINDS), st.binary(max_size=24)).map(lambda each: box(*each)),
        lambda inner: st.tuples(st.sampled_from(KINDS), st.lists(inner, max_size=3)).map(
            lambda each: box(each[0], b"".join(each[1]))
        ),
    )
)
@settings(max_examples=60, deadline=None)
def test_boxes_of_any_content_in_any_order_raise_nothing(made: bytes) -> None:
    walked(box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", made), "film.mp4")


def test_a_head_that_ends_with_the_file_raises_nothing() -> None:
    assert not walked(box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", box(b"mvhd", b"")), "film.mp4").whole


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def test_sound_data_in_an_mp4_may_have_a_long_size() -> None:
    data = DATA["film.mov"]
    at = data.index(b"wide") - 4
    size = int.from_bytes(data[at + 8 : at + 12], "big")
    long = patched(data, at, struct.pack(">I4sQ", 1, b"mdat", size + 8))
    assert walked(long, "film.mov").whole is True
    assert walked(long[:-1], "film.mov").whole is False


def test_the_last_box_of_an_mp4_may_have_no_size() -> None:
    data = DATA["fast.mp4"]
    at = data.rindex(b"mdat") - 4
    open_ended = patched(data, at, bytes(4))
    assert walked(open_ended, "fast.mp4").whole is True
    assert walked(open_ended[:-1], "fast.mp4").whole is False


@pytest.mark.parametrize("size", [2**31, 2**32 - 1, 100_000])
@pytest.mark.parametrize("kind", [b"mdat", b"moov"])
def test_an_mp4_whose_header_claims_more_than_there_is_is_cut(kind: bytes, size: int) -> None:
    data = DATA["film.mp4"]
    lying = patched(data, data.index(kind) - 4, size.to_bytes(4, "big"))
    assert walked(lying, "film.mp4").whole is False


def test_an_mp4_whose_samples_lie_past_its_end_is_cut_though_its_boxes_are_whole() -> None:
    data = DATA["fast.mp4"]
    at = data.index(b"stco") + 12
    place = int.from_bytes(data[at : at + 4], "big")
    assert walked(patched(data, at, (place + 5000).to_bytes(4, "big")), "fast.mp4").whole is False


def test_an_mp4_without_its_tables_is_cut() -> None:
    data = DATA["film.mp4"]
    assert walked(data[: data.index(b"moov") - 4], "film.mp4").whole is False


@pytest.mark.parametrize("table", [b"stsz", b"stco", b"stsc", b"stts", b"trun"])
def test_a_table_of_billions_is_read_as_far_as_the_file_goes(table: bytes) -> None:
    name = "fragments.mp4" if table == b"trun" else "film.mp4"
    data = DATA[name]
    at = data.index(table) + (12 if table in (b"stsz", b"trun") else 8)
    found = walked(patched(data, at, b"\xff\xff\xff\xff"), name)
    assert (found.width, found.height) == (48, 32)


def test_sizes_that_are_all_the_same_need_no_table() -> None:
    data = DATA["film.mp4"]
    at = data.index(b"stsz") + 8
    assert (
        walked(
            patched(data, at, (2**31).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big")), "film.mp4"
        ).whole
        is False
    )


def test_boxes_within_boxes_are_not_followed_without_end() -> None:
    nested = b""
    for _ in range(20_000):
        nested = box(b"moov", nested) if len(nested) < 400_000 else nested
    whole = box(b"ftyp", b"isom" + bytes(4)) + nested
    assert walked(whole, "film.mp4").whole is None


def test_more_tiny_parts_than_anyone_would_read_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a million of them are takes seconds.
    most = 10_000
    monkeypatch.setattr("rivya_nb.media.walking.MOST_STEPS", most)
    assert walked(DATA["fast.mp4"] + box(b"free", b"") * (most // 2), "fast.mp4").whole
    assert walked(DATA["fast.mp4"] + box(b"free", b"") * most, "fast.mp4").whole is None
    assert walked(live_head() + b"\xec\x80" * most, "live.webm").whole is None


def live_head() -> bytes:
    data = DATA["live.webm"]
    return data[: data.index(b"\x1f\x43\xb6\x75")]


def test_a_webm_without_sizes_is_told_by_its_blocks() -> None:
    data = DATA["live.webm"]
    at = data.index(b"\x1f\x43\xb6\x75") + 4
    # The cluster, too, loses its size, as in what browsers record.
    size = 9 - data[at].bit_length()
    open_ended = patched(data, at, (0xFF >> size - 1).to_bytes(1, "big") + b"\xff" * (size - 1))
    found = walked(open_ended, "live.webm")
    assert found.whole is None
    assert walked(open_ended[:-10], "live.webm").whole is False
    assert found.duration == pytest.approx(0.508, abs=0.01)
    assert (found.width, found.height, found.medium) == (48, 32, "video")


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_whose_size_nobody_knew_lasts_as_long_as_its_bytes(size: int) -> None:
    data = DATA["sound.wav"]
    lying = patched(data, data.index(b"data") + 4, size.to_bytes(4, "little"))
    found = walked(patched(lying, 4, size.to_bytes(4, "little")), "sound.wav")
    assert found.whole is None
    assert found.duration == pytest.approx(0.5)


def test_an_ogg_without_its_last_page_does_not_tell() -> None:
    data = DATA["film.ogv"]
    assert walked(data[: data.rindex(b"OggS")], "film.ogv").whole is None


def test_an_mp3_that_lacks_frames_is_cut_at_each_place() -> None:
    data = DATA["sound.mp3"]
    found = [walked(data[:end], "sound.mp3") for end in range(50, len(data))]
    assert {each.whole for each in found} == {False}
    # Its first frame is silent, and the last one is not all there.
    assert found[50].duration is None
    assert all(each.duration is None or each.duration > 0.02 for each in found)


@pytest.mark.parametrize(
    ("more", "size", "whole"),
    [(0, 0, True), (1, 0, None), (2, 0, False), (None, 99, True), (None, 9999, False), (None, 0, None)],
)
def test_what_the_first_frame_of_an_mp3_tells_is_read_leniently(
    more: int | None, size: int, whole: bool | None
) -> None:
    data = DATA["sound.mp3"]
    at = data.index(b"Info")
    # Some programs count that frame, too, or tell only one of the two numbers, or none.
    told = 0 if more is None else int.from_bytes(data[at + 8 : at + 12], "big") + more
    numbers = [number for number in (told, size) if number]
    flags = (told > 0) | (size > 0) << 1
    lying = patched(data, at + 4, struct.pack(f">{1 + len(numbers)}I", flags, *numbers))
    assert walked(lying, "sound.mp3").whole is whole


APE = b"APETAGEX" + bytes([0, 0, 0, 0, 4]) + bytes(23)
BETWEEN = {
    "nothing": b"",
    "the oldest tag": b"TAG" + bytes(125),
    "an APE tag": APE,
    "an APE tag without its head": b"\x03\0\0\0\0\0\0\0Title\0abc" + APE,
    "lyrics": b"LYRICSBEGINLYR00005hello000028LYRICS200" + b"TAG" + bytes(125),
    "zeros": bytes(400),
    "what looks like a frame": b"\xff\xfb\x94\0" * 9,
    "an ID3 tag at the end": b"ID3\4\0\x10\0\0\0\x20" + bytes(32) + b"3DI\4\0\x10\0\0\0\x20",
}


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("name", ["sound.mp3", "cover.mp3", "tagged.mp3", "plain.mp3"])
def test_mp3s_that_were_joined_last_as_long_as_all_of_them(name: str, between: str) -> None:
    joined = DATA[name] + BETWEEN[between] + DATA["tagged.mp3"]
    assert walked(joined, "sound.mp3").duration == pytest.approx(2 * 0.575, abs=0.03)
    assert walked(joined[:-900], "sound.mp3").whole is False


@pytest.mark.parametrize("between", BETWEEN)
def test_aacs_that_were_joined_last_as_long_as_all_of_them(between: str) -> None:
    joined = DATA["sound.aac"] + BETWEEN[between] + DATA["sound.aac"]
    assert walked(joined, "sound.aac").duration == pytest.approx(2 * 0.557, abs=0.001)
    assert walked(joined[:-20], "sound.aac").whole is False


def test_joined_sounds_of_different_rates_last_as_long_as_all_of_them() -> None:
    slow = bytearray(DATA["sound.aac"])
    frames = [at for at in range(len(slow)) if slow[at : at + 2] == b"\xff\xf1"]
    for at in frames:
        # From 22,050 Hz to 8,000 Hz.
        slow[at + 2] = slow[at + 2] & 0xC3 | 11 << 2
    joined = DATA["sound.aac"] + slow
    assert walked(joined, "sound.aac").duration == pytest.approx(0.557 * (1 + 22.05 / 8), abs=0.01)


ID3 = b"ID3\3\0\0\0\0\0\x20" + bytes(32)


@pytest.mark.parametrize("name", ["sound.mp3", "plain.mp3", "sound.aac", "sound.flac"])
@pytest.mark.parametrize("front", [ID3, ID3 + ID3, APE, ID3 + APE], ids=["ID3", "two", "APE", "both"])
def test_tags_in_front_of_a_sound_change_nothing(tmp_path: Path, name: str, front: bytes) -> None:
    (tmp_path / "a").write_bytes(front + DATA[name])
    assert read_facts(tmp_path / "a") == read_facts(FOLDER / name)


def test_zeros_behind_a_tag_change_nothing() -> None:
    for name in ("sound.mp3", "plain.mp3", "sound.aac"):
        assert walked(ID3 + bytes(700) + DATA[name], name) == walked(DATA[name], name)


@pytest.mark.parametrize("name", ["plain.mp3", "sound.aac"])
def test_a_sound_whose_middle_is_damaged_lasts_as_long_as_its_frames(name: str) -> None:
    data = DATA[name]
    damaged = patched(data, len(data) // 2, b"damaged!" * 9)
    assert walked(damaged, name).duration == pytest.approx(SAMPLES[name].duration, abs=0.1)
    assert walked(data[: len(data) // 2] + bytes(len(data)), name).duration is None


@pytest.mark.parametrize(("name", "other"), [("sound.ogg", "vorbis.ogg"), ("vorbis.ogg", "vorbis.ogg")])
def test_oggs_that_were_joined_last_as_long_as_all_of_them(name: str, other: str) -> None:
    found = walked(DATA[name] + DATA[other], name)
    assert found.duration == pytest.approx(1.0, abs=0.01)
    assert found.whole


def test_a_flac_is_cut_wherever_it_is_cut() -> None:
    data = DATA["sound.flac"]
    found = [walked(data[:end], "sound.flac").whole for end in range(200, len(data), 97)]
    assert set(found) <= {False, None}
    assert found.count(False) > 0.9 * len(found)
    assert walked(patched(data, len(data) - 90, b"?"), "sound.flac").whole is not True


def test_a_flac_whose_length_nobody_knew_lasts_as_long_as_its_frames() -> None:
    data = DATA["sound.flac"]
    # Without the bytes of its frames, and the number of its samples.
    piped = patched(patched(data, 12, bytes(6)), 21, bytes([data[21] & 0xF0]) + bytes(4))
    assert walked(piped, "sound.flac") == walked(data, "sound.flac")
    assert walked(piped[:-20], "sound.flac").whole is False


def packed_wav(samples: int, second: int, size: int = 1000) -> bytes:
    """A WAV of ADPCM, whose bytes say nothing of how long it is."""
    form = struct.pack("<HHIIHHHH", 0x11, 1, 8000, second, 256, 4, 2, 505)
    parts = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + struct.pack("<II", 4, samples)
    sound = b"data" + struct.pack("<I", size) + bytes(size)
    return b"RIFF" + struct.pack("<I", 4 + len(parts + sound)) + b"WAVE" + parts + sound


@pytest.mark.parametrize(
    ("samples", "second", "duration"),
    [(2000, 9, 0.25), (2000, 0, 0.25), (0, 500, 2.0), (2**32 - 1, 500, 2.0), (0, 0, None)],
)
def test_a_wav_of_packed_samples_lasts_as_long_as_their_number(
    samples: int, second: int, duration: float | None
) -> None:
    data = packed_wav(samples, second)
    assert walked(data, "sound.wav") == Walked(True, duration)
    assert walked(data[:-1], "sound.wav").whole is False


def test_plain_samples_are_counted_whatever_number_is_told() -> None:
    data = DATA["sound.wav"]
    at = data.index(b"data")
    told = data[:at] + b"fact" + struct.pack("<II", 4, 7) + data[at:]
    assert walked(told, "sound.wav").duration == pytest.approx(0.5)


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
def test_a_wav_of_more_than_four_gigabytes_has_another_name(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(name + DATA["wide.wav"][4:])
    assert read_facts(tmp_path / "a.wav") == read_facts(FOLDER / "wide.wav")


@pytest.mark.parametrize("rate", [0, 1, 2**31])
def test_a_wav_lasts_as_long_as_its_samples_whatever_rate_of_bytes_it_claims(rate: int) -> None:
    data = DATA["sound.wav"]
    lying = patched(data, data.index(b"fmt ") + 16, rate.to_bytes(4, "little"))
    assert walked(lying, "sound.wav").duration == pytest.approx(0.5)


@pytest.mark.parametrize("duration", [0, -1, float("nan"), float("inf"), 2.0**64, 1e300])
def test_a_webm_lasts_as_long_as_its_blocks_where_its_head_is_absurd(duration: float) -> None:
    data = DATA["film.webm"]
    at = data.index(b"\x44\x89\x88") + 3
    lying = patched(data, at, struct.pack(">d", duration))
    assert walked(lying, "film.webm").duration == pytest.approx(0.508, abs=0.05)


@pytest.mark.parametrize("told", [50, 100_000, 2**32 - 1])
def test_an_mp3_lasts_as_long_as_its_frames_if_they_are_all_there(told: int) -> None:
    data = DATA["sound.mp3"]
    at = data.index(b"Info")
    lying = patched(data, at + 8, told.to_bytes(4, "big"))
    assert walked(lying, "sound.mp3").duration == pytest.approx(0.575, abs=0.03)


@pytest.mark.parametrize("clock", [0, 2**31, 2**32 - 1])
def test_an_mp4_whose_clock_is_absurd_has_no_absurd_duration(clock: int) -> None:
    data = DATA["film.mp4"]
    for head in (b"mvhd", b"mdhd"):
        data = patched(data, data.index(head) + 16, clock.to_bytes(4, "big"))
    found = walked(data, "film.mp4")
    assert found.duration is None or 0 < found.duration < 1
    assert (found.width, found.height, found.whole) == (48, 32, True)


def top_ends(data: bytes) -> list[int]:
    """Where the boxes of a file end, without its last one."""
    ends, at = [], 0
    while at < len(data):
        at += int.from_bytes(data[at : at + 4], "big")
        ends.append(at)
    return ends[:-1]


@pytest.mark.parametrize("name", ["fragments.mp4", "open_fragments.mp4", "dash.mp4"])
def test_a_fragment_without_its_samples_is_cut(name: str) -> None:
    data = DATA[name]
    ahead = [end for end in top_ends(data) if data[end : end + 8][4:] == b"mdat"]
    assert len(ahead) > 1
    assert {walked(data[:end], name).whole for end in ahead} == {False}
    # And a head, behind which no fragment has come.
    head = data[: data.index(b"moof") - 4]
    assert walked(head, name).whole is False


def test_an_mp4_in_whose_place_of_samples_is_a_page_is_cut() -> None:
    data = DATA["fast.mp4"]
    at = data.rindex(b"mdat") - 4
    assert walked(data[:at] + b"<html>try again later</html>" * 400, "fast.mp4").whole is False


def test_a_head_without_a_sound_or_a_picture_is_cut() -> None:
    ogg, webm = DATA["vorbis.ogg"], DATA["film.webm"]
    pages = [at for at in range(len(ogg)) if ogg[at : at + 4] == b"OggS"]
    assert [walked(ogg[:at], "vorbis.ogg").whole for at in pages[1:3]] == [False, False]
    segment = webm[: webm.index(b"\x18\x53\x80\x67") + 4]
    for nothing in (b"\x80", b"\x01" + b"\xff" * 7):
        assert walked(segment + nothing, "film.webm").whole is False


AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@pytest.mark.parametrize("rate", AAC_RATES)
def test_an_aac_lasts_as_long_as_its_frames_at_each_rate(rate: int) -> None:
    head = (0xFFF1 << 40 | 1 << 38 | AAC_RATES.index(rate) << 34 | 1 << 30 | 20 << 13).to_bytes(7, "big")
    assert walked((head + bytes(13)) * 4, "sound.aac") == Walked(None, pytest.approx(4096 / rate))


KBITS = {
    # By the bits of version and layer: MPEG-1 and MPEG-2, layers II and III.
    0b1110: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    0b1101: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    0b1010: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0b1001: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0b0001: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@pytest.mark.parametrize("kind", KBITS)
def test_an_mp3_lasts_as_long_as_its_frames_at_each_rate(kind: int) -> None:
    samples = 576 if kind in (0b1001, 0b0001) else 1152
    for place, hertz in enumerate((44100, 48000, 32000)):
        rate = hertz // {0b11: 1, 0b10: 2, 0b00: 4}[kind >> 2]
        for bits, kbits in enumerate(KBITS[kind], start=1):
            for padding in (0, 1):
                head = 0xFFE << 20 | kind << 17 | 1 << 16 | bits << 12 | place << 10 | padding << 9
                frame = head.to_bytes(4, "big") + bytes(samples * kbits * 125 // rate + padding - 4)
                found = walked(frame * 4, "plain.mp3")
                assert found == Walked(None, pytest.approx(4 * samples / rate)), (kbits, rate)
                # The last one is not all there.
                assert walked((frame * 4)[:-1], "plain.mp3") == Walked(
                    False, pytest.approx(3 * samples / rate)
                )


def heads(wide: int, clock: int, ticks: int, number: int = 1) -> bytes:
    """The head of a track and of its samples, with times of 4 or 8 bytes."""
    version, times = bytes([wide == 8, 0, 0, 7]), bytes(2 * wide)
    place = ticks.to_bytes(wide, "big")
    matrix = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    size = struct.pack(">II", 48 << 16, 32 << 16)
    head = box(b"tkhd", version + times + struct.pack(">II", number, 0) + place + bytes(16) + matrix + size)
    media = box(b"mdhd", version + times + clock.to_bytes(4, "big") + place + bytes(4))
    return head + box(b"mdia", media + box(b"hdlr", bytes(8) + b"vide" + bytes(13)))


def in_fragments(wide: int, usual: int, own: int | None) -> bytes:
    """An MP4 of five samples in one fragment, whose length is told for all tracks, or by the fragment."""
    film = box(
        b"mvhd", bytes([wide == 8, 0, 0, 0]) + bytes(2 * wide) + (1000).to_bytes(4, "big") + bytes(wide + 80)
    )
    extends = box(b"mvex", box(b"trex", struct.pack(">6I", 0, 1, 1, usual, 0, 0)))
    # With where its samples are, and how they are described.
    own_head = b"" if own is None else bytes(12) + own.to_bytes(4, "big")
    head = box(b"tfhd", struct.pack(">II", 0 if own is None else 1 | 2 | 8, 1) + own_head)
    time, run = box(b"tfdt", struct.pack(">II", 0, 77)), box(b"trun", struct.pack(">II", 0, 5))
    unknown = box(b"traf", box(b"tfhd", struct.pack(">II", 0, 9)) + run)
    fragment = box(b"moof", box(b"traf", head + time + run) + unknown)
    moov = box(b"moov", film + box(b"trak", heads(wide, 500, 0)) + extends)
    return box(b"ftyp", b"isom" + bytes(4)) + moov + fragment + box(b"mdat", bytes(9)) + box(b"mfra", b"")


@pytest.mark.parametrize(("own", "duration"), [(None, 1.0), (50, 0.5)])
@pytest.mark.parametrize("wide", [4, 8])
def test_samples_of_fragments_last_as_long_as_is_usual_or_as_the_fragment_says(
    wide: int, own: int | None, duration: float
) -> None:
    found = walked(in_fragments(wide, 100, own), "film.mp4")
    assert found == Walked(True, duration, 48, 32, "video", 5 / duration)


@pytest.mark.parametrize("wide", [4, 8])
def test_a_film_without_samples_in_its_tables_lasts_as_long_as_its_head_says(wide: int) -> None:
    film = box(
        b"mvhd", bytes([wide == 8, 0, 0, 0]) + bytes(2 * wide) + (1000).to_bytes(4, "big") + bytes(wide + 80)
    )
    data = box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", film + box(b"trak", heads(wide, 500, 2500)))
    assert (walked(data, "film.mp4").duration, walked(data, "film.mp4").width) == (2.5, 48)
    unknown = box(b"moov", film + box(b"trak", heads(wide, 500, 256**wide - 1)))
    assert walked(box(b"ftyp", b"isom" + bytes(4)) + unknown, "film.mp4").duration is None


def test_an_index_in_front_of_fragments_counts_from_its_own_end() -> None:
    data = DATA["dash.mp4"]
    at = data.index(b"sidx") + 4
    first = at + 12 + (8 if data[at] else 4)
    assert data[at] in (0, 1)
    wide = 8 if data[at] else 4
    assert walked(patched(data, first, (5000).to_bytes(wide, "big")), "dash.mp4").whole is False
    # It counts no more fragments than it has room for.
    assert walked(patched(data, first + wide + 2, b"\xff\xff"), "dash.mp4").whole is True


def test_a_film_whose_track_has_no_size_has_that_of_its_samples() -> None:
    data = DATA["film.mp4"]
    found = walked(patched(data, data.index(b"tkhd") + 80, bytes(8)), "film.mp4")
    assert (found.width, found.height) == (48, 32)


def test_samples_of_one_size_fill_their_chunks_as_far_as_there_are_any() -> None:
    sizes = box(b"stsz", struct.pack(">III", 0, 2, 10))
    runs = box(b"stsc", struct.pack(">5I", 0, 1, 1, 4, 1))
    places = box(b"stco", struct.pack(">6I", 0, 4, 100, 200, 300, 400))
    data = box(b"stbl", sizes + runs + places)
    found = chunks_of(data, Box(b"stbl", 0, 8, len(data)), Steps())
    assert list(found) == [(100, 8), (200, 8), (300, 4), (400, 0)]


def starting_at(name: str, seconds: float, rate: int, shift: int = 0) -> bytes:
    """A sample of an Ogg whose pages tell a later time, as in what is recorded from a broadcast."""
    pages = bytearray(DATA[name])
    for at in (at for at in range(len(pages)) if pages[at : at + 4] == b"OggS"):
        ticks = int.from_bytes(pages[at + 6 : at + 14], "little", signed=True)
        if ticks > 0:
            pages[at + 6 : at + 14] = (ticks + (round(seconds * rate) << shift)).to_bytes(8, "little")
    return bytes(pages)


@pytest.mark.parametrize(
    ("name", "rate", "shift"),
    [
        ("sound.ogg", 48_000, 0),
        ("vorbis.ogg", 22_050, 0),
        ("speex.ogg", 8000, 0),
        ("film.ogv", 10, 6),
    ],
)
def test_an_ogg_that_does_not_begin_at_zero_lasts_no_longer_for_that(
    name: str, rate: int, shift: int
) -> None:
    later = walked(starting_at(name, 3600, rate, shift), name)
    assert later.duration == pytest.approx(SAMPLES[name].duration, abs=0.05)
    assert later.whole
    joined = walked(starting_at(name, 3600, rate, shift) + DATA[name], name)
    assert joined.duration == pytest.approx(2 * SAMPLES[name].duration, abs=0.05)


@pytest.mark.parametrize(
    ("head", "ticks"),
    [
        # By the first byte: how long a part is in each of the three ways of coding, and how many there are.
        *((bytes([coding << 3]), 480 * each) for coding, each in ((0, 1), (1, 2), (6, 4), (11, 6))),
        *((bytes([coding << 3]), 480 * each) for coding, each in ((12, 1), (13, 2), (14, 1), (15, 2))),
        *((bytes([coding << 3]), 120 * each) for coding, each in ((16, 1), (17, 2), (30, 4), (31, 8))),
        (b"\1", 960),
        (b"\2", 960),
        (b"\3\x85", 5 * 480),
    ],
)
def test_a_packet_of_opus_tells_how_long_it_is(head: bytes, ticks: int) -> None:
    first = b"OpusHead\1\1" + struct.pack("<HI", 0, 48000) + bytes(3)
    pages = [
        b"OggS\0" + struct.pack("<BqIII", flags, end, 1, 0, 0) + bytes([1, len(body)]) + body
        for flags, end, body in ((2, 0, first), (0, 96_000, head), (4, 144_000, head))
    ]
    assert walked(b"".join(pages), "sound.ogg").duration == pytest.approx((48_000 + ticks) / 48_000)


@pytest.mark.parametrize(("parts", "duration"), [(1, 7.0), (0, 10.0)])
def test_the_streams_of_an_ogg_need_not_begin_together(parts: int, duration: float) -> None:
    # Speex of ten samples a second, so many in a packet; where it does not say that, it begins at 0.
    first = (
        b"Speex   ".ljust(36, b"\0")
        + struct.pack("<I", 10).ljust(20, b"\0")
        + struct.pack("<III", 1, 0, parts)
    )
    told = ((1, 2, 0), (2, 2, 0), (1, 0, 30), (2, 0, 50), (1, 4, 60), (2, 4, 100))
    pages = [
        b"OggS\0" + struct.pack("<BqIII", flags, end, serial, 0, 0) + bytes([1, 68 if flags & 2 else 1])
        + (first if flags & 2 else b"\0")
        for serial, flags, end in told
    ]  # fmt: skip
    # From 3 to 6 seconds, and from 5 to 10.
    assert walked(b"".join(pages), "sound.ogg").duration == pytest.approx(duration, abs=0.2)
    assert walked(b"".join(pages[:-1]), "sound.ogg").whole is None
    # One after the other is not joined before all of them have ended.
    assert walked(b"".join([*pages[:-1], *pages]), "sound.ogg").duration == pytest.approx(duration, abs=0.2)


TOPS = "ftyp moov mdat mfra sidx styp free skip wide uuid meta udta"


@pytest.mark.parametrize("kind", TOPS.encode().split())
def test_a_box_that_is_cut_at_the_end_of_an_mp4_tells_that_it_is_cut(kind: bytes) -> None:
    data = DATA["fast.mp4"]
    more = box(kind, bytes(100))
    assert walked(data + more, "fast.mp4").whole is True
    assert walked(data + more[:-1], "fast.mp4").whole is False
    # What a server adds is no box, though it may look like one.
    assert walked(data + box(b"html", bytes(100))[:-1], "fast.mp4").whole is True


def test_boxes_that_nobody_knows_are_passed_over() -> None:
    data = DATA["film.mp4"]
    at = data.rindex(b"moov") - 4
    assert walked(data[:at] + box(b"what", bytes(30)) + data[at:], "film.mp4") == walked(data, "film.mp4")


def test_the_start_of_a_fragment_shows_that_it_is_cut() -> None:
    data = DATA["open_fragments.mp4"]
    ends = [end for end in top_ends(data) if data[end + 4 : end + 8] == b"moof"][1:]
    assert {walked(data[:end], "open_fragments.mp4").whole for end in ends} == {None}
    for more in range(1, 8):
        found = {walked(data[: end + more], "open_fragments.mp4").whole for end in ends}
        assert found == ({None} if not any(data[ends[0] : ends[0] + more]) else {False})
    for kind in (b"sidx", b"styp"):
        assert walked(data + box(kind, bytes(20)), "open_fragments.mp4").whole is False


def test_a_head_without_tracks_is_cut_with_its_last_box() -> None:
    data = box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", b"") + box(b"mdat", bytes(9))
    assert [walked(data, "film.mp4").whole, walked(data[:-1], "film.mp4").whole] == [None, False]


def test_an_mp4_of_other_tracks_is_neither_video_nor_audio() -> None:
    data = DATA["film.mp4"]
    found = walked(data.replace(b"vide", b"text").replace(b"soun", b"text"), "film.mp4")
    assert found == Walked(True)


def renamed(data: bytes, kind: bytes) -> bytes:
    return data.replace(kind, b"free")


def test_a_film_that_is_not_edited_lasts_as_long_as_its_samples() -> None:
    data = DATA["film.mp4"]
    at = data.index(b"tkhd") + 24
    longer = patched(data, at, (2000).to_bytes(4, "big"))
    assert walked(longer, "film.mp4").duration == 2.0
    assert walked(renamed(longer, b"elst"), "film.mp4").duration == pytest.approx(0.5, abs=0.05)
    # Nor does it need that head.
    found = walked(renamed(data, b"tkhd"), "film.mp4")
    assert found == replace(walked(data, "film.mp4"), duration=pytest.approx(0.5, abs=0.05))
    assert walked(renamed(renamed(data, b"mvhd"), b"stts"), "film.mp4").duration is None


def table(kind: bytes, form: str, *entries: tuple[int, ...], head: bytes = b"") -> bytes:
    rows = b"".join(struct.pack(form, *row) for row in entries)
    return box(kind, bytes(4) + head + len(entries).to_bytes(4, "big") + rows)


def chunks(*tables: bytes) -> list[tuple[int, int]]:
    data = box(b"stbl", b"".join(tables))
    return list(chunks_of(data, Box(b"stbl", 0, 8, len(data)), Steps()))


def test_a_table_has_as_many_entries_as_it_says() -> None:
    sizes = table(b"stsz", ">I", (5,), (6,), (7,), head=bytes(4))
    places = table(b"stco", ">I", (100,), (200,), (300,))
    each = table(b"stsc", ">III", (1, 1, 1))
    assert chunks(sizes, places, each) == [(100, 5), (200, 6), (300, 7)]
    for full, at in ((sizes, 16), (places, 12)):
        fewer = patched(full, at, (2).to_bytes(4, "big"))
        found = chunks(*(fewer if other is full else other for other in (sizes, places, each)))
        assert [size for _, size in found] == ([5, 6, 0] if full is sizes else [5, 6])


def test_runs_of_chunks_that_go_back_count_none_twice() -> None:
    sizes = box(b"stsz", struct.pack(">III", 0, 2, 100))
    places = table(b"stco", ">I", (100,), (200,), (300,), (400,))
    back = table(b"stsc", ">III", (1, 1, 1), (3, 2, 1), (1, 1, 1), (3, 2, 1))
    assert chunks(sizes, places, back) == [(100, 2), (200, 2), (300, 4), (400, 4)]
    far = table(b"stsc", ">III", (1, 1, 1), (99, 2, 1))
    assert chunks(sizes, places, far) == [(place, 2) for place in (100, 200, 300, 400)]


def test_places_may_be_long() -> None:
    sizes = box(b"stsz", struct.pack(">III", 0, 2, 1))
    each = table(b"stsc", ">III", (1, 1, 1))
    assert chunks(sizes, table(b"co64", ">Q", (1 << 40,)), each) == [(1 << 40, 2)]
    assert chunks(table(b"co64", ">Q", (1 << 40,)), each) == [(1 << 40, 0)]


def test_long_tables_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivya_nb.media.walking.MOST_STEPS", 1000)
    long = table(b"stts", ">II", *[(1, 1)] * 4000)
    trak = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", long))))
    assert walked(box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", trak), "film.mp4") == Walked(None)
    run = box(b"trun", struct.pack(">II", 0x100, 4000) + bytes(16_000))
    head = box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", b"")
    assert walked(head + box(b"moof", box(b"traf", run)), "film.mp4") == Walked(None)
    assert walked(head + box(b"moof", b""), "film.mp4").whole is False


@pytest.mark.parametrize("flags", [0x100, 0x101, 0x105, 0xF00])
def test_a_fragment_has_no_more_samples_than_there_is_room_for(flags: int) -> None:
    data = in_fragments(4, 100, None)
    count = 4 * (flags >> 8 & 15).bit_count()
    optional = bytes(4 * (flags & 0xFF).bit_count())
    run = struct.pack(">II", flags, 2**32 - 1) + optional + (250).to_bytes(4, "big").ljust(count, b"\0") * 3
    fragment = box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">II", 0, 1)) + box(b"trun", run)))
    found = walked(data[: data.index(b"moof") - 4] + fragment + box(b"mfra", b""), "film.mp4")
    assert (found.duration, found.rate) == (1.5, 2.0)


@pytest.mark.parametrize("wide", [4, 8])
def test_an_index_lists_where_fragments_end(wide: int) -> None:
    moov = box(b"moov", box(b"mvex", b""))
    after = box(b"free", bytes(12)) + box(b"moof", b"") + box(b"mdat", bytes(20)) + box(b"mfra", b"")
    first, size = 20, len(after) - 20

    def indexed(*sizes: int) -> bool | None:
        times = struct.pack(">II", 1, 1000) + bytes(wide) + first.to_bytes(wide, "big")
        # Behind those that it counts, one more has room.
        rows = b"".join(struct.pack(">III", each, 0, 0) for each in (*sizes, 9999))
        index = bytes([wide == 8, 0, 0, 0]) + times + struct.pack(">HH", 0, len(sizes)) + rows
        return walked(moov + box(b"sidx", index) + after, "film.mp4").whole

    # The highest bit says that it is an index itself.
    assert indexed(size - 9, 9) is indexed(size - 9 | 1 << 31, 9) is True
    assert indexed(size - 9, 10) is indexed(size + 1) is False
