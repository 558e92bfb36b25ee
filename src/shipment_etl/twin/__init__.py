"""Twin: a network and a scenario learnt from a roll-up, from groups of shipments only, never from single ones."""

__all__ = ["MIN_SHIPMENTS"]

MIN_SHIPMENTS = 20
"""How many shipments a group has at least, unless the caller says so."""
