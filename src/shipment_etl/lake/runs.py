"""Runs: what a job did, as one frozen value; and their log, whose row is the only commit point of a job."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shipment_etl.errors import NewerRelease, RowsLost, RunMissing
from shipment_etl.lake.commits import describe_file, read_commit
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import RUNS, schema_of
from shipment_etl.lake.written import empty_written

__all__ = [
    "FAILED",
    "GENERATE",
    "HELD",
    "INGEST",
    "LANDING",
    "MAINTAIN",
    "PROCESS",
    "ROLLBACK",
    "SUCCEEDED",
    "RowCounts",
    "Run",
    "RunStart",
    "TableVersion",
    "currencies_of",
    "find_run",
    "is_logged",
    "keep_report",
    "log_run",
    "newest_of_batches",
    "newest_run",
    "newest_succeeded",
    "read_runs",
    "standing_runs",
    "start_log",
    "sum_by_name",
    "sum_counts",
    "undone_runs",
]

SUCCEEDED, FAILED, HELD = "succeeded", "failed", "held"
GENERATE, INGEST, PROCESS, MAINTAIN = "generate", "ingest", "process", "maintain"
LANDING = (GENERATE, INGEST)
"""Jobs that land batches."""
ROLLBACK = "rollback"
"""The job that undoes another run; its settings name it."""
REPORT_VERSION = 3
NO_RUNS = empty_written(RUNS, schema_of(RUNS.columns))
"""The log without files."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Where every row that was read went.

    Attributes:
        read: rows of the batch.
        accepted: newest reports on their shipments.
        quarantined: rows that break a rule.
        duplicates: reports that say the same as the one before them in the batch.
        overtaken: reports that a newer one has overtaken, of this batch or another.

    Raises:
        RowsLost: read is not the sum of the others.
    """

    read: int
    accepted: int
    quarantined: int = 0
    duplicates: int = 0
    overtaken: int = 0

    def rejects_more_than(self, limit: float) -> bool:
        """Whether more than a share of the rows, 0 … 1, was quarantined."""
        return self.quarantined > limit * self.read

    @property
    def parts(self) -> dict[str, int]:
        """The number of rows by what became of them."""
        return {name: value for name, value in asdict(self).items() if name != "read"}

    def __add__(self, other: "RowCounts") -> "RowCounts":
        """Return the counts of both together."""
        both = zip(asdict(self).items(), asdict(other).values(), strict=True)
        return RowCounts(**{name: one + another for (name, one), another in both})

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.quarantined + self.duplicates + self.overtaken:
            raise RowsLost(self.read, self.accepted, self.quarantined, self.duplicates, self.overtaken)


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a table that a run left behind.

    `fingerprint` is that of the run's batch in tables replaced by batch, and of the whole table in marts.
    """

    version: int
    fingerprint: str

    @property
    def rows(self) -> int:
        """Rows that the fingerprint is of; it begins with their number."""
        return int(self.fingerprint.split("-")[0], 16)


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run before its work begins; `lake` is its URI."""

    run_id: str
    job: str
    source: str
    batch_date: date
    started_at: str
    lake: str


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """What a job did.

    Attributes:
        run_id, job, source, batch_date, started_at: what identifies the run.
        status: succeeded; failed; or held, where too many rows were rejected.
        engine: name of the engine.
        counts: of the batch.
        reasons: rejected rows by column and rule, as carrier:isin.
        seconds: by stage.
        tables: what it wrote, by name of the table.
        settings: what it was called with.
        versions: of packages.
        error: why it failed or was held.
        network: digest of the network that rows were checked against.
        rules: rules that rows were checked against.
        before, after: versions of all tables that count before and after it; `after` is None if the release that made the
            run did not record them.
        marts_key: digest of what the marts that count after it were computed with.
        warnings: accepted rows that break a rule of severity `warn`, by column and rule.
        overtook: reports of other batches that those of this one have overtaken.
    """

    run_id: str
    job: str
    source: str
    batch_date: date
    status: str
    started_at: str
    engine: str
    counts: RowCounts
    reasons: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    tables: Mapping[str, TableVersion] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    network: str = ""
    rules: tuple[str, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] | None = field(default_factory=dict)
    marts_key: str = ""
    warnings: Mapping[str, int] = field(default_factory=dict)
    overtook: int = 0

    def __repr__(self) -> str:
        """Return the run as a few lines: what it did, where the rows went, and why."""
        lines = [f"{self.job} {self.source} {self.batch_date}: {self.status} in {self.total_seconds:.1f} s on {self.engine}"]
        parts = " + ".join(f"{rows:,} {name}" for name, rows in self.counts.parts.items())
        lines.append(f"  {self.counts.read:,} rows read = {parts}")
        lines += [f"  {self.left_out:>9,}  left out by [where]"] if self.left_out else []
        lines += [f"  {rows:>9,}  {name}" for name, rows in self.reasons.items()]
        lines += [f"  {rows:>9,}  {name} (warning, accepted)" for name, rows in self.warnings.items()]
        return "\n".join([*lines, *([f"  {self.error}"] if self.error else []), f"  run {self.run_id}"])

    @property
    def rejects_too_many(self) -> bool:
        """Whether more rows were quarantined than was allowed; if not, a held batch is held for what `error` says."""
        return self.counts.rejects_more_than(self.max_rejected)

    @property
    def max_rejected(self) -> float:
        """The share of rows that could be quarantined before the batch was held."""
        return float(self.settings.get("max_rejected", 1.0))

    @property
    def left_out(self) -> int:
        """Records of the files of an ingest that are not among the rows read, because of `where` in the mapping."""
        return int(self.settings.get("filtered", 0))

    @property
    def total_seconds(self) -> float:
        """Seconds over all stages."""
        return round(sum(self.seconds.values()), 3)

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON values, as docs/run.schema.json describes them."""
        plain = {"batch_date": self.batch_date.isoformat(), "rules": list(self.rules)}
        return {"report_version": REPORT_VERSION, **asdict(self), **plain}

    @staticmethod
    def from_json(report: Mapping[str, Any]) -> "Run":
        """Return the run of a report that `to_json` made, in this release or an older one.

        Raises:
            NewerRelease: a newer release made it.
        """
        version = report.get("report_version", 0)
        if not isinstance(version, int) or version > REPORT_VERSION:
            raise NewerRelease(f"The report of the run {report.get('run_id')}", f"version {version}")
        known = {each.name for each in fields(Run)}
        values = {name: value for name, value in report.items() if name in known}
        settings = report.get("settings", {})
        if version < 2:  # Version 1 kept these two among the settings, and noted no versions of tables.
            values |= {"network": settings.get("network", ""), "rules": settings.get("rules", ()), "after": None}
        return Run(
            **{
                **values,
                "batch_date": date.fromisoformat(report["batch_date"]),
                "counts": RowCounts(**report["counts"]),
                "rules": tuple(values["rules"]),
                "tables": {name: TableVersion(**each) for name, each in report["tables"].items()},
            }
        )


