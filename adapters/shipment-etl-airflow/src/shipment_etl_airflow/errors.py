"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
└── UsageError
    └── AirflowRefused              refused before money is spent: the task is red at once, and not tried again
        ├── ConnectionMissing
        └── VariableMissing
"""

from shipment_etl.errors import UsageError, shorten

__all__ = ["AirflowRefused", "ConnectionMissing", "VariableMissing"]


class AirflowRefused(UsageError):
    """What Airflow was told does not do; nothing was started."""


class ConnectionMissing(AirflowRefused):
    """Airflow has no such connection."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Airflow has no connection {shorten(name)}. Add one: airflow connections add {name} --conn-uri aws://, "
            f"or set AIRFLOW_CONN_{name.upper()}=aws://, which takes the credentials of the machine."
        )


class VariableMissing(AirflowRefused):
    """Airflow has no such variable."""

    def __init__(self, name: str, what: str, example: str) -> None:
        super().__init__(
            f"The variable {name} of Airflow is not set; it is {what}. Set it: airflow variables set {name} {example}, "
            f"or AIRFLOW_VAR_{name.upper()}={example}"
        )
