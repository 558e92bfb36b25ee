"""Lives: shipments that are reported twice, when they leave and again when their outcome is known.

A shipment's number decides: in each thousand it is the first ones, by the shares of the scenario. So a batch finds the
earlier shipments that it reports on without generating the others.
"""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.errors import InvalidValue
from shipment_etl.life import CANCELLED, DELIVERED, LOST, RETURNED

__all__ = ["BLOCK", "CORRECTED", "LIVES", "MAX_REPORT_DAYS", "check_lives", "life_of", "report_days"]

BLOCK = 1000
"""Number of shipments that the shares of a scenario refer to."""
MAX_REPORT_DAYS = 21
"""Days after which a shipment is not reported again. One that arrives later is reported once, with its delivery."""
MAX_CORRECTION_DAYS = 14
MAX_CANCELLATION_DAYS = 3

CORRECTED = "corrected"
LIVES = (DELIVERED, CORRECTED, CANCELLED, RETURNED, LOST)
"""Why a shipment is reported twice. A corrected one has an estimated cost at first; others are in transit at first."""


def check_lives(lives: Mapping[str, int]) -> None:
    """Raise InvalidValue if the shares of a scenario name an unknown life, or add up to more than all shipments."""
    for name, share in lives.items():
        if name not in LIVES:
            raise InvalidValue("the lives of the scenario", name, f"one of {', '.join(LIVES)}")
        if share < 0:
            raise InvalidValue(f"the share of lives that are {name}", share, "0 or more")
    if sum(lives.values()) > BLOCK:
        raise InvalidValue("the sum of the lives of the scenario", sum(lives.values()), f"at most {BLOCK}")


def life_of(number: Column, lives: Mapping[str, int]) -> Column:
    """Return the life of the shipment with a number, one of `LIVES`; null where it is reported once."""
    place, named, end = number % BLOCK, F.lit(None).cast("string"), sum(lives.values())
    for name in reversed(LIVES):
        named = F.when(place < end, name).otherwise(named)
        end -= lives.get(name, 0)
    return named


def report_days(life: Column, delivered_days: Column, correction: Column, cancellation: Column) -> Column:
    """Return how many days after its first report a shipment is reported again; null where it is not.

    Needs: its life, the days until its delivery, and two draws, below MAX_CORRECTION_DAYS and MAX_CANCELLATION_DAYS.
    """
    arrives = F.when(delivered_days.between(1, MAX_REPORT_DAYS), delivered_days)
    return (
        F.when(life == CORRECTED, correction + 1)
        .when(life == CANCELLED, cancellation + 1)
        .when(life == LOST, MAX_REPORT_DAYS)
        .when(life.isin(DELIVERED, RETURNED), arrives)
    )
