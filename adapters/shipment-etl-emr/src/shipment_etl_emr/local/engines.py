"""Engines: what runs the Spark scripts of local AWS."""

from enum import StrEnum

__all__ = ["EngineName"]


class EngineName(StrEnum):
    """The engine that runs Spark scripts."""

    sail = "sail"
    spark = "spark"
