"""The same work by hand in Polars: what `duckdb_pipeline.process` does, in lazy frames on the streaming engine."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
from polars import col, lit

from shipment_etl.network import Network

__all__ = ["checksum", "process"]

CONTENT = (
    *("shipment_id", "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3"),
    *("shipment_date", "promised_date", "delivery_date", "delay_days", "delivery_status", "route_distance_km"),
    "shipping_cost",
)
LINEAGE = ("batch_date", "source_file", "source_row")
KG_PER_M3 = pl.lit("166.667").cast(pl.Decimal(6, 3))
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
# Rule, column, what breaks it, message.
Rule = tuple[str, str, pl.Expr, pl.Expr]


def process(raw: str, network: Network, batch_date: date, place: Callable[[str], Path]) -> dict[str, int]:
    """Check, split and clean raw shipments; write each by its newest report, the overtaken ones, the quarantine, the roll-up
    and five marts.

    `place` returns the path for the file of a table. Returns how many rows were read, and how many were duplicates.
    """
    rows = pl.scan_parquet(raw).with_columns(batch_date=lit(batch_date))
    rules = _rules(network)
    broken = pl.any_horizontal(condition.fill_null(False) for _, _, condition, _ in rules)
    repeats = _repeats(rows, broken)
    sound = rows.filter(~broken).join(repeats.lazy(), on="source_row", how="anti")
    _derive(sound).sink_parquet(place("shipments"), compression="snappy")
    overtaken = rows.join(repeats.lazy().filter(col("next_row").is_not_null()), on="source_row")
    by = {"overtaken_by_batch": col("batch_date"), "overtaken_by_row": col("next_row")}
    _derive(overtaken, **by).sink_parquet(place("overtaken"), compression="snappy")
    _explain(rows.filter(broken), rules).sink_parquet(place("quarantine"), compression="snappy")
    lane_days = _lane_days(pl.scan_parquet(place("shipments"))).collect(engine="streaming")
    lane_days.write_parquet(place("lane_days"))
    for name, mart in _marts(lane_days.lazy(), network).items():
        mart.collect().write_parquet(place(name))
    return {"read": rows.select(pl.len()).collect().item(), "duplicates": repeats["next_row"].null_count()}


def _repeats(rows: pl.LazyFrame, broken: pl.Expr) -> pl.DataFrame:
    """Return reports that are not the newest, with the next newer one; a duplicate, with the same content as the one before
    it, has none. Candidates are found by hash.
    """
    hashed = col("shipment_id").hash()
    ids = rows.select(h=hashed).group_by("h").len().filter(col("len") > 1).select("h").collect(engine="streaming")
    alike = rows.with_columns(h=hashed).join(ids.lazy(), on="h", how="semi").filter(~broken).collect(engine="streaming")
    ordered = alike.sort("shipment_id", "source_row")
    # After sorting, the row before is the report before, if it has the same id.
    reports = ordered.with_columns(same=pl.all_horizontal(col(name).eq_missing(col(name).shift()) for name in CONTENT))
    next_row = col("source_row").shift(-1).over("shipment_id")
    overtaken = reports.filter(~col("same")).select("source_row", next_row=next_row).filter(col("next_row").is_not_null())
    duplicates = reports.filter("same").select("source_row", next_row=lit(None, overtaken.schema["next_row"]))
    return pl.concat([overtaken, duplicates])


def _derive(sound: pl.LazyFrame, **more: pl.Expr) -> pl.LazyFrame:
    delay, cost = col("delay_days"), col("shipping_cost").cast(pl.Float64)
    by_volume = (col("shipment_volume_m3").cast(pl.Decimal(18, 6)) * KG_PER_M3).cast(pl.Decimal(15, 3))
    return sound.select(
        *CONTENT,
        *LINEAGE,
        transit_days=_days("delivery_date", "shipment_date"),
        delay_class=pl.when(delay < 0)
        .then(lit("early"))
        .when(delay == 0)
        .then(lit("on_time"))
        .when(delay == 1)
        .then(lit("late_1"))
        .otherwise(lit("late_2plus")),
        chargeable_weight_kg=pl.max_horizontal(col("shipment_weight_kg").cast(pl.Decimal(15, 3)), by_volume),
        cost_per_kg=cost / col("shipment_weight_kg").cast(pl.Float64),
        cost_per_km=cost / col("route_distance_km").cast(pl.Float64),
        **more,
    )


def _explain(rejected: pl.LazyFrame, rules: list[Rule]) -> pl.LazyFrame:
    reasons = [pl.when(broken).then(_reason(rule, column, message)) for rule, column, broken, message in rules]
    return rejected.select(*LINEAGE, original=_original(), reasons=pl.concat_list(reasons).list.drop_nulls())


def _reason(rule: str, column: str, message: pl.Expr) -> pl.Expr:
    return pl.struct(rule=lit(rule), column=lit(column), message=message)


def _original() -> pl.Expr:
    return pl.struct(col(name).cast(pl.String) for name in CONTENT).struct.json_encode()


def _days(later: str, earlier: str) -> pl.Expr:
    return (col(later) - col(earlier)).dt.total_days().cast(pl.Int32)


def _rules(network: Network) -> list[Rule]:
    """Return the rules of the contract, in its order."""
    named = {
        "origin_warehouse": network.warehouses,
        "destination_city": network.cities,
        "carrier": network.carriers,
    }
    rules: list[Rule] = []

    def require(column: str) -> None:
        rules.append(("required", column, col(column).is_null(), lit(f"{column} is missing")))

    def forbid(rule: str, column: str, broken: pl.Expr, expected: str) -> None:
        message = pl.concat_str(lit(f"{column} is "), col(column).cast(pl.String), lit(f", {expected}"))
        rules.append((rule, column, broken, message))

    require("shipment_id")
    forbid("str_matches", "shipment_id", ~col("shipment_id").str.contains(r"^\S"), "must not be blank")
    for column, members in named.items():
        names = [each.name for each in members]
        require(column)
        forbid("isin", column, ~col(column).is_in(names), f"must be one of: {', '.join(names)}")
    for column in ("shipment_weight_kg", "shipment_volume_m3"):
        require(column)
        forbid("greater_than", column, col(column) <= 0, "must be above 0")
    for column in ("shipment_date", "promised_date", "delivery_date"):
        require(column)
        forbid("in_range", column, ~col(column).is_between(FIRST_DAY, LAST_DAY), "must be between 1990 and 2099")
    require("route_distance_km")
    forbid("greater_than", "route_distance_km", col("route_distance_km") <= 0, "must be above 0")
    forbid("less_than", "route_distance_km", col("route_distance_km") > 40075.017, "must be 40075.017 or less")
    require("shipping_cost")
    forbid("greater_than_or_equal_to", "shipping_cost", col("shipping_cost") < 0, "must be 0 or more")
    status, delay = col("delivery_status"), col("delay_days")
    for rule, column, broken in (
        ("status_known", "delivery_status", ~status.is_in(["Delivered", "Delayed"])),
        ("promised_after_shipped", "promised_date", col("promised_date") < col("shipment_date")),
        ("delivered_after_shipped", "delivery_date", col("delivery_date") < col("shipment_date")),
        ("delay_matches_dates", "delay_days", delay != _days("delivery_date", "promised_date")),
        ("status_matches_delay", "delivery_status", (status == "Delayed") != (delay > 0)),
    ):
        forbid(rule, column, broken, rule)
    return rules


def _lane_days(clean: pl.LazyFrame) -> pl.LazyFrame:
    weight, distance, cost = col("shipment_weight_kg"), col("route_distance_km"), col("shipping_cost")
    # Polars rounds products to the larger scale of the two.
    kg_km = weight.cast(pl.Decimal(38, 6)) * distance.cast(pl.Decimal(38, 6))
    keys = ("batch_date", "shipment_date", "origin_warehouse", "destination_city", "carrier", "delay_days")
    return clean.group_by(*keys).agg(
        shipments=pl.len(),
        transit_days=col("transit_days").sum(),
        weight_kg=weight.sum(),
        volume_m3=col("shipment_volume_m3").sum(),
        distance_km=distance.sum(),
        distance_shipments=distance.count(),
        distance_transit_days=col("transit_days").filter(distance.is_not_null()).sum(),
        cost=cost.sum(),
        cost_shipments=cost.count(),
        weighed_cost=cost.filter(weight.is_not_null()).sum(),
        priced_weight_kg=weight.filter(cost.is_not_null()).sum(),
        distance_cost=cost.filter(distance.is_not_null()).sum(),
        priced_distance_km=distance.filter(cost.is_not_null()).sum(),
        tonne_km_cost=cost.filter(kg_km.is_not_null()).sum(),
        priced_kg_km=kg_km.filter(cost.is_not_null()).sum(),
    )


def _marts(days: pl.LazyFrame, network: Network) -> dict[str, pl.LazyFrame]:
    n, delay = col("shipments"), col("delay_days")
    every = n.sum()
    on_time, late = n.filter(delay <= 0).sum(), n.filter(delay > 0).sum()
    ratios = {
        "avg_cost": _ratio("cost", "cost_shipments"),
        "cost_per_km": _ratio("distance_cost", "priced_distance_km"),
        "cost_per_kg": _ratio("weighed_cost", "priced_weight_kg"),
        "cost_per_tonne_km": _ratio("tonne_km_cost", "priced_kg_km") * 1000,
    }
    lane, month = ("origin_warehouse", "destination_city"), col("shipment_date").dt.strftime("%Y-%m")
    carriers = days.group_by("carrier").agg(
        shipments=every,
        on_time_shipments=on_time,
        on_time_pct=100 * on_time / every,
        late_2plus_pct=100 * n.filter(delay >= 2).sum() / every,
        avg_delay_days=(delay.clip(0) * n).sum() / every,
        avg_days_vs_promise=(delay * n).sum() / every,
        avg_transit_days=col("transit_days").sum() / every,
        **ratios,
    )
    costs = days.group_by(*lane, "carrier", month=month).agg(shipments=every, total_cost=col("cost").sum(), **ratios)
    share = 100 * col("total_cost").cast(pl.Float64) / col("total_cost").sum().over("month").cast(pl.Float64)
    trends = days.group_by("shipment_date", "destination_city").agg(
        shipments=every,
        delayed_shipments=late,
        delayed_pct=100 * late / every,
        avg_delay_days=(delay.clip(0) * n).sum() / every,
    )
    week = {"index_column": "shipment_date", "period": "7d", "group_by": "destination_city"}
    delayed_in_7d = (
        trends.sort("destination_city", "shipment_date")
        .rolling(**week)
        .agg(delayed_pct_7d=100 * col("delayed_shipments").sum() / col("shipments").sum())
    )
    demand = days.group_by("origin_warehouse", "shipment_date").agg(
        shipments=every,
        weight_kg=col("weight_kg").sum(),
        volume_m3=col("volume_m3").sum(),
        destinations=col("destination_city").n_unique(),
    )
    capacity = col("origin_warehouse").replace_strict(network.capacities, default=None, return_dtype=pl.Int64)
    return {
        "carrier_performance": carriers.join(_percentiles(days), on="carrier"),
        "route_efficiency": days.group_by(*lane).agg(
            shipments=every,
            avg_distance_km=_ratio("distance_km", "distance_shipments"),
            avg_transit_days=col("transit_days").sum() / every,
            km_per_day=_ratio("distance_km", "distance_transit_days"),
            on_time_pct=100 * on_time / every,
            **{name: ratios[name] for name in ("avg_cost", "cost_per_km", "cost_per_tonne_km")},
        ),
        "cost_analysis": costs.with_columns(cost_share_pct=share),
        "delay_trends": trends.join(delayed_in_7d, on=["shipment_date", "destination_city"]),
        "warehouse_demand": demand.with_columns(utilisation_pct=100 * n / capacity, congested=n > capacity),
    }


def _percentiles(days: pl.LazyFrame) -> pl.LazyFrame:
    """Return the percentiles of the delay of each carrier, by nearest rank."""
    delays = days.group_by("carrier", "delay_days").agg(col("shipments").sum()).sort("carrier", "delay_days")
    running, every = col("shipments").cum_sum().over("carrier"), col("shipments").sum().over("carrier")
    ranked = delays.with_columns(reached=100 * running / every)
    ranks = {f"p{rank}_delay_days": col("delay_days").filter(col("reached") >= rank).min() for rank in (50, 95)}
    return ranked.group_by("carrier").agg(**ranks)


def _ratio(part: str, whole: str) -> pl.Expr:
    return col(part).sum().cast(pl.Float64) / col(whole).sum().cast(pl.Float64)


def checksum(file: Path) -> tuple[int, str]:
    """Read a file back; return its number of rows and a checksum of their content."""
    hashes = pl.scan_parquet(file).select(h=pl.struct(pl.all()).hash())
    word = hashes.select(rows=pl.len(), xor=col("h").bitwise_xor(), low=(col("h") & 0xFFFFFFFF).sum())
    rows, xor, low = word.collect(engine="streaming").row(0)
    return rows, f"{xor or 0:x}-{low or 0:x}"
