"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
└── UsageError
    └── AirflowRefused              refused before money is spent: the task fails at once and is not retried
        ├── ChecksRed
        ├── ConnectionMissing
        └── VariableMissing
"""

from collections.abc import Iterable

from shipment_etl.errors import UsageError

__all__ = ["AirflowRefused", "ChecksRed", "ConnectionMissing", "VariableMissing"]


class AirflowRefused(UsageError):
    """The settings of Airflow do not work; nothing was started."""


class ChecksRed(AirflowRefused):
    """Something that a run needs is missing."""

    template = "A run would fail: {names} are red."
    remedy = "Do what each red line of this log says, then run the check again."

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names=names)


class ConnectionMissing(AirflowRefused):
    """Airflow has no such connection."""

    template = "Airflow has no connection {name!r}."
    remedy = (
        "Add one: airflow connections add {name} --conn-uri aws://, or set {variable}=aws://, which uses the credentials "
        "of the machine."
    )

    def __init__(self, name: str) -> None:
        super().__init__(name=name, variable=f"AIRFLOW_CONN_{name.upper()}")


class VariableMissing(AirflowRefused):
    """Airflow has no such variable."""

    template = "The Airflow variable {name} is not set; it is {what}."
    remedy = "Set it: airflow variables set {name} {example}, or {variable}={example}"

    def __init__(self, name: str, what: str, example: str) -> None:
        super().__init__(name=name, what=what, example=example, variable=f"AIRFLOW_VAR_{name.upper()}")
