"""Lakes to attack: a template, copied for each trial, and what its tables hold after each undisturbed job."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

from pyspark.sql import SparkSession

from shipment_etl import session
from shipment_etl.errors import RollbackRefused
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.maintain import run_maintain
from shipment_etl.jobs.process import run_process
from shipment_etl.jobs.rollback import run_rollback
from shipment_etl.lake.fingerprint import fingerprint_of_content
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.lock import LOCK
from shipment_etl.lake.runs import read_runs
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import RUNS
from tests.store.client import Store

__all__ = ["FOLDER", "JOBS", "PLACES", "RACING", "S3", "Fingerprints", "Lakes"]

Fingerprints = dict[str, str]
FOLDER, S3 = "folder", "S3"
PLACES = (FOLDER, FOLDER, FOLDER, FOLDER, S3)
"""Where trials run. On S3 one takes ten times as long, because each of its thousand requests passes two servers here."""
ROWS = 60
EARLIER, LATER = "2026-11-30", "2026-12-01"
MAPPING = """
[columns]
shipment_id = { column = "ID" }
origin_warehouse = { constant = "Berlin" }
destination_city = { column = "To" }
carrier = { constant = "UPS" }
shipment_date = { column = "Out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "Due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "In", dates = ["yyyy-MM-dd"] }
"""

JOBS: dict[str, Sequence[str]] = {
    "generate": ("generate", "--rows", str(ROWS), "--seed", "9", "--date", LATER, "--defects", "0.05"),
    "ingest": ("ingest", "FILE", "--mapping", "MAPPING", "--source", "acme", "--date", LATER, "--replace"),
    "process": ("process", "--source", "shipments", "--date", LATER, "--accept-rejected"),
    "process acme": ("process", "--source", "acme", "--date", LATER, "--accept-rejected"),
    "maintain": ("maintain",),
    "rollback": ("rollback", "RUN"),
}
"""The jobs that are tried, as arguments of the command line."""
RACING = tuple(job for job in JOBS if job != "rollback")
"""Jobs that succeed in any order: a rollback is refused if other jobs were first."""
FILES = {"first.csv": range(40), "second.csv": range(20, 60), "third.csv": range(30, 80)}
"""Numbers of the shipments that the files of acme report: the second overtakes reports of the first, and the third
replaces the second, some of whose shipments it lacks."""


@dataclass
class Lakes:
    """Copies of one template.

    Attributes:
        folder: for lakes on disk, and for files.
        store: for those on S3.
        engine: address of a server that all sessions of this process use.
    """

    folder: Path
    store: Store
    engine: str
    _numbers: Iterator[int] = field(default_factory=count)
    _expected: dict[tuple[str, ...], Fingerprints] = field(default_factory=dict)

    @cached_property
    def spark(self) -> SparkSession:
        return session(self.engine)

    @cached_property
    def template(self) -> Path:
        """A lake of two sources, each with two days landed and one of them processed; and files to land again."""
        (self.folder / "mapping.toml").write_text(MAPPING)
        for name, shipments in FILES.items():
            lines = [f"{at},{name[0]}Boston{at % 3},2026-11-2{at % 8},2026-11-28,2026-11-29" for at in shipments]
            (self.folder / name).write_text("ID,To,Out,Due,In\n" + "\n".join(lines) + "\n")
        lake = Lake(self.folder / "template")
        for day in (EARLIER, LATER):
            run_generate(lake, date=day, rows=ROWS, seed=7, defects=0.05, spark=self.spark)
        run_process(lake, date=EARLIER, max_rejected=1, spark=self.spark)
        self._ingest(lake, "first.csv", EARLIER)
        run_process(lake, source="acme", date=EARLIER, max_rejected=1, spark=self.spark)
        self._ingest(lake, "second.csv", LATER)
        return Path(lake.uri)

    @cached_property
    def processed(self) -> str:
        """Id of the run that processed the first batch of acme, to be rolled back."""
        return next(run.run_id for run in read_runs(Lake(self.template)) if (run.job, run.source) == ("process", "acme"))

    @cached_property
    def runs_before(self) -> int:
        """How many runs the template's log has."""
        return len(list(read_runs(Lake(self.template))))

    def copy(self, place: str) -> Lake:
        """Return a new lake like the template."""
        name = f"lake-{next(self._numbers)}"
        if place == FOLDER:
            return Lake(shutil.copytree(self.template, self.folder / name))
        # A separate bucket: to list keys, moto scans the whole bucket.
        address = self.store.bucket(name)
        for path in sorted(path for path in self.template.rglob("*") if path.is_file()):
            key = f"lake/{path.relative_to(self.template).as_posix()}"
            self.store.client.put_object(Bucket=name, Key=key, Body=path.read_bytes())
        return Lake(f"{address}/lake")

    def delete(self, lake: Lake) -> None:
        """Delete a lake on disk."""
        if not lake.uri.startswith("s3:"):
            shutil.rmtree(lake.uri, ignore_errors=True)

    def arguments(self, job: str, lake: Lake) -> list[str]:
        """Return the command of a job on a lake."""
        given = {
            "FILE": str(self.folder / "third.csv"),
            "MAPPING": str(self.folder / "mapping.toml"),
            "RUN": self.processed,
        }
        return [*(given.get(each, each) for each in JOBS[job]), "--lake", lake.uri]

    def run(self, job: str, lake: Lake) -> None:
        """Run a job here. A rollback that has already happened is skipped."""
        if job == "generate":
            run_generate(lake, date=LATER, rows=ROWS, seed=9, defects=0.05, spark=self.spark)
        elif job == "ingest":
            self._ingest(lake, "third.csv", LATER)
        elif job == "maintain":
            run_maintain(lake, spark=self.spark)
        elif job == "rollback":
            try:
                run_rollback(lake, self.processed, spark=self.spark)
            except RollbackRefused as refused:
                if "already been rolled back" not in str(refused):
                    raise
        else:
            source, day = ("acme", LATER) if job == "process acme" else ("shipments", LATER)
            run_process(lake, source=source, date=day, max_rejected=1, spark=self.spark)

    def expected(self, jobs: Sequence[str] = ()) -> Fingerprints:
        """Return what a lake holds after some undisturbed jobs, one after the other."""
        key = tuple(jobs)
        if key not in self._expected:
            lake = self.copy(FOLDER)
            for job in jobs:
                self.run(job, lake)
            self._expected[key] = self.read(lake.snapshot())
            self.delete(lake)
        return self._expected[key]

    def read(self, snapshot: Snapshot) -> Fingerprints:
        """Return the fingerprint of every table of a snapshot."""
        return {name: fingerprint_of_content(snapshot.dataset(name).to_table()) for name in snapshot.tables}

    def newest(self, lake: Lake) -> Fingerprints:
        """Return the fingerprints of the newest versions, as seen by somebody who opens the tables directly."""
        return {name: fingerprint_of_content(lake.dataset(name).to_table()) for name in lake.tables() if name != RUNS.name}

    def expire_lock(self, lake: Lake) -> None:
        """Make the lock of a dead job on S3 expire."""
        found = lake.storage.fetch(LOCK) if lake.uri.startswith("s3:") else None  # type: ignore[attr-defined]
        if found is not None:
            lake.storage.put(LOCK, json.dumps({**json.loads(found[0]), "seconds": -1}).encode(), found[1])  # type: ignore[attr-defined]

    def _ingest(self, lake: Lake, name: str, day: str) -> None:
        mapping = SourceMapping.from_text(MAPPING, "mapping.toml")
        file = self.folder / name
        run_ingest(lake, file, source="acme", mapping=mapping, date=day, if_exists="replace", spark=self.spark)
