"""What classic Spark did, from its event log: jobs, SQL executions, tasks, and how often each table was read."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Scan", "SparkWork", "read_event_log"]

SQL = "org.apache.spark.sql.execution.ui."
PLANS = (f"{SQL}SparkListenerSQLExecutionStart", f"{SQL}SparkListenerSQLAdaptiveExecutionUpdate")


@dataclass(frozen=True)
class Scan:
    """An executed scan of Parquet files: their location, the columns read, the rows returned."""

    location: str
    columns: str
    rows: int


@dataclass
class SparkWork:
    """The work in a part of a log; times in seconds, sizes in bytes, both summed over tasks."""

    jobs: int = 0
    sql_executions: int = 0
    tasks: int = 0
    task_cpu_seconds: float = 0.0
    gc_seconds: float = 0.0
    shuffle_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    scans: list[Scan] = field(default_factory=list)

    def reads_of(self, location: str, rows: int) -> float:
        """Return how often a table with this number of rows was read, by the rows that scans of its location returned."""
        return sum(scan.rows for scan in self.scans if location in scan.location) / rows


def read_event_log(folder: Path, since: float, until: float) -> SparkWork:
    """Return the work that began between two moments, in seconds since 1970; the session must have ended."""
    work = SparkWork()
    scans: dict[int, tuple[str, str]] = {}
    counted: Counter[int] = Counter()
    for event in _events(folder):
        kind = event["Event"]
        if kind in PLANS:
            # An adaptive plan is logged again with every change; a scan keeps its accumulator.
            scans.update(_scans(event["sparkPlanInfo"]))
        if kind == "SparkListenerJobStart" and since <= event["Submission Time"] / 1000 <= until:
            work.jobs += 1
        elif kind == PLANS[0] and since <= event["time"] / 1000 <= until:
            work.sql_executions += 1
        elif kind == "SparkListenerTaskEnd" and since <= event["Task Info"]["Launch Time"] / 1000 <= until:
            _add_task(work, event.get("Task Metrics") or {})
            for each in event["Task Info"]["Accumulables"]:
                counted[each["ID"]] += int(each["Update"]) if str(each.get("Update", "")).isdigit() else 0
    work.scans = [Scan(*scan, counted[accumulator]) for accumulator, scan in scans.items() if counted[accumulator]]
    return work


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.name.startswith((".", "appstatus")):
            with file.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def _scans(plan: dict[str, Any]) -> Iterable[tuple[int, tuple[str, str]]]:
    """Yield the accumulator of the rows of each scan in a plan, with its location and columns."""
    for metric in plan["metrics"] if "parquet" in plan["nodeName"].lower() else ():
        if metric["name"] == "number of output rows":
            told = plan["metadata"]
            yield metric["accumulatorId"], (told.get("Location", ""), told.get("ReadSchema", ""))
    for child in plan["children"]:
        yield from _scans(child)


def _add_task(work: SparkWork, metrics: dict[str, Any]) -> None:
    work.tasks += 1
    work.task_cpu_seconds += metrics.get("Executor CPU Time", 0) / 1e9
    work.gc_seconds += metrics.get("JVM GC Time", 0) / 1e3
    work.shuffle_bytes += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    work.read_bytes += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
    work.written_bytes += metrics.get("Output Metrics", {}).get("Bytes Written", 0)
