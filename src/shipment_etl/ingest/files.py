"""Files: their bytes and lines, whatever their packing and encoding; what cannot be read says why, and where."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from shipment_etl.errors import FileEmpty, FileMissing, FileUnreadable, RecordTooLong, UnpackedTooLarge
from shipment_etl.ingest.limits import (
    MAX_RECORD_CHARACTERS,
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
    MIN_UNPACKED_BYTES,
)

__all__ = ["Lines", "is_packed", "open_bytes"]

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = "\ufeff"
BLOCK = 1 << 16
NOT_TEXT = "Set its encoding under [file] in the mapping (such as cp1252 or utf-16), or its format if it is no text."
NO_MARK = "It has no byte order mark: set its encoding under [file] in the mapping to utf-16-le or utf-16-be."


def is_packed(path: Path) -> bool:
    """Return whether a file is packed with gzip, by its name or its first bytes.

    Raises:
        FileMissing: there is no such file.
        FileUnreadable: it cannot be opened.
    """
    with open_bytes(path, unpack=False) as data:
        return path.suffix.lower() == ".gz" or data.read(len(GZIP_MAGIC)) == GZIP_MAGIC


@contextmanager
def open_bytes(path: Path, *, unpack: bool = True) -> Iterator[IO[bytes]]:
    """Open a file, unpacking it on the way.

    Raises:
        FileMissing: there is no such file.
        FileEmpty: it has no bytes.
        FileUnreadable: it cannot be opened or unpacked.
    """
    try:
        if path.stat().st_size == 0 and path.is_file():
            raise FileEmpty(str(path), "it has no bytes")
        packed = unpack and is_packed(path)
        with path.open("rb") as data:
            if not packed:
                yield data
                return
            with gzip.open(data) as unpacked:
                yield cast("IO[bytes]", BufferedReader(_Unpacked(path, unpacked, data), BLOCK))
    except (FileNotFoundError, NotADirectoryError):
        raise FileMissing(str(path)) from None
    except IsADirectoryError as problem:
        raise FileUnreadable(str(path), "it is a folder", "Name the files in it, one at a time.") from problem
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        why = f"it is packed with gzip, but damaged or cut off ({problem})"
        raise FileUnreadable(str(path), why, "Fetch it again; if it is not packed, take .gz off its name.") from problem
    except PermissionError as problem:
        raise FileUnreadable(str(path), "you may not read it", "Ask its owner for the permission.") from problem
    except OSError as problem:
        raise FileUnreadable(str(path), str(problem), "See whether its disk is all right, then try again.") from problem


class _Unpacked(RawIOBase):
    """Unpacked bytes, up to what their file may become."""

    def __init__(self, path: Path, unpacked: gzip.GzipFile, packed: IO[bytes]) -> None:
        self._path = path
        self._unpacked = unpacked
        self._packed = packed
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._unpacked.read1(len(buffer))
        buffer[: len(block)] = block
        self._bytes += len(block)
        limit = min(max(MIN_UNPACKED_BYTES, MAX_UNPACKED_RATIO * self._packed.tell()), MAX_UNPACKED_BYTES)
        if self._bytes > limit:
            remedy = "Unpack it yourself if you trust it."
            raise UnpackedTooLarge(str(self._path), "what is packed in it", limit, remedy)
        return len(block)


class Lines:
    """The lines of a text file, with their ends, one pass.

    Attributes:
        characters: how many were read up to now, so that a reader can bound what it holds.
    """

    def __init__(self, path: Path, encoding: str, newline: str) -> None:
        self.path = path
        self.encoding = encoding
        self.newline = newline
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        """Yield line by line.

        Raises:
            FileMissing, FileEmpty, FileUnreadable: as `open_bytes`, or the bytes are no text of this encoding.
        """
        with (
            open_bytes(self.path) as data,
            TextIOWrapper(cast("Any", data), self.encoding, newline=self.newline) as text,
        ):
            number = 0
            try:
                while line := text.readline(MAX_RECORD_CHARACTERS):
                    number += 1
                    if number == 1:
                        line = line.removeprefix(BYTE_ORDER_MARK)
                    self.characters += len(line)
                    if "\0" in line:
                        raise self._not_text(number, "has a NUL, which no text has")
                    if len(line) == MAX_RECORD_CHARACTERS:
                        raise RecordTooLong(str(self.path), f"line {number:,}", MAX_RECORD_CHARACTERS, NOT_TEXT)
                    yield line
            except UnicodeDecodeError as problem:  # before its parent
                what = f"is not {self.encoding}: byte {problem.object[problem.start]:#04x}"
                raise self._not_text(self._undecodable_line(), what) from problem
            except UnicodeError as problem:
                why = f"it is not {self.encoding} ({problem})"
                raise FileUnreadable(str(self.path), why, NO_MARK if "BOM" in str(problem) else NOT_TEXT) from problem

    def _not_text(self, number: int, what: str) -> FileUnreadable:
        return FileUnreadable(str(self.path), f"line {number:,} {what}", NOT_TEXT)

    def _undecodable_line(self) -> int:
        """Number of the line that cannot be decoded: text is decoded in blocks, so the line last read tells nothing."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        number = 1
        with open_bytes(self.path) as data:
            while block := data.read(BLOCK):
                before = decoder.getstate()
                try:
                    number += decoder.decode(block).count("\n")
                except UnicodeDecodeError as problem:
                    decoder.setstate(before)
                    pending = len(problem.object) - len(block)
                    return number + decoder.decode(block[: max(0, problem.start - pending)]).count("\n")
        return number
