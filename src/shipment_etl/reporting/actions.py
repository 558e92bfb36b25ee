"""Actions: where to act first, by what comes later than others, what has grown dearer, and what others do for less."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import pandas as pd

from shipment_etl.reporting.findings import CONFIDENCE, Share, figures, with_outcomes, z_of

__all__ = ["FALSE_ALARM", "Action", "actions"]

FALSE_ALARM = 0.01
"""Chance that a page names a carrier or lane although all are alike, over all that are looked at."""

MIN_SHIPMENTS = 30
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

MIN_SHARE_OF_WHOLE = 0.6
"""Share of a slice's excess that a smaller one within it must have to be named in its place."""

MIN_BREADTH = 0.6
"""Share of a slice's shipments that must be with carriers on lanes that are late: or else it is not the slice that is."""

COST_LINES = 2
"""Lines that costs have among the actions, however much is late."""
MIN_ROWS = 20
"""Rows of lane_days below which the spread of a mean cost is not judged."""

SPREAD = ("rows", "cost_2", "cost_shipment", "shipment_2")

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
class Action:
    """Shipments that lose more than what they are held against, and what putting that right would save.

    `carrier`, `origin` and `city` say which shipments these are; None is any. `kind` is one of
        late: later than others. Those of a carrier are held against the other carriers on the same lanes; those of a
            place or a lane, against the same carriers elsewhere;
        dearer: dearer a shipment than in the period before, for about the same weight;
        cost: dearer than `rival`, whose shipments there weigh the same, travel as fast and come no later;
        largest: not significantly later than others, but where most days are lost.
    `late` and `others` are shares two or more days late; of largest, `others` is its share in all days of delay. What is
    saved is for the period. `cost_at_stake` is the freight paid for the late shipments that would be saved, of cost what
    moving to the rival would save, of dearer what the shipments cost more than before. `cost_before` is a shipment's.
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
    cost_before: float | None = None


def actions(days: pd.DataFrame, before: pd.DataFrame | None = None, most: int = 6) -> list[Action]:
    """Say where to act, the first first: what comes later than others, what has grown dearer, and dear carriers.

    Args:
        days: rows of lane_days of one period; those without a delay do not count.
        before: those of the period before, if there is one.
        most: how many at most; costs have two of them, if there is anything to say about costs.
    """
    dearer = [] if before is None else _find_dearer(days, before, most)
    days = days[days["delay_days"].notna()]
    if days.empty:
        return []
    pairs = _sum_by(with_outcomes(days), list(PAIR))
    found = _find_late(pairs, most)
    if not found and figures(days).late_share.pct >= 100 * LATE_ALIKE:
        found = [_largest(pairs)]
    costs = [*dearer, *_dear_carriers(pairs)]
    found = [*found[: most - len(costs[:COST_LINES])], *costs][:most]
    return found or [_largest(pairs)]


def _find_late(pairs: pd.DataFrame, most: int) -> list[Action]:
    """Find what is later than others, the largest first."""
    limit = _limit_of(pairs)

    def look(left: pd.DataFrame) -> pd.DataFrame:
        slices = pd.concat([_compare(left, keys) for keys in SLICES], ignore_index=True)
        # Few late shipments are skewed, so that chance reaches farther than the normal law says (Cornish and Fisher, 1938).
        return slices[slices["z"] >= limit + slices["skewness"].clip(lower=0) * (limit**2 - 1) / 6]

    return [_late_action(part) for part in _search(look, [pairs], most)]


def _search(look: Callable[..., pd.DataFrame], frames: list[pd.DataFrame], most: int) -> list[pd.Series]:
    """Return the slices that a look at some frames finds, the largest first; what is found is left out of the next look."""
    found = list[pd.Series]()
    while len(found) < most:
        slices = look(*frames)
        if slices.empty:
            break
        found.append(_narrow(slices.sort_values("excess", ascending=False, kind="stable")))
        frames = [rows[~_is_in(rows, found[-1])] for rows in frames]
    return found


def _compare(pairs: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Hold each slice of the shipments against the others: those of a carrier on the same lanes, or of the same carriers.

    Columns: those of `PAIR`, None where the slice is any; the sums of its shipments; excess and excess_days, its late
    shipments and days of delay beyond those of the others; others, shipments it is held against, others_late, late ones; z,
    its excess in standard deviations of chance; skewness of chance.

    Source: the expectation is a direct standardisation, the test that of Mantel and Haenszel (1959), with the variance of
    two proportions in each stratum; with one stratum it is the usual test of two proportions.
    """
    strata = list(LANE) if "carrier" in keys else ["carrier"]
    own = _sum_by(pairs, list(dict.fromkeys((*keys, *strata))))
    every = _sum_by(pairs, strata)
    both = own.merge(every, on=strata, suffixes=("", "_all"))
    rest = {name: both[f"{name}_all"] - both[name] for name in ("shipments", "late", "days_late")}
    both = both.assign(others=rest["shipments"], others_late=rest["late"], others_days=rest["days_late"])
    both = both[both["others"] >= MIN_SHIPMENTS]
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
    slices = slices.merge(_breadth(pairs, both, keys, strata), on=list(keys))
    slices = slices[(slices["shipments"] >= MIN_SHIPMENTS) & (slices["breadth"] >= MIN_BREADTH)]
    # Where all are late, or none is, there is nothing to tell apart.
    slices = slices[slices["variance"] > 0]
    z, skewness = slices["excess"] / slices["variance"] ** 0.5, slices["third_moment"] / slices["variance"] ** 1.5
    missing = {name: None for name in PAIR if name not in keys}
    return slices.assign(z=z, skewness=skewness, fixed=len(keys), **missing)


