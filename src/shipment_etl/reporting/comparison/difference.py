"""Difference: a value in A and in B, and by how much they differ."""

from dataclasses import dataclass
from decimal import Context, Decimal
from math import isfinite
from typing import Any

__all__ = ["Difference", "amount", "difference", "is_number", "rank"]

EXACT = Context(prec=80)
"""Enough digits for the difference of two decimals of 38 digits, whatever their scale."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value in A and in B.

    Attributes:
        a, b: the values; None where one is unknown or missing.
        difference: b − a; None if one of them is not a number. For two percentages it is in percentage points.
        relative_pct: the difference in per cent of a; None if either is unknown, or a is 0.
        significant: whether it is statistically significant; None if that cannot be tested.
        size: its part, from 0 to 1, of the values of its column over the whole mart, with ratios weighted by shipments;
            differences are ranked by it.
    """

    a: Any
    b: Any
    difference: int | float | Decimal | None
    relative_pct: float | None
    significant: bool | None = None
    size: float = 0.0


def difference(a: Any, b: Any, significant: bool | None = None, size: float = 0.0) -> Difference:
    """Return the difference between two values of a mart; decimals are subtracted exactly."""
    by = _subtract(a, b)
    relative = None
    if by is not None and a:
        relative = 100 * float(by) / abs(float(a))
    return Difference(a, b, by, relative if relative is None or isfinite(relative) else None, significant, size)


def rank(found: Difference) -> float:
    """Return the rank of a difference: its size, or below all others if it is not significant."""
    return -1.0 if found.significant is False else found.size


def amount(value: Any) -> float:
    """Return a value as a number to rank by; 0 if it is unknown, or not a number."""
    return float(value) if isinstance(value, bool) or is_number(value) else 0.0


def is_number(value: Any) -> bool:
    """Whether a value can be subtracted from another one."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and isfinite(value)


def _subtract(a: Any, b: Any) -> int | float | Decimal | None:
    if not is_number(a) or not is_number(b):
        return None
    if isinstance(a, float) or isinstance(b, float):
        return float(b) - float(a)
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return EXACT.subtract(Decimal(b), Decimal(a))
    return int(b) - int(a)
