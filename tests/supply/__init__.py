"""Checks of dependencies against the policies of the project."""
