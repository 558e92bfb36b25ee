"""Contents: what the sections of a page show, as plain values for its template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shipment_etl.lake.landed import LandedBatch
from shipment_etl.lake.runs import FAILED, GENERATE, HELD, Run, newest_of_batches, sum_by_name
from shipment_etl.reporting.findings import Figures, Share, clearly_differ
from shipment_etl.reporting.reading import Facts, Rejected
from shipment_etl.reporting.rounding import rounded_difference
from shipment_etl.reporting.wording import UNKNOWN, cut, number, percent, say_amount, say_target

__all__ = [
    "MAX_REASONS",
    "Tile",
    "count_warnings",
    "find_warnings",
    "group_batches",
    "open_rows",
    "reason_rows",
    "reasons_of",
    "run_rows",
    "samples",
    "tiles",
]

MAX_WARNINGS = 5
MAX_REASONS = 15
MAX_RUNS = 12
MAX_OPEN = 20
MAX_SAMPLES = 15
MAX_FIELDS = 40
MIN_CHANGE_PCT = 5.0
"""Change of an amount, in per cent, from which it is coloured as better or worse."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its name, value, change and target; `mood` is better, worse or even."""

    name: str
    value: str
    moved: str = ""
    mood: str = "even"
    target: str = ""


def tiles(now: Figures, before: Figures | None, target: float | None = None, currency: str | None = None) -> list[Tile]:
    """Return the figures of the period, each compared with the period before, and the share on time with a target."""
    was = before if before and before.shipments else None
    late_cost = now.late_cost if now.priced else None
    was_late_cost = was.late_cost if was and was.priced else None
    on_time, was_on_time = now.on_time_share, was.on_time_share if was and was.with_delay else None
    against = "" if target is None else say_target(on_time, target)
    unit = "" if currency is None else f", {currency}"
    was_late = was.late_share if was and was.with_delay else None
    return [
        Tile("Shipments", number(now.shipments), *_trend(now.shipments, was.shipments if was else None, None)),
        Tile("On time", _share(on_time), *_points(on_time, was_on_time, True), against),
        Tile("2+ days late", _share(now.late_share), *_points(now.late_share, was_late, False)),
        Tile("Days of delay", number(now.days_late), *_trend(now.days_late, was.days_late if was else None, False)),
        Tile(
            f"Cost per shipment{unit}", say_amount(now.avg_cost), *_trend(now.avg_cost, was.avg_cost if was else None, False)
        ),
        Tile(f"Paid for late freight{unit}", say_amount(late_cost), *_trend(late_cost, was_late_cost, False)),
    ]


def open_rows(facts: Facts) -> tuple[list[dict[str, Any]], dict[str, int], str]:
    """Return what is in transit by carrier and lane, most overdue first; the totals; and a note if some were left out.

    Columns: carrier, origin_warehouse, destination_city; in_transit, overdue, shipments; longest, the most days that one
    is overdue; None if none is.
    """
    if facts.open.empty:
        return [], {"in_transit": 0, "overdue": 0}, ""
    late = facts.open["days_overdue"].astype(float).fillna(0.0).astype("int64").clip(lower=0)
    shipments = facts.open["shipments"].astype("int64")
    rows = facts.open.assign(in_transit=shipments, overdue=shipments.where(late > 0, 0), longest=late)
    keys = ["carrier", "origin_warehouse", "destination_city"]
    lanes = rows.groupby(keys, as_index=False).agg({"in_transit": "sum", "overdue": "sum", "longest": "max"})
    ranked = lanes.sort_values(["overdue", "in_transit", *keys], ascending=[False, False, True, True, True], kind="stable")
    most = ranked.head(MAX_OPEN).to_dict("records")
    shown = [{**{str(name): value for name, value in row.items()}, "longest": row["longest"] or None} for row in most]
    note = "" if len(ranked) == len(shown) else f"The {len(shown)} of {len(ranked)} rows with the most overdue shipments."
    return shown, {name: int(rows[name].sum()) for name in ("in_transit", "overdue")}, note


def find_warnings(runs: Iterable[Run], waiting: Sequence[LandedBatch]) -> list[str]:
    """Return what a reader must know before any figure: batches that are held, are waiting, or have many rejected rows.

    Args:
        runs: the whole log, newest first.
        waiting: batches that are not processed yet.
    """
    found = []
    for run in newest_of_batches(runs):
        counts = run.counts
        share = Share(counts.quarantined, counts.read)
        rejected = f"{number(counts.quarantined)} of {number(counts.read)} rows were rejected ({percent(share.pct)})"
        batch = f"{run.source} {run.batch_date}"
        if run.status == HELD:
            # Held for another reason, such as tied reports, which the run has logged.
            why = f"{rejected}." if run.rejects_too_many or not run.error else run.error
            found.append(f"The batch {batch} is held: {why} The figures below do not include these rows.")
        elif counts.rejects_more_than(run.max_rejected / 2):
            found.append(f"In the batch {batch}, {rejected}: more than half of what is allowed.")
    left_out = len(found) - MAX_WARNINGS
    more = [f"{number(left_out)} older batches have such warnings too."] if left_out > 0 else []
    return [*_say_waiting(waiting), *found[:MAX_WARNINGS], *more]


