"""Rounding: differences that agree with the rounded numbers next to them."""

from decimal import Decimal, localcontext

__all__ = ["round_as_shown", "rounded_difference"]

MAX_DIGITS = 80
"""Digits of a difference: enough for two decimals of 38 digits, whatever their scale."""


def round_as_shown(value: float | Decimal, digits: int = 1) -> Decimal:
    """Round a number to some digits after the point, exactly as pages show it."""
    return Decimal(f"{value:.{digits}f}")


def rounded_difference(now: float | Decimal, before: float | Decimal, digits: int = 1) -> Decimal:
    """Return the difference between two numbers after rounding, so that it agrees with the numbers shown."""
    with localcontext(prec=MAX_DIGITS):
        return round_as_shown(now, digits) - round_as_shown(before, digits)
