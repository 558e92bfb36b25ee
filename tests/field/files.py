"""Files drawn from a seed: tables in every format, valid or damaged, each with the expected result."""

import bz2
import gzip
import io
import json
import lzma
import random
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["HEADER", "TOKEN", "File", "draw_file"]

HEADER = ("ID", "From", "To", "Carrier", "Out", "Due", "In", "Kg", "Cost")
TOKEN = re.compile(r"T\d{7}")
"""Each record has one token, so a lost record is a lost token."""
DATES = ("2026-11-02", "2026-11-05", "2026-11-31", "5.11.26", "")
NUMBERS = ("1", "12.50", "-3", "1e3", "1.234,5", "99999999999999999999", "(25.00)", "nan", "")
TEXTS = (
    *("Riga", "Oslo", "UPS", "N/A", "", " x ", "a,b", "a;b|c\td", 'say "hi"', "it's", "back\\slash", "'", '"', "\\"),
    *(
        "two\nlines",
        "two\r\nlines",
        "Zu\u0308rich",
        "東京",
        "\u200bhid\u00adden",
        "a\u00a0b",
        "\u2028",
        "😀",
        "=1+1",
        "sep=;",
        "{}",
        "[]",
    ),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-le", "cp1252", "latin-1", "cp932")
BITS = (
    b"\0",
    b"\xff",
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\x1a",
    b"\xc3",
    b"\xed\xa0\x80",
)


@dataclass(frozen=True)
class File:
    """A file, and the expected result.

    Attributes:
        name, content: name and bytes of the file.
        options: keys of [file].
        encoding: encoding of its text; empty if it is not text.
        body: where its records begin, in bytes; damage never changes what is before.
        records: expected values of each record by column; None if the file is damaged and only `tokens` are known.
        tokens: minimum number of tokens that must land.
        may_be_refused: whether the file as a whole may be refused with an error.
    """

    name: str
    content: bytes
    options: Mapping[str, Any] = field(default_factory=dict)
    encoding: str = ""
    body: int = 0
    records: list[dict[str, str | None]] | None = None
    tokens: int = 0
    may_be_refused: bool = False


def draw_file(seed: int, number: int) -> File:
    """Draw a file; the same seed and number give the same file."""
    drawn = random.Random(f"{seed}:{number}")  # reproducible, not secret
    kinds: tuple[Callable[[random.Random], File], ...] = (_csv, _json)
    made = drawn.choices((*kinds, _parquet, _excel), (60, 30, 5, 5))[0](drawn)
    if made.encoding and drawn.random() < 0.5:
        made = _damage_text(drawn, made)
    return _pack(drawn, made)


def _rows(drawn: random.Random, columns: int) -> list[list[str | None]]:
    count = drawn.choices((1, 2, 3, 10, 40, 300), (2, 2, 3, 5, 3, 1))[0]
    return [_row(drawn, number, columns) for number in range(1, count + 1)]


def _row(drawn: random.Random, number: int, columns: int) -> list[str | None]:
    row: list[str | None] = [f"T{number:07}", *(drawn.choice(TEXTS) for _ in range(3))]
    row += [drawn.choice(DATES) for _ in range(3)]
    row += [drawn.choice(NUMBERS) for _ in range(2)]
    row += [drawn.choice(TEXTS) for _ in range(columns - len(HEADER))]
    if drawn.random() < 0.002:
        row[drawn.randrange(1, 4)] = drawn.choice(("x", "é", '"', "a\n")) * drawn.choice((10_000, 300_000, 600_000))
    return row


def _names(drawn: random.Random) -> list[str]:
    extra = drawn.choices((0, 1, 5, 400), (10, 5, 3, 0.2))[0]
    return [*HEADER, *(f"More {number}" for number in range(extra))]


def _encodable(text: str | None, encoding: str) -> str | None:
    return text if text is None else text.encode(encoding, "ignore").decode(encoding)


def _csv(drawn: random.Random) -> File:
    encoding = drawn.choice(ENCODINGS)
    delimiter = drawn.choice(",,,;\t|~^§" if "cp932" not in encoding else ",;\t|")
    quote = drawn.choices(('"', "'", ""), (8, 1, 1))[0]
    escape = drawn.choices(("", "\\"), (5, 1))[0] if quote else ""
    end = drawn.choice(("\n", "\n", "\r\n", "\r"))
    names = _names(drawn)
    rows = [[_encodable(value, encoding) or "" for value in row] for row in _rows(drawn, len(names))]
    if not quote:
        rows = [[re.sub(rf"[{re.escape(delimiter)}\r\n]", " ", value) for value in row] for row in rows]
    always = drawn.random() < 0.3

    def write_value(value: str) -> str:
        if escape:
            value = value.replace(escape, escape * 2).replace(quote, escape + quote)
        if not quote or not (always or any(each in value for each in (delimiter, quote, "\r", "\n"))):
            return value
        return f"{quote}{value if escape else value.replace(quote, quote * 2)}{quote}"

    options: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "quote": quote, "escape": escape}
    if any(sum(value.count(delimiter) for value in row if "\n" in value or "\r" in value) for row in rows):
        options["multiline"] = True
    title = drawn.choices((0, 1, 3), (8, 1, 1))[0]
    head = [f"Report {number}" for number in range(title)] + [delimiter.join(map(write_value, names))]
    if title:
        options["skip_rows"] = title
    lines = [delimiter.join(map(write_value, row)) + end * drawn.choices((1, 2), (30, 1))[0] for row in rows]
    if drawn.random() < 0.3:
        lines[-1] = lines[-1].rstrip("\r\n")
    start = "".join(line + end for line in head).encode(encoding)
    rest = "".join(lines).encode(_without_mark(encoding))
    usual = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": ""}
    return File(
        "f.csv",
        start + rest,
        {name: value for name, value in options.items() if usual.get(name) != value},
        encoding,
        len(start),
        [dict(zip(names, row, strict=True)) for row in rows],
        len(rows),
    )


