"""Clean: each good shipment once, by its newest report, with derived columns."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl import life
from shipment_etl.contracts.columns import COLUMNS, IDENTITY, LINEAGE, with_optional
from shipment_etl.network import Network
from shipment_etl.transform.reports import order_reports, repeated_ids, suspects

__all__ = ["DERIVED", "clean", "derive", "with_derived"]

DERIVED = (
    *("transit_days", "delay_class", "chargeable_weight_kg", "cost_per_kg", "cost_per_km"),
    *("delay_minutes", "on_time"),
)
"""The columns that `clean` adds."""
END, DELAY, MINUTES = "told_outcome", "told_delay", "told_minutes"
"""Names of temporary columns."""
KG_PER_M3 = "166.667"
"""Minimum chargeable weight of a cubic metre. Source: IATA TACT Rules 3.9.4: 6,000 cm³ per kilogram."""


def clean(good: DataFrame, network: Network | None = None) -> DataFrame:
    """Return each good shipment once, by its newest report (`transform.reports`), with derived columns.

    Reports of the same moment are ordered by source_row; of reports with the same content, the first is kept.

    Args:
        good: shipments that break no rule of the contract.
        network: its tolerance decides what is on time; if None, the days do.

    Columns:
        as in the contract, and the lineage (source, batch_date, source_file, source_row) where it is given; then
        transit_days: int, days from shipment to delivery; null if not delivered.
        delay_class: string, early, on_time, late_1 or late_2plus, by delay_days; null where delay_days is null.
        chargeable_weight_kg: decimal(15,3), the weight, or 166.667 kg per cubic metre if that is more; null if unknown.
        cost_per_kg: double, cost / kg; null where a part is unknown.
        cost_per_km: double, cost / km; null where a part is unknown.
        delay_minutes: long, whole minutes from promised_at to delivered_at, rounded down; null where one is unknown.
        on_time: boolean, whether it came on time: by delay_minutes and the network's tolerance, if both are known, else by
            delay_days; null where there is no delay.
    """
    good = with_optional(good)
    return with_derived(good.join(_find_old_reports(good), IDENTITY, "left_anti"), network)


def _find_old_reports(good: DataFrame) -> DataFrame:
    """Return the row numbers of reports that were overtaken, or that say the same as the one before."""
    dated = good if "batch_date" in good.columns else good.withColumn("batch_date", F.lit(None).cast("date"))
    reports = suspects(dated.select(IDENTITY, *COLUMNS, "batch_date"), repeated_ids(good))
    newest = order_reports(reports).where(F.col("next_row").isNull())
    return reports.select(IDENTITY).join(newest.select(IDENTITY), IDENTITY, "left_anti")


def with_derived(good: DataFrame, network: Network | None = None) -> DataFrame:
    """Return good shipments that are already unique, with the columns of `clean`."""
    good = with_optional(good)
    lineage = [name for name in LINEAGE if name in good.columns]
    return derive(good, F.lit(True), network).select(*COLUMNS, *lineage, *DERIVED)


def derive(rows: DataFrame, accepted: Column, network: Network | None = None) -> DataFrame:
    """Return rows with `DERIVED`; delay, status and outcome are filled in where they are missing and the row is accepted."""
    # In steps, each using the one before: as one expression, the code that Spark generates is too long for Java to compile.
    ended = rows.withColumn(END, life.outcome())
    ended = ended.withColumns({DELAY: life.delay_days(F.col(END)), MINUTES: life.delay_minutes(F.col(END))})
    end, delay, minutes = F.col(END), F.col(DELAY), F.col(MINUTES)
    tolerance = network.on_time_tolerance_minutes if network else None
    by_time = {"delay_minutes": minutes, "on_time": life.is_on_time(delay, minutes, tolerance)}
    # A source may lack any of them: they can be derived from each other and from the dates.
    optional = {
        "delay_days": delay,
        "delivery_status": F.coalesce("delivery_status", life.status(end, delay)),
        "outcome": end,
    }
    filled = {name: F.when(accepted, value).otherwise(F.col(name)) for name, value in optional.items()}
    return ended.withColumns({**filled, **_derived_columns(end, delay), **by_time}).drop(END, DELAY, MINUTES)


def _derived_columns(end: Column, delay: Column) -> dict[str, Column]:
    # Single decimals of up to 14 digits become the same double on every engine, so they need no conversion by digits.
    cost, weight = F.col("shipping_cost").cast("double"), F.col("shipment_weight_kg").cast("double")
    distance = F.col("route_distance_km").cast("double")
    by_volume = F.expr(f"cast(shipment_volume_m3 * cast({KG_PER_M3} as decimal(6,3)) as decimal(15,3))")
    by_weight = F.col("shipment_weight_kg").cast("decimal(15,3)")
    return {
        "transit_days": life.transit_days(end),
        "delay_class": life.delay_class(delay),
        "chargeable_weight_kg": F.when(by_weight.isNotNull() & by_volume.isNotNull(), F.greatest(by_weight, by_volume)),
        # No valid shipment has a zero here, but rejected rows pass through as well, and ANSI mode fails on one.
        "cost_per_kg": F.when(weight != 0, cost / weight),
        "cost_per_km": F.when(distance != 0, cost / distance),
    }
