"""Reading: reads everything in a report from a lake, without starting an engine. The other modules of a report read nothing.

All tables are read in the versions that the newest logged run left, so that they match each other.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.errors import FileDamaged, LakeMissing, NothingToReport, VersionMissing
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import LandedBatch, find_backlog, landed_batches
from shipment_etl.lake.lane_sums import sum_net
from shipment_etl.lake.runs import LANDING, PROCESS, Run, currencies_of, newest_succeeded, read_runs, standing_runs
from shipment_etl.lake.tables import LANE_DAYS, NOT_MARTS, QUARANTINE, SHIPMENTS, mart_table
from shipment_etl.life import DELIVERED, IN_TRANSIT
from shipment_etl.reporting.periods import Period, find_periods
from shipment_etl.transform.marts import MARTS

__all__ = ["Facts", "Rejected", "read_facts"]

MAX_BATCHES_SAMPLED = 3
DAYS_IN_TRANSIT = timedelta(days=62)
"""How far back shipments are counted that are not due yet; those that take longer are not worth a longer read."""
MAX_ROWS_SAMPLED = 20_000
"""Rejected rows of a batch that are searched for samples."""

MART_TABLES = {name: mart_table(mart) for name, mart in MARTS.items()}
DELIVERED_COLUMNS = ("delivered", "with_delay")
NOT_DELIVERED_COLUMNS = ("in_transit", "overdue", "returned", "lost")
OWN = {*NOT_MARTS, *(table.name for table in MART_TABLES.values())}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A quarantined row: where it came from, its original values, and why it was rejected."""

    source: str
    batch_date: date
    file: str
    row: int
    original: Mapping[str, str | None]
    reasons: tuple[tuple[str, str], ...]
    """Name of each reason, such as carrier:isin, and its message."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report shows. Frames have the columns of their tables, with decimals as doubles.

    `runs` is the whole log, newest first; `batches` the newest succeeded run of `process` for each batch, and `landed` that
    of `generate` or `ingest`. `basis` is the run whose tables were read, None if none has succeeded; then the frames are
    empty. `shipments` is their number, `recent` lane_days of the two periods, over all batches; an overdue shipment has its
    delay so far there. `pinned` is false if the versions that the newest logged run left are gone and the newest were read.
    `others` are the marts that plugins added, by name.
    """

    uri: str
    runs: tuple[Run, ...]
    batches: tuple[Run, ...]
    landed: tuple[Run, ...]
    waiting: tuple[LandedBatch, ...]
    shipments: int
    basis: Run | None
    pinned: bool
    carriers: pd.DataFrame
    lanes: pd.DataFrame
    costs: pd.DataFrame
    trends: pd.DataFrame
    demand: pd.DataFrame
    open: pd.DataFrame
    recent: pd.DataFrame
    rejected: tuple[Rejected, ...]
    others: Mapping[str, pd.DataFrame]
    now: Period | None = None
    before: Period | None = None

    @property
    def on_time_target(self) -> float | None:
        """The target share of shipments on time, from the network of `basis`; None if it has none."""
        found = self.basis.settings.get("on_time_target") if self.basis else None
        return None if found is None else float(found)

    @property
    def currencies(self) -> frozenset[str | None]:
        """The currencies of the costs of all batches; None stands for batches without one."""
        return currencies_of(self.batches)

    @property
    def currency(self) -> str | None:
        """The currency of all costs; None if it is not known, or there are several."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None


def read_facts(lake: Lake) -> Facts:
    """Read what a report shows.

    Raises:
        LakeMissing: there is no lake.
        NothingToReport: it has no runs.
    """
    if not lake.exists():
        raise LakeMissing(lake.uri)
    runs = tuple(read_runs(lake))
    if not runs:
        raise NothingToReport(lake.uri)
    standing = standing_runs(runs)
    batches = newest_succeeded(run for run in standing if run.job == PROCESS)
    landed = newest_succeeded(run for run in standing if run.job in LANDING)
    basis = max(batches, key=lambda run: run.started_at, default=None)
    marts = {name: _empty_frame(table.columns) for name, table in MART_TABLES.items()}
    facts = Facts(
        uri=lake.uri,
        runs=runs,
        batches=batches,
        landed=landed,
        waiting=find_backlog(landed_batches(lake), runs).waiting,
        shipments=0,
        basis=basis,
        pinned=True,
        carriers=marts["carrier_performance"],
        lanes=marts["route_efficiency"],
        costs=marts["cost_analysis"],
        trends=marts["delay_trends"],
        demand=marts["warehouse_demand"],
        open=marts["open_shipments"],
        recent=_empty_frame(LANE_DAYS.columns),
        rejected=(),
        others={},
    )
    if basis is None:
        return facts
    # Of the same moment as the runs: another job may be logged meanwhile.
    pinned = lake.snapshot().tables if runs[0].after is None else runs[0].after
    try:
        with explain_errors(lake, pinned):
            return _read_tables(lake, facts, basis, pinned)
    except (VersionMissing, FileDamaged):
        # Another program has vacuumed the tables, or shortened their logs.
        with explain_errors(lake, dict.fromkeys(pinned)):
            return replace(_read_tables(lake, facts, basis, {}), pinned=False)


def _read_tables(lake: Lake, facts: Facts, basis: Run, versions: Mapping[str, int]) -> Facts:
    def read(name: str, where: pc.Expression | None = None) -> pd.DataFrame:
        return _to_frame(lake.dataset(name, versions.get(name)).to_table(filter=where))

    def read_mart(name: str) -> pd.DataFrame:
        table = MART_TABLES[name]
        return _complete(read(table.name), table.columns) if lake.has(table.name) else _empty_frame(table.columns)

    def read_days(first: date, last: date) -> pd.DataFrame:
        day = pc.field("shipment_date")
        # lane_days is partitioned by month, so files of other months are not opened.
        found = (pc.field("month") >= f"{first:%Y-%m}") & (day >= first) & (day <= last)
        rows = lake.dataset(LANE_DAYS.name, versions.get(LANE_DAYS.name)).to_table(filter=found)
        return _to_frame(sum_net(rows, "shipment_date"))

    trends = read_mart("delay_trends")
    by_day = trends.groupby("shipment_date")["shipments"].sum()
    now, before, recent = None, None, facts.recent
    if len(by_day):
        newest = max(by_day.index)
        days = read_days(newest - DAYS_IN_TRANSIT, newest)
        as_of = min(max(run.batch_date for run in facts.batches), _find_last_delivery(days, newest))
        pending = _count_pending(days, as_of)
        now, before = find_periods(dict(zip(by_day.index, map(int, by_day), strict=True)), pending)
        recent = _add_delay_so_far(read_days((before or now).first, now.last), as_of)
    return replace(
        facts,
        shipments=lake.dataset(SHIPMENTS.name, versions.get(SHIPMENTS.name)).count_rows(),
        carriers=read_mart("carrier_performance"),
        lanes=read_mart("route_efficiency"),
        costs=read_mart("cost_analysis"),
        trends=trends,
        demand=read_mart("warehouse_demand"),
        open=read_mart("open_shipments"),
        recent=recent,
        rejected=_read_rejected(lake, facts.batches, versions.get(QUARANTINE.name)),
        others={name.removeprefix("processed/"): read(name) for name in sorted(basis.tables) if name not in OWN},
        now=now,
        before=before,
    )


def _find_last_delivery(days: pd.DataFrame, newest: date) -> date:
    """Return about the newest delivery date, or the newest day if nothing is delivered.

    Later deliveries are not known: an export of last year can be landed today. Shipments of one row of lane_days mostly take
    the same time, so their mean is used.
    """
    delivered = days[days["state"] == DELIVERED]
    if delivered.empty:
        return newest
    took = pd.to_timedelta(delivered["transit_days"].astype(float) // delivered["shipments"], unit="D")
    return (pd.to_datetime(delivered["shipment_date"]) + took).max().date()


def _count_pending(days: pd.DataFrame, as_of: date) -> dict[date, int]:
    """Return how many shipments of each day are in transit, and not due before a day."""
    rows = days[_days_overdue(days, as_of) <= 0]
    counts = rows.groupby("shipment_date")["shipments"].sum()
    return dict(zip(counts.index, map(int, counts), strict=True))


def _add_delay_so_far(days: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Give overdue shipments the delay that they have so far: they are late, whenever they come."""
    overdue = _days_overdue(days, as_of)
    return days.assign(delay_days=days["delay_days"].where(~(overdue > 0), overdue))


