"""A bucket of an object storage: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

It is reached with obstore, which is imported when the first bucket is opened. The credentials are those of the
environment. No message has more of an answer than its status: an answer may quote a secret.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rivya_nb.errors import UnreachableError, UsageError
from rivya_nb.store.picture_places import BucketAddress, check_environment, endpoint_of
from rivya_nb.store.trouble import disk_trouble

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

WHOLE = 8 << 20
"""Bytes of the largest object that is sent in one piece; a larger one is sent in several."""

_TRIAL = "writable"
"""The name of an object that is written to find out whether the bucket can be written."""

_NEEDED = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, the path of a key's file",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Where the credentials are looked for, by the scheme of an address."""

_STATUS = re.compile(r"status code: (\d{3})")


@dataclass(frozen=True)
class Patience:
    """Seconds that a bucket has to take a connection, to go on with an answer, and to give a whole one; how often
    a call is repeated; and for how many seconds a bucket that did not answer is left alone."""

    connect: float = 5.0
    stall: float = 60.0
    whole: float = 600.0
    repeats: int = 2
    rest: float = 5.0


FOR_FILES = Patience()
FOR_TRIFLES = Patience(connect=3.0, stall=10.0, whole=15.0, repeats=1)
FOR_SWEEPS = Patience(connect=2.0, stall=5.0, whole=5.0, repeats=0)
"""A transaction is open meanwhile."""


