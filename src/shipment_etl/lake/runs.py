"""Runs: what a job did, as one frozen value; and the log of them, which is written last."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from shipment_etl.errors import RowsLost
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import RUNS

__all__ = [
    "FAILED",
    "SUCCEEDED",
    "RowCounts",
    "Run",
    "RunStart",
    "TableVersion",
    "keep_report",
    "last_succeeded",
    "log_run",
    "vouched_versions",
]

SUCCEEDED, FAILED = "succeeded", "failed"
REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Where every row that was read went.

    Raises:
        RowsLost: read is not accepted + quarantined + duplicates.
    """

    read: int
    accepted: int
    quarantined: int = 0
    duplicates: int = 0

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.quarantined + self.duplicates:
            raise RowsLost(self.read, self.accepted, self.quarantined, self.duplicates)


@dataclass(frozen=True, slots=True)
class TableVersion:
    """A version of a table that a run left behind.

    `fingerprint` is that of the run's batch in tables replaced by batch, and of the whole table in marts. A run of
    `maintain`, which changes no row, repeats those of the runs before it.
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


@dataclass(frozen=True, slots=True)
class Run:
    """What a job did.

    `seconds` are by stage; `reasons` are rejected rows by column and rule, as carrier:isin; the rules that rows were held
    to stand in `settings`, as `rules`.
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

    @property
    def total_seconds(self) -> float:
        """Seconds over all stages."""
        return round(sum(self.seconds.values()), 3)

    def to_json(self) -> dict[str, Any]:
        """Return the run as JSON values, as docs/run.schema.json describes them."""
        return {"report_version": REPORT_VERSION, **asdict(self), "batch_date": self.batch_date.isoformat()}

    @staticmethod
    def from_json(report: Mapping[str, Any]) -> "Run":
        """Return the run of a report that `to_json` made."""
        values = {name: value for name, value in report.items() if name != "report_version"}
        return Run(
            **{
                **values,
                "batch_date": date.fromisoformat(report["batch_date"]),
                "counts": RowCounts(**report["counts"]),
                "tables": {name: TableVersion(**each) for name, each in report["tables"].items()},
            }
        )


def log_run(lake: Lake, run: Run) -> None:
    """Append a run to the log; no engine is needed, so that a run is logged which ended with its engine."""
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
    lake.append(RUNS, [row])


def keep_report(lake: Lake, run: Run) -> None:
    """Write a run's report to _reports/RUN_ID.json beside the tables."""
    lake.write_text(f"_reports/{run.run_id}.json", json.dumps(run.to_json(), indent=2, sort_keys=True) + "\n")


def last_succeeded(lake: Lake, *jobs: str, naming: str | None = None) -> Run | None:
    """Return the newest succeeded run of some jobs, None if there is none; only runs that name a table, if one is given.

    Reads the log's files from the newest back, by what the Delta log says of them: as a rule one file, however many runs.
    """
    for run in _succeeded(lake):
        if run.job in jobs and (naming is None or naming in run.tables):
            return run
    return None


def vouched_versions(lake: Lake) -> dict[str, TableVersion]:
    """Return the version of each table that the newest succeeded run which names it left; reads the whole log."""
    versions: dict[str, TableVersion] = {}
    for run in _succeeded(lake):
        versions = {**run.tables, **versions}
    return versions


def _succeeded(lake: Lake) -> Iterator[Run]:
    """Yield the succeeded runs from the newest back."""
    if not lake.has(RUNS.name):
        return
    files = sorted(
        lake.files(RUNS.name, ranges=["started_at"]), key=lambda each: each.most.get("started_at") or "", reverse=True
    )
    for file in files:
        rows = lake.content(RUNS.name, file).to_pylist()
        for row in sorted(rows, key=lambda each: str(each["started_at"]), reverse=True):
            if row["status"] == SUCCEEDED:
                yield Run.from_json(json.loads(row["report"]))
