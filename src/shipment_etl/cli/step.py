"""A step of a cluster: a command of the command line, run by spark-submit, its report printed last and kept in the lake."""

import sys

from shipment_etl.cli.main import main

__all__ = ["step"]


def step(command: str) -> None:
    """Run a command with the options that the script was given, and exit: with 0 only if it is done."""
    sys.argv[1:] = [command, *sys.argv[1:], "--json", "--keep-report"]
    main()
