"""Checks of an account before the first run: what a run needs is looked at, changed by nothing, and costs nothing.

`examine` runs all of them; `plan` in the module of that name is the list.
"""

from shipment_etl_emr.checks.account import Account, Check
from shipment_etl_emr.checks.plan import check_service, examine

__all__ = ["Account", "Check", "check_service", "examine"]
