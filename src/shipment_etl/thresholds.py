"""Thresholds of a delivery's delay, for everything that speaks of late ones."""

__all__ = ["DELAYED_DAYS", "LATE_DAYS"]

DELAYED_DAYS = 1
"""Days after the promise from which on a delivery is late."""
LATE_DAYS = 2
"""Days after the promise from which on a delivery counts as two or more days late."""
