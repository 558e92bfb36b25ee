"""JSON: a sequence of objects, one per line or not, or a list of objects; each is a record, its values as texts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias

import pyarrow as pa

from shipment_etl.errors import FileEmpty, FileUnreadable, TooManyFields, UnknownColumn, shorten
from shipment_etl.ingest.inputs import Opened
from shipment_etl.ingest.json_window import BETWEEN_OBJECTS, BLANK, DECODER, Number, Window
from shipment_etl.ingest.limits import MAX_FIELDS
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import tidy
from shipment_etl.ingest.records import BROKEN, Notes, Record, escape_broken, gather
from shipment_etl.ingest.text import chunks

__all__ = ["read"]

HEAD = 1000
"""Number of first records that the columns of a file are taken from."""
LINE = ("line",)
MAX_DEPTH = 100
"""Levels of nested values in a record."""

_Deep: TypeAlias = tuple[Sequence[str], Sequence[Any], str | None]
"""A record whose values may be nested."""


def read(opened: Opened, mapping: SourceMapping, notes: Notes) -> Iterator[pa.RecordBatch]:
    """Yield every object, its scalars as their JSON text, strings without quotes.

    Nested values are named by their path, such as `dims.weight.value` or `legs.0.carrier`, if the mapping uses the path.

    Raises:
        FileEmpty: there is no object.
        FileUnreadable: none of the first records is an object, or a list is cut off.
        UnknownColumn: the mapping names a column that none of the first objects has.
    """
    file = opened.name
    window = Window(chunks(opened, mapping.file.encoding), file)
    paths = [name for name in mapping.names if "." in name]
    watched = _by_object(notes.watched)
    records = (_flatten(record, paths, watched) for record in _find(window, mapping))
    head = list(islice(records, HEAD))
    if not head:
        raise FileEmpty(file, "it has no objects")
    objects = [names for names, _, problem in head if problem is None]
    if not objects:
        why = f"none of its first {len(head):,} records is a JSON object: {head[0][2]}"
        raise FileUnreadable(file, why, "Write one object per line, or a list of objects.")
    partitions = opened.input.partitions
    _check(mapping, [*dict.fromkeys(chain.from_iterable(objects)), *partitions], head[0], file)
    yield from gather(chain(head, records), notes, partitions)


def _find(window: Window, mapping: SourceMapping) -> Iterator[_Deep]:
    path = mapping.file.records
    if path:
        _descend(window, path)
        yield from _list(window) if window.next() == "[" else iter([_record(_value(window), "", window.file)])
        _ascend(window, path)
        return
    while window.next(BLANK + ",") == "[":
        yield from _list(window)
    yield from _read_sequence(window)


def _list(window: Window) -> Iterator[_Deep]:
    window.at += 1
    while (character := window.next(BLANK + ",")) != "]":
        if not character:
            raise FileUnreadable(window.file, "its list of records is not closed", "Fetch it again: it is cut off.")
        yield _record_of_list(window)
    window.at += 1


def _record_of_list(window: Window) -> _Deep:
    is_first, window.begins_line = window.begins_line, False
    try:
        found = window.value()
    except (ValueError, RecursionError) as problem:
        # Counted only here, while the window is still at the record: counting at each record takes quadratic time.
        line = window.line
        if not is_first or (broken := _line_of_one_record(window)) is None:
            raise _unreadable(window, line, problem) from problem
        return LINE, (escape_broken(broken),), f"line {line:,} is not a JSON object: {_reason(problem)}"
    return _record(found, "", window.file)


def _line_of_one_record(window: Window) -> str | None:
    """Skip the current line, and return it; None if it may not be exactly one record."""
    end = window.end_of_line()
    line = window.text[window.at : end].rstrip("\r")
    window.at = end
    return line if window.next(BLANK + ",") in ("{", "]") and not BETWEEN_OBJECTS.search(line) else None


def _value(window: Window) -> Any:
    """Return the current value; an error is one of the whole file, because the value cannot be put aside."""
    try:
        return window.value()
    except (ValueError, RecursionError) as problem:
        raise _unreadable(window, window.line, problem) from problem


def _unreadable(window: Window, line: int, problem: Exception) -> FileUnreadable:
    why = f"line {line:,} is not JSON: {_reason(problem)}"
    return FileUnreadable(window.file, why, "Fetch it again, or write one object per line.")


def _read_sequence(window: Window) -> Iterator[_Deep]:
    while window.next(BLANK + ","):
        try:
            found, line = _next_object(window)
        except (ValueError, RecursionError) as problem:
            end = window.end_of_object()
            broken = window.text[window.at : end].rstrip("\r")
            window.at = end
            yield LINE, (escape_broken(broken),), f"not a JSON object: {_reason(problem)}"
            continue
        yield _record(found, line, window.file)


def _next_object(window: Window) -> tuple[Any, str]:
    """Decode the current line, and return it with its text; if it is not exactly one value, the first one without text.

    Raises:
        ValueError: it is not JSON.
    """
    if window.text[window.at] == "{" and window.has_long_line():
        return window.value(), ""
    end = window.end_of_line()
    line = window.text[window.at : end]
    try:
        found = DECODER.decode(line.rstrip(BLANK + ","))
    except ValueError:
        if "{" not in line and line.rstrip() != "[":
            raise
        return window.value(), ""
    window.at = end
    return found, line


def _descend(window: Window, path: str) -> None:
    """Go to the value at a path of names."""
    missing = FileUnreadable(
        window.file, f"it has no list of records at {path!r}", "Set records under [file] in the mapping to its path."
    )
    for name in path.split("."):
        if window.next() != "{":
            raise missing
        window.at += 1
        while True:
            if window.next(BLANK + ",") != '"':
                raise missing
            key = _value(window)
            if window.next() != ":":
                raise missing
            window.at += 1
            window.next()
            if key == name:
                break
            _value(window)
    if window.next() not in ("[", "{"):
        raise missing


def _ascend(window: Window, path: str) -> None:
    """Check the text after nested records, and skip it: if the list ended too early, some records would be in it."""
    depth = len(path.split("."))
    while depth:
        line, character = window.line, window.next()
        window.at += 1
        if character == "}":
            depth -= 1
        elif character != "," or window.next() != '"':
            why = f"line {line:,}, after its records, is not JSON"
            raise FileUnreadable(window.file, why, "Fetch it again: it is damaged or cut off.")
        else:
            _value(window)
            window.next()
            window.at += 1
            window.next()
            _value(window)


def _record(found: Any, line: str, file: str) -> _Deep:
    """Return an object as a record with nested values, for `_flatten`; `line` is its text, or empty if not one line."""
    problem = None
    if not isinstance(found, dict):
        problem = f"not a JSON object: it is {_json(found)[:20]}"
    else:
        names = [tidy(name) for name in found]
        values = [
            None if value is None else value if isinstance(value, (dict, list)) else _text(value) for value in found.values()
        ]
        if len(names) > MAX_FIELDS:
            raise TooManyFields(file, "an object", MAX_FIELDS, "Check records under [file] in the mapping.")
        problem = _problem_within(found)
        if problem is None and len(set(names)) < len(names):
            problem = "not a JSON object: two of its names differ only in white space"
    if problem:
        return LINE, (escape_broken(line.rstrip("\r\n") or _json(found)),), problem
    return names, values, None


def _problem_within(found: dict[str, Any]) -> str | None:
    """Return what is wrong with the texts of an object, at any depth."""
    waiting: list[tuple[Any, int]] = [(found, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if BROKEN.search(value):
                return "not a JSON object: it has a surrogate or NUL character"
        elif depth > MAX_DEPTH:
            return f"its values are nested more than {MAX_DEPTH} deep"
        elif isinstance(value, dict):
            waiting += ((each, depth + 1) for pair in value.items() for each in pair)
        elif isinstance(value, list):
            waiting += ((each, depth + 1) for each in value)
    return None


def _flatten(record: _Deep, paths: Sequence[str], watched: Mapping[str, frozenset[str]]) -> Record:
    """Return a record with its values at some paths, and with those of the watched names that its objects have."""
    names, values, problem = record
    if problem is not None:
        return record
    found: dict[str, Any] = dict(zip(names, values, strict=True))
    deep = {}
    for path in paths:
        if path not in found:
            value = _at(found, path)
            if value is not _MISSING:
                deep[path] = value
    for above, wanted in watched.items():
        inner = _at(found, above)
        for name in inner if isinstance(inner, dict) else ():
            if name in wanted and (path := f"{above}.{name}") not in found:
                deep[path] = inner[name]
    every = {**found, **deep}
    return tuple(every), [value if value is None or type(value) is str else _text(value) for value in every.values()], None


def _by_object(paths: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the names in each nested object: to look up each path in each record would take long."""
    found: dict[str, set[str]] = {}
    for path in paths:
        above, _, name = path.rpartition(".")
        if above:
            found.setdefault(above, set()).add(name)
    return {above: frozenset(names) for above, names in found.items()}


