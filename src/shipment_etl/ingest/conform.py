"""Conform: landed records become shipments; a value that cannot be read becomes a reason, never silently null."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl import life
from shipment_etl.contracts.columns import COLUMNS, LINEAGE, TYPES
from shipment_etl.contracts.reasons import REASONS_TYPE, RECORD, quote_value, reason
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import tidy_column
from shipment_etl.ingest.readings import CURRENCY, Reading, read_column, text_of, value_of
from shipment_etl.network import Network, Rate

__all__ = ["conform"]

MAX_DAYS_AHEAD = 1096
"""Days that a date may be after the batch: a later date has the wrong century or a typo."""
AMOUNT, RATE = "decimal(20,6)", "decimal(17,10)"
"""Types of the factors: together 38 digits, the most that an exact product may have."""


def conform(landed: DataFrame, mapping: SourceMapping, network: Network | None = None) -> DataFrame:
    """Give landed records the columns and types of the contract.

    Values are normalized: invisible characters are removed, and runs of white space become one blank. A value that is
    empty, a null word or matches a null pattern is null. Dates must match one of the column's patterns; the first that gives
    a valid date counts. Numbers are read to twelve decimals, multiplied by their unit and rounded half up; amounts in a
    foreign currency are multiplied by the rate of the shipment date. A record with a problem has no values: its fields
    cannot be told apart.

    Args:
        landed: source: string, batch_date: date, source_file: string, source_row: long, record: map<string, string>,
            problem: string.
        mapping: the mapping that the file was landed with.
        network: its currency rates are used; no rates if None.

    Columns:
        the columns of the contract, in its types; unknown delay_days, delivery_status and outcome are derived from each
            other and the dates.
        source, batch_date, source_file, source_row: as landed.
        original: map<string, string>, the record.
        unparsed: array<struct<rule, column, message>>, never null: record (its problem), number, whole_number, date,
            timestamp, far_date or currency.
    """
    rates = _rates(mapping, network)
    mapped = {name: column for name, column in mapping.columns.items() if column.has_source}
    readings = {name: read_column(name, column, mapping, rates or ()) for name, column in mapped.items()}
    texts = landed.select(
        *LINEAGE,
        F.col("record").alias("original"),
        "problem",
        *(text_of(name, column, mapping).alias(f"{name}_text") for name, column in mapped.items()),
        *(
            tidy_column(value_of("record", column.unit_column)).alias(f"{name}_unit_text")
            for name, column in mapped.items()
            if column.unit_column is not None
        ),
        _currency(mapping).alias(CURRENCY),
    )
    prepared = texts.withColumns(
        {f"{name}_{suffix}": value for name, each in readings.items() for suffix, value in each.prepared.items()}
    )
    seconds = {f"{name}_{suffix}": F.expr(sql) for name, each in readings.items() for suffix, sql in each.seconds.items()}
    prepared = prepared.withColumns(seconds) if seconds else prepared
    values = {name: F.expr(readings[name].value) if name in readings else F.lit(None) for name in COLUMNS}
    typed = prepared.withColumns({name: value.cast(TYPES[name]) for name, value in values.items()})
    found = typed.withColumn("unparsed", _reasons(readings, mapping, rates))
    if rates is not None:
        found = found.withColumn("shipping_cost", F.expr(_convert(mapping, rates)).cast(TYPES["shipping_cost"]))
    end = life.outcome()
    delay = life.delay_days(end)
    derived = {"delay_days": delay, "delivery_status": life.status(end, delay), "outcome": end}
    found = found.withColumns({name: _fill_unknown(name, value, mapping) for name, value in derived.items()})
    # Rows are packed and unpacked, so that Sail's planner does not push a caller's expressions into every step above.
    return found.select(F.inline(F.array(F.struct(*COLUMNS, *LINEAGE, "original", "unparsed"))))


def _fill_unknown(name: str, derived: Column, mapping: SourceMapping) -> Column:
    if name not in mapping.columns:
        return derived
    return F.when(F.col(f"{name}_text").isNull(), derived).otherwise(F.col(name))


def _currency(mapping: SourceMapping) -> Column:
    """Return the currency of each cost; null where the mapping has no column for it."""
    cost = mapping.columns.get("shipping_cost")
    if cost is None or cost.currency_column is None:
        return F.lit(None).cast("string")
    return F.upper(tidy_column(value_of("record", cost.currency_column)))


def _rates(mapping: SourceMapping, network: Network | None) -> dict[str, list[Rate]] | None:
    """Return the rates to the currency of costs, by currency, the newest first; None where there is nothing to convert."""
    cost = mapping.columns.get("shipping_cost")
    if cost is None or cost.currency_column is None:
        return None
    found: dict[str, list[Rate]] = {}
    for rate in sorted(network.rates if network else (), key=lambda each: each.day, reverse=True):
        if rate.to == cost.currency:
            found.setdefault(rate.currency, []).append(rate)
    return found


def _convert(mapping: SourceMapping, rates: Mapping[str, list[Rate]]) -> str:
    """Return SQL for costs in the declared currency; null where no rate is known."""
    home = mapping.columns["shipping_cost"].currency
    cases = [f"when '{home}' then shipping_cost"]
    for currency, every in rates.items():
        days = " ".join(
            f"when shipment_date >= date'{each.day}' then cast(shipping_cost as {AMOUNT}) * cast('{each.rate}' as {RATE})"
            for each in every
        )
        cases.append(f"when '{currency}' then case {days} end")
    return f"case {CURRENCY} {' '.join(cases)} end"


def _reasons(readings: dict[str, Reading], mapping: SourceMapping, rates: Mapping[str, list[Rate]] | None) -> Column:
    """Return every reason why a record could not be read, or an empty array."""
    failed = F.col("problem").isNotNull()
    found = [F.when(failed, reason(RECORD, RECORD, F.col("problem")))]
    for name, reading in readings.items():
        if reading.unread is not None:
            unread = F.col(f"{name}_text").isNotNull() & F.col(name).isNull()
            found.append(F.when(unread, reason(reading.rule, name, reading.unread)))
            failed = failed | unread
        if reading.rule == "date":
            far = F.coalesce(F.col(name) > F.date_add("batch_date", MAX_DAYS_AHEAD), F.lit(False))
            found.append(F.when(far, reason("far_date", name, _far_date_message(name))))
            failed = failed | far
    if rates is not None:
        without = F.col("shipping_cost").isNotNull() & F.expr(_convert(mapping, rates)).isNull()
        found.append(F.when(without, reason("currency", "shipping_cost", _no_rate_message(mapping))))
        failed = failed | without
    none = F.array().cast(REASONS_TYPE)
    # Explaining costs more than deciding, and few rows fail. No lambda: Sail cannot push a lambda down to a file scan.
    return F.when(failed, F.array_compact(F.array(*found))).otherwise(none)


def _far_date_message(name: str) -> Column:
    return F.concat(
        F.lit(f"{name}: '"),
        quote_value(F.col(f"{name}_text")),
        F.lit(f"' is more than three years after the batch; for two-digit years, set first_year of {name} in the mapping"),
    )


def _no_rate_message(mapping: SourceMapping) -> Column:
    cost = mapping.columns["shipping_cost"]
    return F.concat(
        F.lit("shipping_cost: the currency '"),
        quote_value(F.col(CURRENCY)),
        F.lit(
            f"' in column {cost.currency_column!r} is not {cost.currency}, and the network has no rate for it on that day"
        ),
    )
