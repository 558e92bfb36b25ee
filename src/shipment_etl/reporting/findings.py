"""Findings: what changed, where to act first, and where it jams; numbers only, words are made elsewhere.

All are computed from sums of `lane_days` and `warehouse_demand`. A difference counts only where chance is a poor explanation
of it.
"""

from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import NormalDist
from typing import cast

import pandas as pd

from shipment_etl.reporting.periods import Period
from shipment_etl.thresholds import DELAYED_DAYS, LATE_DAYS

__all__ = [
    "Action",
    "Change",
    "Figures",
    "Load",
    "Share",
    "actions",
    "change",
    "clearly_differ",
    "figures",
    "load",
    "within",
]

CONFIDENCE = 0.95
FALSE_ALARM = 0.01
"""Chance that a page names a carrier or lane although all are alike, over all that are looked at."""

FEWEST = 30
"""Shipments below which neither a carrier on a lane nor what it is held against is judged."""

SUMMED = (
    *("shipments", "transit_days", "late", "days_late"),
    *("cost", "cost_shipments", "late_cost", "late_priced", "weighed_cost", "weight_kg"),
)

LANE = ("origin_warehouse", "destination_city")
PAIR = ("carrier", *LANE)
SLICES = (
    *(("carrier",), ("origin_warehouse",), ("destination_city",)),
    *(("carrier", "origin_warehouse"), ("carrier", "destination_city"), LANE, PAIR),
)
"""Parts of the shipments that can be later than others, by what they have in common."""

MOST_OF_IT = 0.6
"""Share of a slice's excess that a smaller one within it must have to be named in its place."""

SLOWER_DAYS = 0.1
"""Days in transit that a cheaper carrier may take more in the mean, to be held against a dearer one."""

ALIKE_WEIGHT = 0.15
"""Carriers are compared by cost only where their mean weights on the lane differ by no more than this share."""

LATE_ALIKE = 0.10
"""Share two or more days late above which time is what a network loses first, even if all carriers are late alike.

Source: 6 to 9 % late is usual for parcel and less-than-truck-load freight, by ShipMatrix and carriers' own figures.
"""

WORTH_SAYING = 0.05
"""Share of its cost that a shipment must be able to save."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def pct(self) -> float:
        """Per cent; 0 of nothing is 0."""
        return 100 * self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a period amounts to.

    Delays are those of the shipments `with_delay`, which are delivered and had a promise. `days_late` is over all late
    shipments; `cost` over the `priced` shipments, those that know their cost; `late_cost` is that of shipments two or more
    days late.
    """

    shipments: int
    with_delay: int
    on_time: int
    late: int
    days_late: int
    priced: int
    cost: float
    late_cost: float

    @property
    def late_share(self) -> Share:
        """Shipments two or more days late."""
        return Share(self.late, self.with_delay)

    @property
    def avg_cost(self) -> float | None:
        """Cost a shipment; None where no cost is known."""
        return self.cost / self.priced if self.priced else None


@dataclass(frozen=True, slots=True)
class Change:
    """The share of shipments two or more days late, now and before; `clear` if chance is a poor explanation."""

    now: Share
    before: Share | None
    clear: bool

    @property
    def points(self) -> float:
        """Percentage points that the share grew by."""
        return self.now.pct - self.before.pct if self.before else 0.0


@dataclass(frozen=True, slots=True)
class Action:
    """Shipments that lose more than what they are held against, and what putting that right would save.

    `carrier`, `origin` and `city` say which shipments these are; None is any. `kind` is one of
        late: later than others. Those of a carrier are held against the other carriers on the same lanes; those of a
            place or a lane, against the same carriers elsewhere;
        cost: dearer than `rival`, whose shipments there weigh the same, travel as fast and come no later;
        largest: no later than others beyond chance, but where most days are lost.
    `late` and `others` are shares two or more days late; of largest, `others` is its share in all days of delay. What is
    saved is for the period. `cost_at_stake` is the freight paid for the late shipments that would be saved, of cost what
    moving to the rival would save.
    """

    kind: str
    carrier: str | None
    origin: str | None
    city: str | None
    late: Share
    others: Share
    late_saved: float = 0.0
    days_saved: float = 0.0
    cost_at_stake: float | None = None
    avg_cost: float | None = None
    rival: str | None = None
    rival_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Warehouse-days over capacity, among those whose capacity is known; and the fullest warehouse."""

    over: Share
    over_before: Share | None
    worst: str | None
    worst_over: int
    peak_pct: float
    peak_day: date | None


def within(frame: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return the rows of a period, by shipment_date."""
    return frame[(frame["shipment_date"] >= period.first) & (frame["shipment_date"] <= period.last)]