def start_log(lake: Lake, run: str) -> int:
    """Create the log, without a run yet, and return its version.

    It is created before the first table: so a lake without a log has lost it, and its tables are not leftovers.
    """
    return lake.commit(RUNS, NO_RUNS.schema, version=None, add=[], remove=[], run=run)


def log_run(lake: Lake, run: Run, version: int | None) -> None:
    """Append a run to the log, which makes it count. No engine is needed.

    Args:
        lake: the lake.
        run: the run.
        version: version of the log that the run has seen; None if there is no log yet.

    Raises:
        CommitConflict: another run was logged since that version.
        LakeError, EngineFailed: it could not be logged.
    """
    row = {
        "run_id": run.run_id,
        "job": run.job,
        "source": run.source,
        "batch_date": run.batch_date,
        "status": run.status,
        "started_at": run.started_at,
        "seconds": run.total_seconds,
        "engine": run.engine,
        **asdict(run.counts),
        "report": json.dumps(run.to_json(), sort_keys=True),
    }
    path = f"{run.run_id}.parquet"
    with lake.storage.create_file(f"{RUNS.name}/{path}") as place:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Statistics would store the report two more times.
        pq.write_table(
            pa.Table.from_pylist([row], schema=NO_RUNS.arrow), place, write_statistics=list(RUNS.ranges), compression="zstd"
        )
    size = lake.storage.sizes(RUNS.name)[path]
    file = describe_file(lake.storage, RUNS, path, size, {})
    lake.commit(RUNS, NO_RUNS.schema, version=version, add=[file], remove=[], run=run.run_id)


def is_logged(lake: Lake, run_id: str, version: int | None) -> bool:
    """Whether a run was logged that has seen a version of the log."""
    first = 0 if version is None else version + 1
    # Maintenance compacts the log itself in a separate commit; new columns, after an older release, also have one.
    commits = (read_commit(lake.storage, RUNS.name, each) for each in (first, first + 1))
    return any(commit is not None and commit.run == run_id and commit.changes_rows for commit in commits)