def _days_overdue(days: pd.DataFrame, as_of: date) -> pd.Series:
    """Return by how many days what is in transit is overdue on a day; null for what is not, or has no promise."""
    due = pd.to_datetime(days["due_date"].where(days["state"] == IN_TRANSIT))
    return (pd.Timestamp(as_of) - due).dt.days


def _read_rejected(lake: Lake, batches: Iterable[Run], version: int | None) -> tuple[Rejected, ...]:
    """Return a rejected row for every reason, from the newest batches with rejected rows."""
    taken: list[Rejected] = []
    seen: set[str] = set()
    newest = sorted(batches, key=lambda run: run.batch_date, reverse=True)
    for run in [run for run in newest if run.counts.quarantined][:MAX_BATCHES_SAMPLED]:
        batch = (pc.field("source") == run.source) & (pc.field("batch_date") == run.batch_date)
        rows = lake.dataset(QUARANTINE.name, version).head(MAX_ROWS_SAMPLED, filter=batch)
        names = [[f"{each['column']}:{each['rule']}" for each in reasons or ()] for reasons in rows["reasons"].to_pylist()]
        for place, reasons in enumerate(names):
            if not seen.issuperset(reasons):
                seen.update(reasons)
                taken.append(_sample(rows.slice(place, 1).to_pylist()[0]))
    return tuple(taken)


def _sample(row: Mapping[str, Any]) -> Rejected:
    return Rejected(
        source=str(row["source"]),
        batch_date=row["batch_date"],
        file=str(row["source_file"] or ""),
        row=int(row["source_row"] or 0),
        original=_parse_record(row["original"]),
        reasons=tuple((f"{each['column']}:{each['rule']}", str(each["message"] or "")) for each in row["reasons"]),
    )


def _parse_record(text: str | None) -> dict[str, str | None]:
    try:
        record = json.loads(text or "{}")
    except ValueError:
        record = {"record": text}
    return {str(name): None if value is None else str(value) for name, value in record.items()}


def _to_frame(table: pa.Table) -> pd.DataFrame:
    """Convert a table to a frame with decimals as doubles, sorted by its text and date columns so that pages are stable."""
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float64()))
    keys = [field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_date(field.type)]
    frame: pd.DataFrame = table.to_pandas(date_as_object=True)
    return frame.sort_values(keys, ignore_index=True) if keys else frame


def _complete(mart: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Add the columns that earlier releases did not write; there, every shipment counts as delivered."""
    known = dict.fromkeys(DELIVERED_COLUMNS, mart["shipments"]) | dict.fromkeys(NOT_DELIVERED_COLUMNS, 0)
    return mart.assign(**{name: known.get(name) for name in columns if name not in mart})


def _empty_frame(columns: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in columns})
