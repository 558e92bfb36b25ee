"""Late: which shipments are later than others, and where most days are lost."""

from datetime import date
from typing import cast

import numpy as np
import pandas as pd

from shipment_etl.reporting.advice import Later, MostDelay
from shipment_etl.reporting.findings import Share
from shipment_etl.reporting.intervals import Interval, interval_of_difference
from shipment_etl.reporting.slices import (
    LANE,
    MIN_SHIPMENTS,
    PAIR,
    PART,
    SLICES,
    SUMMED,
    WEEKDAY,
    WEEKDAY_SLICES,
    is_in,
    limit_of,
    part_of,
    search,
    sum_by,
)

__all__ = ["MIN_BREADTH", "MIN_DAYS_LATE", "add_interval", "compare", "find_late", "find_most_delay"]

MIN_BREADTH = 0.6
"""Share of a slice's shipments that must be with carriers on lanes that are late; else the slice as a whole is not late."""

MIN_DAYS_LATE = 0.85
"""Share of a slice's dates on one day of the week that must be late; else that day of the week is not late."""


def find_late(days: pd.DataFrame, most: int) -> list[Later]:
    """Find what is later than others; each finding is removed before the next is searched.

    Args:
        days: rows of lane_days with outcomes.
        most: maximum number of findings.
    """
    dates = sum_by(days, [*PAIR, "shipment_date"])
    dates = dates.assign(**{WEEKDAY: pd.to_datetime(dates["shipment_date"]).dt.day_name()})
    by_weekday = WEEKDAY_SLICES if dates[WEEKDAY].nunique() > 1 else ()
    limit = limit_of(dates, (*SLICES, *by_weekday))

    def look(left: pd.DataFrame) -> pd.DataFrame:
        pairs, weekdays = sum_by(left, list(PAIR)), sum_by(left, list(PART))
        found = [compare(pairs, keys) for keys in SLICES] + [compare(weekdays, keys) for keys in by_weekday]
        slices = pd.concat(found, ignore_index=True)
        # With few late shipments, chance is skewed and reaches beyond the normal distribution (Cornish and Fisher, 1938).
        slices = add_interval(slices[slices["z"] >= limit + slices["skewness"].clip(lower=0) * (limit**2 - 1) / 6])
        return slices[[_is_late_each_week(left, part) for _, part in slices.iterrows()]]

    return [_to_later(part, dates[is_in(dates, part)]) for part in search(look, [dates], most)]


def _is_late_each_week(dates: pd.DataFrame, part: pd.Series) -> bool:
    """Whether a slice of one day of the week is late on most of its dates; true if it covers all days."""
    if part[WEEKDAY] is None:
        return True
    by_date = sum_by(dates[is_in(dates, part)], ["shipment_date"])
    late = by_date["late"] > by_date["shipments"] * (part["others_late"] / part["others"])
    return bool(late.mean() >= MIN_DAYS_LATE)


