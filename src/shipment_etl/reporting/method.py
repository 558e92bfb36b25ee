"""Method: how the sentences of a page are computed, with the thresholds that they are computed by."""

from shipment_etl.reporting.actions import LATE_ALIKE
from shipment_etl.reporting.cheaper import ALIKE_WEIGHT
from shipment_etl.reporting.costs import MIN_ROWS, WORTH_SAYING
from shipment_etl.reporting.findings import CONFIDENCE
from shipment_etl.reporting.late import MIN_BREADTH, MIN_DAYS_LATE
from shipment_etl.reporting.periods import ENOUGH_SHIPMENTS, FRINGE, LENGTHS, SHORT
from shipment_etl.reporting.slices import FALSE_ALARM, MIN_SHARE_OF_WHOLE, MIN_SHIPMENTS
from shipment_etl.reporting.wording import percent
from shipment_etl.thresholds import LATE_DAYS

__all__ = ["ALIKE_NOTE", "INTERVAL_NOTE", "METHOD"]


def _percent(share: float) -> str:
    return percent(100 * share, 0)


ALIKE_NOTE = (
    f"A page on which all carriers and lanes are alike names one by chance in {round(100 * FALSE_ALARM)} of 100 cases."
)

INTERVAL_NOTE = (
    "The interval says how sure the number is that a row is ranked by: it holds the true one in "
    f"{round(100 * CONFIDENCE)} of 100 cases. It is missing where fewer than {MIN_ROWS} rows show how much costs vary."
)

METHOD = (
    f"Days are days of shipment. The period is the shortest of {SHORT} days ({LENGTHS[0]} where there are "
    f"{2 * LENGTHS[0] // 7} weeks or more), {LENGTHS[1]} days and {LENGTHS[2]} days for which it and the one "
    f"before have {ENOUGH_SHIPMENTS} shipments each; half of the days where there are fewer than {2 * SHORT}. "
    f"Days at either end with less than {_percent(FRINGE)} of a usual day's shipments are left out (half of all "
    "shipments are of days with at least the usual number).",
    f"Late is {LATE_DAYS} or more days after the promise. A change is clear where a test of two proportions is "
    f"significant at {_percent(CONFIDENCE)}.",
    "Carriers, warehouses, cities, lanes and their combinations are searched for what comes later than others: a "
    "carrier than the other carriers on the same lanes, a place or a lane than the same carriers elsewhere. The "
    "one with the most late shipments beyond the others is named, or a smaller part of it that has "
    f"{_percent(MIN_SHARE_OF_WHOLE)} of these; then the search goes on without it. A difference counts where a "
    f"stratified test (Mantel and Haenszel) is significant at {_percent(1 - FALSE_ALARM)} over all that is looked "
    f"at (Bonferroni), with at least {MIN_SHIPMENTS} shipments on either side, and where {_percent(MIN_BREADTH)} "
    "of the shipments are with carriers on lanes that are late.",
    "Carriers, warehouses and cities are also searched for a day of the week that is later than their other days, with the "
    f"same carriers. {_percent(MIN_DAYS_LATE)} of its dates must be late.",
    f"Where nothing is later than others, but {_percent(LATE_ALIKE)} or more of all come late, the carrier and "
    "lane with the most days of delay is named.",
    f"Dearer than before is what costs {_percent(WORTH_SAYING)} more than in the period before, significantly and more than "
    "weight and distance explain. A carrier's tariff of the period before (rates for a shipment, a kilogram, a kilometre "
    f"and a tonne-kilometre) is fitted to at least {MIN_ROWS} rows of lane_days by weighted least squares; both periods "
    f"must have {MIN_SHIPMENTS} shipments of what is judged.",
    "Carriers are compared by cost only on the same lane, where every shipment knows its cost and weight, mean "
    f"weights differ by {_percent(ALIKE_WEIGHT)} at most (the cheaper one's price is raised to the dearer one's "
    f"weight), and the cheaper one is no slower and no later; differences below {_percent(WORTH_SAYING)} are not "
    "named, nor those that chance may explain.",
    f"Intervals hold the true value in {round(100 * CONFIDENCE)} of 100 cases. That of late shipments is the one of two "
    "shares (Newcombe, method 10), where the others have the same mix of lanes or carriers; that of costs comes from the "
    "spread of two means (Cochran). They hold for one row each. What is named is the largest of many, and the largest "
    "estimates tend to be too large.",
    "A warehouse-day is over capacity where more shipments left than the network says the warehouse can handle in a day.",
)
"""How a page finds what it says, one paragraph each."""
