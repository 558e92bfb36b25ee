"""Merging: small groups of shipments are merged into larger ones, so that no small group is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from shipment_etl.thresholds import LATE_DAYS
from shipment_etl.twin.sums import ServiceKey, Sums

__all__ = ["OTHER", "MergedServices", "merge_delays", "merge_services"]

OTHER = "other"
"""The place or carrier that small ones are merged into."""


@dataclass(frozen=True, slots=True)
class MergedServices:
    """Services with enough shipments.

    Attributes:
        services: those that are left, some of them with `OTHER` as a name.
        merged: how many were merged into another one.
        merged_shipments: how many shipments these had.
        dropped_shipments: how many shipments were dropped because they were too few even together.
    """

    services: Mapping[ServiceKey, Sums]
    merged: int
    merged_shipments: int
    dropped_shipments: int


def merge_services(services: Mapping[ServiceKey, Sums], least: int) -> MergedServices:
    """Merge services of fewer than `least` shipments: first by origin and carrier, then by carrier, then all.

    Those still too small after that are dropped.
    """
    kept = {key: sums for key, sums in services.items() if sums.shipments >= least}
    small = {key: sums for key, sums in services.items() if key not in kept}
    left = small
    for widen in (
        lambda key: (key[0], OTHER, key[2]),
        lambda key: (OTHER, OTHER, key[2]),
        lambda key: (OTHER, OTHER, OTHER),
    ):
        together: dict[ServiceKey, Sums] = {}
        for key, sums in left.items():
            together.setdefault(widen(key), Sums()).add(sums)
        enough = {key for key, sums in together.items() if sums.shipments >= least}
        for key in enough:
            if key in kept:
                together[key].add(kept[key])
            kept[key] = together[key]
        left = {key: sums for key, sums in left.items() if widen(key) not in enough}
    dropped = sum(each.shipments for each in left.values())
    of_small = sum(each.shipments for each in small.values())
    return MergedServices(kept, len(small) - len(left), of_small - dropped, dropped)


def merge_delays(delays: Mapping[int, int], least: int) -> dict[int, int]:
    """Merge days of delay that fewer than `least` shipments have with their neighbours; the number of shipments is kept.

    Days are merged into their mean within early, on time, a day late, and later. If one of these has too few in total, its
    shipments move to the nearest day that has enough. With fewer than `least` in total, the result is empty.
    """
    found: list[tuple[int, int]] = []
    small: list[tuple[int, int]] = []
    for kind in (range(-(10**6), 0), range(1), range(1, LATE_DAYS), range(LATE_DAYS, 10**6)):
        bins: list[list[int]] = []
        for days in sorted(day for day, count in delays.items() if day in kind and count):
            if not bins or bins[-1][0] >= least:
                bins.append([0, 0])
            bins[-1][0] += delays[days]
            bins[-1][1] += days * delays[days]
        if len(bins) > 1 and bins[-1][0] < least:
            count, total = bins.pop()
            bins[-1] = [bins[-1][0] + count, bins[-1][1] + total]
        for count, total in bins:
            (found if count >= least else small).append((round(total / count), count))
    merged: dict[int, int] = {}
    for days, count in found:
        merged[days] = merged.get(days, 0) + count
    if not merged:
        together = sum(count for _, count in small)
        return {max(small, key=lambda each: each[1])[0]: together} if small and together >= least else {}
    for days, count in small:
        merged[min(sorted(each for each, _ in found), key=lambda each: abs(each - days))] += count
    return merged
