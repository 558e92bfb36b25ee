"""Series: marts reduced to what a page can show, in rows of plain values, with a note on what was left out.

Many days are grouped into weeks or months, and categories after the largest few are added up or left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from shipment_etl.reporting.periods import MIN_SHARE_OF_USUAL, usual_count

__all__ = ["Series", "cost_by_month", "delay_trend", "lane_grid", "warehouse_load"]

Row = dict[str, Any]

MAX_DAYS, MAX_WEEKS = 400, 280
MAX_DAYS_OF_LOAD = 92
MAX_CARRIERS = 7
MAX_MONTHS = 120
MAX_WAREHOUSES = 8
MAX_ORIGINS, MAX_CITIES = 20, 20
MAX_ROWS_TO_FILTER = 2_000
"""Maximum rows of a chart that a page contains for filtering."""
PLACES = ("origin_warehouse", "destination_city")
WINDOW = "7D"
OTHERS = "other carriers"


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of a chart; `grain` is day, week, month or year, `names` the categories in order, `note` a remark to show.

    `choices` are the columns by which rows can be filtered, each with its values.
    """

    rows: tuple[Row, ...]
    grain: str = "day"
    names: tuple[str, ...] = ()
    note: str = ""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def delay_trend(trends: pd.DataFrame) -> Series:
    """Return the share of delayed shipments by day and over the seven calendar days up to it, for all cities and for each.

    Args:
        trends: the mart delay_trends.

    Rows: destination_city, empty for all together, else one of the largest, as many as fit; day (first of the week or month
    if coarser), shipments (those with a delay), delayed, pct; by day also pct_7d, None where the seven days have less than a
    tenth of the usual shipments, as at either end of the data.
    """
    if trends.empty:
        return Series(())
    grain = _grain(trends["shipment_date"].unique(), MAX_DAYS, MAX_WEEKS)
    rows = _trend_rows("", trends, grain)
    note = _say_grain(grain)
    if any(row.get("pct_7d", 0) is None for row in rows):
        note = "The line is left out where a week has less than a tenth of the usual shipments."
    cities = []
    for city in _find_largest(trends, "destination_city", MAX_CITIES):
        own = _trend_rows(city, trends[trends["destination_city"] == city], grain)
        if len(rows) + len(own) > MAX_ROWS_TO_FILTER:
            break
        cities.append(city)
        rows += own
    return Series(tuple(rows), grain, note=note, choices={"destination_city": tuple(cities)})


def _trend_rows(city: str, trends: pd.DataFrame, grain: str) -> list[Row]:
    days = _index_by_day(trends.groupby("shipment_date")[["with_delay", "delayed_shipments"]].sum())
    if grain == "day":
        days[["s7", "d7"]] = days.rolling(WINDOW)[["with_delay", "delayed_shipments"]].sum()
        days.loc[days["s7"] < MIN_SHARE_OF_USUAL * usual_count(days["s7"]), "s7"] = 0
    else:
        days = days.resample(_rule(grain), label="left", closed="left").sum()
        days = days[days["with_delay"] > 0]
    return [
        {
            "destination_city": city,
            "day": stamp.date().isoformat(),
            "shipments": int(row["with_delay"]),
            "delayed": int(row["delayed_shipments"]),
            "pct": _pct(row["delayed_shipments"], row["with_delay"]) if row["with_delay"] else None,
            **({"pct_7d": _pct(row["d7"], row["s7"]) if row["s7"] else None} if grain == "day" else {}),
        }
        for stamp, row in zip(days.index, days.to_dict("records"), strict=True)
    ]


def warehouse_load(demand: pd.DataFrame) -> Series:
    """Return shipments per day of each warehouse, its capacity, and the days above capacity.

    Args:
        demand: the mart warehouse_demand.

    Rows: warehouse, day, shipments (mean per day with any), capacity or None, pct or None, days, congested (number of days
    above capacity; None if no capacity is known).
    """
    if demand.empty:
        return Series(())
    # The chart is for the fullest warehouses; if no capacity is known, for the largest.
    ranked = demand.assign(over=demand["congested"].eq(True))
    ranked = ranked.groupby("origin_warehouse").agg(over=("over", "sum"), shipments=("shipments", "sum"))
    names = [str(name) for name in ranked.sort_values(["over", "shipments"], ascending=False, kind="stable").index]
    shown, notes = names[:MAX_WAREHOUSES], []
    if len(names) > len(shown):
        notes.append(f"The {len(shown)} of {len(names)} warehouses with the most congested days, then the most shipments.")
    every = demand[demand["origin_warehouse"].isin(shown)]
    grain = _grain(every["shipment_date"], MAX_DAYS_OF_LOAD, MAX_WEEKS)
    rows: list[Row] = []
    for name in shown:
        own = every[every["origin_warehouse"] == name]
        utilisation = own["utilisation_pct"].astype(float)
        frame = pd.DataFrame(
            {
                "shipments": own["shipments"].astype(float).to_numpy(),
                "capacity": (100 * own["shipments"].astype(float) / utilisation).round().to_numpy(),
                "over": own["congested"].eq(True).astype(int).to_numpy(),
                "known": utilisation.notna().astype(int).to_numpy(),
            },
            index=pd.DatetimeIndex(pd.to_datetime(own["shipment_date"])),
        ).sort_index()
        parts = frame.resample(_rule(grain), label="left", closed="left") if grain != "day" else frame.groupby(level=0)
        for stamp, part in parts:
            if len(part):
                rows.append(_load_row(name, stamp, part))
    if grain != "day":
        notes.append(_say_grain(grain) + " Bars show the mean of the days.")
    return Series(tuple(rows), grain, tuple(shown), " ".join(notes), {"origin_warehouse": tuple(shown)})


