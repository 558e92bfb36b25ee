"""From what was measured on one machine to the cluster of a larger day: the tables of docs/scale.md.

    python benchmarks/scale_model.py

Nothing here runs a job. `MEASURED` are figures of `spark_work.py --rows 5000000` and `driver_work.py`; change them, and the tables
follow. What is assumed and not measured stands in `Assumed`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log10

UNITS = ("B", "kB", "MB", "GB", "TB")
DAYS = (10_000_000, 1_000_000_000, 100_000_000_000)


@dataclass(frozen=True)
class Measured:
    """Of one process on local Spark, per million rows that are read; driver and log per file."""

    task_cpu_seconds: float
    read_mb: float
    written_mb: float
    shuffle_mb: float
    raw_mb: float
    clean_mb: float
    log_bytes_per_file: float
    driver_mb_per_million_files: float
    list_seconds_per_million_files: float


@dataclass(frozen=True)
class Assumed:
    """What one machine cannot tell.

    Attributes:
        busy: share of the hours of a cluster's processors in which they work on tasks; the rest is waiting for storage, for
            the last task of a stage, and for the driver.
        hours: that a day may take.
        start_minutes: of a cluster, before its first task.
        node_cpus, node_memory_gb: of a worker, as m5.xlarge has them.
        split_mb: of input, what a task reads; Spark's default.
        shuffle_mb: what a task of a shuffle takes.
        footer_seconds: to read the footer of a file on S3, one after the other.
    """

    busy: float = 0.5
    hours: float = 1.0
    start_minutes: float = 7.0
    node_cpus: int = 4
    node_memory_gb: int = 16
    split_mb: float = 128.0
    shuffle_mb: float = 100.0
    footer_seconds: float = 0.05


MEASURED = Measured(
    task_cpu_seconds=10.0,
    read_mb=60.0,
    written_mb=40.0,
    shuffle_mb=12.0,
    raw_mb=25.0,
    clean_mb=37.0,
    log_bytes_per_file=120.0,
    driver_mb_per_million_files=1000.0,
    list_seconds_per_million_files=5.0,
)


@dataclass(frozen=True)
class Day:
    """A day of so many rows: what it takes."""

    rows: int
    measured: Measured = MEASURED
    assumed: Assumed = Assumed()

    @property
    def millions(self) -> float:
        return self.rows / 1e6

    @property
    def cpu_hours(self) -> float:
        return self.millions * self.measured.task_cpu_seconds / 3600

    @property
    def nodes(self) -> int:
        """Workers that do a day within the hours."""
        return max(1, ceil(self.cpu_hours / self.assumed.busy / self.assumed.hours / self.assumed.node_cpus))

    @property
    def hours(self) -> float:
        """From the start of the cluster to its end."""
        work = self.cpu_hours / self.assumed.busy / (self.nodes * self.assumed.node_cpus)
        return work + self.assumed.start_minutes / 60 + self.footer_hours

    @property
    def node_hours(self) -> float:
        """What is paid for: the workers and a primary node."""
        return (self.nodes + 1) * self.hours

    @property
    def tasks(self) -> int:
        """Of the one pass, and as many files: what a task reads, it writes as one file of sound rows."""
        return max(1, ceil(self.millions * self.measured.raw_mb / self.assumed.split_mb))

    @property
    def shuffle_partitions(self) -> int:
        return max(1, ceil(self.millions * self.measured.shuffle_mb / self.assumed.shuffle_mb))

    @property
    def footer_hours(self) -> float:
        """The driver reads the footer of each file that was written, one after the other."""
        return self.tasks * self.assumed.footer_seconds / 3600

    @property
    def files_a_year(self) -> int:
        """Of the raw and of the clean table together."""
        return 365 * 2 * self.tasks


def cluster_table() -> Iterator[str]:
    """Yield the lines of the table of clusters."""
    yield "| rows a day | processor-hours | workers of 4 processors | hours, start included | node-hours to pay |"
    yield "| --- | --- | --- | --- | --- |"
    for day in map(Day, DAYS):
        yield f"| {_rows(day.rows)} | {day.cpu_hours:,.1f} | {day.nodes:,} | {day.hours:.1f} | {day.node_hours:,.1f} |"


def data_table() -> Iterator[str]:
    """Yield the lines of the table of data."""
    yield "| rows a day | raw | clean | shuffled | tasks, files | partitions of a shuffle | files after a year | Delta log then |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for day in map(Day, DAYS):
        per = day.measured
        sizes = (day.millions * each * 1e6 for each in (per.raw_mb, per.clean_mb, per.shuffle_mb))
        log = day.files_a_year * per.log_bytes_per_file
        counts = f"{day.tasks:,} | {day.shuffle_partitions:,} | {day.files_a_year:,}"
        yield f"| {_rows(day.rows)} | {' | '.join(map(_bytes, sizes))} | {counts} | {_bytes(log)} |"


def _rows(count: int) -> str:
    return f"{count // 10**9} B" if count >= 10**9 else f"{count // 10**6} M"


def _bytes(size: float) -> str:
    power = min(4, max(1, int(log10(size) // 3)))
    return f"{size / 1000**power:.3g} {UNITS[power]}"


if __name__ == "__main__":
    print("\n".join([*cluster_table(), "", *data_table()]))
