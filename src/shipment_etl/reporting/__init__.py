"""Reporting: what a lake holds, as one page that works offline."""
