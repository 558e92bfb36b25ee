"""Snapshot: the versions of all tables that belong together.

Each row of the log of runs says which versions count after it, even after a failed run. So the newest row says what the lake
holds, and commits of a run that was never logged do not count: `recover` rolls them back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow.dataset as pads
from pyspark.sql import DataFrame, SparkSession

from shipment_etl.errors import ChangedOutside, LakeMissing, RunMissing, TableLost, TableMissing
from shipment_etl.lake.commits import Commit, mark, read_commit, translate_errors
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import find_run, newest_run
from shipment_etl.lake.tables import KNOWN_IDS, LANE_DAYS, OVERTAKEN, QUARANTINE, RUNS, SHIPMENTS

__all__ = ["RAW", "Snapshot", "empty", "landed_versions", "recover", "restore", "snapshot_of", "undo"]


RAW = "raw/"
LANDED = (RAW, "truth/")
"""Name prefixes of the tables that are not computed from others."""
NOT_IN_MARTS = tuple(table.name for table in (SHIPMENTS, OVERTAKEN, KNOWN_IDS, QUARANTINE))
"""Tables whose rows the marts are not computed from; the same goes for raw tables."""
IRREPLACEABLE = tuple(table.name for table in (SHIPMENTS, OVERTAKEN, QUARANTINE, LANE_DAYS))
"""Tables that a job updates but cannot compute as a whole; all others can be computed from them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The versions of all tables that belong together.

    Attributes:
        lake: the lake of the tables.
        tables: version of each table, by its name.
        marts_key: digest of what the marts were computed with; empty if unknown.
        runs: version of the log of runs; None if there is no log yet.
        run: id of the run that left these versions; None if there was no run yet.
        logged_at: when the newest run started; empty if there was no run yet.
    """

    lake: Lake
    tables: Mapping[str, int] = field(default_factory=dict)
    marts_key: str = ""
    runs: int | None = None
    run: str | None = field(default=None, compare=False)
    logged_at: str = field(default="", compare=False)

    def read(self, spark: SparkSession, name: str) -> DataFrame:
        """Return a table as of this snapshot.

        Raises:
            TableMissing: it was not part of the lake.
        """
        return self.lake.read(spark, name, self._version_of(name))

    def dataset(self, name: str) -> pads.Dataset:
        """Return a table as of this snapshot as a dataset of pyarrow. Errors as for `read`."""
        return self.lake.dataset(name, self._version_of(name))

    def views(self) -> str:
        """Return SQL for DuckDB that creates a view of each table as of this snapshot. See `lake.views.views_of`."""
        from shipment_etl.lake.views import views_of

        return views_of(self)

    def _version_of(self, name: str) -> int:
        version = self.runs if name == RUNS.name else self.tables.get(name)
        if version is None:
            raise TableMissing(name, self.lake.uri, self.tables)
        return version


def snapshot_of(lake: Lake, run_id: str | None = None) -> Snapshot:
    """Return the snapshot that a run left; nothing is changed.

    Args:
        lake: the lake.
        run_id: id of the run, or the beginning of it; the newest run if None.

    Raises:
        LakeMissing: there is no lake.
        RunMissing: there is no such run, or it did not record which versions it left.
    """
    if not lake.exists():
        raise LakeMissing(lake.uri)
    if run_id is not None:
        run = find_run(lake, run_id)
        if run.after is None:
            raise RunMissing(run_id, lake.uri, "the release that made it did not record which versions it left")
        return Snapshot(lake, run.after, run.marts_key, lake.version(RUNS.name), run.run_id)
    last, runs = newest_run(lake), _version_of_log(lake)
    newest = last.run_id if last else None
    if last is None or last.after is None:
        # No run of this release: the newest versions are all that is known.
        return Snapshot(lake, {name: lake.version(name) for name in lake.tables() if name != RUNS.name}, "", runs, newest)
    return Snapshot(lake, last.after, last.marts_key, runs, newest)


def landed_versions(lake: Lake) -> dict[str, int]:
    """Return the version of each raw table that the next job will read, even if only other programs write it.

    Raises:
        LakeMissing: there is no lake.
    """
    counted = snapshot_of(lake)
    raw = [name for name in lake.tables() if name.startswith(RAW)]
    has_log = counted.runs is not None
    targets = {name: _target(lake, name, counted.tables.get(name), lake.version(name), has_log)[0] for name in raw}
    return {name: version for name, version in targets.items() if version is not None}


def recover(lake: Lake, run: str) -> Snapshot:
    """Bring all tables to the state in the newest row of the log, and return it; to be called by the holder of the lock.

    Versions that another program has committed, not one of our runs, are accepted as they are.

    Args:
        lake: the lake.
        run: id of the run that recovers, which the commits name.

    Raises:
        ChangedOutside: another program has changed rows on top of a run that was never logged.
        TableLost: a table is gone that the log has; without it, the figures would be of the next batches only.
    """
    if not lake.exists():
        return Snapshot(lake)
    last, runs = newest_run(lake), _version_of_log(lake)
    # Empty if the log is from a release that did not record versions; its commits do not name runs either.
    counted = (last.after if last else None) or {}
    tables, trusted = {}, bool(counted)
    for name in lake.tables():
        if name == RUNS.name:
            continue
        newest, since = lake.version(name), counted.get(name)
        if newest == since:
            tables[name] = newest
            continue
        target, foreign = _target(lake, name, since, newest, runs is not None)
        trusted = trusted and not (foreign and name not in NOT_IN_MARTS and not name.startswith(RAW))
        version = _bring_to(lake, name, target, newest, run)
        if version is not None:
            tables[name] = version
    for name in IRREPLACEABLE:
        if name in counted and name not in tables:
            raise TableLost(name, lake.uri)
    marts_key, logged_at = (last.marts_key if trusted else "", last.started_at) if last else ("", "")
    return Snapshot(lake, tables, marts_key, runs, logged_at=logged_at)


def _version_of_log(lake: Lake) -> int | None:
    return lake.version(RUNS.name) if lake.has(RUNS.name) else None


def _target(lake: Lake, name: str, since: int | None, newest: int, has_log: bool) -> tuple[int | None, bool]:
    """Return the version that a table should have, None if it should not exist; and whether others have changed rows."""
    if not has_log and name.startswith(LANDED):
        # The log was lost, perhaps with all of processed/, which can be recomputed; landed data cannot.
        return newest, False
    commits = _commits(lake, name, since, newest)
    dead = [version for version, commit in commits.items() if commit.run]
    foreign = [version for version, commit in commits.items() if commit.changes_rows and not commit.run]
    if not dead:
        return newest, bool(foreign)
    if not foreign or foreign[-1] < dead[0]:
        return (dead[0] - 1 if dead[0] > 0 else None), bool(foreign)
    there = {file.path for file in lake.files(name, newest)}
    for version in dead:
        if not there.isdisjoint(commits[version].added) or not there.issuperset(commits[version].removed):
            raise ChangedOutside(name, newest, dead[0] - 1)
    # Somebody has already restored the table.
    return newest, True


def undo(lake: Lake, name: str, since: int | None, run: str) -> int | None:
    """Roll back what a run has changed in a table since a version, None if it did not exist; return the version that counts.

    Commits of other programs stay; the next `recover` decides about them.

    Raises:
        ChangedOutside: as for `recover`.
    """
    if not lake.has(name):
        return since
    newest = lake.version(name)
    target, foreign = _target(lake, name, since, newest, has_log=True)
    version = _bring_to(lake, name, target, newest, run)
    return since if foreign or version == newest else version


def _bring_to(lake: Lake, name: str, target: int | None, newest: int, run: str) -> int | None:
    """Bring a table to the version from `_target`, and return its version now."""
    if target is None:
        lake.storage.delete(name)
        return None
    return newest if target == newest else restore(lake, name, target, run)


def restore(lake: Lake, name: str, version: int, run: str) -> int:
    """Restore an earlier version of a table as a new version, and return the number of the new one."""
    table = lake.delta(name)
    translate_errors(
        f"restoring {name}", lake.storage, lambda: table.restore(version, commit_properties=mark(run, lake.identity()))
    )
    return lake.version(name)


def empty(lake: Lake, name: str, run: str) -> int:
    """Remove all rows of a table in a new version, and return its number; earlier versions keep them."""
    table, properties = lake.delta(name), mark(run, lake.identity())
    translate_errors(f"emptying {name}", lake.storage, lambda: table.delete(commit_properties=properties))
    return lake.version(name)


def _commits(lake: Lake, name: str, since: int | None, until: int) -> dict[int, Commit]:
    """Return the commits after a version, up to another, as far back as the log reaches."""
    found: dict[int, Commit] = {}
    for version in range(until, -1 if since is None else since, -1):
        commit = read_commit(lake.storage, name, version)
        if commit is None:
            break
        if commit.lake not in (None, lake.identity()):
            # A table that was moved here from another lake: its log has that run, or had it.
            commit = replace(commit, run=None)
        found[version] = commit
    return dict(sorted(found.items()))
