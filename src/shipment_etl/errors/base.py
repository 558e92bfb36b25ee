"""The base of all errors: a message made of a template and parts, a remedy, and whether trying again may help."""

import copyreg
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, TypeGuard

from shipment_etl.errors.wording import clean, redact, render, shorten

__all__ = ["TRY_AGAIN", "DataRejected", "JobError", "Part", "ReportsTied", "ShipmentEtlError", "UsageError"]

TRY_AGAIN = 75
"""Exit code of errors after which the same again may succeed; EX_TEMPFAIL of sysexits.h."""
MAX_DIGITS = 100

Part: TypeAlias = "str | int | float | list[str | int | float | None] | None"
"""What an error keeps of an argument: a value that JSON can hold."""


class ShipmentEtlError(Exception):
    """Root of all errors of this package. It survives pickling and copying, without its cause and traceback.

    A subclass declares `template`, `remedy`, `retryable` and `exit_code`, and hands the parts of its template to this
    constructor, as in `super().__init__(file=file, why=why)`. Parts must not hold secrets.

    Attributes:
        template: the message, as for `str.format`: `{name!r}` quotes and shortens, a list is shown as its first names.
        message: what is wrong, and where, without the remedy.
        remedy: what to do about it; of a class the template.
        retryable: whether the same again, with nothing changed, may succeed.
        exit_code: of the command line.

    Args:
        message: used as it is, in place of the template.
        remedy: used as it is, in place of the class's.
        parts: what the templates name, and what programs may want to know.
    """

    template: ClassVar[str] = ""
    remedy: str = ""
    retryable: bool = False
    exit_code: int = 1

    def __init__(self, message: str | None = None, remedy: str | None = None, **parts: object) -> None:
        values = {name: list(value) if _is_collection(value) else value for name, value in parts.items()}
        self.message = render(self.template, values) if message is None else clean(message)
        self.remedy = render(type(self).remedy, values) if remedy is None else clean(remedy)
        self._parts = {name: _to_part(value) for name, value in values.items()}
        super().__init__(("\n" if "\n" in self.message else " ").join(filter(None, (self.message, self.remedy))))

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts of the message by name: texts, numbers and lists of them, without secrets."""
        return MappingProxyType(self._parts)

    def to_json(self) -> dict[str, Any]:
        """Return the error as a JSON object."""
        return {
            "type": type(self).__name__,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "parts": dict(self.parts),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the constructor with the finished message.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class UsageError(ShipmentEtlError):
    """What was asked for makes no sense; nothing was done."""

    exit_code = 2


class DataRejected(ShipmentEtlError):
    """More rows were rejected than the caller allows; the batch is held."""

    template = (
        "{rejected:,} of {read:,} rows were quarantined ({share:.2%}); --max-rejected allows {limit:.2%}. The batch is "
        "held: its rejected rows are in processed/quarantine, all other tables are as they were."
    )
    remedy = "Look at them with: shipment-etl show quarantine --lake …; take the batch all the same with: --accept-rejected"
    exit_code = 3

    def __init__(self, rejected: int, read: int, limit: float) -> None:
        super().__init__(rejected=rejected, read=read, share=rejected / max(read, 1), limit=limit)


class ReportsTied(DataRejected):
    """More rows than the caller allows share their id with another one, and do not say which is newer; the batch is held."""

    template = (
        "{rejected:,} of {read:,} rows have the shipment_id of a later row and other content ({share:.2%}), and nothing but "
        "the row says which is newer; --max-rejected allows {limit:.2%}. The batch is held: all tables are as they were."
    )
    remedy = (
        "If that column is not the shipment's id, map another one. If these are reports on one shipment, map reported_at. "
        "To let the later rows count: --accept-rejected"
    )


class JobError(ShipmentEtlError):
    """The work could not be done."""


def _is_collection(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _to_part(value: object) -> Part:
    return [_to_scalar(each) for each in value] if isinstance(value, list) else _to_scalar(value)


def _to_scalar(value: object) -> str | int | float | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 10**MAX_DIGITS:
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    return redact(str(value) if isinstance(value, str | float | date | Decimal | PurePath) else shorten(value))
