"""The command line: a thin face of the jobs."""

from shipment_etl.cli.main import main

__all__ = ["main"]
