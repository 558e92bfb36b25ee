"""Writing: a draft as TOML; each line has its evidence as a comment, and open columns are comments to fill in."""

import dataclasses
import json
from collections.abc import Iterable, Iterator

from shipment_etl.ingest.mapping import ColumnMapping, FileFormat
from shipment_etl.mapping_draft.draft import Draft
from shipment_etl.mapping_draft.sample import Sample
from shipment_etl.printable import printable

__all__ = ["write_draft"]

MAX_COMMENT = 240
LOUD = ("CHECK", "AMBIGUOUS")
DEFAULT = FileFormat()


def write_draft(draft: Draft, sample: Sample) -> str:
    """Return a draft as TOML. Open columns are commented out; guesses say CHECK."""
    return "\n".join(_lines(draft, sample)) + "\n"


def _lines(draft: Draft, sample: Sample) -> Iterator[str]:
    records = f"{'all' if sample.is_whole else 'the first'} {len(sample.records):,} records"
    yield _comment(f"A draft, made from {records} of {sample.name}. Review each line that says CHECK.")
    if draft.open:
        yield _comment(f"STILL OPEN: {', '.join(draft.open)}. Fill in their lines below; until then, nothing can land.")
    yield from map(_comment, draft.notes)
    if draft.nulls:
        seen = ", ".join(f"{word!r} {count:,} times" for word, count in draft.nulls.items())
        yield ""
        yield _comment(f'Words for "not known": {seen}.')
        yield f"nulls = {_value(sorted(draft.nulls))}"
    yield from _file_lines(draft)
    if draft.numbers_evidence:
        yield from ("", "[numbers]", _comment(draft.numbers_evidence))
        yield f"decimal = {_value(draft.numbers.decimal)}"
        if draft.numbers.thousands:
            yield f"thousands = {_value(draft.numbers.thousands)}"
    yield from ("", "[columns]")
    for line in draft.lines:
        if line.mapping is None and not line.choices:
            yield _comment(f"{line.name}: {'; '.join(line.evidence)}")
            continue
        loud = [each for each in line.evidence if each.startswith(LOUD)]
        quiet = [each for each in line.evidence if each not in loud]
        yield from (_comment(each) for each in ["; ".join(quiet), *loud] if each)
        if line.mapping is not None:
            yield f"{line.name} = {_table(line.mapping)}"
        else:
            yield from (_comment(f"{line.name} = {_table(each)}") for each in line.choices)
    if draft.unused:
        yield ""
        shown = ", ".join(draft.unused[:40]) + (f" and {len(draft.unused) - 40} more" if len(draft.unused) > 40 else "")
        yield from (_comment(part) for part in _wrap(f"Not used: {shown}"))


def _file_lines(draft: Draft) -> Iterator[str]:
    made = [
        (each.name, getattr(draft.file, each.name))
        for each in dataclasses.fields(draft.file)
        if getattr(draft.file, each.name) != getattr(DEFAULT, each.name)
    ]
    if made:
        yield from ("", "[file]")
    for name, value in made:
        yield f"{name} = {_value(value)}" + (f"  {_comment(why)}" if (why := draft.file_evidence.get(name)) else "")


def _table(mapping: ColumnMapping) -> str:
    parts = [
        f"{each.name} = {_value(found)}"
        for each in dataclasses.fields(mapping)
        if (found := getattr(mapping, each.name)) not in (None, (), {}, False) and found != each.default
    ]
    return f"{{ {', '.join(parts)} }}"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    # JSON strings are valid TOML, except for one character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    plain = " ".join(printable(text).split())
    return (
        f"# {plain if len(plain) <= MAX_COMMENT or (plain[:1].islower() and ' = {' in plain) else plain[:MAX_COMMENT] + '…'}"
    )


def _wrap(text: str) -> Iterable[str]:
    line = ""
    for word in text.split():
        if len(line) + len(word) > 110:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line
