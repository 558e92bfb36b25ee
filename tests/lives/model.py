"""What a lake must hold after any schedule, worked out in plain Python: each shipment once, by its newest report."""

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import NamedTuple

__all__ = ["SUMS", "Expected", "Report", "Told", "draw_batch", "expect"]

NAMES = "abcdefgh"
CARRIERS, CITIES = ("Post", "Van"), ("Oslo", "Lyon")
DAYS = tuple(date(2026, 10, day) for day in (28, 29, 30))
SUMS = ("shipments", "transit_days", "cost", "cost_shipments")
"""What a batch books of a group, as far as the model's reports say it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A row of a file. `reported` is None where it does not say when it was made."""

    shipment: str
    carrier: str
    city: str
    shipped: date
    promised: date | None
    delivered: date | None
    cost: int | None
    outcome: str | None
    reported: datetime | None

    @property
    def state(self) -> str:
        return self.outcome or ("delivered" if self.delivered else "in_transit")

    @property
    def is_sound(self) -> bool:
        return self.carrier != ""


class Told(NamedTuple):
    """A report and where it stands."""

    batch: date
    row: int
    report: Report

    @property
    def order(self) -> tuple[datetime, date, int]:
        midnight = datetime.combine(self.batch, time(), UTC)
        return self.report.reported or midnight, self.batch, self.row


@dataclass(frozen=True, slots=True)
class Expected:
    """What tables hold.

    Attributes:
        shipments: id → (batch, row) of its newest report.
        overtaken: (batch, row) of a report → that of the one that overtook it.
        quarantined: (batch, row) of rows that break a rule.
        counts: batch → rows accepted, quarantined, duplicates, overtaken.
        ledger: (batch, group) → `SUMS` that the batch has booked. If as many shipments are booked as booked off, other sums
            can remain.
    """

    shipments: dict[str, tuple[date, int]]
    overtaken: dict[tuple[date, int], tuple[date, int]]
    quarantined: set[tuple[date, int]]
    counts: dict[date, tuple[int, int, int, int]]
    ledger: dict[tuple[date, tuple[object, ...]], tuple[int, ...]]


def expect(batches: dict[date, list[Report]]) -> Expected:
    """Return what a lake holds once these batches are processed, in whatever order."""
    told = [Told(batch, row, report) for batch, reports in batches.items() for row, report in enumerate(reports, 1)]
    bad = {(each.batch, each.row) for each in told if not each.report.is_sound}
    chains: dict[str, list[Told]] = defaultdict(list)
    duplicates: dict[date, int] = defaultdict(int)
    for each in sorted((each for each in told if each.report.is_sound), key=lambda each: each.order):
        chain = chains[each.report.shipment]
        before = [other for other in chain if other.batch == each.batch]
        if before and before[-1].report == each.report:
            duplicates[each.batch] += 1
        else:
            chain.append(each)
    newest = {name: (chain[-1].batch, chain[-1].row) for name, chain in chains.items()}
    overtaken, ledger = {}, defaultdict[tuple[date, tuple[object, ...]], list[int]](lambda: [0] * len(SUMS))
    for chain in chains.values():
        for one, following in zip(chain, [*chain[1:], None], strict=True):
            _book(ledger, one.batch, one.report, 1)
            if following:
                overtaken[one.batch, one.row] = (following.batch, following.row)
                _book(ledger, following.batch, one.report, -1)
    counts = {
        batch: (
            sum(place[0] == batch for place in newest.values()),
            sum(place[0] == batch for place in bad),
            duplicates[batch],
            sum(place[0] == batch for place in overtaken),
        )
        for batch in batches
    }
    booked = {key: tuple(sums) for key, sums in ledger.items() if any(sums)}
    return Expected(newest, overtaken, bad, counts, booked)


def _book(ledger: dict[tuple[date, tuple[object, ...]], list[int]], batch: date, report: Report, sign: int) -> None:
    if report.state == "cancelled":
        return
    delay = (
        (report.delivered - report.promised).days
        if report.state == "delivered" and report.delivered and report.promised
        else None
    )
    due = report.promised if report.state == "in_transit" else None
    group = (report.shipped, report.city, report.carrier, report.state, delay, due)
    days = (report.delivered - report.shipped).days if report.state == "delivered" and report.delivered else 0
    for place, value in enumerate((1, days, report.cost or 0, report.cost is not None)):
        ledger[batch, group][place] += sign * value


def draw_batch(draw: random.Random, day: date, most: int) -> list[Report]:
    """Return a batch of `most` reports or fewer on as few shipments, so that most are reported several times."""
    reports: list[Report] = []
    for _ in range(draw.randint(0, most)):
        if reports and draw.random() < 0.2:
            again = draw.choice(reports)
            reports.append(again if draw.random() < 0.5 else replace(again, cost=draw.randint(1, 9)))
            continue
        shipped = draw.choice(DAYS)
        outcome = draw.choice((None, None, None, "delivered", "cancelled", "lost"))
        delivered = draw.choice((None, date(2026, 11, draw.randint(1, 3)))) if outcome is None else None
        if outcome == "delivered":
            delivered = date(2026, 11, draw.randint(1, 3))
        hours = draw.choice((None, None, draw.randint(-30, 30)))
        reports.append(
            Report(
                draw.choice(NAMES[:most]),
                draw.choice((*CARRIERS, *CARRIERS, "")) if draw.random() < 0.3 else draw.choice(CARRIERS),
                draw.choice(CITIES),
                shipped,
                draw.choice((None, date(2026, 11, draw.randint(1, 3)))),
                delivered,
                draw.choice((None, draw.randint(1, 9))),
                outcome,
                None if hours is None else datetime.combine(day, time(draw.randint(0, 23)), UTC),
            )
        )
    return reports
