"""Method: how the sentences of a page are computed, with their thresholds."""

from shipment_etl.reporting.actions import MIN_LATE_SHARE
from shipment_etl.reporting.cheaper import MAX_WEIGHT_DIFFERENCE
from shipment_etl.reporting.costs import MIN_ROWS, MIN_SHARE_AT_STAKE
from shipment_etl.reporting.findings import CONFIDENCE
from shipment_etl.reporting.late import MIN_BREADTH, MIN_DAYS_LATE
from shipment_etl.reporting.periods import LENGTHS, MAX_PENDING, MIN_SHARE_OF_USUAL, MIN_SHIPMENTS_OF_PERIOD, SHORT
from shipment_etl.reporting.slices import FALSE_ALARM, MIN_SHARE_OF_WHOLE, MIN_SHIPMENTS
from shipment_etl.reporting.wording import percent
from shipment_etl.thresholds import LATE_DAYS

__all__ = ["ALIKE_NOTE", "INTERVAL_NOTE", "METHOD"]


def _percent(share: float) -> str:
    return percent(100 * share, 0)


ALIKE_NOTE = (
    "Even where all carriers and lanes are alike, a page names a carrier or lane by chance in "
    f"{round(100 * FALSE_ALARM)} of 100 cases."
)

INTERVAL_NOTE = (
    "The interval shows how certain the number is by which a row is ranked: it contains the true value in "
    f"{round(100 * CONFIDENCE)} of 100 cases. It is missing where fewer than {MIN_ROWS} rows show how much costs vary."
)

METHOD = (
    f"Days are days of shipment. The period is the shortest of {SHORT} days ({LENGTHS[0]} if there are "
    f"{2 * LENGTHS[0] // 7} weeks or more of data), {LENGTHS[1]} days and {LENGTHS[2]} days for which this period and the "
    f"one before have {MIN_SHIPMENTS_OF_PERIOD} shipments each; half of the days if there are fewer than {2 * SHORT}. "
    f"Days at either end with less than {_percent(MIN_SHARE_OF_USUAL)} of a usual day's shipments are left out (days with "
    "at least the usual number make up half of all shipments), and so are the newest days, if more than "
    f"{_percent(MAX_PENDING)} of their shipments are in transit and not due yet.",
    f"Late means {LATE_DAYS} or more days after the promised date. In the period and the one before, a shipment that is in "
    "transit and was due before the day of the newest delivery counts as late by the days so far; one due later does "
    f"not count. A change is clear if a test of two proportions is significant at {_percent(CONFIDENCE)}.",
    "Carriers, warehouses, cities, lanes and their combinations are searched for those that are later than others: a "
    "carrier is compared with the other carriers on the same lanes, a place or a lane with the same carriers elsewhere. The "
    "one with the most late shipments above those expected from the others is named, or a smaller part of it that has "
    f"{_percent(MIN_SHARE_OF_WHOLE)} of these; then the search continues without it. A difference counts if a "
    f"stratified test (Mantel and Haenszel) is significant at {_percent(1 - FALSE_ALARM)} over everything that is tested "
    f"(Bonferroni), with at least {MIN_SHIPMENTS} shipments on either side, and if {_percent(MIN_BREADTH)} "
    "of the shipments are with carriers on lanes that are late.",
    "Carriers, warehouses and cities are also searched for a day of the week that is later than their other days, with the "
    f"same carriers. {_percent(MIN_DAYS_LATE)} of its dates must be late.",
    f"If nothing is later than others, but {_percent(MIN_LATE_SHARE)} or more of all shipments are late, the carrier and "
    "lane with the most days of delay is named.",
    f"A part of the network costs more than before if at least {_percent(MIN_SHARE_AT_STAKE)} of its cost is an increase "
    "that is significant and not explained by weight and distance. A carrier's tariff of the period before (rates per "
    "shipment, kilogram, kilometre and tonne-kilometre) is fitted by weighted least squares to at least "
    f"{MIN_ROWS} rows of lane_days; the part must have {MIN_SHIPMENTS} shipments in both periods.",
    "Carriers are compared by cost only on the same lane, where the cost and weight of every shipment are known, mean "
    f"weights differ by {_percent(MAX_WEIGHT_DIFFERENCE)} at most (the price of the cheaper carrier is raised to the weight "
    "of the other), and the cheaper carrier is no slower and no later. Differences below "
    f"{_percent(MIN_SHARE_AT_STAKE)} are not named, nor are those that chance may explain.",
    f"Intervals contain the true value in {round(100 * CONFIDENCE)} of 100 cases. For late shipments it is the interval of "
    "the difference of two shares (Newcombe, method 10), where the others have the same mix of lanes or carriers; for costs "
    "it comes from the spread of two means (Cochran). An interval applies to one row alone. The rows named are the largest "
    "of many, and the largest estimates tend to be too large.",
    "A warehouse-day is over capacity if more shipments left than the warehouse can handle in a day, according to the "
    "network.",
)
"""How a page computes what it says, one paragraph each."""
