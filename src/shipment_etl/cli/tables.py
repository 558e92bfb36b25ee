"""Tables of a lake as commands print them, read without an engine."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from shlex import quote
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from shipment_etl.cli.rendering import describe_batches, print_csv, print_json_lines, print_table
from shipment_etl.cli.terminal import echo
from shipment_etl.errors import InvalidValue, LakeMissing
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import backlog
from shipment_etl.lake.runs import HELD, newest_of_batches, read_runs
from shipment_etl.lake.settled import SETTLED_BY, add_settled
from shipment_etl.lake.tables import QUARANTINE, RUNS, SHIPMENTS

if TYPE_CHECKING:
    from shipment_etl.jobs.maintain import Maintenance

__all__ = ["show_maintenance", "show_runs", "show_table"]

ID = "shipment_id"
ROWS_SHOWN = 20
SORTED_UP_TO = 200_000
"""Tables with more rows are shown unsorted."""


def show_table(
    lake: Lake,
    name: str,
    limit: int | None,
    style: str,
    *,
    newest: bool = False,
    shipment_id: str | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Print a table as table, csv, raw csv or json, as of the lake's snapshot or in its newest version.

    Args:
        lake: the lake.
        name: name of the table; `processed/` may be left out.
        limit: maximum number of rows.
        style: table, csv, raw csv or json.
        newest: whether to print the newest version.
        shipment_id: print only rows of this shipment; all if None.
        columns: columns to print; all if empty.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
        InvalidValue: the table has no shipment ids.
    """
    if "/" not in name and lake.has(f"processed/{name}"):
        name = f"processed/{name}"
    versions = {} if newest else lake.snapshot().tables
    names, rows, total = _rows(lake, name, versions.get(name), shipment_id)
    columns = columns or names
    if name == QUARANTINE.name:
        columns = [*columns, SETTLED_BY]
        few = islice(rows, limit or (ROWS_SHOWN if style == "table" else None))
        rows = iter(add_settled(lake, few, versions.get(SHIPMENTS.name)))
    if style in ("csv", "raw csv"):
        print_csv(columns, islice(rows, limit), raw=style == "raw csv")
    elif style == "json":
        print_json_lines(islice(rows, limit))
    else:
        shown = list(islice(rows, limit or ROWS_SHOWN))
        caption = "" if len(shown) == total else f"{len(shown):,} of {total:,} rows; --limit shows more"
        print_table(name, columns, shown, caption)
        if name == QUARANTINE.name:
            _print_held(lake)


def _print_held(lake: Lake) -> None:
    """Print which batches are held, and how to accept each anyway."""
    from shipment_etl.network import Network

    for run in newest_of_batches(read_runs(lake)):
        if run.status == HELD:
            counts = run.counts
            share = counts.quarantined / max(counts.read, 1)
            why = f"{counts.quarantined:,} of {counts.read:,} rows rejected ({share:.2%})"
            if run.error and not run.rejects_too_many:
                # Held for another reason, such as tied reports.
                why = run.error
            network = "" if run.network in ("", Network.default().digest) else " --network FILE.toml"
            echo(
                f"  held: {run.source} {run.batch_date}, {why}\n"
                f"    accept it anyway: shipment-etl process --lake {quote(lake.uri)} --source {run.source} "
                f"--date {run.batch_date}{network} --accept-rejected"
            )


def show_runs(lake: Lake, limit: int, as_json: bool) -> None:
    """Print the newest runs, and the batches that are waiting or held.

    Raises:
        LakeMissing: there is no lake.
    """
    if not lake.exists():
        raise LakeMissing(lake.uri)
    columns, rows, _ = _rows(lake, RUNS.name) if lake.has(RUNS.name) else ((), [], 0)
    newest = sorted(rows, key=lambda row: str(row["started_at"]), reverse=True)[:limit]
    if as_json:
        print_json_lines(json.loads(row["report"]) for row in newest)
        return
    if newest:
        shown = [name for name in columns if name not in ("run_id", "report")]
        print_table(RUNS.name, shown, ({**row, "started_at": row["started_at"][:19]} for row in newest))
    else:
        echo("no runs yet")
    left = backlog(lake)
    if left.waiting:
        echo(f"  {describe_batches(left.waiting, 'waiting')}")
        echo(f"    process them: shipment-etl process --lake {quote(lake.uri)}")
    if left.held:
        echo(f"  {describe_batches(left.held, 'held')}")
        echo(f"    see why: shipment-etl show quarantine --lake {quote(lake.uri)}")


def show_maintenance(done: "Maintenance") -> None:
    """Print what maintenance did to each table."""
    columns = ("table", "files_before", "files_after", "files_deleted", "bytes_before", "bytes_after", "bytes_deleted")
    rows = [
        (name, *(size.files for size in sizes), *(size.bytes for size in sizes))
        for name, sizes in ((name, (each.before, each.after, each.deleted)) for name, each in done.tables.items())
    ]
    caption = "before and after: newest version; deleted: files of older versions and of dead jobs"
    print_table("maintain", columns, [dict(zip(columns, row, strict=True)) for row in rows], caption)
    if done.staging:
        echo(f"  deleted staging of dead jobs: {', '.join(done.staging)}")


def _rows(
    lake: Lake, name: str, version: int | None = None, shipment_id: str | None = None
) -> tuple[list[str], Iterator[dict[str, Any]], int]:
    with explain_errors(lake, {name: version}):
        dataset, partitions = lake.dataset(name, version), lake.partitions(name)
    if shipment_id is not None:
        if ID not in dataset.schema.names:
            raise InvalidValue("--id", shipment_id, f"left out: {name} has no column {ID}")
        dataset = dataset.filter(pc.field(ID) == shipment_id)
    with explain_errors(lake, {name: version}):
        total = dataset.count_rows()
    # Delta keeps partition columns last, but readers expect them first.
    names = [*partitions, *(each for each in dataset.schema.names if each not in partitions)]
    if total <= SORTED_UP_TO:
        plain = [each.name for each in dataset.schema if not pa.types.is_nested(each.type)]
        plain = sorted(plain, key=names.index)
        with explain_errors(lake, {name: version}):
            rows = dataset.to_table().sort_by([(each, "ascending") for each in plain])
        return names, iter(rows.to_pylist()), total
    return names, _read_rows(lake, name, version, dataset), total


def _read_rows(lake: Lake, name: str, version: int | None, dataset: pads.Dataset) -> Iterator[dict[str, Any]]:
    with explain_errors(lake, {name: version}):
        for batch in dataset.to_batches():
            yield from batch.to_pylist()
