"""The contract: what a shipment is, declared once as a pandera model, for pandera and for the compiler."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import wraps
from types import MappingProxyType
from typing import Any, Literal, get_args

import pyspark.sql.types as T
from pandera.pyspark import Check, DataFrameModel, DataFrameSchema, Field, dataframe_check
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.contracts.columns import MAY_BE_UNKNOWN
from shipment_etl.errors import InvalidValue
from shipment_etl.life import DELIVERED, OUTCOMES, STATUS_IN_TRANSIT, STATUSES, outcome, outcome_of_status
from shipment_etl.network import Carrier, City, Network, Warehouse
from shipment_etl.thresholds import DELAYED_DAYS

__all__ = ["ERROR", "WARN", "RowRule", "Severity", "Shipment", "contract", "row_rule"]

Severity = Literal["error", "warn"]
ERROR: Severity = "error"
WARN: Severity = "warn"

# Not just \S: Sail counts all white space of Unicode, Spark only that of ASCII.
NOT_BLANK = r"^[^\s\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
MICROSECONDS_PER_HOUR = 3_600_000_000
FIRST_ZONE_HOURS, LAST_ZONE_HOURS = 14, -12
"""Largest and smallest offset from UTC. Source: the IANA time zone database."""
EQUATOR_KM = Decimal("40075.017")
"""Circumference of the Earth: no route is longer. Source: WGS 84."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """An additional rule of a contract, about one or several columns of a row.

    Args:
        name: of the rule, as shown in reasons.
        column: where to look for the mistake.
        message: what is wrong, for the person who fixes it.
        holds: returns a Column that is true for a good row; null, where a value is unknown, passes.
        severity: `error` quarantines a row that breaks the rule, `warn` counts and accepts it.

    Raises:
        InvalidValue: the severity is neither.
    """

    name: str
    column: str
    message: str
    holds: Callable[[], Column]
    severity: Severity = ERROR

    def __post_init__(self) -> None:
        if self.severity not in get_args(Severity):
            raise InvalidValue("severity", self.severity, f"one of {', '.join(get_args(Severity))}")

    def check(self) -> Check:
        """Return the rule as a pandera check."""
        return Check(
            self.holds_in,
            name=self.name,
            error=self.message,
            statistics=self.statistics,
            raise_warning=self.severity == WARN,
        )

    @property
    def statistics(self) -> dict[str, Any]:
        """What the compiler reads from a check."""
        return {"column": self.column, "holds": self.holds}

    def holds_in(self, frame: DataFrame) -> bool:
        """Whether no row of a frame breaks the rule, as pandera requires."""
        return bool(frame.filter(~self.holds()).limit(1).count() == 0)


def row_rule(column: str, message: str, severity: Severity = ERROR) -> Callable[[Callable[[], Column]], Any]:
    """Declare a `RowRule` in a model: the decorated function is its `holds`, and its name is the rule's name."""

    def declare(holds: Callable[[], Column]) -> Any:
        rule = RowRule(holds.__name__, column, message, holds, severity)

        @wraps(holds)
        def check(cls: type, frame: DataFrame) -> bool:
            return rule.holds_in(frame)

        return dataframe_check(name=rule.name, error=message, statistics=rule.statistics, raise_warning=severity == WARN)(
            check
        )

    return declare


