"""Inputs: the files that a path stands for, each opened once and unpacked while reading.

A path is a file, a folder, a pattern such as `in/*.csv`, a zip archive, or `-` for standard input.
"""

import bz2
import gzip
import lzma
import os
import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from glob import has_magic
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast
from urllib.parse import unquote

from shipment_etl.errors import FileEmpty, FileUnreadable, UnpackedTooLarge
from shipment_etl.ingest.folders import explain, files_below, files_matching, is_visible
from shipment_etl.ingest.formats import PACKED, find_format
from shipment_etl.ingest.limits import MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO, MIN_UNPACKED_BYTES
from shipment_etl.ingest.names import tidy
from shipment_etl.printable import printable

__all__ = [
    "STDIN",
    "Input",
    "Opened",
    "drop_repeated",
    "find_inputs",
    "find_members",
    "is_archive",
    "may_be_read",
    "open_input",
    "partitions_of",
    "unpacked_limit",
]

STDIN = "-"
MAGIC: Mapping[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read.

    Attributes:
        name: its path, for messages.
        open: opens its bytes as stored.
        partitions: values in the names of its folders, such as day=2026-11-02.
        packed_bytes: the compressed size of a member of an archive.
    """

    name: str
    open: Callable[[], IO[bytes]]
    partitions: Mapping[str, str] = field(default_factory=dict)
    packed_bytes: int | None = None

    @property
    def short_name(self) -> str:
        """Its name without folders, printable."""
        return printable(PurePosixPath(self.name).name)


class Opened:
    """An open file: its input, and its unpacked bytes."""

    def __init__(self, source: Input, data: IO[bytes]) -> None:
        self.input = source
        self.data = data

    @property
    def name(self) -> str:
        """The path, for messages."""
        return self.input.name

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """Yield the bytes for reading in any order; a pipe or a compressed file is copied to disk first."""
        if isinstance(self.data, BufferedReader) and self.data.seekable() and not isinstance(self.data.raw, _Unpacked):
            yield self.data
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(self.data, copy)
            copy.seek(0)
            yield copy


def find_inputs(paths: Iterable[str | Path]) -> list[Input]:
    """Return the files that paths stand for, in order; those of a folder or a pattern by name.

    Raises:
        FileMissing: there is no such file, or a link leads nowhere.
        FileEmpty: a folder, a pattern or an archive has no file in a known format.
        FileUnreadable: a folder cannot be read, or a zip archive is not valid.
    """
    return [found for path in paths for found in _expand(str(path))]


def drop_repeated(inputs: Sequence[Input]) -> tuple[list[Input], list[Input]]:
    """Return the inputs to read, and those that are one of them again: given twice, or a link such as latest.csv.

    A path without links is preferred, because its folders may have values in their names.
    """
    # Unlike Path.resolve, realpath raises no error for a link to itself; opening the file explains it.
    places = [(os.path.realpath(each.name), each) for each in inputs]
    chosen = dict[str, Input]()
    for place, each in sorted(places, key=lambda found: found[0] != str(Path(found[1].name).absolute())):
        chosen.setdefault(place, each)
    kept = [each for place, each in places if chosen[place] is each]
    return kept, [each for place, each in places if chosen[place] is not each]


def _expand(path: str) -> list[Input]:
    if path == STDIN:
        return [Input("stdin", lambda: open(sys.stdin.fileno(), "rb", closefd=False))]
    # Unlike these two, Path.is_dir and Path.exists raise some errors; opening a file explains them.
    if os.path.isdir(path):  # noqa: PTH112
        return _expand_files(path, [each for each in files_below(path) if may_be_read(each.name)])
    if has_magic(path) and not os.path.exists(path):  # noqa: PTH110
        return _expand_files(path, files_matching(path))
    if is_archive(path):
        return find_members(path, lambda: zipfile.ZipFile(path))
    place = Path(path)
    return [Input(path, lambda: place.open("rb"), partitions_of(place))]


def _expand_files(path: str, files: list[Path]) -> list[Input]:
    if not files:
        raise FileEmpty(path, "it has no file in a known format")
    return [found for each in files for found in _expand(str(each))]


def may_be_read(name: str) -> bool:
    """Whether a file in a folder is read: a pattern takes every file that matches, a folder only known formats."""
    return find_format(name) is not None or is_archive(name)


def is_archive(name: str) -> bool:
    """Whether the name of a file shows that it is a zip archive."""
    return name.lower().endswith(".zip")


def find_members(archive: str, open_archive: Callable[[], zipfile.ZipFile]) -> list[Input]:
    """Return the files in an archive; errors as for `find_inputs`."""
    try:
        with open_archive() as opened:
            members = [
                each for each in opened.infolist() if not each.is_dir() and is_visible(PurePosixPath(each.filename).parts)
            ]
    except (FileNotFoundError, NotADirectoryError, PermissionError) as problem:
        raise explain(archive, problem) from problem
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise FileUnreadable(archive, f"it is not a zip archive ({problem})", "Fetch it again.") from problem
    known = [each for each in members if find_format(each.filename)]
    if not known:
        raise FileEmpty(archive, "it has no file in a known format")
    return [
        Input(
            f"{archive}/{each.filename}",
            _opener(open_archive, each),
            {**partitions_of(archive), **partitions_of(each.filename)},
            each.compress_size,
        )
        for each in known
    ]


def _opener(open_archive: Callable[[], zipfile.ZipFile], member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: open_archive().open(member)


def partitions_of(path: str | Path) -> dict[str, str]:
    """Return the values in the names of a path's folders, such as day=2026-11-02."""
    named = (part.partition("=") for part in PurePosixPath(path).parts[:-1])
    return {tidy(name): unquote(value) for name, sign, value in named if sign and re.fullmatch(r"\w+", name)}


@contextmanager
def open_input(source: Input) -> Iterator[Opened]:
    """Open a file, once, and unpack it while reading.

    Raises:
        FileMissing: there is no such file.
        FileEmpty: it has no bytes.
        FileUnreadable: it cannot be opened or unpacked.
        UnpackedTooLarge: it is too large when unpacked.
    """
    try:
        with source.open() as stored:
            packed = stored if isinstance(stored, BufferedReader) else BufferedReader(cast("Any", stored), BLOCK)
            head = packed.peek(8)[:8]
            if not head:
                raise FileEmpty(source.name, "it is empty")
            opener = next((each for magic, each in MAGIC.items() if head.startswith(magic)), None)
            if opener is None and source.name.lower().endswith(PACKED):
                why = "it is not compressed as its name says, or it is damaged"
                remedy = f"If it is not compressed, remove {Path(source.name).suffix} from its name."
                raise FileUnreadable(source.name, why, remedy)
            if opener is None and source.packed_bytes is None:
                yield Opened(source, packed)
                return
            counted = _Counted(packed)
            unpacked = packed if opener is None else opener(BufferedReader(counted, BLOCK))
            sizes = _Unpacked(source, unpacked, counted if opener else None)
            yield Opened(source, cast("IO[bytes]", BufferedReader(sizes, BLOCK)))
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile) as problem:
        why = f"it is compressed, but damaged or cut off ({problem})"
        raise FileUnreadable(source.name, why, "Fetch it again; if it is not compressed, correct its name.") from problem
    except OSError as problem:
        raise explain(source.name, problem) from problem
    except (RuntimeError, NotImplementedError) as problem:
        if source.packed_bytes is None:
            raise
        raise FileUnreadable(source.name, f"it cannot be unpacked ({problem})", "Unpack the archive yourself.") from problem