def figures(days: pd.DataFrame) -> Figures:
    """Sum rows of lane_days."""
    by_delay = _with_outcomes(days)
    return Figures(
        shipments=int(by_delay["shipments"].sum()),
        with_delay=int(by_delay["with_delay"].sum()),
        on_time=int(by_delay["on_time"].sum()),
        late=int(by_delay["late"].sum()),
        days_late=int(by_delay["days_late"].sum()),
        priced=int(by_delay["cost_shipments"].sum()),
        cost=float(by_delay["cost"].sum()),
        late_cost=float(by_delay["late_cost"].sum()),
    )


def change(now: Figures, before: Figures | None) -> Change:
    """Hold the share two or more days late against that of the period before."""
    if before is None or not before.with_delay:
        return Change(now.late_share, None, False)
    return Change(now.late_share, before.late_share, clearly_differ(now.late_share, before.late_share))


def clearly_differ(one: Share, other: Share) -> bool:
    """Whether chance is a poor explanation of the difference: a two-sided test of two proportions at 95 %."""
    return abs(_z(one, other)) >= NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def actions(days: pd.DataFrame, most: int = 5) -> list[Action]:
    """Say where to act, the first first: what comes later than others, by the late shipments to save; then dear carriers.

    Args:
        days: rows of lane_days of one period; those without a delay do not count.
        most: how many at most.
    """
    days = days[days["delay_days"].notna()]
    if days.empty:
        return []
    pairs = _summed(_with_outcomes(days), list(PAIR))
    found = _find_late(pairs, most)
    if not found and figures(days).late_share.pct >= 100 * LATE_ALIKE:
        found = [_largest(pairs)]
    found = [*found, *_dear_carriers(pairs)][:most]
    return found or [_largest(pairs)]


def load(demand: pd.DataFrame, now: Period, before: Period | None) -> Load | None:
    """Count warehouse-days over capacity; None where no capacity is known."""
    known = demand[demand["utilisation_pct"].notna()]
    rows = within(known, now)
    if rows.empty:
        return None
    over = rows["congested"].astype(bool)
    by_warehouse = rows[over].groupby("origin_warehouse").size().sort_values(ascending=False, kind="stable")
    worst = str(by_warehouse.index[0]) if len(by_warehouse) else None
    fullest = rows if worst is None else rows[rows["origin_warehouse"] == worst]
    peak = fullest.loc[fullest["utilisation_pct"].astype(float).idxmax()]
    earlier = within(known, before) if before else None
    return Load(
        over=Share(int(over.sum()), len(rows)),
        over_before=None if earlier is None else Share(int(earlier["congested"].astype(bool).sum()), len(earlier)),
        worst=str(peak["origin_warehouse"]),
        worst_over=int(by_warehouse.iloc[0]) if worst else 0,
        peak_pct=float(peak["utilisation_pct"]),
        peak_day=cast(date, peak["shipment_date"]),
    )


def _find_late(pairs: pd.DataFrame, most: int) -> list[Action]:
    """Find what is later than others, the largest first; what was found is left out before the next one is looked for."""
    limit = _limit(sum(len(pairs.drop_duplicates(list(keys))) for keys in SLICES))
    found = list[Action]()
    while len(found) < most:
        slices = pd.concat([_compared(pairs, keys) for keys in SLICES], ignore_index=True)
        # Few late shipments are skewed, so that chance reaches farther than the normal law says (Cornish and Fisher, 1938).
        late = slices[slices["z"] >= limit + slices["skewness"].clip(lower=0) * (limit**2 - 1) / 6]
        if late.empty:
            break
        worst = _narrow(late.sort_values("excess", ascending=False, kind="stable"))
        found.append(_late_action(worst))
        pairs = pairs[~_is_in(pairs, worst)]
    return found


