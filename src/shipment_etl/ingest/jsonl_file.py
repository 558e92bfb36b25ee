"""JSON lines: an object a line; what is no object lands as the line it is."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from shipment_etl.errors import FileEmpty, FileUnreadable, shorten
from shipment_etl.ingest.files import Lines
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.records import Record

__all__ = ["jsonl_records"]

HEAD = 1000
"""Records that tell the columns of a file."""


class _Number(str):
    """A number, or NaN or Infinity, as it stands in the file."""


def jsonl_records(lines: Lines, mapping: Mapping) -> Iterator[Record]:
    """Yield the object of every line; its scalars as their JSON text, strings without quotes.

    Raises:
        FileEmpty: there is no line that is not blank.
        FileUnreadable: none of the first lines is an object.
        UnknownColumn: the mapping names a column that none of the first objects has.
    """
    file = str(lines.path)
    records = (_record(line.rstrip("\r\n")) for line in lines if not line.isspace())
    head = list(islice(records, HEAD))
    if not head:
        raise FileEmpty(file, "it has no line that is not blank")
    objects = [names for names, _, problem in head if problem is None]
    if not objects:
        why = f"none of its first {len(head):,} lines is a JSON object"
        raise FileUnreadable(file, why, "Write one object a line; of an array, jq -c '.[]' makes such lines.")
    mapping.check_columns(list(dict.fromkeys(chain.from_iterable(objects))), file)
    yield from head
    yield from records


def _record(line: str) -> Record:
    try:
        found = DECODER.decode(line)
        if not isinstance(found, dict):
            raise ValueError(f"it is {_json(found)[:20]}")
        values = [_text(value) for value in found.values()]
        # A lone half of a surrogate pair can be escaped in JSON, but is no text.
        "".join([*found, *filter(None, values)]).encode()
    except (ValueError, RecursionError) as problem:
        said = problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)
        return ("line",), (line,), f"not a JSON object: {said}"
    return tuple(found), values, None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{shorten(name)} stands in it twice")
        made[name] = value
    return made


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    match value:
        case _Number():
            return value
        case dict():
            return "{" + ", ".join(f"{_json(name)}: {_json(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_json, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


DECODER = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=_object)
