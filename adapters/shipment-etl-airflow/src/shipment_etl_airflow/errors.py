"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
└── UsageError
    └── AirflowRefused              refused before money is spent: the task is red at once, and not tried again
        ├── ConnectionMissing
        └── VariableMissing
"""

from shipment_etl.errors import UsageError

__all__ = ["AirflowRefused", "ConnectionMissing", "VariableMissing"]


class AirflowRefused(UsageError):
    """What Airflow was set up with does not work; nothing was started."""


class ConnectionMissing(AirflowRefused):
    """Airflow has no such connection."""

    template = "Airflow has no connection {name!r}."
    remedy = (
        "Add one: airflow connections add {name} --conn-uri aws://, or set {variable}=aws://, which takes the credentials "
        "of the machine."
    )

    def __init__(self, name: str) -> None:
        super().__init__(name=name, variable=f"AIRFLOW_CONN_{name.upper()}")


class VariableMissing(AirflowRefused):
    """Airflow has no such variable."""

    template = "The variable {name} of Airflow is not set; it is {what}."
    remedy = "Set it: airflow variables set {name} {example}, or {variable}={example}"

    def __init__(self, name: str, what: str, example: str) -> None:
        super().__init__(name=name, what=what, example=example, variable=f"AIRFLOW_VAR_{name.upper()}")