def cost_by_month(costs: pd.DataFrame) -> Series:
    """Return cost by month and carrier, the largest carriers by name; also by lane, if that fits.

    Args:
        costs: the mart cost_analysis.

    Rows: month (YYYY-MM, or YYYY if there are many), carrier, cost, shipments; if rows by lane are not too many, also
    origin_warehouse and destination_city.
    """
    known = costs[costs["total_cost"].notna()]
    if known.empty:
        return Series(())
    known = known.assign(total_cost=known["total_cost"].astype(float))
    ranked = known.groupby("carrier")["total_cost"].sum().sort_values(ascending=False, kind="stable")
    shown, notes = [str(name) for name in ranked.index[:MAX_CARRIERS]], []
    names = list(shown)
    if len(ranked) > len(shown):
        known = known.assign(carrier=known["carrier"].where(known["carrier"].isin(shown), OTHERS))
        names.append(OTHERS)
        notes.append(f"The {len(shown)} of {len(ranked)} carriers with the highest costs by name; the rest are added up.")
    months, grain = sorted(known["month"].unique()), "month"
    if len(months) > MAX_MONTHS:
        known, grain = known.assign(month=known["month"].str[:4]), "year"
        notes.append(f"By year, because there are {len(months)} months.")
    if costs["total_cost"].isna().any():
        notes.append("Shipments without a known cost are left out.")
    keys = ["month", "carrier", *(name for name in PLACES if name in known)]
    if len(known[keys].drop_duplicates()) > MAX_ROWS_TO_FILTER:
        keys = ["month", "carrier"]
    sums = known.groupby(keys, as_index=False)[["total_cost", "shipments"]].sum()
    rows = tuple(
        {
            **{name: row[name] for name in keys},
            "cost": round(row["total_cost"], 2),
            "shipments": int(row["shipments"]),
        }
        for row in sums.to_dict("records")
    )
    places = {name: tuple(sorted(set(map(str, sums[name])))) for name in PLACES if name in keys}
    return Series(rows, grain, tuple(names), " ".join(notes), {"carrier": tuple(shown), **places})


def lane_grid(lanes: pd.DataFrame) -> Series:
    """Return volume, share on time and cost per tonne-kilometre by origin and destination.

    Args:
        lanes: the mart route_efficiency.

    Rows: origin, city, shipments; on_time_pct and cost_per_tonne_km, None if unknown. `names` are the cities; origins and
    cities are ordered by volume.
    """
    if lanes.empty:
        return Series(())
    origins, cities = (
        _find_largest(lanes, "origin_warehouse", MAX_ORIGINS),
        _find_largest(lanes, "destination_city", MAX_CITIES),
    )
    shown = lanes[lanes["origin_warehouse"].isin(origins) & lanes["destination_city"].isin(cities)]
    note = ""
    if len(shown) < len(lanes):
        part = _pct(shown["shipments"].sum(), lanes["shipments"].sum())
        note = (
            f"The largest {len(origins)} of {lanes['origin_warehouse'].nunique()} origins and {len(cities)} of "
            f"{lanes['destination_city'].nunique()} destinations: {part:.0f} % of the shipments."
        )
    place = {name: n for n, name in enumerate(origins)}
    rows = [
        {
            "origin": row["origin_warehouse"],
            "city": row["destination_city"],
            "shipments": int(row["shipments"]),
            "on_time_pct": _round(row["on_time_pct"], 3),
            "cost_per_tonne_km": _round(row["cost_per_tonne_km"], 5),
        }
        for row in shown.to_dict("records")
    ]
    rows.sort(key=lambda row: (place[row["origin"]], -row["shipments"], row["city"]))
    choices = {"origin_warehouse": tuple(origins), "destination_city": tuple(cities)}
    return Series(tuple(rows), names=tuple(cities), note=note, choices=choices)


def _find_largest(lanes: pd.DataFrame, column: str, most: int) -> list[str]:
    ranked = lanes.groupby(column)["shipments"].sum().sort_values(ascending=False, kind="stable")
    return [str(name) for name in ranked.index[:most]]


def _load_row(name: str, stamp: Any, part: pd.DataFrame) -> Row:
    capacity = part["capacity"].dropna()
    mean = float(part["shipments"].mean())
    held = float(capacity.iloc[-1]) if len(capacity) else None
    return {
        "warehouse": name,
        "day": stamp.date().isoformat(),
        "shipments": round(mean, 1),
        "capacity": held,
        "pct": _pct(mean, held) if held else None,
        "days": len(part),
        "congested": int(part["over"].sum()) if part["known"].any() else None,
    }


def _index_by_day(sums: pd.DataFrame) -> pd.DataFrame:
    index = pd.DatetimeIndex(pd.to_datetime(pd.Series(sums.index)))
    return pd.DataFrame(sums.to_numpy(dtype="int64"), index=index, columns=list(sums.columns)).sort_index()


def _grain(days: Iterable[Any], most_days: int, most_weeks: int) -> str:
    every = list(days)
    span = (max(every) - min(every)).days + 1
    return "day" if span <= most_days else "week" if span <= 7 * most_weeks else "month"


def _rule(grain: str) -> str:
    return {"day": "D", "week": "W-MON", "month": "MS"}[grain]


def _say_grain(grain: str) -> str:
    return "" if grain == "day" else f"By {grain}, because there are too many days to show."


def _pct(part: float, whole: float) -> float:
    return round(100 * float(part) / float(whole), 3) if whole else 0.0


def _round(value: Any, digits: int) -> float | None:
    return None if value is None or value != value else round(float(value), digits)