def unpacked_limit(packed: int) -> int:
    """Return the maximum unpacked size, in bytes, for a compressed size."""
    return min(max(MIN_UNPACKED_BYTES, MAX_UNPACKED_RATIO * packed), MAX_UNPACKED_BYTES)


class _Counted(RawIOBase):
    """Compressed bytes, counted while reading: a pipe does not know its position."""

    def __init__(self, data: IO[bytes]) -> None:
        self._data = data
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._data.read(len(buffer))
        buffer[: len(block)] = block
        self.bytes += len(block)
        return len(block)


class _Unpacked(RawIOBase):
    """Unpacked bytes, up to the maximum for their file."""

    def __init__(self, source: Input, data: Any, packed: _Counted | None) -> None:
        self._source = source
        self._data = data
        self._packed = packed
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._data.read(len(buffer))
        buffer[: len(block)] = block
        self._bytes += len(block)
        packed = self._packed.bytes if self._packed else self._source.packed_bytes or 0
        limit = unpacked_limit(packed)
        if self._bytes > limit:
            remedy = "Unpack it yourself if you trust it."
            raise UnpackedTooLarge(self._source.name, "its content", limit, remedy)
        return len(block)

    def close(self) -> None:
        with suppress(OSError, EOFError):
            self._data.close()
        super().close()
