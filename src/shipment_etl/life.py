"""The life of a shipment: its outcome, delay and status. This module is the only place that defines them.

A shipment is in transit until a report says how it ended: delivered, cancelled, returned or lost. Only a delivery can be
early or late, and only if it has a promised date. Delays are in days, and also in minutes if both times are known.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.thresholds import DELAYED_DAYS, LATE_DAYS

__all__ = [
    "CANCELLED",
    "DELIVERED",
    "ENDS",
    "IN_TRANSIT",
    "LOST",
    "OUTCOMES",
    "RETURNED",
    "STATUSES",
    "STATUS_IN_TRANSIT",
    "delay_class",
    "delay_days",
    "delay_minutes",
    "is_on_time",
    "outcome",
    "outcome_of_status",
    "state",
    "status",
    "status_of_delay",
    "transit_days",
]

DELIVERED, CANCELLED, RETURNED, LOST = "delivered", "cancelled", "returned", "lost"
OUTCOMES = (DELIVERED, CANCELLED, RETURNED, LOST)
"""How a shipment can end."""
IN_TRANSIT = "in_transit"
"""The state of a shipment that has not ended."""

MICROSECONDS_A_MINUTE = 60_000_000

ENDS = {"Delivered": DELIVERED, "Delayed": DELIVERED, "Cancelled": CANCELLED, "Returned": RETURNED, "Lost": LOST}
"""Status → the outcome that it implies."""
STATUS_IN_TRANSIT = "In transit"
STATUSES = (STATUS_IN_TRANSIT, *ENDS)
"""Possible values of delivery_status."""


def outcome() -> Column:
    """Return how a shipment ended, one of `OUTCOMES`, from all that its row says; null while it is in transit.

    Needs: outcome, delivery_status, delivery_date, each null where the source does not say.
    """
    return F.coalesce("outcome", outcome_of_status(), F.when(F.col("delivery_date").isNotNull(), DELIVERED))


def outcome_of_status() -> Column:
    """Return the outcome that delivery_status implies; null if it implies none."""
    reported = F.col("delivery_status")
    named = F.when(reported.isin(*(name for name, end in ENDS.items() if end == DELIVERED)), DELIVERED)
    for name in ("Cancelled", "Returned", "Lost"):
        named = named.when(reported == name, ENDS[name])
    return named


def state() -> Column:
    """Return the outcome of a clean shipment, or in_transit."""
    return F.coalesce("outcome", F.lit(IN_TRANSIT))


def delay_days(end: Column) -> Column:
    """Return the days from the promised date to the delivery; null if not delivered, or without a promised date."""
    days = F.unix_date("delivery_date") - F.unix_date("promised_date")
    return F.when(end == DELIVERED, F.coalesce("delay_days", days))


def delay_minutes(end: Column) -> Column:
    """Return the whole minutes from the promised time to the actual one, rounded down; null where one is unknown."""
    late = F.unix_micros("delivered_at") - F.unix_micros("promised_at")
    return F.when(end == DELIVERED, F.floor(late / MICROSECONDS_A_MINUTE).cast("long"))


def is_on_time(delay: Column, minutes: Column, tolerance: int | None) -> Column:
    """Return whether a delivery came on time, null where there is no delay.

    The minutes decide if they are known and there is a tolerance in minutes, otherwise the days.
    """
    by_day = delay < DELAYED_DAYS
    return by_day if tolerance is None else F.coalesce(minutes <= tolerance, by_day)


def transit_days(end: Column) -> Column:
    """Return the days from shipment to delivery; null if not delivered."""
    return F.when(end == DELIVERED, F.unix_date("delivery_date") - F.unix_date("shipment_date"))


def status_of_delay(delay: Column) -> Column:
    """Return the delivery_status of a delivery; Delivered where the delay is null."""
    return F.when(delay >= DELAYED_DAYS, "Delayed").otherwise("Delivered")


def status(end: Column, delay: Column) -> Column:
    """Return delivery_status, given outcome and delay; a delivery without a promised date is Delivered."""
    named = F.when(end == DELIVERED, status_of_delay(delay))
    for name in ("Cancelled", "Returned", "Lost"):
        named = named.when(end == ENDS[name], name)
    return named.otherwise(STATUS_IN_TRANSIT)


def delay_class(delay: Column) -> Column:
    """Return early, on_time, late_1 or late_2plus; null where the delay is null."""
    return (
        F.when(delay < 0, "early")
        .when(delay < DELAYED_DAYS, "on_time")
        .when(delay < LATE_DAYS, "late_1")
        .when(delay >= LATE_DAYS, "late_2plus")
    )