class Shipment(DataFrameModel):  # type: ignore[type-arg]  # a declaration does not need the parameter
    """One shipment, from its warehouse to its delivery.

    Columns:
        shipment_id: string, identifies one shipment within a batch.
        origin_warehouse: string, where it starts.
        destination_city: string, where it ends.
        carrier: string, who transports it.
        shipment_weight_kg: decimal(12,3), kilograms.
        shipment_volume_m3: decimal(12,3), cubic metres.
        shipment_date: date, the day it left.
        promised_date: date, the day it was promised for.
        delivery_date: date, the day it arrived; null if it has not arrived.
        delay_days: int, delivery − promise in days; early is negative.
        delivery_status: string, Delayed where delay_days is above 0, Delivered, In transit, Cancelled, Returned or Lost.
        route_distance_km: decimal(10,3), kilometres from warehouse to city.
        shipping_cost: decimal(14,2), currency.
        outcome: string, how it ended: delivered, cancelled, returned or lost; null while it is in transit.
        reported_at: timestamp, when the source reported this; null if it does not say.
        promised_at: timestamp, the time it was promised for; null if only the day is known.
        delivered_at: timestamp, the time it arrived; null if only the day is known.
    """

    shipment_id: T.StringType() = Field(str_matches=NOT_BLANK)  # type: ignore[valid-type]  # pandera's own way
    origin_warehouse: T.StringType() = Field(str_matches=NOT_BLANK)  # type: ignore[valid-type]
    destination_city: T.StringType() = Field(str_matches=NOT_BLANK)  # type: ignore[valid-type]
    carrier: T.StringType() = Field(str_matches=NOT_BLANK)  # type: ignore[valid-type]
    shipment_weight_kg: T.DecimalType(12, 3) = Field(gt=0)  # type: ignore[valid-type]
    shipment_volume_m3: T.DecimalType(12, 3) = Field(gt=0)  # type: ignore[valid-type]
    shipment_date: T.DateType() = Field(in_range={"min_value": FIRST_DAY, "max_value": LAST_DAY})  # type: ignore[valid-type]
    promised_date: T.DateType() = Field(in_range={"min_value": FIRST_DAY, "max_value": LAST_DAY})  # type: ignore[valid-type]
    # Without it a shipment is in transit.
    delivery_date: T.DateType() = Field(  # type: ignore[valid-type]
        in_range={"min_value": FIRST_DAY, "max_value": LAST_DAY}, nullable=True
    )
    # Both follow from the dates, so only the absence of the dates is reported.
    delay_days: T.IntegerType() = Field(nullable=True)  # type: ignore[valid-type]
    delivery_status: T.StringType() = Field(isin=list(STATUSES), nullable=True)  # type: ignore[valid-type]
    route_distance_km: T.DecimalType(10, 3) = Field(gt=0, le=EQUATOR_KM)  # type: ignore[valid-type]
    shipping_cost: T.DecimalType(14, 2) = Field(ge=0)  # type: ignore[valid-type]
    outcome: T.StringType() = Field(isin=list(OUTCOMES), nullable=True)  # type: ignore[valid-type]
    reported_at: T.TimestampType() = Field(nullable=True)  # type: ignore[valid-type]
    promised_at: T.TimestampType() = Field(nullable=True)  # type: ignore[valid-type]
    delivered_at: T.TimestampType() = Field(nullable=True)  # type: ignore[valid-type]

    @row_rule("promised_date", "promised before it was shipped")
    def promised_after_shipped() -> Column:
        return F.col("promised_date") >= F.col("shipment_date")

    @row_rule("delivery_date", "delivered before it was shipped")
    def delivered_after_shipped() -> Column:
        return F.col("delivery_date") >= F.col("shipment_date")

    @row_rule("delay_days", "delay_days is not delivery_date − promised_date")
    def delay_matches_dates() -> Column:
        return F.col("delay_days") == F.datediff(F.col("delivery_date"), F.col("promised_date"))

    @row_rule("delivery_status", "delivery_status does not match delay_days")
    def status_matches_delay() -> Column:
        status = F.col("delivery_status")
        return F.when(status.isin("Delivered", "Delayed"), (status == "Delayed") == (F.col("delay_days") >= DELAYED_DAYS))

    @row_rule("delivery_status", "delivery_status does not match outcome")
    def status_matches_outcome() -> Column:
        are_known = F.col("delivery_status").isNotNull() & F.col("outcome").isNotNull()
        return F.when(are_known, F.coalesce(outcome_of_status() == F.col("outcome"), F.lit(False)))

    @row_rule("delivery_date", "delivered on an unknown day")
    def required() -> Column:
        delivered = (outcome() == DELIVERED) | F.col("delay_days").isNotNull()
        return F.when(delivered, F.col("delivery_date").isNotNull())

    @row_rule("delivery_date", "in transit, but has a delivery date")
    def in_transit_has_no_date() -> Column:
        return F.when(F.col("delivery_status") == STATUS_IN_TRANSIT, F.col("delivery_date").isNull())

    # Both report the date column: a time as text depends on the zone of the session.
    @row_rule("promised_date", "promised_at is on another day")
    def promised_at_on_its_day() -> Column:
        return _is_on_day("promised_at", "promised_date")

    @row_rule("delivery_date", "delivered_at is on another day")
    def delivered_at_on_its_day() -> Column:
        return _is_on_day("delivered_at", "delivery_date")


def _is_on_day(instant: str, day: str) -> Column:
    """Return whether a point in time, if known, falls on a day in any time zone: only the mapping knows which one."""
    midnight, at = F.unix_date(day).cast("long") * 24 * MICROSECONDS_PER_HOUR, F.unix_micros(instant)
    first = midnight - FIRST_ZONE_HOURS * MICROSECONDS_PER_HOUR
    end = midnight + (24 - LAST_ZONE_HOURS) * MICROSECONDS_PER_HOUR
    return F.when(F.col(instant).isNotNull(), F.coalesce((at >= first) & (at < end), F.lit(False)))


def contract(
    network: Network | None = None,
    unknown: Iterable[str] = (),
    rules: Iterable[RowRule] = (),
    *,
    credit_notes: bool = False,
    fixes: Mapping[str, str] = MappingProxyType({}),
) -> DataFrameSchema:
    """Return the contract of a source, as a pandera schema.

    Args:
        network: the allowed names; of a kind without names, all are allowed. The default network if None.
        unknown: columns of `MAY_BE_UNKNOWN` that may be null, in addition to those that are unknown in the network.
        rules: additional rules for each row.
        credit_notes: whether a cost may be negative, as in credit notes.
        fixes: column → what to do about a value that breaks one of its checks, added to the end of the message.

    Raises:
        InvalidValue: `unknown` has a column that may not be null.
    """
    network = Network.default() if network is None else network
    schema = deepcopy(Shipment.to_schema())
    allowed: dict[str, tuple[Warehouse | City | Carrier, ...]] = {
        "origin_warehouse": network.warehouses,
        "destination_city": network.cities,
        "carrier": network.carriers,
    }
    for name, members in allowed.items():
        if members:
            schema.columns[name].checks = [Check.isin([member.name for member in members])]
    for name in (*network.unknown, *unknown):
        if name not in MAY_BE_UNKNOWN:
            raise InvalidValue("unknown", name, f"one of {', '.join(MAY_BE_UNKNOWN)}")
        schema.columns[name].nullable = True
    if credit_notes:
        schema.columns["shipping_cost"].checks = []
    for name, fix in fixes.items():
        for check in schema.columns[name].checks:
            check.description = fix
    schema.checks = [*schema.checks, *(rule.check() for rule in rules)]
    return schema
