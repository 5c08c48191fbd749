"""Files in a bucket: what another machine gets, what stays of them here, and every way in which a bucket fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from buckets import GET, HEAD, PUT, Buckets, bad_way, environment, gives, says
from faults.proxy import Fault, Kind, Proxy, reset, stall
from views.making import gradient, noise

from rivya_nb.errors import PictureError, StoreError, UnreachableError, UsageError
from rivya_nb.store import bucket as buckets_module
from rivya_nb.store import picture_cache
from rivya_nb.store.bucket import Patience
from rivya_nb.store.bucket_files import BucketFiles
from rivya_nb.store.files import ContentFiles
from rivya_nb.store.opening_files import open_files
from rivya_nb.store.picture_places import read_pictures
from rivya_nb.store.store import Store

PNG = "image/png"
ORIGINALS = Kind("GET", r"/[^/]+/pictures/pictures/")

Machine = Callable[..., ContentFiles]


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is repeated."""
    for name in ("FOR_FILES", "FOR_TRIFLES"):
        monkeypatch.setattr(buckets_module, name, Patience(20.0, 20.0, 60.0, 0, 0.2))


@pytest.fixture
def impatient(once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for."""
    for name in ("FOR_FILES", "FOR_TRIFLES"):
        monkeypatch.setattr(buckets_module, name, Patience(2.0, 0.5, 10.0, 0, 30.0))


@pytest.fixture
def bucket(buckets: Buckets) -> str:
    return buckets.new()


@pytest.fixture
def way(buckets: Buckets) -> Iterator[Proxy]:
    with bad_way(buckets) as proxy:
        yield proxy


@pytest.fixture
def machine(way: Proxy, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """`machine("b")`: the files of the bucket as a machine of that name has them, with a cache of its own."""

    def machine(name: str = "a", bucket: str = bucket) -> ContentFiles:
        for key, value in environment(way.url, tmp_path / name).items():
            monkeypatch.setenv(key, value)
        return open_files(read_pictures(f"s3://{bucket}/pictures"), None, lambda _: None)

    return machine


def on_disk(files: ContentFiles) -> set[str]:
    return {path.name for path in files.folder.glob("*/*")}


def test_another_machine_has_what_one_has_put(machine: Machine, bucket: str, buckets: Buckets) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    other = machine("b")
    assert not other.path(sha256, PNG).exists()
    assert other.has(sha256, PNG)
    assert other.size(sha256, PNG) == 9
    assert other.local(sha256, PNG).read_bytes() == other.read(sha256, PNG) == b"a picture"
    assert buckets.names(bucket) == [f"pictures/{sha256[:2]}/{sha256}.png"]


def test_a_picture_is_fetched_once(machine: Machine, way: Proxy) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    other = machine("b")
    for _ in range(3):
        other.local(sha256, PNG)
    assert sum(call.startswith("GET ") for call in way.calls) == 1


def test_what_is_there_is_not_sent_again(machine: Machine, way: Proxy) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    way.inject(Fault(PUT, says(412, "PreconditionFailed")))
    assert machine("b").put(b"a picture", PNG) == sha256


def test_a_grid_elsewhere_loads_small_pictures_and_no_original(
    machine: Machine, way: Proxy, tmp_path: Path
) -> None:
    here = machine("a")
    data = noise(tmp_path / "a.png", (900, 900)).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    with here.arriving() as part:
        part.write_bytes(data)
        here.thumbnails.prepare(here.receive(part, PNG, sha256))
        assert here.secure([(sha256, PNG)])
    other = machine("b")
    original = other.path(sha256, PNG)
    assert other.thumbnails.load(original, (300, 300)).size == (300, 300)
    assert other.thumbnails.kept(original, (576, 256), 6_000)
    assert not original.exists()
    assert not [call for call in way.calls if ORIGINALS.fits(*call.split(" "))]


def test_a_small_picture_that_nobody_has_is_made_once_for_all(machine: Machine, tmp_path: Path) -> None:
    sha256 = machine("a").put(gradient(tmp_path / "a.png", (800, 600)).read_bytes(), PNG)
    second, third = machine("b"), machine("c")
    assert second.thumbnails.load(second.path(sha256, PNG), (80, 60)).size == (80, 60)
    assert third.thumbnails.load(third.path(sha256, PNG), (80, 60)).size == (80, 60)
    assert on_disk(third) == set()


def test_a_damaged_object_is_told_and_never_shown(
    machine: Machine, way: Proxy, bucket: str, tmp_path: Path
) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    other = machine("b")
    way.inject(Fault(GET, gives(b"a p1cture")))
    with pytest.raises(StoreError, match=rf"s3://{bucket}/pictures/pictures/.*{sha256}.png is damaged"):
        other.local(sha256, PNG)
    with pytest.raises(PictureError, match="is damaged"):
        other.thumbnails.load(other.path(sha256, PNG), (2000, 2000))
    assert on_disk(other) == set()
    assert not ContentFiles(tmp_path).copy(other, sha256, PNG)
    way.heal()
    assert other.read(sha256, PNG) == b"a picture"
    assert ContentFiles(tmp_path).copy(other, sha256, PNG)


def test_a_truncated_object_is_mended_by_putting_it_again(
    machine: Machine, bucket: str, buckets: Buckets
) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    name = f"pictures/{sha256[:2]}/{sha256}.png"
    buckets.store(bucket).put(name, b"a pic")
    machine("b").put(b"a picture", PNG)
    assert bytes(buckets.store(bucket).get(name).bytes()) == b"a picture"


def test_a_lost_object_is_gone_until_it_is_put_again(machine: Machine, bucket: str, buckets: Buckets) -> None:
    sha256 = machine("a").put(b"a picture", PNG)
    buckets.store(bucket).delete(f"pictures/{sha256[:2]}/{sha256}.png")
    other = machine("b")
    assert not other.local(sha256, PNG).exists()
    assert not other.has(sha256, PNG)
    assert other.size(sha256, PNG) is None
    with pytest.raises(StoreError, match="its record is still there"):
        other.read(sha256, PNG)
    with pytest.raises(PictureError, match="its file is gone"):
        other.thumbnails.load(other.path(sha256, PNG), (50, 50))
    other.put(b"a picture", PNG)
    assert other.has(sha256, PNG)
    assert machine("c").read(sha256, PNG) == b"a picture"


def test_a_large_file_is_sent_in_pieces(
    machine: Machine, way: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets_module, "WHOLE", 1000)
    data = os.urandom(6_000_000)
    sha256 = machine("a").put(data, PNG)
    assert machine("b").read(sha256, PNG) == data
    assert any("uploadId" in call for call in way.calls)
    sent = len(way.calls)
    machine("c").put(data, PNG)
    assert not [call for call in way.calls[sent:] if call.startswith("PUT")]


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (409, "ConditionalRequestConflict")])
def test_a_service_that_does_not_put_if_absent_gets_it_all_the_same(
    machine: Machine, way: Proxy, status: int, code: str
) -> None:
    way.inject(Fault(PUT, says(status, code), times=1))
    sha256 = machine("a").put(b"a picture", PNG)
    assert machine("b").read(sha256, PNG) == b"a picture"


def test_machines_that_put_the_same_at_once_do_not_disturb_each_other(machine: Machine) -> None:
    data = b"x" * 3_000_000
    machines = [machine(name) for name in "aabbcc"]
    troubles: list[BaseException] = []

    def put(files: ContentFiles) -> None:
        try:
            files.put(data, PNG)
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=put, args=(files,)) for files in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert machine("d").read(hashlib.sha256(data).hexdigest(), PNG) == data


# The cache


def test_the_cache_keeps_what_was_used_last(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_cache, "IN_USE", 0.0)
    names = [machine("a").put(bytes([number]) * 1000, PNG) for number in range(8)]
    monkeypatch.setenv(picture_cache.SIZE_VARIABLE, "0.000004")
    small = machine("b")
    for name in names[:3]:
        small.local(name, PNG)
    for name in names[3:]:
        small.local(names[0], PNG)
        small.local(name, PNG)
    assert len(on_disk(small)) <= 4
    assert {f"{names[0]}.png", f"{names[7]}.png"} <= on_disk(small)
    assert small.read(names[1], PNG) == bytes([1]) * 1000


def test_what_is_in_use_stays_though_the_cache_is_full(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [machine("a").put(bytes([number]) * 1000, PNG) for number in range(8)]
    monkeypatch.setenv(picture_cache.SIZE_VARIABLE, "0.000001")
    small = machine("b")
    for name in names:
        small.local(name, PNG)
    assert len(on_disk(small)) == 8


@pytest.mark.parametrize("size", ["0", "-1", "much", "inf", "nan"])
def test_a_size_that_is_none_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setenv(picture_cache.SIZE_VARIABLE, size)
    with pytest.raises(UsageError, match=f"RIVYA_PICTURES_CACHE_GB is '{size}'; it is a size in GB"):
        machine("a")


def test_a_cache_may_be_deleted_while_it_is_used(machine: Machine) -> None:
    files = machine("a")
    first = files.put(b"first", PNG)
    shutil.rmtree(files.folder.parent)
    assert files.read(first, PNG) == b"first"
    shutil.rmtree(files.folder.parent)
    second = files.put(b"second", PNG)
    files.try_out()
    shutil.rmtree(files.folder.parent)
    files.try_out()
    assert files.read(second, PNG) == b"second"


def test_a_cell_that_names_a_file_of_the_cache_works_on_another_machine(machine: Machine) -> None:
    here = machine("a")
    path = here.path(here.put(b"a picture", PNG), PNG)
    other = machine("b")
    assert Path(other.recalled(str(path))).read_bytes() == b"a picture"
    assert Path(other.recalled(str(path))) != path
    for name in ("bottle.png", "/tmp/ab/abcd.png", ""):
        assert other.recalled(name) == name


# Trouble

TROUBLES = {
    "no right": (says(403, "AccessDenied"), r"it is not allowed with the credentials .* \(HTTP 403\)"),
    "no such user": (says(401), r"it is not allowed with the credentials .* \(HTTP 401\)"),
    "no such bucket": (says(404, "NoSuchBucket"), "there is no such bucket; make it, or correct the address"),
    "busy": (says(503, "SlowDown"), "it answers with HTTP 503"),
    "another region": (says(301), "it is in another region"),
    "another region, moved": (says(307, "TemporaryRedirect"), "it is in another region"),
    "another region's keys": (says(400, "AuthorizationHeaderMalformed"), "it is in another region"),
    "a clock that is wrong": (says(403, "RequestTimeTooSkewed"), "the clock of this machine is wrong"),
    "hangs": (stall, "it does not answer in time"),
    "drops": (reset, "it does not answer"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_bucket_that_cannot_be_written_says_why_in_one_sentence(
    machine: Machine, way: Proxy, bucket: str, trouble: str, request: pytest.FixtureRequest
) -> None:
    if trouble == "hangs":
        request.getfixturevalue("impatient")
    spoil, words = TROUBLES[trouble]
    files = machine("a")
    way.inject(Fault(PUT, spoil))
    for attempt in (files.try_out, lambda: files.put(b"a picture", PNG)):
        with pytest.raises(
            UnreachableError, match=f"^s3://{bucket}/pictures cannot be written: .*{words}"
        ) as told:
            attempt()
        assert str(told.value).count(". ") == 0
        assert "nobody" not in f"{told.value!r} {told.value.__cause__} {told.value.__context__}" or (
            told.value.__suppress_context__
        )
    way.heal()
    files.try_out()


@pytest.mark.parametrize(
    ("address", "given", "needed"),
    [
        ("az://lab/pictures", {}, "AZURE_STORAGE_ACCOUNT_NAME"),
        (
            "az://lab/pictures",
            {"AZURE_STORAGE_ACCOUNT_NAME": "lab", "AZURE_STORAGE_ACCOUNT_KEY": "no-key"},
            "AZURE",
        ),
        (
            "gs://lab/pictures",
            {"GOOGLE_APPLICATION_CREDENTIALS": "/no-key"},
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
    ],
)
def test_keys_that_are_missing_or_none_are_named_by_what_has_to_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, given: dict[str, str], needed: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"cannot be opened .*set {needed}") as told:
        Store.open(tmp_path / "store", address)
    assert "no-key" not in str(told.value)


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"]
)
def test_a_value_of_the_environment_with_a_line_break_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    machine()
    monkeypatch.setenv(name, f"{os.environ[name]}\n")
    with pytest.raises(UsageError, match=f"{name} has a line break or .*; set it without"):
        open_files(read_pictures("s3://lab/pictures"), None, lambda _: None)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://1.2.3.4.5", "its address or a credential in the environment is none; correct AWS_ACCESS"),
        ("https://[::1", "AWS_ENDPOINT_URL is no whole address"),
        ("https://lab:99999", "AWS_ENDPOINT_URL is no whole address"),
        ("https://ada:a-secret@lab", "AWS_ENDPOINT_URL names no host, or has a login"),
        ("https:///lab", "AWS_ENDPOINT_URL names no host"),
    ],
)
def test_an_address_of_a_service_that_is_none_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, endpoint: str, said: str
) -> None:
    machine()
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises((UsageError, UnreachableError), match=said) as told:
        open_files(read_pictures("s3://lab/pictures"), None, lambda _: None).try_out()
    assert "a-secret" not in str(told.value)


def test_no_connection_and_no_bucket_are_told(machine: Machine, way: Proxy, bucket: str) -> None:
    with pytest.raises(UnreachableError, match="s3://nobodys/pictures cannot be written: there is no such"):
        machine("a", "nobodys").try_out()
    files = machine("a")
    way.on_loop(way.refuse())
    with pytest.raises(
        UnreachableError, match=f"s3://{bucket}/pictures cannot be written: it does not answer"
    ):
        files.try_out()


def test_a_bucket_that_could_be_written_just_now_is_not_tried_again(machine: Machine, way: Proxy) -> None:
    files = machine("a")
    for _ in range(5):
        files.try_out()
    assert way.calls == [f"PUT {way.calls[0].partition(' ')[2]}"]


def test_a_reading_trouble_is_told_where_a_picture_is_asked_for(
    machine: Machine, way: Proxy, tmp_path: Path
) -> None:
    sha256 = machine("a").put(gradient(tmp_path / "a.png", (90, 60)).read_bytes(), PNG)
    other = machine("b")
    way.inject(Fault(GET, says(503)), Fault(HEAD, says(503)))
    with pytest.raises(UnreachableError, match="cannot be read: it answers with HTTP 503"):
        other.local(sha256, PNG)
    with pytest.raises(UnreachableError):
        other.size(sha256, PNG)
    with pytest.raises(
        PictureError, match=r"cannot be read: it answers with HTTP 503|did not answer just now"
    ):
        other.thumbnails.load(other.path(sha256, PNG), (50, 50))
    assert other.has(sha256, PNG)
    way.heal()
    assert other.local(sha256, PNG).is_file()


@pytest.mark.usefixtures("impatient")
def test_many_small_pictures_do_not_each_wait_for_a_bucket_that_hangs(machine: Machine, way: Proxy) -> None:
    other = machine("b")
    way.inject(Fault(GET, stall))
    for number in range(20):
        with pytest.raises(PictureError):
            other.thumbnails.load(other.path(hashlib.sha256(bytes([number])).hexdigest(), PNG), (50, 50))
    assert sum(call.startswith("GET") for call in way.calls) == 1


def test_without_the_package_it_says_what_to_install(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match=r'pip install "rivya-nb\[server\]", then restart'):
        machine("a")


@pytest.mark.parametrize("endpoint", ["http://minio.lab:9000", "http://10.0.0.1", "minio.lab"])
def test_pictures_are_sent_over_https_only(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    machine("a")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_S3: pictures are sent over https only"):
        open_files(read_pictures("s3://bucket"), None, lambda _: None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_forked_process_is_told_that_it_has_no_bucket(machine: Machine) -> None:
    files = machine("a")
    files.try_out()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            files.local("ab" * 32, PNG)
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000).decode().startswith("UnreachableError: s3://")


# What was received waits for the bucket


def test_what_was_received_stays_until_it_is_in_the_bucket(
    machine: Machine, way: Proxy, bucket: str, buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rivya_nb.store.records import PictureRecord

    monkeypatch.setattr(picture_cache, "IN_USE", 0.0)
    monkeypatch.setenv(picture_cache.SIZE_VARIABLE, "0.000001")
    sha256 = hashlib.sha256(b"paid for").hexdigest()
    record = PictureRecord(sha256, PNG, 10, 10, 8)
    way.inject(Fault(PUT, says(503)))
    files = machine("a")
    with files.arriving() as part:
        part.write_bytes(b"paid for")
        files.receive(part, PNG, sha256)
    files.hold("a-job", [record])
    with pytest.raises(UnreachableError):
        files.secure([(sha256, PNG)])

    # The next kernel on this machine finds it.
    again = machine("a")
    assert again.held("a-job") == (record,)
    assert again.held("another") == machine("b").held("a-job") == ()
    again = machine("a")
    way.heal()
    assert again.secure([(sha256, PNG)])
    again.release("a-job")
    assert again.held("a-job") == ()
    assert buckets.names(bucket) == [f"pictures/{sha256[:2]}/{sha256}.png"]
    assert again.read(sha256, PNG) == b"paid for"


def test_a_received_picture_that_is_gone_has_to_be_received_again(machine: Machine) -> None:
    files = machine("a")
    assert not files.secure([("ab" * 32, PNG)])


def test_what_was_held_for_months_is_swept_away(machine: Machine) -> None:
    files = machine("a")
    assert isinstance(files, BucketFiles)
    files.hold("old", [])
    note = files._note("old")
    before = time.time() - 90 * 24 * 3600
    os.utime(note, (before, before))
    files.hold("new", [])
    machine("a")
    assert not note.exists()
    assert files._note("new").exists()
