"""Wording: differences as text for people. Plain text, never HTML: the page escapes it."""

from decimal import Decimal
from math import floor, log10
from typing import Any

from shipment_etl.reporting.comparison.compare import Comparison, Side
from shipment_etl.reporting.comparison.difference import Difference, is_number
from shipment_etl.reporting.comparison.marts import Line, MartComparison
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.rounding import rounded_difference
from shipment_etl.reporting.wording import UNKNOWN, Sentence, count, dates, number, percent, sentence

__all__ = ["WITHIN_CHANCE", "say_change", "say_comparison", "say_days", "say_mart", "say_row", "say_unit", "say_values"]

CURRENCY = "currency"
MIN_DIGITS, MAX_DIGITS = 2, 6
WITHIN_CHANCE = "(chance)"
"""Marks a difference of shares that chance may explain."""


def say_comparison(found: Comparison) -> list[Sentence]:
    """Return sentences on how two lakes differ, the most important first; one sentence if nothing differs."""
    if found.equal:
        return [sentence("", "Nothing differs", f": all rows of {count(len(found.marts), 'mart')} are the same in A and B.")]
    return [each for each in (_say_late(found), _say_delay(found), _say_cost(found), _say_days(found)) if each] + [
        sentence(f"Only {side} has the {'mart' if len(names) == 1 else 'marts'} {', '.join(names)}.")
        for side, names in (("A", found.only_in_a), ("B", found.only_in_b))
        if names
    ]


def say_unit(unit: str, currency: str | None) -> str:
    """Return a unit, such as EUR/kg for currency/kg; empty if it depends on an unknown currency."""
    if not unit.startswith(CURRENCY):
        return unit
    return unit.replace(CURRENCY, currency, 1) if currency else ""


def say_days(side: Side) -> str:
    """Return the days of shipment of a lake, such as 2–15 Nov 2026."""
    return dates(Period(side.first, side.last)) if side.first and side.last else "no shipments"


def say_mart(mart: MartComparison) -> str:
    """Return how many rows of a mart differ."""
    parts = [
        f"{number(each)} {what}"
        for each, what in (
            (mart.equal_rows, "equal"),
            (sum(row.only_in is None for row in mart.rows), "different"),
            (sum(row.only_in == "a" for row in mart.rows), "only in A"),
            (sum(row.only_in == "b" for row in mart.rows), "only in B"),
        )
        if each
    ]
    rows = ", ".join(parts) or "none"
    columns = f"; not compared, because only one lake has them: {', '.join(mart.only_in_one)}" if mart.only_in_one else ""
    return f"rows: {rows}{columns}"


def say_row(line: Line) -> str:
    """Return the keys of the row of a difference, such as FedEx · NY_Warehouse · Chicago."""
    return " · ".join(UNKNOWN if value is None else str(value) for value in line.keys.values())


def say_values(values: Difference) -> tuple[str, str]:
    """Return both values as text, with as many digits as their difference needs."""
    digits = _digits(values)
    return _format(values.a, digits), _format(values.b, digits)


def say_change(values: Difference, unit: str = "", only_in: str | None = None) -> str:
    """Return by how much a value differs, such as +12.40 points, or +1.25 (+17.1 %)."""
    if only_in:
        return f"only in {only_in.upper()}"
    if values.difference is None:
        return UNKNOWN if values.a == values.b else "differs"
    if not values.difference:
        return "none"
    digits = _digits(values)
    by = _format_signed(rounded_difference(values.b, values.a, digits), digits)
    if unit == "%":
        return f"{by} points {WITHIN_CHANCE}" if values.significant is False else f"{by} points"
    if values.relative_pct is None:
        return by
    return f"{by} ({_format_signed(values.relative_pct, 0 if abs(values.relative_pct) >= 100 else 1)} %)"


def _say_late(found: Comparison) -> Sentence | None:
    late = found.totals["late_2plus_pct"]
    if late.difference is None:
        return None
    what = "of shipments came two or more days late"
    if not late.difference:
        return sentence("In both ", percent(late.a), f" {what}.")
    shares = (f"In B {percent(late.b)} {what}, in A {percent(late.a)}: ",)
    if not late.significant:
        return sentence(*shares, "no clear difference", ", chance may explain it.")
    return sentence(*shares, f"{number(abs(rounded_difference(late.b, late.a)), 1)} points {_more(late)}", ".")


def _say_delay(found: Comparison) -> Sentence | None:
    days = found.totals["days_late"]
    if not days.difference:
        return None
    by = f"{number(_by(days))} {_more(days)}"
    return sentence(f"B has {count(days.b, 'day')} of delay, A {number(days.a)}: ", by, f"{_relative(days)}.")


def _say_cost(found: Comparison) -> Sentence | None:
    cost = found.totals["avg_cost"]
    if not cost.difference:
        return None
    digits = 2 if max(abs(cost.a), abs(cost.b)) < 1000 else 0
    in_a, in_b = found.a.currency, found.b.currency
    if in_a and in_b and in_a != in_b:
        return sentence(f"Costs are in {in_a} in A and in {in_b} in B: ", "do not compare them", ".")
    unit = f" {found.currency}" if found.currency else ""
    costs = f"A shipment costs {number(cost.b, digits)}{unit} in B, {number(cost.a, digits)}{unit} in A: "
    by = number(abs(rounded_difference(cost.b, cost.a, digits)), digits)
    return sentence(costs, f"{by}{unit} {_more(cost)}", f"{_relative(cost)}.")


def _say_days(found: Comparison) -> Sentence | None:
    a, b = found.a, found.b
    if (a.first, a.last) == (b.first, b.last):
        return None
    if a.first is None or b.first is None:
        return sentence("", f"{'A' if a.first is None else 'B'} has no shipments", ".")
    return sentence(f"A has shipments of {say_days(a)}, B of {say_days(b)}: compare shares and means rather than sums.")


def _by(values: Difference) -> float:
    return abs(float(values.difference or 0))


def _more(values: Difference) -> str:
    return "more" if values.difference is not None and values.difference > 0 else "less"


def _relative(values: Difference) -> str:
    return "" if values.relative_pct is None else f" ({_format_signed(values.relative_pct, 1)} %)"


def _digits(values: Difference) -> int:
    """Return the digits after the point that make a difference visible: none if it is 100 or more."""
    numbers = [each for each in (values.a, values.b, values.difference) if is_number(each)]
    if all(isinstance(each, int) for each in numbers):
        return 0
    by = _by(values)
    if by >= 100:
        return 0
    return min(MAX_DIGITS, max(MIN_DIGITS, 1 - floor(log10(by)))) if by else MIN_DIGITS


def _format(value: Any, digits: int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or is_number(value):
        return number(value, digits)
    return str(value)


def _format_signed(value: int | float | Decimal, digits: int) -> str:
    text = number(float(value), digits)
    return f"+{text}" if value > 0 else text
