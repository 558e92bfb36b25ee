"""Thresholds: for the delay of a delivery, and for what a job accepts."""

__all__ = ["DELAYED_DAYS", "LATE_DAYS", "MAX_REJECTED"]

DELAYED_DAYS = 1
"""A delivery is late from this many days after the promised date."""
LATE_DAYS = 2
"""A delivery counts as two or more days late from this many days after the promised date."""
MAX_REJECTED = 0.1
"""Default share of a batch that may be quarantined. In a file whose layout has changed, far more rows are rejected."""