def _say_waiting(waiting: Sequence[LandedBatch]) -> list[str]:
    if not waiting:
        return []
    first, last = waiting[0].batch_date, waiting[-1].batch_date
    dates = f"{first}" if first == last else f"{first} to {last}"
    what = "it" if len(waiting) == 1 else "them"
    batches = "1 landed batch is" if len(waiting) == 1 else f"{number(len(waiting))} landed batches are"
    return [f"{batches} waiting to be processed ({dates}). The figures below do not include {what}."]


def reason_rows(rejected: Mapping[str, int], examples: Iterable[Rejected]) -> list[dict[str, Any]]:
    """Return the reasons to show, each with its name, its rows, and the message of one of them.

    Args:
        rejected: rows by reason, the most frequent first.
        examples: rejected rows.
    """
    said = {name: message for row in examples for name, message in row.reasons}
    return [
        {"name": name, "rows": rows, "example": cut(said.get(name))} for name, rows in list(rejected.items())[:MAX_REASONS]
    ]


def reasons_of(batches: Iterable[Run]) -> dict[str, int]:
    """Add up rejected rows by reason, the most frequent first."""
    return sum_by_name(run.reasons for run in batches)


def count_warnings(batches: Iterable[Run]) -> dict[str, int]:
    """Add up accepted rows that break a rule of severity `warn`, by rule, the most frequent first."""
    return sum_by_name(run.warnings for run in batches)


def samples(rejected: Sequence[Rejected]) -> list[dict[str, Any]]:
    """Return the rejected rows to show, cut to what fits on a page."""
    return [
        {
            "where": f"{row.source} {row.batch_date}, {cut(row.file)} row {number(row.row)}",
            "reasons": [(name, cut(message)) for name, message in row.reasons],
            "original": [(cut(name), cut(value)) for name, value in list(row.original.items())[:MAX_FIELDS]],
            "left_out": max(0, len(row.original) - MAX_FIELDS),
        }
        for row in rejected[:MAX_SAMPLES]
    ]


def run_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the newest runs to show."""
    return [
        {
            "started": run.started_at[:19].replace("T", " "),
            "job": run.job,
            "source": run.source,
            "batch_date": run.batch_date.isoformat(),
            "status": run.status,
            "failed": run.status == FAILED,
            "counts": run.counts,
            "seconds": f"{run.total_seconds:.1f}",
            "engine": run.engine,
            "error": cut(run.error or ""),
        }
        for run in runs[:MAX_RUNS]
    ]


def group_batches(landed: Sequence[Run]) -> list[dict[str, str]]:
    """Group landed batches by source, job and settings."""
    alike: dict[tuple[str, ...], list[Run]] = {}
    for run in landed:
        alike.setdefault((run.source, run.job, *_settings(run.settings)), []).append(run)
    return [
        {
            "source": source,
            "made": "generated" if job == GENERATE else "ingested",
            "settings": ", ".join(settings) or UNKNOWN,
            "batches": _batches(runs),
            "rows": number(sum(run.counts.accepted for run in runs)),
        }
        for (source, job, *settings), runs in alike.items()
    ]


def _settings(settings: Mapping[str, Any]) -> list[str]:
    # Rows have their own column.
    return [cut(f"{name} {value}") for name, value in settings.items() if name != "rows"]


def _batches(runs: Sequence[Run]) -> str:
    first, last = min(run.batch_date for run in runs), max(run.batch_date for run in runs)
    return first.isoformat() if len(runs) == 1 else f"{number(len(runs))} from {first} to {last}"


def _trend(now: float | None, before: float | None, more_is_better: bool | None) -> tuple[str, str]:
    # Credit notes can bring a cost to 0 or below, where a percentage has no meaning.
    if before is None or before <= 0 or now is None:
        return "", "even"
    pct = 100 * (now - before) / before
    return _trend_of(pct, f"{number(abs(pct), 1)} %", more_is_better if abs(pct) >= MIN_CHANGE_PCT else None)


def _share(of: Share) -> str:
    return percent(of.pct) if of.whole else UNKNOWN


def _points(now: Share, before: Share | None, more_is_better: bool) -> tuple[str, str]:
    if before is None or not now.whole:
        return "", "even"
    points = float(rounded_difference(now.pct, before.pct))
    return _trend_of(points, f"{number(abs(points), 1)} points", more_is_better if clearly_differ(now, before) else None)


def _trend_of(grew: float, said: str, more_is_better: bool | None) -> tuple[str, str]:
    if abs(grew) < 0.05:
        return "unchanged", "even"
    mood = "even" if more_is_better is None else "better" if (grew > 0) is more_is_better else "worse"
    return f"{'▲' if grew > 0 else '▼'} {said}", mood
