"""Quality of drafts: columns that a draft gets right, and rows that land with it, before and after a few edits."""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from shipment_etl import session
from shipment_etl.errors import ShipmentEtlError
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.mapping_draft.draft import Draft, draft_mapping
from shipment_etl.mapping_draft.sample import take_sample
from shipment_etl.mapping_draft.verdicts import judge_sample
from shipment_etl.mapping_draft.writing import write_draft
from tests.field.map_tables import ROW, TABLES, MapTable


@dataclass(frozen=True)
class Measured:
    """The results for a table."""

    table: MapTable
    draft: Draft
    text: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    left_open: tuple[str, ...]
    landed: float
    landed_after_edits: float


def measure(table: MapTable, spark: SparkSession, folder: Path) -> Measured:
    path = folder / table.file
    path.write_bytes(table.content())
    sample = take_sample(str(path))
    draft = draft_mapping(sample)
    text = write_draft(draft, sample)
    found = {
        line.name: ROW if line.mapping.from_row else line.mapping.columns or (line.mapping.column or "",)
        for line in draft.lines
        if line.mapping is not None
    }
    right = tuple(name for name, columns in found.items() if table.means.get(name) == columns)
    wrong = tuple(name for name in found if name not in right)
    left_open = tuple(name for name in table.means if name not in found)
    before = 0.0 if draft.open else _accepted(text, path, spark)
    after = _accepted(apply_edits(text, table.edits), path, spark) if table.edits else before
    return Measured(table, draft, text, right, wrong, left_open, before, after)


def apply_edits(text: str, edits: dict[str, str]) -> str:
    """Return a draft with a person's edits: lines are replaced, and open ones filled in."""
    for key, value in edits.items():
        name = key.removeprefix("file.")
        line = f"{name} = {value}"
        changed, count = re.subn(rf"(?m)^{name} = .*$", lambda _, line=line: line, text, count=1)
        if not count:
            heading = "[file]" if key.startswith("file.") else "[columns]"
            changed = text.replace(heading, f"{heading}\n{line}", 1)
        text = changed
    return text


def _accepted(text: str, path: Path, spark: SparkSession) -> float:
    try:
        mapping = SourceMapping.from_text(text, "the draft")
    except ShipmentEtlError:
        return 0.0
    verdicts = judge_sample(spark, take_sample(str(path)), mapping)
    return verdicts.accepted / verdicts.rows


def as_markdown(every: list[Measured]) -> str:
    """Return the table for the docs."""
    lines = [
        "| table | right | wrong | open | rows that land | edits | rows after edits |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in every:
        lines.append(
            f"| {each.table.title}: {each.table.origin} | {len(each.right)} | {len(each.wrong)} | {len(each.left_open)} "
            f"| {each.landed:.0%} | {len(each.table.edits)} | {each.landed_after_edits:.0%} |"
        )
    right, wrong, left = (sum(len(getattr(each, key)) for each in every) for key in ("right", "wrong", "left_open"))
    before = sum(each.landed for each in every) / len(every)
    after = sum(each.landed_after_edits for each in every) / len(every)
    edits = sum(len(each.table.edits) for each in every)
    totals = (f"all {len(every)}", right, wrong, left, f"{before:.0%}", edits, f"{after:.0%}")
    lines.append(f"| {' | '.join(f'**{each}**' for each in totals)} |")
    return "\n".join(lines)


def _write_page() -> None:
    """Measure the figures, and write them to the docs."""
    page = Path(__file__).parents[2] / "docs/how-to/map-a-file.md"
    with TemporaryDirectory() as folder:
        spark = session("sail")
        figures = as_markdown([measure(table, spark, Path(folder)) for table in TABLES])
    text = page.read_text("utf-8")
    old = re.search(r"(?ms)^\| table \| right.*?^\| \*\*all.*?$", text)
    assert old is not None, f"{page} has no table of figures"
    page.write_text(text.replace(old[0], figures), "utf-8")


if __name__ == "__main__":
    _write_page()
