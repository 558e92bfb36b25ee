"""Thresholds for the delay of a delivery."""

__all__ = ["DELAYED_DAYS", "LATE_DAYS"]

DELAYED_DAYS = 1
"""A delivery is late from this many days after the promised date."""
LATE_DAYS = 2
"""A delivery counts as two or more days late from this many days after the promised date."""
