"""Checks of an account before the first run: read-only and free of charge.

`examine` runs all checks; the list is in the module `plan`.
"""

from shipment_etl_emr.checks.account import Account, Check
from shipment_etl_emr.checks.plan import check_service, examine

__all__ = ["Account", "Check", "check_service", "examine"]
