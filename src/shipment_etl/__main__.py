"""`python -m shipment_etl` is the command line."""

from shipment_etl.cli import main

main()
