"""Scorecard: the columns of carrier_performance that have a heading, one row per carrier, and how late each was recently."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from shipment_etl.reporting.advice import Action
from shipment_etl.reporting.findings import figures, select_period
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.rounding import rounded_difference
from shipment_etl.reporting.wording import Heading, number, say_amount
from shipment_etl.transform.mart import MartColumn
from shipment_etl.transform.marts import MARTS

__all__ = ["Cell", "Scorecard", "headings", "scorecard"]

MAX_CARRIERS = 60
CURRENCY = "currency"
LATE = "late_2plus_pct"
"""The column that is followed by the same share over the last days, and its change."""
SHARE = "on_time_pct"
"""The column whose share is also drawn as a bar."""
DIGITS = {"avg_delay_days": 2, "cost_per_kg": 2, "cost_per_tonne_km": 3}
"""Digits of the columns that do not have exactly one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value to sort by (None if unknown), the text shown, and whether it is drawn as a bar of 100."""

    value: float | None
    shown: str
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Headings and rows of the table of carriers; a row is a name, its cells, and whether it is the one to act on."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], bool], ...]
    note: str = ""


def headings(mart: str, currency: str | None = None) -> dict[str, Heading]:
    """Return the headings of a mart's columns by name, without columns that have none."""
    return {column.name: _heading(column, currency) for column in MARTS[mart].declared if column.heading}


def scorecard(facts: Facts, acted_on: Action | None) -> Scorecard:
    """Return the scorecard, the largest carriers first, with a note if some were left out."""
    columns = [column for column in MARTS["carrier_performance"].declared if column.heading]
    ranked = facts.carriers.sort_values(["shipments", "carrier"], ascending=[False, True])
    largest = ranked.head(MAX_CARRIERS)
    recent = facts.recent[facts.recent["carrier"].isin(largest["carrier"])]
    now, before = _late_by_carrier(recent, facts.now), _late_by_carrier(recent, facts.before)
    rows = []
    for row in largest.to_dict("records"):
        name = row["carrier"]
        lately = [now.get(name)]
        if facts.before:
            lately.append(float(rounded_difference(now[name], before[name])) if name in now and name in before else None)
        cells = []
        for column in columns:
            cells.append(_cell(column, row[column.name]))
            if column.name == LATE:
                cells += [Cell(value, number(value, 1)) for value in lately]
        rows.append((name, tuple(cells), acted_on is not None and acted_on.carrier == name))
    note = "" if len(ranked) == len(rows) else f"The {len(rows)} largest of {len(ranked)} carriers."
    return Scorecard(tuple(_headings(columns, facts)), tuple(rows), note)


def _headings(columns: Sequence[MartColumn], facts: Facts) -> list[Heading]:
    found = []
    for column in columns:
        heading = _heading(column, facts.currency)
        found.append(heading if heading.detail else replace(heading, detail="all days"))
        if column.name == LATE and facts.now:
            days = "one day" if facts.now.days == 1 else f"last {facts.now.days} days"
            found.append(replace(heading, detail=days))
            if facts.before:
                found.append(Heading("Change", detail="points"))
    return found


def _heading(column: MartColumn, currency: str | None) -> Heading:
    # The detail says what costs are per.
    unit = (currency or "") if column.unit.startswith(CURRENCY) else column.unit
    return Heading(column.heading, unit, column.detail)


def _cell(column: MartColumn, value: Any) -> Cell:
    if value is None or value != value:
        return Cell(None, number(None))
    if column.unit == CURRENCY:
        return Cell(value, say_amount(value))
    digits = DIGITS.get(column.name, 1 if column.type == "double" else 0)
    return Cell(value, number(value, digits), column.name == SHARE)


def _late_by_carrier(recent: pd.DataFrame, period: Period | None) -> dict[str, float]:
    if period is None or recent.empty:
        return {}
    return {str(name): figures(rows).late_share.pct for name, rows in select_period(recent, period).groupby("carrier")}
