"""Comparison: the marts of two lakes side by side, their differences, and which of them are significant."""
