"""CSV layout: encoding, delimiter, title rows, comments and footers, guessed from the first bytes of a file."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from shipment_etl.ingest.csv_file import DELIMITERS
from shipment_etl.ingest.patterns import SPECIAL
from shipment_etl.mapping_draft.synonyms import normalize, other_names

__all__ = ["CsvLayout", "find_csv_layout", "find_encoding", "is_typed"]

MAX_ROWS = 500
MAX_TITLES = 50
MIN_FILLED = 0.5
"""Minimum share of filled cells in a header: rows with fewer are titles that a spreadsheet padded."""
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
TYPED = re.compile(
    r"[-+(]?[$€£]? ?[0-9][0-9.,'/: -]*(?:[A-Za-z%€]{0,3})\)?|[0-9]{1,4}[-/. ][0-9A-Za-z]{1,9}[-/. ][0-9]{1,4}.*"
)
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """The layout of a CSV file, with the evidence for values other than the defaults, by key of [file]."""

    delimiter: str
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    ignore_lines: tuple[str, ...] = ()
    escape: str = ""
    evidence: tuple[tuple[str, str], ...] = ()


def find_encoding(head: bytes, *, is_whole: bool) -> tuple[str, str]:
    """Return the encoding of a file's first bytes, and the evidence for it."""
    for mark, name in MARKS:
        if head.startswith(mark):
            return name, f"a byte order mark says {name}"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) / 8:
        return ("utf-16-le", "every other byte is zero") if odd > even else ("utf-16-be", "every other byte is zero")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=is_whole)
    except UnicodeDecodeError as problem:
        name = "cp1252" if _decodes(head, "cp1252") else "latin-1"
        around = head[max(0, problem.start - 12) : problem.start + 12].decode(name, "replace")
        text = " ".join(around.split())
        return name, f"CHECK: it is not UTF-8; in {name}, the usual encoding in Western Europe, it reads {text!r}"
    return "utf-8", "all bytes are ASCII" if head.isascii() else "all bytes are UTF-8"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def is_typed(cell: str | None) -> bool:
    """Whether a cell is a number or a date, which a header rarely has."""
    return cell is not None and TYPED.fullmatch(cell.strip()) is not None


def find_csv_layout(text: str, *, is_whole: bool) -> CsvLayout:
    """Return the layout of a CSV text, which is the beginning of a file or all of it."""
    lines = list(io.StringIO(text, newline=""))
    if not is_whole and len(lines) > 1:
        lines.pop()
    evidence: list[tuple[str, str]] = []
    said = SEPARATOR_LINE.fullmatch(lines[0].strip()) if lines else None
    if said:
        lines = lines[1:]
    escape = '\\"' in text and '""' not in text.replace(',""', "").replace(';""', "")
    if escape:
        evidence.append(("escape", 'quotes within quotes are written as \\"'))
    layouts = {each: _Rows(lines, each, "\\" if escape else "") for each in ([said[1]] if said else DELIMITERS)}
    delimiter, rows = max(layouts.items(), key=lambda each: each[1].score)
    counts = ", ".join(f"{DELIMITERS.get(each, each)} {found.width}" for each, found in layouts.items() if found.width > 1)
    evidence.append(
        ("delimiter", "a line sep= says so" if said else f"fields in most lines by delimiter: {counts or 'one'}")
    )
    comments = rows.comments()
    if comments:
        evidence.append(("ignore_lines", f"CHECK: lines such as {comments[0]!r} are comments or totals"))
    patterns = tuple(dict.fromkeys(_line_pattern(each) for each in comments))
    header, skip_rows, titles = rows.header(comments)
    if skip_rows:
        evidence.append(("skip_rows", f"above the header: {titles}"))
    if header:
        evidence.append(("header", "CHECK: the first row has numbers or dates, so there is no header; name the columns"))
    return CsvLayout(delimiter, skip_rows, header, patterns, "\\" if escape else "", tuple(evidence))


class _Rows:
    """The rows of a text, split by one delimiter."""

    def __init__(self, lines: Sequence[str], delimiter: str, escape: str) -> None:
        self.delimiter = delimiter
        self.lines = lines
        self.every = list(_parse(lines, delimiter, escape))
        widths = Counter(len(row) for _, row in self.every if len(row) > 1)
        self.width = max(widths, key=lambda each: (widths[each], each), default=1)
        self.share = widths[self.width] / len(self.every) if self.every else 0.0

    @property
    def score(self) -> float:
        """How well the delimiter fits: most rows have the same width, and the first row of that width is a header."""
        first = next((row for _, row in self.every if self._is_full(row)), None)
        if self.width < 2 or first is None:
            return 0.0
        has_header = not any(map(is_typed, first))
        return (1.5 if has_header else 1.0) * self.share * log(self.width + 1)

    def _is_full(self, row: Sequence[str]) -> bool:
        return len(row) == self.width and sum(map(bool, map(str.strip, row))) >= MIN_FILLED * len(row)

    def comments(self) -> list[str]:
        """Return one example of each kind of line that is not a record: comments among records, and totals below them."""
        found: dict[str, str] = {}
        records = [number for number, row in self.every if self._is_full(row)]
        for number, row in self.every:
            first = row[0].strip() if row else ""
            line = self.lines[number - 1].rstrip("\r\n")
            is_comment = first.startswith("#") and len(row) != self.width
            words = normalize(first)
            is_total = (
                words in other_names("footers", "words") and records and number > records[1 if len(records) > 1 else 0]
            )
            if is_comment or (is_total and line.startswith(first)):
                found.setdefault("#" if is_comment else words, line)
        return list(found.values())

    def header(self, comments: Iterable[str]) -> tuple[tuple[str, ...], int, str]:
        """Return names to declare if there is no header, the number of lines above the header, and their text."""
        known = set(comments)
        titles: list[str] = []
        for number, row in self.every[:MAX_TITLES]:
            line = self.lines[number - 1].rstrip("\r\n")
            if self._is_full(row):
                return self._names(row), number - 1 if titles else 0, "; ".join(titles)[:120]
            if any(row) and line not in known and not line.startswith("#"):
                titles.append(line.strip(self.delimiter + " "))
        return (), 0, ""

    def _names(self, row: Sequence[str]) -> tuple[str, ...]:
        typed = [place for place, cell in enumerate(row) if is_typed(cell)]
        below = [each for _, each in self.every if len(each) == self.width and each is not row][:50]
        columns = [
            place for place in range(self.width) if below and sum(is_typed(each[place]) for each in below) > len(below) * 0.8
        ]
        if len(columns) and len(set(typed) & set(columns)) >= max(1, len(columns) / 2):
            return tuple(f"column {number}" for number in range(1, self.width + 1))
        return ()


def _parse(lines: Sequence[str], delimiter: str, escape: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows that are not blank, with the number of their first line."""
    reader = csv.reader(iter(lines), delimiter=delimiter, escapechar=escape or None)
    count = before = 0
    while count < MAX_ROWS:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            return
        if any(row):
            yield before + 1, row
            count += 1
        before = reader.line_num


def _line_pattern(line: str) -> str:
    word = "#" if line.startswith("#") else re.match(r"[^,;\t|]*", line)[0]  # type: ignore[index]  # it matches anything
    return "^" + "".join(f"\\{each}" if each in SPECIAL else each for each in word.strip('"'))
