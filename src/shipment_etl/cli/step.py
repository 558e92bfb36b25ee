"""A cluster step: a command run by spark-submit, whose report is printed last and kept in the lake."""

import sys

from shipment_etl.cli.main import main

__all__ = ["step"]


def step(command: str) -> None:
    """Run a command with the options of the script, and exit: with 0 only if it succeeded."""
    sys.argv[1:] = [command, *sys.argv[1:], "--json", "--keep-report"]
    main()
