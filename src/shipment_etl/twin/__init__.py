"""Twin: a network and a scenario learnt from a roll-up: only from groups of shipments, never from single ones."""

__all__ = ["MIN_SHIPMENTS"]

MIN_SHIPMENTS = 20
"""Default minimum number of shipments in a group."""