_MISSING = object()


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _check(mapping: SourceMapping, names: Sequence[str], first: Record, file: str) -> None:
    try:
        mapping.check_columns(names, file)
    except UnknownColumn:
        for name, value in zip(first[0], first[1], strict=True):
            if value and value.lstrip().startswith(("[{", "[ {")) and not mapping.file.records:
                remedy = f"Set records = {json.dumps(name, ensure_ascii=False)} under [file] in the mapping."
                raise FileUnreadable(file, f"its records are in a list at {shorten(name)}", remedy) from None
        raise


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """Return a value as JSON. Without recursion, because newer versions of Python read deeper values than they can write."""
    parts, open_values = list[str](), [iter((value,))]
    while open_values:
        for each in open_values[-1]:
            if isinstance(each, (dict, list)):
                open_values.append(_parts(each))
                break
            parts.append(each if isinstance(each, _Part) else _scalar(each))
        else:
            open_values.pop()
    return "".join(parts)


class _Part(str):
    """Text between the values of an object or a list."""


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    is_object = isinstance(value, dict)
    yield _Part("{" if is_object else "[")
    for number, each in enumerate(value):
        between = ", " if number else ""
        yield _Part(f"{between}{_scalar(each)}: " if is_object else between)
        yield value[each] if isinstance(value, dict) else each
    yield _Part("}" if is_object else "]")


def _scalar(value: Any) -> str:
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _reason(problem: Exception) -> str:
    return problem.msg if isinstance(problem, json.JSONDecodeError) else str(problem)
