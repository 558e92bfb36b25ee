"""Facts for pages without a lake: frames of lane_days and marts, built in pandas from plain numbers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

import pandas as pd

from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, TableVersion
from shipment_etl.lake.tables import LANE_DAYS
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.reading import Facts, Rejected
from shipment_etl.transform.marts import MARTS

DAY = date(2026, 11, 22)
STATES = {"delivered": 100, "in_transit": 8, "overdue": 3, "returned": 1, "lost": 1}


def lane_days(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows of lane_days; values that a row omits are those of one usual shipment."""
    usual = {
        "shipment_date": DAY,
        "origin_warehouse": "A",
        "destination_city": "B",
        "carrier": "C",
        "state": "delivered",
        "delay_days": 0,
        "shipments": 1,
    }
    made = []
    for given in rows:
        row = {**usual, **given}
        count = row["shipments"]
        cost = row.get("cost", 10.0 * count)
        known = 0 if cost is None else count
        on_time = 0 if row["delay_days"] is None or row["delay_days"] > 0 else count
        sums = {
            "on_time_shipments": on_time,
            "transit_days": 3 * count,
            "weight_kg": 5.0 * count,
            "cost": cost,
            "cost_shipments": known,
        }
        made.append({**sums, "weighed_cost": cost, **row})
    columns = list(LANE_DAYS.columns)
    return pd.DataFrame(made, columns=[*dict.fromkeys([*columns, *(made[0] if made else [])])])


def run(job: str = "process", day: date = DAY, status: str = SUCCEEDED, counts: RowCounts | None = None, **more: Any) -> Run:
    return Run(
        run_id="r",
        job=job,
        source="shipments",
        batch_date=day,
        status=status,
        started_at=f"{day}T00:00:00.000000+00:00",
        engine="sail",
        counts=counts
        or (RowCounts(0, 0) if status == FAILED else RowCounts(read=10, accepted=8, quarantined=1, duplicates=1)),
        tables={"processed/carrier_performance": TableVersion(3, "1-2-3")},
        versions={"shipment_etl": "0.1.0", "python": "3.11"},
        settings={"network": "abc"} if job == "process" else {"rows": 10, "seed": 7, "scenario": "baseline"},
        **more,
    )


def facts(
    days: int = 14,
    carriers: Sequence[str] = ("C1", "C2", "C3"),
    origins: Sequence[str] = ("W1", "W2"),
    cities: Sequence[str] = ("X", "Y", "Z"),
    known: bool = True,
    rejected: Sequence[Rejected] = (),
) -> Facts:
    """Facts of some days up to `DAY`; without costs, distances and capacities if these are not known."""
    every = [DAY - timedelta(days=n) for n in reversed(range(days))]
    now = Period(DAY - timedelta(days=6), DAY) if days >= 14 else Period(every[0], DAY)
    recent = lane_days(
        {
            "shipment_date": day,
            "origin_warehouse": origin,
            "destination_city": city,
            "carrier": carrier,
            "delay_days": delay,
            "shipments": 20 if delay == 0 else 2,
            **({} if known else {"cost": None, "weighed_cost": None, "weight_kg": None}),
        }
        for day, origin, city, carrier, delay in product(every[-14:], origins, cities, carriers, (0, 3))
    )
    months = sorted({f"{day:%Y-%m}" for day in every})
    ratio = 0.25 if known else None
    runs = tuple(run(job, day, reasons={"carrier:isin": 1}) for day in reversed(every) for job in ("process", "generate"))
    return Facts(
        uri="/lake",
        runs=runs,
        batches=tuple(each for each in runs if each.job == "process"),
        landed=tuple(each for each in runs if each.job == "generate"),
        waiting=(),
        shipments=sum(each.counts.accepted for each in runs if each.job == "process"),
        basis=runs[0],
        pinned=True,
        carriers=_frame(
            "carrier_performance",
            (
                {
                    **{"carrier": carrier, "shipments": 110, **STATES, "with_delay": 100, "on_time_shipments": 90},
                    **{"on_time_pct": 90.0, "late_2plus_pct": 5.0, "avg_delay_days": 0.2, "avg_days_vs_promise": -0.5},
                    **{"p50_delay_days": 0, "p95_delay_days": 2, "avg_transit_days": 3.0},
                    **{"avg_cost": ratio, "cost_per_kg": ratio, "cost_per_tonne_km": ratio},
                }
                for carrier in carriers
            ),
        ),
        lanes=_frame(
            "route_efficiency",
            (
                {
                    **{"origin_warehouse": origin, "destination_city": city, "shipments": 110, **STATES, "with_delay": 100},
                    **{"avg_distance_km": ratio, "avg_transit_days": 3.0, "km_per_day": ratio, "on_time_pct": 90.0},
                    **{"avg_cost": ratio, "cost_per_km": ratio, "cost_per_tonne_km": ratio},
                }
                for origin, city in product(origins, cities)
            ),
        ),
        costs=_frame(
            "cost_analysis",
            (
                {
                    **{"month": month, "carrier": carrier, "origin_warehouse": origin, "destination_city": city},
                    **{"shipments": 10, "total_cost": 99.5 if known else None, "avg_cost": ratio, "cost_per_km": ratio},
                    **{"cost_per_kg": ratio, "cost_per_tonne_km": ratio, "cost_share_pct": ratio},
                }
                for month, carrier, origin, city in product(months, carriers, origins, cities)
            ),
        ),
        trends=_frame(
            "delay_trends",
            (
                {
                    **{"shipment_date": day, "destination_city": city, "shipments": 110, "with_delay": 100},
                    **{"delayed_shipments": 10, "delayed_pct": 10.0, "avg_delay_days": 0.2, "delayed_pct_7d": 10.0},
                }
                for day, city in product(every, cities)
            ),
        ),
        demand=_frame(
            "warehouse_demand",
            (
                {
                    **{"origin_warehouse": origin, "shipment_date": day, "shipments": 100 + day.day},
                    **{"weight_kg": 1.0, "volume_m3": 1.0, "destinations": 3},
                    **{"utilisation_pct": 100.0 + day.day if known else None, "congested": True if known else None},
                }
                for origin, day in product(origins, every)
            ),
        ),
        open=_frame(
            "open_shipments",
            (
                {
                    **{"carrier": carrier, "origin_warehouse": origin, "destination_city": city},
                    **{"due_date": DAY - timedelta(days=late), "days_overdue": late},
                    **{"shipments": 2, "weight_kg": 1.0, "total_cost": 5.0},
                }
                for carrier, origin, city, late in product(carriers, origins, cities, (-1, 3))
            ),
        ),
        recent=recent,
        rejected=tuple(rejected),
        others={},
        now=now,
        before=now.shift_back() if days >= 14 else None,
    )


def _frame(mart: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a mart with all its columns; columns that are not in the rows are unknown."""
    return pd.DataFrame(list(rows), columns=list(MARTS[mart].columns))