def _without_mark(encoding: str) -> str:
    return {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)


def _json(drawn: random.Random) -> File:
    encoding = drawn.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16"))
    names = _names(drawn)
    rows = _rows(drawn, len(names))
    ascii_only = drawn.random() < 0.3
    shape = drawn.choice(("lines", "lines", "list", "pretty", "together", "within"))
    objects = [_object(drawn, names, row) for row in rows]
    indent = 1 if shape == "pretty" else None
    texts = [json.dumps(each, ensure_ascii=ascii_only, indent=indent) for each in objects]
    options: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    before, between, after = "", "\n", "\n"
    if shape == "list":
        before, between, after = "[", drawn.choice((",", ",\n", " , ")), "]"
    elif shape == "together":
        between = ""
    elif shape == "within":
        before, between, after = '{"meta": [1, {"a": "}"}], "data": {"rows": [', ",", ']}, "next": null}'
        options["records"] = "data.rows"
    start = (
        before.encode(encoding) if before or encoding == "utf-8-sig" else b"" if encoding == "utf-8" else "".encode(encoding)
    )
    text = between.join(texts) + after
    return File(
        "f.jsonl" if shape == "lines" else "f.json",
        start + text.encode(_without_mark(encoding)),
        options,
        encoding,
        # The head with the column names stays undamaged.
        len(start) + len((texts[0] + between).encode(_without_mark(encoding))),
        [{name: _as_text(value) for name, value in each.items() if not isinstance(value, dict | list)} for each in objects],
        len(rows),
        may_be_refused=False,
    )