def keep_report(lake: Lake, run: Run) -> None:
    """Write a run's report to _reports/RUN_ID.json beside the tables."""
    lake.write_text(f"_reports/{run.run_id}.json", json.dumps(run.to_json(), indent=2, sort_keys=True) + "\n")


def newest_run(lake: Lake) -> Run | None:
    """Return the run that was logged last, or None.

    Searches the log's commits from the newest back, so that clocks do not matter: usually one commit and one file.
    """
    version = lake.version(RUNS.name) if lake.has(RUNS.name) else -1
    while version >= 0:
        commit = read_commit(lake.storage, RUNS.name, version)
        if commit is None:
            break
        if commit.changes_rows and commit.added:
            with explain_errors(lake, {RUNS.name: None}), suppress(FileNotFoundError):
                rows = lake.content(RUNS.name, commit.added[-1]).to_pylist()
                return Run.from_json(json.loads(max(rows, key=_moment)["report"]))
            break
        version -= 1
    # Another program has compacted the log, or removed old commits.
    return next(read_runs(lake), None)


def read_runs(lake: Lake) -> Iterator[Run]:
    """Yield all runs, the newest first; none where no run was logged."""
    if lake.has(RUNS.name):
        with explain_errors(lake, {RUNS.name: None}):
            rows = lake.dataset(RUNS.name).to_table(columns=["started_at", "report"]).to_pylist()
        for row in sorted(rows, key=_moment, reverse=True):
            yield Run.from_json(json.loads(row["report"]))


def find_run(lake: Lake, run_id: str) -> Run:
    """Return the run whose id begins with this.

    Raises:
        RunMissing: there is none, or several.
    """
    found = [run for run in read_runs(lake) if run.run_id.startswith(run_id)] if run_id else []
    if len(found) != 1:
        raise RunMissing(run_id, lake.uri, "there is no such run" if not found else f"{len(found)} run ids begin like that")
    return found[0]


def standing_runs(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that were not rolled back, the newest first; rollbacks are left out as well.

    Args:
        runs: the whole log, newest first, as `read_runs` yields it.
    """
    runs = list(runs)
    undone = undone_runs(runs)
    return [run for run in runs if run.run_id not in undone and not (run.job == ROLLBACK and run.status == SUCCEEDED)]


def undone_runs(runs: Iterable[Run]) -> set[str]:
    """Return the ids of the runs that were rolled back; a run whose rollback was rolled back itself is not among them.

    Args:
        runs: the whole log, newest first, as `read_runs` yields it.
    """
    undone = set[str]()
    for run in runs:
        if run.job == ROLLBACK and run.status == SUCCEEDED and run.run_id not in undone:
            undone.add(str(run.settings["run"]))
    return undone


def sum_counts(batches: Iterable[Run], shipments: int) -> RowCounts:
    """Add up where the rows of all batches went.

    Args:
        batches: the newest run of each batch.
        shipments: number of reports that are the newest now; a later batch may have overtaken those of a run.
    """
    every = sum((run.counts for run in batches), RowCounts(0, 0))
    return replace(every, accepted=shipments, overtaken=every.accepted + every.overtaken - shipments)


def sum_by_name(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts, the largest first."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items(), key=lambda each: (-each[1], each[0])))


def newest_succeeded(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return the newest run of each batch that succeeded, by source and batch date.

    Args:
        runs: some runs of the log, newest first.
    """
    newest = _newest_by_batch(run for run in runs if run.status == SUCCEEDED)
    return tuple(newest[batch] for batch in sorted(newest))


def currencies_of(batches: Iterable[Run]) -> frozenset[str | None]:
    """Return the currencies of the costs of batches; None stands for batches without one."""
    return frozenset(run.settings.get("currency") for run in batches)


def newest_of_batches(runs: Iterable[Run]) -> list[Run]:
    """Return the newest run of `process` of each batch that succeeded or was held, the newest batch first.

    Args:
        runs: the whole log, newest first, as `read_runs` yields it.
    """
    newest = _newest_by_batch(run for run in standing_runs(runs) if run.job == PROCESS and run.status != FAILED)
    return sorted(newest.values(), key=lambda each: each.batch_date, reverse=True)


def _newest_by_batch(runs: Iterable[Run]) -> dict[tuple[str, date], Run]:
    """Return the first run of each source and batch date, in the order of the runs."""
    newest: dict[tuple[str, date], Run] = {}
    for run in runs:
        newest.setdefault((run.source, run.batch_date), run)
    return newest


def _moment(row: Mapping[str, Any]) -> str:
    return str(row["started_at"])
