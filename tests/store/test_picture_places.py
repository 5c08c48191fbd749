"""The addresses of pictures: what they name, how they are compared, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivya_nb.errors import UsageError
from rivya_nb.store.environment import pictures_address
from rivya_nb.store.picture_places import BucketAddress, read_pictures, same_spelling
from rivya_nb.store.places import read_place


@pytest.mark.parametrize(
    ("given", "scheme", "bucket", "prefix"),
    [
        ("s3://lab-rivya/pictures", "s3", "lab-rivya", "pictures"),
        ("s3://lab-rivya", "s3", "lab-rivya", ""),
        (" S3://lab-rivya//a/b/ ", "s3", "lab-rivya", "a/b"),
        ("gs://lab/ภาพ%20x", "gs", "lab", "ภาพ x"),
        ("az://container/p", "az", "container", "p"),
    ],
)
def test_a_bucket_is_read(given: str, scheme: str, bucket: str, prefix: str) -> None:
    assert read_pictures(given) == BucketAddress(scheme, bucket, prefix)
    assert same_spelling(given) == f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
    assert same_spelling(same_spelling(given)) == same_spelling(given)


def test_a_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "pictures of ada ภาพ"
    assert read_pictures(folder.as_uri()) == folder
    assert read_pictures(f"file://localhost{tmp_path}/x") == tmp_path / "x"
    assert same_spelling(folder.as_uri()) == folder.as_uri()
    assert same_spelling(None) == same_spelling("") == ""


@pytest.mark.parametrize(
    "given",
    [
        "s3://AKIAEXAMPLE:s3cr3t@lab/p",
        "s3://s3cr3t@lab/p",
        "az://container/p?sig=s3cr3t",
        "gs://lab/p#s3cr3t",
        "https://user:s3cr3t@host/p",
        "ftp://user:s3cr3t@host/p",
        "s3://[s3cr3t/p",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(UsageError) as told:
        read_pictures(given)
    assert "s3cr3t" not in str(told.value)
    assert "RIVYA_PICTURES: " in str(told.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("ftp://host/p", r"ftp://… is no address of pictures; known are s3://bucket/prefix, gs://"),
        ("postgresql://db/p", "is no address of pictures"),
        ("/data/pictures", "file:///folder"),
        ("s3:/lab/p", "known are s3://bucket/prefix"),
        ("s3://", "names no bucket"),
        ("s3://host:9000/lab", "names no bucket"),
        ("s3://lab/../p", "which no bucket has"),
        ("s3://lab rivya/p", "no name of a bucket"),
        ("s3://lab-rivya\\\\p", "no name of a bucket"),
        ("s3://münchen/p", "no name of a bucket"),
        ("s3://lab/run%231", "prefix with a character"),
        ("s3://lab/what%3F", "prefix with a character"),
        ("s3://lab/100%25", "prefix with a character"),
        ("s3://lab/%FF", "prefix with a character"),
        ("s3://lab/a%0Ab", "prefix with a character"),
        ("s3://lab/a%20", "prefix with a character"),
        ('s3://lab/p"', "prefix with a character"),
        ("file://host/share", "write file:///folder"),
        ("file:///", "names no folder"),
    ],
)
def test_what_is_no_address_says_what_would_be_right(given: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_pictures(given)


def test_the_environments_address_is_about_the_environments_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIVYA_PICTURES", "s3://lab-rivya/pictures")
    monkeypatch.delenv("RIVYA_STORE", raising=False)
    assert pictures_address(tmp_path) == "s3://lab-rivya/pictures"
    monkeypatch.setenv("RIVYA_STORE", "postgresql://db.lab/rivya")
    assert pictures_address(read_place("postgresql://DB.lab/rivya")) == "s3://lab-rivya/pictures"
    assert pictures_address(tmp_path) is None
