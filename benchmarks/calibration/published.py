"""Published figures that no public table of shipments contains: freight in the USA, each with its source."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from benchmarks.calibration.measures import SHARES

__all__ = ["PUBLISHED", "Published"]

MIN_TRUCKLOAD_KG = 9000
"""More than any generated parcel weighs."""


@dataclass(frozen=True, slots=True)
class Published:
    """A figure of generated shipments, and the published one of real shipments; `source` is Markdown."""

    name: str
    of: Callable[[pd.DataFrame], float]
    published: str
    source: str


def _parcels(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["weight_kg"] < MIN_TRUCKLOAD_KG]


def _truckloads(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["weight_kg"] >= MIN_TRUCKLOAD_KG]


def _truckload_cost_per_km(table: pd.DataFrame) -> float:
    loads = _truckloads(table)
    return float(loads["cost"].sum() / loads["distance_km"].sum())


def _truckload_cost_per_tonne_km(table: pd.DataFrame) -> float:
    loads = _truckloads(table)
    return float(loads["cost"].sum() / (loads["weight_kg"] / 1000 * loads["distance_km"]).sum())


_FLOWS = (
    "[Commodity Flow Survey 2012, preliminary, table 2](https://www.rita.dot.gov/bts/sites/rita.dot.gov.bts/files/"
    "publications/commodity_flow_survey/2012/united_states/table2.html)"
)

PUBLISHED = (
    Published(
        "Mean distance of a parcel, km",
        lambda table: float(_parcels(table)["distance_km"].mean()),
        "1,405 (873 miles by parcel, USPS or courier)",
        _FLOWS,
    ),
    Published(
        "Mean distance of a truck-load, km",
        lambda table: float(_truckloads(table)["distance_km"].mean()),
        "341 (212 miles by truck, of any size)",
        _FLOWS,
    ),
    Published(
        "Shipments on time, %",
        SHARES[0].percent,
        "FedEx 91.8, UPS 96.5, USPS 90.4 (December 2024); 95.3, 97.2, 94.1 (December 2025)",
        "ShipMatrix, by [FreightWaves](https://www.freightwaves.com/news/"
        "large-parcel-carriers-improved-on-time-delivery-during-2025-peak-season)",
    ),
    Published(
        "Cost of truck-loads per km, USD",
        _truckload_cost_per_km,
        "1.41 (2.270 per mile in 2023, what a truck costs to operate)",
        "ATRI, by [FreightWaves](https://www.freightwaves.com/news/"
        "atri-releases-june-update-to-operational-cost-of-trucking-report)",
    ),
    Published(
        "Cost of truck-loads per tonne-km, USD",
        _truckload_cost_per_tonne_km,
        "0.098 (14.30 cents per short ton-mile in 2010, general freight by truck)",
        "[National Transportation Statistics, table 3-21](https://www.bts.gov/content/average-freight-revenue-ton-mile)",
    ),
)
