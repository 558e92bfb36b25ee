"""Folders: every file that is meant is found, once, or there is an error that says which is not."""

import errno
import os
import socket
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir
from glob import glob
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipment_etl.errors import FileEmpty, FileMissing, FileUnreadable
from shipment_etl.ingest.inputs import Input, drop_repeated, find_inputs, open_input
from tests.ingest.trees import grow, patterns, trees


def find(path: str | Path) -> list[str]:
    return [each.name for each in find_inputs([path])]


@settings(max_examples=300)
@given(trees, patterns)
def test_a_pattern_stands_for_the_files_that_glob_finds(tree: list[str], pattern: str) -> None:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        grow(Path(folder), tree)
        if Path(pattern).exists():
            return
        for each in (pattern, f"{folder}/{pattern}"):
            # Where a pattern ends in **, glob may find a path twice, and some versions a file as if it were a folder.
            expected = sorted({found for found in glob(each, recursive=True) if Path(found).is_file() and found[-1] != "/"})  # noqa: PTH207  # the referee
            if expected:
                assert find(each) == expected
            else:
                with pytest.raises(FileEmpty):
                    find(each)


def test_files_behind_links_to_folders_are_found(tmp_path: Path) -> None:
    grow(tmp_path, ["in/a.csv", "elsewhere/day=1/b.csv", "elsewhere/_c.csv", "elsewhere/d.md"])
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "in" / "e.csv").symlink_to(tmp_path / "in" / "a.csv")
    expected = [f"{tmp_path}/in/{name}" for name in ("a.csv", "e.csv", "link/day=1/b.csv")]
    assert find(tmp_path / "in") == expected
    assert find(f"{tmp_path}/in/**/[a-z].csv") == expected


def test_a_file_is_read_once_however_often_it_is_found(tmp_path: Path) -> None:
    grow(tmp_path, ["in/day=1/b.csv", "in/c.csv", "in/d.zip", "other/c.csv"])
    with zipfile.ZipFile(tmp_path / "in" / "d.zip", "w") as archive:
        archive.writestr("e.csv", "1")
    for link, target in (("in/current", "in/day=1"), ("in/a.csv", "in/c.csv"), ("in/z.zip", "in/d.zip"), ("o", "other")):
        (tmp_path / link).symlink_to(tmp_path / target)
    found = [*find_inputs([tmp_path / "in", tmp_path / "in" / "c.csv", f"{tmp_path}/o/../o/*.csv"])]
    kept, repeated = drop_repeated(found)
    expected = ["in/c.csv", "in/d.zip/e.csv", "in/day=1/b.csv", "o/../o/c.csv"]
    assert [each.name.removeprefix(f"{tmp_path}/") for each in kept] == expected
    assert sorted(each.name.removeprefix(f"{tmp_path}/") for each in repeated) == [
        *("in/a.csv", "in/c.csv", "in/current/b.csv", "in/z.zip/e.csv")
    ]
    assert [each.partitions for each in kept] == [{}, {}, {"day": "1"}, {}]


@given(st.lists(st.sampled_from(["a.csv", "in/b.csv", "s3://bucket/a.csv", "s3://bucket/b.csv"])))
def test_each_of_the_given_files_is_kept_once_in_order(names: list[str]) -> None:
    kept, repeated = drop_repeated([Input(name, BytesIO) for name in names])
    assert [each.name for each in kept] == list(dict.fromkeys(names))
    assert Counter(each.name for each in (*kept, *repeated)) == Counter(names)


def test_a_link_to_a_folder_that_it_is_in_is_not_followed(tmp_path: Path) -> None:
    grow(tmp_path, ["in/a.csv", "in/sub/b.csv", "elsewhere/c.csv"])
    (tmp_path / "in" / "sub" / "up").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "sub" / "top").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in" / "sub", target_is_directory=True)
    expected = ["a.csv", "sub/b.csv", "sub/top/elsewhere/c.csv"]
    assert find(tmp_path / "in") == [f"{tmp_path}/in/{name}" for name in expected]
    assert find(f"{tmp_path}/in/**/*.csv") == [f"{tmp_path}/in/{name}" for name in expected]


@pytest.mark.parametrize("pattern", ["", "/*.csv", "/**"])
@pytest.mark.parametrize("target", ["gone.csv", "b.csv"])
def test_a_link_that_leads_nowhere_is_reported(tmp_path: Path, pattern: str, target: str) -> None:
    grow(tmp_path, ["a.csv", ".hidden", "sub/c.csv"])
    (tmp_path / ".link").symlink_to("gone")
    assert find(f"{tmp_path}{pattern}")[0] == f"{tmp_path}/a.csv"
    # The second one leads to itself.
    (tmp_path / "b.csv").symlink_to(target)
    error, said = (FileMissing, r"no file .*/b\.csv \(a link that") if target == "gone.csv" else (FileUnreadable, "Too many")
    with pytest.raises(error, match=said):
        find(f"{tmp_path}{pattern}")


def test_pipes_and_sockets_are_not_files(tmp_path: Path) -> None:
    grow(tmp_path, ["a.csv"])
    os.mkfifo(tmp_path / "b.csv")
    with socket.socket(socket.AF_UNIX) as listening, chdir(tmp_path):
        listening.bind("c.csv")
        assert find(tmp_path) == find(f"{tmp_path}/*.csv") == [f"{tmp_path}/a.csv"]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """A function that makes a folder unreadable, for root as well."""
    refused: list[str] = []
    scandir = os.scandir

    def listing(path: Any = ".") -> Any:
        if os.fspath(path) in refused:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listing)
    return lambda path: refused.append(str(path))


@pytest.mark.parametrize("pattern", ["", "/*/*.csv", "/**/*.csv", "/s*/b.csv"])
def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, pattern: str, refuse: Callable[[Path], None]) -> None:
    grow(tmp_path, ["a.csv", "sub/b.csv", "_other/c.csv", ".other/d.csv"])
    for name in (".other", *(() if "*/" in pattern else ("_other",))):
        refuse(tmp_path / name)
    assert f"{tmp_path}/sub/b.csv" in find(f"{tmp_path}{pattern}")
    refuse(tmp_path / "sub")
    with pytest.raises(FileUnreadable, match="/sub cannot be read: permission denied"):
        find(f"{tmp_path}{pattern}")
    assert find(f"{tmp_path}/*.csv") == [f"{tmp_path}/a.csv"], "folders that do not matter are not read"


@pytest.mark.parametrize(
    ("name", "error", "error_of_pattern"),
    [
        ("EACCES", FileUnreadable, FileUnreadable),
        ("ENAMETOOLONG", FileMissing, FileMissing),
        ("ENOTDIR", FileMissing, FileEmpty),
    ],
)
def test_a_path_that_cannot_be_looked_at_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception], error_of_pattern: type[Exception]
) -> None:
    def fail(path: Any, *_: Any, **__: Any) -> Any:
        number = getattr(errno, name)
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patched:
        for function in ("os.stat", "os.lstat", "io.open"):
            patched.setattr(function, fail)
        with pytest.raises(error), open_input(find_inputs([tmp_path / "f.csv"])[0]):
            pass
        with pytest.raises(error_of_pattern):
            find(tmp_path / "*.csv")


def test_an_archive_that_cannot_be_opened_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Any, *_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("io.open", fail)
    with pytest.raises(FileUnreadable, match="permission denied"):
        find(tmp_path / "f.zip")
