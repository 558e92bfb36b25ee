"""Land files of all kinds, valid and damaged, and check that nothing is lost: `make fuzz`, or python -m tests.field.fuzz.

make fuzz ARGS="--files 20000 --seed 1"
make fuzz ARGS="--seed 1 --only 4711 --keep f"      one file again, written to the folder f

A valid file must land with every value. In a damaged file, each record whose token is still readable must land, either as a
record or put aside with its problem; the file as a whole may be refused only if it is one value, such as a JSON list, or is
compressed. All landed rows are then conformed, and some are processed: each row must become a shipment, a duplicate, or a
quarantined row with reasons. Only errors of this package may be raised.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl import session
from shipment_etl.errors import IngestError
from shipment_etl.ingest import text
from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.mapping import FileFormat, SourceMapping
from shipment_etl.ingest.reader import Landed, land
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from tests.field.files import TOKEN, File, draw_file
from tests.field.landing import BATCH_DATE, mapping

__all__ = ["Findings", "fuzz", "judge"]

TOGETHER = 1000
"""Number of files whose records are conformed and processed together."""
MAX_MEMORY = 3 << 28
"""Bytes that landing a file may add to the memory of the process, 768 MiB."""
BLOCK_BYTES = (64, 1000, 1 << 16, 1 << 22)
"""Block sizes for reading, so that small files are read in as many blocks as large ones."""


@dataclass
class Findings:
    """The results of fuzzing.

    Attributes:
        outcomes: number of files that landed, landed with problems, or were refused, by format.
        faults: number of a file → what is wrong.
        rows: number of landed rows.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    rows: int = 0


def fuzz(
    spark: SparkSession,
    numbers: Iterable[int],
    seed: int,
    folder: Path,
    seconds: float = float("inf"),
    report: Callable[[str], object] = lambda fault: None,
) -> Findings:
    """Draw files, land them, and check each result, until the time is up; report each fault immediately."""
    findings = Findings()
    end = time.monotonic() + seconds
    landed: list[Path] = []
    for number in numbers:
        if time.monotonic() > end:
            break
        made = draw_file(seed, number)
        target = folder / f"{number}.parquet"
        outcome, fault = judge(made, folder, target, BLOCK_BYTES[number % len(BLOCK_BYTES)])
        findings.outcomes[f"{made.name}: {outcome}"] += 1
        if fault:
            findings.faults[number] = fault
            report(f"FAULT: file {number} of seed {seed}: {fault}")
        if target.exists():
            landed.append(target)
        if len(landed) == TOGETHER:
            _check_rows(spark, landed, folder, findings, report)
            landed = []
    if landed:
        _check_rows(spark, landed, folder, findings, report)
    return findings


def judge(made: File, folder: Path, target: Path, block_bytes: int = text.BLOCK_BYTES) -> tuple[str, str]:
    """Land a file; return the outcome, and the fault if there is one."""
    path = folder / made.name
    path.write_bytes(made.content)
    using = _mapping(made)
    text.BLOCK_BYTES, before = block_bytes, text.BLOCK_BYTES
    peak, used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, psutil.Process().memory_info().rss
    try:
        landed = land(find_inputs([path]), using, target)
    except IngestError as problem:
        if not made.may_be_refused:
            return "refused", f"refused: {problem}"
        return "refused", "" if len(str(problem)) < 2000 else f"a message of {len(str(problem)):,} characters"
    except Exception:
        return "failed", traceback.format_exc()
    finally:
        text.BLOCK_BYTES = before
        path.unlink()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    # Memory that the process used before, such as in a run of many tests, does not count.
    if memory > max(peak, used + MAX_MEMORY):
        return "landed", f"memory of {memory / 1e6:,.0f} MB"
    rows = pq.read_table(target).to_pylist()
    try:
        fault = _compare(made, landed, rows)
    except ValueError:
        fault = f"a landed record is not JSON: {traceback.format_exc()}"
    return ("landed with problems" if landed.problems else "landed"), fault


def _mapping(made: File) -> SourceMapping:
    usual = mapping()
    # Columns that are lost by damage, or do not matter here, may be unknown.
    return SourceMapping(columns=usual.columns, file=FileFormat(**made.options))


