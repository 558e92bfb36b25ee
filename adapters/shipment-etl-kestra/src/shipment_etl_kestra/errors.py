"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
├── UsageError
│   └── KestraRefused               refused before Kestra was asked (exit code 2)
└── JobError
    └── KestraError                 the work on Kestra could not be done (exit code 1)
"""

from shipment_etl.errors import JobError, UsageError

__all__ = ["KestraError", "KestraRefused"]


class KestraRefused(UsageError):
    """What was asked for cannot work; Kestra was not asked."""


class KestraError(JobError):
    """The work on Kestra could not be done."""
