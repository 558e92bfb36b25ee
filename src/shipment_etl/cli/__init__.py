"""The command line: a thin layer over the jobs."""

from shipment_etl.cli.main import main

__all__ = ["main"]