def _compared(pairs: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Hold each slice of the shipments against the others: those of a carrier on the same lanes, or of the same carriers.

    Columns: those of `PAIR`, None where the slice is any; the sums of its shipments; excess and excess_days, its late
    shipments and days of delay beyond those of the others; others, shipments it is held against, others_late, late ones; z,
    its excess in standard deviations of chance; skewness of chance.

    Source: the expectation is a direct standardisation, the test that of Mantel and Haenszel (1959), with the variance of
    two proportions in each stratum; with one stratum it is the usual test of two proportions.
    """
    strata = list(LANE) if "carrier" in keys else ["carrier"]
    own = _summed(pairs, list(dict.fromkeys((*keys, *strata))))
    every = _summed(pairs, strata)
    both = own.merge(every, on=strata, suffixes=("", "_all"))
    rest = {name: both[f"{name}_all"] - both[name] for name in ("shipments", "late", "days_late")}
    both = both.assign(others=rest["shipments"], others_late=rest["late"], others_days=rest["days_late"])
    both = both[both["others"] >= FEWEST]
    pooled = (both["late"] + both["others_late"]) / (both["shipments"] + both["others"])
    share = both["shipments"] / both["others"]
    variance = pooled * (1 - pooled) * both["shipments"]
    both = both.assign(
        excess=both["late"] - share * both["others_late"],
        excess_days=both["days_late"] - share * both["others_days"],
        variance=variance * (1 + share),
        third_moment=variance * (1 - 2 * pooled) * (1 - share**2),
    )
    sums = [*SUMMED, "others", "others_late", "excess", "excess_days", "variance", "third_moment"]
    slices = both.groupby(list(keys), as_index=False)[sums].sum()
    slices = slices[slices["shipments"] >= FEWEST]
    # Where all are late, or none is, there is nothing to tell apart.
    slices = slices[slices["variance"] > 0]
    z, skewness = slices["excess"] / slices["variance"] ** 0.5, slices["third_moment"] / slices["variance"] ** 1.5
    missing = {name: None for name in PAIR if name not in keys}
    return slices.assign(z=z, skewness=skewness, fixed=len(keys), **missing)


def _narrow(late: pd.DataFrame) -> pd.Series:
    """Return the smallest slice within the largest one that has most of its excess: that is where the trouble is."""
    worst = late.iloc[0]
    while True:
        within_it = late[(late["fixed"] > worst["fixed"]) & (late["excess"] >= MOST_OF_IT * worst["excess"])]
        within_it = within_it[_is_in(within_it, worst)]
        if within_it.empty:
            return worst
        worst = within_it.iloc[0]


def _is_in(rows: pd.DataFrame, part: pd.Series) -> pd.Series:
    """Whether each row is in a slice."""
    inside = pd.Series(True, index=rows.index)
    for name in PAIR:
        if part[name] is not None:
            inside &= rows[name] == part[name]
    return inside


def _late_action(part: pd.Series) -> Action:
    own, excess = Share(int(part["late"]), int(part["shipments"])), float(part["excess"])
    late_cost = part["late_cost"] / part["late_priced"] if part["late_priced"] else None
    # In more than one stratum the others are those of a mix like its own.
    like_it = Share(round(own.part - excess), own.whole)
    plain = Share(int(part["others_late"]), int(part["others"]))
    return Action(
        "late",
        part["carrier"],
        part["origin_warehouse"],
        part["destination_city"],
        own,
        plain if abs(plain.pct - like_it.pct) < 0.05 else like_it,
        late_saved=excess,
        days_saved=max(0.0, float(part["excess_days"])),
        cost_at_stake=None if late_cost is None else excess * late_cost,
        avg_cost=part["cost"] / part["cost_shipments"] if part["cost_shipments"] else None,
    )


def _dear_carriers(pairs: pd.DataFrame) -> list[Action]:
    """Carriers that cost more than another one whose shipments on the lane weigh alike, travel as fast, come no later."""
    # Means are comparable only where every shipment knows its cost and its weight.
    usable = pairs[(pairs["cost_shipments"] == pairs["shipments"]) & (pairs["shipments"] >= FEWEST)]
    usable = usable[(usable["weight_kg"] > 0) & ((usable["weighed_cost"] - usable["cost"]).abs() < 0.01)]
    limit = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    found = []
    for (origin, city), lane in usable.groupby(["origin_warehouse", "destination_city"]):
        rows = lane.to_dict("records")
        for row in rows:
            own = Share(row["late"], row["shipments"])
            cost, weight = row["cost"] / row["shipments"], row["weight_kg"] / row["shipments"]
            best: Action | None = None
            for other in rows:
                theirs = Share(other["late"], other["shipments"])
                ratio = weight / (other["weight_kg"] / other["shipments"])
                slower = other["transit_days"] / other["shipments"] - row["transit_days"] / row["shipments"]
                if other is row or abs(ratio - 1) > ALIKE_WEIGHT or slower > SLOWER_DAYS or _z(theirs, own) > limit:
                    continue
                # What the rival would take for our weight, and never less than it takes for its own.
                price = other["cost"] / other["shipments"] * max(1.0, ratio)
                saved = (cost - price) * row["shipments"]
                if cost - price >= WORTH_SAYING * cost and (best is None or saved > (best.cost_at_stake or 0)):
                    carrier, rival = str(row["carrier"]), str(other["carrier"])
                    best = Action("cost", carrier, str(origin), str(city), own, theirs, 0.0, 0.0, saved, cost, rival, price)
            if best is not None:
                found.append(best)
    return sorted(found, key=lambda each: -(each.cost_at_stake or 0))


def _largest(pairs: pd.DataFrame) -> Action:
    row = pairs.sort_values(["days_late", "shipments"], ascending=False, kind="stable").to_dict("records")[0]
    return Action(
        "largest",
        str(row["carrier"]),
        str(row["origin_warehouse"]),
        str(row["destination_city"]),
        Share(row["late"], row["shipments"]),
        Share(int(row["days_late"]), int(pairs["days_late"].sum())),
        late_saved=float(row["late"]),
        days_saved=float(row["days_late"]),
        cost_at_stake=row["late_cost"] if row["late_priced"] else None,
    )


def _with_outcomes(days: pd.DataFrame) -> pd.DataFrame:
    known, shipments = days["delay_days"].notna(), days["shipments"].astype("int64")
    delay = _whole(days["delay_days"])
    late = known & (delay >= LATE_DAYS)
    cost, priced = days["cost"].astype(float).fillna(0.0), days["cost_shipments"].astype("int64")
    return days.assign(
        shipments=shipments,
        with_delay=shipments.where(known, 0),
        cost=cost,
        cost_shipments=priced,
        weighed_cost=days["weighed_cost"].astype(float).fillna(0.0),
        transit_days=_whole(days["transit_days"]),
        weight_kg=days["weight_kg"].astype(float).fillna(0.0),
        on_time=shipments.where(known & (delay < DELAYED_DAYS), 0),
        late=shipments.where(late, 0),
        days_late=delay.clip(lower=0) * shipments,
        late_cost=cost.where(late, 0.0),
        late_priced=priced.where(late, 0),
    )


def _whole(values: pd.Series) -> pd.Series:
    """Return whole numbers, 0 for those that are unknown."""
    return values.astype(float).fillna(0.0).astype("int64")


def _summed(by_delay: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return by_delay.groupby(keys, as_index=False)[list(SUMMED)].sum()


def _limit(looked_at: int) -> float:
    """How many standard errors a difference must have, so that looking at many raises no more false alarms (Bonferroni)."""
    return NormalDist().inv_cdf(1 - FALSE_ALARM / max(1, looked_at))


def _z(one: Share, other: Share) -> float:
    """Standard errors by which one share exceeds the other, with a pooled variance."""
    if not one.whole or not other.whole:
        return 0.0
    pooled = (one.part + other.part) / (one.whole + other.whole)
    error = sqrt(pooled * (1 - pooled) * (1 / one.whole + 1 / other.whole))
    return (one.part / one.whole - other.part / other.whole) / error if error else 0.0
