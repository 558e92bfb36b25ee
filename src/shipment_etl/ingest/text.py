"""Text: the characters of a file, in any encoding; invalid bytes are kept, one by one."""

import codecs
import io
from collections import deque
from collections.abc import Iterable, Iterator

from shipment_etl.errors import FileUnreadable, RecordTooLong
from shipment_etl.ingest.inputs import Opened
from shipment_etl.ingest.limits import MAX_RECORD_CHARACTERS

__all__ = ["NOT_TEXT", "Lines", "blocks", "chunks", "decode"]

BLOCK_BYTES = 1 << 22
HEAD_BYTES = 1 << 16
"""Size of the first read, which is small because the block with the header is split line by line, which is slow."""
BYTE_ORDER_MARK = "\ufeff"
MAX_LINE_BYTES = 4 * MAX_RECORD_CHARACTERS
KEEP = "shipment_etl.keep"
UTF_8 = ("utf-8", "utf-8-sig")
NOT_TEXT = "Set its encoding under [file] in the mapping (such as cp1252 or utf-16), or its format if it is not text."
NO_MARK = "It has no byte order mark: set its encoding under [file] in the mapping to {0}-le or {0}-be."


def _keep(problem: UnicodeError) -> tuple[str, int]:
    """Replace each invalid byte by a lone surrogate, which never results from decoding text."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return "".join(chr(0xDC00 + byte) for byte in problem.object[problem.start : problem.end]), problem.end


codecs.register_error(KEEP, _keep)


def chunks(opened: Opened, encoding: str) -> Iterator[str]:
    """Yield the text of a file in pieces, cut anywhere.

    Raises:
        FileUnreadable: the encoding needs a byte order mark, or its decoder fails.
    """
    first = True
    try:
        decoder = codecs.getincrementaldecoder(encoding)(KEEP)
        for data in _pieces(opened):
            text = decoder.decode(data, final=not data)
            if first and text:
                text, first = text.removeprefix(BYTE_ORDER_MARK), False
            if text:
                yield text
    except UnicodeError as problem:
        remedy = NO_MARK.format(codecs.lookup(encoding).name) if "BOM" in str(problem) else NOT_TEXT
        raise FileUnreadable(opened.name, f"it is not {encoding} ({problem})", remedy) from problem


def _pieces(opened: Opened) -> Iterator[bytes]:
    """Yield the bytes of a file, and at the end an empty piece."""
    data = opened.data.read(min(HEAD_BYTES, BLOCK_BYTES))
    while data:
        yield data
        data = opened.data.read(BLOCK_BYTES)
    yield data


def blocks(opened: Opened, encoding: str) -> Iterator[bytes]:
    """Yield the text of a file as UTF-8, in blocks of whole lines. Invalid bytes are kept; see `decode`.

    Raises:
        FileUnreadable: as `chunks`.
        RecordTooLong: a line is too long.
    """
    rest = b""
    for data in _utf_8(opened, encoding):
        block = rest + data if rest else data
        # Files of old Macs have only carriage returns; the last one may be half of a pair.
        end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
        if end:
            yield block[:end]
        rest = block[end:]
        if len(rest) > MAX_LINE_BYTES:
            raise RecordTooLong(opened.name, "a line", MAX_RECORD_CHARACTERS, NOT_TEXT)
    if rest:
        yield rest


def _utf_8(opened: Opened, encoding: str) -> Iterator[bytes]:
    if not _is_utf_8(encoding):
        yield from (chunk.encode("utf-8", "surrogatepass") for chunk in chunks(opened, encoding))
        return
    pieces = _pieces(opened)
    yield next(pieces).removeprefix(codecs.BOM_UTF8)
    yield from pieces


def decode(block: bytes, encoding: str) -> str:
    """Return a block of a file in an encoding as text; each invalid byte becomes a lone surrogate."""
    try:
        return block.decode()
    except UnicodeDecodeError:
        # In other encodings `chunks` has already made the surrogates; UTF-8 bytes are passed on unchanged.
        return block.decode("utf-8", KEEP if _is_utf_8(encoding) else "surrogatepass")


def _is_utf_8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in UTF_8


class Lines:
    """Iterates over the lines of a file, with their line ends; lines can be given back.

    Attributes:
        number: of the last line returned, from 1.
    """

    def __init__(self, opened: Opened, encoding: str) -> None:
        self._blocks = blocks(opened, encoding)
        self._encoding = encoding
        self._returned: deque[bytes] = deque()
        self._waiting: deque[str] = deque()
        self._file = opened.name
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._waiting:
            block = self.next_block()
            if block is None:
                raise StopIteration
            self.split(block)
        line = self._waiting.popleft()
        self.number += 1
        if len(line) > MAX_RECORD_CHARACTERS:
            raise RecordTooLong(self._file, f"line {self.number:,}", MAX_RECORD_CHARACTERS, NOT_TEXT)
        return line

    def give_back(self, lines: list[str]) -> None:
        """Take lines back; they are the next lines again."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    @property
    def within_block(self) -> bool:
        """Whether the current block has more lines."""
        return bool(self._waiting)

    def next_block(self) -> bytes | None:
        """Return the next block as a whole, None at the end; `split` takes it back as lines."""
        return self._returned.popleft() if self._returned else next(self._blocks, None)

    def give_back_blocks(self, blocks: Iterable[bytes]) -> None:
        """Take blocks back; they are the next blocks again."""
        self._returned.extendleft(reversed([*blocks]))

    def split(self, block: bytes) -> None:
        """Make the lines of a block the next lines."""
        # Not splitlines, which also splits at characters that are not line ends in data files.
        self._waiting.extend(io.StringIO(decode(block, self._encoding), newline=""))
