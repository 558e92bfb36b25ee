"""Rounding: differences that agree with the rounded numbers beside them."""

from decimal import Decimal, localcontext

__all__ = ["rounded", "rounded_difference"]

MAX_DIGITS = 80
"""Digits of a difference: enough for two decimals of 38 digits, wherever their points are."""


def rounded(value: float | Decimal, digits: int = 1) -> Decimal:
    """Return a number with so many digits after the point, as pages show it."""
    return Decimal(f"{value:.{digits}f}")


def rounded_difference(now: float | Decimal, before: float | Decimal, digits: int = 1) -> Decimal:
    """Return the difference between two numbers after rounding, so that it agrees with the numbers shown."""
    with localcontext(prec=MAX_DIGITS):
        return rounded(now, digits) - rounded(before, digits)