class Bucket:
    """The objects below one address. Every method may be called from any thread, and is slow.

    Raises UnreachableError where the bucket refuses or does not answer.
    """

    def __init__(self, address: BucketAddress) -> None:
        self.address = address
        check_environment(address, os.environ)
        self._endpoint = endpoint_of(address, os.environ)
        self._opened: dict[Patience, ObjectStore] = {}
        self._rests_until = 0.0
        self._process = os.getpid()
        self._open(FOR_FILES)

    @property
    def identity(self) -> str:
        """A text that is another one for every other bucket that this machine may see."""
        return f"{self.address} {self._endpoint}"

    def try_out(self) -> None:
        """Write a small object, as a picture is written."""
        with self._talking("be written"):
            self._open(FOR_TRIFLES).put(_TRIAL, b"rivya_nb writes this to find out whether it can.")

    def put(self, name: str, file: BinaryIO) -> None:
        """Keep a file under a name that is given by its content; what the bucket has is not sent again."""
        size = os.fstat(file.fileno()).st_size
        with self._talking("be written"):
            store = self._open(FOR_FILES)
            if size <= WHOLE and self._create(store, name, file):
                return
            # The bucket has this object, or one that was damaged on its way.
            if self.size(name) != size:
                file.seek(0)
                store.put(name, file)

    def _create(self, store: ObjectStore, name: str, file: BinaryIO) -> bool:
        """Send a file in one piece; False if an object has its name, or the service knows no condition."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            store.put(name, file, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except BaseError as error:
            if _status(error) == 501:
                return False
            raise
        return True

    def size(self, name: str) -> int | None:
        """The size of an object in bytes; None if there is none."""
        with self._talking("be read"):
            try:
                return self._open(FOR_TRIFLES).head(name)["size"]
            except FileNotFoundError as error:
                _check_bucket(error)
                return None

    def fetch(self, name: str, part: Path, *, trifle: bool = False) -> str | None:
        """Write an object to a new file, and return the SHA-256 of its bytes; None if there is none.

        A `trifle` is not asked for while the bucket is known not to answer.
        """
        if trifle and time.monotonic() < self._rests_until:
            raise UnreachableError(f"{self.address} did not answer just now; try again.")
        digest = hashlib.sha256()
        with self._talking("be read"):
            try:
                answer = self._open(FOR_TRIFLES if trifle else FOR_FILES).get(name)
            except FileNotFoundError as error:
                _check_bucket(error)
                return None
            with disk_trouble(part), part.open("wb") as file:
                for chunk in answer.stream(1 << 20):
                    digest.update(chunk)
                    file.write(chunk)
        return digest.hexdigest()

    def names(self, start: str) -> Iterator[str]:
        """The names of all objects that begin so; `start` ends with `/`."""
        with self._talking("be read"):
            for batch in self._open(FOR_FILES).list(start):
                yield from (each["path"] for each in batch)

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are not there are no mistake."""
        store = self._open(FOR_SWEEPS)
        with self._talking("be written"):
            if self.address.scheme == "s3":
                store.delete(names)
                return
            for name in names:
                with suppress(FileNotFoundError):
                    store.delete(name)

    def _open(self, patience: Patience) -> ObjectStore:
        if patience not in self._opened:
            self._opened[patience] = _connect(self.address, self._endpoint, patience)
        return self._opened[patience]

    @contextmanager
    def _talking(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        if os.getpid() != self._process:
            # The threads that do obstore's work are in the parent alone.
            raise UnreachableError(
                f"{self.address} cannot {what} in a process that was forked; start it another way, such as with "
                'multiprocessing.get_context("spawn").'
            )
        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            status = _status(error)
            if status is None or status >= 500:
                self._rests_until = time.monotonic() + FOR_TRIFLES.rest
            reason = _reason(error, status, _NEEDED[self.address.scheme])
            raise UnreachableError(f"{self.address} cannot {what}: {reason}.") from None
        except BaseException as error:
            # The library gives up on what it cannot put into a call, with what is no Exception and has no module.
            if type(error).__name__ != "PanicException":
                raise
            raise UnreachableError(
                f"{self.address} cannot {what}: its address or a credential in the environment is none; correct "
                f"{_NEEDED[self.address.scheme]}, or the service's address."
            ) from None
        else:
            self._rests_until = 0.0


def _connect(address: BucketAddress, endpoint: str, patience: Patience) -> ObjectStore:
    try:
        from obstore import store
        from obstore.exceptions import BaseError
    except ImportError:
        raise UsageError(
            f'Pictures in {address} need obstore: pip install "rivya-nb[server]", then restart this kernel.'
        ) from None
    client: ClientConfig = {
        "allow_http": endpoint.startswith("http:"),
        "connect_timeout": timedelta(seconds=patience.connect),
        "read_timeout": timedelta(seconds=patience.stall),
        "timeout": timedelta(seconds=patience.whole),
    }
    retry: RetryConfig = {
        "max_retries": patience.repeats,
        "retry_timeout": timedelta(seconds=patience.stall),
        "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
    }
    prefix = address.prefix or None
    try:
        if address.scheme == "gs":
            return store.GCSStore(address.bucket, prefix=prefix, client_options=client, retry_config=retry)
        if address.scheme == "az":
            return store.AzureStore(address.bucket, prefix=prefix, client_options=client, retry_config=retry)
        if endpoint:
            return store.S3Store(
                address.bucket, prefix=prefix, endpoint=endpoint, client_options=client, retry_config=retry
            )
        return store.S3Store(address.bucket, prefix=prefix, client_options=client, retry_config=retry)
    except (BaseError, ValueError):
        # What is wrong is in the environment, and may be a secret.
        raise UsageError(
            f"{address} cannot be opened with the credentials and options in the environment; set "
            f"{_NEEDED[address.scheme]}, or correct them."
        ) from None


def _status(error: Exception) -> int | None:
    text = str(error)
    if found := _STATUS.search(text):
        return int(found[1])
    # One call deletes many objects, and succeeds as a whole.
    return 403 if "AccessDenied" in text else None


def _check_bucket(error: FileNotFoundError) -> None:
    """Raise the error again if it is not the object that is missing, but the whole bucket."""
    if _is_no_bucket(error):
        raise error


def _is_no_bucket(error: Exception) -> bool:
    return "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error)


def _reason(error: Exception, status: int | None, needed: str) -> str:
    text = str(error)
    if _is_no_bucket(error):
        return "there is no such bucket; make it, or correct the address"
    if "169.254.169.254" in text or "metadata.google.internal" in text:
        return f"there are no credentials for it in the environment; set {needed}"
    if "AuthorizationHeaderMalformed" in text or "redirect" in text.lower():
        return "it is in another region; give its region, such as AWS_REGION, in the environment"
    if "RequestTimeTooSkewed" in text:
        return "the clock of this machine is wrong; set it"
    if status in (401, 403):
        return f"it is not allowed with the credentials of the environment (HTTP {status})"
    if status is not None:
        return f"it answers with HTTP {status}"
    return "it does not answer in time" if "Timeout" in text else "it does not answer"
