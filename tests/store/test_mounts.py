"""A store on a file system that other machines use as well is refused, unless it is only read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from disks import may_mount

import rivya_nb as rv
from rivya_nb.store.mounts import Mount, Mounts, read_mountinfo, shared_among, shared_mount
from rivya_nb.store.questions import Question
from rivya_nb.store.store import Store

from .filling import add, done, kept

MOUNTINFO = rb"""
22 1 9:7 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:40 / /nfs rw - nfs server:/export rw,vers=3
24 22 0:41 / /nfs4 rw - nfs4 server:/export rw
25 22 0:42 / /smb rw - cifs //server/share rw
26 22 0:43 / /sshfs rw - fuse.sshfs ada@host:/data rw
27 22 0:44 / /s3 rw - fuse.s3fs s3fs rw
28 22 0:45 / /what rw - fuse.of-tomorrow of-tomorrow rw
29 22 8:17 / /media/stick rw - fuseblk /dev/sdb1 rw
30 22 0:46 / /dav rw - fuse https://dav.lab/ada rw
31 22 0:47 / /bound rw - fuse /data rw
32 22 0:48 / /bound_nfs rw - fuse /nfs/of/ada rw
33 22 0:49 / /merged rw - fuse.mergerfs /data:/smb/x rw
34 22 0:50 / /crypt rw - fuse.gocryptfs /data rw
35 22 0:40 /home/ada /home/ada rw - nfs server:/export rw
36 22 0:51 / /with\040a\040blank rw - lustre mgs@tcp:/fs rw
37 22 0:52 / /mnt/c rw - 9p C:\134 rw,aname=drvfs
38 22 0:53 / /host rw - virtiofs work rw
39 22 0:54 / /nfs/local rw - tmpfs tmpfs rw
42 22 0:56 / /twice rw - ext4 /dev/vdc rw
43 42 0:57 / /twice rw - ceph 10.0.0.1:/ rw
44 22 0:58 / /overlay rw - overlay overlay rw,lowerdir=/a,upperdir=/b
45 22 0:59 / /loop rw - fuse /loop/x rw
46 22 0:60 / /drive rw - fuse.drive drive rw
47 22 0:61 / /nameless rw - fuse /dev/fuse rw
""".strip()


DECIDED = {
    **dict.fromkeys(("/", "/data/store", "/media/stick/x", "/nfsx/store", "/overlay/x", "/home/bob/store")),
    **dict.fromkeys(("/bound/x", "/crypt/x", "/loop/x", "/nfs/local/x")),
    **{"/nfs/store": "nfs", "/nfs4/a/b/c": "nfs4", "/smb/x": "cifs", "/with a blank/x": "lustre"},
    **{"/sshfs/x": "fuse.sshfs", "/s3/x": "fuse.s3fs", "/drive/My Drive/x": "fuse.drive"},
    **{"/what/x": "fuse.of-tomorrow", "/dav/x": "fuse", "/nameless/x": "fuse"},
    **{"/home/ada/store": "nfs", "/bound_nfs/x": "nfs", "/merged/x": "cifs"},
    **{"/mnt/c/x": "9p", "/host/x": "virtiofs", "/twice/x": "ceph"},
}


@pytest.mark.parametrize(("path", "kind"), DECIDED.items())
def test_the_mount_of_a_folder_decides(path: str, kind: str | None) -> None:
    found = shared_among(path, partial(read_mountinfo, MOUNTINFO))
    assert (found and found.kind) == kind


def these(*mounts: Mount) -> Mounts:
    return lambda points: list(mounts)


def test_a_mount_that_is_hidden_by_a_later_one_does_not_count(tmp_path: Path) -> None:
    there = tmp_path.stat().st_dev
    hidden, seen = Mount(str(tmp_path), "nfs", device=there + 1), Mount("/", "ext4", device=there)
    assert shared_among(f"{tmp_path}/x", these(seen, hidden)) is None


@pytest.mark.parametrize("kind", ["9p", "virtiofs"])
def test_the_root_of_a_machine_is_its_own(kind: str) -> None:
    root = Mount("/", kind)
    assert shared_among("/root/store", these(root)) is None
    assert shared_among("/data/store", these(root, Mount("/data", kind))) is not None
    assert shared_among("/root/store", these(Mount("/", "nfs"))) is not None


def test_other_systems_say_what_is_remote_or_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    local, away = Mount("/", "apfs", options="rw,local"), Mount("/Volumes/lab", "macfuse", options="rw,nodev")
    assert shared_among("/Users/ada/x", these(local, away)) is None
    assert shared_among("/Volumes/lab/x", these(local, away)) == away
    monkeypatch.setattr(sys, "platform", "win32")
    assert shared_among("/x", these(Mount("/", "NTFS", options="rw,fixed"))) is None
    assert shared_among("/x", these(Mount("/", "NTFS", options="rw,remote"))) is not None
    assert shared_among(r"\\server\share\store", these()) is not None
    assert shared_among(r"\\?\C:\store", these(Mount("/", "NTFS", options="rw,fixed"))) is None


needs_fuse = pytest.mark.skipif(
    not (may_mount() and shutil.which("rclone") and shutil.which("bindfs") and Path("/dev/fuse").exists()),
    reason="may not mount, or rclone and bindfs are not installed (Debian: apt-get install rclone bindfs)",
)


@contextmanager
def mounted(*command: str | Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    process = subprocess.Popen([*command, at], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not os.path.ismount(at) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)
        process.wait(60)


@needs_fuse
def test_a_store_on_a_mounted_server_is_refused_with_the_way_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (
        mounted("rclone", "mount", source, at=tmp_path / "cloud") as cloud,
        mounted("bindfs", "-f", cloud, at=tmp_path / "over cloud") as over_cloud,
        mounted("bindfs", "-f", source, at=tmp_path / "over disk") as over_disk,
    ):
        link = tmp_path / "link"
        link.symlink_to(cloud)
        for folder in (cloud / "store", over_cloud / "store", link / "store"):
            with pytest.raises(rv.StoreError, match="two machines") as refused:
                Store.open(folder)
            said = str(refused.value)
            assert f"{folder} is on a network file system or a share (fuse.rclone at {cloud})" in said
            for way_out in ("store=", "RIVYA_STORE", "postgresql://", "rivya-nb move"):
                assert way_out in said
            assert list(source.iterdir()) == []
        with closing(Store.open(over_disk / "store")) as store:
            add(store, done())


@needs_fuse
def test_a_store_on_a_mounted_server_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "source" / "store")) as store:
        job = done(pictures=(kept(store, b"a picture"),))
        add(store, job)
        # What is only in the log is read, too, while the other machine works.
        store.database.begin_work()
        later = done("a dog")
        add(store, later)
        with mounted("rclone", "mount", "--read-only", tmp_path / "source", at=tmp_path / "cloud") as cloud:
            assert shared_mount(cloud / "store") is not None
            with closing(Store.open(cloud / "store")) as other:
                assert other.is_read_only
                assert {each.id for each in other.history(Question())} == {job.id, later.id}
                with pytest.raises(rv.StoreError, match="may only be read"):
                    add(other, done())
        store.database.end_work()


def test_opening_a_store_reads_the_mounts_without_another_import(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rivya_nb.store.store import Store;"
        f"Store.open(Path({str(tmp_path / 'store')!r})).close();"
        "sys.exit(' '.join({'psutil', 'psycopg', 'ctypes', 'obstore', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=150)
    assert (done.returncode, done.stderr) == (1, "\n")
