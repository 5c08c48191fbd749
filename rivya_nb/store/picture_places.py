"""Where a store keeps its pictures: in a folder, or in a bucket of an object storage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from rivya_nb.contract.text import short_repr
from rivya_nb.errors import UsageError

VARIABLE = "RIVYA_PICTURES"

BUCKETS = {"s3": "AWS_…", "gs": "GOOGLE_…", "az": "AZURE_STORAGE_…"}
"""The schemes of buckets, and how the environment's names for their credentials begin."""

_KNOWN = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix and file:///folder"

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_UNFIT = set("#?%\\\"'\N{REPLACEMENT CHARACTER}")
"""Characters that an address reads as something else when it is read again, or that were copied with it."""

_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": (),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""The environment's names for another address of a service, the strongest first."""


@dataclass(frozen=True)
class BucketAddress:
    """A place in a bucket: `scheme` is the kind of its service, `prefix` what all its objects' names begin with.

    As text it is the address that the user gives, in one spelling: two of them are the same place if their
    texts are equal. It has no secrets.
    """

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")


PicturesPlace: TypeAlias = BucketAddress | Path


def read_pictures(given: str) -> PicturesPlace:
    """The bucket or the folder that an address names.

    Raises:
        UsageError: the address is of an unknown kind, is not whole, or has a key or a password in it. The message
            does not show the address where it may have a secret.
    """
    scheme, separator, _ = given.strip().partition("://")
    scheme = scheme.lower()
    if not separator or (scheme not in BUCKETS and scheme != "file"):
        shown = f"{scheme[:20]}://…" if separator else "this"
        raise UsageError(f"{VARIABLE}: {shown} is no address of pictures; known are {_KNOWN}.")
    try:
        parts = urlsplit(given.strip())
    except ValueError:
        raise UsageError(f"{VARIABLE}: {scheme}://… is no whole address; known are {_KNOWN}.") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        names = BUCKETS.get(scheme)
        way_out = f"; give them as {names} in the environment" if names else ""
        raise UsageError(f"{VARIABLE}: an address of pictures has no key, password or option in it{way_out}.")
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"{VARIABLE}: {scheme}://{parts.netloc}/… names a host; write file:///folder.")
        if len(parts.path) < 2:
            raise UsageError(f"{VARIABLE}: {given} names no folder; write file:///folder.")
        # Only here: it imports much that hardly any store needs.
        from urllib.request import url2pathname

        return Path(url2pathname(parts.path))
    return _bucket(scheme, parts.netloc, unquote(parts.path))


def _bucket(scheme: str, bucket: str, path: str) -> BucketAddress:
    prefix = "/".join(part for part in path.split("/") if part)
    shown = f"{scheme}://{bucket}/{prefix}"
    if not bucket or ":" in bucket:
        raise UsageError(f"{VARIABLE}: {scheme}://… names no bucket; write {scheme}://bucket/prefix.")
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(
            f"{VARIABLE}: {short_repr(bucket)} is no name of a bucket, which has letters, digits, -, _ and dots; "
            f"write {scheme}://bucket/prefix."
        )
    if not prefix.isprintable() or prefix != prefix.strip() or not _UNFIT.isdisjoint(prefix):
        raise UsageError(
            f"{VARIABLE}: {short_repr(shown)} has a prefix with a character that is read in different ways (one "
            "of # ? % \\ or quotation marks, a space at an end, or an invisible one); name another prefix."
        )
    if any(part in (".", "..") for part in prefix.split("/")):
        raise UsageError(f"{VARIABLE}: {shown} has . or .. as a part, which no bucket has.")
    return BucketAddress(scheme, bucket, prefix)


def spelled(place: PicturesPlace) -> str:
    """A place as an address."""
    return str(place) if isinstance(place, BucketAddress) else place.absolute().as_uri()


def same_spelling(given: str | None) -> str:
    """An address of pictures in one spelling, to be kept and compared; empty for the store's own folder.

    Raises:
        UsageError: see `read_pictures`.
    """
    return spelled(read_pictures(given)) if given else ""


def endpoint_of(address: BucketAddress, environment: Mapping[str, str]) -> str:
    """The address of the bucket's service, if the environment names another than the usual one; else empty.

    Raises:
        UsageError: it is not https, and not on this machine.
    """
    names = (name for name in _ENDPOINTS[address.scheme] if environment.get(name))
    name = next(names, None)
    if name is None:
        return ""
    try:
        parts = urlsplit(environment[name])
        _ = parts.port
    except ValueError:
        raise UsageError(f"{name} is no whole address; write https://host or https://host:port.") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname)):
        raise UsageError(
            f"{name}: pictures are sent over https only, or to this machine; write https://… in {name}."
        )
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            f"{name} names no host, or has a login or an option beside it; write https://host, and the keys as "
            f"{BUCKETS[address.scheme]}."
        )
    return environment[name]


def check_environment(address: BucketAddress, environment: Mapping[str, str]) -> None:
    """
    Raises:
        UsageError: what the environment says of such buckets has a character that no key and no address has.
    """
    start = BUCKETS[address.scheme].removesuffix("…")
    for name, value in environment.items():
        if name.startswith(start) and not (value.isprintable() and value == value.strip()):
            # As a file that is read into a variable ends.
            raise UsageError(
                f"{name} has a line break or a space at an end, or an invisible character; set it without."
            )


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