def compare(pairs: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Compare each slice of the shipments with others.

    A carrier is compared with others on the same lanes, a place or lane with the same carriers elsewhere, and a day of the
    week with the same carriers, from the same or to the same place, on other days.

    Columns: those of `PART`, None where the slice covers any value; the sums of its shipments; excess and excess_days, its
    late shipments and days of delay above those expected from the others; others, the shipments it is compared with, and
    others_late, the late ones; weights, for its interval; z, the excess in standard deviations; skewness.

    Source: the expectation is a direct standardisation; the test is that of Mantel and Haenszel (1959), with the variance of
    two proportions in each stratum. With one stratum it is the usual test of two proportions.
    """
    strata = _strata(keys)
    own_keys = list(dict.fromkeys((*keys, *strata)))
    own = sum_by(pairs, own_keys)
    compared = ["shipments", "late", "days_late"]
    others = own.groupby(strata)[compared].transform("sum") - own[compared]
    both = own.assign(
        others=others["shipments"],
        others_late=others["late"],
        others_days=others["days_late"],
        worse=_count_worse(pairs, own_keys, others["late"] / others["shipments"]),
    )
    both = both[both["others"] >= MIN_SHIPMENTS]
    pooled = (both["late"] + both["others_late"]) / (both["shipments"] + both["others"])
    share = both["shipments"] / both["others"]
    variance = pooled * (1 - pooled) * both["shipments"]
    both = both.assign(
        excess=both["late"] - share * both["others_late"],
        excess_days=both["days_late"] - share * both["others_days"],
        variance=variance * (1 + share),
        weights=share * both["shipments"],
        third_moment=variance * (1 - 2 * pooled) * (1 - share**2),
    )
    sums = [*SUMMED, "others", "others_late", "worse", "excess", "excess_days", "variance", "weights", "third_moment"]
    slices = both.groupby(list(keys), as_index=False)[sums].sum()
    is_broad = slices["worse"] >= MIN_BREADTH * slices["shipments"]
    slices = slices[(slices["shipments"] >= MIN_SHIPMENTS) & is_broad]
    # Where all are late, or none, there is no variance to test with.
    slices = slices[slices["variance"] > 0]
    z, skewness = slices["excess"] / slices["variance"] ** 0.5, slices["third_moment"] / slices["variance"] ** 1.5
    missing = {name: None for name in PART if name not in keys}
    return slices.assign(z=z, skewness=skewness, fixed=len(keys), **missing)


def add_interval(slices: pd.DataFrame) -> pd.DataFrame:
    """Add excess_low and excess_high, the interval of the excess of each slice.

    Source: the interval of two shares, where the standardised one has the effective sample size of L. Kish ("Survey
    Sampling", 1965).
    """
    shipments, late = slices["shipments"], slices["late"]
    low, high = interval_of_difference(
        late / shipments, shipments, (late - slices["excess"]) / shipments, shipments**2 / slices["weights"]
    )
    return slices.assign(excess_low=shipments * low, excess_high=shipments * high)


def _strata(keys: tuple[str, ...]) -> list[str]:
    """Return the columns whose values shipments must have in common to be compared."""
    if WEEKDAY in keys:
        return ["carrier", *(name for name in keys if name not in (WEEKDAY, "carrier"))]
    return list(LANE) if "carrier" in keys else ["carrier"]


def _count_worse(pairs: pd.DataFrame, keys: list[str], rates: pd.Series) -> pd.Series:
    """Return how many shipments of each group are with carriers on lanes whose late share exceeds the rate of the group.

    Args:
        pairs: sums per carrier and lane.
        keys: columns of the groups.
        rates: late share of each group, in the order of the groups.
    """
    group = pairs.groupby(keys).ngroup().to_numpy()
    is_worse = pairs["late"].to_numpy() > pairs["shipments"].to_numpy() * rates.to_numpy()[group]
    return pd.Series(np.bincount(group, np.where(is_worse, pairs["shipments"], 0), len(rates)), rates.index)


def _to_later(part: pd.Series, own_dates: pd.DataFrame) -> Later:
    own, excess = Share(int(part["late"]), int(part["shipments"])), float(part["excess"])
    late_cost = part["late_cost"] / part["late_priced"] if part["late_priced"] else None
    # With more than one stratum, the others have the same mix of strata.
    like_it = Share(round(own.part - excess), own.whole)
    plain = Share(int(part["others_late"]), int(part["others"]))
    return Later(
        **part_of(part),
        dates=() if part[WEEKDAY] is None else tuple(cast(list[date], sorted(own_dates["shipment_date"].unique()))),
        late=own,
        others=plain if abs(plain.pct - like_it.pct) < 0.05 else like_it,
        late_saved=excess,
        interval=Interval(float(part["excess_low"]), float(part["excess_high"])),
        days_saved=max(0.0, float(part["excess_days"])),
        # Credit notes can make it negative: then nothing was paid.
        cost_at_stake=None if late_cost is None or late_cost < 0 else excess * late_cost,
    )


def find_most_delay(pairs: pd.DataFrame) -> MostDelay:
    """Return the carrier and lane with the most days of delay."""
    row = pairs.sort_values(["days_late", "shipments"], ascending=False, kind="stable").to_dict("records")[0]
    return MostDelay(
        carrier=str(row["carrier"]),
        origin=str(row["origin_warehouse"]),
        city=str(row["destination_city"]),
        days=Share(int(row["days_late"]), int(pairs["days_late"].sum())),
        late_saved=float(row["late"]),
        days_saved=float(row["days_late"]),
        cost_at_stake=row["late_cost"] if row["late_priced"] and row["late_cost"] >= 0 else None,
    )