def _compare(made: File, landed: Landed, rows: list[dict[str, Any]]) -> str:
    if len(rows) != landed.rows or [row["source_row"] for row in rows] != list(range(1, len(rows) + 1)):
        return f"{landed.rows:,} rows counted, {len(rows):,} written"
    if landed.problems.total() != sum(row["problem"] is not None for row in rows):
        return "problems are not counted"
    records = [json.loads(row["record"]) for row in rows]
    if made.records is None:
        found = sum(len(TOKEN.findall(row["record"])) for row in rows)
        return "" if found >= made.tokens else f"{made.tokens} tokens in the file, {found} in what landed"
    if landed.problems:
        return f"a sound file has problems: {landed.problems.most_common(1)}"
    if len(records) != len(made.records):
        return f"{len(made.records)} records in the file, {len(records)} landed"
    for number, (found, wanted) in enumerate(zip(records, made.records, strict=True), 1):
        for name, value in wanted.items():
            expected = None if value is None else unicodedata.normalize("NFC", value)
            if found[name] != expected:
                return f"record {number}: {name} is {str(found[name])[:80]!r}, not {str(expected)[:80]!r}"
    return ""


def _check_rows(
    spark: SparkSession, landed: list[Path], folder: Path, findings: Findings, report: Callable[[str], object]
) -> None:
    """Conform the landed rows, and process them as one batch: every row must be accounted for."""
    numbers = [int(path.stem) for path in landed]
    try:
        fault = _conform(spark, landed, findings) or _process(spark, landed, folder)
    except Exception:
        fault = traceback.format_exc()
    if fault:
        findings.faults[numbers[0]] = f"files {numbers[0]} to {numbers[-1]} together: {fault}"
        report(f"FAULT: {findings.faults[numbers[0]]}")
    for path in landed:
        path.unlink()


def _conform(spark: SparkSession, landed: list[Path], findings: Findings) -> str:
    frame = spark.read.parquet(*map(str, landed)).withColumns(
        {"source": F.lit("fuzz"), "batch_date": F.lit(BATCH_DATE), "record": F.from_json("record", "map<string,string>")}
    )
    unread = F.size("unparsed") > 0
    unread_or_read = unread | F.col("shipment_id").isNotNull() | ~F.array_contains(F.map_keys("original"), "ID")
    told = conform(frame, mapping()).select(unread.alias("unread"), unread_or_read.alias("known"), "unparsed")
    counted = told.groupBy("unread", "known").agg(F.count(F.lit(1)).alias("rows")).collect()
    rows = sum(row["rows"] for row in counted)
    written = sum(pq.read_metadata(path).num_rows for path in landed)
    findings.rows += written
    if rows != written:
        return f"{written:,} rows landed, {rows:,} conformed"
    return ""


def _process(spark: SparkSession, landed: list[Path], folder: Path) -> str:
    """Land the records again, as JSON lines in one batch, and process the batch."""
    records = folder / "records.jsonl"
    with records.open("w", encoding="utf-8") as lines:
        for path in landed:
            for row in pq.read_table(path, columns=["record", "problem"]).to_pylist():
                if len(row["record"]) < 100_000:
                    lines.write(row["record"] + "\n")
    with tempfile.TemporaryDirectory(dir=folder) as home:
        lake = Lake(home)
        run = run_ingest(lake, records, source="fuzz", mapping=mapping(), date=BATCH_DATE, max_rejected=1, spark=spark)
        done = run_process(lake, source="fuzz", date=BATCH_DATE, max_rejected=1, spark=spark).counts
    records.unlink()
    if done.read != run.counts.read or done.read != sum(done.parts.values()):
        return f"{run.counts.read:,} rows landed; processed: {done}"
    return ""


def main() -> None:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=2000, help="number of files")
    options.add_argument("--seed", type=int, default=1, help="the seed for drawing files")
    options.add_argument("--only", type=int, help="the number of one file")
    options.add_argument("--keep", type=Path, help="a folder to write that file to")
    chosen = options.parse_args()
    numbers = range(chosen.files) if chosen.only is None else [chosen.only]
    if chosen.keep:
        made = draw_file(chosen.seed, chosen.only or 0)
        chosen.keep.mkdir(parents=True, exist_ok=True)
        (chosen.keep / made.name).write_bytes(made.content)
        print(made.name, dict(made.options), f"{made.tokens} tokens")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        findings = fuzz(session("sail"), numbers, chosen.seed, Path(folder), report=partial(print, flush=True))
    for outcome, count in sorted(findings.outcomes.items()):
        print(f"{count:>8,}  {outcome}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = sum(findings.outcomes.values())
    took = time.monotonic() - started
    print(f"{total:,} files, {findings.rows:,} rows, {len(findings.faults)} faults, {memory:,.0f} MB, {took:,.0f} s")
    sys.exit(bool(findings.faults))


if __name__ == "__main__":
    main()
