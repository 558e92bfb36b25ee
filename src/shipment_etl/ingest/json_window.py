"""The text of a JSON file, read piece by piece: where its values begin and end, and decoding them."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from shipment_etl.errors import RecordTooLong, shorten
from shipment_etl.ingest.limits import MAX_RECORD_CHARACTERS
from shipment_etl.ingest.text import NOT_TEXT

__all__ = ["BETWEEN_OBJECTS", "BLANK", "DECODER", "Number", "Window"]

MAX_SHORT_LINE = 1 << 16
"""Characters of a line that is first parsed as one object. Streams are often written without line ends, for gigabytes."""
MAX_WORD_LENGTH = len("-Infinity")
BLANK = " \t\r\n"
BETWEEN_OBJECTS = re.compile(r"\}[ \t]*,?[ \t]*\{")


class Number(str):
    """A number, or NaN or Infinity, as written in the file."""


class Window:
    """The part of a text that is being read."""

    def __init__(self, pieces: Iterator[str], file: str) -> None:
        self._pieces = pieces
        self._lines = 1
        self.file = file
        self.text = ""
        self.at = 0
        self.begins_line = True

    def more(self) -> bool:
        """Read more text, and drop what was consumed; False at the end."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._lines += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :] + piece, 0
        return True

    @property
    def line(self) -> int:
        """Number of the current line."""
        return self._lines + self.text.count("\n", 0, self.at)

    def next(self, skip: str = BLANK) -> str:
        """Skip some characters, and return the one after them; an empty string at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in skip:
                self.begins_line = self.begins_line or self.text[self.at] == "\n"
                self.at += 1
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def end_of_line(self) -> int:
        """Return where the current line ends."""
        while (end := self.text.find("\n", self.at)) < 0:
            self._limit()
            if not self.more():
                return len(self.text)
        return end

    def has_long_line(self) -> bool:
        """Whether the current line is so long that it probably has many objects."""
        while len(self.text) - self.at <= MAX_SHORT_LINE and self.text.find("\n", self.at) < 0:
            if not self.more():
                return False
        return self.text.find("\n", self.at, self.at + MAX_SHORT_LINE) < 0

    def end_of_object(self) -> int:
        """Return where the current object probably ends, without parsing it: at the line end, or before the next object."""
        while True:
            end = self.text.find("\n", self.at)
            found = BETWEEN_OBJECTS.search(self.text, self.at, len(self.text) if end < 0 else end)
            if found or end >= 0:
                return found.start() + 1 if found else end
            self._limit()
            if not self.more():
                return len(self.text)

    def value(self) -> Any:
        """Decode the current value, and continue after it.

        Raises:
            ValueError: it is not JSON.
        """
        while True:
            try:
                found, end = LENIENT.raw_decode(self.text, self.at)
            except json.JSONDecodeError as problem:
                # Only an error at the end of the text may disappear once more text is read.
                unfinished = problem.pos >= len(self.text) - MAX_WORD_LENGTH or problem.msg.startswith("Unterminated")
                if unfinished and self._limit() and self.more():
                    continue
                raise
            if end < len(self.text) or not self.more():
                self.at = end
                return found

    def _limit(self) -> bool:
        if len(self.text) - self.at > MAX_RECORD_CHARACTERS:
            raise RecordTooLong(self.file, f"the value on line {self.line:,}", MAX_RECORD_CHARACTERS, NOT_TEXT)
        return True


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{shorten(name)} appears twice")
        made[name] = value
    return made


DECODER, LENIENT = (
    json.JSONDecoder(
        parse_float=Number, parse_int=Number, parse_constant=Number, object_pairs_hook=_object, strict=is_strict
    )
    for is_strict in (True, False)
)
"""For one line, and for a value over several lines, whose texts may contain control characters, such as NUL."""
