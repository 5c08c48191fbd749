"""Whether a folder is on a file system that other machines use as well.

SQLite keeps what its processes share in memory that is mapped from a file, and locks hold them apart. Neither
reaches another machine: two that write the same database destroy it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

_LIST = Path("/proc/self/mountinfo")

_OF_OTHERS = {
    # Servers and clusters.
    *(
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afpfs",
        "afs",
        "ncp",
        "ncpfs",
        "coda",
        "webdav",
    ),
    *("lustre", "gpfs", "mmfs", "ceph", "beegfs", "glusterfs", "gfs2", "ocfs2", "orangefs", "pvfs2", "panfs"),
    *("wekafs", "cvfs", "acfs", "pmxcfs"),
    # A virtual machine's or a container's way to folders of its host: the host neither shares the guest's memory
    # nor sees its locks, and has the same folder open, as other guests may.
    *("9p", "virtiofs", "vboxsf", "vmhgfs", "fakeowner", "drvfs", "prl_fs"),
    # A server may stand behind a program that does not tell its name.
    *("macfuse", "osxfuse"),
}

_HERE = {
    *("ntfs", "ntfs-3g", "exfat", "exfat-fuse", "ext2", "fuse2fs", "zfs", "zfs-fuse", "apfs", "apfs-fuse"),
    *("lxcfs", "portal", "squashfuse", "snapfuse", "dwarfs"),
}
"""Programs below `fuse.` that use a disk of this machine. What is not known counts as a server."""

_OVER_A_FOLDER = {
    *("bindfs", "mergerfs", "mhddfs", "gocryptfs", "encfs", "ecryptfs", "cryfs", "securefs"),
    *("fuse-overlayfs", "unionfs", "unionfs-fuse"),
}
"""Programs that show other folders: those decide, where they are named."""

_NAMELESS = "fuse"
"""Some program: bindfs, which names its folder; davfs2, which names a server; or one that names nothing."""

_GUESTS = ("9p", "virtiofs")
"""A whole machine may have these as its root (gVisor, Kata): then nobody else has it."""

_DEPTH = 5

_ESCAPED = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A file system in its place: `kind` as the system calls it, `source` what it shows, `options` with commas."""

    point: str
    kind: str
    source: str = ""
    options: str = ""
    device: int | None = None


Mounts: TypeAlias = Callable[[Collection[str]], list[Mount]]
"""Gives the mounts at some of these places, or more of them, in the order in which they were mounted."""


def shared_mount(path: Path) -> Mount | None:
    """The file system of a file, which need not exist, if other machines may use it as well; else None."""
    return shared_among(os.path.realpath(path), _mounts)


def shared_among(path: str, mounts: Mounts, deep: int = 0) -> Mount | None:
    """The same for a path without links, where these file systems are mounted."""
    if path.startswith("\\\\") and not path.startswith(("\\\\?", "\\\\.")):
        # A server's name on Windows, also for a drive with a letter.
        return Mount(path, "SMB")
    mount = _mount_of(path, mounts)
    if mount is None or (mount.kind in _GUESTS and mount.point == "/"):
        return None
    program = mount.kind.removeprefix("fuse.")
    if program in _OVER_A_FOLDER or program == _NAMELESS:
        names_folders = mount.source.startswith("/") and mount.source != "/dev/fuse"
        below = mount.source.split(":") if names_folders else []
        if not below and program == _NAMELESS:
            return mount
        found = (shared_among(os.path.realpath(each), mounts, deep + 1) for each in below)
        # A folder may be over one that is over it.
        return next(filter(None, found), None) if deep < _DEPTH else None
    if program != mount.kind:
        return None if program in _HERE else mount
    options = mount.options.split(",")
    # macOS says what is local, Windows what is not.
    is_remote = "remote" in options or (sys.platform == "darwin" and "local" not in options)
    return mount if is_remote or mount.kind.lower() in _OF_OTHERS else None


def read_mountinfo(text: bytes, points: Collection[str]) -> list[Mount]:
    """The mounts at these places, from the form of `/proc/self/mountinfo`."""
    mounts = []
    for line in text.splitlines():
        _, _, device, _, point, rest = line.split(b" ", 5)
        if (place := _plain(point)) in points:
            kind, source, *_ = [*rest.partition(b" - ")[2].split(b" "), b""]
            major, _, minor = device.partition(b":")
            mounts.append(
                Mount(place, _plain(kind), _plain(source), device=os.makedev(int(major), int(minor)))
            )
    return mounts


def _mount_of(path: str, mounts: Mounts) -> Mount | None:
    points = [path, *map(str, Path(path).parents)]
    device = _device(points)
    found = [(mount.device == device, len(mount.point), at, mount)
             for at, mount in enumerate(mounts(points)) if mount.point in points]  # fmt: skip
    # A mount may hide an earlier one, at the same place or above it.
    return max(found)[-1] if found else None


def _device(points: list[str]) -> int | None:
    """The device of a file; of the folder that it would be in, where it is not there yet."""
    for each in points:
        with suppress(OSError, ValueError):
            return Path(each).stat().st_dev
    return None


def _mounts(points: Collection[str]) -> list[Mount]:
    if sys.platform == "linux":
        try:
            return read_mountinfo(_LIST.read_bytes(), points)
        except (OSError, ValueError):  # a system that calls itself Linux, and is none
            return []
    import psutil

    parts = psutil.disk_partitions(all=True)
    return [Mount(each.mountpoint, each.fstype, each.device, each.opts) for each in parts]


def _plain(field: bytes) -> str:
    if b"\\" in field:
        field = _ESCAPED.sub(lambda match: bytes([int(match[1], 8)]), field)
    return os.fsdecode(field)