def _object(drawn: random.Random, names: list[str], row: list[str | None]) -> dict[str, Any]:
    made: dict[str, Any] = dict(zip(names, row, strict=True))
    made["Kg"] = drawn.choice((None, 1, 2.5, -0.25, 10**20, True, [1, "a"], {"value": {"in": "kg"}}, "7"))
    if drawn.random() < 0.05:
        value: Any = "deep"
        for _ in range(drawn.choice((3, 50))):
            value = {"a": value} if drawn.random() < 0.5 else [value]
        made["More"] = value
    return made


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _parquet(drawn: random.Random) -> File:
    names = _names(drawn)
    rows = _rows(drawn, len(names))
    columns: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    if drawn.random() < 0.5:
        columns["Carrier"] = pa.array([(value or "").encode("utf-8", "ignore") for value in columns["Carrier"]], pa.binary())
    if drawn.random() < 0.5:
        columns["To"] = pa.array(columns["To"]).dictionary_encode()
    if drawn.random() < 0.5:
        columns["From"] = [None] * len(rows)
    expected = pa.table(columns).to_pylist()
    records = [
        {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()} for row in expected
    ]
    data = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        data,
        row_group_size=drawn.choice((1, 7, 1000)),
        compression=drawn.choice(("none", "snappy", "zstd")),
    )
    return _damage_binary(drawn, File("f.parquet", data.getvalue(), records=records, tokens=len(rows)))


def _excel(drawn: random.Random) -> File:
    names = _names(drawn)
    # Excel has only line feeds, and reads a text that begins with = as a formula.
    rows = [[(value or "").replace("\r", "").lstrip("=")[:30_000] for value in row] for row in _rows(drawn, len(names))[:40]]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Data")
    for row in (names, *rows):
        sheet.append([value or None for value in row])
    data = io.BytesIO()
    book.save(data)
    records = [{name: value or None for name, value in zip(names, row, strict=True)} for row in rows]
    return _damage_binary(drawn, File("f.xlsx", data.getvalue(), records=records, tokens=len(rows)))


def _damage_binary(drawn: random.Random, made: File) -> File:
    """Change bytes anywhere, or cut the file off: in a binary format no single record can be put aside."""
    if drawn.random() < 0.6:
        return made
    content = bytearray(made.content)
    if drawn.random() < 0.4:
        content = content[: drawn.randrange(len(content))]
    else:
        for _ in range(drawn.choice((1, 5, 50))):
            content[drawn.randrange(len(content))] = drawn.randrange(256)
    return replace(made, content=bytes(content), records=None, tokens=0, may_be_refused=True)


def _damage_text(drawn: random.Random, made: File) -> File:
    """Change bytes of the records, and count the tokens that are left."""
    body = bytearray(made.content[made.body :])
    for _ in range(drawn.choice((1, 1, 1, 3, 20))):
        _damage(drawn, body)
    content = made.content[: made.body] + bytes(body)
    text = content.decode(made.encoding, "replace")
    # A list is one value, so an error in it may be an error of the whole file.
    is_one_value = made.name == "f.json"
    tokens = len(TOKEN.findall(text))
    return replace(made, content=content, records=None, tokens=tokens, may_be_refused=is_one_value or not tokens)


def _damage(drawn: random.Random, body: bytearray) -> None:
    at = drawn.randrange(len(body) + 1)
    match drawn.randrange(5):
        case 0:
            body[at : at + 1] = drawn.choice(BITS)
        case 1:
            body[at:at] = drawn.choice(BITS)
        case 2:
            del body[at : at + drawn.choice((1, 1, 10, 200))]
        case 3:
            end = at + drawn.randrange(200)
            body[at:at] = body[at:end]
        case _:
            if drawn.random() < 0.3:
                del body[at:]
            else:
                body[at:at] = bytes(drawn.randrange(256) for _ in range(8))


def _pack(drawn: random.Random, made: File) -> File:
    kind = drawn.choices(("", "gz", "bz2", "xz", "zip"), (20, 2, 1, 1, 2))[0]
    if not kind:
        return made
    if kind == "zip":
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", drawn.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            archive.writestr("__MACOSX/._x.csv", b"\0")
            archive.writestr(f"folder/{made.name}", made.content)
        name, content = "f.zip", data.getvalue()
    else:
        packers: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
        name, content = f"{made.name}.{kind}", packers[kind](made.content)
    packed = replace(made, name=name, content=content)
    return _damage_binary(drawn, packed) if drawn.random() < 0.5 else packed
