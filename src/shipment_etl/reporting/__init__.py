"""Reporting: the contents of a lake as one HTML page that works offline."""