def _breadth(pairs: pd.DataFrame, both: pd.DataFrame, keys: tuple[str, ...], strata: list[str]) -> pd.DataFrame:
    """Return for each slice the share of its shipments that are with carriers on lanes that are later than the others."""
    on = list(dict.fromkeys((*keys, *strata)))
    rates = both[on].assign(rate=both["others_late"] / both["others"])
    each = pairs.merge(rates, on=on)
    worse = each["shipments"].where(each["late"] > each["shipments"] * each["rate"], 0)
    sums = each.assign(worse=worse).groupby(list(keys), as_index=False)[["worse", "shipments"]].sum()
    return sums[list(keys)].assign(breadth=sums["worse"] / sums["shipments"])


def _find_dearer(days: pd.DataFrame, before: pd.DataFrame, most: int) -> list[Action]:
    """Find what has grown dearer, the largest first."""
    frames = [_spread(days), _spread(before)]
    limit = _limit_of(frames[0])

    def look(now: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
        slices = pd.concat([_grown(now, earlier, keys) for keys in ((), *SLICES)], ignore_index=True)
        return slices[(slices["z"] >= limit) & (slices["excess"] >= WORTH_SAYING * slices["cost"])]

    return [_dearer_action(part) for part in _search(look, frames, most)]


def _spread(days: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that know the cost of all their shipments, with what the spread of mean costs is computed from."""
    rows = with_outcomes(days)
    rows = rows[(rows["cost_shipments"] == rows["shipments"]) & (rows["shipments"] > 0)]
    cost, shipments = rows["cost"], rows["shipments"].astype(float)
    return rows.assign(rows=1, cost_2=cost**2, cost_shipment=cost * shipments, shipment_2=shipments**2)


def _grown(now: pd.DataFrame, before: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Hold the mean cost of a shipment of each slice against that of the period before.

    Columns: those of `PAIR`; the sums of now; mean, mean_before; excess, what the shipments cost more; z.

    Source: the variance of a ratio of sums by linearisation, Cochran, "Sampling Techniques" (1977), section 2.11.
    """
    sums = ["shipments", "cost", "weight_kg", *SPREAD]
    one, other = (rows.assign(every=0).groupby(["every", *keys], as_index=False)[sums].sum() for rows in (now, before))
    both = one.merge(other, on=["every", *keys], suffixes=("", "_before"))
    both = both[(both["rows"] >= MIN_ROWS) & (both["rows_before"] >= MIN_ROWS)]
    mean, mean_before = both["cost"] / both["shipments"], both["cost_before"] / both["shipments_before"]
    variance = _variance_of_mean(both, mean, "") + _variance_of_mean(both, mean_before, "_before")
    heavier = (both["weight_kg"] / both["shipments"]) / (both["weight_kg_before"] / both["shipments_before"])
    alike = (heavier - 1).abs() <= ALIKE_WEIGHT
    both = both.assign(
        mean=mean,
        mean_before=mean_before,
        excess=(mean - mean_before) * both["shipments"],
        z=((mean - mean_before) / variance.where(variance > 0) ** 0.5).where(alike, 0.0),
    )
    return both.assign(fixed=len(keys), **{name: None for name in PAIR if name not in keys})


def _variance_of_mean(both: pd.DataFrame, mean: pd.Series, when: str) -> pd.Series:
    residuals = both[f"cost_2{when}"] - 2 * mean * both[f"cost_shipment{when}"] + mean**2 * both[f"shipment_2{when}"]
    return residuals.clip(lower=0) / both[f"shipments{when}"] ** 2


def _dearer_action(part: pd.Series) -> Action:
    return Action(
        "dearer",
        part["carrier"],
        part["origin_warehouse"],
        part["destination_city"],
        Share(0, int(part["shipments"])),
        Share(0, 0),
        cost_at_stake=float(part["excess"]),
        avg_cost=float(part["mean"]),
        cost_before=float(part["mean_before"]),
    )


def _narrow(found: pd.DataFrame) -> pd.Series:
    """Return the smallest slice within the largest one that has most of its excess: that is where the trouble is."""
    worst = found.iloc[0]
    while True:
        within_it = found[(found["fixed"] > worst["fixed"]) & (found["excess"] >= MIN_SHARE_OF_WHOLE * worst["excess"])]
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
    usable = pairs[(pairs["cost_shipments"] == pairs["shipments"]) & (pairs["shipments"] >= MIN_SHIPMENTS)]
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
                if other is row or abs(ratio - 1) > ALIKE_WEIGHT or slower > SLOWER_DAYS or z_of(theirs, own) > limit:
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


def _sum_by(by_delay: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return by_delay.groupby(keys, as_index=False)[list(SUMMED)].sum()


def _limit_of(rows: pd.DataFrame) -> float:
    """How many standard errors a difference must have, so that looking at many raises no more false alarms (Bonferroni)."""
    looked_at = sum(len(rows.drop_duplicates(list(keys))) for keys in SLICES)
    return NormalDist().inv_cdf(1 - FALSE_ALARM / max(1, looked_at))
