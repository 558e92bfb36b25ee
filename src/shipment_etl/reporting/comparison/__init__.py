"""Comparison: the marts of two lakes side by side, their differences, and which of these are significant."""
